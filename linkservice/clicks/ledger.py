"""The ledger: how far each segment is ingested; the one place that moves it.

A segment's rows, roll-ups, tokens and its new position are written in one transaction, and
the position moves only from where this ingester found it. So a segment that is read twice,
by two ingesters or after a crash, is counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from linkservice.clicks.model import LedgerEntry, VisitorToken
from linkservice.clicks.rollup import PlacedClick, RollUps, write_rows
from linkservice.clicks.segment import HEADER_BYTES, Segment
from linkservice.database import insert_into


class Overtaken(Exception):
    """Another ingester moved this segment's position meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch of a segment: what becomes of its records and bytes.

    `start`…`end` are byte offsets; `rejected` counts records that could not be placed,
    `damaged` stretches that are no record; `finished` says that nothing can follow.
    """

    start: int
    end: int
    clicks: Sequence[PlacedClick]
    rejected: int
    damaged: int
    finished: bool


def entries(session: Session) -> dict[tuple[str, str], LedgerEntry]:
    """The whole ledger by node and segment name."""
    return {(entry.node, entry.name): entry for entry in session.scalars(select(LedgerEntry))}


def write(connection: Connection, segment: Segment, batch: Batch, now: datetime) -> None:
    """Write a batch and move the segment's position. Raises `Overtaken`, having changed nothing
    that a rollback does not undo.
    """
    segment_id = _advance(connection, segment, batch, now)
    _mark_new(connection, batch.clicks)
    write_rows(connection, segment_id, batch.clicks)
    RollUps(batch.clicks).write(connection)


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
    ingested = len(batch.clicks)
    moved = connection.execute(
        update(LedgerEntry)
        .where(
            LedgerEntry.node == segment.node,
            LedgerEntry.name == segment.name,
            LedgerEntry.position == batch.start,
            LedgerEntry.finished_at.is_(None),
        )
        .values(
            position=batch.end,
            accepted=LedgerEntry.accepted + ingested + batch.rejected,
            ingested=LedgerEntry.ingested + ingested,
            rejected=LedgerEntry.rejected + batch.rejected,
            damaged=LedgerEntry.damaged + batch.damaged,
            finished_at=now if batch.finished else None,
        )
        .returning(LedgerEntry.id)
    ).scalar()
    if moved is None:
        raise Overtaken(segment.name)
    return moved


def _mark_new(connection: Connection, clicks: Sequence[PlacedClick]) -> None:
    """Set the "new today" flags: the first click of a token per day and scope carries them."""
    first: dict[tuple[object, ...], tuple[PlacedClick, str]] = {}
    for click in clicks:
        if not click.counts or not click.token:
            continue
        day, token = click.local_date, click.token
        first.setdefault((day, "link", click.link_id, token), (click, "new_for_link"))
        if click.touchpoint_id:
            key = (day, "touchpoint", click.touchpoint_id, token)
            first.setdefault(key, (click, "new_for_touchpoint"))
        if click.journey_id:
            first.setdefault((day, "journey", click.journey_id, token), (click, "new_for_journey"))
    if not first:
        return
    names = ("local_date", "scope", "scope_id", "token")
    # In one order everywhere: two ingesters on one PostgreSQL then never wait crosswise.
    keys = sorted(first, key=lambda key: (str(key[0]), str(key[1]), key[2], key[3]))
    added = connection.execute(
        insert_into(VisitorToken, connection)
        .on_conflict_do_nothing(index_elements=list(names))
        .returning(
            VisitorToken.local_date,
            VisitorToken.scope,
            VisitorToken.scope_id,
            VisitorToken.token,
        ),
        [dict(zip(names, key, strict=True)) for key in keys],
    )
    for row in added:
        click, flag = first[(row.local_date, row.scope, row.scope_id, bytes(row.token))]
        setattr(click, flag, True)
