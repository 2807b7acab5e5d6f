"""Clicks that were counted and are now known to be something else.

A click row changes its class, agent or country; what it added to the roll-ups is taken away
and what it is now is added, in the caller's transaction. The marks of a row ("new today")
stay with it whatever its class becomes: only rows of persons are counted by them, so that a
click that becomes a person's again is the visitor it was.

Not here: who knows better (`clicks/reclassify.py`, `clicks/scanners.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, bindparam, select, tuple_, update

from linkservice.clicks.counted import Added, Counted, seen
from linkservice.clicks.model import Click, Mark
from linkservice.clicks.placing import PERSON, SUSPECTED, Origin, PlacedClick, Traits
from linkservice.clicks.rollup import RollUps

RowId: TypeAlias = tuple[int, int]
"""Segment and position of a click row."""

_CLASS = list(Click.__table__.columns.keys()).index("class")
_AT_ONCE = 400  # below SQLite's limit of depth and parameters
_UNKNOWN = b"?"  # a token that is no longer known
_NEW = int(Mark.NEW_FOR_LINK | Mark.NEW_FOR_TOUCHPOINT | Mark.NEW_FOR_JOURNEY)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known now of a click: its class (the place in `CLASSES`) and, unless they stay
    as they are, agent and country. `token` and `journey_id` are in no row.
    """

    kind: int
    token: bytes
    journey_id: int
    traits: Traits | None = None
    country_id: int | None = None


def differing(rows: Iterable[Row[Any]], known: Mapping[RowId, Known]) -> set[RowId]:
    """Which of these rows say something else than what is known."""
    return {
        (row.segment_id, row.position)
        for row in rows
        if _differs(row, known[(row.segment_id, row.position)])
    }


def stored(connection: Connection, ids: Sequence[RowId], *, locked: bool = False) -> list[Row[Any]]:
    """The click rows with these ids that are still there; `locked` until the transaction ends."""
    table = Click.__table__
    found: list[Row[Any]] = []
    for first in range(0, len(ids), _AT_ONCE):
        part = ids[first : first + _AT_ONCE]
        query = select(table).where(tuple_(table.c.segment_id, table.c.position).in_(part))
        # In one order: two that amend on one PostgreSQL then never wait crosswise.
        query = query.order_by(table.c.segment_id, table.c.position)
        found.extend(connection.execute(query.with_for_update() if locked else query))
    return found


def amend(
    connection: Connection,
    known: Mapping[RowId, Known],
    agents: Mapping[int, Traits],
    counted: Counted,
) -> tuple[int, list[Added]]:
    """Change the rows that say something else, and the roll-ups with them.

    `agents` are the traits of the agents the rows name. Returns how many rows were changed,
    and what `counted` must remember once this is committed.
    """
    rows = stored(connection, sorted(known), locked=True)
    changed = [
        row
        for row in rows
        # An agent that is not among them: somebody else changed the row since it was read.
        if row.agent_id in agents and _differs(row, known[(row.segment_id, row.position)])
    ]
    if not changed:
        return 0, []
    before, after, marks = [], [], []
    for row in changed:
        each = known[(row.segment_id, row.position)]
        old = _placed(row, each, agents[row.agent_id])
        before.append(old)
        after.append(
            old._replace(
                kind=_kind(row, each),
                traits=each.traits or old.traits,
                country_id=old.country_id if each.country_id is None else each.country_id,
            )
        )
        marks.append(row.flags & _NEW)
    _write(connection, before, marks, -1)
    added = _newly_counted(connection, before, after, marks, counted)
    _write(connection, after, marks, 1)
    _update(connection, changed, after, marks)
    return len(changed), added


def _differs(row: Row[Any], known: Known) -> bool:
    return (
        row[_CLASS] != _kind(row, known)
        or (known.traits is not None and row.agent_id != known.traits.agent_id)
        or (known.country_id is not None and row.country_id != known.country_id)
    )


def _kind(row: Row[Any], known: Known) -> int:
    """A suspicion comes from when clicks were made, and only ever of persons: a user agent
    that looks like a person's does not lift it.
    """
    was: int = row[_CLASS]
    if SUSPECTED in (was, known.kind) and {was, known.kind} <= {PERSON, SUSPECTED}:
        return SUSPECTED
    return was if known.kind == SUSPECTED else known.kind


def _placed(row: Row[Any], known: Known, traits: Traits) -> PlacedClick:
    """The click as it was counted."""
    return PlacedClick(
        position=row.position,
        time_ms=row.time_ms,
        workspace_id=row.workspace_id,
        domain_id=row.domain_id,
        link_id=row.link_id,
        link_version=row.link_version,
        touchpoint_id=row.touchpoint_id,
        journey_id=known.journey_id,
        day=row.local_day,
        hour=row.local_hour,
        kind=row[_CLASS],
        scan=bool(row.flags & Mark.SCAN),
        miss=bool(row.flags & Mark.MISS),
        network=b"",
        token=b"" if row.flags & Mark.TOKENLESS else known.token or _UNKNOWN,
        country_id=row.country_id,
        traits=traits,
        origin=Origin(row.language_id, row.referrer_id),
    )


def _write(
    connection: Connection, clicks: Sequence[PlacedClick], marks: Sequence[int], sign: int
) -> None:
    rollups = RollUps(clicks, sign)
    new = [place for place, click in enumerate(clicks) if click.of_person and marks[place]]
    rollups.count_visitors([clicks[each] for each in new], [marks[each] for each in new])
    rollups.write(connection)


def _newly_counted(
    connection: Connection,
    before: Sequence[PlacedClick],
    after: Sequence[PlacedClick],
    marks: list[int],
    counted: Counted,
) -> list[Added]:
    """Mark those who are a person's first click of the day only now."""
    places = [
        place
        for place, (old, new) in enumerate(zip(before, after, strict=True))
        if new.of_person and not old.of_person and not marks[place] and new.token != _UNKNOWN
    ]
    fresh = [0] * len(places)
    added = counted.add(connection, seen([after[place] for place in places]), fresh)
    for place, mark in zip(places, fresh, strict=True):
        marks[place] = mark
    return added


def _update(
    connection: Connection,
    rows: Sequence[Row[Any]],
    clicks: Sequence[PlacedClick],
    marks: Sequence[int],
) -> None:
    table = Click.__table__
    connection.execute(
        update(Click)
        .where(table.c.segment_id == bindparam("of"), table.c.position == bindparam("at"))
        .values(
            {
                "click_class": bindparam("kind"),
                "agent_id": bindparam("agent"),
                "country_id": bindparam("country"),
                "flags": bindparam("marks"),
            }
        )
        .execution_options(synchronize_session=False),
        [
            {
                "of": row.segment_id,
                "at": row.position,
                "kind": click.kind,
                "agent": click.traits.agent_id,
                "country": click.country_id,
                "marks": (row.flags & ~_NEW) | mark,
            }
            for row, click, mark in zip(rows, clicks, marks, strict=True)
        ],
    )
