"""The report of one link or campaign as pages show it: its own page has it under the code.

A view gives its template ``report=link_report_context(page, id, "link")``, and the template
says ``{% include "web/reports/_link.html" %}`` where the report belongs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from linkservice.journeys.model import Campaign
from linkservice.links.model import Link
from linkservice.reports.links import campaign_report, link_report
from linkservice.reports.results import LinkReport
from linkservice.reports.trend import clicked_days
from linkservice.web import periods
from linkservice.web.counted import Fact, counted
from linkservice.web.filtered import FilteredView, filtered_view
from linkservice.web.i18n import write_span
from linkservice.web.page import Page
from linkservice.web.periods import Chosen, Here
from linkservice.web.subject_clicks import SubjectClicks, subject_clicks
from linkservice.web.subject_costs import Told, told_costs
from linkservice.workspaces.access import find


@dataclass(frozen=True, slots=True)
class LinkReportView:
    """What the template shows; `here` makes addresses of this page with another period. `clicked`
    are the days that had clicks, where the period has none, in words and as their address. `costs`
    has a campaign that anything was spent on.
    """

    about: Literal["link", "campaign"]
    id: str
    found: LinkReport
    chosen: Chosen
    here: Here
    clicks: SubjectClicks
    clicked: tuple[str, str] | None
    costs: Told | None
    counted: list[Fact]
    filtered: None = None


@dataclass(frozen=True, slots=True)
class FilteredLinkView:
    """The same of a report that is filtered."""

    about: Literal["link", "campaign"]
    id: str
    chosen: Chosen
    here: Here
    counted: list[Fact]
    filtered: FilteredView


def link_report_context(
    page: Page, link_id: str, endpoint: str = "link", chosen: Chosen | None = None
) -> LinkReportView | FilteredLinkView:
    """The link's report for the period and the filters the page's query asks for; `endpoint` is
    the page that shows it, whose path has the link's `id`. `chosen` is a period that is fixed, for
    readers who cannot filter. Raises `Invalid` (a filter), `NotFound`, `Forbidden`.
    """
    link = find(page.session, page.actor, Link, link_id)
    return _context(page, "link", link, endpoint, chosen)


def campaign_report_context(
    page: Page, campaign_id: str, chosen: Chosen | None = None
) -> LinkReportView | FilteredLinkView:
    """The same of a campaign's links together, for its own page."""
    campaign = find(page.session, page.actor, Campaign, campaign_id)
    return _context(page, "campaign", campaign, "campaign", chosen)


def _context(
    page: Page,
    about: Literal["link", "campaign"],
    subject: Link | Campaign,
    endpoint: str,
    chosen: Chosen | None,
) -> LinkReportView | FilteredLinkView:
    fixed = chosen is not None
    chosen = chosen or periods.chosen_and_filtered(page.query, page.time_zone, page.now)
    subject_id = str(subject.id)
    here = Here(endpoint, chosen.with_filters, {"id": subject_id}, "report")
    if chosen.filters:
        filtered = filtered_view(page, about, subject_id, chosen, here)
        return FilteredLinkView(about, subject_id, chosen, here, filtered.counted, filtered)
    first, last = chosen.period.first, chosen.period.last
    report = link_report if about == "link" else campaign_report
    found = report(
        page.session,
        page.actor,
        subject_id,
        first=first,
        last=last,
        suspects=chosen.suspects,
        now=page.now,
    )
    costs = told_costs(page, chosen, about, found.id) if about == "campaign" else None
    return LinkReportView(
        about=about,
        id=found.id,
        found=found,
        chosen=chosen,
        here=here,
        clicks=subject_clicks(page, subject, found, chosen, None if fixed else here),
        clicked=None if fixed or found.totals.clicks else _clicked(page, subject, here),
        costs=costs,
        counted=counted(page, chosen, about, costs=costs.facts if costs else ()),
    )


def _clicked(page: Page, subject: Link | Campaign, here: Here) -> tuple[str, str] | None:
    days = clicked_days(page.session, page.actor, subject)
    if days is None:
        return None
    first, last = days
    asked = {"period": None, "from": first.isoformat(), "to": last.isoformat()}
    return write_span(first, last), here(**asked)
