"""The reports: touchpoints ranked, a journey coloured by verdicts, one touchpoint, one link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response
from markupsafe import Markup

from linkservice.journeys.manage import JourneyMap, journey_map
from linkservice.journeys.model import Journey, Stage, Touchpoint
from linkservice.journeys.reach import reach_summaries
from linkservice.links.listing import link_view
from linkservice.reports.beginning import linked_touchpoints
from linkservice.reports.results import TouchpointReport
from linkservice.reports.sparklines import touchpoint_series
from linkservice.reports.touchpoints import touchpoint_detail
from linkservice.reports.transitions import transition_report
from linkservice.web import arrangement, change_sentences, figures, periods, transition_words
from linkservice.web.asked import (
    arranged_as_asked,
    asked_for,
    groups_asked,
    ranking_facts,
    ranking_of,
    report_asked,
)
from linkservice.web.charts import sparkline
from linkservice.web.contest_words import explained, told_contest
from linkservice.web.counted import counted, metric_note, without_token_in_rates
from linkservice.web.door import Pages
from linkservice.web.filtered import filtered_view
from linkservice.web.filtered_ranking import alone_words, metrics_offered, ranking_filtered
from linkservice.web.i18n import gettext
from linkservice.web.link_report import link_report_context
from linkservice.web.page import Page
from linkservice.web.periods import Chosen, Here
from linkservice.web.places import journeys_by_name
from linkservice.web.ranked import Ranking, Shown, finding
from linkservice.web.reach_words import exceeding
from linkservice.web.subject_clicks import subject_clicks
from linkservice.web.subject_costs import told_costs
from linkservice.web.value_words import ATTRIBUTION_WORDS
from linkservice.workspaces.access import find_ever

PAGES = Pages("reports")

FOLDED_FROM = 4
"""So many touchpoints without a link are told in one line."""


@PAGES.get("/reports", scope="reports:read")
def reports(page: Page) -> Response:
    """Which touchpoints perform best and worst."""
    asked = asked_for(page)
    found = report_asked(page, asked)
    seen = arranged_as_asked(page, asked, found)
    ranking = Ranking.of(found)
    shown = [ranking.shown(row) for row in seen.rows]
    rows, unlinked = folded(shown, linked_touchpoints(page.session, page.actor))
    filters = arrangement.filters(page, found, asked.selection)
    here = Here("reports", asked.query)
    filtered = found.filtered
    return page.render(
        "reports/touchpoints.html",
        status=asked.chosen.status,
        asked=asked,
        chosen=asked.chosen,
        here=here,
        found=found,
        seen=seen,
        filters=filters,
        chips=arrangement.chips(filters, here),
        filtered=filtered and ranking_filtered(asked.chosen, filtered, here),
        choices=arrangement.click_filters(page, asked.chosen),
        judged=ranking.is_judged,
        groupings=arrangement.groupings(),
        converting=ranking.is_converting,
        finding=finding(found.touchpoints),
        groups=groups_asked(asked, seen, ranking, rows),
        rows=rows,
        unlinked=unlinked,
        tokenless=without_token_in_rates(found, seen),
        exceeding=exceeding(found.touchpoints),
        apart=figures.apart(found.totals, suspects=asked.chosen.suspects),
        counted=ranking_facts(page, asked, found),
        journeys=journeys_by_name(page),
        metric_note=metric_note(page, found.metric, found.period)
        if ranking.is_judged
        else alone_words(found),
        metrics=metrics_offered(found),
        attributions=attribution_words(),
    )


@dataclass(frozen=True, slots=True)
class Card:
    """A touchpoint on the map, with its clicks of the last days as a line."""

    touchpoint: Touchpoint
    shown: Shown
    spark: Markup


@PAGES.get("/reports/journeys/<id>", scope="reports:read")
def journey_report(page: Page, id: str) -> Response:
    """The journey map, each touchpoint in the colour, sign and word of its verdict."""
    chosen = periods.chosen(page.query, page.time_zone, page.now)
    found = journey_map(page.session, page.actor, id)
    report = ranking_of(page, chosen, id, "visitors_per_reach")
    crossings = transition_report(
        page.session,
        page.actor,
        id,
        first=chosen.period.first,
        last=chosen.period.last,
        now=page.now,
    )
    return page.render(
        "reports/journey.html",
        status=chosen.status,
        chosen=chosen,
        here=Here("journey_report", chosen.query, {"id": id}),
        journey=found.journey,
        stages=_cards(page, found, report),
        totals=report.totals,
        crossings=crossings,
        words=transition_words,
        counted=[
            *transition_words.definitions(crossings),
            *counted(page, chosen, "touchpoints", journey=found.journey.name),
        ],
        finding=finding(report.touchpoints),
        exceeding=exceeding(report.touchpoints),
        journeys=journeys_by_name(page),
    )


@PAGES.get("/reports/touchpoints/<id>", scope="reports:read")
def touchpoint_report_page(page: Page, id: str) -> Response:
    """One touchpoint beside its peers, and who came through it."""
    chosen = periods.chosen_and_filtered(page.query, page.time_zone, page.now)
    if chosen.filters:
        return _filtered_touchpoint(page, id, chosen)
    wanted = page.query.get("attribution") or "last"
    kept = wanted if wanted != "last" else None
    here = Here("touchpoint_report_page", {**chosen.query, "attribution": kept}, {"id": id})
    shown = touchpoint_context(page, id, chosen, wanted, here)
    summaries = reach_summaries(page.session, page.actor, [shown["found"].touchpoint.id])
    changed = change_sentences.changed_within(page, chosen)
    row = changed.row(id)
    return page.render(
        "reports/touchpoint.html",
        status=chosen.status,
        here=here,
        attributions=attribution_words(),
        reach=summaries.get(shown["found"].touchpoint.id),
        change=None if row is None else change_sentences.told(row, changed),
        tide="" if row is None else change_sentences.tide_beside(row, changed),
        **shown,
    )


def _filtered_touchpoint(page: Page, id: str, chosen: Chosen) -> Response:
    """One touchpoint with filters, without what only all its clicks can say."""
    here = Here("touchpoint_report_page", chosen.with_filters, {"id": id})
    filtered = filtered_view(page, "touchpoint", id, chosen, here)
    touchpoint = find_ever(page.session, page.actor, Touchpoint, id)
    stage = page.session.get_one(Stage, touchpoint.stage_id)
    return page.render(
        "reports/touchpoint_filtered.html",
        status=chosen.status,
        chosen=chosen,
        here=here,
        filtered=filtered,
        touchpoint=touchpoint,
        stage=stage.name,
        journey=page.session.get_one(Journey, stage.journey_id).name,
    )


def touchpoint_context(
    page: Page, id: str, chosen: Chosen, attribution: str, here: Here | None = None
) -> dict[str, Any]:
    """What the page of one touchpoint shows, but its reach; with `here`, values lead to the page
    filtered by them. Raises `NotFound`.
    """
    first, last = chosen.period.first, chosen.period.last
    found = touchpoint_detail(
        page.session,
        page.actor,
        id,
        first=first,
        last=last,
        attribution=attribution,
        suspects=chosen.suspects,
        now=page.now,
    )
    ranking = Ranking.of(found.report, found.other_sides)
    beside = sorted([found.row, *found.peers], key=lambda row: -(row.rate or 0.0))
    costs = told_costs(page, chosen, "touchpoint", id)
    # Guests are shown no links.
    contest = None if page.guest else found.contest
    return {
        "chosen": chosen,
        "found": found,
        "shown": ranking.shown(found.row),
        "exceeding": exceeding([found.row, *found.peers]),
        "beside_it": [ranking.shown(row) for row in beside],
        "axis": ranking.axis(found.row),
        "contest": told_contest(contest, found.links) if contest else None,
        "clicks": subject_clicks(page, found.touchpoint, found, chosen, here),
        "costs": costs,
        "counted": explained(
            counted(page, chosen, "touchpoint", costs=costs.facts if costs else ()), contest
        ),
    }


@PAGES.get("/reports/links/<id>", scope="reports:read")
def link_report_page(page: Page, id: str) -> Response:
    """The report of one link by itself, as its own page has it under the code."""
    report = link_report_context(page, id, "link_report_page")
    return page.render(
        "reports/link.html",
        status=report.chosen.status,
        view=link_view(page.session, page.actor, id),
        report=report,
    )


def attribution_words() -> list[tuple[str, str]]:
    """Whose a conversion can be, in words."""
    return [(name, gettext(label)) for name, label in ATTRIBUTION_WORDS.items()]


def folded(rows: list[Shown], linked: frozenset[str]) -> tuple[list[Shown], list[Shown]]:
    """The rows of a ranking's table, and those that have no link, no click and nothing to be judged
    by: apart, unless they are few.
    """
    bare = [
        each
        for each in rows
        if each.row.verdict == "no_reach" and not each.row.clicks and each.row.id not in linked
    ]
    if len(bare) < FOLDED_FROM:
        return rows, []
    return [each for each in rows if each not in bare], bare


def _cards(
    page: Page, found: JourneyMap, report: TouchpointReport
) -> list[tuple[Stage, list[Card]]]:
    ranking = Ranking.of(report)
    rows = {row.id: row for row in report.touchpoints}
    series = touchpoint_series(page.session, page.actor, page.now)
    return [
        (
            stage,
            [
                Card(
                    each,
                    ranking.shown(rows[str(each.id)], drawn=False),
                    sparkline(series.get(each.id, [0])),
                )
                for each in touchpoints
            ],
        )
        for stage, touchpoints in found.stages
    ]
