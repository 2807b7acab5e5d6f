"""The change feed: writers announce, redirect workers follow, an edit is live within a second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import CheckConstraint, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from linkservice.database import NEVER_REUSED, Base, BigId, Database, UtcDateTime

Subject = Literal["link", "domain", "workspace"]

OVERLAP = timedelta(seconds=60)
"""How far back every poll looks again: numbers are given out before their transaction
commits, so a lower one may appear after a higher one. No writer holds a transaction longer."""

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


class Follower:
    """Reads the feed from where it stood when the follower was made. For one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[int, datetime] = {}
        with database.reading() as session:
            newest = session.scalar(select(func.max(Change.sequence))) or 0
            last = session.get(Change, newest)
            # Whatever is committed now is in what the caller reads after this; what has a
            # lower number but commits later is not, so the first poll looks back as well.
            self._floor = newest
            if last is not None:
                self._floor = self._first_since(session, last.at - OVERLAP) - 1
                self._seen = self._known(session)

    def poll(self) -> list[Announced]:
        """What was announced since the last poll, each once, in order of their numbers."""
        with self._database.reading() as session:
            rows = session.execute(
                select(
                    Change.sequence, Change.at, Change.subject, Change.domain_id, Change.slug_key
                )
                .where(Change.sequence > self._floor)
                .order_by(Change.sequence)
            ).all()
        fresh = [row for row in rows if row.sequence not in self._seen]
        for row in fresh:
            self._seen[row.sequence] = row.at
        self._raise_floor()
        return [Announced(row.subject, row.domain_id, row.slug_key) for row in fresh]

    def _raise_floor(self) -> None:
        if not self._seen:
            return
        horizon = max(self._seen.values()) - OVERLAP
        settled = [sequence for sequence, at in self._seen.items() if at < horizon]
        for sequence in settled:
            del self._seen[sequence]
        self._floor = max([self._floor, *settled])

    def _first_since(self, session: Session, at: datetime) -> int:
        return session.scalar(select(func.min(Change.sequence)).where(Change.at >= at)) or 1

    def _known(self, session: Session) -> dict[int, datetime]:
        rows = session.execute(
            select(Change.sequence, Change.at).where(Change.sequence > self._floor)
        )
        return {row.sequence: row.at for row in rows}
