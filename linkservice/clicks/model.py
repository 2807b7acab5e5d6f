"""Clicks, their roll-ups, and what makes ingesting a segment twice harmless.

A click row carries no token, address or user agent. In roll-ups the touchpoint is part of
the key (0 = none): a click belongs to the touchpoint its link had when it was clicked.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import NEVER_REUSED, Base, BigId, UtcDateTime

CLASSES = ("person", "robot", "preview", "prefetch", "scanner", "head", "own")
FACETS = ("country", "device", "browser", "system", "language", "referrer", "robot")


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


class Click(Base):
    """One record of the spool, placed and classified; misses have no link."""

    __tablename__ = "clicks"
    __table_args__ = (
        Index("ix_clicks_workspace_id_local_date", "workspace_id", "local_date"),
        Index("ix_clicks_at", "at"),
        {"sqlite_with_rowid": False},
    )

    segment_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("segments.id"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    workspace_id: Mapped[int] = mapped_column(BigId)
    domain_id: Mapped[int] = mapped_column(BigId)
    link_id: Mapped[int | None] = mapped_column(BigId)
    link_version: Mapped[int]
    touchpoint_id: Mapped[int] = mapped_column(BigId)
    local_date: Mapped[date]
    local_hour: Mapped[int] = mapped_column(SmallInteger)
    source: Mapped[str] = mapped_column(String(5))
    click_class: Mapped[str] = mapped_column("class", String(8))
    miss: Mapped[bool]
    tokenless: Mapped[bool]
    new_for_link: Mapped[bool]
    new_for_touchpoint: Mapped[bool]
    new_for_journey: Mapped[bool]
    country: Mapped[str] = mapped_column(String(2))
    device: Mapped[str] = mapped_column(String(16))
    browser: Mapped[str] = mapped_column(String(64))
    system: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(35))
    referrer: Mapped[str] = mapped_column(String(253))
    robot: Mapped[str] = mapped_column(String(64))


class LinkDay(Base):
    """Roll-up day × link: every count a report sums. Clicks and scans are of persons."""

    __tablename__ = "link_days"
    __table_args__ = (
        # Holds all that the lists of links and touchpoints sum: a month of 100,000 links is
        # then read from the index alone, in a quarter of the time.
        Index(
            "ix_link_days_clicks",
            "workspace_id",
            "local_date",
            "link_id",
            "touchpoint_id",
            "clicks",
        ),
    )

    link_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    touchpoint_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    workspace_id: Mapped[int] = mapped_column(BigId)
    clicks: Mapped[int]
    scans: Mapped[int]
    visitors: Mapped[int]
    touchpoint_visitors: Mapped[int]
    journey_visitors: Mapped[int]
    tokenless: Mapped[int]
    robots: Mapped[int]
    previews: Mapped[int]
    prefetches: Mapped[int]
    scanners: Mapped[int]
    heads: Mapped[int]
    own: Mapped[int] = mapped_column(server_default=text("0"), default=0)


class LinkHour(Base):
    """Roll-up hour × link, in the workspace's local time."""

    __tablename__ = "link_hours"

    link_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    local_hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    clicks: Mapped[int]
    scans: Mapped[int]


class LinkFacet(Base):
    """Roll-up day × link × facet value; `clicks` counts persons, for `robot` all the others."""

    __tablename__ = "link_facets"
    __table_args__ = (
        CheckConstraint(
            "facet IN ('country', 'device', 'browser', 'system', 'language', 'referrer', 'robot')",
            name="facet",
        ),
    )

    link_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    facet: Mapped[str] = mapped_column(String(8), primary_key=True)
    value: Mapped[str] = mapped_column(String(253), primary_key=True)
    clicks: Mapped[int]


class DomainDay(Base):
    """Roll-up day × domain of requests that met no live link."""

    __tablename__ = "domain_days"

    domain_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(BigId, index=True)
    misses: Mapped[int]
    heads: Mapped[int]


class VisitorToken(Base):
    """Who was counted on a day, per link, touchpoint and journey; kept for replays only."""

    __tablename__ = "visitor_tokens"
    __table_args__ = (
        CheckConstraint("scope IN ('link', 'touchpoint', 'journey')", name="scope"),
        Index("ix_visitor_tokens_local_date", "local_date"),
        {"sqlite_with_rowid": False},
    )

    local_date: Mapped[date] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(10), primary_key=True)
    scope_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    token: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)


class Salt(Base):
    """The random key of a workspace's local day; gone at `expires_at`, never backed up."""

    __tablename__ = "salts"

    workspace_id: Mapped[int] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    local_date: Mapped[date] = mapped_column(primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


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
