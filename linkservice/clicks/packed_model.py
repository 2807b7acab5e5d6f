"""Clicks, hours and facets of days that are long over, many in one row; and all of them, wherever
they lie.

PostgreSQL spends some 60 bytes on every row and its key besides what is in it: a click took 164,
what links had of hours and facets 171 more. In arrays, which it compresses, a click takes 20, and
these 26. SQLite has small rows and no arrays: there the packed tables stay empty. What packs:
`clicks.packing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, JSON, BigInteger, Index, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from linkservice.clicks.model import ClickColumns, FacetColumns, HourColumns
from linkservice.database import Base, BigId, LocalDay, View


def _many(kind: type[Integer]) -> TypeEngine[Any]:
    return ARRAY(kind).with_variant(JSON(), "sqlite")


class PackedClicks(Base):
    """Clicks of a workspace's day: their columns as arrays, all of one length, by segment and
    position. The key is that of the first click, `last_…` is that of the last one.
    """

    __tablename__ = "packed_clicks"
    __table_args__ = (
        Index("ix_packed_clicks_workspace_id_local_day", "workspace_id", "local_day"),
        # Clicks to be changed are of the latest segments: by their key alone PostgreSQL would look
        # at all that lies packed before them.
        Index("ix_packed_clicks_last_segment_id_last_position", "last_segment_id", "last_position"),
    )

    first_segment_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    first_position: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    last_segment_id: Mapped[int] = mapped_column(BigId)
    last_position: Mapped[int] = mapped_column(BigId)
    workspace_id: Mapped[int] = mapped_column(BigId)
    local_day: Mapped[int]
    since_ms: Mapped[int] = mapped_column(BigId)
    """The time of the earliest: each click's `after_ms` is counted from it."""
    segment_id: Mapped[list[int]] = mapped_column(_many(BigInteger))
    position: Mapped[list[int]] = mapped_column(_many(Integer))
    after_ms: Mapped[list[int]] = mapped_column(_many(Integer))
    domain_id: Mapped[list[int]] = mapped_column(_many(BigInteger))
    link_id: Mapped[list[int]] = mapped_column(_many(BigInteger))
    link_version: Mapped[list[int]] = mapped_column(_many(Integer))
    touchpoint_id: Mapped[list[int]] = mapped_column(_many(BigInteger))
    agent_id: Mapped[list[int]] = mapped_column(_many(Integer))
    country_id: Mapped[list[int]] = mapped_column(_many(Integer))
    language_id: Mapped[list[int]] = mapped_column(_many(Integer))
    referrer_id: Mapped[list[int]] = mapped_column(_many(Integer))
    local_hour: Mapped[list[int]] = mapped_column(_many(SmallInteger))
    click_class: Mapped[list[int]] = mapped_column("class", _many(SmallInteger))
    flags: Mapped[list[int]] = mapped_column(_many(SmallInteger))
    city_id: Mapped[list[int]] = mapped_column(_many(Integer))


class PackedLinkDay(Base):
    """The hours and the facets of a link's day: of both the columns of their rows as arrays.

    What comes later is rows again, which add to these (`packing`).
    """

    __tablename__ = "packed_link_days"

    local_date: Mapped[date] = mapped_column(LocalDay, primary_key=True)
    link_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    local_hour: Mapped[list[int]] = mapped_column(_many(SmallInteger))
    hour_clicks: Mapped[list[int]] = mapped_column(_many(Integer))
    hour_scans: Mapped[list[int]] = mapped_column(_many(Integer))
    value_id: Mapped[list[int]] = mapped_column(_many(Integer))
    value_clicks: Mapped[list[int]] = mapped_column(_many(Integer))


class EveryClick(ClickColumns, View):
    """Clicks of whatever day. Those that lie packed are found by workspace, day, and the keys of
    the first and the last click that lie with them, which of others are their own.
    """

    __tablename__ = "every_click"

    first_segment_id: Mapped[int] = mapped_column(BigId)
    first_position: Mapped[int] = mapped_column(BigId)
    last_segment_id: Mapped[int] = mapped_column(BigId)
    last_position: Mapped[int] = mapped_column(BigId)


class EveryLinkHour(HourColumns, View):
    """Hours of whatever day; an hour may be told in two rows, whose sum it is."""

    __tablename__ = "every_link_hour"


class EveryLinkFacet(FacetColumns, View):
    """Facets of whatever day; a value may be told in two rows, whose sum it is."""

    __tablename__ = "every_link_facet"


WHOLE: Mapping[str, type[View]] = {
    "clicks": EveryClick,
    "link_hours": EveryLinkHour,
    "link_facets": EveryLinkFacet,
}
"""By the names of tables whose rows may lie packed, what has all of them."""
