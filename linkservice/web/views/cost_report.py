"""The report on costs: what clicks and visitors cost, on a page and as files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Response

from linkservice.reports.cost_results import GROUPS, CostReport, CostRow
from linkservice.reports.costs import cost_report
from linkservice.reports.exported_findings import of_costs
from linkservice.web import cost_words, periods
from linkservice.web.cost_words import GROUP_WORDS, row_name
from linkservice.web.door import Pages
from linkservice.web.filed import Filed, csv_of, file_of, filters_of, paper_file
from linkservice.web.i18n import gettext
from linkservice.web.page import Page, address
from linkservice.web.periods import Chosen, Here
from linkservice.web.places import journeys_by_name

PAGES = Pages("reports")


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
    return page.render(
        "reports/costs.html",
        status=asked.chosen.status,
        asked=asked,
        here=Here("costs_report", asked.query),
        groups=[(name, gettext(label)) for name, label in GROUP_WORDS.items()],
        journeys=journeys_by_name(page),
        **cost_context(page, asked.chosen, asked.group),
    )


def cost_context(page: Page, chosen: Chosen, group: str, *, linked: bool = True) -> dict[str, Any]:
    """What a page shows of the report; only `linked` rows lead to where costs are entered."""
    found = _report(page, Asked(chosen, group))
    rows = [(row, row_name(row, found.group), _href(row) if linked else None) for row in found.rows]
    return {
        "chosen": chosen,
        "found": found,
        "finding": cost_words.finding(found),
        "compared": cost_words.compared(found),
        "rows": rows,
        "line": gettext(GROUP_WORDS[found.group]),
        "several_journeys": len({row.journey for row in found.rows if row.journey}) > 1,
        "unknown": cost_words.unknown(found),
        "words": cost_words,
        "counted": cost_words.facts(page, chosen, found),
    }


@PAGES.get("/reports/costs/download", scope="reports:read")
def download_costs(page: Page) -> Response:
    """The same report as a file, exact."""
    return file_of(page, _filed(page))


@PAGES.get("/reports/costs.csv", scope="reports:read")
def costs_csv(page: Page) -> Response:
    """The same as a CSV file, under the address it always had."""
    return csv_of(page, _filed(page))


@PAGES.get("/reports/costs/paper", scope="reports:read")
def paper_costs(page: Page) -> Response:
    """The same as PDF."""
    return paper_file(page, _filed(page))


def _filed(page: Page) -> Filed:
    asked = _asked_for(page)
    found = _report(page, replace(asked, chosen=asked.chosen.certain))
    finding = cost_words.finding(found)
    return Filed(
        name=f"costs-{found.group}",
        title=gettext("Costs"),
        found=of_costs(found, filters_of(asked.chosen)),
        facts=cost_words.facts(page, asked.chosen, found),
        parts=cost_words.parts(found),
        finding=" ".join(filter(None, [cost_words.compared(found), finding])),
    )


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


def _href(row: CostRow) -> str | None:
    """Where its costs are entered; a deleted touchpoint has no page any more."""
    if row.kind in ("touchpoint", "campaign") and not row.deleted:
        return address(row.kind, id=row.id, _anchor="costs")
    return None
