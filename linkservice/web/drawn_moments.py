"""Moments of truth drawn: the quadrants as a chart with its table, and on paper with intervals.

Decided here: what stands in the chart's table and in those on paper. Not here: what is said of a
touchpoint and of a quadrant (`moments`), where spots stand (`charts/quadrants`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linkservice.reports.interval_paper import Mark, Plot
from linkservice.reports.moments import QUADRANTS, MomentsReport
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.reports.quadrant_paper import Quadrants
from linkservice.reports.ranking import MARGIN
from linkservice.web.charts import Chart, Names, Spot, Table, quadrants, quadrants_on_paper
from linkservice.web.fieldwords import VERDICTS
from linkservice.web.i18n import gettext, write_number
from linkservice.web.moments import (
    QUADRANT_WORDS,
    Told,
    importance_note,
    outcome_words,
    placed,
    title,
    told,
    two_digits,
    unplaced,
)


def drawn(report: MomentsReport, told: Sequence[Told]) -> Chart:
    """The quadrants as a chart; only where the dividing line is known."""
    spots = [_spot(each) for each in told]
    lines = MARGIN, report.dividing or 0.0
    return quadrants(
        "moments", title(report), spots, lines, _chart_names(report), _table(report, told)
    )


def _chart_names(report: MomentsReport) -> Names:
    corners = tuple(gettext(QUADRANT_WORDS[key]) for key in QUADRANTS)
    return Names(
        quadrants=(corners[0], corners[1], corners[2], corners[3]),
        upwards=gettext("↑ Goes along more with %(outcome)s", outcome=outcome_words(report)),
        rightwards=gettext("→ Does better than its peers (line: a tenth below them)"),
    )


def parts(report: MomentsReport) -> list[Part | Quadrants]:
    """The quadrants on paper: drawn, then one table each, with the intervals of importance; last
    what the others lack.
    """
    columns = (
        Column(gettext("Touchpoint"), 0.25),
        Column(gettext("Association"), 0.12, "number"),
        Column(gettext("Interval and mean of the journey"), 0.22, "plot"),
        Column(gettext("Finding"), 0.41),
    )
    every = told(report)
    scale = _scale(every, report.dividing or 0.0)
    found: list[Part | Quadrants] = []
    if report.dividing is not None and every:
        spots, lines = [_spot(each) for each in every], (MARGIN, report.dividing)
        found.append(quadrants_on_paper(title(report), spots, lines, _chart_names(report)))
    found += [
        Part(
            group.title,
            columns,
            [_row(each, scale) for each in (*group.certain, *group.leaning)],
            group.note,
        )
        for group in placed(every)
    ]
    lacking = (
        Column(gettext("Touchpoint"), 0.4),
        Column(gettext("Visitors"), 0.12, "number"),
        Column(gettext("Missing"), 0.48),
    )
    rows = [
        Row((each.name, write_number(each.visitors), lack), each.stage)
        for each, lack in unplaced(report)
    ]
    return [*found, Part(gettext("What is missing"), lacking, rows, importance_note(report))]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Associations from the lowest end of an interval to the highest, and what divides them."""

    low: float
    high: float
    dividing: float

    def place(self, value: float | None) -> float:
        """As a share of the scale."""
        return ((value or 0.0) - self.low) / ((self.high - self.low) or 1.0)


def _scale(every: Sequence[Told], dividing: float) -> _Scale:
    ends = [
        end
        for each in every
        for end in (each.moment.association_low, each.moment.association_high)
        if end is not None
    ]
    return _Scale(min([dividing, *ends]), max([dividing, *ends]), dividing)


def _row(each: Told, scale: _Scale) -> Row:
    moment = each.moment
    marks: dict[str, Mark] = {"strengthen": "worst", "keep_up": "best"}
    plot = Plot(
        scale.place(moment.association),
        scale.place(moment.association_low),
        scale.place(moment.association_high),
        scale.place(scale.dividing),
        marks.get(each.quadrant, "other") if moment.certain else "other",
    )
    said = each.sentence
    if not moment.certain:
        said += " " + gettext("Leans here only: chance could explain it.")
    # First, since a long line is cut.
    place = f"{gettext('Moment of truth')} · {moment.stage}" if moment.flagged else moment.stage
    name = f"{each.number}. {moment.name}"
    return Row((name, two_digits(moment.association), "", said), place, plot)


def _spot(each: Told) -> Spot:
    moment = each.moment
    return Spot(
        number=each.number,
        said=f"{each.number}. {moment.name}: {each.sentence}",
        does=moment.performance or 0.0,
        does_low=moment.performance_low or 0.0,
        does_high=moment.performance_high or 0.0,
        matters=moment.association or 0.0,
        matters_low=moment.association_low or 0.0,
        matters_high=moment.association_high or 0.0,
        certain=moment.certain,
    )


def _table(report: MomentsReport, told: Sequence[Told]) -> Table:
    heads = (
        gettext("Touchpoint"),
        gettext("Quadrant"),
        gettext("Association"),
        gettext("95%% interval"),
        gettext("Times the peers"),
        gettext("95%% interval"),
        gettext("Verdict"),
    )
    rows = [
        (
            f"{each.number}. {each.moment.name}",
            gettext(QUADRANT_WORDS[each.quadrant]),
            two_digits(each.moment.association),
            _span(each.moment.association_low, each.moment.association_high),
            two_digits(each.moment.performance),
            _span(each.moment.performance_low, each.moment.performance_high),
            gettext(VERDICTS[each.moment.verdict]),
        )
        for each in told
    ]
    return Table(title(report), heads, rows)


def _span(low: float | None, high: float | None) -> str:
    return gettext("%(low)s to %(high)s", low=two_digits(low), high=two_digits(high))
