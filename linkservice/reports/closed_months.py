"""What closed months tell of touchpoints, day by day, once they are unpacked.

The same months are asked for by nearly every report, so what they are unpacked to is remembered.
Not here: how they were packed (`clicks.packed_days`), which of them a period has
(`packed_months`), what they are unpacked to (`grid`), the days beside them (`days`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias, get_args

import numpy as np
from sqlalchemy.orm import Session

from linkservice.clicks.month_model import MonthDays
from linkservice.clicks.packed_days import unpacked
from linkservice.database import read_once
from linkservice.reports.grid import Grid, Rows
from linkservice.reports.packed_months import packed_months
from linkservice.reports.period import Period
from linkservice.reports.remembered import Remembered
from linkservice.reports.results import Day
from linkservice.reports.sources import visitors_in

Count: TypeAlias = Literal["visitors", "clicks", "scans", "tokenless"]
"""Visitors are those with a token, and the clicks without one."""
COUNTS: tuple[Count, ...] = get_args(Count)

MOST_BYTES = 8_000_000
"""What is remembered: a year of 200 touchpoints takes 2.5 MB."""


@dataclass(frozen=True, slots=True)
class ClosedMonths:
    """The `COUNTS` of touchpoints; and `days`, those of the whole workspace, of days with clicks,
    whose visitors are those with a token.
    """

    grid: Grid
    days: Mapping[date, Day]

    def of(self, count: Count) -> Grid:
        """That count alone."""
        return self.grid.only(COUNTS.index(count))


_REMEMBERED = Remembered[ClosedMonths](MOST_BYTES, lambda made: made.grid.counts.nbytes)


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
    tokenless = rows["tokenless"]
    counts = visitors_in(rows) + tokenless, rows["clicks"], rows["scans"], tokenless
    grid = Grid.of(Rows(rows["touchpoint_id"], rows["day"], counts))
    days = np.unique(rows["day"])
    visitors, clicks, scans, without = grid.counts.sum(axis=1)[:, days - grid.first]
    sums = zip(clicks.tolist(), scans.tolist(), (visitors - without).tolist(), strict=True)
    dated = map(date.fromordinal, days.tolist())
    return ClosedMonths(grid, {day: Day(day, *each) for day, each in zip(dated, sums, strict=True)})


NO_MONTHS = _made(())
