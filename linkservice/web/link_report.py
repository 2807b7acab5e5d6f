"""The report of one link as pages show it: its own page has it under the code.

A view gives its template ``report=link_report_context(page, id, "link")``, and the template
says ``{% include "web/reports/_link.html" %}`` where the report belongs.
"""

from __future__ import annotations

from dataclasses import dataclass

from linkservice.clicks.geodata import is_built_in
from linkservice.links.model import Link
from linkservice.reports.links import link_report
from linkservice.reports.results import LinkReport
from linkservice.reports.trend import trend_of
from linkservice.web import figures, periods
from linkservice.web.charts import Chart
from linkservice.web.counted import Fact, counted
from linkservice.web.figures import Aside, FacetCard, KeyFigure
from linkservice.web.page import Page
from linkservice.web.periods import Chosen, Here
from linkservice.workspaces.access import find


@dataclass(frozen=True, slots=True)
class LinkReportView:
    """What the template shows; `here` makes addresses of this page with another period."""

    found: LinkReport
    chosen: Chosen
    here: Here
    figures: list[KeyFigure]
    change_note: str
    trend: Chart
    heat: Chart
    world: Chart | None
    facets: list[FacetCard]
    robots: FacetCard
    apart: list[Aside]
    counted: list[Fact]


def link_report_context(
    page: Page, link_id: str, endpoint: str = "link", chosen: Chosen | None = None
) -> LinkReportView:
    """The link's report for the period the page's query asks for; `endpoint` is the page that
    shows it, whose path has the link's `id`; `chosen` is a period that is fixed. Raises `NotFound`,
    `Forbidden`.
    """
    chosen = chosen or periods.chosen(page.query, page.time_zone, page.now)
    first, last = chosen.period.first, chosen.period.last
    found = link_report(
        page.session,
        page.actor,
        link_id,
        first=first,
        last=last,
        suspects=chosen.suspects,
        now=page.now,
    )
    link = find(page.session, page.actor, Link, link_id)
    trend = trend_of(
        page.session, page.actor, link, found.period, page.now, suspects=chosen.suspects
    )
    return LinkReportView(
        found=found,
        chosen=chosen,
        here=Here(endpoint, chosen.query, {"id": link_id}, "report"),
        figures=figures.key_figures(trend),
        change_note=figures.change_note(trend),
        trend=figures.trend_chart("trend", trend, "clicks", "scans", "visitors"),
        heat=figures.heat_chart("week", found.hours),
        world=figures.world_chart("world", found.countries),
        facets=figures.facet_cards(found, approximate=is_built_in(page.settings)),
        robots=figures.robots_card(found.robots),
        apart=figures.apart(found.totals, suspects=chosen.suspects),
        counted=counted(page, chosen, "link"),
    )
