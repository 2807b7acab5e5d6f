"""Conversions that were reported, what they sum up to by day and touchpoint, and months of that."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import NEVER_REUSED, Base, BigId, UtcDateTime
from linkservice.workspaces.model import Owned

LONGEST_EVENT_ID = 200
LONGEST_NAME = 100
LONGEST_SOURCE = 50

NO_TOUCHPOINT = 0
"""What a sum carries in place of a touchpoint's id, of conversions by links without one."""


class Conversion(Owned, Base):
    """Something a customer did, reported once under its `event_id`.

    `first` and `last` are the earliest and the latest of its clicks that count; a conversion
    whose clicks are all too old has neither and is in no report. The touchpoints are those the
    links had when they were clicked. `value` is in the smallest unit of the currency.
    """

    __tablename__ = "conversions"
    __table_args__ = (
        UniqueConstraint("workspace_id", "event_id"),
        CheckConstraint("value >= 0", name="value"),
        # Holds all that the report of a link sums, which otherwise reads every conversion.
        Index("ix_conversions_links", "workspace_id", "last_link_id", "local_date", "value"),
        NEVER_REUSED,
    )

    event_id: Mapped[str] = mapped_column(String(LONGEST_EVENT_ID))
    name: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    local_date: Mapped[date]
    value: Mapped[int | None] = mapped_column(BigId)
    currency: Mapped[str] = mapped_column(String(3))
    first_link_id: Mapped[int | None] = mapped_column(BigId)
    first_touchpoint_id: Mapped[int | None] = mapped_column(BigId)
    first_clicked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_link_id: Mapped[int | None] = mapped_column(BigId)
    last_touchpoint_id: Mapped[int | None] = mapped_column(BigId)
    last_clicked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConversionDay(Base):
    """The reported conversions of a local day, by the touchpoint of their `first` or `last` click.

    Kept with every conversion, so that a report reads at most two rows per touchpoint and day.
    """

    __tablename__ = "conversion_days"
    __table_args__ = (
        CheckConstraint("attribution IN ('first', 'last')", name="attribution"),
        {"sqlite_with_rowid": False},
    )

    workspace_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    touchpoint_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    attribution: Mapped[str] = mapped_column(String(5), primary_key=True)
    conversions: Mapped[int] = mapped_column(BigId)
    value: Mapped[int] = mapped_column(BigId)


class ConversionCount(Base):
    """Conversions of a day that were imported as a sum: those of a touchpoint by a `source`.

    The same day, touchpoint and source again replaces the sum.
    """

    __tablename__ = "conversion_counts"
    __table_args__ = (
        CheckConstraint("conversions >= 0", name="conversions"),
        CheckConstraint("value >= 0", name="value"),
        {"sqlite_with_rowid": False},
    )

    workspace_id: Mapped[int] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    local_date: Mapped[date] = mapped_column(primary_key=True)
    touchpoint_id: Mapped[int] = mapped_column(
        ForeignKey("touchpoints.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    source: Mapped[str] = mapped_column(String(LONGEST_SOURCE), primary_key=True)
    conversions: Mapped[int] = mapped_column(BigId)
    value: Mapped[int] = mapped_column(BigId)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)


_CHANGED = text("last IS NULL")


class ConversionMonth(Base):
    """The conversions of a month by day and touchpoint, packed (`conversions.months`), reported and
    imported ones together: by their `first` and by their `last` touch; and what the `imported`
    ones of each touchpoint add up to. All are NULL until that is done, and where any has changed
    since. A month without conversions has no row.
    """

    __tablename__ = "conversion_months"
    __table_args__ = (
        # Finds what is to be packed, which is hardly more than the month that is going.
        Index(
            "ix_conversion_months_changed",
            "month",
            sqlite_where=_CHANGED,
            postgresql_where=_CHANGED,
        ),
        {"sqlite_with_rowid": False},
    )

    workspace_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(primary_key=True)
    first: Mapped[bytes | None] = mapped_column(LargeBinary)
    last: Mapped[bytes | None] = mapped_column(LargeBinary)
    imported: Mapped[bytes | None] = mapped_column(LargeBinary)
