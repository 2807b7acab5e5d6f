"""One link: its code, where it leads, its history, its report; edited, paused, archived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Response, request

from linkservice.errors import Invalid, Problem
from linkservice.journeys.model import Campaign, Stage, Touchpoint
from linkservice.links import history
from linkservice.links.addresses import scan_url, short_url
from linkservice.links.listing import LinkView, link_view, state_of
from linkservice.links.manage import (
    LinkChanges,
    archive_link,
    change_link,
    delete_link,
    restore_link,
    unarchive_link,
)
from linkservice.links.model import Link
from linkservice.links.utm import utm_of
from linkservice.qr.design import DEFAULT_DPI, Design
from linkservice.qr.render import Rendered, png, svg
from linkservice.web.door import Pages
from linkservice.web.forms import Form
from linkservice.web.i18n import N_, gettext, write_moment
from linkservice.web.link_report import link_report_context
from linkservice.web.page import Page, address
from linkservice.web.views.links import STATE_WORDS
from linkservice.web.views.new_link import choices, end_of_day, tag_names, typed_utm

PAGES = Pages("links")

USUAL_MM = 30
FORMATS = ("png", "svg", "pdf")

FIELD_WORDS = {
    "destination": N_("Destination"),
    "title": N_("Title"),
    "touchpoint": N_("Touchpoint"),
    "campaign": N_("Campaign"),
    "tags": N_("Tags"),
    "forward_query": N_("Pass the query on"),
    "append_click_id": N_("Append a click id"),
    "expires_at": N_("Expires"),
    "active": N_("Active"),
    "archived": N_("Archived"),
    "deleted": N_("Deleted"),
}


@PAGES.get("/links/<id>", scope="links:read")
def link(page: Page, id: str) -> Response:
    """The link with its code as it will be printed, and its report."""
    view = link_view(page.session, page.actor, id, also_deleted=True)
    there = view.link.deleted_at is None
    report = link_report_context(page, id) if there else None
    return page.render(
        "links/link.html",
        status=report.chosen.status if report else 200,
        view=view,
        state=state_of(view.link, page.now),
        state_words=STATE_WORDS,
        short=short_url(page.settings, view.host, view.link.slug),
        scan=scan_url(page.settings, view.host, view.link.slug),
        place=_place(page, view.link),
        campaign=_campaign(page, view.link),
        changes=history.link_history(page.session, page.actor, id),
        field_words=FIELD_WORDS,
        shown=_shown,
        code=_asked_code(page),
        nearest=_nearest(page),
        report=report,
    )


@PAGES.get("/links/<id>/qr", scope="links:read")
def link_qr(page: Page, id: str) -> Response:
    """The code as a file; what is wrong with the wish stands beside its field on the page."""
    view = link_view(page.session, page.actor, id)
    text = scan_url(page.settings, view.host, view.link.slug)
    try:
        drawn = _drawn(page, text)
    except Invalid as error:
        form = Form(typed=request.args, found=error.problems)
        return link(replace(page, form=form), id)
    name = f"{view.link.slug}.{drawn.media_type.rpartition('/')[2].removesuffix('+xml')}"
    if "show" in page.query:
        return Response(drawn.data, content_type=drawn.media_type)
    return page.file(drawn.data, drawn.media_type, name)


@PAGES.get("/links/<id>/edit", scope="links:write")
def edit_link(page: Page, id: str) -> Response:
    """The form of everything about a link that can change."""
    view = link_view(page.session, page.actor, id)
    return page.render(
        "links/edit.html",
        view=view,
        short=short_url(page.settings, view.host, view.link.slug),
        utm=utm_of(view.link.destination),
        last_day=_last_day(page, view.link),
        **choices(page),
    )


@PAGES.post("/links/<id>", scope="links:write", again=edit_link)
def save_link(page: Page, id: str) -> Response:
    """Change the link; live within a second."""
    form = page.form
    before = link_view(page.session, page.actor, id).link
    wanted: LinkChanges = {
        "destination": form.text("destination"),
        "title": form.text("title"),
        "touchpoint_id": form.optional("touchpoint_id"),
        "campaign_id": form.optional("campaign_id"),
        "tags": tag_names(form.text("tags")),
        "forward_query": form.checked("forward_query"),
        "append_click_id": form.checked("append_click_id"),
        "utm": typed_utm(page),
    }
    # A day that was left as it is keeps the hour the API may have set.
    if form.text("last_day") != (_last_day(page, before) or ""):
        wanted["expires_at"] = end_of_day(page, "last_day")
    return _changed(page, id, gettext("The link is changed."), lambda: _change(page, id, wanted))


@PAGES.post("/links/<id>/pause", scope="links:write")
def pause_link(page: Page, id: str) -> Response:
    """Whoever clicks it reads that it is no longer active."""
    toast = gettext("The link is paused: who clicks it reads that it is no longer active.")
    return _changed(page, id, toast, lambda: _change(page, id, {"active": False}))


@PAGES.post("/links/<id>/resume", scope="links:write")
def resume_link(page: Page, id: str) -> Response:
    """It redirects again."""
    toast = gettext("The link redirects again.")
    return _changed(page, id, toast, lambda: _change(page, id, {"active": True}))


@PAGES.post("/links/<id>/archive", scope="links:write")
def archive(page: Page, id: str) -> Response:
    """It leaves the list and goes on redirecting."""
    toast = gettext("The link is archived; its printed codes go on working.")
    return _changed(page, id, toast, lambda: archive_link(page.session, page.actor, id, page.now))


@PAGES.post("/links/<id>/unarchive", scope="links:write")
def unarchive(page: Page, id: str) -> Response:
    """It is in the list again."""
    toast = gettext("The link is back in the list.")
    return _changed(page, id, toast, lambda: unarchive_link(page.session, page.actor, id, page.now))


@PAGES.post("/links/<id>/delete", scope="links:write")
def delete(page: Page, id: str) -> Response:
    """It answers that it is gone; its slug stays taken."""
    delete_link(page.session, page.actor, id, page.now)
    toast = gettext("The link is deleted; its slug stays reserved.")
    return page.go("links", toast=toast, undo=address("restore", id=id))


@PAGES.post("/links/<id>/restore", scope="links:write")
def restore(page: Page, id: str) -> Response:
    """As it was before it was deleted."""
    restore_link(page.session, page.actor, id, page.now)
    return page.go("link", id=id, toast=gettext("The link is back as it was."))


@PAGES.post("/links/<id>/undo/<int:version>", scope="links:write", again=link)
def undo_link(page: Page, id: str, version: int) -> Response:
    """Put back what a change changed; that can be undone as well."""
    view = history.undo(page.session, page.actor, page.settings, id, version, page.now)
    toast = gettext("The change is undone.")
    undo = address("undo_link", id=id, version=view.link.version)
    return page.go("link", id=id, toast=toast, undo=undo)


def _change(page: Page, id: str, wanted: LinkChanges) -> LinkView:
    return change_link(page.session, page.actor, page.settings, id, wanted, page.now)


def _changed(page: Page, id: str, toast: str, do: Callable[[], LinkView]) -> Response:
    """Do it and go back; with a way to undo it, if it changed anything."""
    before = link_view(page.session, page.actor, id).link.version
    after = do().link.version
    undo = address("undo_link", id=id, version=after) if after != before else ""
    return page.go_back("link", id=id, toast=toast, undo=undo)


def _drawn(page: Page, text: str) -> Rendered:
    """The code as the query wants it. Raises `Invalid`."""
    code = _asked_code(page)
    design = Design(foreground=_foreground(page, code["colour"]))
    size = _number(page, "size_mm", USUAL_MM)
    match page.query.get("format"):
        case "png":
            dpi = round(_number(page, "dpi", DEFAULT_DPI))
            return png(text, design=design, size_mm=size, dpi=dpi)
        case "pdf":
            # Imported late: it takes half a second that no worker should start with.
            from linkservice.qr.pdf import pdf

            return pdf(text, design=design, size_mm=size, made_at=page.now)
        case "svg" | None:
            return svg(text, design=design, size_mm=size)
        case _:
            raise Invalid(Problem("format", "not_one_of", {"allowed": ", ".join(FORMATS)}))


def _asked_code(page: Page) -> dict[str, str]:
    """How the code is wished; what is not said is as usual."""
    return {
        "size_mm": page.query.get("size_mm") or str(USUAL_MM),
        "dpi": page.query.get("dpi") or str(DEFAULT_DPI),
        "colour": page.query.get("colour") or "black",
    }


def _foreground(page: Page, colour: str) -> str:
    return {"black": "#000000", "brand": page.home.brand_colour}.get(colour, colour)


def _number(page: Page, name: str, usual: float) -> float:
    text = page.query.get(name, "").strip().replace(",", ".")
    if not text:
        return usual
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != number or abs(number) == float("inf"):
        raise Invalid(Problem(name, "not_a_size"))
    return number


def _nearest(page: Page) -> str | None:
    """The colour nearest to the wished one that scans, where that one does not."""
    found = [p.params["nearest"] for p in page.form.found if "nearest" in p.params]
    return str(found[0]) if found else None


def _last_day(page: Page, found: Link) -> str | None:
    """The last day on which the link leads anywhere, as date inputs write it."""
    if found.expires_at is None:
        return None
    last = found.expires_at.astimezone(ZoneInfo(page.time_zone)) - timedelta(microseconds=1)
    return last.date().isoformat()


def _shown(value: object) -> str:
    """A field of the history as a person reads it."""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, datetime):
        return write_moment(value)
    return gettext("none") if value in (None, "") else str(value)


def _place(page: Page, found: Link) -> tuple[Touchpoint, Stage] | None:
    """The touchpoint and its stage; a deleted one is named all the same."""
    if found.touchpoint_id is None:
        return None
    touchpoint = page.session.get_one(Touchpoint, found.touchpoint_id)
    return touchpoint, page.session.get_one(Stage, touchpoint.stage_id)


def _campaign(page: Page, found: Link) -> Campaign | None:
    return None if found.campaign_id is None else page.session.get(Campaign, found.campaign_id)
