"""Journeys, stages, touchpoints, reach, campaigns, costs and personas.

Journeys, stages and touchpoints are deleted softly: their clicks stay in the reports, and
a printed code of a deleted touchpoint goes on counting for it.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import NEVER_REUSED, Base, BigId, UtcDateTime
from linkservice.workspaces.model import Owned

KINDS = ("digital", "human", "physical")
MEDIA = ("paid", "owned", "earned")
LONGEST_NAME = 200
"""Characters of the name of a journey, stage, touchpoint or campaign."""

UNITS = ("sent", "printed", "passers_by", "contacts", "views")
CHANNELS = (
    "email",
    "social",
    "ads_online",
    "ads_print",
    "poster",
    "flyer",
    "packaging",
    "shop",
    "product_page",
    "checkout",
    "invoice",
    "phone",
    "chat",
    "helpdesk",
    "faq",
    "app",
    "event",
    "review",
    "other",
)
"""Suggestions; a channel is free text."""


class Journey(Owned, Base):
    """The path of one group of customers."""

    __tablename__ = "journeys"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        NEVER_REUSED,
    )

    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Stage(Owned, Base):
    """A phase of a journey; `position` orders them, ties by id."""

    __tablename__ = "stages"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint("position >= 0", name="position"),
        NEVER_REUSED,
    )

    journey_id: Mapped[int] = mapped_column(
        ForeignKey("journeys.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    position: Mapped[int]
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Touchpoint(Owned, Base):
    """A point of contact. `target_rate` is visitors per unit of reach, if one is set."""

    __tablename__ = "touchpoints"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint("length(channel) BETWEEN 1 AND 50", name="channel_length"),
        CheckConstraint("kind IN ('digital', 'human', 'physical')", name="kind"),
        CheckConstraint("medium IN ('paid', 'owned', 'earned')", name="medium"),
        CheckConstraint("target_rate > 0", name="target_rate"),
        NEVER_REUSED,
    )

    stage_id: Mapped[int] = mapped_column(ForeignKey("stages.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    channel: Mapped[str] = mapped_column(String(50))
    kind: Mapped[str] = mapped_column(String(8))
    medium: Mapped[str] = mapped_column(String(6))
    moment_of_truth: Mapped[bool]
    target_rate: Mapped[float | None]
    position: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Reach(Owned, Base):
    """People who could have clicked: `amount` spread evenly over `starts_on`…`ends_on`."""

    __tablename__ = "reach"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="span"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(
            "unit IN ('sent', 'printed', 'passers_by', 'contacts', 'views')", name="unit"
        ),
        Index("ix_reach_touchpoint_id_starts_on", "touchpoint_id", "starts_on"),
        NEVER_REUSED,
    )

    touchpoint_id: Mapped[int] = mapped_column(ForeignKey("touchpoints.id", ondelete="CASCADE"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    amount: Mapped[int] = mapped_column(BigId)
    unit: Mapped[str] = mapped_column(String(10))


class Campaign(Owned, Base):
    """A timed effort across touchpoints."""

    __tablename__ = "campaigns"
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        NEVER_REUSED,
    )

    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Cost(Owned, Base):
    """Money spent on a touchpoint or on a campaign: `amount` of the currency's smallest unit,
    spread evenly over `starts_on`…`ends_on`.
    """

    __tablename__ = "costs"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="span"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("length(currency) = 3", name="currency"),
        CheckConstraint("(touchpoint_id IS NULL) != (campaign_id IS NULL)", name="subject"),
        Index("ix_costs_touchpoint_id_starts_on", "touchpoint_id", "starts_on"),
        Index("ix_costs_campaign_id_starts_on", "campaign_id", "starts_on"),
        NEVER_REUSED,
    )

    touchpoint_id: Mapped[int | None] = mapped_column(
        ForeignKey("touchpoints.id", ondelete="CASCADE")
    )
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    amount: Mapped[int] = mapped_column(BigId)
    currency: Mapped[str] = mapped_column(String(3))


class Persona(Owned, Base):
    """An invented customer that stands for many. It is attached to journeys and links, never to
    people: nobody who clicks is taken for one.
    """

    __tablename__ = "personas"
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        NEVER_REUSED,
    )

    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class JourneyPersona(Base):
    """Whom a journey is made for."""

    __tablename__ = "journey_personas"

    journey_id: Mapped[int] = mapped_column(
        ForeignKey("journeys.id", ondelete="CASCADE"), primary_key=True
    )
    persona_id: Mapped[int] = mapped_column(
        ForeignKey("personas.id", ondelete="CASCADE"), primary_key=True, index=True
    )
