"""Notes on days: what happened ("newsletter sent"), shown where a report goes day by day.

A note belongs to the workspace, not to one touchpoint: a holiday or a letter to all customers
moves every curve. Whoever reads reports reads them, whoever enters reach writes them. Not here:
how they are drawn (the web door's charts).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy.orm import Session

from linkservice.fields import Problems
from linkservice.journeys.reach import check_days
from linkservice.reports.model import LONGEST_ANNOTATION, Annotation
from linkservice.reports.period import Period
from linkservice.workspaces.access import Actor, find, page, scoped
from linkservice.workspaces.trail import assign, note

WRITE = "journeys:write"


@dataclass(frozen=True, slots=True)
class NewAnnotation:
    """What happened on a local day of the workspace."""

    date: dt.date
    text: str


class AnnotationChanges(TypedDict, total=False):
    """The fields of a note that can be changed."""

    date: dt.date
    text: str


def add_annotation(
    session: Session, actor: Actor, new: NewAnnotation, now: dt.datetime
) -> Annotation:
    """Note what happened on a day. Raises `Invalid` (date, text), `Forbidden`."""
    return _add(session, actor, new, now, "annotation.added")


def restore_annotation(
    session: Session, actor: Actor, gone: NewAnnotation, now: dt.datetime
) -> Annotation:
    """Undo a deletion with what `delete_annotation` returned. Raises as `add_annotation`."""
    return _add(session, actor, gone, now, "annotation.restored")


def one_annotation(session: Session, actor: Actor, annotation_id: str) -> Annotation:
    """One note. Raises `NotFound`, `Forbidden`."""
    actor.require("reports:read")
    return find(session, actor, Annotation, annotation_id)


def list_annotations(
    session: Session, actor: Actor, *, after: int | None, limit: int
) -> Sequence[Annotation]:
    """The notes in the order they were made, with ids above `after`. Raises `Forbidden`."""
    actor.require("reports:read")
    return session.scalars(page(actor, Annotation, after=after, limit=limit)).all()


def newest_annotations(
    session: Session, actor: Actor, *, offset: int, limit: int
) -> Sequence[Annotation]:
    """The notes by their days, the latest first, without the first `offset`. Raises `Forbidden`."""
    actor.require("reports:read")
    query = scoped(actor, Annotation).order_by(Annotation.day.desc(), Annotation.id.desc())
    return session.scalars(query.offset(offset).limit(limit)).all()


def annotations_in(session: Session, actor: Actor, period: Period) -> Sequence[Annotation]:
    """The notes on the days of a period, in their order. Raises `Forbidden`."""
    actor.require("reports:read")
    query = scoped(actor, Annotation).where(Annotation.day.between(period.first, period.last))
    return session.scalars(query.order_by(Annotation.day, Annotation.id)).all()


def change_annotation(
    session: Session,
    actor: Actor,
    annotation_id: str,
    changes: AnnotationChanges,
    now: dt.datetime,
) -> Annotation:
    """Change a note. Raises as `add_annotation`, `NotFound`."""
    actor.require(WRITE)
    found = find(session, actor, Annotation, annotation_id)
    new = _checked(NewAnnotation(changes.get("date", found.day), changes.get("text", found.text)))
    if assign(found, {"day": new.date, "text": new.text}):
        session.flush()
        _note(session, actor, "annotation.changed", now, found)
    return found


def delete_annotation(
    session: Session, actor: Actor, annotation_id: str, now: dt.datetime
) -> NewAnnotation:
    """Delete a note for good; what is returned can be made again (`restore_annotation`).

    Raises `NotFound`, `Forbidden`.
    """
    actor.require(WRITE)
    found = find(session, actor, Annotation, annotation_id)
    session.delete(found)
    session.flush()
    _note(session, actor, "annotation.deleted", now, found)
    return NewAnnotation(found.day, found.text)


def _add(
    session: Session, actor: Actor, new: NewAnnotation, now: dt.datetime, action: str
) -> Annotation:
    actor.require(WRITE)
    new = _checked(new)
    found = Annotation(
        workspace_id=actor.workspace_id,
        day=new.date,
        text=new.text,
        created_by=actor.name,
        created_at=now,
    )
    session.add(found)
    session.flush()
    _note(session, actor, action, now, found)
    return found


def _checked(new: NewAnnotation) -> NewAnnotation:
    problems = Problems()
    check_days(problems, new.date, None)
    text = problems.text("text", new.text, longest=LONGEST_ANNOTATION)
    problems.raise_if_any()
    return NewAnnotation(new.date, text)


def _note(session: Session, actor: Actor, action: str, now: dt.datetime, found: Annotation) -> None:
    day = found.day.isoformat()
    note(session, actor, action, now, subject_id=found.id, name=found.text, date=day)
