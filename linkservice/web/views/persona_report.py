"""How touchpoints do by persona: the heat map.

Decided here: in which steps it is coloured; each cell has its figure as well.
"""

from __future__ import annotations

from flask import Response

from linkservice.cells import table
from linkservice.reports.personas import PersonaReport, persona_report, rows_for_csv
from linkservice.web import periods
from linkservice.web.door import Pages
from linkservice.web.page import Page
from linkservice.web.periods import Chosen, Here
from linkservice.web.places import journeys_by_name

PAGES = Pages("reports")

STEPS = 4
"""Of the colours: pale enough for the figure that stands on them."""


@PAGES.get("/reports/personas", scope="reports:read")
def personas_report(page: Page) -> Response:
    """How touchpoints do by persona."""
    chosen = periods.chosen(page.query, page.time_zone, page.now)
    found = _report(page, chosen)
    highest = max((cell.rate or 0.0 for row in found.rows for cell in row.cells), default=0.0)
    return page.render(
        "reports/personas.html",
        chosen=chosen,
        here=Here("personas_report", chosen.query),
        found=found,
        step=lambda rate: round(rate / highest * STEPS) if highest else 0,
        journeys=journeys_by_name(page),
    )


@PAGES.get("/reports/personas.csv", scope="reports:read")
def personas_csv(page: Page) -> Response:
    """The same report for a spreadsheet: a line for each touchpoint and persona."""
    chosen = periods.chosen(page.query, page.time_zone, page.now)
    found = _report(page, chosen)
    name = f"personas-{found.period.first.isoformat()}-{found.period.last.isoformat()}.csv"
    return page.file(table(rows_for_csv(found)), "text/csv; charset=utf-8", name)


def _report(page: Page, chosen: Chosen) -> PersonaReport:
    return persona_report(
        page.session,
        page.actor,
        first=chosen.period.first,
        last=chosen.period.last,
        suspects=chosen.suspects,
        now=page.now,
    )
