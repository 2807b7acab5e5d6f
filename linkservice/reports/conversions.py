"""Conversions and their value by touchpoint: what was reported and what was imported, together.

Decided here: what a report counts as a touchpoint's conversions. Reported ones are those whose
first, or last, click was its own (`attribution`), on the day they occurred; imported sums count
for the touchpoint they were imported for, under either. Not here: which clicks count for a
conversion (`conversions/recording`), verdicts (`ranking`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import case, func, select, union_all
from sqlalchemy.orm import Session

from linkservice.conversions.model import ConversionCount, ConversionDay
from linkservice.reports.period import Period

Attribution: TypeAlias = Literal["last", "first"]
ATTRIBUTIONS: tuple[Attribution, ...] = ("last", "first")


@dataclass(frozen=True, slots=True)
class Converted:
    """The conversions of a touchpoint in a period, in all and day by day; `value` and `daily_value`
    in the smallest unit of the workspace's currency.
    """

    daily: list[int]
    daily_value: list[int]
    conversions: int = 0
    value: int = 0


def converted(
    session: Session, workspace_id: int, period: Period, attribution: Attribution
) -> dict[int, Converted]:
    """The conversions of each touchpoint that has any, and of `NO_TOUCHPOINT`."""
    columns = [
        select(of.touchpoint_id, of.local_date, of.conversions, of.value).where(
            of.workspace_id == workspace_id, of.local_date.between(period.first, period.last)
        )
        for of in (ConversionDay, ConversionCount)
    ]
    reported = columns[0].where(ConversionDay.attribution == attribution)
    rows = union_all(reported, columns[1]).subquery().c
    by_day = session.execute(
        select(
            rows.touchpoint_id, rows.local_date, func.sum(rows.conversions), func.sum(rows.value)
        ).group_by(rows.touchpoint_id, rows.local_date)
    )
    daily: dict[int, list[int]] = {}
    value: dict[int, list[int]] = {}
    for touchpoint_id, day, count, worth in by_day:
        days = daily.setdefault(touchpoint_id, [0] * len(period))
        # PostgreSQL sums 64-bit columns to a decimal.
        days[period.number(day)] += int(count)
        value.setdefault(touchpoint_id, [0] * len(period))[period.number(day)] += int(worth)
    return {
        touchpoint_id: Converted(days, value[touchpoint_id], sum(days), sum(value[touchpoint_id]))
        for touchpoint_id, days in daily.items()
    }


@dataclass(frozen=True, slots=True)
class ImportedSum:
    """The conversions of a touchpoint that were imported as sums, how many of them by sums with a
    value, and what these are worth.
    """

    touchpoint_id: int
    conversions: int
    with_value: int
    value: int


def imported_sums(session: Session, workspace_id: int, period: Period) -> list[ImportedSum]:
    """Of each touchpoint that sums were imported for; some may be of no conversion."""
    of = ConversionCount
    with_value = case((of.value > 0, of.conversions), else_=0)
    query = (
        select(of.touchpoint_id, func.sum(of.conversions), func.sum(with_value), func.sum(of.value))
        .where(of.workspace_id == workspace_id, of.local_date.between(period.first, period.last))
        .group_by(of.touchpoint_id)
    )
    # PostgreSQL sums 64-bit columns to a decimal.
    return [
        ImportedSum(number, *(int(each) for each in counts))
        for number, *counts in session.execute(query)
    ]
