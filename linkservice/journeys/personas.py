"""Personas: invented customers that journeys and links are made for.

They are attached to things, never to people: a click counts for a persona because its link was
made for that one, whoever clicked. Not here: those of links (`links/personas`), what they click
(`reports/personas`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from linkservice.database import unless_taken
from linkservice.errors import Conflict, Invalid, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import LONGEST_NAME, Journey, JourneyPersona, Persona
from linkservice.workspaces.access import Actor, find, page, scoped
from linkservice.workspaces.trail import note

MOST_PERSONAS = 20
"""Of one journey or link."""


def create_persona(session: Session, actor: Actor, name: str, now: datetime) -> Persona:
    """Raises `Invalid`, `Conflict` for a name in use, `Forbidden`."""
    actor.require("journeys:write")
    persona = Persona(workspace_id=actor.workspace_id, created_at=now)
    _store(session, persona, name)
    note(session, actor, "persona.created", now, subject_id=persona.id, name=persona.name)
    return persona


def one_persona(session: Session, actor: Actor, persona_id: str) -> Persona:
    """One persona. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:read")
    return find(session, actor, Persona, persona_id)


def list_personas(
    session: Session, actor: Actor, *, after: int | None, limit: int
) -> Sequence[Persona]:
    """Personas, the oldest first, with ids above `after`. Raises `Forbidden`."""
    actor.require("journeys:read")
    return session.scalars(page(actor, Persona, after=after, limit=limit)).all()


def every_persona(session: Session, actor: Actor) -> Sequence[Persona]:
    """All of them by name, to choose from. Raises `Forbidden`."""
    actor.require("journeys:read")
    return session.scalars(scoped(actor, Persona).order_by(Persona.name, Persona.id)).all()


def rename_persona(
    session: Session, actor: Actor, persona_id: str, name: str, now: datetime
) -> Persona:
    """Raises `Invalid`, `Conflict` for a name in use, `NotFound`, `Forbidden`."""
    actor.require("journeys:write")
    persona = find(session, actor, Persona, persona_id)
    before = persona.name
    _store(session, persona, name)
    if persona.name != before:
        facts = {"before": before}
        note(session, actor, "persona.renamed", now, subject_id=persona.id, name=name, **facts)
    return persona


def delete_persona(session: Session, actor: Actor, persona_id: str, now: datetime) -> None:
    """Delete it for good; journeys and links stay, without it. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:write")
    persona = find(session, actor, Persona, persona_id)
    session.delete(persona)
    session.flush()
    note(session, actor, "persona.deleted", now, subject_id=persona.id, name=persona.name)


def personas_of_journeys(session: Session, journey_ids: Collection[int]) -> dict[int, list[int]]:
    """The inside ids of the personas of each journey that has any, in their order."""
    query = (
        select(JourneyPersona)
        .where(JourneyPersona.journey_id.in_(journey_ids))
        .order_by(JourneyPersona.persona_id)
    )
    found: dict[int, list[int]] = {}
    for row in session.scalars(query):
        found.setdefault(row.journey_id, []).append(row.persona_id)
    return found


def set_journey_personas(
    session: Session, actor: Actor, journey_id: str, persona_ids: Sequence[str], now: datetime
) -> list[int]:
    """Attach these personas to the journey and no other; their inside ids.

    Raises `Invalid`, `NotFound` (also naming `persona_ids`), `Forbidden`.
    """
    actor.require("journeys:write")
    journey = find(session, actor, Journey, journey_id)
    wanted = chosen_personas(session, actor, persona_ids)
    had = frozenset(personas_of_journeys(session, [journey.id]).get(journey.id, ()))
    if wanted == had:
        return sorted(wanted)
    session.execute(
        delete(JourneyPersona).where(
            JourneyPersona.journey_id == journey.id, JourneyPersona.persona_id.in_(had - wanted)
        )
    )
    session.add_all(
        JourneyPersona(journey_id=journey.id, persona_id=number) for number in wanted - had
    )
    session.flush()
    subject, name = journey.id, journey.name
    note(session, actor, "persona.journey_attached", now, subject_id=subject, name=name)
    return sorted(wanted)


def chosen_personas(session: Session, actor: Actor, persona_ids: Sequence[str]) -> frozenset[int]:
    """The inside ids of personas of the workspace. Raises `Invalid`, `NotFound`, both naming
    `persona_ids`.
    """
    if len(persona_ids) > MOST_PERSONAS:
        raise Invalid(Problem("persona_ids", "too_many", {"most": MOST_PERSONAS}))
    return frozenset(
        find(session, actor, Persona, each, "persona_ids").id for each in set(persona_ids)
    )


def _store(session: Session, persona: Persona, name: str) -> None:
    problems = Problems()
    name = problems.text("name", name, longest=LONGEST_NAME)
    problems.raise_if_any()
    taken = Conflict(Problem("name", "name_taken", {"name": name}))
    # Named inside, so that a refusal undoes no more than the name.
    with unless_taken(session, Persona, "workspace_id", "name", otherwise=taken):
        persona.name = name
        session.add(persona)
