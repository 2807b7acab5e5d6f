"""The clicks of each day that meet one filter, from what is summed up: nobody reads single clicks.

Decided here: which sums tell them the soonest. Those of a touchpoint are in the closed days of a
workspace, whatever links it had; those of a campaign in its closed months; all others in the facets
of links and days. Not here: of which days single clicks are read (`filtered`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.kept_rows import kept_from
from linkservice.clicks.model import FacetValue, LinkDay
from linkservice.clicks.packed_model import EveryLinkFacet
from linkservice.journeys.model import Campaign, Touchpoint
from linkservice.links.model import Link
from linkservice.reports.campaign_days import campaign_days
from linkservice.reports.details import Which, by_day, on_each_of
from linkservice.reports.filters import UNKNOWN, Filters
from linkservice.reports.period import Period
from linkservice.reports.reading_back import Whose
from linkservice.reports.sources import sources
from linkservice.reports.touchpoints import facets_alone
from linkservice.reports.value_counts import of_closed_days
from linkservice.reports.value_days import closed_days, numbers_of

_DAY = timedelta(days=1)


def filtered_days(
    session: Session,
    whose: Whose,
    days: Period,
    filters: Filters,
    subject: Link | Touchpoint | Campaign,
    *,
    suspects: bool,
) -> tuple[dict[date, int], int]:
    """The clicks of each of the days that meet the one filter; and how many clicks, of whatever
    value, cannot be told apart.
    """
    if isinstance(subject, Touchpoint) and filters.source is None:
        return _of_touchpoint(session, subject, days, filters, suspects)
    read = sources(session, whose.workspace_id, days, suspects)
    if filters.source is not None:
        return _of_source(session, read.days, whose, days, filters.source), 0
    assert whose.links is not None  # of a link or a campaign they are known
    found: Counter[date] = Counter()
    beside: Sequence[date] = days.days()
    if isinstance(subject, Campaign):
        packed = campaign_days(session, read, subject, whose.links, days)
        found.update(packed.clicks_of(numbers_of(session, filters)))
        beside = packed.beside
    found.update(_of_facets(session, read.facets, on_each_of(whose.links, beside), filters))
    return dict(found), 0


def _of_source(
    session: Session, rows: type[LinkDay], whose: Whose, days: Period, source: str
) -> dict[date, int]:
    figure = rows.scans if source == "scan" else rows.clicks - rows.scans
    query = (
        select(rows.local_date, func.sum(figure))
        .where(*whose.of_days(rows), rows.local_date.between(days.first, days.last))
        .group_by(rows.local_date)
    )
    return {day: int(clicks) for day, clicks in session.execute(query)}


def _of_touchpoint(
    session: Session, touchpoint: Touchpoint, days: Period, filters: Filters, suspects: bool
) -> tuple[dict[date, int], int]:
    workspace_id = touchpoint.workspace_id
    found: Counter[date] = Counter()
    rest = [days]
    # Clicks that came once the rows of their day were deleted are in no closed day.
    kept = max(kept_from(session, workspace_id), days.first)
    if kept <= days.last:
        whole = Period(kept, days.last, days.time_zone)
        closed = closed_days(session, workspace_id, filters)
        counts = of_closed_days(session, closed, whole, filters, suspects).get(touchpoint.id)
        if counts is not None:
            found.update(dict(zip(whole.days(), counts["clicks"].tolist(), strict=True)))
        rest = list(closed.others(whole))
        if kept > days.first:
            rest.append(Period(days.first, kept - _DAY, days.time_zone))
    undivided = 0
    for some in rest:
        read = sources(session, workspace_id, some, suspects)
        which, left_out = facets_alone(session, read, touchpoint, some)
        found.update(_of_facets(session, read.facets, which, filters))
        undivided += left_out
    return {day: clicks for day, clicks in found.items() if clicks}, undivided


def _of_facets(
    session: Session, facets: type[EveryLinkFacet], which: Which, filters: Filters
) -> dict[date, int]:
    if filters.city != UNKNOWN:
        return by_day(session, facets, which, numbers_of(session, filters))
    # All have a country, and nothing is rolled up where there is no city.
    beside_cities = case((FacetValue.facet == "country", facets.clicks), else_=-facets.clicks)
    query = (
        select(facets.local_date, func.sum(beside_cities))
        .join(FacetValue, FacetValue.id == facets.value_id)
        .where(which(facets), FacetValue.facet.in_(("country", "city")))
        .group_by(facets.local_date)
    )
    return {day: int(count) for day, count in session.execute(query)}
