"""The overview with filters: how many clicks meet them, day by day, and at which touchpoints.

Decided here: what of the overview a filter leaves. Verdicts, conversions, what changed and the
quality of the data hold for all clicks. Not here: what is counted (`reports/filtered_ranking`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from linkservice.clicks.geodata import is_built_in
from linkservice.reports.filtered_origins import Origins, filtered_origins
from linkservice.reports.filtered_ranking import filtered_change
from linkservice.reports.period import day_of
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.results import FilteredBy, FilteredChange, TouchpointReport
from linkservice.reports.trend import begun_before
from linkservice.web import figures
from linkservice.web.annotated import notes_on
from linkservice.web.charts import Chart, Line, Note, trend
from linkservice.web.comparisons import change_words
from linkservice.web.counted import counted
from linkservice.web.facet_cards import FacetCard, origin_cards
from linkservice.web.figures import FIGURES, FIRST, Figure, KeyFigure
from linkservice.web.filtered_ranking import ranking_filtered, source_words
from linkservice.web.i18n import gettext, write_day
from linkservice.web.page import Page
from linkservice.web.periods import Chosen, Here

MOST_TOUCHPOINTS = 10
"""Of those with most clicks; all are in the ranking."""


def filtered_overview(page: Page, chosen: Chosen, figure: Figure = FIRST) -> dict[str, Any]:
    """What the page shows; the curve is that of `figure`."""
    found = touchpoint_report(
        page.session,
        page.actor,
        first=chosen.period.first,
        last=chosen.period.last,
        suspects=chosen.suspects,
        filters=chosen.filters,
        now=page.now,
    )
    assert found.filtered is not None
    today = day_of(page.now, page.time_zone)
    changed = filtered_change(
        page.session,
        page.actor,
        found,
        chosen.filters,
        suspects=chosen.suspects,
        today=today,
    )
    begun = changed is not None or begun_before(page.session, page.actor, None, found.period)
    origins = filtered_origins(
        page.session,
        page.actor,
        found,
        chosen.filters,
        compared=changed is not None,
        suspects=chosen.suspects,
    )
    kept = None if figure == FIRST else figure
    here = Here("overview", {**chosen.with_filters, "figure": kept})
    rows = sorted(found.touchpoints, key=lambda row: -row.clicks)
    return {
        "chosen": chosen,
        "here": here,
        "figure": figure,
        "filtered": ranking_filtered(chosen, found.filtered, here),
        "changed": changed,
        "figures": _figures(found, changed),
        "change_note": figures.change_note_filtered(found.period, changed, today, begun=begun),
        "trend": _trend(found.filtered, changed, figure, notes_on(page, found.period), chosen),
        "rows": [row for row in rows if row.clicks][:MOST_TOUCHPOINTS],
        "found": found,
        "came_from": _without_filters(chosen, origins),
        "origins": _origins(page, chosen, origins, None if page.guest else here),
        "origins_note": _origins_note(chosen, found.filtered, origins),
        "apart": figures.apart(found.totals, suspects=chosen.suspects),
        "counted": counted(page, chosen, "touchpoints", source=source_words(found.filtered)),
    }


def _without_filters(chosen: Chosen, found: Origins | None) -> Origins | None:
    """Countries and devices, without the facet that is a filter: all clicks have the one value."""
    if found is None:
        return None
    return replace(
        found,
        countries=() if chosen.filters.country else found.countries,
        devices=() if chosen.filters.device else found.devices,
    )


def _origins(
    page: Page, chosen: Chosen, found: Origins | None, here: Here | None
) -> list[FacetCard]:
    """The cards of countries and devices."""
    told = _without_filters(chosen, found)
    if told is None:
        return []
    return origin_cards(
        told.countries,
        told.devices,
        approximate=is_built_in(page.settings),
        here=here,
    )


def _origins_note(chosen: Chosen, by: FilteredBy, found: Origins | None) -> str:
    """Of which days the cards are, where not of all that the page tells."""
    if chosen.filters.country and chosen.filters.device:
        return ""
    if by.single_clicks_from is None or (found and found.since == by.single_clicks_from):
        return ""
    if found is None:
        return gettext(
            "Countries and devices would take longer to read: choose fewer days to see them."
        )
    return gettext(
        "Countries and devices are counted from %(day)s on, since more single clicks would take "
        "longer to read.",
        day=write_day(found.since),
    )


def _figures(found: TouchpointReport, changed: FilteredChange | None) -> list[KeyFigure]:
    words = {}
    if changed is not None:
        words = {
            key: change_words(changed.now[key], changed.before[key], gettext("before"))
            for key in changed.now
        }
    return [
        KeyFigure(key, gettext(label), getattr(found.totals, key), words.get(key, ""))
        for key, label in FIGURES.items()
    ]


def filtered_line(by: FilteredBy, figure: Figure) -> Line:
    """The days of one figure."""
    return Line(gettext(FIGURES[figure]), [getattr(day, figure) for day in by.days])


def _trend(
    by: FilteredBy,
    changed: FilteredChange | None,
    figure: Figure,
    notes: Sequence[Note],
    chosen: Chosen,
) -> Chart | None:
    """The days of one figure beside those before, as without filters."""
    if not by.days:
        return None
    days = [day.date for day in by.days]
    lines = [filtered_line(by, figure)]
    return trend(
        "trend",
        figures.filtered_title(changed, figure),
        days,
        lines,
        today=chosen.today,
        before=figures.filtered_before(changed, figure, lines),
        notes=[note for note in notes if note.day >= days[0]],
    )
