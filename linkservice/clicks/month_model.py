"""Months, weeks and days that are closed: what a report reads instead of rows of links and days."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import Base, BigId


class ClosedSpan(Base):
    """A span of days (`clicks.spans`) whose links are summed up, those with ids up to `links`;
    `whole` once it is all of them. Then a link without a `LinkSpan` had no clicks in it.
    """

    __abstract__ = True

    first: Mapped[date]
    links: Mapped[int] = mapped_column(BigId)
    whole: Mapped[bool]


class ClosedWeek(ClosedSpan):
    """A week (`clicks.weeks`)."""

    __tablename__ = "closed_weeks"

    first: Mapped[date] = mapped_column("week", primary_key=True)


class ClosedMonth(ClosedSpan):
    """A month (`clicks.months`), of which workspaces follow the links, those up to `workspaces`."""

    __tablename__ = "closed_months"

    first: Mapped[date] = mapped_column("month", primary_key=True)
    workspaces: Mapped[int] = mapped_column(
        BigId, server_default=text("0"), default=0, sort_order=1
    )


def _reopened(table: str, *key: str, column: str) -> Index:
    """Finds what is to be summed up again, of which there is hardly ever any."""
    there = text(f"{column} IS NULL")
    return Index(f"ix_{table}_reopened", *key, sqlite_where=there, postgresql_where=there)


class LinkSpan(Base):
    """What the hours and facets of a link add up to in a closed span, packed; NULL where its days
    have changed since, and are to be summed up again.
    """

    __abstract__ = True

    first: Mapped[date]
    link_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    hours: Mapped[bytes | None] = mapped_column(LargeBinary)
    facets: Mapped[bytes | None] = mapped_column(LargeBinary)


class LinkWeek(LinkSpan):
    """In a week."""

    __tablename__ = "link_weeks"
    __table_args__ = (
        _reopened("link_weeks", "week", "link_id", column="hours"),
        {"sqlite_with_rowid": False},
    )

    first: Mapped[date] = mapped_column("week", primary_key=True)


class LinkMonth(LinkSpan):
    """In a month; with its days at each touchpoint, summed up as well, and what it had day by
    day.
    """

    __tablename__ = "link_months"
    __table_args__ = (
        _reopened("link_months", "month", "link_id", column="hours"),
        {"sqlite_with_rowid": False},
    )

    first: Mapped[date] = mapped_column("month", primary_key=True)
    sums: Mapped[bytes | None] = mapped_column(LargeBinary, sort_order=1)
    days: Mapped[bytes | None] = mapped_column(LargeBinary, sort_order=1)


class MonthDays(Base):
    """The days of a workspace's touchpoints in a closed month, packed (`clicks.packed_days`), and
    the sums of its links (`clicks.packed_links`); NULL where they have changed since.
    """

    __tablename__ = "month_days"
    __table_args__ = (_reopened("month_days", "month", "workspace_id", column="days"),)

    month: Mapped[date] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    days: Mapped[bytes | None] = mapped_column(LargeBinary)
    links: Mapped[bytes | None] = mapped_column(LargeBinary)


class DayLinks(Base):
    """What the links of a workspace had on a day that is over (`clicks.day_links`), packed
    (`clicks.packed_links`); NULL until that is done, and where any of it has changed since: each
    change is a `version`.
    """

    __tablename__ = "day_links"
    __table_args__ = (_reopened("day_links", "workspace_id", "local_date", column="links"),)

    workspace_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[int]
    links: Mapped[bytes | None] = mapped_column(LargeBinary)


class CampaignMonth(Base):
    """What the links of a campaign had of each facet value on the days of a closed month
    (`clicks.campaign_months`), packed (`clicks.campaign_values`); NULL until that is done, and
    where any of it has changed since: each change is a `version`. `links`: which links these are,
    as a digest.
    """

    __tablename__ = "campaign_months"

    month: Mapped[date] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    workspace_id: Mapped[int] = mapped_column(BigId)
    links: Mapped[bytes] = mapped_column(LargeBinary)
    version: Mapped[int]
    days: Mapped[bytes | None] = mapped_column(LargeBinary)
