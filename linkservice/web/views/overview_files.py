"""The overview as a file and on paper: its figures, what stands out, what changed, how good it is.

Not here: the page itself (`overview`), whose journeys and links have papers of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response

from linkservice.reports.changed import ChangeReport
from linkservice.reports.exported import of_filtered_overview, of_overview
from linkservice.reports.exported_before import with_before, with_change, with_gained
from linkservice.reports.exported_findings import of_changes
from linkservice.reports.graph import Graph
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.reports.queries import report_with_other_sides
from linkservice.reports.results import TouchpointReport, TouchpointRow
from linkservice.reports.trend import ConversionTrend, Trend, conversion_trend, trend_of
from linkservice.web import change_sentences, figures, periods
from linkservice.web.annotated import notes_in
from linkservice.web.door import Pages
from linkservice.web.fieldwords import signed
from linkservice.web.figures import FIGURES, Figure, KeyFigure, figure_asked
from linkservice.web.filed import Filed, file_of, filters_of, paper_file
from linkservice.web.filtered_overview import filtered_line, filtered_overview
from linkservice.web.i18n import gettext, write_money, write_number
from linkservice.web.page import Page
from linkservice.web.papers import figures_part, lines_parts, trend_graph
from linkservice.web.periods import Chosen
from linkservice.web.printed_tables import origin_parts
from linkservice.web.quality import quality
from linkservice.web.ranked import Ranking, Shown
from linkservice.web.views.overview import (
    MOST_OUTSTANDING,
    gained_change,
    overview_facts,
    value_change,
)

PAGES = Pages("overview")


@PAGES.get("/overview/download", scope="reports:read")
def download_overview(page: Page) -> Response:
    """Its days, totals, who stands out and what changed."""
    return file_of(page, _filed(page))


@PAGES.get("/overview/paper", scope="reports:read")
def paper_overview(page: Page) -> Response:
    """How it goes and what stands out, as PDF."""
    return paper_file(page, _filed(page))


def _filed(page: Page) -> Filed:
    chosen = periods.chosen_and_filtered(page.query, page.time_zone, page.now).certain
    if chosen.filters:
        return _filtered(page, chosen)
    period, suspects = chosen.period, chosen.suspects
    report, other_sides = report_with_other_sides(
        page.session,
        page.actor,
        first=period.first,
        last=period.last,
        suspects=suspects,
        now=page.now,
    )
    trend = trend_of(page.session, page.actor, None, period, page.now, suspects=suspects)
    changed = change_sentences.changed_within(page, chosen)
    ranking = Ranking.of(report, other_sides)
    shown = [
        each
        for verdict in ("best", "worst")
        for each in ranking.outstanding(verdict, MOST_OUTSTANDING)
    ]
    filters = filters_of(chosen)
    rows = [each.row for each in shown]
    found = of_overview(
        report, trend, notes_in(page, period), rows, of_changes(changed, {}), filters
    )
    gained = conversion_trend(page.session, page.actor.workspace_id, trend)
    return Filed(
        about="overview",
        title=gettext("Overview"),
        found=with_gained(with_before(found, trend), gained, report.currency),
        facts=overview_facts(page, chosen, changed),
        parts=[
            *_figures(page, trend, gained, report.currency),
            _outstanding(shown),
            _changes(changed),
            _quality(page, report, chosen),
        ],
        one_table=False,
    )


def _filtered(page: Page, chosen: Chosen) -> Filed:
    """What its filters leave of it."""
    shown = filtered_overview(page, chosen)
    figure = figure_asked(page.query.get("figure", ""))
    notes = notes_in(page, chosen.period)
    told: Sequence[KeyFigure] = shown["figures"]
    rows: Sequence[TouchpointRow] = shown["rows"]
    by = shown["found"].filtered
    days, line = [day.date for day in by.days], filtered_line(by, figure)
    columns = (
        Column(gettext("Touchpoint"), 0.46),
        *(Column(gettext(FIGURES[key]), 0.18, "number") for key in _COUNTED),
    )
    lines = [
        Row(
            (
                row.name or gettext("Links without a touchpoint"),
                *(write_number(getattr(row, key)) for key in _COUNTED),
            ),
            row.stage or "",
        )
        for row in rows
    ]
    return Filed(
        about="overview",
        title=gettext("Overview"),
        found=with_change(
            of_filtered_overview(
                shown["found"], rows, shown["came_from"], notes, filters_of(chosen)
            ),
            shown["changed"],
        ),
        facts=shown["counted"],
        parts=[
            *lines_parts(page, days, [line], figure, shown["changed"], chosen.period),
            figures_part(told, shown["change_note"]),
            Part(gettext("Touchpoints with the most of these clicks"), columns, lines),
            *origin_parts(shown["came_from"], shown["origins_note"]),
        ],
        one_table=False,
    )


_COUNTED: tuple[Figure, ...] = ("clicks", "scans", "visitors")


def _figures(
    page: Page, trend: Trend, gained: ConversionTrend, currency: str
) -> list[Part | Graph]:
    """The curve of the figure that the page shows, and all of them in words."""
    figure = figure_asked(page.query.get("figure", ""))
    more = []
    if gained.conversions:
        count = write_number(gained.conversions)
        more.append(Row((gettext("Conversions"), count, gained_change(gained))))
    if gained.value:
        worth = write_money(gained.value, currency)
        more.append(Row((gettext("Value"), worth, value_change(gained))))
    told = figures.key_figures(trend)
    counted = figures_part(told, figures.change_note(trend), *more)
    return [trend_graph(page, trend, figure), counted]


def _outstanding(shown: Sequence[Shown]) -> Part:
    columns = (
        Column(gettext("Touchpoint"), 0.28),
        Column(gettext("Verdict"), 0.12),
        Column(gettext("Finding"), 0.6),
    )
    rows = [
        Row(
            (each.row.name or "", signed(each.row.verdict, each.verdict), each.said),
            each.row.stage or "",
        )
        for each in shown
    ]
    return Part(gettext("Best and worst touchpoints"), columns, rows)


def _changes(changed: ChangeReport) -> Part:
    (part,) = change_sentences.parts(changed)
    if part.rows:
        return part
    nothing = gettext(
        "Nothing: every touchpoint that can be judged brings what is usual on these weekdays."
    )
    return Part(part.heading, (Column(gettext("Finding"), 1.0),), (Row((nothing,)),))


def _quality(page: Page, report: TouchpointReport, chosen: Chosen) -> Part:
    columns = (
        Column(gettext("Figure"), 0.28),
        Column(gettext("Value"), 0.22),
        Column(gettext("Note"), 0.5),
    )
    found = quality(page, report.totals, chosen)
    rows = [Row((each.label, each.value, each.note)) for each in found]
    return Part(gettext("How good are these data?"), columns, rows)
