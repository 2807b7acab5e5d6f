"""A sheet: what was asked for, how far it is, and the finished file."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ColumnElement, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import NEVER_REUSED, Base, UtcDateTime
from linkservice.workspaces.model import LONGEST_EMAIL, Owned

FORMATS = ("pdf", "zip")
STILL_FOR = timedelta(seconds=15)
"""A sheet whose maker has not been heard of for longer was interrupted."""


class Sheet(Owned, Base):
    """The codes of many links as one PDF or ZIP; kept until `expires_at`.

    `question` is JSON: which links, how large, which colours. While it is made, `beat_at`
    moves on; one that stopped beating was interrupted and can be made again. `problem` is
    JSON as well: why it could not be made.
    """

    __tablename__ = "sheets"
    __table_args__ = (
        CheckConstraint("format IN ('pdf', 'zip')", name="format"),
        CheckConstraint("done BETWEEN 0 AND total", name="done"),
        NEVER_REUSED,
    )

    name: Mapped[str] = mapped_column(String(260))
    format: Mapped[str] = mapped_column(String(3))
    question: Mapped[str] = mapped_column(Text)
    total: Mapped[int]
    done: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    beat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    problem: Mapped[str | None] = mapped_column(Text)
    data: Mapped[bytes | None] = mapped_column(LargeBinary)


def unfinished() -> tuple[ColumnElement[bool], ...]:
    """The conditions of a sheet that waits, is being made, or was interrupted."""
    return Sheet.finished_at.is_(None), Sheet.stopped_at.is_(None), Sheet.problem.is_(None)
