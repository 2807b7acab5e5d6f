"""Workspaces, their members, how people sign in, API keys, and the trail of who did what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import NEVER_REUSED, Base, BigId, UtcDateTime
from linkservice.workspaces.public_holidays import LONGEST_REGION

ROLES = ("owner", "editor", "viewer")
LOCALES = ("de", "en")
PURPOSES = ("setup", "password", "sign_in")
LONGEST_EMAIL = 254


class Workspace(Base):
    """A tenant. `time_zone` (IANA) decides on which local day a click falls.

    `count_visitors` lets clicks carry a visitor token of the day; `own_networks` lists, a line
    each, the networks whose visits are the workspace's own. `holidays` is the region whose public
    holidays are no usual days (`DE-BY`; see `public_holidays`), `currency` (ISO 4217) that of all
    costs and of the value of conversions. Clicks count for a conversion up to `attribution_days`
    before it. `logo` is a PNG. `set_up_at` is when its owner finished (or left) the first run; a
    `demonstration` is invented and says so on every page.
    """

    __tablename__ = "workspaces"
    __table_args__ = (
        CheckConstraint("locale IN ('de', 'en')", name="locale"),
        CheckConstraint("length(name) BETWEEN 1 AND 100", name="name_length"),
        CheckConstraint("length(brand_colour) = 7", name="brand_colour"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    time_zone: Mapped[str] = mapped_column(String(64))
    locale: Mapped[str] = mapped_column(String(2))
    brand_colour: Mapped[str] = mapped_column(String(7))
    logo: Mapped[bytes | None] = mapped_column(LargeBinary)
    imprint_url: Mapped[str | None] = mapped_column(String(2048))
    privacy_url: Mapped[str | None] = mapped_column(String(2048))
    set_up_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    demonstration: Mapped[bool] = mapped_column(server_default=false(), default=False)
    count_visitors: Mapped[bool] = mapped_column(server_default=true(), default=True)
    own_networks: Mapped[str] = mapped_column(Text, server_default="", default="")
    holidays: Mapped[str | None] = mapped_column(String(LONGEST_REGION))
    currency: Mapped[str] = mapped_column(String(3), server_default="EUR", default="EUR")
    attribution_days: Mapped[int] = mapped_column(server_default="30", default=30)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Owned:
    """What every table of a workspace's own rows has; see `access.scoped`."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    workspace_id: Mapped[int] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )


class User(Base):
    """A person who can sign in; `password_hash` is empty until they set one."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("email"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    locale: Mapped[str | None] = mapped_column(String(2))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Member(Owned, Base):
    """A user's role in a workspace."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("workspace_id", "user_id"),
        CheckConstraint("role IN ('owner', 'editor', 'viewer')", name="role"),
        NEVER_REUSED,
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(6))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SignInSession(Base):
    """A signed-in browser, by the hash of its token; `workspace_id` is the one it looks at.

    `device` is what its owner recognises it by ("Firefox, Linux"), never a whole user agent.
    """

    __tablename__ = "sessions"
    __table_args__ = (UniqueConstraint("token_hash"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[int | None] = mapped_column(
        ForeignKey("workspaces.id", ondelete="SET NULL")
    )
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    device: Mapped[str] = mapped_column(String(80), server_default="", default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ApiKey(Owned, Base):
    """A key of a program; only the hash of its secret is stored. `scopes` are space-separated."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("secret_hash"),
        CheckConstraint("length(name) BETWEEN 1 AND 100", name="name_length"),
        NEVER_REUSED,
    )

    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[str] = mapped_column(String(255))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Invitation(Owned, Base):
    """A place in a workspace kept for an e-mail address until `expires_at`."""

    __tablename__ = "invitations"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint("role IN ('owner', 'editor', 'viewer')", name="role"),
        NEVER_REUSED,
    )

    email: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    role: Mapped[str] = mapped_column(String(6))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    invited_by: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OneTimeLink(Base):
    """A link that works once: to set the installation up (no user yet), to choose a new
    password, or to sign in to a demonstration.
    """

    __tablename__ = "one_time_links"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint("purpose IN ('setup', 'password', 'sign_in')", name="purpose"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(8))
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Attempt(Base):
    """One attempt that counts against a limit; `key` is an HMAC of what is limited (an account
    or a network), so no address is kept.
    """

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_key_at", "key", "at"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class TrailEntry(Owned, Base):
    """Who did what and when; `name` is what the thing was called then, `facts` JSON."""

    __tablename__ = "trail"
    __table_args__ = (Index("ix_trail_workspace_id_id", "workspace_id", "id"), NEVER_REUSED)

    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    action: Mapped[str] = mapped_column(String(60))
    subject_id: Mapped[int | None] = mapped_column(BigId)
    name: Mapped[str] = mapped_column(String(260))
    facts: Mapped[str] = mapped_column(Text)
