"""What clicks came from: how far each segment is ingested, of which nodes and files clicks are.

That is what makes ingesting a segment twice harmless, and what `audit` holds the roll-ups against.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import NEVER_REUSED, Base, BigId, UtcDateTime


class LedgerEntry(Base):
    """The ledger: how far a spool segment is ingested, and its counters, which outlive it.

    `position` is a byte offset; `accepted` counts the CRC-valid records before it (of a
    deleted segment: all it ever held), `damaged` the stretches that held no valid record.
    """

    __tablename__ = "segments"
    __table_args__ = (
        UniqueConstraint("node", "name"),
        CheckConstraint("accepted = ingested + rejected", name="balance"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    node: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(64))
    position: Mapped[int] = mapped_column(BigId)
    accepted: Mapped[int] = mapped_column(BigId)
    ingested: Mapped[int] = mapped_column(BigId)
    rejected: Mapped[int] = mapped_column(BigId)
    damaged: Mapped[int] = mapped_column(BigId)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Node(Base):
    """A data directory that clicks came from, so that tables need not repeat its long id.

    `uncounted` are the records its segments had before `accepted_days` was kept.
    """

    __tablename__ = "nodes"
    __table_args__ = (UniqueConstraint("node"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    node: Mapped[str] = mapped_column(String(32))
    uncounted: Mapped[int] = mapped_column(BigId, default=0)


class AcceptedDay(Base):
    """What `audit` holds the roll-ups against: records by node, day and what they asked for.

    Counted from the records as they were read, not from what was made of them. `link_id` is
    0 for misses; `local_date` of a record whose workspace is unknown is the day in UTC.
    """

    __tablename__ = "accepted_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    local_date: Mapped[date] = mapped_column(primary_key=True)
    node_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    domain_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    link_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    accepted: Mapped[int]
    rejected: Mapped[int]


class Unrecorded(Base):
    """Clicks that were redirected while the spool could not take them, by source file."""

    __tablename__ = "unrecorded"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    workspace_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    clicks: Mapped[int] = mapped_column(BigId)


class Import(Base):
    """A file of clicks that was imported: the hash of its first `size` bytes."""

    __tablename__ = "imports"

    workspace_id: Mapped[int] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    size: Mapped[int] = mapped_column(BigId)
    lines: Mapped[int] = mapped_column(BigId)
    finished_at: Mapped[datetime] = mapped_column(UtcDateTime)
