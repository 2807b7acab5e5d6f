"""Notes on days: written under a curve or here, listed, changed, deleted.

Not here: how a curve shows them (`charts/flags`).
"""

from __future__ import annotations

from flask import Response, request

from linkservice.errors import Invalid
from linkservice.fields import Problems
from linkservice.reports import annotations as notes
from linkservice.reports.annotations import NewAnnotation
from linkservice.reports.model import LONGEST_ANNOTATION, Annotation
from linkservice.reports.period import day_of
from linkservice.web.door import Pages
from linkservice.web.forms import Form
from linkservice.web.i18n import gettext
from linkservice.web.page import Page, address

PAGES = Pages("reports")

SHOWN = 50


@PAGES.get("/reports/annotations", scope="reports:read")
def annotation_list(page: Page) -> Response:
    """All notes, the latest days first, and the form of a new one."""
    return _list(page, None)


@PAGES.post("/reports/annotations", scope=notes.WRITE, again=annotation_list)
def add_annotation(page: Page) -> Response:
    """Note what happened on a day, and go on where one was."""
    notes.add_annotation(page.session, page.actor, _entry(page.form), page.now)
    return page.go_back("annotation_list", toast=gettext("The note is entered."))


@PAGES.post("/reports/annotations/restore", scope=notes.WRITE)
def restore_annotation(page: Page) -> Response:
    """Enter again what was deleted; the address says what."""
    gone = _entry(Form(typed=request.args))
    notes.restore_annotation(page.session, page.actor, gone, page.now)
    return page.go("annotation_list", toast=gettext("The note is back."))


@PAGES.get("/reports/annotations/<id>", scope=notes.WRITE)
def edit_annotation(page: Page, id: str) -> Response:
    """The form of one note."""
    return _list(page, notes.one_annotation(page.session, page.actor, id))


@PAGES.post("/reports/annotations/<id>", scope=notes.WRITE, again=edit_annotation)
def change_annotation(page: Page, id: str) -> Response:
    """Change a note."""
    new = _entry(page.form)
    notes.change_annotation(
        page.session, page.actor, id, {"date": new.date, "text": new.text}, page.now
    )
    return page.go("annotation_list", toast=gettext("The note is changed."))


@PAGES.post("/reports/annotations/<id>/delete", scope=notes.WRITE)
def delete_annotation(page: Page, id: str) -> Response:
    """Delete a note."""
    gone = notes.delete_annotation(page.session, page.actor, id, page.now)
    undo = address("restore_annotation", date=gone.date, text=gone.text)
    return page.go("annotation_list", toast=gettext("The note is deleted."), undo=undo)


def _list(page: Page, changed: Annotation | None) -> Response:
    offset = _number(page.query.get("offset", ""))
    found = notes.newest_annotations(page.session, page.actor, offset=offset, limit=SHOWN + 1)
    return page.render(
        "reports/annotations.html",
        annotations=found[:SHOWN],
        changed=changed,
        longest=LONGEST_ANNOTATION,
        today=day_of(page.now, page.time_zone),
        offset=offset,
        shown=SHOWN,
        more=len(found) > SHOWN,
    )


def _entry(form: Form) -> NewAnnotation:
    """What was typed. Raises `Invalid` for a day that is none."""
    problems, date = Problems(), None
    try:
        date = form.day("date")
        if date is None:
            problems.add("date", "empty")
    except Invalid as error:
        problems.take(error)
    problems.raise_if_any()
    assert date is not None
    return NewAnnotation(date, form.text("text"))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
