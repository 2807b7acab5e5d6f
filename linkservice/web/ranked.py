"""The touchpoint report as its page shows it: rows in groups that can be compared.

Decided here: that judged rows stand together by their unit of reach, on one scale, and the others
by what is missing for a verdict. Not here: order, groups that are asked for and verdicts
(`reports`), what groups are called (`group_words`), sentences (`verdicts`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from markupsafe import Markup

from linkservice.reports.arranged import Grouping, RowGroup, Subtotal, lead
from linkservice.reports.filtered_ranking import JUDGED as JUDGED_IF_FILTERED
from linkservice.reports.needed import difference_is_too_small
from linkservice.reports.ranking import Verdict
from linkservice.reports.results import OF_CONVERSIONS, TouchpointReport, TouchpointRow
from linkservice.web import verdicts
from linkservice.web.charts import (
    Interval,
    SharedScale,
    interval_axis,
    interval_row,
    shared_scale,
)
from linkservice.web.fieldwords import UNITS
from linkservice.web.group_words import group_title, judged_title, verdict_words, waiting_words
from linkservice.web.i18n import gettext, ngettext, write_number
from linkservice.web.verdicts import Measure

JUDGED = ("best", "as_expected", "worst")

Remedy: TypeAlias = Literal["reach", "target"]

WAITING: tuple[Verdict, ...] = ("too_early", "no_peers", "no_reach")
"""What has no verdict yet, in the order it is shown."""

_REMEDIES: Mapping[Verdict, Remedy] = {
    "too_early": "reach",
    "no_reach": "reach",
    "no_peers": "target",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A row with what is said of it. `reach` is whole: parts of a person are for the file.

    `remedy` is what somebody can enter to get a verdict; rows of one `scale` can be compared.
    `other_side` is what its value says against the verdict; "" where it does not.
    """

    row: TouchpointRow
    verdict: str
    sentence: str
    peers: str
    figure: str
    per: str
    plot: Markup | None
    remedy: Remedy | None
    reach: int
    unit: str
    scale: str
    interval: str
    other_side: str = ""

    @property
    def said(self) -> str:
        """The sentence, and what its value says against it."""
        return f"{self.sentence} {self.other_side}".rstrip()


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together. Judged ones share a scale, whose ticks are `axis`. `together` is
    what may be said of all of them, `figure` and `per` their rate, if they have one.
    """

    key: str
    title: str
    note: str
    axis: Markup | None
    rows: Sequence[Shown]
    together: Subtotal | None = None
    figure: str = ""
    per: str = ""

    @property
    def unit(self) -> str:
        """The unit of their reach, in words."""
        unit = self.together.unit if self.together else None
        return gettext(UNITS[unit]) if unit else ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """A report with the measure and the scale of each of its units; and, by id, the rows by value
    that contradict its own, where they were asked for.
    """

    report: TouchpointReport
    measures: Mapping[str, Measure]
    scales: Mapping[str, SharedScale]
    other_sides: Mapping[str, TouchpointRow] = field(default_factory=dict)

    @property
    def _by_reach(self) -> bool:
        return self.report.metric == "visitors_per_reach"

    @classmethod
    def of(
        cls,
        report: TouchpointReport,
        other_sides: Mapping[str, TouchpointRow] | None = None,
    ) -> Ranking:
        """The scales hold every row, so a row looks the same wherever it is shown."""
        measures = verdicts.measures(report.touchpoints, report.metric, report.currency)
        intervals: dict[str, list[Interval]] = {unit: [] for unit in measures}
        for row in report.touchpoints:
            measure = verdicts.measure_of(row, measures)
            if measure is not None and row.rate is not None:
                intervals[measure.unit].append(_interval(row))
        scales = {
            unit: shared_scale(found, measures[unit].figure, measures[unit].tick)
            for unit, found in intervals.items()
        }
        return cls(report, measures, scales, other_sides or {})

    def rows(self, *, drawn: bool = True) -> list[Shown]:
        """Every row but that of links without a touchpoint, in the report's order."""
        rows = (row for row in self.report.touchpoints if row.id is not None)
        return [self.shown(row, drawn=drawn) for row in rows]

    def shown(self, row: TouchpointRow, *, drawn: bool = True) -> Shown:
        """One row of the report; without its plot where that is not `drawn`."""
        measure = verdicts.measure_of(row, self.measures)
        sentence = verdicts.verdict_sentence(row, measure)
        plot, figure, per, interval = None, "", "", ""
        if measure is not None:
            per = measure.of(row.channel)
            if row.rate is not None:
                figure = measure.in_column(row.rate)
                interval = verdicts.interval_words(row, measure)
                if drawn:
                    scale = self.scales[measure.unit]
                    plot = interval_row(f"rate-{row.id}", sentence, _interval(row), scale)
        return Shown(
            row=row,
            verdict=self.verdict_words(row),
            sentence=sentence,
            peers=verdicts.peers_sentence(row, measure),
            figure=figure,
            per=per,
            plot=plot,
            remedy=_REMEDIES.get(row.verdict) if self._by_reach and not row.deleted else None,
            reach=round(row.reach),
            unit=gettext(UNITS[row.unit]) if row.unit is not None else "",
            scale=measure.unit if measure is not None else "",
            interval=interval,
            other_side=self._other_side(row),
        )

    def _other_side(self, row: TouchpointRow) -> str:
        by_value = self.other_sides.get(row.id or "")
        return verdicts.other_side_sentence(by_value, self.report.currency) if by_value else ""

    @property
    def is_judged(self) -> bool:
        """Whether the report has rates: of filtered clicks, by some metrics only."""
        return self.report.filtered is None or self.report.metric in JUDGED_IF_FILTERED

    @property
    def is_converting(self) -> bool:
        """Whether conversions and their value stand beside the clicks."""
        report = self.report
        about_them = report.totals.conversions > 0 or report.metric in OF_CONVERSIONS
        return report.filtered is None and about_them

    def verdict_words(self, row: TouchpointRow) -> str:
        """The verdict on `row`, or what it lacks, in two or three words."""
        if not self.is_judged:
            return gettext("not judged")
        return verdict_words(row, self.report.metric)

    def outstanding(self, verdict: Verdict, most: int) -> list[Shown]:
        """At most so many touchpoints with that verdict, the furthest from their peers first."""
        rows = [row for row in self.report.touchpoints if row.verdict == verdict]
        rows.sort(key=lead, reverse=verdict == "best")
        return [self.shown(row, drawn=False) for row in rows[:most]]

    def axis(self, row: TouchpointRow) -> Markup | None:
        """The ticks under the plot of `row`."""
        measure = verdicts.measure_of(row, self.measures)
        return interval_axis(self.scales[measure.unit]) if measure is not None else None

    def groups(self, rows: Sequence[Shown]) -> list[Group]:
        """Judged rows by unit, the one whose best row is furthest above its peers first; then
        those that wait for something.
        """
        found = []
        for unit, measure in self.measures.items():
            judged = [each for each in rows if each.row.verdict in JUDGED and each.row.per == unit]
            if judged:
                found.append(
                    Group(unit, judged_title(measure), "", interval_axis(self.scales[unit]), judged)
                )
        found.sort(key=lambda group: -max(lead(each.row) for each in group.rows))
        return [*found, *self._waiting(rows)]

    def _waiting(self, rows: Sequence[Shown]) -> Iterator[Group]:
        """Who waits for a verdict, by what is missing; on hardly a difference one waits in vain."""
        metric = self.report.metric
        early = [each for each in rows if each.row.verdict == "too_early"]
        alike = [each for each in early if difference_is_too_small(each.row, metric)]
        vain = {each.row.id for each in alike}
        for verdict in WAITING:
            waiting = [each for each in rows if each.row.verdict == verdict]
            in_time = [each for each in waiting if each.row.id not in vain]
            if in_time:
                yield Group(verdict, *waiting_words(verdict, metric), None, in_time)
            if alike and verdict == "too_early":
                yield Group("too_small", gettext("Hardly any difference"), "", None, alike)

    def by(self, by: Grouping, groups: Sequence[RowGroup], rows: Sequence[Shown]) -> list[Group]:
        """The groups with what is said of them; of their rows those among `rows`."""
        said = {each.row.id: each for each in rows}
        found = []
        for group in groups:
            members = [said[row.id] for row in group.rows if row.id in said]
            if members:
                found.append(self._together(group, group_title(group, by), members))
        return found

    def _together(self, group: RowGroup, title: str, members: Sequence[Shown]) -> Group:
        together = group.together
        # Clicks a day and conversions per click all compare; of reach, one unit does.
        unit = together.per or (next(iter(self.measures)) if len(self.measures) == 1 else "")
        measure = self.measures.get(unit)
        channels = {each.row.channel for each in members}
        figure = per = ""
        if measure is not None and together.rate is not None:
            figure = measure.in_column(together.rate)
            per = measure.of(channels.pop() if len(channels) == 1 else None)
        axis = interval_axis(self.scales[measure.unit]) if measure is not None else None
        key = group.key or group.membership
        return Group(key, title, "", axis, members, together, figure, per)


def _interval(row: TouchpointRow) -> Interval:
    if row.peers is None:
        return Interval(row.rate, row.low, row.high, None, row.verdict)
    is_target = row.peers.group == "target"
    return Interval(row.rate, row.low, row.high, row.peers.mean, row.verdict, is_target)


@dataclass(frozen=True, slots=True)
class Finding:
    """How many touchpoints are judged, and how many of them stand out."""

    judged: int
    best: int
    worst: int
    waiting: int

    @property
    def sentence(self) -> str:
        """The same in words."""
        if not self.judged and not self.waiting:
            return gettext("There is nothing to judge yet.")
        if not self.judged:
            return ngettext(
                "No verdict yet on the one touchpoint.",
                "No verdicts yet on %(num)s touchpoints.",
                self.waiting,
            )
        parts = [self._judged_words()]
        if self.waiting:
            parts.append(
                ngettext(
                    "No verdict yet on one other.",
                    "No verdicts yet on %(num)s others.",
                    self.waiting,
                )
            )
        return " ".join(parts)

    def _judged_words(self) -> str:
        if self.best or self.worst:
            words = ngettext(
                "The one judged touchpoint stands out",
                "%(num)s judged touchpoints: %(best)s best, %(worst)s worst",
                self.judged,
                best=write_number(self.best),
                worst=write_number(self.worst),
            )
            others = self.judged - self.best - self.worst
            if others:
                rest = ngettext("the other as expected", "the others as expected", others)
                words = f"{words}, {rest}"
            return f"{words}."
        return ngettext(
            "The one judged touchpoint does as expected.",
            "All %(num)s judged touchpoints do as expected: no difference that chance could not "
            "explain.",
            self.judged,
        )


def finding(rows: Sequence[TouchpointRow]) -> Finding:
    """The report in four numbers."""
    kinds = [row.verdict for row in rows if row.id is not None]
    best, worst = kinds.count("best"), kinds.count("worst")
    judged = best + worst + kinds.count("as_expected")
    return Finding(judged, best, worst, len(kinds) - judged)
