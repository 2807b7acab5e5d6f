"""What was counted at each touchpoint in a period: its sums, and what its rate counts by day.

Decided here: how a year of days is read quickly. Sums come from whole months and the days about
them; day by day only the one count is read that a rate is made of (`days`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache

import numpy as np
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    bindparam,
    case,
    exists,
    func,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.clicks.model import TouchpointDay, TouchpointMonth
from linkservice.clicks.months import last_of
from linkservice.database import read_once
from linkservice.reports.days import days_of_touchpoints
from linkservice.reports.period import Period, whole_months
from linkservice.reports.results import OF_VISITORS, Metric
from linkservice.reports.sources import NO_TOUCHPOINT, Sources, visitors_of


@dataclass(frozen=True, slots=True)
class TouchpointSums:
    """The sums of a touchpoint in the period; `daily` is what its rate counts, day by day, and
    `daily_scans` its scans where the rate is their share of it.
    """

    daily: Sequence[int] | Ints
    clicks: int = 0
    scans: int = 0
    visitors: int = 0
    journey_visitors: int = 0
    tokenless: int = 0
    robots: int = 0
    previews: int = 0
    prefetches: int = 0
    scanners: int = 0
    heads: int = 0
    own: int = 0
    daily_scans: Sequence[int] | Ints = field(default=(), kw_only=True)


def touchpoint_sums(
    session: Session, read: Sources, workspace_id: int, period: Period, metric: Metric
) -> dict[int, TouchpointSums]:
    """The sums of each touchpoint with clicks of any class, and of `NO_TOUCHPOINT`."""
    place = session, read, workspace_id, period
    daily = days_of_touchpoints(*place, "visitors" if metric in OF_VISITORS else "clicks")
    scans = days_of_touchpoints(*place, "scans") if metric == "scans_per_click" else None
    nothing = np.zeros(len(period), np.int64)
    return {
        number: replace(
            each,
            daily=daily.get(number, nothing),
            daily_scans=() if scans is None else scans.get(number, nothing),
        )
        for number, each in sums_alone(session, read, workspace_id, period).items()
    }


def sums_alone(
    session: Session, read: Sources, workspace_id: int, period: Period
) -> dict[int, TouchpointSums]:
    """As `touchpoint_sums`, without their days; read once in a session that reads."""
    key = sums_alone, read, workspace_id, period
    return read_once(
        session,
        key,
        lambda: {
            touchpoint_id: TouchpointSums((), *map(int, counts))
            for touchpoint_id, *counts in _sums(session, read, workspace_id, period)
        },
    )


def _sums(
    session: Session, read: Sources, workspace_id: int, period: Period
) -> Sequence[Sequence[int]]:
    """A row for each touchpoint: its id, then the counts in the order of `TouchpointSums`."""
    first, end = period.first, period.first
    if read.months:
        first, end = _whole_months(session, workspace_id, period)
    days = {"first": period.first, "last": period.last}
    asked = {"workspace_id": workspace_id, **days, "first_month": first, "end": end}
    return session.execute(_query(read), asked).all()


def _whole_months(session: Session, workspace_id: int, period: Period) -> tuple[date, date]:
    """As `whole_months`; the last month of the period is one, too, if it has nothing later."""
    first, end = whole_months(period)
    begun = period.last.replace(day=1)
    if begun < max(end, period.first) or period.last.year == date.max.year:
        return first, end
    query, asked = _later(), {"workspace_id": workspace_id, "last": period.last}
    following = last_of(begun) + timedelta(1)
    if session.scalar(query, {**asked, "end": following}):
        return first, end
    return (first if first < end else begun), following


@cache
def _later() -> Select[bool]:
    days = TouchpointDay
    later = days.local_date > bindparam("last"), days.local_date < bindparam("end")
    return select(exists().where(days.workspace_id == bindparam("workspace_id"), *later))


@cache
def _query(read: Sources) -> Select[*tuple[int, ...]]:
    days, months = read.touchpoints, read.months
    own: BindParameter[int] = bindparam("workspace_id")
    first: BindParameter[date] = bindparam("first_month")
    end: BindParameter[date] = bindparam("end")
    # Two ranges of the key: within one condition databases would walk all that lies between.
    before = days.local_date >= bindparam("first"), days.local_date < first
    after = days.local_date >= end, days.local_date <= bindparam("last")
    parts = [
        select(*_columns(days)).where(days.workspace_id == own, *dates) for dates in (before, after)
    ]
    if months:
        whole = months.month >= first, months.month < end
        parts.append(select(*_columns(months)).where(months.workspace_id == own, *whole))
    rows = union_all(*parts).subquery()
    key, *counts = rows.columns
    sums = [func.sum(column) for column in counts]
    return select(key, *sums).group_by(key)


def _columns(rows: type[TouchpointDay | TouchpointMonth]) -> list[ColumnElement[int]]:
    placed = rows.touchpoint_id != NO_TOUCHPOINT
    return [
        rows.touchpoint_id.label("touchpoint_id"),
        rows.clicks.label("clicks"),
        rows.scans.label("scans"),
        visitors_of(rows).label("visitors"),
        case((placed, rows.journey_visitors), else_=0).label("journey_visitors"),
        rows.tokenless.label("tokenless"),
        rows.robots.label("robots"),
        rows.previews.label("previews"),
        rows.prefetches.label("prefetches"),
        rows.scanners.label("scanners"),
        rows.heads.label("heads"),
        rows.own.label("own"),
    ]
