"""New links: one, or one for each of many touchpoints, looked at before they are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, jsonify

from linkservice.errors import Invalid, LinkServiceError, Problem
from linkservice.links.destination import UTM_NAMES
from linkservice.links.listing import link_view
from linkservice.links.manage import NewLink, PlannedLink, create_links, preview_links
from linkservice.links.naming import slug_state
from linkservice.links.utm import utm_of
from linkservice.web import places
from linkservice.web.door import Pages
from linkservice.web.i18n import gettext, ngettext, sentence
from linkservice.web.page import Page, address

PAGES = Pages("links")


@PAGES.get("/links/new", scope="links:write")
def new_link(page: Page) -> Response:
    """The form: the destination is all it takes."""
    return _form(page)


@PAGES.post("/links", scope="links:write", again=new_link)
def create(page: Page) -> Response:
    """Make the links, or show what would be made."""
    form = page.form
    new = NewLink(
        destination=form.text("destination"),
        domain=form.optional("domain"),
        slug=form.optional("slug"),
        title=form.text("title"),
        campaign_id=form.optional("campaign_id"),
        tags=tag_names(form.text("tags")),
        forward_query=form.checked("forward_query"),
        append_click_id=form.checked("append_click_id"),
        utm=typed_utm(page),
        expires_at=end_of_day(page, "last_day"),
        utm_from_touchpoint=form.checked("utm_from_touchpoint"),
        title_from_touchpoint=True,
    )
    chosen: Sequence[str | None] = form.every("touchpoint_ids") or [None]
    if form.text("deed") == "preview":
        planned = preview_links(page.session, page.actor, page.settings, new, chosen)
        return _form(replace(page, form=replace(form, again=True)), planned)
    made = create_links(page.session, page.actor, page.settings, new, chosen, page.now)
    if len(made) == 1:
        return page.go("link", id=made[0].link.id, toast=gettext("The link is made."))
    toast = ngettext("%(num)s link is made.", "%(num)s links are made.", len(made))
    return page.go("links", id=[view.link.id for view in made], made=1, toast=toast)


@PAGES.get("/links/slug-check", scope="links:read")
def slug_check(page: Page) -> Response:
    """Whether a slug is free, for the form while one types."""
    slug, host = page.query.get("slug", ""), page.query.get("domain") or None
    try:
        state = slug_state(page.session, page.actor, host, slug)
    except LinkServiceError as error:
        return jsonify(ok=False, text=sentence(error.problems[0]))
    if state.problem is None:
        return jsonify(ok=True, text=gettext("Free."))
    text = sentence(state.problem)
    if state.suggestion is not None:
        text += " " + gettext("Free is, for example, “%(slug)s”.", slug=state.suggestion)
    return jsonify(ok=False, text=text)


def tag_names(text: str) -> list[str]:
    """Tag names, separated by commas."""
    return [name for name in (part.strip() for part in text.split(",")) if name]


def typed_utm(page: Page) -> dict[str, str]:
    """The UTM fields that were filled in."""
    typed = {name: page.form.text(f"utm.{name}").strip() for name in UTM_NAMES}
    return {name: value for name, value in typed.items() if value}


def end_of_day(page: Page, name: str) -> datetime | None:
    """The end of the chosen day of the workspace; None for none. Raises `Invalid`."""
    day = page.form.day(name)
    if day is None:
        return None
    try:
        return datetime.combine(day + timedelta(1), time(), ZoneInfo(page.time_zone)).astimezone(
            UTC
        )
    except OverflowError:
        raise Invalid(Problem(name, "not_a_day")) from None


def choices(page: Page) -> dict[str, Any]:
    """What the fields of a link may be chosen from."""
    maps = places.journeys(page)
    return {
        "touchpoints": places.touchpoint_groups(maps),
        "campaigns": [("", gettext("None")), *places.campaigns(page)],
        "tag_names": places.tag_names(page),
        "domains": places.domains(page),
        "utm_names": UTM_NAMES,
    }


def _form(page: Page, planned: Sequence[PlannedLink] = ()) -> Response:
    offered = choices(page)
    start: dict[str, Any] = {
        "destination": page.query.get("destination", ""),
        "campaign_id": page.query.get("campaign_id", ""),
        "touchpoint_ids": [page.query["touchpoint_id"]] if "touchpoint_id" in page.query else [],
        "tags": "",
        "utm": {},
        "title": "",
        "forward_query": False,
        "append_click_id": False,
    }
    if "like" in page.query:
        like = link_view(page.session, page.actor, page.query["like"])
        link = like.link
        start |= {
            "destination": link.destination,
            "campaign_id": str(link.campaign_id or ""),
            "touchpoint_ids": [str(link.touchpoint_id or "")],
            "tags": ", ".join(like.tags),
            "title": link.title,
            "forward_query": link.forward_query,
            "append_click_id": link.append_click_id,
            "utm": utm_of(link.destination),
        }
    only = page.query.get("journey_id")
    if only:
        maps = [each for each in places.journeys(page) if str(each.journey.id) == only]
        offered["touchpoints"] = places.touchpoint_groups(maps) or offered["touchpoints"]
    return page.render(
        "links/new.html",
        start=start,
        planned=planned,
        check_url=address("slug_check"),
        suggestion=_suggested_destination(page),
        many=bool(only),
        **offered,
    )


def _suggested_destination(page: Page) -> str | None:
    """The whole address where only https:// was left out."""
    found = [p.params.get("suggestion") for p in page.form.found if p.field == "destination"]
    return str(found[0]) if found and found[0] else None
