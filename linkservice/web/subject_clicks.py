"""The clicks of one link, campaign or touchpoint as its page shows them, from key figures to cards.

Decided here: which of them there are, and that a page whose readers can filter tells scans from
clicks. Not here: what each says and how it is drawn (`figures`, `facet_cards`), the same of clicks
that meet filters (`filtered`).
"""

from __future__ import annotations

from dataclasses import dataclass

from linkservice.clicks.geodata import is_built_in
from linkservice.journeys.model import Campaign, Touchpoint
from linkservice.links.model import Link
from linkservice.reports.results import LinkReport
from linkservice.reports.touchpoints import TouchpointDetail
from linkservice.reports.trend import trend_of
from linkservice.web import figures
from linkservice.web.annotated import notes_on
from linkservice.web.charts import Chart
from linkservice.web.facet_cards import FacetCard, facet_cards, robots_card, source_card
from linkservice.web.figures import Aside, KeyFigure
from linkservice.web.page import Page
from linkservice.web.periods import Chosen, Here


@dataclass(frozen=True, slots=True)
class SubjectClicks:
    """What the template shows."""

    figures: list[KeyFigure]
    change_note: str
    trend: Chart
    heat: Chart
    world: Chart | None
    facets: list[FacetCard]
    robots: FacetCard
    apart: list[Aside]


def subject_clicks(
    page: Page,
    subject: Link | Campaign | Touchpoint,
    found: LinkReport | TouchpointDetail,
    chosen: Chosen,
    here: Here | None,
) -> SubjectClicks:
    """The clicks that were `found` of the subject; with `here`, which makes addresses of its page,
    values lead to the page filtered by them. Raises `Forbidden`.
    """
    trend = trend_of(
        page.session, page.actor, subject, found.period, page.now, suspects=chosen.suspects
    )
    cards = facet_cards(found, approximate=is_built_in(page.settings), here=here)
    if here and found.totals.clicks:
        cards.insert(0, source_card(found.totals.clicks, found.totals.scans, here))
    return SubjectClicks(
        figures=figures.key_figures(trend),
        change_note=figures.change_note(trend),
        trend=figures.trend_chart(
            "trend",
            trend,
            "clicks",
            "scans",
            "visitors",
            notes=notes_on(page, found.period),
        ),
        heat=figures.heat_chart("week", found.hours),
        world=figures.world_chart("world", found.countries),
        facets=cards,
        robots=robots_card(found.robots),
        apart=figures.apart(found.totals, suspects=chosen.suspects),
    )
