"""Who was counted as a visitor on a day already, of links, touchpoints and journeys.

A visitor's key is 8 bytes made of its token and what it visited. Of a day's keys the database
holds what each batch added (`VisitorKeys`), the ingester all of them in sorted arrays: asking
the database for each would read and write a page per visitor, since keys are spread evenly.
Whoever adds keys first reads what others have added, and the database refuses two batches
with one number: so two ingesters count a visitor once, in whatever order they come.

Two visitors of one day may share a key by chance: with a million visitors on one day, on one
day in four million.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, insert, select, text
from sqlalchemy.orm import Session

from linkservice.clicks.model import Mark, VisitorKeys
from linkservice.clicks.placing import of_persons
from linkservice.clicks.reading import Rows

Keys: TypeAlias = NDArray[np.uint64]

MOST_REMEMBERED = 8_000_000
"""Keys in memory, at 8 bytes each; the days asked for longest ago go first."""

_PG_LOCK = 0x6C6E6B76  # of our own choosing; any other user of the database may not have it

_STORED = np.dtype("<u8")
_MARKS = (Mark.NEW_FOR_LINK, Mark.NEW_FOR_TOUCHPOINT, Mark.NEW_FOR_JOURNEY)


@dataclass(slots=True)
class _Day:
    """The keys of a day up to its row `batch`, in sorted arrays of falling size."""

    batch: int = 0
    arrays: list[Keys] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(array) for array in self.arrays)

    def lacks(self, keys: Keys) -> NDArray[np.bool_]:
        """Which of the keys, in an array of any shape, are not among them."""
        missing = np.ones(keys.shape, np.bool_)
        for array in self.arrays:
            places = np.searchsorted(array, keys)
            places[places == len(array)] = 0
            missing &= array[places] != keys
        return missing

    def take(self, batch: int, keys: Keys) -> None:
        """Add the (sorted) keys of the day's row `batch`."""
        self.batch = batch
        if len(keys):
            self.arrays.append(keys)
        # As when carrying a one: few arrays, and each key is moved a few times only.
        while len(self.arrays) > 1 and 2 * len(self.arrays[-1]) > len(self.arrays[-2]):
            last, before = self.arrays.pop(), self.arrays.pop()
            self.arrays.append(np.sort(np.concatenate((before, last)), kind="stable"))


@dataclass(frozen=True, slots=True)
class Seen:
    """Visitors of one day in a batch: keys, whose click each is, and the mark it may earn."""

    day: date
    keys: Keys
    places: NDArray[np.int64]
    marks: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Added:
    """What a transaction added to the keys of a day; to be remembered once it is committed."""

    day: date
    batch: int
    keys: Keys


def seen(clicks: Rows) -> list[Seen]:
    """The visitors of some clicks, day by day; each at its first click there."""
    places = np.flatnonzero(~clicks["tokenless"] & of_persons(clicks))
    visits = clicks[places]
    tokens = folded(visits)
    scopes = np.column_stack(
        [visits[name].astype(np.uint64) for name in ("link_id", "touchpoint_id", "journey_id")]
    )
    return [
        _seen_on(date.fromordinal(day), tokens[on], scopes[on], places[on])
        for day in np.unique(visits["day"]).tolist()
        if (on := visits["day"] == day).any()
    ]


def _seen_on(
    day: date, tokens: Keys, scopes: NDArray[np.uint64], places: NDArray[np.int64]
) -> Seen:
    keys, marks, whose = [], [], []
    for number, mark in enumerate(_MARKS):
        ids = scopes[:, number]
        there = ids != 0
        keys.append(_scoped(tokens[there], ids[there], number))
        marks.append(np.full(int(there.sum()), int(mark), np.int64))
        whose.append(places[there])
    unique, first = np.unique(np.concatenate(keys), return_index=True)
    return Seen(day, unique, np.concatenate(whose)[first], np.concatenate(marks)[first])


def folded(clicks: Rows) -> Keys:
    """The visitors' tokens in half their length."""
    return np.asarray(clicks["token"][:, 0] ^ _mixed(clicks["token"][:, 1]))


def touchpoint_keys(tokens: Keys, touchpoint_ids: NDArray[np.int64]) -> Keys:
    """The keys of visitors (`folded`) of touchpoints, each with each as NumPy broadcasts them."""
    return _scoped(tokens, touchpoint_ids.astype(np.uint64), _MARKS.index(Mark.NEW_FOR_TOUCHPOINT))


def changed_keys(tokens: Keys, journey_id: int, changes: NDArray[np.int64]) -> Keys:
    """The keys that say that visitors of a journey were once more, after so many times, taken
    for no persons, or for persons again (`crossings`).
    """
    journeys = np.full(len(tokens), journey_id, np.uint64)
    return tokens ^ _mixed(_mixed(_numbered(journeys, len(_MARKS))) + changes.astype(np.uint64))


def _scoped(tokens: Keys, ids: Keys, scope: int) -> Keys:
    return tokens ^ _mixed(_numbered(ids, scope))


def _numbered(ids: Keys, scope: int) -> Keys:
    return ids << np.uint64(2) | np.uint64(scope)


def _mixed(numbers: Keys) -> Keys:
    """A bijection that leaves no trace of order in 64 bits (the finish of SplitMix64)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


class Counted:
    """Knows the keys of the days that are being ingested."""

    def __init__(self) -> None:
        self._days: OrderedDict[date, _Day] = OrderedDict()

    def prepare(self, session: Session, days: Iterable[date]) -> None:
        """Read the keys of these days before the write transaction, which is to be short."""
        for day in days:
            if day not in self._days:
                known = self._days[day] = _Day()
                _read_on(session.connection(), day, known)
            self._days.move_to_end(day)
        while len(self._days) > 1 and sum(d.size for d in self._days.values()) > MOST_REMEMBERED:
            self._days.popitem(last=False)

    def within(self, connection: Connection) -> Counting:
        """What is known, and added, in the transaction of this connection."""
        return Counting(connection, self._days)

    def remember(self, added: Iterable[Added]) -> None:
        """Note what was added, once it is committed."""
        for each in added:
            self._days[each.day].take(each.batch, each.keys)


class Counting:
    """The keys as one transaction sees them; `added` are its own, to be remembered once it is
    committed. Until it ends nobody else adds any.
    """

    def __init__(self, connection: Connection, days: OrderedDict[date, _Day]) -> None:
        self._connection = connection
        self._days = days
        self._looked_at: set[date] = set()
        self.added: list[Added] = []

    def add(self, visitors: Sequence[Seen], marks: NDArray[np.int64]) -> None:
        """Store who is new, and set those clicks' marks: a place for each click of the batch."""
        for each in visitors:
            new = self.lacks(each.day, each.keys)
            # A click may earn several marks: `|=` would set one of them only.
            np.bitwise_or.at(marks, each.places[new], each.marks[new])
            self.note(each.day, each.keys[new])

    def lacks(self, day: date, keys: Keys) -> NDArray[np.bool_]:
        """Which of the keys nobody has added to the day."""
        if day not in self._looked_at:
            if self._connection.dialect.name != "sqlite":
                self._connection.execute(text(f"SELECT pg_advisory_xact_lock({_PG_LOCK})"))
            _read_on(self._connection, day, self._days.setdefault(day, _Day()))
            self._looked_at.add(day)
        missing = self._days[day].lacks(keys)
        for each in self.added:
            if each.day == day:
                missing &= ~np.isin(keys, each.keys)
        return missing

    def note(self, day: date, keys: Keys) -> None:
        """Store keys that the day lacks, as `lacks` has said."""
        if not len(keys):
            return
        keys = np.sort(keys)
        batch = self._days[day].batch + 1 + sum(each.day == day for each in self.added)
        stored = keys.astype(_STORED).tobytes()
        self._connection.execute(
            insert(VisitorKeys), {"local_date": day, "batch": batch, "keys": stored}
        )
        self.added.append(Added(day, batch, keys))


def keys_of(row: bytes) -> Keys:
    """The keys of a row of `VisitorKeys`."""
    return np.frombuffer(row, _STORED).astype(np.uint64)


def _read_on(connection: Connection, day: date, known: _Day) -> None:
    """Take in what others have added to a day since."""
    rows = _rows_from(connection, day, known.batch)
    if known.batch and (not rows or rows[0].batch != known.batch):
        # The day's keys were deleted, or replaced by those of a backup.
        known.batch, known.arrays = 0, []
        rows = _rows_from(connection, day, 0)
    fresh = [row for row in rows if row.batch > known.batch]
    if fresh:
        keys = np.sort(np.concatenate([keys_of(row.keys) for row in fresh]))
        known.take(fresh[-1].batch, keys)


def _rows_from(connection: Connection, day: date, batch: int) -> Sequence[Row[int, bytes]]:
    return connection.execute(
        select(VisitorKeys.batch, VisitorKeys.keys)
        .where(VisitorKeys.local_date == day, VisitorKeys.batch >= batch)
        .order_by(VisitorKeys.batch)
    ).all()
