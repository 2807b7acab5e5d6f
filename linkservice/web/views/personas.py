"""Personas: made and named, and attached to journeys and links.

Not here: how touchpoints do by persona (`persona_report`).
"""

from __future__ import annotations

from flask import Response

from linkservice.journeys import manage
from linkservice.journeys.personas import (
    create_persona,
    delete_persona,
    every_persona,
    rename_persona,
    set_journey_personas,
)
from linkservice.links.listing import link_view
from linkservice.links.personas import set_link_personas
from linkservice.web.door import Pages
from linkservice.web.forms import Form
from linkservice.web.i18n import gettext
from linkservice.web.page import Page, address

PAGES = Pages("journeys")


@PAGES.get("/personas", scope="journeys:read")
def personas(page: Page, id: str = "") -> Response:
    """Every persona; `id` is one that could not be renamed."""
    return page.render(
        "journeys/personas.html",
        personas=every_persona(page.session, page.actor),
        refused=id,
        new=Form() if id else page.form,
    )


@PAGES.post("/personas", scope="journeys:write", again=personas)
def add_persona(page: Page) -> Response:
    """A new persona."""
    made = create_persona(page.session, page.actor, page.form.text("name"), page.now)
    return page.go("personas", toast=gettext("“%(name)s” is made.", name=made.name))


@PAGES.post("/personas/<id>", scope="journeys:write", again=personas)
def change_persona(page: Page, id: str) -> Response:
    """Another name; it stays with its journeys and links."""
    rename_persona(page.session, page.actor, id, page.form.text("name"), page.now)
    return page.go("personas", toast=gettext("The persona is renamed."))


@PAGES.post("/personas/<id>/delete", scope="journeys:write")
def remove_persona(page: Page, id: str) -> Response:
    """Delete it; its journeys and links stay."""
    delete_persona(page.session, page.actor, id, page.now)
    return page.go("personas", toast=gettext("The persona is deleted."))


@PAGES.get("/journeys/<id>/personas", scope="journeys:write")
def journey_personas(page: Page, id: str) -> Response:
    """Whom a journey is made for."""
    found = manage.journey_map(page.session, page.actor, id)
    return page.render(
        "journeys/made_for.html",
        title=gettext("Whom the journey is made for"),
        hint=gettext("All its links count for them, but those that are made for others."),
        action=address("save_journey_personas", id=id),
        back=address("journey", id=id),
        back_to=found.journey.name,
        personas=every_persona(page.session, page.actor),
        chosen=found.personas,
    )


@PAGES.post("/journeys/<id>/personas", scope="journeys:write", again=journey_personas)
def save_journey_personas(page: Page, id: str) -> Response:
    """These and no other."""
    wanted = page.form.every("persona_ids")
    set_journey_personas(page.session, page.actor, id, wanted, page.now)
    return page.go("journey", id=id, toast=gettext("The personas are changed."))


@PAGES.get("/links/<id>/personas", scope="links:write")
def link_personas(page: Page, id: str) -> Response:
    """Whom a link is made for."""
    view = link_view(page.session, page.actor, id)
    return page.render(
        "journeys/made_for.html",
        title=gettext("Whom the link is made for"),
        hint=gettext("Without one, it is made for those of its journey."),
        action=address("save_link_personas", id=id),
        back=address("link", id=id),
        back_to=view.link.slug,
        personas=every_persona(page.session, page.actor),
        chosen=view.personas,
    )


@PAGES.post("/links/<id>/personas", scope="links:write", again=link_personas)
def save_link_personas(page: Page, id: str) -> Response:
    """These and no other."""
    wanted = page.form.every("persona_ids")
    set_link_personas(page.session, page.actor, id, wanted, page.now)
    return page.go("link", id=id, toast=gettext("The personas are changed."))
