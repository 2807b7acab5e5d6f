"""What touchpoints counted day by day, as one array: a row for each of them, a column for each day.

Decided here: how rows of a database, packed or not, become such a grid, and how grids of some days
become one of all. Not here: which days are read from where (`days`, `closed_months`,
`conversions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linkservice.clicks.grouping import Ints


class Rows(NamedTuple):
    """What was counted, a place for each touchpoint and day (`date.toordinal()`), of which there
    may be several; `counts` are one or more figures of each.
    """

    touchpoint_ids: NDArray[np.integer[Any]]
    days: NDArray[np.integer[Any]]
    counts: Sequence[NDArray[np.integer[Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Of each count a row for each touchpoint, in the order of their ids, and a column for each day
    from `first` (`date.toordinal()`) on. Reports share them: nobody can write to `counts`.
    """

    first: int
    touchpoint_ids: Ints
    counts: Ints

    def __post_init__(self) -> None:
        self.counts.flags.writeable = False

    @property
    def last(self) -> int:
        """The last day; of no days the one before `first`."""
        days: int = self.counts.shape[2]
        return self.first + days - 1

    @classmethod
    def of(cls, rows: Rows) -> Grid:
        """What these rows add up to, from their first day to their last."""
        days = rows.days
        first, last = (int(days.min()), int(days.max())) if len(days) else (1, 0)
        return cls.joined([], [rows], first, last)

    @classmethod
    def joined(cls, grids: Sequence[Grid], rows: Sequence[Rows], first: int, last: int) -> Grid:
        """What grids, of which none has a day of another, and rows of the same counts add up to;
        all of them are of these days.
        """
        parts: list[Grid | Rows] = [*grids, *rows]
        ids = np.unique(np.concatenate([each.touchpoint_ids for each in parts]))
        width = last - first + 1
        counts = np.zeros((len(parts[0].counts), len(ids), width), np.int64)
        for grid in grids:
            places = np.searchsorted(ids, grid.touchpoint_ids)
            # Put, not added, which is twenty times as quick.
            counts[:, places, grid.first - first : grid.last - first + 1] = grid.counts
        for each in rows:
            # One number for both, by which NumPy adds in a fourth of the time.
            places = np.searchsorted(ids, each.touchpoint_ids) * width + each.days - first
            for sums, counted in zip(counts, each.counts, strict=True):
                np.add.at(sums.reshape(-1), places, counted.astype(np.int64))
        return cls(first, ids, counts)

    def only(self, count: int) -> Grid:
        """The count of that place alone."""
        return Grid(self.first, self.touchpoint_ids, self.counts[count : count + 1])

    def between(self, first: int, last: int) -> Ints:
        """The counts on some of its days."""
        return self.counts[:, :, first - self.first : last - self.first + 1]
