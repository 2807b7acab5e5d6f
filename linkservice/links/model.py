"""Domains, links with their versions, and tags."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.database import NEVER_REUSED, Base, UtcDateTime
from linkservice.workspaces.model import LONGEST_EMAIL, Owned

URL_LENGTH = 2048
NAME_KEY_LENGTH = 400


class Domain(Owned, Base):
    """A branded host. The oldest one of the installation also answers for local hosts; new links
    get the workspace's `preferred` one, else its oldest.
    """

    __tablename__ = "domains"
    __table_args__ = (UniqueConstraint("host"), NEVER_REUSED)

    host: Mapped[str] = mapped_column(String(260))
    root_redirect: Mapped[str | None] = mapped_column(String(URL_LENGTH))
    not_found_redirect: Mapped[str | None] = mapped_column(String(URL_LENGTH))
    preferred: Mapped[bool] = mapped_column(server_default=false(), default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Link(Owned, Base):
    """The managed record behind a short URL; deleted softly, so that its slug stays taken.

    An archived link goes on redirecting (its codes are printed), it only leaves the lists.
    `name_key` is what lists sort and search by: its title, or its slug (`naming.name_key`).
    """

    __tablename__ = "links"
    __table_args__ = (
        UniqueConstraint("domain_id", "slug_key"),
        CheckConstraint("length(slug) BETWEEN 1 AND 64", name="slug_length"),
        CheckConstraint("version >= 1", name="version"),
        Index("ix_links_workspace_id_created_at", "workspace_id", "created_at", "id"),
        Index("ix_links_workspace_id_name_key", "workspace_id", "name_key", "id"),
        # Counts the links of a list without looking at them.
        Index(
            "ix_links_state", "workspace_id", "deleted_at", "archived_at", "active", "expires_at"
        ),
        NEVER_REUSED,
    )

    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    slug: Mapped[str] = mapped_column(String(64))
    slug_key: Mapped[str] = mapped_column(String(256))
    destination: Mapped[str] = mapped_column(String(URL_LENGTH))
    title: Mapped[str] = mapped_column(String(200))
    # By code points on both databases: a cursor made by one order must not meet another.
    name_key: Mapped[str] = mapped_column(
        String(NAME_KEY_LENGTH).with_variant(String(NAME_KEY_LENGTH, collation="C"), "postgresql"),
        server_default="",
    )
    touchpoint_id: Mapped[int | None] = mapped_column(ForeignKey("touchpoints.id"), index=True)
    campaign_id: Mapped[int | None] = mapped_column(
        ForeignKey("campaigns.id", ondelete="SET NULL"), index=True
    )
    forward_query: Mapped[bool]
    append_click_id: Mapped[bool] = mapped_column(server_default=false(), default=False)
    active: Mapped[bool]
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LinkVersion(Base):
    """What a link was from `changed_at` on: its clicks keep the touchpoint of their version.

    `tags` is none of that but what this version did to them: names, as JSON, or null.
    """

    __tablename__ = "link_versions"

    link_id: Mapped[int] = mapped_column(
        ForeignKey("links.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    destination: Mapped[str] = mapped_column(String(URL_LENGTH))
    touchpoint_id: Mapped[int | None] = mapped_column(ForeignKey("touchpoints.id"))
    active: Mapped[bool]
    title: Mapped[str] = mapped_column(String(200), server_default="")
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id", ondelete="SET NULL"))
    forward_query: Mapped[bool] = mapped_column(server_default=false())
    append_click_id: Mapped[bool] = mapped_column(server_default=false())
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    archived: Mapped[bool] = mapped_column(server_default=false())
    deleted: Mapped[bool] = mapped_column(server_default=false())
    tags: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(LONGEST_EMAIL))


class Tag(Owned, Base):
    """A word a workspace sorts its links by."""

    __tablename__ = "tags"
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        CheckConstraint("length(name) BETWEEN 1 AND 50", name="name_length"),
        NEVER_REUSED,
    )

    name: Mapped[str] = mapped_column(String(50))


class LinkTag(Base):
    """Which link carries which tag."""

    __tablename__ = "link_tags"

    link_id: Mapped[int] = mapped_column(
        ForeignKey("links.id", ondelete="CASCADE"), primary_key=True
    )
    tag_id: Mapped[int] = mapped_column(
        ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class LinkPersona(Base):
    """Whom a link is made for."""

    __tablename__ = "link_personas"

    link_id: Mapped[int] = mapped_column(
        ForeignKey("links.id", ondelete="CASCADE"), primary_key=True
    )
    persona_id: Mapped[int] = mapped_column(
        ForeignKey("personas.id", ondelete="CASCADE"), primary_key=True, index=True
    )
