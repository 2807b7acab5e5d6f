"""Reports that are kept under a name: shared with whoever has the link, saved for members; letters
about them, and notes on days.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, TypeAlias, get_args

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import NEVER_REUSED, Base, BigId, UtcDateTime
from linkservice.reports.presets import USUAL
from linkservice.workspaces.model import LONGEST_EMAIL, Owned

Kept: TypeAlias = Literal[
    "touchpoints",
    "journey",
    "touchpoint",
    "link",
    "campaign",
    "costs",
    "personas",
    "moments",
    "overview",
]
KEPT: tuple[Kept, ...] = get_args(Kept)
"""The reports that can be shared and saved."""

_IS_ABOUT = f"about IN ({', '.join(repr(each) for each in KEPT)})"

LONGEST_NAME = 100
LONGEST_ANNOTATION = 80


class ReportShare(Owned, Base):
    """A report that can be read with a link, whose token is kept as a hash only.

    `about` says which report, `subject_id` whose (a journey's, touchpoint's, link's or campaign's
    id; it may be gone since), `filters` the query of what else its page was asked for: filters,
    groups, order. Without `first_date` and `last_date` the period rolls: `preset` says which days
    it has when it is read.
    """

    __tablename__ = "report_shares"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint(_IS_ABOUT, name="about"),
        CheckConstraint(
            "(about IN ('touchpoints', 'costs', 'personas', 'overview')) = (subject_id IS NULL)",
            name="subject",
        ),
        CheckConstraint("(first_date IS NULL) = (last_date IS NULL)", name="period"),
        CheckConstraint("length(name) BETWEEN 1 AND 100", name="name_length"),
        NEVER_REUSED,
    )

    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    about: Mapped[str] = mapped_column(String(11))
    subject_id: Mapped[int | None] = mapped_column(BigId)
    metric: Mapped[str] = mapped_column(String(40))
    suspects: Mapped[bool] = mapped_column(server_default=false(), default=False)
    filters: Mapped[str] = mapped_column(Text, server_default="", default="")
    first_date: Mapped[date | None]
    last_date: Mapped[date | None]
    preset: Mapped[str] = mapped_column(String(10), server_default=USUAL, default=USUAL)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    created_by: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SavedView(Owned, Base):
    """A page of a report as somebody left it, for all members of the workspace.

    `about` says which page, `subject_id` whose (it may be gone since), `query` what its address
    asks for: a period that is called by its name rolls.
    """

    __tablename__ = "saved_views"
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        CheckConstraint(_IS_ABOUT, name="about"),
        CheckConstraint(
            "(about IN ('touchpoints', 'costs', 'personas', 'moments', 'overview')) = "
            "(subject_id IS NULL)",
            name="subject",
        ),
        CheckConstraint("length(name) BETWEEN 1 AND 100", name="name_length"),
        NEVER_REUSED,
    )

    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    about: Mapped[str] = mapped_column(String(11))
    subject_id: Mapped[int | None] = mapped_column(BigId)
    query: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LetterSubscription(Owned, Base):
    """The letters about a workspace's reports that one of its members asked for.

    `due_on` is the local day of the workspace from which the next one is sent: a Monday or the
    first of a month. Before `not_before` nobody takes it up: a process is sending it, or it failed
    a moment ago; `tries` counts how often it failed.
    """

    __tablename__ = "letter_subscriptions"
    __table_args__ = (
        UniqueConstraint("member_id"),
        CheckConstraint("rhythm IN ('weekly', 'monthly')", name="rhythm"),
        NEVER_REUSED,
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    rhythm: Mapped[str] = mapped_column(String(7))
    due_on: Mapped[date] = mapped_column(index=True)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(server_default="0", default=0)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Annotation(Owned, Base):
    """What happened on a local day of the workspace, in a few words: "newsletter sent"."""

    __tablename__ = "annotations"
    __table_args__ = (
        CheckConstraint("length(text) BETWEEN 1 AND 80", name="text_length"),
        Index("ix_annotations_workspace_id_day", "workspace_id", "day"),
        NEVER_REUSED,
    )

    day: Mapped[date]
    text: Mapped[str] = mapped_column(String(LONGEST_ANNOTATION))
    created_by: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
