"""Conversions and their value by touchpoint: what was reported and what was imported, together.

Decided here: what a report counts as a touchpoint's conversions. Reported ones are those whose
first, or last, click was its own (`attribution`), on the day they occurred; imported sums count
for the touchpoint they were imported for, under either. Not here: which clicks count for a
conversion (`conversions/recording`), verdicts (`ranking`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.conversions.model import ConversionCount, ConversionDay, ConversionMonth
from linkservice.conversions.months import imported_between, unpacked, unpacked_imported
from linkservice.database import is_sqlite, read_once
from linkservice.reports.grid import Grid, Rows
from linkservice.reports.packed_months import packed_months
from linkservice.reports.period import Period, days_beside
from linkservice.reports.remembered import Remembered
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
    closed = _REMEMBERED.of(months.values(), lambda: _of_months(months.values()))
    rows = [
        each
        for first, last in days_beside(sorted(months), period.first, period.last)
        for each in _rows(session, workspace_id, first, last, attribution)
    ]
    grid = Grid.joined([closed], rows, period.first.toordinal(), period.last.toordinal())
    totals = grid.counts.sum(axis=2).T.tolist()
    return {
        number: Converted(*grid.counts[:, place], *totals[place])
        for place, number in enumerate(grid.touchpoint_ids.tolist())
    }


_REMEMBERED = Remembered[Grid](8_000_000, lambda made: made.counts.nbytes)
"""So many bytes: a year of 200 touchpoints takes 1.2 million."""


def _of_months(packed: Iterable[bytes]) -> Grid:
    rows = unpacked(packed)
    return Grid.of(Rows(rows["touchpoint_id"], rows["day"], [rows["conversions"], rows["value"]]))


def _rows(
    session: Session, workspace_id: int, first: date, last: date, attribution: Attribution
) -> Iterator[Rows]:
    """What was reported, and what was imported, from one day to the other."""
    asked = {"workspace_id": workspace_id, "first": first, "last": last}
    for query in _queries(attribution, is_sqlite(session)):
        rows = session.execute(query, asked).all()
        touchpoints, counts, values = (
            numbers_written_out([row[place] for row in rows]) for place in (1, 2, 3)
        )
        days = for_each_number([row[0].toordinal() for row in rows], [row[1] for row in rows])
        yield Rows(touchpoints, days, [counts, values])


@cache
def _queries(attribution: Attribution, for_sqlite: bool) -> list[Select[*tuple[Any, ...]]]:
    """A row for each day: its touchpoints, conversions and values, written out."""
    found = []
    for of, which in (
        (ConversionDay, [ConversionDay.attribution == attribution]),
        (ConversionCount, []),
    ):
        columns = (of.touchpoint_id, of.conversions, of.value)
        written = (written_out(for_sqlite, each.expression) for each in columns)
        days = of.local_date.between(bindparam("first"), bindparam("last"))
        query: Select[*tuple[Any, ...]] = select(of.local_date, *written)
        own = of.workspace_id == bindparam("workspace_id")
        found.append(query.where(own, days, *which).group_by(of.local_date))
    return found


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
    closed = list(months.values())
    parts = [_IMPORTED.of(closed, lambda: _summed(unpacked_imported(closed)))]
    for first, last in days_beside(sorted(months), period.first, period.last):
        rows = imported_between(session, workspace_id, first, last)
        parts.append(np.array(rows, parts[0].dtype))
    return [ImportedSum(*each) for each in _summed(np.concatenate(parts)).tolist()]


_IMPORTED = Remembered[NDArray[np.void]](1_000_000, lambda made: made.nbytes + 1)
"""So many bytes: 200 touchpoints take 6,400."""


def _summed(rows: NDArray[np.void]) -> NDArray[np.void]:
    """One row for each touchpoint."""
    numbers, of = np.unique(rows["touchpoint_id"], return_inverse=True)
    sums = np.zeros(len(numbers), rows.dtype)
    sums["touchpoint_id"] = numbers
    for name in ("conversions", "with_value", "value"):
        np.add.at(sums[name], of, rows[name])
    return sums
