"""Entries of reach: made, changed and deleted on the page of their touchpoint.

Not here: tables of reach (`reach_table.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Response, request

from linkservice.errors import Invalid
from linkservice.fields import Problems
from linkservice.journeys import reach as reaches
from linkservice.journeys import touchpoints
from linkservice.journeys.reach import DeletedReach, NewReach
from linkservice.web import fieldwords
from linkservice.web.door import Pages
from linkservice.web.forms import Form
from linkservice.web.i18n import gettext
from linkservice.web.page import Page, address
from linkservice.web.views.touchpoints import touchpoint

PAGES = Pages("journeys")

T = TypeVar("T")


@PAGES.post("/touchpoints/<id>/reach", scope="journeys:write", again=touchpoint)
def add_reach(page: Page, id: str) -> Response:
    """Enter reach for a touchpoint."""
    reaches.add_reach(page.session, page.actor, id, _entry(page.form), page.now)
    return page.go("touchpoint", id=id, toast=gettext("The reach is entered."), _anchor="reach")


@PAGES.get("/reach/<id>", scope="journeys:write")
def edit_reach(page: Page, id: str) -> Response:
    """The form of an entry."""
    found = reaches.one_reach(page.session, page.actor, id)
    of = touchpoints.one_touchpoint(page.session, page.actor, str(found.touchpoint_id))
    summary = reaches.reach_summaries(page.session, page.actor, [of.id])[of.id]
    return page.render(
        "journeys/entry.html",
        entry=found,
        values=reaches.values_of(found),
        touchpoint=of,
        only=summary.entries == 1,
        units=fieldwords.UNITS,
    )


@PAGES.post("/reach/<id>", scope="journeys:write", again=edit_reach)
def change_reach(page: Page, id: str) -> Response:
    """Change an entry."""
    new = _entry(page.form)
    found = reaches.change_reach(
        page.session,
        page.actor,
        id,
        {"date": new.date, "until": new.until, "amount": new.amount, "unit": new.unit},
        page.now,
    )
    toast = gettext("The entry is changed.")
    return page.go("touchpoint", id=found.touchpoint_id, toast=toast, _anchor="reach")


@PAGES.post("/reach/<id>/delete", scope="journeys:write")
def delete_reach(page: Page, id: str) -> Response:
    """Delete an entry."""
    gone = reaches.delete_reach(page.session, page.actor, id, page.now)
    return page.go(
        "touchpoint",
        id=gone.touchpoint_id,
        toast=gettext("The entry is deleted."),
        undo=_undo(gone),
        _anchor="reach",
    )


@PAGES.post("/touchpoints/<id>/reach/restore", scope="journeys:write")
def restore_reach(page: Page, id: str) -> Response:
    """Enter again what was deleted; the address says what."""
    gone = _entry(Form(typed=request.args))
    reaches.restore_reach(page.session, page.actor, id, gone, page.now)
    return page.go("touchpoint", id=id, toast=gettext("The entry is back."), _anchor="reach")


def _entry(form: Form) -> NewReach:
    """What was typed. Raises `Invalid` with every field that cannot be read."""
    problems = Problems()
    date = _read(problems, lambda: form.day("date"))
    until = _read(problems, lambda: form.day("until"))
    amount = _read(problems, lambda: form.integer("amount"))
    if not form.text("date").strip():
        problems.add("date", "empty")
    problems.raise_if_any()
    assert date is not None
    assert amount is not None
    return NewReach(date, amount, form.text("unit"), until if until != date else None)


def _read(problems: Problems, read: Callable[[], T]) -> T | None:
    try:
        return read()
    except Invalid as error:
        problems.take(error)
        return None


def _undo(gone: DeletedReach) -> str:
    """The address that enters the entry again."""
    entry = gone.entry
    return address(
        "restore_reach",
        id=gone.touchpoint_id,
        date=entry.date,
        until=entry.until,
        amount=entry.amount,
        unit=entry.unit,
    )
