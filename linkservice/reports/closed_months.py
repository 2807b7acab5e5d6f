"""What closed months tell of touchpoints, day by day, once they are unpacked.

The same months are asked for by nearly every report, so what they are unpacked to is remembered.
Not here: how they were packed (`clicks.packed_days`), which of them a period has
(`packed_months`), the days beside them (`days`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

import numpy as np
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.clicks.month_model import MonthDays
from linkservice.clicks.packed_days import unpacked
from linkservice.database import read_once
from linkservice.reports.packed_months import packed_months
from linkservice.reports.period import Period
from linkservice.reports.remembered import Remembered
from linkservice.reports.results import Day
from linkservice.reports.sources import visitors_in

Count: TypeAlias = Literal["visitors", "clicks", "scans", "tokenless"]
"""Visitors are those with a token, and the clicks without one."""

MOST_BYTES = 8_000_000
"""What is remembered: a year of 200 touchpoints takes 2.5 MB."""


@dataclass(frozen=True, slots=True)
class ClosedMonths:
    """Of each count a row for each touchpoint, in the order of their ids, and a column for each day
    from `first` (`date.toordinal()`) on. `days` are those of the whole workspace, of days with
    clicks; their visitors are those with a token.
    """

    first: int
    touchpoint_ids: Ints
    counts: Mapping[Count, Ints]
    days: Mapping[date, Day]


_REMEMBERED = Remembered[ClosedMonths](
    MOST_BYTES, lambda made: sum(each.nbytes for each in made.counts.values())
)


def closed_months(
    session: Session, workspace_id: int, period: Period
) -> tuple[Sequence[date], ClosedMonths]:
    """The whole months of the period that are closed for the workspace, in order, and their days;
    read once in a session that reads.
    """
    packed = packed_months(session, MonthDays, MonthDays.days, workspace_id, period)
    key = closed_months, workspace_id, tuple(packed)
    days = read_once(
        session, key, lambda: _REMEMBERED.of(packed.values(), lambda: _made(packed.values()))
    )
    return sorted(packed), days


def _made(packed: Iterable[bytes]) -> ClosedMonths:
    rows = unpacked(packed)
    day = rows["day"].astype(np.int64)
    first, last = (int(day.min()), int(day.max())) if len(rows) else (1, 0)
    touchpoint_ids, whose = np.unique(rows["touchpoint_id"], return_inverse=True)
    with_token = visitors_in(rows)
    columns: dict[Count, Ints] = {
        "visitors": with_token + rows["tokenless"],
        "clicks": rows["clicks"],
        "scans": rows["scans"],
        "tokenless": rows["tokenless"],
    }
    counts: dict[Count, Ints] = {}
    for count, column in columns.items():
        # Every touchpoint has one row a day.
        counts[count] = np.zeros((len(touchpoint_ids), last - first + 1), np.int64)
        counts[count][whose, day - first] = column
        counts[count].flags.writeable = False
    unique, whose = np.unique(day, return_inverse=True)
    # Sums of floats, exact up to 2 ** 53.
    sums = [np.bincount(whose, each) for each in (columns["clicks"], columns["scans"], with_token)]
    days = {
        (at := date.fromordinal(number)): Day(at, *map(int, sums_of_day))
        for number, sums_of_day in zip(unique.tolist(), zip(*sums, strict=True), strict=True)
    }
    return ClosedMonths(first, touchpoint_ids, counts, days)


NO_MONTHS = _made(())
