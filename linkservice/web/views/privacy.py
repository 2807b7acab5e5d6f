"""Privacy: whether visitors are counted, whose visits are one's own, and texts to adopt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response

from linkservice.clicks.dictionary import knows_cities
from linkservice.clicks.own import mark_url
from linkservice.clicks.salts import MOST_HOURS
from linkservice.links import domains as hosts
from linkservice.links.counts import appends_click_ids
from linkservice.links.model import Domain
from linkservice.web.door import ANY, Pages
from linkservice.web.forms import Form
from linkservice.web.i18n import gettext
from linkservice.web.legal import filled_in, legal_texts
from linkservice.web.page import Page
from linkservice.workspaces.accounts import change_workspace

PAGES = Pages("settings")

MOST_DOMAINS = 200


@PAGES.get("/settings/privacy", scope=ANY)
def privacy(page: Page) -> Response:
    """What is counted of visitors, and how members leave themselves out."""
    return page.render("settings/privacy.html", **_stored(page))


@PAGES.post("/settings/privacy", scope="admin", again=privacy)
def change_privacy(page: Page) -> Response:
    """Count visitors, or not."""
    counted = page.form.checked("count_visitors")
    change_workspace(page.session, page.actor, {"count_visitors": counted}, page.now)
    toast = (
        gettext("Visitors are counted from now on.")
        if counted
        else gettext("From now on no visitors are counted, only clicks.")
    )
    return page.go("privacy", toast=toast)


@PAGES.post("/settings/privacy/networks", scope="admin", again=privacy)
def change_networks(page: Page) -> Response:
    """Which networks are one's own."""
    lines = page.form.text("own_networks").splitlines()
    change_workspace(page.session, page.actor, {"own_networks": lines}, page.now)
    return page.go("privacy", toast=gettext("Your own networks are changed."))


@PAGES.post("/settings/privacy/browser", scope=ANY)
def own_browser(page: Page) -> Response:
    """For each domain a link that marks this browser, and one that takes the mark off."""
    marks = [
        (
            each.host,
            mark_url(page.settings, each.host, each.id, "on", page.now),
            mark_url(page.settings, each.host, each.id, "off", page.now),
        )
        for each in _domains(page)
    ]
    return page.render("settings/privacy.html", marks=marks, **_stored(page))


@PAGES.get("/settings/privacy/texts", scope=ANY)
def privacy_texts(page: Page) -> Response:
    """Texts to adopt, filled in for the workspace and one of its domains."""
    found = [each.host for each in _domains(page)]
    usual = hosts.domain_named(page.session, page.actor, None).host
    host = next((each for each in found if each == page.query.get("domain")), usual)
    facts = filled_in(
        page.settings,
        page.home.name,
        host,
        found,
        count_visitors=page.home.count_visitors,
        click_ids=appends_click_ids(page.session, page.actor),
        cities=knows_cities(page.session),
    )
    return page.render(
        "settings/privacy_texts.html", texts=legal_texts(facts), hosts=found, host=host
    )


def _domains(page: Page) -> Sequence[Domain]:
    return hosts.list_domains(page.session, page.actor, after=None, limit=MOST_DOMAINS)


def _stored(page: Page) -> dict[str, Any]:
    settings = page.settings
    # Of the page's two forms only the one that was refused shows what was typed.
    of_networks = "own_networks" in page.form.typed
    return {
        "switch": Form() if of_networks else page.form,
        "networks": page.form if of_networks else Form(),
        "spool_days": settings.spool_retention_days,
        "token_days": settings.token_retention_days,
        "click_months": settings.click_retention_months,
        "salt_hours": MOST_HOURS,
    }
