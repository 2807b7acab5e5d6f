"""How touchpoints do by persona: the heat map, on a page and as files.

Decided here: in which steps it is coloured; each cell has its figure as well.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from linkservice.reports.exported_findings import of_personas
from linkservice.reports.personas import PersonaReport, persona_report
from linkservice.web import periods, persona_words
from linkservice.web.door import Pages
from linkservice.web.filed import Filed, csv_of, file_of, filters_of, paper_file
from linkservice.web.i18n import gettext
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
    return page.render(
        "reports/personas.html",
        here=Here("personas_report", chosen.query),
        journeys=journeys_by_name(page),
        **persona_context(page, chosen),
    )


def persona_context(page: Page, chosen: Chosen) -> dict[str, Any]:
    """What a page shows of the report."""
    found = _report(page, chosen)
    highest = max((cell.rate or 0.0 for row in found.rows for cell in row.cells), default=0.0)
    return {
        "chosen": chosen,
        "found": found,
        "several_journeys": len({row.journey for row in found.rows}) > 1,
        "reversals": [persona_words.reversed_words(each) for each in found.reversals],
        "counted": persona_words.facts(page, chosen, found),
        "step": lambda rate: round(rate / highest * STEPS) if highest else 0,
    }


@PAGES.get("/reports/personas.csv", scope="reports:read")
def personas_csv(page: Page) -> Response:
    """The same as a CSV file, under the address it always had."""
    return csv_of(page, _filed(page))


@PAGES.get("/reports/personas/download", scope="reports:read")
def download_personas(page: Page) -> Response:
    """The same report as a file: a line for each touchpoint and persona."""
    return file_of(page, _filed(page))


@PAGES.get("/reports/personas/paper", scope="reports:read")
def paper_personas(page: Page) -> Response:
    """The same as PDF."""
    return paper_file(page, _filed(page))


def _filed(page: Page) -> Filed:
    chosen = periods.chosen(page.query, page.time_zone, page.now)
    found = _report(page, chosen)
    return Filed(
        name="personas",
        title=gettext("Personas"),
        found=of_personas(found, filters_of(chosen)),
        facts=persona_words.facts(page, chosen, found),
        parts=persona_words.parts(found),
    )


def _report(page: Page, chosen: Chosen) -> PersonaReport:
    return persona_report(
        page.session,
        page.actor,
        first=chosen.period.first,
        last=chosen.period.last,
        suspects=chosen.suspects,
        now=page.now,
    )
