"""Clicks that were counted and are now known to be something else.

A click row changes its class, agent, country or city; what it added to the roll-ups is taken away
and what it is now is added, in the caller's transaction. The marks of a row ("new today")
stay with it whatever its class becomes: only rows of persons are counted by them, so that a
click that becomes a person's again is the visitor it was.

Not here: who knows better (`clicks/reclassify.py`, `clicks/scanners.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, bindparam, select, tuple_, update

from linkservice.clicks import bulk, crossings, packing
from linkservice.clicks.counted import Counting, seen
from linkservice.clicks.grouping import Ints
from linkservice.clicks.model import Click, Mark
from linkservice.clicks.packed_model import EveryClick
from linkservice.clicks.packing import RowId
from linkservice.clicks.placing import CLICK, PERSON, SUSPECTED, Traits, of_persons
from linkservice.clicks.reading import Rows
from linkservice.clicks.rollup import RollUps
from linkservice.clicks.scanners import Token

_OF_ROW = {
    name: name
    for name in (
        *("position", "time_ms", "workspace_id", "domain_id", "link_id", "link_version"),
        *("touchpoint_id", "country_id", "city_id", "language_id", "referrer_id"),
    )
} | {"day": "local_day", "hour": "local_hour"}
"""The names of a row's columns by those that `CLICK` has for them."""

_OF_NETWORK = ("country_id", "city_id")
_OF_AGENT = ("agent_id", "robot_id", "device_id", "browser_id", "system_id")

_CLASS = list(Click.__table__.columns.keys()).index("class")
_AT_ONCE = 400  # below SQLite's limit of depth and parameters
_NEW = int(Mark.NEW_FOR_LINK | Mark.NEW_FOR_TOUCHPOINT | Mark.NEW_FOR_JOURNEY)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known now of a click: its class (the place in `CLASSES`) and, unless they stay
    as they are, agent, country and city. `token` and `journey_id` are in no row.
    """

    kind: int
    token: Token
    journey_id: int
    traits: Traits | None = None
    country_id: int | None = None
    city_id: int | None = None


def known_of(clicks: Rows) -> list[Known]:
    """What placed clicks say."""
    agents = zip(*(clicks[name].tolist() for name in _OF_AGENT), strict=True)
    names = ("kind", "tokenless", "token", "journey_id", *_OF_NETWORK)
    return [
        Known(
            kind,
            None if tokenless else (token[0], token[1]),
            journey_id,
            Traits((), agent_id, robot_id, (told[0], told[1], told[2])),
            *places,
        )
        for (agent_id, robot_id, *told), (kind, tokenless, token, journey_id, *places) in zip(
            agents, zip(*(clicks[name].tolist() for name in names), strict=True), strict=True
        )
    ]


def differing(rows: Iterable[Row[Any]], known: Mapping[RowId, Known]) -> set[RowId]:
    """Which of these rows say something else than what is known."""
    return {
        (row.segment_id, row.position)
        for row in rows
        if _differs(row, known[(row.segment_id, row.position)])
    }


def stored(connection: Connection, ids: Sequence[RowId]) -> list[Row[Any]]:
    """The clicks with these ids that are still there, wherever they lie."""
    every = EveryClick.__table__.c
    columns = [every[name] for name in bulk.columns(Click)]
    found: list[Row[Any]] = []
    for part in _parts(ids):
        query = select(*columns).where(
            packing.lying_with(connection, part),
            tuple_(every.segment_id, every.position).in_(part),
        )
        found.extend(connection.execute(query))
    return found


def _locked(connection: Connection, ids: Sequence[RowId]) -> list[Row[Any]]:
    """The same as rows, which nobody else changes until the transaction ends."""
    packing.unpack(connection, ids)
    table = Click.__table__
    found: list[Row[Any]] = []
    for part in _parts(ids):
        query = select(table).where(tuple_(table.c.segment_id, table.c.position).in_(part))
        # In one order: two that amend on one PostgreSQL then never wait crosswise.
        query = query.order_by(table.c.segment_id, table.c.position)
        found.extend(connection.execute(query.with_for_update()))
    return found


def _parts(ids: Sequence[RowId]) -> Iterator[Sequence[RowId]]:
    for first in range(0, len(ids), _AT_ONCE):
        yield ids[first : first + _AT_ONCE]


def amend(
    connection: Connection,
    known: Mapping[RowId, Known],
    agents: Mapping[int, Traits],
    counting: Counting,
) -> int:
    """Change the rows that say something else, and the roll-ups with them; how many rows.

    `agents` are the traits of the agents the rows name.
    """
    rows = _locked(connection, sorted(known))
    changed = [
        row
        for row in rows
        # An agent that is not among them: somebody else changed the row since it was read.
        if row.agent_id in agents and _differs(row, known[(row.segment_id, row.position)])
    ]
    if not changed:
        return 0
    facts = [known[(row.segment_id, row.position)] for row in changed]
    before = _counted(changed, facts, [agents[row.agent_id] for row in changed])
    after = _as_known(before, changed, facts)
    marks = np.array([row.flags & _NEW for row in changed], np.int64)
    _write(connection, before, marks, -1)
    fresh = _newly_counted(before, after, marks, counting)
    crossings.count_again(connection, before, after, fresh, counting)
    marks |= fresh
    _write(connection, after, marks, 1)
    _update(connection, changed, after, marks)
    return len(changed)


def _differs(row: Row[Any], known: Known) -> bool:
    return (
        row[_CLASS] != _kind(row, known)
        or (known.traits is not None and row.agent_id != known.traits.agent_id)
        or any(getattr(known, name) not in (None, getattr(row, name)) for name in _OF_NETWORK)
    )


def kind_of(row: Row[Any]) -> int:
    """The class of a click row, as its place in `CLASSES`."""
    kind: int = row[_CLASS]
    return kind


def _kind(row: Row[Any], known: Known) -> int:
    """A suspicion comes from when clicks were made, and only ever of persons: a user agent
    that looks like a person's does not lift it.
    """
    was = kind_of(row)
    if SUSPECTED in (was, known.kind) and {was, known.kind} <= {PERSON, SUSPECTED}:
        return SUSPECTED
    return was if known.kind == SUSPECTED else known.kind


def _counted(rows: Sequence[Row[Any]], known: Sequence[Known], agents: Sequence[Traits]) -> Rows:
    """The clicks as they were counted."""
    clicks = np.zeros(len(rows), CLICK)
    for name, column in _OF_ROW.items():
        clicks[name] = [getattr(row, column) for row in rows]
    clicks["kind"] = [row[_CLASS] for row in rows]
    flags = np.array([row.flags for row in rows], np.int64)
    clicks["scan"], clicks["miss"] = flags & Mark.SCAN != 0, flags & Mark.MISS != 0
    clicks["tokenless"] = flags & Mark.TOKENLESS != 0
    clicks["journey_id"] = [each.journey_id for each in known]
    clicks["token"] = [each.token or (0, 0) for each in known]
    _put_agents(clicks, range(len(rows)), agents)
    return clicks


def _as_known(clicks: Rows, rows: Sequence[Row[Any]], known: Sequence[Known]) -> Rows:
    """The clicks as what is known now has them."""
    clicks = clicks.copy()
    clicks["kind"] = [_kind(row, each) for row, each in zip(rows, known, strict=True)]
    told = [place for place, each in enumerate(known) if each.traits is not None]
    _put_agents(clicks, told, [each.traits for each in known if each.traits is not None])
    for place, each in enumerate(known):
        for name in _OF_NETWORK:
            if (known_place := getattr(each, name)) is not None:
                clicks[name][place] = known_place
    return clicks


def _put_agents(clicks: Rows, places: Sequence[int], agents: Sequence[Traits]) -> None:
    told = [(each.agent_id, each.robot_id, *each.told) for each in agents]
    for name, column in zip(_OF_AGENT, zip(*told, strict=True), strict=False):
        clicks[name][list(places)] = column


def _write(connection: Connection, clicks: Rows, marks: Ints, sign: int) -> None:
    rollups = RollUps(clicks, sign)
    rollups.count_visitors(np.where(of_persons(clicks), marks, 0))
    rollups.write(connection)


def _newly_counted(before: Rows, after: Rows, marks: Ints, counting: Counting) -> Ints:
    """The marks of those who are a person's first click of the day only now."""
    token_is_known = after["token"].any(axis=1)
    places = np.flatnonzero(of_persons(after) & ~of_persons(before) & (marks == 0) & token_is_known)
    earned, fresh = np.zeros(len(places), np.int64), np.zeros(len(after), np.int64)
    counting.add(seen(after[places]), earned)
    fresh[places] = earned
    return fresh


def _update(connection: Connection, rows: Sequence[Row[Any]], clicks: Rows, marks: Ints) -> None:
    table = Click.__table__
    now = zip(
        *(clicks[name].tolist() for name in ("kind", "agent_id", *_OF_NETWORK)),
        marks.tolist(),
        strict=True,
    )
    connection.execute(
        update(Click)
        .where(table.c.segment_id == bindparam("of"), table.c.position == bindparam("at"))
        .values(
            {
                "click_class": bindparam("kind"),
                "agent_id": bindparam("agent"),
                "country_id": bindparam("country"),
                "city_id": bindparam("city"),
                "flags": bindparam("marks"),
            }
        )
        .execution_options(synchronize_session=False),
        [
            {
                "of": row.segment_id,
                "at": row.position,
                "kind": kind,
                "agent": agent,
                "country": country,
                "city": city,
                "marks": (row.flags & ~_NEW) | mark,
            }
            for row, (kind, agent, country, city, mark) in zip(rows, now, strict=True)
        ],
    )
