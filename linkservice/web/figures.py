"""What several report pages show alike: key figures, the trend, the week, the map, the rest.

Decided here: what their charts are called, and when one of them says a finding. Not here: the cards
of facets (`facet_cards`), the figures (`reports`), how charts are drawn (`charts`), verdicts in
words (`verdicts`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias, TypeVar

from linkservice.reports.period import Period
from linkservice.reports.results import FilteredChange, Hour, LinkTotals, TouchpointTotals, Value
from linkservice.reports.trend import Trend, days_over
from linkservice.web.charts import Chart, Line, Note, heat, trend, world
from linkservice.web.comparisons import change_words
from linkservice.web.country_words import after_from
from linkservice.web.i18n import N_, gettext, write_day, write_number, write_percent
from linkservice.web.value_words import (
    country_name,
    locale_spoken,
)

Figure: TypeAlias = Literal["visitors", "clicks", "scans"]
FIGURES: dict[Figure, str] = {
    "visitors": N_("Visitors"),
    "clicks": N_("Clicks"),
    "scans": N_("Scans"),
}

FIRST: Figure = "visitors"
"""What the curve of the overview tells, unless another figure is asked for."""

Key = TypeVar("Key", int, str)

LEAST_FOR_A_FINDING = 100
"""Clicks below which no weekday and no hour is called the busiest."""

OTHERS = {
    "robots": N_("Robots"),
    "previews": N_("Link previews"),
    "prefetches": N_("Prefetches"),
    "scanners": N_("Mail scanners"),
    "heads": N_("HEAD requests"),
    "own": N_("Own visits"),
    "misses": N_("Misses"),
    "unrecorded": N_("Unrecorded clicks"),
}
"""What is counted beside clicks, in the order it is told."""


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A figure of the row on top: its name, its value, and how it changed, in words."""

    key: Figure
    label: str
    value: int
    change: str


def figure_asked(wanted: str) -> Figure:
    """The figure whose curve is asked for; of no such one, the first."""
    return next((figure for figure in FIGURES if figure == wanted), FIRST)


def key_figures(found: Trend) -> list[KeyFigure]:
    """Visitors, clicks and scans of a period."""
    return [
        KeyFigure(key, gettext(label), getattr(found.total, key), _changed(found, key))
        for key, label in FIGURES.items()
    ]


def _changed(found: Trend, key: Figure) -> str:
    """The change in words; "" where there is nothing to compare with."""
    if not found.change:
        return ""
    now, before = getattr(found.change.now, key), getattr(found.change.before, key)
    if not before:
        # What came today is in the figure, though not in the comparison: "none either" would
        # contradict it.
        now = getattr(found.total, key)
    return change_words(now, before, gettext("before"))


def change_note(found: Trend) -> str:
    """What the changes compare; why there are none, where there are none."""
    if found.change is None:
        return _uncompared(found.period, found.today, begun=bool(found.before))
    return before_note(found.period, found.change.weeks, found.today)


def change_note_filtered(
    period: Period, change: FilteredChange | None, today: date, *, begun: bool
) -> str:
    """The same of filtered figures; `begun`: whether there were any, filtered or not, in the days
    before.
    """
    if change is None:
        return _uncompared(period, today, begun=begun)
    return before_note(period, change.weeks, today)


def _uncompared(period: Period, today: date, *, begun: bool) -> str:
    if not days_over(period, today):
        return gettext("No comparison yet: no day of this period is over.")
    if not begun:
        return gettext("No comparison yet: there are no figures of the same length before.")
    return gettext("No comparison: too little can be told of the same length before.")


def before_note(period: Period, weeks: int, today: date) -> str:
    """Which days “before” are."""
    first = write_day(period.first - timedelta(weeks=weeks))
    if today <= period.last:
        return gettext(
            "“Before” is the same weekdays from %(first)s on. Today is left out: it is not over.",
            first=first,
        )
    return gettext("“Before” is the same weekdays from %(first)s on.", first=first)


def trend_lines(found: Trend, *figures: Figure) -> list[Line]:
    """The days of figures as lines; all but the first are left out where they are nought
    throughout.
    """
    return [
        Line(gettext(FIGURES[figure]), [getattr(day, figure) for day in found.days])
        for figure in figures
        if figure == figures[0] or getattr(found.total, figure)
    ]


def trend_chart(chart_id: str, found: Trend, *figures: Figure, notes: Sequence[Note] = ()) -> Chart:
    """The days of figures, the first beside those before."""
    lines = trend_lines(found, *figures)
    return trend(
        chart_id,
        trend_title(found, figures[0]),
        [day.date for day in found.days],
        lines,
        today=found.today,
        before=trend_before(found, figures[0], lines),
        notes=notes,
    )


def trend_before(found: Trend, figure: Figure, lines: Sequence[Line]) -> Line | None:
    """The days before of the figure that is the first of these lines, unless it had none then."""
    values = [getattr(day, figure) for day in found.before]
    return Line(before_name(lines), values) if any(values) else None


def before_name(lines: Sequence[Line]) -> str:
    """What the line of the days before is called: after the first, where there are more."""
    if len(lines) == 1:
        return gettext("Before")
    return gettext("%(name)s before", name=lines[0].name)


def trend_title(found: Trend, figure: Figure) -> str:
    """The finding, where there is something to compare with."""
    change = found.change
    if change is None:
        return finding_title(figure, 0, 0)
    return finding_title(figure, getattr(change.now, figure), getattr(change.before, figure))


def filtered_title(change: FilteredChange | None, figure: Figure) -> str:
    """The same of filtered figures."""
    if change is None:
        return finding_title(figure, 0, 0)
    return finding_title(figure, change.now.get(figure, 0), change.before.get(figure, 0))


def filtered_before(
    change: FilteredChange | None, figure: Figure, lines: Sequence[Line]
) -> Line | None:
    """The same of filtered figures, where it is told of all those days."""
    values = [getattr(day, figure) for day in change.days] if change else []
    return Line(before_name(lines), values) if any(values) and None not in values else None


def finding_title(figure: Figure, now: int, before: int) -> str:
    """What heads the curve of a figure: how it changed, where there is something of both."""
    name = gettext(FIGURES[figure])
    if not (now and before):
        return gettext("%(name)s over time", name=name)
    words = change_words(now, before, gettext("on the same weekdays before"))
    return gettext("%(name)s: %(change)s", name=name, change=words)


def heat_chart(chart_id: str, hours: Sequence[Hour]) -> Chart:
    """Clicks by weekday and hour; the title says when most come."""
    return heat(
        chart_id, heat_title(hours), [hour.clicks for hour in hours], name=gettext("Clicks")
    )


def heat_title(hours: Sequence[Hour]) -> str:
    """On which day, and at what time of the day, most clicks come; only what is no chance."""
    by_day: Counter[int] = Counter()
    by_hour: Counter[int] = Counter()
    for each in hours:
        by_day[each.weekday] += each.clicks
        by_hour[each.hour] += each.clicks
    day, hour = _busiest(by_day), _busiest(by_hour)
    if day is None and hour is None:
        return gettext("Weekdays and hours")
    if hour is None:
        return gettext("%(weekday)s is the busiest day", weekday=_weekday(day or 0))
    if day is None:
        return gettext("%(start)s:00 to %(end)s:00 is the busiest hour", start=hour, end=hour + 1)
    return gettext(
        "%(weekday)s is the busiest day, %(start)s:00 to %(end)s:00 the busiest hour",
        weekday=_weekday(day),
        start=hour,
        end=hour + 1,
    )


def _busiest(clicks: Counter[Key]) -> Key | None:
    """The key with most clicks; None where there are few, or the next has nearly as many.

    Nearly: less than two standard errors below, those of the difference of two counts.
    """
    if clicks.total() < LEAST_FOR_A_FINDING:
        return None
    top, most = clicks.most_common(1)[0]
    next_most = sorted(clicks.values())[-2] if len(clicks) > 1 else 0
    return top if (most - next_most) ** 2 > 4 * (most + next_most) else None


def world_chart(chart_id: str, countries: Sequence[Value]) -> Chart | None:
    """The clicks on a map; None where there are none. The title says where most come from."""
    counts = {each.value: each.clicks for each in countries if each.clicks}
    if not counts:
        return None
    return world(chart_id, world_title(counts), counts, country_name)


def world_title(counts: Mapping[str, int]) -> str:
    """Where most clicks come from, if that is no chance and a country."""
    top = _busiest(Counter(counts))
    if top is None or top == "unknown":
        return gettext("Clicks by country")
    share = write_percent(counts[top] / sum(counts.values()))
    return gettext(
        "%(share)s of the clicks come from %(country)s", share=share, country=after_from(top)
    )


@dataclass(frozen=True, slots=True)
class Aside:
    """What is no click of a person: its name, how many; how many of them are only suspected."""

    label: str
    count: int
    suspected: int = 0

    @property
    def doubt(self) -> str:
        """How many are only suspected, in words; empty where none is."""
        if not self.suspected:
            return ""
        return gettext("of them suspected: %(count)s", count=write_number(self.suspected))


def apart(totals: LinkTotals | TouchpointTotals, *, suspects: bool) -> list[Aside]:
    """What was counted but is no click of a person; nothing that is none. `suspects`: whether
    the report counts those of mail scanners as clicks, so that no scanner is one.
    """
    suspected = 0 if suspects else totals.suspected
    return [
        Aside(gettext(label), count, suspected if name == "scanners" else 0)
        for name, label in OTHERS.items()
        if (count := getattr(totals, name, 0))
    ]


def _weekday(number: int) -> str:
    """Its name; `number` 1 is Monday."""
    return str(locale_spoken().days["stand-alone"]["wide"][number - 1])
