"""Days that are closed: what a filtered report reads instead of their single clicks."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import Base, BigId


class ClosedDay(Base):
    """A day of a workspace that has clicks and is over (`clicks.closed_days`); `local_day` is
    `date.toordinal()`.

    `closed`: its clicks are summed up by value. Not so, or not any more, if they have changed:
    each change is a `version`.
    """

    __tablename__ = "closed_days"
    __table_args__ = (
        # Finds what is to be summed up (again), of which there is hardly ever any.
        Index(
            "ix_closed_days_open",
            "workspace_id",
            "local_day",
            sqlite_where=text("NOT closed"),
            postgresql_where=text("NOT closed"),
        ),
        {"sqlite_with_rowid": False},
    )

    workspace_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    closed: Mapped[bool]


class ValueDay(Base):
    """What the touchpoints of a workspace had on a day of clicks with one value, packed
    (`clicks.packed_values`). It holds if the day is closed in that version.

    Rows lie as they were written, day after day, so that pages are full.
    """

    __tablename__ = "value_days"

    workspace_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    version: Mapped[int]
    cells: Mapped[bytes] = mapped_column(LargeBinary)


class DeletedClicks(Base):
    """Up to which day (`before` it, as `date.toordinal()`) click rows of a workspace were deleted;
    none where none was. Rows may come for such a day all the same: they do not make it whole.
    """

    __tablename__ = "deleted_clicks"

    workspace_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    before: Mapped[int]
