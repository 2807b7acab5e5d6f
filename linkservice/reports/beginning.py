"""What a workspace still lacks before its touchpoints can be judged.

Not here: what a verdict takes of a single touchpoint (`ranking`).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from sqlalchemy import Exists, exists, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import LinkDay
from linkservice.journeys.model import Reach, Touchpoint
from linkservice.links.model import Link
from linkservice.workspaces.access import Actor

Lack: TypeAlias = Literal["touchpoint", "link", "click", "reach"]


def linked_touchpoints(session: Session, actor: Actor) -> frozenset[str]:
    """The ids of the touchpoints that have a link. Raises `Forbidden`."""
    actor.require("reports:read")
    linked = select(Link.touchpoint_id).where(
        Link.workspace_id == actor.workspace_id,
        Link.touchpoint_id.is_not(None),
        Link.deleted_at.is_(None),
    )
    return frozenset(map(str, session.scalars(linked.distinct())))


def first_lack(session: Session, actor: Actor) -> Lack | None:
    """The first of touchpoint, link, click and reach that there is none of.

    Raises `Forbidden`.
    """
    actor.require("reports:read")
    own = actor.workspace_id
    steps: tuple[tuple[Lack, Exists], ...] = (
        (
            "touchpoint",
            exists().where(Touchpoint.workspace_id == own, Touchpoint.deleted_at.is_(None)),
        ),
        ("link", exists().where(Link.workspace_id == own, Link.deleted_at.is_(None))),
        ("click", exists().where(LinkDay.workspace_id == own, LinkDay.clicks > 0)),
        ("reach", exists().where(Reach.workspace_id == own)),
    )
    for lack, there_is in steps:
        if not session.scalar(select(there_is)):
            return lack
    return None
