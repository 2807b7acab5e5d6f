"""Rows with the same key, found and summed up: what a batch of clicks adds to a table.

`GROUP BY` for arrays. Not here: which keys and counts there are (`rollup`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]

_ROOM = 2**62


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Some rows in the order of their keys: `order` are their places, and a group begins at
    each of `starts`.
    """

    order: Ints
    starts: Ints

    @property
    def first(self) -> Ints:
        """The place of each group's first row."""
        return self.order[self.starts]

    @property
    def sizes(self) -> Ints:
        """How many rows each group has."""
        return np.diff(self.starts, append=len(self.order))

    @property
    def whose(self) -> Ints:
        """The group of each row."""
        found = np.empty(len(self.order), np.int64)
        found[self.order] = np.repeat(np.arange(len(self.starts)), self.sizes)
        return found

    def rows(self, keys: Sequence[Ints], *counts: Ints) -> Ints:
        """A row for each group: the keys of its first row, then its counts."""
        first = self.first
        return np.column_stack((*(key[first] for key in keys), *counts))

    def sums(self, counts: Ints) -> Ints:
        """The sums of each group's counts, a number or a row of numbers for each row."""
        if not len(self.starts):
            return counts[:0]
        return np.add.reduceat(counts[self.order], self.starts, axis=0)


def grouped(*keys: Ints) -> Grouping:
    """Group rows by a key of several columns, in the order of the keys.

    Rows of one key stay in the order they came in.
    """
    packed = _packed(keys)
    if packed is None:
        order = np.lexsort(keys[::-1])
        differ = [key[order][1:] != key[order][:-1] for key in keys]
        changes = np.logical_or.reduce(differ)
    else:
        order = np.argsort(packed, kind="stable")
        changes = np.diff(packed[order]) != 0
    starts = np.flatnonzero(np.concatenate(([len(order) > 0], changes)))
    return Grouping(order, starts)


def _packed(keys: Sequence[Ints]) -> Ints | None:
    """A number for each key, in their order; None where none is large enough."""
    if not len(keys[0]):
        return np.empty(0, np.int64)
    packed, room = np.zeros(len(keys[0]), np.int64), 1
    for key in keys:
        least = int(key.min())
        span = int(key.max()) - least + 1
        room *= span
        if room > _ROOM:
            return None
        packed = packed * span + (key - least)
    return packed
