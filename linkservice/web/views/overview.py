"""The overview: how it goes, what stands out, what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response

from linkservice.journeys.manage import list_journeys
from linkservice.journeys.model import Stage
from linkservice.links.listing import LinkFilter
from linkservice.reports.beginning import first_lack
from linkservice.reports.changed import ChangeReport
from linkservice.reports.link_list import link_page
from linkservice.reports.queries import report_with_other_sides
from linkservice.reports.results import TouchpointRow
from linkservice.reports.trend import ConversionTrend, conversion_trend, todays_counts, trend_of
from linkservice.web import change_sentences, figures, periods
from linkservice.web.annotated import notes_on
from linkservice.web.arrangement import click_filters
from linkservice.web.charts import sparkline
from linkservice.web.comparisons import change_words, value_change_words
from linkservice.web.counted import Fact, counted
from linkservice.web.door import Pages
from linkservice.web.figures import FIRST, Figure, figure_asked
from linkservice.web.filtered_overview import filtered_overview
from linkservice.web.i18n import gettext
from linkservice.web.page import Page
from linkservice.web.periods import Chosen, Here
from linkservice.web.quality import quality
from linkservice.web.ranked import Ranking
from linkservice.web.reach_words import exceeding

PAGES = Pages("overview")

MOST_LINKS = 5
MOST_OUTSTANDING = 3
"""Of the best and of the worst."""

MOST_CHANGES = 6
"""Told at first sight; the others are one keystroke away."""

MOST_JOURNEYS = 3


@PAGES.get("/", scope="reports:read")
def overview(page: Page) -> Response:
    """How it goes, what stands out, what is missing."""
    lack = first_lack(page.session, page.actor)
    if lack in ("touchpoint", "link"):
        return page.render("overview_empty.html", lack=lack)
    chosen = periods.chosen_and_filtered(page.query, page.time_zone, page.now)
    figure = figure_asked(page.query.get("figure", ""))
    if chosen.filters:
        choices = click_filters(page, chosen)
        shown = filtered_overview(page, chosen, figure)
        return page.render("overview_filtered.html", status=chosen.status, choices=choices, **shown)
    kept = None if figure == FIRST else figure
    links = link_page(page.session, page.actor, LinkFilter(), limit=MOST_LINKS, now=page.now)
    return page.render(
        "overview.html",
        status=chosen.status,
        lack=lack,
        choices=click_filters(page, chosen),
        here=Here("overview", {**chosen.query, "figure": kept}),
        figure=figure,
        today=todays_counts(page.session, page.actor, page.time_zone, page.now),
        links=[(row, sparkline(row.series)) for row in links.rows],
        **overview_context(page, chosen, figure),
    )


def overview_context(page: Page, chosen: Chosen, figure: Figure = FIRST) -> dict[str, Any]:
    """What members and guests are shown of the whole workspace: no links, which are not everybody's
    to know.
    """
    report, other_sides = report_with_other_sides(
        page.session,
        page.actor,
        first=chosen.period.first,
        last=chosen.period.last,
        suspects=chosen.suspects,
        now=page.now,
    )
    trend = trend_of(
        page.session, page.actor, None, chosen.period, page.now, suspects=chosen.suspects
    )
    changed = change_sentences.changed_within(page, chosen)
    ranking = Ranking.of(report, other_sides)
    gained = conversion_trend(page.session, page.actor.workspace_id, trend)
    return {
        "chosen": chosen,
        "figures": figures.key_figures(trend),
        "change_note": figures.change_note(trend),
        "gained": gained,
        "gained_change": gained_change(gained),
        "value_change": value_change(gained),
        "currency": report.currency,
        "quality": quality(page, report.totals, chosen),
        "trend": figures.trend_chart("trend", trend, figure, notes=notes_on(page, chosen.period)),
        "best": ranking.outstanding("best", MOST_OUTSTANDING),
        "worst": ranking.outstanding("worst", MOST_OUTSTANDING),
        "exceeding": exceeding(report.touchpoints),
        "changes": change_sentences.changes(changed),
        "changes_heading": change_sentences.heading(changed),
        "tide": change_sentences.tide_sentences(changed),
        "most_changes": MOST_CHANGES,
        "change_notes": change_sentences.notes(changed),
        "journeys": _strips(page, ranking),
        "apart": figures.apart(report.totals, suspects=chosen.suspects),
        "counted": overview_facts(page, chosen, changed),
    }


def overview_facts(page: Page, chosen: Chosen, changed: ChangeReport) -> list[Fact]:
    """How the overview was counted."""
    told = Fact(gettext("What changed"), " ".join(change_sentences.notes(changed)))
    return [told, *counted(page, chosen, "touchpoints")]


def gained_change(gained: ConversionTrend) -> str:
    """How conversions changed, in words; "" without a comparison."""
    if gained.now is None or gained.before is None:
        return ""
    return change_words(gained.now, gained.before, gettext("before"))


def value_change(gained: ConversionTrend) -> str:
    """How their value changed, in words; "" without a comparison."""
    if not gained.value_now or gained.value_before is None:
        return ""
    return value_change_words(gained.value_now, gained.value_before, gettext("before"))


@dataclass(frozen=True, slots=True)
class Strip:
    """A journey in one line: its stages with their clicks, and the verdicts in words."""

    id: int
    name: str
    stages: list[tuple[Stage, int, list[tuple[TouchpointRow, str]]]]


def _strips(page: Page, ranking: Ranking) -> list[Strip]:
    rows = {row.id: row for row in ranking.report.touchpoints}
    return [
        Strip(
            found.journey.id,
            found.journey.name,
            [
                (
                    stage,
                    sum(row.clicks for row in there),
                    [(row, ranking.verdict_words(row)) for row in there],
                )
                for stage, there in (
                    (stage, [rows[str(each.id)] for each in touchpoints])
                    for stage, touchpoints in found.stages
                )
            ],
        )
        for found in list_journeys(page.session, page.actor, after=None, limit=MOST_JOURNEYS)
    ]
