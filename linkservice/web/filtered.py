"""A filtered report as pages show it: the filters as chips, figures, charts, lists, and from
which source they come.

Decided here: how it is said since when figures hold. Not here: which source tells what
(`reports/filtered`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from linkservice.clicks.geodata import is_built_in
from linkservice.reports.filtered import (
    Asked,
    FilteredReport,
    filtered_campaign,
    filtered_link,
    filtered_touchpoint,
)
from linkservice.reports.period import day_of
from linkservice.web import figures
from linkservice.web.annotated import notes_on
from linkservice.web.charts import Chart, Line, Note, trend
from linkservice.web.comparisons import change_words
from linkservice.web.counted import About, Fact, counted, filter_words
from linkservice.web.facet_cards import FacetCard, facet_cards, robots_card, source_card
from linkservice.web.figures import FIGURES, Aside, Figure, KeyFigure
from linkservice.web.i18n import gettext, write_day
from linkservice.web.page import Page
from linkservice.web.periods import Chosen, Here

REPORTS = {
    "link": filtered_link,
    "touchpoint": filtered_touchpoint,
    "campaign": filtered_campaign,
}


@dataclass(frozen=True, slots=True)
class FilteredView:
    """What the template shows. `cut` says since when figures hold, "" where of the whole period;
    `widened` is the address that counts all, where that is possible.
    """

    found: FilteredReport
    chips: list[tuple[str, str]]
    unfiltered: str
    cut: str
    widened: str
    figures: list[KeyFigure]
    change_note: str
    trend: Chart | None
    heat: Chart | None
    world: Chart | None
    facets: list[FacetCard]
    robots: FacetCard
    apart: list[Aside]
    counted: list[Fact]

    @property
    def clicks_since(self) -> date | None:
        """The day from which on its clicks are counted; None: from the first one."""
        return self.found.single_clicks_from if len(self.found.filters.given) > 1 else None


def filtered_report(page: Page, about: About, subject_id: str, chosen: Chosen) -> FilteredReport:
    """The report on a link, touchpoint or campaign with the filters that are chosen. Raises
    `NotFound`, `Forbidden`.
    """
    first, last = chosen.period.first, chosen.period.last
    asked = Asked(first, last, chosen.filters, chosen.suspects, page.now)
    return REPORTS[about](page.session, page.actor, subject_id, asked)


def filtered_view(
    page: Page, about: About, subject_id: str, chosen: Chosen, here: Here | None = None
) -> FilteredView:
    """What a page shows of that report; `here` makes addresses of the page, and without it its
    readers cannot filter.
    """
    found = filtered_report(page, about, subject_id, chosen)
    nothing: dict[str, None] = dict.fromkeys(found.filters.query)
    today = day_of(page.now, page.time_zone)
    facets = facet_cards(found, approximate=is_built_in(page.settings), here=here)
    # Of the same days: with one filter the total of clicks has earlier ones, too.
    told = [(day.clicks, day.scans) for day in found.days if day.scans is not None]
    if any(clicks for clicks, _ in told):
        clicks, scans = (sum(numbers) for numbers in zip(*told, strict=True))
        facets.insert(0, source_card(clicks, scans, here))
    return FilteredView(
        found=found,
        chips=chips(chosen, here) if here else [],
        unfiltered=here(**nothing) if here else "",
        cut=cut(found),
        widened=here(single_clicks="all") if here and found.more_single_clicks else "",
        figures=filtered_figures(found),
        change_note=figures.change_note_filtered(
            found.period, found.change, today, begun=found.begun
        ),
        trend=_trend(found, today, notes_on(page, found.period)),
        heat=figures.heat_chart("week", found.hours)
        if any(h.clicks for h in found.hours)
        else None,
        world=None if chosen.filters.country else figures.world_chart("world", found.countries),
        facets=facets,
        robots=robots_card(found.robots),
        apart=figures.apart(found.totals, suspects=chosen.suspects),
        counted=counted(page, chosen, about, source=source_words(found)),
    )


def chips(chosen: Chosen, here: Callable[..., str]) -> list[tuple[str, str]]:
    """Each filter in words, with the address that removes it."""
    filters = chosen.filters
    without = [here(**{name: None}) for name in filters.given]
    return list(zip(filter_words(filters), without, strict=True))


def cut(found: FilteredReport) -> str:
    """Since when figures hold that single clicks tell; "" where of the whole period."""
    if found.is_whole:
        return ""
    alone = len(found.filters.given) == 1
    if found.single_clicks_from is None:
        if alone:
            return gettext(
                "No single clicks of this period are kept any more: only clicks can be told."
            )
        return gettext(
            "Only single clicks can tell what meets several filters, and none of this period are "
            "kept any more. Take a filter away, or choose later days."
        )
    day = write_day(found.single_clicks_from)
    if found.more_single_clicks:
        if alone:
            return gettext(
                "Clicks are those of the whole period; all else is counted from %(day)s on, since "
                "more single clicks would take longer to read.",
                day=day,
            )
        return gettext(
            "Counted from %(day)s on, since more single clicks would take longer to read.", day=day
        )
    if alone:
        return gettext(
            "Clicks are those of the whole period; all else comes from single clicks, which are "
            "kept since %(day)s.",
            day=day,
        )
    return gettext(
        "Counted from %(day)s on: several filters take single clicks, which are kept since then.",
        day=day,
    )


def source_words(found: FilteredReport) -> str:
    """Where the figures come from, for “How was this counted?”."""
    if found.is_whole:
        return gettext("Single clicks of the whole period.")
    words = cut(found)
    if len(found.filters.given) == 1:
        words += " " + gettext("Days before come from sums that are kept for ever.")
    return words


def filtered_figures(found: FilteredReport) -> list[KeyFigure]:
    """The key figures that can be told; with the day from which on, where that is a later one."""
    since = found.single_clicks_from
    shown = []
    for key, label in FIGURES.items():
        complete = found.is_whole or found.rolls_up(key)
        if since is None and not complete:
            continue
        note = "" if complete or since is None else _since(since)
        if found.change and key in found.change.now:
            note = change_words(found.change.now[key], found.change.before[key], gettext("before"))
        shown.append(KeyFigure(key, gettext(label), getattr(found.totals, key), note))
    return shown


def _since(day: date) -> str:
    return gettext("from %(day)s on", day=write_day(day))


def filtered_lines(found: FilteredReport) -> list[Line]:
    """The days: what is told of all of them, and is not nought throughout."""
    lines = []
    figure: Figure
    for figure in ("clicks", "scans", "visitors"):
        values = [getattr(day, figure) for day in found.days]
        if None not in values and (figure == "clicks" or any(values)):
            lines.append(Line(gettext(FIGURES[figure]), values))
    return lines


def _trend(found: FilteredReport, today: date, notes: Sequence[Note]) -> Chart | None:
    if not found.days:
        return None
    lines = filtered_lines(found)
    title = figures.filtered_title(found.change, "clicks")
    days = [day.date for day in found.days]
    there = [note for note in notes if note.day >= days[0]]
    before = figures.filtered_before(found.change, "clicks", lines)
    return trend("trend", title, days, lines, today=today, before=before, notes=there)
