"""One campaign: its links, their report, and what was spent on it.

Not here: the list of campaigns (`tags`), entering costs (`costs`).
"""

from __future__ import annotations

from flask import Response

from linkservice.journeys.campaigns import one_campaign
from linkservice.journeys.costs import Subject
from linkservice.links.addresses import short_url
from linkservice.links.listing import LinkFilter
from linkservice.reports.link_list import link_page
from linkservice.web.charts import sparkline
from linkservice.web.cost_box import cost_box
from linkservice.web.door import Pages
from linkservice.web.link_report import campaign_report_context
from linkservice.web.page import Page

PAGES = Pages("links")

SHOWN_LINKS = 20


@PAGES.get("/campaigns/<id>", scope="journeys:read")
def campaign(page: Page, id: str) -> Response:
    """One campaign: its links, their report together, and its costs."""
    found = one_campaign(page.session, page.actor, id)
    wanted = LinkFilter(campaign_id=id)
    links = link_page(page.session, page.actor, wanted, limit=SHOWN_LINKS, now=page.now)
    report = campaign_report_context(page, id) if links.total else None
    return page.render(
        "links/campaign.html",
        status=report.chosen.status if report else 200,
        campaign=found,
        costs=cost_box(page, Subject("campaign", id)),
        total=links.total,
        report=report,
        link_rows=[
            (
                row,
                short_url(page.settings, row.view.host, row.view.link.slug),
                sparkline(row.series),
            )
            for row in links.rows
        ],
    )
