"""Clicks, and their roll-ups. Not here: what came from which segment or file (`ledger_model`).

A click row carries no token, address or user agent, only what a user agent was read as. In
roll-ups the touchpoint is part of the key (0 = none): a click belongs to the touchpoint its
link had when it was clicked.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import IntFlag

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import NEVER_REUSED, Base, BigId, LocalDay, UtcDateTime

CLASSES = ("person", "robot", "preview", "prefetch", "scanner", "head", "own", "suspected")
"""A click row holds the place of its class in this order: only ever add at the end."""

COUNTER_OF_CLASS = {
    "robot": "robots",
    "preview": "previews",
    "prefetch": "prefetches",
    "scanner": "scanners",
    "head": "heads",
    "own": "own",
}
"""The roll-up counter of each class but `person`, who is counted as clicks and scans, and
`suspected`, which has roll-ups of its own."""

FACETS = ("country", "device", "browser", "system", "language", "referrer", "robot", "city")
"""What is told of persons' clicks, and which robots the others were. All of these clicks have a
value of each, maybe "", but a city only where one is known."""

OTHERS = "(others)"
"""The value of what a link's day has too many of (`clicks.limit`)."""


class Mark(IntFlag):
    """Bits of a click row; the new ones say whose first click of the day it was."""

    SCAN = 1
    MISS = 2
    TOKENLESS = 4
    NEW_FOR_LINK = 8
    NEW_FOR_TOUCHPOINT = 16
    NEW_FOR_JOURNEY = 32


class AgentName(Base):
    """What user agents were read as, each combination once: click rows hold its number."""

    __tablename__ = "agents"
    __table_args__ = (
        UniqueConstraint("robot", "tag", "device", "browser", "system"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    robot: Mapped[str] = mapped_column(String(64))
    tag: Mapped[str] = mapped_column(String(16))
    device: Mapped[str] = mapped_column(String(16))
    browser: Mapped[str] = mapped_column(String(64))
    system: Mapped[str] = mapped_column(String(64))


class FacetValue(Base):
    """The values of facets, each once: roll-ups and click rows hold its number."""

    __tablename__ = "facet_values"
    __table_args__ = (
        CheckConstraint(
            "facet IN ('country', 'device', 'browser', 'system', 'language', 'referrer', 'robot',"
            " 'city')",
            name="facet",
        ),
        UniqueConstraint("facet", "value"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    facet: Mapped[str] = mapped_column(String(8))
    value: Mapped[str] = mapped_column(String(253))


class ClickColumns:
    """One record of the spool, placed and classified; 0 where there is no link or touchpoint,
    and where no city is known.

    A quarter of the size it would have with words: a day has millions of them.
    `local_day` is `date.toordinal()`, `class` the place in `CLASSES`, `flags` are `Mark`s.
    """

    segment_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    time_ms: Mapped[int] = mapped_column(BigId)
    workspace_id: Mapped[int] = mapped_column(BigId)
    domain_id: Mapped[int] = mapped_column(BigId)
    link_id: Mapped[int] = mapped_column(BigId)
    link_version: Mapped[int]
    touchpoint_id: Mapped[int] = mapped_column(BigId)
    local_day: Mapped[int]
    agent_id: Mapped[int]
    country_id: Mapped[int]
    language_id: Mapped[int]
    referrer_id: Mapped[int]
    local_hour: Mapped[int] = mapped_column(SmallInteger)
    click_class: Mapped[int] = mapped_column("class", SmallInteger)
    flags: Mapped[int] = mapped_column(SmallInteger)
    city_id: Mapped[int] = mapped_column(server_default=text("0"), default=0)


class Click(ClickColumns, Base):
    """A row as it is written. On PostgreSQL those of days that are long over lie packed elsewhere
    (`clicks.packing`): who reads clicks of any day reads `packed_model.EveryClick`.
    """

    __tablename__ = "clicks"
    __table_args__ = (
        ForeignKeyConstraint(["segment_id"], ["segments.id"]),
        Index("ix_clicks_workspace_id_local_day", "workspace_id", "local_day"),
        {"sqlite_with_rowid": False},
    )


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


class _Counters:
    """What `LinkDay` counts, summed over links; after the columns of the key."""

    clicks: Mapped[int] = mapped_column(BigId, sort_order=1)
    scans: Mapped[int] = mapped_column(BigId, sort_order=1)
    visitors: Mapped[int] = mapped_column(BigId, sort_order=1)
    touchpoint_visitors: Mapped[int] = mapped_column(BigId, sort_order=1)
    journey_visitors: Mapped[int] = mapped_column(BigId, sort_order=1)
    tokenless: Mapped[int] = mapped_column(BigId, sort_order=1)
    robots: Mapped[int] = mapped_column(BigId, sort_order=1)
    previews: Mapped[int] = mapped_column(BigId, sort_order=1)
    prefetches: Mapped[int] = mapped_column(BigId, sort_order=1)
    scanners: Mapped[int] = mapped_column(BigId, sort_order=1)
    heads: Mapped[int] = mapped_column(BigId, sort_order=1)
    own: Mapped[int] = mapped_column(BigId, sort_order=1)


class TouchpointDay(_Counters, Base):
    """Roll-up day × touchpoint: the sums of `LinkDay` over links, so that a report of a year
    reads a tenth of the rows. Links without a touchpoint are `touchpoint_id` 0.
    """

    __tablename__ = "touchpoint_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    workspace_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    touchpoint_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)


class TouchpointMonth(_Counters, Base):
    """Roll-up month × touchpoint: the sums of `TouchpointDay` by the first day of their month,
    for all that a report of a year need not know day by day.
    """

    __tablename__ = "touchpoint_months"
    __table_args__ = ({"sqlite_with_rowid": False},)

    workspace_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(primary_key=True)
    touchpoint_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)


class StageDay(Base):
    """Roll-up day × two stages of a journey: the visitors who were at both on that day, in
    whatever order; `stage_id` ≤ `other_id`, and a stage beside itself says how many were
    there at all (`clicks.crossings`). Without suspected mail scanners and clicks without a token.
    """

    __tablename__ = "stage_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    workspace_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    stage_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    other_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    visitors: Mapped[int] = mapped_column(BigId)


class HourColumns:
    """A row for each day, link and local hour that had clicks."""

    local_date: Mapped[date] = mapped_column(LocalDay, primary_key=True)
    link_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    clicks: Mapped[int]
    scans: Mapped[int]


class LinkHour(HourColumns, Base):
    """Roll-up hour × link, in the workspace's local time.

    Day first, here and in `link_facets`: what ingest adds to then lies together, so that a
    batch dirties a tenth of the pages. Readers name the days they want (`reports.details`), of
    `packed_model.EveryLinkHour`: on PostgreSQL days that are long over lie packed.
    """

    __tablename__ = "link_hours"
    __table_args__ = ({"sqlite_with_rowid": False},)


class FacetColumns:
    """A row for each day, link and facet value that had clicks."""

    local_date: Mapped[date] = mapped_column(LocalDay, primary_key=True)
    link_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    value_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    clicks: Mapped[int]


class LinkFacet(FacetColumns, Base):
    """Roll-up day × link × facet value; `clicks` counts persons, for `robot` all the others. Who
    reads any day reads `packed_model.EveryLinkFacet`.
    """

    __tablename__ = "link_facets"
    __table_args__ = ({"sqlite_with_rowid": False},)


class WaitingFacets(Base):
    """What a batch adds to `link_facets` and has not added yet (`clicks.facets`).

    Only while a backlog is worked off: batch after batch would write the same pages again.
    """

    __tablename__ = "waiting_facets"
    __table_args__ = (NEVER_REUSED,)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    rows: Mapped[bytes] = mapped_column(LargeBinary)


class SuspectedDay(Base):
    """As `LinkDay`, of clicks of suspected mail scanners; a report may count them again.

    Roll-ups of their own: hardly a click is one, and the others then cost nothing more.
    """

    __tablename__ = "suspected_days"

    link_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    touchpoint_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    workspace_id: Mapped[int] = mapped_column(BigId, index=True)
    clicks: Mapped[int]
    scans: Mapped[int]
    visitors: Mapped[int]
    touchpoint_visitors: Mapped[int]
    journey_visitors: Mapped[int]
    tokenless: Mapped[int]


class SuspectedHour(HourColumns, Base):
    """As `LinkHour`, of suspected mail scanners."""

    __tablename__ = "suspected_hours"


class SuspectedFacet(FacetColumns, Base):
    """As `LinkFacet`, of suspected mail scanners."""

    __tablename__ = "suspected_facets"


class DomainDay(Base):
    """Roll-up day × domain of requests that met no live link."""

    __tablename__ = "domain_days"

    domain_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(BigId, index=True)
    misses: Mapped[int]
    heads: Mapped[int]


class VisitorKeys(Base):
    """Who was counted on a day: the keys that one batch added; kept for replays only.

    A key is 8 bytes made of a visitor's token and what was visited (`clicks.counted`). One
    row per batch and not per key: keys are spread evenly, so that each would dirty a page
    of its own. `batch` counts the rows of a day from 1.
    """

    __tablename__ = "visitor_keys"

    local_date: Mapped[date] = mapped_column(primary_key=True)
    batch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    keys: Mapped[bytes] = mapped_column(LargeBinary)


class Salt(Base):
    """The random key of a workspace's local day; gone at `expires_at`, never backed up."""

    __tablename__ = "salts"

    workspace_id: Mapped[int] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    local_date: Mapped[date] = mapped_column(primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
