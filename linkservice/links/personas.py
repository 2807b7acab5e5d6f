"""Whom links are made for. Where a link says nothing, its journey does (`reports/personas`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from linkservice.journeys.personas import chosen_personas
from linkservice.links.model import Link, LinkPersona
from linkservice.workspaces.access import Actor, find
from linkservice.workspaces.trail import note


def personas_of_links(session: Session, link_ids: Collection[int]) -> dict[int, list[int]]:
    """The inside ids of the personas of each link that has any, in their order."""
    query = (
        select(LinkPersona)
        .where(LinkPersona.link_id.in_(link_ids))
        .order_by(LinkPersona.persona_id)
    )
    found: dict[int, list[int]] = {}
    for row in session.scalars(query):
        found.setdefault(row.link_id, []).append(row.persona_id)
    return found


def set_link_personas(
    session: Session, actor: Actor, link_id: str, persona_ids: Sequence[str], now: datetime
) -> list[int]:
    """Attach these personas to the link and no other; their inside ids. Where it leads stays, so
    its version does, too: personas are today's, as tags and campaigns are.

    Raises `Invalid`, `NotFound` (also naming `persona_ids`), `Forbidden`.
    """
    actor.require("links:write")
    link = find(session, actor, Link, link_id)
    wanted = chosen_personas(session, actor, persona_ids)
    had = frozenset(personas_of_links(session, [link.id]).get(link.id, ()))
    if wanted == had:
        return sorted(wanted)
    session.execute(
        delete(LinkPersona).where(
            LinkPersona.link_id == link.id, LinkPersona.persona_id.in_(had - wanted)
        )
    )
    session.add_all(LinkPersona(link_id=link.id, persona_id=number) for number in wanted - had)
    session.flush()
    note(session, actor, "persona.link_attached", now, subject_id=link.id, name=link.slug)
    return sorted(wanted)
