"""Who was at which stages of a journey on one day: what transitions between stages are read from.

A roll-up day × pair of stages, in the order of their numbers: how many visitors were at both; a
stage beside itself says how many were there at all. It does not depend on the order in which
clicks are ingested, so two nodes and a replay count the same, and nobody is followed from one
day to the next: a visitor's token is another one then.

No key is stored for this: where a visitor was is what the keys of touchpoints say already
(`counted`). One who turns out to be no person is withdrawn from all stages of that day, and
may come back: a key more for each change, which only ever adds to what is stored.

Clicks of suspected mail scanners are never among them. Not here: rates and what they are worth
(`reports.transitions`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from linkservice.clicks import bulk
from linkservice.clicks.counted import Counting, Keys, changed_keys, folded, touchpoint_keys
from linkservice.clicks.grouping import Ints, grouped
from linkservice.clicks.model import Mark, StageDay
from linkservice.clicks.placing import PERSON, of_persons
from linkservice.clicks.reading import Rows
from linkservice.journeys.model import Stage, Touchpoint

_NEW_FOR_TOUCHPOINT, _NEW_FOR_JOURNEY = int(Mark.NEW_FOR_TOUCHPOINT), int(Mark.NEW_FOR_JOURNEY)

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Map:
    """The touchpoints of a journey, and the stage of each."""

    touchpoint_ids: Ints
    stage_ids: Ints

    @property
    def stages(self) -> Ints:
        return np.unique(self.stage_ids)

    @property
    def is_at(self) -> Ints:
        """A row for each touchpoint, with a 1 at its stage."""
        return np.asarray(self.stage_ids[:, None] == self.stages, np.int64)


def count(connection: Connection, clicks: Rows, marks: Ints, counting: Counting) -> None:
    """Add what a batch says of its visitors, after `counting.add` has set its `marks`."""
    new = marks & _NEW_FOR_TOUCHPOINT != 0
    is_person = clicks["kind"] == PERSON
    asked = of_persons(clicks) & ~clicks["tokenless"] & (new | ~is_person)
    _count(connection, _Moves(clicks, new, is_person, marks).of(asked), counting)


def count_again(
    connection: Connection, before: Rows, after: Rows, fresh: Ints, counting: Counting
) -> None:
    """Add what changes when clicks turn out to be something else. `fresh` are the marks that
    these clicks have earned only now.
    """
    is_person = after["kind"] == PERSON
    asked = after["token"].any(axis=1) & ~after["miss"] & ((before["kind"] == PERSON) != is_person)
    new = fresh & _NEW_FOR_TOUCHPOINT != 0
    _count(connection, _Moves(after, new, is_person, fresh).of(asked), counting)


@dataclass(frozen=True, slots=True)
class _Moves:
    """Clicks that may change at which stages their visitor was; `new` are those whose
    touchpoint's key was stored just now, with the `marks` they have earned.
    """

    clicks: Rows
    new: Bools
    is_person: Bools
    marks: Ints

    def of(self, places: Ints | Bools) -> _Moves:
        return _Moves(
            self.clicks[places], self.new[places], self.is_person[places], self.marks[places]
        )


def _count(connection: Connection, moves: _Moves, counting: Counting) -> None:
    moves = moves.of(moves.clicks["journey_id"] != 0)
    if not len(moves.clicks):
        return
    maps = _maps(connection, np.unique(moves.clicks["journey_id"]))
    stands = np.isin(
        moves.clicks["touchpoint_id"], [*chain(*(each.touchpoint_ids for each in maps.values()))]
    )
    moves = moves.of(stands)
    tokens = folded(moves.clicks)
    clicks = moves.clicks
    visits = grouped(clicks["day"], clicks["journey_id"], tokens.view(np.int64))
    # Whoever is new for the journey and came once was nowhere else: that is nearly everybody.
    alone = (visits.sizes == 1)[visits.whose] & moves.is_person
    alone &= moves.marks & _NEW_FOR_JOURNEY != 0
    parts = [
        visitors.differences(maps[visitors.journey_id], counting)
        for visitors in _by_journey(moves.of(~alone), tokens[~alone])
    ]
    rows = np.concatenate((_of_newcomers(clicks[alone], maps), *parts))
    keys = [*rows[:, :-1].T]
    pairs = grouped(*keys)
    summed = pairs.rows(keys, pairs.sums(rows[:, -1]))
    bulk.add(connection, StageDay, summed[summed[:, -1] != 0])


def _maps(connection: Connection, journeys: Ints) -> dict[int, _Map]:
    """Where touchpoints stand now; deleted ones, whose printed codes still count, too."""
    rows = connection.execute(
        select(Stage.journey_id, Touchpoint.id, Touchpoint.stage_id)
        .join(Stage, Stage.id == Touchpoint.stage_id)
        .where(Stage.journey_id.in_(journeys.tolist()))
    ).all()
    found = np.array([tuple(row) for row in rows], np.int64).reshape(-1, 3)
    return {
        journey: _Map(found[of_it, 1], found[of_it, 2])
        for journey in journeys.tolist()
        for of_it in (found[:, 0] == journey,)
    }


def _places(among: Ints, wanted: Ints) -> Ints:
    """The place of each wanted number, which must be there."""
    order = np.argsort(among)
    return order[np.searchsorted(among[order], wanted)]


def _of_newcomers(clicks: Rows, maps: dict[int, _Map]) -> Ints:
    """Rows of `StageDay` of visitors who were at one touchpoint only."""
    if not len(clicks):
        return np.empty((0, 5), np.int64)
    touchpoints = np.concatenate([each.touchpoint_ids for each in maps.values()])
    stages = np.concatenate([each.stage_ids for each in maps.values()])
    stage = stages[_places(touchpoints, clicks["touchpoint_id"])]
    keys = clicks["workspace_id"], clicks["day"], stage, stage
    there = grouped(*keys)
    return there.rows(keys, there.sizes)


@dataclass(frozen=True, slots=True)
class _Visitors:
    """The visitors of a journey's day whose stages may change: a token each, a row for each
    click with its place among them, its touchpoint, whether that is new, and whose it is.
    """

    workspace_id: int
    day: date
    journey_id: int
    tokens: Keys
    whose: Ints
    touchpoint_ids: Ints
    new: Bools
    is_person: Bools

    def differences(self, at: _Map, counting: Counting) -> Ints:
        """Rows of `StageDay`; notes who is withdrawn or comes back."""
        keys = touchpoint_keys(self.tokens[:, None], at.touchpoint_ids)
        known = ~counting.lacks(self.day, keys)
        new = np.zeros(known.shape, np.bool_)
        columns = _places(at.touchpoint_ids, self.touchpoint_ids)
        new[self.whose[self.new], columns[self.new]] = True
        changes, next_keys = self._changes(counting)
        was_away = changes % 2 == 1
        is_away = self._is_away(was_away)
        counting.note(self.day, next_keys[was_away != is_away])
        before = self._stages(known & ~new, was_away, at)
        after = self._stages(known | new, is_away, at)
        difference = np.triu(after.T @ after - before.T @ before)
        one, other = np.nonzero(difference)
        stages = at.stages
        return np.column_stack(
            (
                np.full(len(one), self.workspace_id),
                np.full(len(one), self.day.toordinal()),
                stages[one],
                stages[other],
                difference[one, other],
            )
        )

    def _changes(self, counting: Counting) -> tuple[Ints, Keys]:
        """How often each was withdrawn or came back, and the key of its next change."""
        changes = np.zeros(len(self.tokens), np.int64)
        while True:
            keys = changed_keys(self.tokens, self.journey_id, changes)
            there = ~counting.lacks(self.day, keys)
            if not there.any():
                return changes, keys
            changes += there

    def _is_away(self, was_away: Bools) -> Bools:
        """Who is withdrawn now: whoever has a click here that is no person's, and whoever was
        and has none that has become a person's again.
        """
        suspicious, restored = np.zeros((2, len(self.tokens)), np.bool_)
        suspicious[self.whose[~self.is_person]] = True
        restored[self.whose[self.is_person & ~self.new]] = True
        return suspicious | (was_away & ~restored)

    @staticmethod
    def _stages(visited: Bools, away: Bools, at: _Map) -> Ints:
        """A row for each visitor, with a 1 for each stage it was at."""
        there = (visited.astype(np.int64) @ at.is_at > 0) & ~away[:, None]
        return there.astype(np.int64)


def _by_journey(moves: _Moves, tokens: Keys) -> Iterator[_Visitors]:
    clicks = moves.clicks
    groups = grouped(clicks["day"], clicks["journey_id"])
    for places in np.split(groups.order, groups.starts[1:]):
        if not len(places):
            return
        first = clicks[places[0]]
        unique, whose = np.unique(tokens[places], return_inverse=True)
        yield _Visitors(
            workspace_id=int(first["workspace_id"]),
            day=date.fromordinal(int(first["day"])),
            journey_id=int(first["journey_id"]),
            tokens=unique,
            whose=whose,
            touchpoint_ids=clicks["touchpoint_id"][places],
            new=moves.new[places],
            is_person=moves.is_person[places],
        )
