"""Conversions and their value by touchpoint: what was reported and what was imported, together.

Decided here: what a report counts as a touchpoint's conversions. Reported ones are those whose
first, or last, click was its own (`attribution`), on the day they occurred; imported sums count
for the touchpoint they were imported for, under either. Not here: which clicks count for a
conversion (`conversions/recording`), verdicts (`ranking`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.conversions.model import ConversionCount, ConversionDay, ConversionMonth
from linkservice.conversions.months import imported_between, unpacked, unpacked_imported
from linkservice.database import read_once
from linkservice.reports.packed_months import packed_months
from linkservice.reports.period import Period, days_beside
from linkservice.reports.written_out import for_each_number, numbers_written_out, written_out

Attribution: TypeAlias = Literal["last", "first"]
ATTRIBUTIONS: tuple[Attribution, ...] = ("last", "first")


@dataclass(frozen=True, slots=True)
class Converted:
    """The conversions of a touchpoint in a period, in all and day by day; `value` and `daily_value`
    in the smallest unit of the workspace's currency.
    """

    daily: Sequence[int] | Ints
    daily_value: Sequence[int] | Ints
    conversions: int = 0
    value: int = 0


def converted(
    session: Session, workspace_id: int, period: Period, attribution: Attribution
) -> dict[int, Converted]:
    """The conversions of each touchpoint that has any, and of `NO_TOUCHPOINT`; read once in a
    session that reads.
    """
    key = converted, workspace_id, period, attribution
    return read_once(session, key, lambda: _converted(session, workspace_id, period, attribution))


def _converted(
    session: Session, workspace_id: int, period: Period, attribution: Attribution
) -> dict[int, Converted]:
    touch = ConversionMonth.first if attribution == "first" else ConversionMonth.last
    months = packed_months(session, ConversionMonth, touch, workspace_id, period)
    packed = unpacked(months.values())
    counted = [_Counted(*(packed[name].astype(np.int64) for name in _COUNTED))]
    for first, last in days_beside(sorted(months), period.first, period.last):
        counted += _sums_of_days(session, workspace_id, first, last, attribution)
    touchpoints, days, counts, values = (
        np.concatenate(columns) for columns in zip(*counted, strict=True)
    )
    numbers, whose = np.unique(touchpoints, return_inverse=True)
    daily = np.zeros((2, len(numbers), len(period)), np.int64)
    for place, each in enumerate((counts, values)):
        np.add.at(daily[place], (whose, days - period.first.toordinal()), each)
    totals = daily.sum(axis=2).T.tolist()
    return {
        number: Converted(*daily[:, place], *totals[place])
        for place, number in enumerate(numbers.tolist())
    }


class _Counted(NamedTuple):
    """Sums of touchpoints on days (`date.toordinal()`), a place for each."""

    touchpoints: NDArray[np.int64]
    days: NDArray[np.int64]
    conversions: NDArray[np.int64]
    values: NDArray[np.int64]


_COUNTED = ("touchpoint_id", "day", "conversions", "value")


def _sums_of_days(
    session: Session, workspace_id: int, first: date, last: date, attribution: Attribution
) -> Iterator[_Counted]:
    """What was reported, and what was imported, from one day to the other."""
    for of, which in (
        (ConversionDay, [ConversionDay.attribution == attribution]),
        (ConversionCount, []),
    ):
        columns = (of.touchpoint_id, of.conversions, of.value)
        written = (written_out(session, each.expression) for each in columns)
        query: Select[*tuple[Any, ...]] = select(of.local_date, *written).where(
            of.workspace_id == workspace_id, of.local_date.between(first, last), *which
        )
        rows = session.execute(query.group_by(of.local_date)).all()
        touchpoints, counts, values = (
            numbers_written_out([row[place] for row in rows]) for place in (1, 2, 3)
        )
        days = for_each_number([row[0].toordinal() for row in rows], [row[1] for row in rows])
        yield _Counted(touchpoints, days, counts, values)


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
    months = packed_months(session, ConversionMonth, ConversionMonth.imported, workspace_id, period)
    rows = unpacked_imported(months.values()).tolist()
    for first, last in days_beside(sorted(months), period.first, period.last):
        rows += imported_between(session, workspace_id, first, last)
    found: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for number, *counts in rows:
        found[number] = [sum(pair) for pair in zip(found[number], counts, strict=True)]
    return [ImportedSum(number, *found[number]) for number in sorted(found)]
