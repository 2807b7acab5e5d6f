"""The first run: brand, domain, journey. Everything is filled in already and can be changed."""

from __future__ import annotations

from flask import Response

from linkservice.journeys.manage import create_journey
from linkservice.links import domains as hosts
from linkservice.links.addresses import origin
from linkservice.links.host import reach_of
from linkservice.web.door import Pages
from linkservice.web.i18n import gettext
from linkservice.web.page import Page
from linkservice.web.time_zones import time_zone_groups
from linkservice.web.views.settings import LOGO_BYTES, take_logo, wanted_workspace
from linkservice.workspaces.accounts import change_workspace
from linkservice.workspaces.first_run import finish_first_run

PAGES = Pages("")

UNNAMED = "linkservice"
"""What a workspace is called that nobody has named."""

_MAIL_HOSTS = frozenset(
    (
        *("gmail", "googlemail", "gmx", "web", "outlook", "hotmail", "live", "icloud", "me"),
        *("yahoo", "t-online", "posteo", "mailbox", "freenet", "example", "localhost"),
    )
)


@PAGES.get("/welcome", scope="admin")
def welcome(page: Page) -> Response:
    """The first step: your brand."""
    workspace = page.home
    name = _guessed_name(page.actor.name) if workspace.name == UNNAMED else workspace.name
    zones = time_zone_groups(workspace.time_zone)
    return page.render("welcome/brand.html", name=name, time_zones=zones)


@PAGES.post("/welcome", scope="admin", again=welcome, most_bytes=LOGO_BYTES)
def welcome_brand(page: Page) -> Response:
    """Keep the brand; with a logo if one was sent."""
    change_workspace(page.session, page.actor, wanted_workspace(page), page.now)
    sent = page.form.files.get("logo")
    if sent is not None and sent.filename:
        take_logo(page)
    return page.go("welcome_domain")


@PAGES.get("/welcome/domain", scope="admin")
def welcome_domain(page: Page) -> Response:
    """The second step: your domain. The local address works at once."""
    first = hosts.domain_named(page.session, page.actor, None)
    return page.render(
        "welcome/domain.html",
        here=origin(page.settings, first.host),
        reach=reach_of(first.host),
        target=page.settings.link_host,
    )


@PAGES.post("/welcome/domain", scope="admin", again=welcome_domain)
def welcome_host(page: Page) -> Response:
    """Add the branded host, if one was named."""
    host = page.form.optional("host")
    if host is not None:
        made = hosts.create_domain(page.session, page.actor, page.settings, host, page.now)
        if page.form.checked("preferred"):
            hosts.prefer_domain(page.session, page.actor, str(made.id), page.now)
    return page.go("welcome_journey")


@PAGES.get("/welcome/journey", scope="admin")
def welcome_journey(page: Page) -> Response:
    """The third step: your journey, from the template or empty."""
    return page.render("welcome/journey.html")


@PAGES.post("/welcome/journey", scope="admin", again=welcome_journey)
def welcome_done(page: Page) -> Response:
    """Make the journey; then the first links."""
    template = page.form.optional("template")
    made = create_journey(
        page.session,
        page.actor,
        page.form.text("name"),
        page.now,
        template=template,
        locale=page.home.locale,
    )
    finish_first_run(page.session, page.actor, page.now)
    toast = gettext("All set. Now make links for some of its touchpoints.")
    if template is None:
        return page.go("journey", id=made.journey.id, toast=gettext("All set."))
    return page.go("new_link", journey_id=made.journey.id, toast=toast)


@PAGES.post("/welcome/skip", scope="admin")
def welcome_skip(page: Page) -> Response:
    """Leave the first run; everything can be set later."""
    finish_first_run(page.session, page.actor, page.now)
    toast = gettext("You find all of this in the settings.")
    return page.go("overview", toast=toast)


def _guessed_name(email: str) -> str:
    """``Morgenrot`` from ``anna@morgenrot.de``; "" where the host names no company."""
    host = email.rpartition("@")[2].split(".")
    word = host[-2] if len(host) > 1 else host[0]
    return "" if word in _MAIL_HOSTS else word.replace("-", " ").title()
