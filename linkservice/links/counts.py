"""How many links hang on a campaign or a touchpoint, and whether any appends click ids.

Of tags: `tags.tags_with_counts`.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from linkservice.links.model import Link
from linkservice.workspaces.access import Actor


def campaign_counts(session: Session, actor: Actor) -> dict[int, int]:
    """Links by the id of their campaign, deleted ones left out. Raises `Forbidden`."""
    return _counts(session, actor, Link.campaign_id)


def touchpoint_counts(session: Session, actor: Actor) -> dict[int, int]:
    """Links by the id of their touchpoint, deleted ones left out. Raises `Forbidden`."""
    return _counts(session, actor, Link.touchpoint_id)


def appends_click_ids(session: Session, actor: Actor) -> bool:
    """Whether a link of the workspace does, deleted ones left out. Raises `Forbidden`."""
    actor.require("links:read")
    found = select(Link.id).where(
        Link.workspace_id == actor.workspace_id,
        Link.deleted_at.is_(None),
        Link.append_click_id,
    )
    return session.scalar(found.limit(1)) is not None


def _counts(
    session: Session, actor: Actor, column: InstrumentedAttribute[int | None]
) -> dict[int, int]:
    actor.require("links:read")
    query = (
        select(column, func.count())
        .where(
            Link.workspace_id == actor.workspace_id,
            Link.deleted_at.is_(None),
            column.is_not(None),
        )
        .group_by(column)
    )
    return {number: links for number, links in session.execute(query) if number is not None}
