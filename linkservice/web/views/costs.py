"""Costs: entered, changed and deleted, and on the page of their touchpoint or campaign again.

The form is a page of its own (a dialog, with JavaScript), since a touchpoint's page has one for
reach already. Not here: the list of entries (`web/cost_box`), what a click cost (`cost_report`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Response, request

from linkservice.errors import Invalid
from linkservice.fields import Problems
from linkservice.journeys import costs
from linkservice.journeys.costs import DeletedCost, NewCost, Subject
from linkservice.money import CURRENCIES, read_amount, write_plain
from linkservice.reports.period import day_of
from linkservice.web.door import Pages
from linkservice.web.forms import Form
from linkservice.web.i18n import gettext
from linkservice.web.page import Page, address

PAGES = Pages("journeys")

T = TypeVar("T")


@PAGES.get("/touchpoints/<id>/costs/new", scope="journeys:write")
def new_touchpoint_cost(page: Page, id: str) -> Response:
    """The form of a new entry of a touchpoint."""
    return _new(page, Subject("touchpoint", id))


@PAGES.get("/campaigns/<id>/costs/new", scope="journeys:write")
def new_campaign_cost(page: Page, id: str) -> Response:
    """The form of a new entry of a campaign."""
    return _new(page, Subject("campaign", id))


@PAGES.post("/touchpoints/<id>/costs", scope="journeys:write", again=new_touchpoint_cost)
def add_touchpoint_cost(page: Page, id: str) -> Response:
    """Enter what was spent on a touchpoint."""
    return _add(page, Subject("touchpoint", id))


@PAGES.post("/campaigns/<id>/costs", scope="journeys:write", again=new_campaign_cost)
def add_campaign_cost(page: Page, id: str) -> Response:
    """Enter what was spent on a campaign."""
    return _add(page, Subject("campaign", id))


@PAGES.get("/costs/<id>", scope="journeys:write")
def edit_cost(page: Page, id: str) -> Response:
    """The form of an entry."""
    found = costs.one_cost(page.session, page.actor, id)
    return _form(
        page,
        costs.subject_of(found),
        gettext("Change the cost"),
        address("change_cost", id=id),
        costs.values_of(found),
    )


@PAGES.post("/costs/<id>", scope="journeys:write", again=edit_cost)
def change_cost(page: Page, id: str) -> Response:
    """Change an entry."""
    old = costs.one_cost(page.session, page.actor, id)
    new = _entry(page.form, old.currency)
    found = costs.change_cost(
        page.session,
        page.actor,
        id,
        {"date": new.date, "until": new.until, "amount": new.amount},
        page.now,
    )
    return _to(page, costs.subject_of(found), gettext("The cost is changed."))


@PAGES.post("/costs/<id>/delete", scope="journeys:write")
def delete_cost(page: Page, id: str) -> Response:
    """Delete an entry."""
    gone = costs.delete_cost(page.session, page.actor, id, page.now)
    return _to(page, gone.subject, gettext("The cost is deleted."), _undo(gone))


@PAGES.post("/touchpoints/<id>/costs/restore", scope="journeys:write")
def restore_touchpoint_cost(page: Page, id: str) -> Response:
    """Enter again what was deleted; the address says what."""
    return _restore(page, Subject("touchpoint", id))


@PAGES.post("/campaigns/<id>/costs/restore", scope="journeys:write")
def restore_campaign_cost(page: Page, id: str) -> Response:
    """Enter again what was deleted; the address says what."""
    return _restore(page, Subject("campaign", id))


def _new(page: Page, subject: Subject) -> Response:
    action = address(f"add_{subject.kind}_cost", id=subject.id)
    return _form(page, subject, gettext("Enter a cost"), action, None)


def _form(
    page: Page, subject: Subject, title: str, action: str, values: NewCost | None
) -> Response:
    return page.render(
        "journeys/cost.html",
        title=title,
        action=action,
        back=address(subject.kind, id=subject.id, _anchor="costs"),
        back_to=costs.found_subject(page.session, page.actor, subject).name,
        values=values,
        currency=values.currency if values else page.home.currency,
        today=day_of(page.now, page.time_zone),
    )


def _add(page: Page, subject: Subject) -> Response:
    new = _entry(page.form, page.home.currency)
    costs.add_cost(page.session, page.actor, subject, new, page.now)
    return _to(page, subject, gettext("The cost is entered."))


def _restore(page: Page, subject: Subject) -> Response:
    currency = request.args.get("currency") or page.home.currency
    problems = Problems()
    problems.one_of("currency", currency, CURRENCIES)
    problems.raise_if_any()
    gone = _entry(Form(typed=request.args), currency)
    costs.restore_cost(page.session, page.actor, subject, gone, page.now)
    return _to(page, subject, gettext("The cost is back."))


def _to(page: Page, subject: Subject, toast: str, undo: str = "") -> Response:
    """To the touchpoint or campaign the cost is of."""
    return page.go(subject.kind, id=subject.id, toast=toast, undo=undo, _anchor="costs")


def _entry(form: Form, currency: str) -> NewCost:
    """What was typed. Raises `Invalid` with every field that cannot be read."""
    problems = Problems()
    date = _read(problems, lambda: form.day("date"))
    until = _read(problems, lambda: form.day("until"))
    amount = _read(problems, lambda: read_amount("amount", form.text("amount"), currency))
    if not form.text("date").strip():
        problems.add("date", "empty")
    problems.raise_if_any()
    assert date is not None
    assert amount is not None
    return NewCost(date, amount, currency, until if until != date else None)


def _read(problems: Problems, read: Callable[[], T]) -> T | None:
    try:
        return read()
    except Invalid as error:
        problems.take(error)
        return None


def _undo(gone: DeletedCost) -> str:
    """The address that enters the entry again."""
    entry = gone.entry
    return address(
        f"restore_{gone.subject.kind}_cost",
        id=gone.subject.id,
        date=entry.date,
        until=entry.until,
        amount=write_plain(entry.amount, entry.currency),
        currency=entry.currency,
    )
