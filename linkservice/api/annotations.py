"""The calls of notes on days."""

from __future__ import annotations

from typing import Annotated, cast

from linkservice.api.door import Call, Calls, Listed, Nothing, Page, id_of, listed
from linkservice.api.touchpoints import ReachDay
from linkservice.api.values import Answer, Changes, Day, Given, Id, Moment, text
from linkservice.journeys.reach import FIRST_DAY
from linkservice.reports import annotations as notes
from linkservice.reports.annotations import AnnotationChanges, NewAnnotation
from linkservice.reports.model import LONGEST_ANNOTATION, Annotation

ANNOTATIONS = Calls("Annotations")

Words = Annotated[str, text(LONGEST_ANNOTATION)]


class AnnotationGiven(Given):
    """What happened on a day: "newsletter sent"."""

    date: ReachDay
    text: Words


class AnnotationChangesGiven(Changes):
    """What of a note changes."""

    date: ReachDay = FIRST_DAY
    text: Words = ""


class AnnotationAnswer(Answer):
    """A note on a local day of the workspace, shown in every curve."""

    id: Id
    date: Day
    text: str
    created_at: Moment


@ANNOTATIONS.call(
    "POST",
    "/annotations",
    scope=notes.WRITE,
    takes=AnnotationGiven,
    answers=AnnotationAnswer,
)
def create_annotation(call: Call, given: AnnotationGiven) -> AnnotationAnswer:
    """Note what happened on a day"""
    new = NewAnnotation(given.date, given.text)
    return _annotation(notes.add_annotation(call.session, call.actor, new, call.now))


@ANNOTATIONS.call(
    "GET", "/annotations", scope="reports:read", takes=Page, answers=Listed[AnnotationAnswer]
)
def list_annotations(call: Call, given: Page) -> Listed[AnnotationAnswer]:
    """List the notes on days"""
    return listed(
        given,
        lambda after, limit: notes.list_annotations(
            call.session, call.actor, after=after, limit=limit
        ),
        _annotation,
        id_of,
    )


@ANNOTATIONS.call("GET", "/annotations/{id}", scope="reports:read", answers=AnnotationAnswer)
def get_annotation(call: Call, given: Nothing) -> AnnotationAnswer:
    """Get a note on a day"""
    return _annotation(notes.one_annotation(call.session, call.actor, call.id))


@ANNOTATIONS.call(
    "PATCH",
    "/annotations/{id}",
    scope=notes.WRITE,
    takes=AnnotationChangesGiven,
    answers=AnnotationAnswer,
)
def change_annotation(call: Call, given: AnnotationChangesGiven) -> AnnotationAnswer:
    """Change a note on a day"""
    changes = cast(AnnotationChanges, given.given())
    return _annotation(
        notes.change_annotation(call.session, call.actor, call.id, changes, call.now)
    )


@ANNOTATIONS.call("DELETE", "/annotations/{id}", scope=notes.WRITE)
def delete_annotation(call: Call, given: Nothing) -> None:
    """Delete a note on a day"""
    notes.delete_annotation(call.session, call.actor, call.id, call.now)


def _annotation(found: Annotation) -> AnnotationAnswer:
    return AnnotationAnswer(
        id=str(found.id), date=found.day, text=found.text, created_at=found.created_at
    )
