"""How touchpoints do by persona: the heat map, on a page and as files.

Decided here: in which steps it is coloured; each cell has its figure as well.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from linkservice.reports.exported_findings import of_personas
from linkservice.reports.personas import METRICS, PersonaReport, persona_report
from linkservice.web import periods, persona_words
from linkservice.web.door import Pages
from linkservice.web.filed import Filed, csv_of, file_of, filters_of, paper_file
from linkservice.web.i18n import gettext
from linkservice.web.page import Page
from linkservice.web.periods import Chosen, Here
from linkservice.web.places import journeys_by_name
from linkservice.web.views.reports import attribution_words

PAGES = Pages("reports")

STEPS = 4
"""Of the colours: pale enough for the figure that stands on them."""


@PAGES.get("/reports/personas", scope="reports:read")
def personas_report(page: Page) -> Response:
    """How touchpoints do by persona."""
    chosen = periods.chosen(page.query, page.time_zone, page.now)
    found = _report(page, chosen, *_asked(page))
    asked = {**chosen.query, **_kept(found)}
    return page.render(
        "reports/personas.html",
        status=chosen.status,
        here=Here("personas_report", asked),
        asked=asked,
        journeys=journeys_by_name(page),
        metrics=[(name, gettext(label)) for name, label in persona_words.METRIC_WORDS.items()],
        attributions=attribution_words(),
        **_context(page, chosen, found),
    )


def persona_context(page: Page, chosen: Chosen, metric: str, attribution: str) -> dict[str, Any]:
    """What a page shows of the report."""
    if metric not in METRICS:  # that of a share made before there was a choice
        metric = METRICS[0]
    return _context(page, chosen, _report(page, chosen, metric, attribution))


def _asked(page: Page) -> tuple[str, str]:
    """The metric and the attribution the query asks for."""
    return page.query.get("metric") or METRICS[0], page.query.get("attribution") or "last"


def _kept(found: PersonaReport) -> dict[str, str | None]:
    """What addresses carry of them; nothing for what is usual."""
    return {
        "metric": found.metric if found.by_conversions else None,
        "attribution": found.attribution if found.attribution != "last" else None,
    }


def _context(page: Page, chosen: Chosen, found: PersonaReport) -> dict[str, Any]:
    highest = max((cell.rate or 0.0 for row in found.rows for cell in row.cells), default=0.0)
    return {
        "chosen": chosen,
        "found": found,
        "words": persona_words,
        "several_journeys": len({row.journey for row in found.rows}) > 1,
        "lead": gettext(persona_words.LEADS[found.metric]),
        "heading": gettext(persona_words.HEADINGS[found.metric]),
        "reversals": [
            (persona_words.reversed_title(each), persona_words.reversed_words(each))
            for each in found.reversals
        ],
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
    chosen = periods.chosen(page.query, page.time_zone, page.now).certain
    found = _report(page, chosen, *_asked(page))
    return Filed(
        about="personas",
        title=gettext("Personas"),
        found=of_personas(found, filters_of(chosen)),
        facts=persona_words.facts(page, chosen, found),
        parts=persona_words.parts(found),
    )


def _report(page: Page, chosen: Chosen, metric: str, attribution: str) -> PersonaReport:
    return persona_report(
        page.session,
        page.actor,
        first=chosen.period.first,
        last=chosen.period.last,
        metric=metric,
        attribution=attribution,
        suspects=chosen.suspects,
        now=page.now,
    )
