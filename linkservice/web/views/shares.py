"""Reports shared by a link: how a member makes and revokes one, and what its reader sees.

The reader's page is bare: no session is read, no cookie set unless a password was given, no
address of it told to any other page, and there is no way from it into the app.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from flask import Response, request

from linkservice.errors import NotFound
from linkservice.reports import shares
from linkservice.reports.filters import choose_filters
from linkservice.reports.model import ReportShare
from linkservice.reports.shares import NewShare
from linkservice.web import figures, periods
from linkservice.web.asked import Asked, journey_name, report_asked
from linkservice.web.counted import About, counted, filter_words
from linkservice.web.door import PUBLIC, Pages
from linkservice.web.filtered import filtered_view
from linkservice.web.i18n import N_, gettext, speaking
from linkservice.web.link_report import link_report_context
from linkservice.web.page import Guest, Page, address
from linkservice.web.periods import Chosen
from linkservice.web.ranked import Ranking
from linkservice.web.views.new_link import end_of_day
from linkservice.web.views.reports import (
    finding,
    touchpoint_context,
)
from linkservice.workspaces.model import LOCALES, Workspace

PAGES = Pages("reports")

USUALLY_VALID = timedelta(days=90)

ABOUT_WORDS = {
    "touchpoints": N_("Touchpoints"),
    "journey": N_("Journey"),
    "touchpoint": N_("Touchpoint"),
    "link": N_("Link"),
}


@PAGES.get("/reports/shares", scope=shares.SCOPE)
def report_shares(page: Page) -> Response:
    """All share links; with `about` in the query, the form that makes one of that report."""
    return page.render("reports/shares.html", **_context(page))


@PAGES.post("/reports/shares", scope=shares.SCOPE, again=report_shares)
def create_share(page: Page) -> Response:
    """A new share link, shown this once."""
    form = page.form
    fixed = form.text("days") == "fixed"
    new = NewShare(
        name=form.text("name"),
        about=form.text("about"),
        subject_id=form.optional("subject"),
        expires_at=end_of_day(page, "expires_at"),
        first=form.day("from") if fixed else None,
        last=form.day("to") if fixed else None,
        metric=form.text("metric") or "visitors_per_reach",
        suspects=form.text("scanners") == "include",
        filters=choose_filters(dict(parse_qsl(form.text("filters")))),
        password=form.text("password") or None,
    )
    share, token = shares.create_share(page.session, page.actor, new, page.now)
    place = page.settings.base_url + address("shared_report", token=token)
    return page.render("reports/shares.html", about="", made=place, share=share, **_listed(page))


@PAGES.post("/reports/shares/<id>/revoke", scope=shares.SCOPE)
def revoke_share(page: Page, id: str) -> Response:
    """Let a share link work no more."""
    share = shares.revoke_share(page.session, page.actor, id, page.now)
    toast = gettext("The link to “%(name)s” works no more.", name=share.name)
    return page.go("report_shares", toast=toast)


@PAGES.get("/shared/<token>", scope=PUBLIC, bare=True)
def shared_report(page: Page, token: str) -> Response:
    """A report for whoever has its link, or the question for its password."""
    share = shares.live_share(page.session, token, page.now)
    shown = _for_guest(page, share)
    with speaking(shown.locale, shown.time_zone):
        kept = page.cookies.get(request, f"shared-{share.id}")
        asks = not shares.is_open(page.settings, share, kept, page.now)
        if asks or page.form.refused:
            return shown.render("shared/password.html", token=token, **_look(shown))
        try:
            return _shown(shown, share, token)
        except NotFound:
            raise shares.gone() from None


@PAGES.post("/shared/<token>", scope=PUBLIC, again=shared_report, own_transactions=True, bare=True)
def open_shared(page: Page, token: str) -> Response:
    """Show the report to whoever knows its password."""
    share_id, proof = shares.pass_for(
        page.database,
        page.settings,
        token,
        page.form.text("password"),
        page.network,
        page.now,
    )
    response = page.go("shared_report", token=token, language=page.query.get("language") or None)
    seconds = int(shares.OPENED_FOR.total_seconds())
    page.cookies.put(response, f"shared-{share_id}", proof, seconds)
    return response


def _for_guest(page: Page, share: ReportShare) -> Page:
    """The page as the workspace's guest sees it, in the language that is asked for."""
    workspace = page.session.get_one(Workspace, share.workspace_id)
    wish = page.query.get("language", "")
    return replace(
        page,
        guest=Guest(shares.reader_of(share), workspace),
        locale=wish if wish in LOCALES else page.locale,
    )


def _shown(page: Page, share: ReportShare, token: str) -> Response:
    """The report itself. Raises `NotFound` where its subject is gone."""
    period = shares.period_of(page.session, share, page.now)
    preset = "" if share.first_date else periods.USUAL
    today = page.now.astimezone(ZoneInfo(page.time_zone)).date()
    filters = shares.filters_of(share)
    chosen = Chosen(preset, period, today, suspects=share.suspects, filters=filters)
    context = {"share": share, "token": token, "chosen": chosen, **_look(page)}
    subject = str(share.subject_id)
    if chosen.filters:
        about: About = "touchpoint" if share.about == "touchpoint" else "link"
        view = filtered_view(page, about, subject, chosen)
        words = filter_words(chosen.filters)
        return page.render("shared/filtered.html", filtered=view, words=words, **context)
    if share.about == "touchpoint":
        found = touchpoint_context(page, subject, chosen)
        return page.render("shared/touchpoint.html", **{**context, **found})
    if share.about == "link":
        report = link_report_context(page, subject, chosen=chosen)
        return page.render("shared/link.html", report=report, **context)
    journey = subject if share.about == "journey" else None
    return page.render("shared/ranking.html", **_ranking(page, share, chosen, journey), **context)


def _ranking(
    page: Page, share: ReportShare, chosen: Chosen, journey_id: str | None
) -> dict[str, Any]:
    asked = Asked(chosen, journey_id, share.metric, "", False)
    found = report_asked(page, asked)
    ranking = Ranking.of(found)
    rows = ranking.rows()
    name = journey_name(page, asked)
    return {
        "found": found,
        "journey": name,
        "finding": finding(found.touchpoints),
        "groups": ranking.groups(rows),
        "rows": rows,
        "loose": next((row for row in found.touchpoints if row.id is None), None),
        "apart": figures.apart(found.totals, suspects=chosen.suspects),
        "counted": counted(
            page, chosen, "touchpoints", metric=shares.metric_of(share), journey=name
        ),
    }


def _look(page: Page) -> dict[str, Any]:
    """What the bare layout shows of the workspace; the logo within the page, since its own
    address is for members.
    """
    logo = page.workspace.logo if page.workspace else None
    data = f"data:image/png;base64,{base64.b64encode(logo).decode()}" if logo else None
    return {"picture": data}


def _context(page: Page) -> dict[str, Any]:
    """The list, and what the form is about: as it was asked for, or typed and refused."""
    given: Mapping[str, str] = page.form.typed if page.form.refused else page.query
    today = page.now.astimezone(ZoneInfo(page.time_zone)).date()
    about = given.get("about", "")
    return {
        "about": about if about in shares.ABOUT else "",
        "given": given,
        "until": (today + USUALLY_VALID).isoformat(),
        **_listed(page),
    }


def _listed(page: Page) -> dict[str, Any]:
    return {
        "shares": shares.list_shares(page.session, page.actor),
        "about_words": ABOUT_WORDS,
        "words": lambda share: filter_words(shares.filters_of(share)),
        "live": lambda share: shares.is_live(share, page.now),
    }
