"""Search over all that has a name: a page, and the answers of the palette."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from flask import Response, jsonify

from linkservice.journeys.model import Campaign, Journey, Touchpoint
from linkservice.links.listing import LinkFilter, list_links
from linkservice.web.door import ANY, Pages
from linkservice.web.i18n import gettext
from linkservice.web.page import Page, address
from linkservice.workspaces.access import scoped

PAGES = Pages("")

MOST = 8
"""Of each kind: enough to recognise what one looks for."""

LONGEST = 200


NamedT = TypeVar("NamedT", Touchpoint, Journey, Campaign)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found, as the palette's script reads it."""

    label: str
    note: str
    kind: str
    href: str


@PAGES.get("/search", scope=ANY)
def search(page: Page) -> Response:
    """Links, journeys, touchpoints and campaigns whose name (or slug or destination) has `q`."""
    text = page.query.get("q", "").strip()[:LONGEST]
    found = _found(page, text) if text else []
    if page.wants_json:
        return jsonify([{"label": f.label, "kind": f.kind, "href": f.href} for f in found])
    return page.render("search.html", q=text, found=found)


def _found(page: Page, text: str) -> list[Found]:
    links = [
        Found(
            f"{view.host}/{view.link.slug}",
            view.link.title or view.link.destination,
            gettext("Link"),
            address("link", id=view.link.id),
        )
        for view in list_links(
            page.session, page.actor, LinkFilter(q=text), before=None, limit=MOST, now=page.now
        )
    ]
    return [
        *links,
        *(
            Found(row.name, "", gettext("Touchpoint"), address("touchpoint", id=row.id))
            for row in _named(page, Touchpoint, text)
        ),
        *(
            Found(row.name, "", gettext("Journey"), address("journey", id=row.id))
            for row in _named(page, Journey, text)
        ),
        *(
            Found(row.name, "", gettext("Campaign"), address("links", campaign_id=row.id))
            for row in _named(page, Campaign, text)
        ),
    ]


def _named(page: Page, model: type[NamedT], text: str) -> Sequence[NamedT]:
    query = scoped(page.actor, model).where(model.name.icontains(text, autoescape=True))
    return page.session.scalars(query.order_by(model.name).limit(MOST)).all()
