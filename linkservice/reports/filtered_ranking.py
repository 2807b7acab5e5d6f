"""What touchpoints have of clicks that have something in common: what a filtered ranking counts.

Decided here: that clicks, scans and visitors are of the same days, from closed days with one filter
and else from single clicks; and which rates a filter leaves. Reach, conversions and value have no
country or device: a rate by them would set a part against the whole. Clicks a day, scans per click
and the trend of visitors a day are made of filtered figures alone, and are judged.

Not here: how rows meet a filter (`single_clicks`), which days are closed (`value_days`), since when
the others are read (`reading_back`), who is judged how (`judging`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Row, and_, case, func, or_, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import Mark
from linkservice.clicks.packed_model import EveryClick
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
from linkservice.reports.trend import days_over, has_begun, weeks_before
from linkservice.reports.value_counts import (
    FIGURES,
    ValueCounts,
    by_touchpoint,
    of_closed_days,
    together,
)
from linkservice.reports.value_days import closed_days
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
    daily: Mapping[int, ValueCounts] = field(default_factory=dict)

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
    """The clicks of the period that meet the filters, as far back as they are told; of none, if
    none of the period is.
    """
    reading = _Reading(session, workspace_id, period, filters)
    since, more = reading.since, reading.more
    by = FilteredBy(filters.given, since, more, since == period.first)
    if since is None:
        return FilteredSums(period, by)
    told = Period(since, period.last, period.time_zone)
    counted = reading.counted(told, suspects)
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
    reading = _Reading(session, workspace_id, both, filters)
    if reading.since != before.first:
        return None
    counted = reading.counted(before, suspects)
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
    both = Period(before.first, period.last, period.time_zone)
    if not has_begun(session, actor, None, before.first):
        return None
    reading = _Reading(session, actor.workspace_id, both, filters)
    if reading.since != before.first:
        return None
    earlier = _days(before, [*reading.counted(before, suspects).values()])
    now, then = (
        {name: sum(getattr(day, name) for day in days[:over]) for name in _TOLD}
        for days in (by.days, earlier)
    )
    return FilteredChange(now, then, (period.first - before.first).days // 7, earlier)


class _Reading:
    """How the days of a period are read: from sums of closed days, all others click by click.

    `since` and `more` as `reading_back.read_from` has them.
    """

    def __init__(
        self, session: Session, workspace_id: int, period: Period, filters: Filters
    ) -> None:
        self._session, self._filters = session, filters
        self._whose = Whose(workspace_id)
        self._closed = closed_days(session, workspace_id, filters)
        self.since, self.more = read_from(
            session, self._whose, period, filters, COST_OF_OWN, self._closed.have
        )

    def counted(self, period: Period, suspects: bool) -> dict[int, ValueCounts]:
        """The clicks of these days that meet the filters, by touchpoint."""
        closed = of_closed_days(self._session, self._closed, period, self._filters, suspects)
        rows = [row for some in self._closed.others(period) for row in self._single_clicks(some)]
        if not rows:
            return dict(closed)
        read = np.array(rows, np.int64)
        return together(closed, by_touchpoint(period, read[:, 0], read[:, 1:], suspects))

    def _single_clicks(self, period: Period) -> Sequence[Row[Any]]:
        """The day and a cell (`packed_values.CELL`) of whatever single clicks add up to."""
        placed = EveryClick.touchpoint_id != NO_TOUCHPOINT

        def marked(mark: Mark) -> ColumnElement[bool]:
            return EveryClick.flags.bitwise_and(int(mark)) != 0

        # Of links without a touchpoint, visitors are those of the link.
        new_there = and_(placed, marked(Mark.NEW_FOR_TOUCHPOINT))
        marks = (
            marked(Mark.SCAN),
            or_(new_there, and_(~placed, marked(Mark.NEW_FOR_LINK))),
            and_(placed, marked(Mark.NEW_FOR_JOURNEY)),
            marked(Mark.TOKENLESS),
        )
        key = EveryClick.local_day, EveryClick.touchpoint_id, EveryClick.click_class
        sums = [func.sum(case((mark, 1), else_=0)) for mark in marks]
        return self._session.execute(
            select(*key, func.count(), *sums)
            .where(*meet(self._session, self._whose, period, self._filters))
            .group_by(*key)
        ).all()


_TOLD = ("clicks", "scans", "visitors")


def _days(period: Period, some: Sequence[ValueCounts]) -> list[Day]:
    """The days of a period, of several touchpoints together."""
    sums = np.array([sum((days[name] for days in some), np.zeros(len(period))) for name in _TOLD])
    return [Day(day, *map(int, counts)) for day, counts in zip(period.days(), sums.T, strict=True)]


def _sums(days: ValueCounts, metric: Metric) -> TouchpointSums:
    """With the days that rates of this metric are made of, as `touchpoint_sums` has them."""
    judged = days["visitors"] + days["tokenless"] if metric in OF_VISITORS else days["clicks"]
    totals = np.array([days[name] for name in FIGURES]).sum(axis=1).tolist()
    sums = dict(zip(FIGURES, totals, strict=True))
    daily, scans = judged.astype(np.int64), days["scans"].astype(np.int64)
    return TouchpointSums(daily, **sums, daily_scans=scans)
