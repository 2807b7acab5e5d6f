"""Saved views: pages of reports with their period and filters, under a name all members know.

Decided here: which pages can be saved and what of their address is kept. Their values are not
checked: the page does that whenever the view is opened, as with any address. Not here: where
those pages are (the web door).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from sqlalchemy.orm import Session

from linkservice.database import unless_taken
from linkservice.errors import Conflict, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import Campaign, Journey, Touchpoint
from linkservice.links.model import Link
from linkservice.reports.model import KEPT, LONGEST_NAME, SavedView
from linkservice.workspaces import trail
from linkservice.workspaces.access import Actor, find, page, scoped

SCOPE = "reports:share"
"""What it takes to make, rename and delete one: all members see it."""

LONGEST_QUERY = 2_000
MOST_VIEWS = 200

_FIELD = re.compile(r"[a-z][a-z_]{0,39}")
_SUBJECTS: dict[str, type[Journey] | type[Touchpoint] | type[Link] | type[Campaign]] = {
    "journey": Journey,
    "touchpoint": Touchpoint,
    "link": Link,
    "campaign": Campaign,
}


@dataclass(frozen=True, slots=True)
class NewView:
    """What is to be saved: the page, whose it is, and the query of its address."""

    name: str
    about: str
    subject_id: str | None
    query: str = ""


def save_view(session: Session, actor: Actor, new: NewView, now: datetime) -> SavedView:
    """Save a view. Raises `Invalid` (name, about, query), `NotFound` (subject_id), `Conflict`
    for a name in use, `Forbidden`.
    """
    actor.require(SCOPE)
    problems = Problems()
    problems.one_of("about", new.about, KEPT)
    asked = parse_qsl(new.query.removeprefix("?"))
    query = urlencode(asked)
    if not all(_FIELD.fullmatch(name) for name, _ in asked):
        problems.add("query", "unknown_field")
    if len(query) > LONGEST_QUERY:
        problems.add("query", "too_long", longest=LONGEST_QUERY, length=len(query))
    problems.raise_if_any()
    subject = None
    if new.about in _SUBJECTS:
        model = _SUBJECTS[new.about]
        subject = find(session, actor, model, new.subject_id or "", "subject_id").id
    view = SavedView(
        workspace_id=actor.workspace_id,
        about=new.about,
        subject_id=subject,
        query=query,
        created_by=actor.name,
        created_at=now,
    )
    _name(session, view, new.name)
    trail.note(session, actor, "view.saved", now, subject_id=view.id, name=view.name)
    return view


def list_views(
    session: Session, actor: Actor, *, after: int | None = None, limit: int = MOST_VIEWS
) -> Sequence[SavedView]:
    """The workspace's views in the order they were saved, with ids above `after`. Raises
    `Forbidden`.
    """
    actor.require("reports:read")
    return session.scalars(page(actor, SavedView, after=after, limit=limit)).all()


def one_view(session: Session, actor: Actor, view_id: str) -> SavedView:
    """One view. Raises `NotFound`, `Forbidden`."""
    actor.require("reports:read")
    return find(session, actor, SavedView, view_id)


def rename_view(
    session: Session, actor: Actor, view_id: str, name: str, now: datetime
) -> SavedView:
    """Give a view another name. Raises `Invalid` (name), `Conflict` for a name in use,
    `NotFound`, `Forbidden`.
    """
    actor.require(SCOPE)
    view = find(session, actor, SavedView, view_id)
    before = view.name
    _name(session, view, name)
    if view.name != before:
        trail.note(
            session,
            actor,
            "view.renamed",
            now,
            subject_id=view.id,
            name=view.name,
            before=before,
        )
    return view


def delete_view(session: Session, actor: Actor, view_id: str, now: datetime) -> SavedView:
    """Forget a view; what it showed stays as it is. Raises `NotFound`, `Forbidden`."""
    actor.require(SCOPE)
    view = find(session, actor, SavedView, view_id)
    session.delete(view)
    session.flush()
    trail.note(session, actor, "view.deleted", now, subject_id=view.id, name=view.name)
    return view


def asked_of(view: SavedView) -> dict[str, str]:
    """The fields of the address of its page."""
    return dict(parse_qsl(view.query))


def subjects_of(session: Session, actor: Actor, views: Sequence[SavedView]) -> dict[int, str]:
    """What the subjects that are still there are called, by the ids of their views: a link by
    its slug.
    """
    found: dict[int, str] = {}
    for about, model in _SUBJECTS.items():
        ids = {view.subject_id for view in views if view.about == about}
        if not ids:
            continue
        rows = session.scalars(scoped(actor, model).where(model.id.in_(ids)))
        names = {row.id: row.slug if isinstance(row, Link) else row.name for row in rows}
        for view in views:
            if view.about == about and view.subject_id in names:
                found[view.id] = names[view.subject_id]
    return found


def _name(session: Session, view: SavedView, name: str) -> None:
    problems = Problems()
    name = problems.text("name", name, longest=LONGEST_NAME)
    problems.raise_if_any()
    taken = Conflict(Problem("name", "name_taken", {"name": name}))
    # Named inside, so that a refusal undoes no more than the name.
    with unless_taken(session, SavedView, "workspace_id", "name", otherwise=taken):
        view.name = name
        session.add(view)
