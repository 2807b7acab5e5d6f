"""The report on costs: what clicks and visitors cost."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response

from linkservice.cells import table
from linkservice.reports.cost_results import GROUPS, CostReport, CostRow, rows_for_csv
from linkservice.reports.costs import cost_report
from linkservice.web import fieldwords, periods
from linkservice.web.door import Pages
from linkservice.web.i18n import N_, gettext
from linkservice.web.page import Page, address
from linkservice.web.periods import Chosen, Here
from linkservice.web.places import journeys_by_name

PAGES = Pages("reports")

GROUP_WORDS = {
    "touchpoint": N_("Touchpoint"),
    "channel": N_("Channel"),
    "medium": N_("Medium"),
    "campaign": N_("Campaign"),
}

NO_CAMPAIGN, NO_TOUCHPOINT = N_("Without a campaign"), N_("Without a touchpoint")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query of the page asks for."""

    chosen: Chosen
    group: str

    @property
    def query(self) -> dict[str, str | None]:
        """The fields the addresses of the page carry; nothing for what is usual."""
        group = None if self.group == GROUPS[0] else self.group
        return {**self.chosen.query, "group": group}


def _asked_for(page: Page) -> Asked:
    group = page.query.get("group", "")
    chosen = periods.chosen(page.query, page.time_zone, page.now)
    return Asked(chosen, group if group in GROUPS else GROUPS[0])


@PAGES.get("/reports/costs", scope="reports:read")
def costs_report(page: Page) -> Response:
    """What clicks and visitors cost."""
    asked = _asked_for(page)
    found = _report(page, asked)
    return page.render(
        "reports/costs.html",
        asked=asked,
        chosen=asked.chosen,
        here=Here("costs_report", asked.query),
        found=found,
        rows=[(row, _name(row, found.group), _href(row)) for row in found.rows],
        missing=sum(row.costs.cost is None for row in found.rows),
        groups=[(name, gettext(label)) for name, label in GROUP_WORDS.items()],
        journeys=journeys_by_name(page),
    )


@PAGES.get("/reports/costs.csv", scope="reports:read")
def costs_csv(page: Page) -> Response:
    """The same report for a spreadsheet, exact."""
    asked = _asked_for(page)
    found = _report(page, asked)
    days = f"{found.period.first.isoformat()}-{found.period.last.isoformat()}"
    name = f"costs-{found.group}-{days}.csv"
    return page.file(table(rows_for_csv(found)), "text/csv; charset=utf-8", name)


def _report(page: Page, asked: Asked) -> CostReport:
    period = asked.chosen.period
    return cost_report(
        page.session,
        page.actor,
        first=period.first,
        last=period.last,
        group=asked.group,
        suspects=asked.chosen.suspects,
        now=page.now,
    )


def _name(row: CostRow, group: str) -> str:
    """What the row is called, in the language of the page."""
    if row.kind == "none":
        without_campaign = group == "campaign"
        return (
            gettext("Without a campaign") if without_campaign else gettext("Without a touchpoint")
        )
    words = {"channel": fieldwords.CHANNELS, "medium": fieldwords.MEDIA}.get(row.kind, {})
    name = row.name or ""
    return gettext(words[name]) if name in words else name


def _href(row: CostRow) -> str | None:
    """Where its costs are entered; a deleted touchpoint has no page any more."""
    if row.kind in ("touchpoint", "campaign") and not row.deleted:
        return address(row.kind, id=row.id, _anchor="costs")
    return None
