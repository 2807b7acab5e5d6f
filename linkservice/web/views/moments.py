"""Moments of truth: what matters to a journey and does badly, on a page and as files."""

from __future__ import annotations

from typing import Any

from flask import Response

from linkservice.reports.exported_findings import of_moments
from linkservice.reports.moments import Beside, MomentsReport, moments_and_beside
from linkservice.reports.results import Metric
from linkservice.web import moments, periods
from linkservice.web.counted import METRIC_WORDS, Fact, counted
from linkservice.web.door import Pages
from linkservice.web.drawn_moments import drawn, parts
from linkservice.web.filed import Filed, csv_of, file_of, filters_of, paper_file
from linkservice.web.i18n import gettext
from linkservice.web.page import Page
from linkservice.web.periods import Chosen, Here
from linkservice.web.places import journeys_by_name
from linkservice.web.reach_words import exceeding

PAGES = Pages("reports")

METRICS: tuple[Metric, ...] = ("visitors_per_reach", "conversions_per_click")
"""What performance can be: clicks a day say how large a touchpoint is, not how good."""


@PAGES.get("/reports/moments", scope="reports:read")
def moments_page(page: Page) -> Response:
    """Which touchpoints matter to a journey, and how they do there."""
    chosen = periods.chosen(page.query, page.time_zone, page.now)
    metric, journey_id = _asked(page)
    asked = {"journey_id": journey_id, "metric": metric if metric != METRICS[0] else None}
    context = moments_context(page, chosen, journey_id, metric)
    found: MomentsReport = context["found"]
    return page.render(
        "reports/moments.html",
        status=chosen.status,
        # The address may ask for one that the page does not offer, as the API does.
        metric_word=gettext(METRIC_WORDS[found.metric]),
        here=Here("moments_page", {**chosen.query, **asked}),
        metrics=[(name, gettext(METRIC_WORDS[name])) for name in METRICS],
        journeys=journeys_by_name(page),
        **context,
    )


def moments_context(
    page: Page, chosen: Chosen, journey_id: str | None, metric: str, *, linked: bool = True
) -> dict[str, Any]:
    """What a page shows of the report; only `linked` touchpoints lead to their own.

    Raises `Invalid` (metric), `NotFound` (journey_id).
    """
    found, beside = _report(page, chosen, journey_id, metric)
    told = moments.told(found)
    return {
        "chosen": chosen,
        "linked": linked,
        "found": found,
        "title": moments.title(found),
        "advice": moments.advice(found),
        "against": moments.against(found, beside),
        "exceeding": exceeding(beside.exceeding),
        "importance_note": moments.importance_note(found),
        "placed": moments.placed(told),
        "unplaced": moments.unplaced(found),
        "outcome": moments.outcome_words(found),
        "drawn": drawn(found, told) if found.dividing is not None else None,
        "counted": _facts(page, chosen, found),
    }


@PAGES.get("/reports/moments.csv", scope="reports:read")
def moments_csv(page: Page) -> Response:
    """The same as a CSV file, under the address it always had."""
    return csv_of(page, _filed(page))


@PAGES.get("/reports/moments/download", scope="reports:read")
def download_moments(page: Page) -> Response:
    """The same report as a file: a line for each touchpoint."""
    return file_of(page, _filed(page))


@PAGES.get("/reports/moments/paper", scope="reports:read")
def paper_moments(page: Page) -> Response:
    """The same as PDF."""
    return paper_file(page, _filed(page))


def _filed(page: Page) -> Filed:
    chosen = periods.chosen(page.query, page.time_zone, page.now).certain
    metric, journey_id = _asked(page)
    found, beside = _report(page, chosen, journey_id, metric)
    return Filed(
        about="moments",
        subject=found.journey or "",
        subject_id=journey_id or "",
        title=" · ".join(filter(None, (gettext("Moments of truth"), found.journey))),
        found=of_moments(found, filters_of(chosen)),
        facts=_facts(page, chosen, found),
        parts=parts(found),
        finding=" ".join(
            filter(None, (moments.finding(found, beside), exceeding(beside.exceeding)))
        ),
    )


def _facts(page: Page, chosen: Chosen, found: MomentsReport) -> list[Fact]:
    """How it was counted."""
    facts = counted(page, chosen, "touchpoints", metric=found.metric, journey=found.journey or "")
    return [*moments.facts(found), *facts]


def _asked(page: Page) -> tuple[str, str | None]:
    """The metric and the journey that the query asks for."""
    return page.query.get("metric") or METRICS[0], page.query.get("journey_id") or None


def _report(
    page: Page, chosen: Chosen, journey_id: str | None, metric: str
) -> tuple[MomentsReport, Beside]:
    return moments_and_beside(
        page.session,
        page.actor,
        journey_id=journey_id,
        first=chosen.period.first,
        last=chosen.period.last,
        metric=metric,
        suspects=chosen.suspects,
        now=page.now,
    )
