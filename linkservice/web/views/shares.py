"""Reports shared by a link: how a member makes and revokes one, and what its reader sees.

The reader's page is bare: no session is read, no cookie set unless a password was given, no
address of it told to any other page, and there is no way from it into the app.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qsl

from flask import Response, request

from linkservice.errors import Invalid, NotFound
from linkservice.reports import shares
from linkservice.reports.conversions import ATTRIBUTIONS
from linkservice.reports.cost_judging import BYS
from linkservice.reports.cost_results import GROUPS
from linkservice.reports.filters import choose_filters
from linkservice.reports.model import KEPT, Kept, ReportShare
from linkservice.reports.period import day_of
from linkservice.reports.presets import PRESETS, USUAL, days_of
from linkservice.reports.shares import NewShare, SharePassword
from linkservice.reports.transitions import TransitionReport, transition_report
from linkservice.web import (
    arrangement,
    cost_verdicts,
    cost_words,
    figures,
    periods,
    transition_words,
)
from linkservice.web.asked import (
    arranged_as_asked,
    asked_of,
    groups_asked,
    journey_name,
    ranking_facts,
    report_asked,
)
from linkservice.web.counted import About, filter_words, without_token_in_rates
from linkservice.web.door import PUBLIC, Pages
from linkservice.web.filtered import filtered_view
from linkservice.web.filtered_overview import filtered_overview
from linkservice.web.filtered_ranking import ranking_cut
from linkservice.web.i18n import N_, gettext, in_every_language, speaking
from linkservice.web.link_report import campaign_report_context, link_report_context
from linkservice.web.page import Guest, Page, address
from linkservice.web.periods import Chosen
from linkservice.web.places import journeys_by_name
from linkservice.web.ranked import Ranking, finding
from linkservice.web.reach_words import exceeding
from linkservice.web.views.cost_report import asked_costs, cost_context
from linkservice.web.views.moments import moments_context
from linkservice.web.views.new_link import end_of_day
from linkservice.web.views.overview import overview_context
from linkservice.web.views.persona_report import persona_context
from linkservice.web.views.reports import touchpoint_context
from linkservice.web.views.shared_paper import shared_paper
from linkservice.workspaces.model import LOCALES, Workspace

PAGES = Pages("reports")

USUALLY_VALID = timedelta(days=90)

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

_PROPOSED: Mapping[str, str] = {
    **{about: ABOUT_WORDS[about] for about in ("touchpoints", "costs", "personas", "moments")},
    "overview": ABOUT_WORDS["overview"],
    **dict.fromkeys(("journey", "link", "campaign"), N_("Report")),
}
"""The headings that pages propose; others propose a name, which is the same in all languages."""


def share_title(share: ReportShare) -> str:
    """The heading its readers see: what somebody typed as it is, what was proposed in the
    language that is spoken now, whatever its maker's was.
    """
    proposed = _PROPOSED.get(share.about)
    if proposed is not None and share.name in in_every_language(proposed):
        return gettext(proposed)
    return share.name


@PAGES.get("/reports/shares", scope=shares.SCOPE)
def report_shares(page: Page) -> Response:
    """All share links; with `about` in the query, the form that makes one of that report."""
    return page.render("reports/shares.html", **_context(page))


@PAGES.post("/reports/shares", scope=shares.SCOPE, again=report_shares, own_transactions=True)
def create_share(page: Page) -> Response:
    """A new share link, shown this once."""
    form = page.form
    password = form.text("password")
    fixed = form.text("days") == "fixed"
    new = NewShare(
        name=form.text("name"),
        about=form.text("about"),
        subject_id=form.optional("subject"),
        expires_at=end_of_day(page, "expires_at"),
        first=form.day("from") if fixed else None,
        last=form.day("to") if fixed else None,
        preset=USUAL if fixed else form.text("period") or USUAL,
        metric=form.text("metric") or "visitors_per_reach",
        suspects=form.text("scanners") == "include",
        asked=dict(parse_qsl(form.text("filters"))),
        password=SharePassword.of(password) if password else None,
    )
    with page.database.transaction() as session:
        made, token = shares.create_share(session, page.actor, new, page.now)
        share_id = made.id
    share = page.session.get_one(ReportShare, share_id)
    place = page.settings.base_url + address("shared_report", token=token)
    return page.render("reports/shares.html", about="", made=place, share=share, **_listed(page))


@PAGES.post("/reports/shares/<id>/revoke", scope=shares.SCOPE)
def revoke_share(page: Page, id: str) -> Response:
    """Let a share link work no more."""
    share = shares.revoke_share(page.session, page.actor, id, page.now)
    toast = gettext("The link to “%(name)s” works no more.", name=share_title(share))
    return page.go("report_shares", toast=toast)


@PAGES.get("/shared/<token>", scope=PUBLIC, bare=True)
def shared_report(page: Page, token: str) -> Response:
    """A report for whoever has its link, as a page or (`form`) as PDF, or the question for its
    password.
    """
    share = shares.live_share(page.session, token, page.now)
    shown = _for_guest(page, share)
    with speaking(shown.locale, shown.time_zone):
        kept = page.cookies.get(request, f"shared-{share.id}")
        asks = not shares.is_open(page.settings, share, kept, page.now)
        if asks or page.form.refused:
            return shown.render("shared/password.html", token=token, **_look(shown))
        try:
            if page.query.get("form") == "pdf":
                return shared_paper(shown, share, share_title(share))
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
    preset = "" if share.first_date else share.preset
    today = day_of(page.now, page.time_zone)
    filters = shares.filters_of(share)
    chosen = Chosen(preset, period, today, suspects=share.suspects, filters=filters)
    kept = {"share": share, "token": token, "chosen": chosen}
    context = {**kept, "share_title": share_title(share), **_look(page)}
    subject = str(share.subject_id)
    if chosen.filters and share.about in shares.OF_CLICKS:
        view = filtered_view(page, cast(About, share.about), subject, chosen)
        words = filter_words(chosen.filters)
        return page.render("shared/filtered.html", filtered=view, words=words, **context)
    if chosen.filters and share.about == "overview":
        seen = filtered_overview(page, chosen)
        words, cut = filter_words(chosen.filters), ranking_cut(seen["found"].filtered)
        shown = {**context, **seen, "words": words, "cut": cut}
        return page.render("shared/overview_filtered.html", **shown)
    template, show = _SHOWN[cast(Kept, share.about)]
    return page.render(template, **{**context, **show(page, share, subject, chosen)})


def _ranking(page: Page, share: ReportShare, subject: str, chosen: Chosen) -> dict[str, Any]:
    """The rows that were shared, in their groups; of a journey with its transitions."""
    journey_id = subject if share.about == "journey" else ""
    kept = {**shares.asked_of(share), "metric": share.metric, "journey_id": journey_id}
    asked = asked_of(kept, chosen)
    found = report_asked(page, asked)
    seen = arranged_as_asked(page, asked, found)
    ranking = Ranking.of(found)
    rows = [ranking.shown(row) for row in seen.rows]
    filters = arrangement.in_use(page, asked.selection)
    crossings = _crossings(page, journey_id, chosen) if journey_id else None
    between = transition_words.definitions(crossings) if crossings else []
    return {
        "found": found,
        "seen": seen,
        "journey": journey_name(page, asked),
        "finding": finding(found.touchpoints),
        "groups": groups_asked(asked, seen, ranking, rows),
        "rows": rows,
        "judged": ranking.is_judged,
        "filtered": found.filtered,
        "cut": ranking_cut(found.filtered) if found.filtered else "",
        "converting": ranking.is_converting,
        "told": [*filter_words(chosen.filters), *arrangement.told(filters, asked.group)],
        "crossings": crossings,
        "words": transition_words,
        "tokenless": without_token_in_rates(found, seen),
        "exceeding": exceeding(seen.rows),
        "apart": figures.apart(found.totals, suspects=chosen.suspects),
        "counted": [*between, *ranking_facts(page, asked, found)],
    }


def _crossings(page: Page, journey_id: str, chosen: Chosen) -> TransitionReport:
    first, last = chosen.period.first, chosen.period.last
    return transition_report(
        page.session, page.actor, journey_id, first=first, last=last, now=page.now
    )


def _touchpoint(page: Page, share: ReportShare, subject: str, chosen: Chosen) -> dict[str, Any]:
    return touchpoint_context(page, subject, chosen, _attribution(share))


def _link(page: Page, share: ReportShare, subject: str, chosen: Chosen) -> dict[str, Any]:
    return {"report": link_report_context(page, subject, chosen=chosen)}


def _campaign(page: Page, share: ReportShare, subject: str, chosen: Chosen) -> dict[str, Any]:
    return {"report": campaign_report_context(page, subject, chosen)}


def _costs(page: Page, share: ReportShare, subject: str, chosen: Chosen) -> dict[str, Any]:
    return cost_context(page, asked_costs(shares.asked_of(share), chosen), linked=False)


def _personas(page: Page, share: ReportShare, subject: str, chosen: Chosen) -> dict[str, Any]:
    return persona_context(page, chosen, share.metric, _attribution(share))


def _moments(page: Page, share: ReportShare, subject: str, chosen: Chosen) -> dict[str, Any]:
    return moments_context(page, chosen, subject, share.metric, linked=False)


def _overview(page: Page, share: ReportShare, subject: str, chosen: Chosen) -> dict[str, Any]:
    return overview_context(page, chosen)


def _attribution(share: ReportShare) -> str:
    return shares.asked_of(share).get("attribution", ATTRIBUTIONS[0])


Show: TypeAlias = Callable[[Page, ReportShare, str, Chosen], dict[str, Any]]

_SHOWN: Mapping[Kept, tuple[str, Show]] = {
    "touchpoints": ("shared/ranking.html", _ranking),
    "journey": ("shared/ranking.html", _ranking),
    "touchpoint": ("shared/touchpoint.html", _touchpoint),
    "link": ("shared/link.html", _link),
    "campaign": ("shared/link.html", _campaign),
    "costs": ("shared/costs.html", _costs),
    "personas": ("shared/personas.html", _personas),
    "moments": ("shared/moments.html", _moments),
    "overview": ("shared/overview.html", _overview),
}
"""What a reader is shown of each kind of report, and what the page is made of."""


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
    today = day_of(page.now, page.time_zone)
    about = given.get("about", "")
    preset = given.get("period", "")
    return {
        "about": about if about in KEPT else "",
        "given": given,
        "rolling": [(name, periods.rolling_name(name)) for name in PRESETS],
        "preset": preset if preset in PRESETS else USUAL,
        "days": [day.isoformat() for day in days_of(preset, today)],
        "kept": _words(page, about, dict(parse_qsl(given.get("filters", "")))),
        "until": (today + USUALLY_VALID).isoformat(),
        **_listed(page),
    }


def _listed(page: Page) -> dict[str, Any]:
    return {
        "chosen": periods.chosen({}, page.time_zone, page.now),
        "journeys": journeys_by_name(page),
        "shares": shares.list_shares(page.session, page.actor),
        "about_words": ABOUT_WORDS,
        "share_title": share_title,
        "rolling_name": periods.rolling_name,
        "words": lambda share: _words(page, share.about, shares.asked_of(share)),
        # A link ends with the end of its last day.
        "last_day": lambda share: day_of(share.expires_at - timedelta.resolution, page.time_zone),
        "live": lambda share: shares.is_live(share, page.now),
    }


def _cost_words(asked: Mapping[str, str]) -> list[str]:
    """What a line is, and what lines are sorted by where that is not as usual."""
    group, sort = asked.get("group", GROUPS[0]), asked.get("sort", BYS[0])
    if group not in GROUPS or sort not in BYS:
        return []
    upwards = asked.get("order") == "up"
    usual = sort == BYS[0] and not upwards
    words = [cost_words.line_words(group)]
    return words if usual else [*words, cost_verdicts.order_words(sort, upwards)]


def _words(page: Page, about: str, asked: Mapping[str, str]) -> list[str]:
    """What a report is kept to, in a few words each; nothing where there is no such thing (any
    more).
    """
    try:
        if about == "costs":
            return _cost_words(asked)
        words = filter_words(choose_filters(asked))
        if about in shares.RANKED:
            days = periods.chosen({}, page.time_zone, page.now)
            ranked = asked_of(asked, days)
            filters = arrangement.in_use(page, ranked.selection)
            words += arrangement.told(filters, ranked.group)
    except (Invalid, NotFound):
        return []
    return words
