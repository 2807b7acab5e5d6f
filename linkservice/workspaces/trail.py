"""The trail: who did what in a workspace, and when. Nouns note it in the transaction that does
it, so what is undone leaves no entry. Not here: the sentences (the web door).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from linkservice.workspaces.access import Actor, scoped
from linkservice.workspaces.model import TrailEntry

LONGEST_NAME = 260


@dataclass(frozen=True, slots=True)
class Note:
    """An entry as it is shown: `action` is a code such as ``link.created``."""

    at: datetime
    actor: str
    action: str
    subject_id: int | None
    name: str
    facts: Mapping[str, object]


def note(
    session: Session,
    actor: Actor,
    action: str,
    now: datetime,
    *,
    subject_id: int | None = None,
    name: str = "",
    **facts: str | int | bool | None,
) -> None:
    """Note that `actor` did `action` (``noun.verb``) to the thing called `name`.

    Facts are what a reader needs to understand it, never a secret or a whole address.
    """
    session.add(
        TrailEntry(
            workspace_id=actor.workspace_id,
            at=now,
            actor=actor.name,
            action=action,
            subject_id=subject_id,
            name=name[:LONGEST_NAME],
            facts=json.dumps(facts, ensure_ascii=False),
        )
    )


def assign(row: object, values: Mapping[str, object]) -> str:
    """Set those of the values that differ; their names, as the fact `fields` of a note has them."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return ", ".join(changed)


def list_trail(
    session: Session, actor: Actor, *, before: int | None, limit: int
) -> Sequence[tuple[int, Note]]:
    """The newest entries first, each with its id, below the id `before`. Raises `Forbidden`."""
    actor.require("admin")
    query = scoped(actor, TrailEntry).order_by(TrailEntry.id.desc()).limit(limit)
    if before is not None:
        query = query.where(TrailEntry.id < before)
    return [
        (
            entry.id,
            Note(
                entry.at,
                entry.actor,
                entry.action,
                entry.subject_id,
                entry.name,
                json.loads(entry.facts),
            ),
        )
        for entry in session.scalars(query)
    ]
