"""Hours and facets of a link's month, summed up: what a report of a year reads instead of days."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import Base, BigId

_REOPENED = text("hours IS NULL")


class ClosedMonth(Base):
    """A month whose links are summed up, those with ids up to `links`; `whole` once it is all of
    them. Then a link without a `LinkMonth` had no clicks in it.
    """

    __tablename__ = "closed_months"

    month: Mapped[date] = mapped_column(primary_key=True)
    links: Mapped[int] = mapped_column(BigId)
    whole: Mapped[bool]


class LinkMonth(Base):
    """What the hours and facets of a link add up to in a closed month (`clicks.months`), packed;
    NULL where its days have changed since, and are to be summed up again.
    """

    __tablename__ = "link_months"
    __table_args__ = (
        Index(
            "ix_link_months_reopened",
            "month",
            "link_id",
            sqlite_where=_REOPENED,
            postgresql_where=_REOPENED,
        ),
        {"sqlite_with_rowid": False},
    )

    month: Mapped[date] = mapped_column(primary_key=True)
    link_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    hours: Mapped[bytes | None] = mapped_column(LargeBinary)
    facets: Mapped[bytes | None] = mapped_column(LargeBinary)
