"""The ledger: how far each segment is ingested; the one place that moves it.

A segment's rows, roll-ups, visitors and its new position are written in one transaction, and
the position moves only from where this ingester found it. So a segment that is read twice,
by two ingesters or after a crash, is counted once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, or_, select, update
from sqlalchemy.orm import Session

from linkservice.clicks import bulk, crossings
from linkservice.clicks.counted import Counting, Seen, seen
from linkservice.clicks.failpoints import passing
from linkservice.clicks.ledger_model import AcceptedDay, LedgerEntry, Node
from linkservice.clicks.placing import ASKED, Placed
from linkservice.clicks.rollup import MARKS, RollUps, accepted_rows, rows_of, write_rows
from linkservice.clicks.segment import HEADER_BYTES, Segment
from linkservice.database import insert_into

_NAMES_AT_ONCE = 500  # below SQLite's limit of parameters


class Overtaken(Exception):
    """Another ingester moved this segment's position meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch of a segment: what becomes of its records and bytes.

    `start`…`end` are byte offsets; `unreadable` counts records that nobody understands,
    `damaged` stretches that are no record; `finished` says that nothing can follow.
    """

    start: int
    end: int
    placed: Placed
    unreadable: int
    damaged: int
    finished: bool

    @property
    def ingested(self) -> int:
        return len(self.placed.clicks)

    @property
    def rejected(self) -> int:
        return self.unreadable + self.placed.rejected


class Prepared:
    """A batch with all that can be worked out before its transaction, which is to be short."""

    def __init__(self, batch: Batch, dialect: str, *, facets_wait: bool = False) -> None:
        """`dialect` is the database's, as SQLAlchemy calls it; with `facets_wait` whoever
        writes this sees to it that `facets.add_waiting` follows.
        """
        self.batch = batch
        self.visitors: Sequence[Seen] = seen(batch.placed.clicks)
        self._rows = rows_of(batch.placed.clicks)
        self._rollups = RollUps(batch.placed.clicks)
        self._rollups.prepare(dialect, facets_wait=facets_wait)

    def write(
        self, connection: Connection, segment: Segment, counting: Counting, now: datetime
    ) -> None:
        """Write the batch and move the segment's position. Raises `Overtaken`, having changed
        nothing that a rollback does not undo.
        """
        batch = self.batch
        passing("before ledger")
        segment_id = _advance(connection, segment, batch, now)
        passing("after ledger")
        marks = np.zeros(len(self._rows), np.int64)
        passing("before visitors")
        counting.add(self.visitors, marks)
        crossings.count(connection, batch.placed.clicks, marks, counting)
        passing("after visitors")
        self._rows[:, MARKS] |= marks
        self._rollups.count_visitors(marks)
        passing("before rows")
        write_rows(connection, segment_id, self._rows)
        passing("after rows")
        passing("before roll-ups")
        self._rollups.write(connection)
        passing("after roll-ups")
        self._write_accepted(connection, segment, now)
        passing("after accepted")

    def _write_accepted(self, connection: Connection, segment: Segment, now: datetime) -> None:
        asked = self.batch.placed.asked
        if self.batch.unreadable:
            # Nobody knows what these asked for, and when: they stand on the day they were read.
            unknown = np.zeros(self.batch.unreadable, ASKED)
            unknown["day"], unknown["rejected"] = now.date().toordinal(), 1
            asked = np.concatenate((asked, unknown))
        if len(asked):
            bulk.add(
                connection, AcceptedDay, accepted_rows(asked, _node_id(connection, segment.node))
            )


def entries(session: Session) -> dict[tuple[str, str], LedgerEntry]:
    """The whole ledger by node and segment name."""
    return {(entry.node, entry.name): entry for entry in session.scalars(select(LedgerEntry))}


def positions(
    session: Session, segments: Collection[Segment]
) -> Mapping[tuple[str, str], tuple[int, bool]]:
    """How far these segments are ingested, and whether they are finished; by node and name.

    A segment that the ledger does not know is not among them.
    """
    names = sorted({segment.name for segment in segments})
    found: dict[tuple[str, str], tuple[int, bool]] = {}
    for first in range(0, len(names), _NAMES_AT_ONCE):
        rows = session.execute(
            select(
                LedgerEntry.node, LedgerEntry.name, LedgerEntry.position, LedgerEntry.finished_at
            ).where(LedgerEntry.name.in_(names[first : first + _NAMES_AT_ONCE]))
        )
        found.update({(node, name): (at, done is not None) for node, name, at, done in rows})
    return found


def ids(session: Session, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The numbers of the segments with these nodes and names that the ledger knows."""
    names = sorted({name for _, name in keys})
    found: dict[tuple[str, str], int] = {}
    for first in range(0, len(names), _NAMES_AT_ONCE):
        rows = session.execute(
            select(LedgerEntry.node, LedgerEntry.name, LedgerEntry.id).where(
                LedgerEntry.name.in_(names[first : first + _NAMES_AT_ONCE])
            )
        )
        found.update({(node, name): number for node, name, number in rows})
    return found


def mark_deleted(connection: Connection, segment: Segment, now: datetime) -> None:
    """Note that the file is gone; its counters stay."""
    connection.execute(
        update(LedgerEntry)
        .where(LedgerEntry.node == segment.node, LedgerEntry.name == segment.name)
        .values(deleted_at=now)
    )


def _advance(connection: Connection, segment: Segment, batch: Batch, now: datetime) -> int:
    connection.execute(
        insert_into(LedgerEntry, connection)
        .values(
            node=segment.node,
            name=segment.name,
            position=HEADER_BYTES,
            accepted=0,
            ingested=0,
            rejected=0,
            damaged=0,
        )
        .on_conflict_do_nothing(index_elements=["node", "name"])
    )
    moved = connection.execute(
        update(LedgerEntry)
        .where(
            LedgerEntry.node == segment.node,
            LedgerEntry.name == segment.name,
            LedgerEntry.position == batch.start,
            or_(LedgerEntry.finished_at.is_(None), LedgerEntry.position < batch.end),
        )
        .values(
            position=batch.end,
            accepted=LedgerEntry.accepted + batch.ingested + batch.rejected,
            ingested=LedgerEntry.ingested + batch.ingested,
            rejected=LedgerEntry.rejected + batch.rejected,
            damaged=LedgerEntry.damaged + batch.damaged,
            finished_at=now if batch.finished else None,
        )
        .returning(LedgerEntry.id)
    ).scalar()
    if moved is None:
        raise Overtaken(segment.name)
    return moved


def _node_id(connection: Connection, node: str) -> int:
    query = select(Node.id).where(Node.node == node)
    found = connection.scalar(query)
    if found is None:
        connection.execute(
            insert_into(Node, connection)
            .values(node=node, uncounted=0)
            .on_conflict_do_nothing(index_elements=["node"])
        )
        found = connection.execute(query).scalar_one()
    return found
