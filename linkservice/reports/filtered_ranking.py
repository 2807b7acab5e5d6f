"""What touchpoints have of clicks that have something in common: what a filtered ranking counts.

Decided here: that all of it comes from single clicks, so that clicks, scans and visitors are of
the same days; how many are read, and which rates a filter leaves. Reach, conversions and value
have no country or device: a rate by them would set a part against the whole. Clicks a day, scans
per click and the trend of visitors a day are made of filtered figures alone, and are judged.

Not here: how rows meet a filter (`single_clicks`), since when they are read (`reading_back`), who
is judged how (`judging`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import CLASSES, COUNTER_OF_CLASS, Click, Mark
from linkservice.reports.filters import Filters
from linkservice.reports.judging import Earlier
from linkservice.reports.period import Period
from linkservice.reports.reading_back import Whose, read_from
from linkservice.reports.results import (
    OF_VISITORS,
    Day,
    FilteredBy,
    FilteredChange,
    Metric,
    TouchpointReport,
)
from linkservice.reports.single_clicks import meet
from linkservice.reports.sources import NO_TOUCHPOINT
from linkservice.reports.touchpoint_sums import TouchpointSums
from linkservice.reports.trend import days_over, first_day, weeks_before
from linkservice.workspaces.access import Actor

JUDGED: tuple[Metric, ...] = ("clicks_per_day", "scans_per_click", "trend")
"""What is judged of filtered clicks."""

COST_OF_OWN = 6
"""What a row that may meet the filter costs beside one that is only passed: it is summed."""


@dataclass(frozen=True, slots=True)
class FilteredSums:
    """The sums of each touchpoint, and of `NO_TOUCHPOINT`, on the days `told`, which are the last
    ones of the period; `by` says which. Suspected clicks are among the scanners, or counted.
    """

    told: Period
    by: FilteredBy
    touchpoints: Mapping[int, TouchpointSums] = field(default_factory=dict)
    daily: Mapping[int, _Days] = field(default_factory=dict)

    def suspected_of(self, touchpoints: Collection[int]) -> int:
        """The clicks of suspected mail scanners, at these touchpoints together."""
        some = [days for number, days in self.daily.items() if number in touchpoints]
        return sum(int(days["suspected"].sum()) for days in some)

    def by_days_of(self, touchpoints: Collection[int]) -> FilteredBy:
        """With the days of these touchpoints together; `NO_TOUCHPOINT` may be one of them."""
        if self.by.single_clicks_from is None:
            return self.by
        some = [days for number, days in self.daily.items() if number in touchpoints]
        return replace(self.by, days=_days(self.told, some))


def filtered_sums(
    session: Session,
    workspace_id: int,
    period: Period,
    filters: Filters,
    metric: Metric,
    *,
    suspects: bool,
) -> FilteredSums:
    """The clicks of the period that meet the filters, as far back as single clicks are read; of
    none, if none of the period is kept.
    """
    since, more = read_from(session, Whose(workspace_id), period, filters, COST_OF_OWN)
    by = FilteredBy(filters.given, since, more, since == period.first)
    if since is None:
        return FilteredSums(period, by)
    told = Period(since, period.last, period.time_zone)
    counted = _counted(session, workspace_id, told, filters, suspects)
    sums = {number: _sums(each, metric) for number, each in counted.items()}
    return FilteredSums(told, by, sums, counted)


def filtered_earlier(
    session: Session,
    workspace_id: int,
    period: Period,
    filters: Filters,
    *,
    suspects: bool,
    today: date,
) -> Earlier | None:
    """What a trend of filtered visitors compares with; None where there is no time to read the
    single clicks of both periods, or where they are not kept.
    """
    before = weeks_before(period)
    if before is None:
        return None
    both = Period(before.first, period.last, period.time_zone)
    since, _ = read_from(session, Whose(workspace_id), both, filters, COST_OF_OWN)
    if since != before.first:
        return None
    counted = _counted(session, workspace_id, before, filters, suspects)
    visitors = {number: _sums(each, "trend").daily for number, each in counted.items()}
    return Earlier(before, days_over(period, today), visitors, {})


def filtered_change(
    session: Session,
    actor: Actor,
    report: TouchpointReport,
    filters: Filters,
    *,
    suspects: bool,
    today: date,
) -> FilteredChange | None:
    """What a filtered report on all touchpoints has, beside the same weekdays before, of the days
    that are over; None where not all of both can be read, or where recording began later.
    """
    period, by = report.period, report.filtered
    before, over = weeks_before(period), days_over(period, today)
    if before is None or not over or by is None or not by.is_whole:
        return None
    began = first_day(session, actor, None)
    both = Period(before.first, period.last, period.time_zone)
    if began is None or began > before.first:
        return None
    since, _ = read_from(session, Whose(actor.workspace_id), both, filters, COST_OF_OWN)
    if since != before.first:
        return None
    counted = _counted(session, actor.workspace_id, before, filters, suspects)
    earlier = _days(before, [*counted.values()])
    now, then = (
        {name: sum(getattr(day, name) for day in days[:over]) for name in _TOLD}
        for days in (by.days, earlier)
    )
    return FilteredChange(now, then, (period.first - before.first).days // 7)


_Days: TypeAlias = dict[str, NDArray[np.int64]]
"""Each count, day by day."""


def _counted(
    session: Session, workspace_id: int, period: Period, filters: Filters, suspects: bool
) -> dict[int, _Days]:
    """The rows that meet the filters, by touchpoint."""
    placed = Click.touchpoint_id != NO_TOUCHPOINT

    def marked(mark: Mark) -> ColumnElement[bool]:
        return Click.flags.bitwise_and(int(mark)) != 0

    # Of links without a touchpoint, visitors are those of the link.
    new_there = and_(placed, marked(Mark.NEW_FOR_TOUCHPOINT))
    marks = {
        "scans": marked(Mark.SCAN),
        "visitors": or_(new_there, and_(~placed, marked(Mark.NEW_FOR_LINK))),
        "journey_visitors": and_(placed, marked(Mark.NEW_FOR_JOURNEY)),
        "tokenless": marked(Mark.TOKENLESS),
    }
    key = Click.touchpoint_id, Click.local_day, Click.click_class
    sums = [func.sum(case((mark, 1), else_=0)) for mark in marks.values()]
    rows = session.execute(
        select(*key, func.count(), *sums)
        .where(*meet(session, Whose(workspace_id), period, filters))
        .group_by(*key)
    )
    found: dict[int, _Days] = {}
    for number, day, kind, count, *amounts in rows:
        name, at = CLASSES[kind], day - period.first.toordinal()
        days = found.setdefault(number, _no_days(len(period)))
        if name == "suspected":
            days["suspected"][at] += count
        if name == "person" or (name == "suspected" and suspects):
            for figure, amount in zip(("clicks", *marks), (count, *amounts), strict=True):
                days[figure][at] += int(amount)
        else:
            days[COUNTER_OF_CLASS.get(name, "scanners")][at] += count
    return found


_FIGURES = (
    *("clicks", "scans", "visitors", "journey_visitors", "tokenless", "robots", "previews"),
    *("prefetches", "scanners", "heads", "own", "suspected"),
)


_TOLD = ("clicks", "scans", "visitors")


def _days(period: Period, some: Sequence[_Days]) -> list[Day]:
    """The days of a period, of several touchpoints together."""
    sums = np.array([sum((days[name] for days in some), np.zeros(len(period))) for name in _TOLD])
    return [Day(day, *map(int, counts)) for day, counts in zip(period.days(), sums.T, strict=True)]


def _no_days(length: int) -> _Days:
    return {name: np.zeros(length, np.int64) for name in _FIGURES}


def _sums(days: _Days, metric: Metric) -> TouchpointSums:
    """With the days that rates of this metric are made of, as `touchpoint_sums` has them."""
    judged = days["visitors"] + days["tokenless"] if metric in OF_VISITORS else days["clicks"]
    totals = {name: int(days[name].sum()) for name in _FIGURES if name != "suspected"}
    return TouchpointSums(judged.tolist(), **totals, daily_scans=days["scans"].tolist())
