"""The proof: every click that was ever accepted is ingested, rejected or pending.

`accepted` counts CRC-valid records: those the ledger has passed (their counters outlive the
segments) and those that stand in the spool behind it. `ingested` is summed from the
roll-ups, not from the ledger, so a roll-up that lost or doubled a click shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.clicks import ledger, shortfall
from linkservice.clicks.event import Record, Unreadable, read_records
from linkservice.clicks.model import DomainDay, LedgerEntry, LinkDay, Unrecorded
from linkservice.clicks.segment import HEADER_BYTES, Segment, segments
from linkservice.config import Settings
from linkservice.database import Database


@dataclass(frozen=True, slots=True)
class Audit:
    """Numbers of records; `difference` is 0 unless a click was lost or doubled.

    `damaged` counts stretches that are no record; how many clicks stood there nobody knows.
    """

    accepted: int
    ingested: int
    rejected: int
    pending: int
    unrecorded: int
    damaged: int = 0

    @property
    def difference(self) -> int:
        return self.accepted - self.ingested - self.rejected - self.pending


def audit(settings: Settings, database: Database) -> Audit:
    """Compare spool, ledger and roll-ups as they stand at one moment; may run beside ingest.

    Reads every segment file in full; raises `SpoolFailed` when one cannot be read.
    """
    with database.reading() as session:
        passed = ledger.entries(session)
        ingested = _ingested(session)
        rejected = session.scalar(select(func.sum(LedgerEntry.rejected))) or 0
        damaged = session.scalar(select(func.sum(LedgerEntry.damaged))) or 0
        stored = _stored_shortfall(session)
    accepted = {key: entry.accepted for key, entry in passed.items()}
    pending = 0
    for segment in segments(settings.spool_dir):
        if segment.broken:
            continue
        key = (segment.node, segment.name)
        entry = passed.get(key)
        position = HEADER_BYTES if entry is None else entry.position
        before, behind = _count(segment, position)
        # A file that rotted after it was ingested does not undo what was accepted.
        accepted[key] = max(accepted.get(key, 0), before) + behind
        pending += behind
    return Audit(
        accepted=sum(accepted.values()),
        ingested=ingested,
        rejected=rejected,
        pending=pending,
        unrecorded=_unrecorded(settings, stored),
        damaged=damaged,
    )


def _count(segment: Segment, position: int) -> tuple[int, int]:
    """CRC-valid records before `position` (a byte offset) and from there on."""
    before = behind = 0
    for found in read_records(segment.read(), segment.identity, HEADER_BYTES):
        if isinstance(found, Record | Unreadable):
            if found.offset < position:
                before += 1
            else:
                behind += 1
    return before, behind


def _ingested(session: Session) -> int:
    links = (
        LinkDay.clicks
        + LinkDay.robots
        + LinkDay.previews
        + LinkDay.prefetches
        + LinkDay.scanners
        + LinkDay.heads
        + LinkDay.own
    )
    of_links = session.scalar(select(func.sum(links))) or 0
    of_domains = session.scalar(select(func.sum(DomainDay.misses + DomainDay.heads))) or 0
    return int(of_links) + int(of_domains)


def _stored_shortfall(session: Session) -> dict[tuple[str, int, int], int]:
    rows = session.scalars(select(Unrecorded))
    return {(row.source, row.workspace_id, row.local_date.toordinal()): row.clicks for row in rows}


def _unrecorded(settings: Settings, stored: dict[tuple[str, int, int], int]) -> int:
    """Counts are absolute and only grow: of a stored and a read one the larger is true."""
    counts = dict(stored)
    for each in shortfall.read_all(settings.spool_dir):
        key = (each.source, each.workspace_id, each.day)
        counts[key] = max(counts.get(key, 0), each.clicks)
    return sum(counts.values())
