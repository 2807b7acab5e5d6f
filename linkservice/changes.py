"""The change feed: writers announce, redirect workers follow, an edit is live within a second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import CheckConstraint, String, bindparam, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from linkservice.database import NEVER_REUSED, Base, BigId, Database, UtcDateTime

Subject = Literal["link", "domain", "workspace"]

OVERLAP = timedelta(seconds=60)
"""How long every poll reads a number again after it was first seen: numbers are given out
before their transaction commits, so a lower one may appear after a higher one. No writer
holds a transaction longer."""

LOOK_BACK = 2_000
"""Numbers below the newest one that a new follower watches. A transaction under way then
holds none lower, unless so many others committed since it took its number."""

KEPT = timedelta(days=1)
"""How long announcements are kept; a worker that starts reads everything anew anyway."""


class Change(Base):
    """One announcement: which link (by domain and slug key), or that a host or brand changed."""

    __tablename__ = "changes"
    __table_args__ = (
        CheckConstraint("subject IN ('link', 'domain', 'workspace')", name="subject"),
        NEVER_REUSED,
    )

    sequence: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    subject: Mapped[str] = mapped_column(String(9))
    domain_id: Mapped[int | None] = mapped_column(BigId)
    slug_key: Mapped[str | None] = mapped_column(String(256))


@dataclass(frozen=True, slots=True)
class Announced:
    """A change as a follower sees it; `domain_id` and `slug_key` are set for links only."""

    subject: str
    domain_id: int | None
    slug_key: str | None


def announce(
    session: Session,
    subject: Subject,
    now: datetime,
    *,
    domain_id: int | None = None,
    slug_key: str | None = None,
) -> None:
    """Tell the followers, in the same transaction as the change itself."""
    session.add(Change(at=now, subject=subject, domain_id=domain_id, slug_key=slug_key))
    session.flush()


def forget_old(session: Session, now: datetime) -> None:
    """Delete announcements nobody follows any more."""
    session.execute(delete(Change).where(Change.at < now - KEPT))


# Columns of the table, not of the class, and put together once: whoever redirects asks four times
# a second, and every millisecond of this keeps customers waiting.
_OF = Change.__table__.c
_POLL = (
    select(_OF.sequence, _OF.subject, _OF.domain_id, _OF.slug_key)
    .where(_OF.sequence > bindparam("floor"))
    .order_by(_OF.sequence)
)


class Follower:
    """Reads the feed from where it stood when the follower was made. For one thread.

    The follower's clock (`now`) decides what is settled, not the announcements' `at`: that is
    when the writer began, on another machine's clock, or a day long past in an import.
    """

    def __init__(self, database: Database, now: datetime) -> None:
        self._database = database
        with database.reading() as session:
            newest = session.scalar(select(func.max(Change.sequence))) or 0
            # What is committed now is in whatever the caller reads after this; what has a
            # lower number and commits later is not, so that is watched from here on.
            self._floor = max(0, newest - LOOK_BACK)
            known = session.scalars(select(Change.sequence).where(Change.sequence > self._floor))
            self._first_seen = dict.fromkeys(known, now)

    def poll(self, now: datetime) -> list[Announced]:
        """What was announced since the last poll, each once, in order of their numbers."""
        with self._database.engine.connect() as connection:
            rows = connection.execute(_POLL, {"floor": self._floor}).all()
        fresh = [row for row in rows if row.sequence not in self._first_seen]
        self._first_seen.update((row.sequence, now) for row in fresh)
        self._raise_floor(now)
        return [Announced(row.subject, row.domain_id, row.slug_key) for row in fresh]

    def _raise_floor(self, now: datetime) -> None:
        """Stop watching below what was first seen so long ago that nothing lower can come."""
        settled = [
            sequence for sequence, seen_at in self._first_seen.items() if now - seen_at > OVERLAP
        ]
        self._floor = max([self._floor, *settled])
        for sequence in [each for each in self._first_seen if each <= self._floor]:
            del self._first_seen[sequence]
