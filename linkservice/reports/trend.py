"""Clicks, scans and visitors day by day, beside the same weekdays before.

Decided here: what a period is compared with. It is the stretch of equal length that ended a
whole number of weeks earlier, so that Mondays stand beside Mondays; a day that is not over
yet is left out of a change, since the one before had 24 hours. Nothing is judged: a change
is said, the verdict is `ranking`'s.

Visitors are those of the touchpoint report: daily ones, and of each touchpoint by itself; those
of a link or a campaign are of each link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeAlias, cast

import numpy as np
from sqlalchemy import ColumnElement, exists, false, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import LinkDay, TouchpointDay
from linkservice.journeys.model import Campaign, Journey, Stage, Touchpoint
from linkservice.links.model import Link
from linkservice.reports.conversions import converted
from linkservice.reports.days import days_of_closed_months
from linkservice.reports.links import counted as counted_of_links
from linkservice.reports.links import days_of_links, links_of
from linkservice.reports.period import MOST_DAYS, Period, day_of
from linkservice.reports.results import Day
from linkservice.reports.sources import PERSONS, sources
from linkservice.workspaces.access import Actor

Counted: TypeAlias = Journey | Touchpoint | Campaign | Link | None
"""What is counted; None is the whole workspace."""

WEEK = 7


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted over some days."""

    clicks: int
    scans: int
    visitors: int


@dataclass(frozen=True, slots=True)
class Change:
    """What was counted on the days of a period that are over, and on the same weekdays
    `weeks` weeks earlier.
    """

    now: Counts
    before: Counts
    weeks: int


@dataclass(frozen=True, slots=True)
class Trend:
    """Every day of `period`, and the day `weeks` weeks before each in `before`, which is
    empty where recording began later than that.
    """

    period: Period
    today: date
    days: Sequence[Day]
    before: Sequence[Day]

    @property
    def weeks(self) -> int:
        """How many weeks lie between a day and the one it is compared with."""
        return _weeks(self.period)

    @property
    def total(self) -> Counts:
        return total(self.days)

    @property
    def change(self) -> Change | None:
        """None where there is nothing before, or no day of the period is over."""
        over = days_over(self.period, self.today)
        if not (self.before and over):
            return None
        return Change(total(self.days[:over]), total(self.before[:over]), self.weeks)


@dataclass(frozen=True, slots=True)
class ConversionTrend:
    """The conversions of a period; and those of its days that are over beside the same weekdays
    before, as `Trend` compares, None where there is nothing to compare with. Values are in the
    smallest unit of the workspace's currency.
    """

    conversions: int
    value: int
    now: int | None
    before: int | None
    value_now: int | None
    value_before: int | None


def total(days: Sequence[Day]) -> Counts:
    """The sums over some days."""
    return Counts(
        clicks=sum(day.clicks for day in days),
        scans=sum(day.scans for day in days),
        visitors=sum(day.visitors for day in days),
    )


def trend_of(
    session: Session,
    actor: Actor,
    counted: Counted,
    period: Period,
    now: datetime,
    *,
    suspects: bool = False,
) -> Trend:
    """The days of a workspace, journey, touchpoint, campaign or link, which must be the actor's
    own; with the clicks of suspected mail scanners or without. Raises `Forbidden`.
    """
    actor.require("reports:read")
    today = day_of(now, period.time_zone)
    trend = Trend(period, today, _days(session, actor, counted, period, suspects), ())
    before = weeks_before(period)
    if before is None or not has_begun(session, actor, counted, before.first):
        return trend
    return Trend(period, today, trend.days, _days(session, actor, counted, before, suspects))


def weeks_before(period: Period) -> Period | None:
    """The days a period is compared with; None where they would lie before the calendar."""
    shift = timedelta(weeks=_weeks(period))
    if period.first - date.min < shift:
        return None
    return Period(period.first - shift, period.last - shift, period.time_zone)


def days_over(period: Period, today: date) -> int:
    """How many days of the period are over."""
    return max(0, min(len(period), period.number(today)))


def begun_before(session: Session, actor: Actor, counted: Counted, period: Period) -> bool:
    """Whether anything had been counted of it when the days begin that the period is compared
    with.
    """
    before = weeks_before(period)
    return before is not None and has_begun(session, actor, counted, before.first)


def has_begun(session: Session, actor: Actor, counted: Counted, day: date) -> bool:
    """Whether anything was counted of it up to that day."""
    rows = PERSONS.days if isinstance(counted, Link | Campaign) else PERSONS.touchpoints
    # Not its first day, for which the database looks at all days of all links.
    there = exists().where(*_of(rows, actor, counted), rows.local_date <= day)
    return bool(session.scalar(select(there)))


def clicked_days(
    session: Session, actor: Actor, counted: Link | Campaign
) -> tuple[date, date] | None:
    """The first and the last day with a click, of the latest that a report can cover; None without
    any. Asked where a period has none: it looks at all days of its links.
    """
    rows = PERSONS.days
    query = select(func.min(rows.local_date), func.max(rows.local_date))
    found = session.execute(query.where(*_of(rows, actor, counted), rows.clicks > 0)).one()
    first, last = cast(tuple[date | None, date | None], found)
    if first is None or last is None:
        return None
    return max(first, last - timedelta(days=MOST_DAYS - 1)), last


def _weeks(period: Period) -> int:
    return -(-len(period) // WEEK)


def todays_counts(session: Session, actor: Actor, time_zone: str, now: datetime) -> Counts:
    """What the workspace counted since midnight. Raises `Forbidden`."""
    actor.require("reports:read")
    today = day_of(now, time_zone)
    return total(_days(session, actor, None, Period(today, today, time_zone)))


def conversion_trend(session: Session, workspace_id: int, trend: Trend) -> ConversionTrend:
    """The workspace's conversions, all touchpoints together; of their last touch."""
    period = trend.period
    found = converted(session, workspace_id, period, "last").values()
    total = sum(each.conversions for each in found)
    value = sum(each.value for each in found)
    if trend.change is None or not total:
        return ConversionTrend(total, value, None, None, None, None)
    over = days_over(period, trend.today)
    earlier = weeks_before(period)
    assert earlier is not None  # or there would be no change
    before = converted(session, workspace_id, earlier, "last").values()
    return ConversionTrend(
        total,
        value,
        sum(int(np.sum(each.daily[:over])) for each in found),
        sum(int(np.sum(each.daily[:over])) for each in before),
        sum(int(np.sum(each.daily_value[:over])) for each in found),
        sum(int(np.sum(each.daily_value[:over])) for each in before),
    )


def _days(
    session: Session, actor: Actor, counted: Counted, period: Period, suspects: bool = False
) -> list[Day]:
    """Every day of the period, those without clicks included."""
    read = sources(session, actor.workspace_id, period, suspects)
    if isinstance(counted, Link | Campaign):
        own = counted.workspace_id == actor.workspace_id
        found_days = counted_of_links(session, read, counted, period).days if own else {}
        return days_of_links(found_days, period)
    rows = read.touchpoints
    query = (
        select(
            rows.local_date,
            func.sum(rows.clicks),
            func.sum(rows.scans),
            func.sum(read.visitors),
        )
        .where(*_of(rows, actor, counted))
        .group_by(rows.local_date)
    )
    found: dict[date, Day] = {}
    stretches: Sequence[tuple[date, date]] = [(period.first, period.last)]
    if counted is None:
        closed, stretches = days_of_closed_months(session, read, actor.workspace_id, period)
        found.update(closed)
    for stretch in stretches:
        summed = session.execute(query.where(rows.local_date.between(*stretch)))
        # PostgreSQL sums 64-bit columns to a decimal.
        found |= {day: Day(day, *map(int, sums)) for day, *sums in summed}
    return [found.get(day) or Day(day, 0, 0, 0) for day in period.days()]


def _of(
    rows: type[LinkDay | TouchpointDay], actor: Actor, counted: Counted
) -> list[ColumnElement[bool]]:
    """The roll-up rows of what is counted."""
    if isinstance(counted, Link | Campaign):
        # Asking the database for both would read every row of the workspace.
        own = counted.workspace_id == actor.workspace_id
        links = [counted.id] if isinstance(counted, Link) else links_of(counted)
        return [cast(type[LinkDay], rows).link_id.in_(links) if own else false()]
    chosen = [rows.workspace_id == actor.workspace_id]
    if isinstance(counted, Touchpoint):
        chosen.append(rows.touchpoint_id == counted.id)
    elif isinstance(counted, Journey):
        of_journey = (
            select(Touchpoint.id)
            .join(Stage, Stage.id == Touchpoint.stage_id)
            .where(Stage.journey_id == counted.id)
        )
        chosen.append(rows.touchpoint_id.in_(of_journey))
    return chosen
