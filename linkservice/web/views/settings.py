"""The workspace's settings: its brand, its domains, its API keys, and the trail."""

from __future__ import annotations

from typing import Any

from flask import Response

from linkservice.conversions.currency import choose_currency
from linkservice.errors import Invalid, Problem
from linkservice.links import domains as hosts
from linkservice.links.addresses import origin
from linkservice.links.domains import DomainChanges
from linkservice.links.host import is_local
from linkservice.web import fieldwords
from linkservice.web.door import ANY, Pages
from linkservice.web.i18n import currency_names, gettext
from linkservice.web.page import Page
from linkservice.web.regions import region_groups
from linkservice.web.time_zones import time_zone_groups
from linkservice.web.trail_words import told
from linkservice.web.views.new_link import end_of_day
from linkservice.workspaces import keys as api_keys
from linkservice.workspaces import logo as logos
from linkservice.workspaces import trail as trails
from linkservice.workspaces.access import SCOPES
from linkservice.workspaces.accounts import WorkspaceChanges, change_workspace

PAGES = Pages("settings")

TRAIL_PAGE = 50
MOST_DOMAINS = 200
LOGO_BYTES = 3 * 1024 * 1024
"""Of a request that brings a logo: the logo itself may have 2 MB."""


@PAGES.get("/settings", scope=ANY)
def settings(page: Page) -> Response:
    """The workspace as its owner sees it; whoever is none finds their account here."""
    if not page.may("admin"):
        return page.go("account")
    return page.render(
        "settings/workspace.html",
        time_zones=time_zone_groups(page.home.time_zone),
        regions=region_groups(page.home.holidays),
        currencies=currency_names(),
    )


@PAGES.post("/settings", scope="admin", again=settings)
def change_settings(page: Page) -> Response:
    """Name, colour, language, time zone and notices."""
    change_workspace(page.session, page.actor, wanted_workspace(page), page.now)
    return page.go("settings", toast=gettext("The workspace is changed."))


@PAGES.post("/settings/currency", scope="admin", again=settings)
def change_currency(page: Page) -> Response:
    """The currency of all costs."""
    choose_currency(page.session, page.actor, page.form.text("currency"), page.now)
    return page.go("settings", toast=gettext("The workspace is changed."))


@PAGES.post("/settings/logo", scope="admin", again=settings, most_bytes=LOGO_BYTES)
def change_logo(page: Page) -> Response:
    """Another logo."""
    take_logo(page)
    return page.go("settings", toast=gettext("The logo is changed."))


@PAGES.post("/settings/logo/remove", scope="admin")
def remove_logo(page: Page) -> Response:
    """No logo: the first letter of the name stands in its place."""
    logos.remove_logo(page.session, page.actor, page.now)
    return page.go("settings", toast=gettext("The logo is removed."))


@PAGES.get("/settings/domains", scope="admin")
def domains(page: Page) -> Response:
    """The hosts of short URLs, with the DNS record each needs."""
    found = hosts.list_domains(page.session, page.actor, after=None, limit=MOST_DOMAINS)
    usual = hosts.domain_named(page.session, page.actor, None)
    return page.render(
        "settings/domains.html",
        domains=[(each, origin(page.settings, each.host), is_local(each.host)) for each in found],
        usual=usual,
        target=page.settings.link_host,
    )


@PAGES.post("/settings/domains", scope="admin", again=domains)
def add_domain(page: Page) -> Response:
    """Another branded host."""
    made = hosts.create_domain(
        page.session, page.actor, page.settings, page.form.text("host").strip(), page.now
    )
    toast = gettext("%(host)s is added. Set its DNS record, then print it.", host=made.host)
    return page.go("domains", toast=toast)


@PAGES.get("/settings/domains/<id>", scope="admin")
def domain(page: Page, id: str) -> Response:
    """Where a domain leads when no link is asked for."""
    found = hosts.one_domain(page.session, page.actor, id)
    return page.render("settings/domain.html", domain=found)


@PAGES.post("/settings/domains/<id>", scope="admin", again=domain)
def change_domain(page: Page, id: str) -> Response:
    """Change where `/` and unknown slugs lead."""
    wanted: DomainChanges = {
        "root_redirect": page.form.optional("root_redirect"),
        "not_found_redirect": page.form.optional("not_found_redirect"),
    }
    hosts.change_domain(page.session, page.actor, id, wanted, page.now)
    return page.go("domains", toast=gettext("The domain is changed."))


@PAGES.post("/settings/domains/<id>/prefer", scope="admin")
def prefer_domain(page: Page, id: str) -> Response:
    """Let new links have this host."""
    chosen = hosts.prefer_domain(page.session, page.actor, id, page.now)
    return page.go("domains", toast=gettext("New links begin with %(host)s.", host=chosen.host))


@PAGES.post("/settings/domains/<id>/delete", scope="admin", again=domains)
def delete_domain(page: Page, id: str) -> Response:
    """Delete a domain that never had a link."""
    hosts.delete_domain(page.session, page.actor, id, page.now)
    return page.go("domains", toast=gettext("The domain is deleted."))


@PAGES.get("/settings/keys", scope="admin")
def keys(page: Page) -> Response:
    """The API keys."""
    return page.render("settings/keys.html", **_keys(page))


@PAGES.post("/settings/keys", scope="admin", again=keys)
def add_key(page: Page) -> Response:
    """A new key, shown this once."""
    scopes = page.form.every("scope")
    # For a program that calls the API, no scopes are all; on a page that would be a slip.
    if not scopes:
        raise Invalid(Problem("scope", "key_may_nothing"))
    text = api_keys.create_key(
        page.session,
        page.actor,
        page.form.text("name"),
        scopes,
        page.now,
        end_of_day(page, "expires_at"),
    )
    return page.render("settings/keys.html", made=text, **_keys(page))


@PAGES.post("/settings/keys/<id>/revoke", scope="admin")
def revoke_key(page: Page, id: str) -> Response:
    """Let a key work no more."""
    key = api_keys.revoke_key(page.session, page.actor, id, page.now)
    return page.go("keys", toast=gettext("The key “%(name)s” works no more.", name=key.name))


@PAGES.get("/settings/trail", scope="admin")
def trail(page: Page) -> Response:
    """Who did what."""
    found = trails.list_trail(
        page.session, page.actor, before=_cursor(page.query.get("before")), limit=TRAIL_PAGE + 1
    )
    shown = found[:TRAIL_PAGE]
    more = shown[-1][0] if len(found) > TRAIL_PAGE else None
    entries = [(note, told(note)) for _, note in shown]
    return page.render("settings/trail.html", entries=entries, more=more)


def wanted_workspace(page: Page) -> WorkspaceChanges:
    """What the form wants of the workspace; fields it does not have stay as they are."""
    wanted: WorkspaceChanges = {}
    typed = page.form.typed
    if "name" in typed:
        wanted["name"] = typed["name"]
    if "time_zone" in typed:
        wanted["time_zone"] = typed["time_zone"]
    if "holidays" in typed:
        wanted["holidays"] = page.form.optional("holidays")
    if "locale" in typed:
        wanted["locale"] = typed["locale"]
    if "brand_colour" in typed:
        wanted["brand_colour"] = typed["brand_colour"].strip()
    if "imprint_url" in typed:
        wanted["imprint_url"] = page.form.optional("imprint_url")
    if "privacy_url" in typed:
        wanted["privacy_url"] = page.form.optional("privacy_url")
    if "attribution_days" in typed:
        wanted["attribution_days"] = page.form.integer("attribution_days")
    return wanted


def take_logo(page: Page) -> None:
    """Keep the logo that was sent. Raises `Invalid`, also where none was."""
    sent = page.form.files.get("logo")
    data = sent.read() if sent is not None else b""
    if not data:
        raise Invalid(Problem("logo", "logo_missing"))
    logos.set_logo(page.session, page.actor, data, page.now)


def _keys(page: Page) -> dict[str, Any]:
    return {
        "keys": api_keys.list_keys(page.session, page.actor),
        "scope_words": fieldwords.SCOPES,
        "scopes": [(scope, gettext(fieldwords.SCOPES[scope]), scope) for scope in SCOPES],
        "live": lambda key: (
            key.revoked_at is None and (key.expires_at is None or key.expires_at > page.now)
        ),
    }


def _cursor(text: str | None) -> int | None:
    """The id of the last entry seen; None for a text that is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
