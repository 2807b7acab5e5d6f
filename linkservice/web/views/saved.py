"""Saved views: all of them, and saving the page one is on under a name."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from flask import Response

from linkservice.errors import Invalid
from linkservice.reports import saved
from linkservice.reports.filters import choose_filters
from linkservice.reports.model import SavedView
from linkservice.reports.saved import NewView
from linkservice.web import periods
from linkservice.web.counted import filter_words
from linkservice.web.door import Pages
from linkservice.web.i18n import N_, gettext
from linkservice.web.page import Page, address
from linkservice.web.places import journeys_by_name

PAGES = Pages("reports")

PLACES = {
    "touchpoints": "reports",
    "journey": "journey_report",
    "touchpoint": "touchpoint_report_page",
    "link": "link_report_page",
    "campaign": "campaign",
    "costs": "costs_report",
    "personas": "personas_report",
    "moments": "moments_page",
    "overview": "overview",
}
"""Which page shows what a view is about."""

ABOUT_WORDS = {
    "touchpoints": N_("Touchpoints"),
    "journey": N_("Journey"),
    "touchpoint": N_("Touchpoint"),
    "link": N_("Link"),
    "campaign": N_("Campaign"),
    "costs": N_("Costs"),
    "personas": N_("Personas"),
    "moments": N_("Moments of truth"),
    "overview": N_("Overview"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A view in the list: what it shows in words, and where; no `href` where that is gone."""

    view: SavedView
    subject: str
    words: str
    href: str


@PAGES.get("/reports/views", scope="reports:read")
def saved_views(page: Page, id: str = "") -> Response:
    """Every saved view; `id` is one that could not be renamed."""
    views = saved.list_views(page.session, page.actor)
    names = saved.subjects_of(page.session, page.actor, views)
    rows = [_row(page, view, names) for view in views]
    return page.render(
        "reports/views.html",
        views=rows,
        refused=id,
        about_words=ABOUT_WORDS,
        chosen=periods.chosen({}, page.time_zone, page.now),
        journeys=journeys_by_name(page),
        again=bool(page.form.found and page.form.text("about")),
    )


@PAGES.post("/reports/views", scope=saved.SCOPE, again=saved_views)
def save_view(page: Page) -> Response:
    """Save the page the form stands on, and go back there."""
    form = page.form
    new = NewView(
        name=form.text("name"),
        about=form.text("about"),
        subject_id=form.optional("subject"),
        query=form.text("query"),
    )
    view = saved.save_view(page.session, page.actor, new, page.now)
    return page.go_to(place_of(view), toast=gettext("“%(name)s” is saved.", name=view.name))


@PAGES.post("/reports/views/<id>", scope=saved.SCOPE, again=saved_views)
def rename_view(page: Page, id: str) -> Response:
    """Another name for it."""
    saved.rename_view(page.session, page.actor, id, page.form.text("name"), page.now)
    return page.go("saved_views", toast=gettext("The view is renamed."))


@PAGES.post("/reports/views/<id>/delete", scope=saved.SCOPE)
def delete_view(page: Page, id: str) -> Response:
    """Forget it."""
    gone = saved.delete_view(page.session, page.actor, id, page.now)
    return page.go("saved_views", toast=gettext("“%(name)s” is deleted.", name=gone.name))


def place_of(view: SavedView) -> str:
    """The address of the page as it was saved."""
    ids = {} if view.subject_id is None else {"id": str(view.subject_id)}
    place = address(PLACES[view.about], **ids)
    return f"{place}?{view.query}" if view.query else place


def _row(page: Page, view: SavedView, names: dict[int, str]) -> Row:
    there = view.subject_id is None or view.id in names
    asked = saved.asked_of(view)
    chosen = periods.chosen(asked, page.time_zone, page.now)
    words = [chosen.name]
    # What a program saved may be no filter; then its page says what is wrong.
    with suppress(Invalid):
        words += filter_words(choose_filters(asked))
    return Row(view, names.get(view.id, ""), " · ".join(words), place_of(view) if there else "")
