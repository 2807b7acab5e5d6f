"""Hours of the week and facets of any choice of links and days, summed by the database.

Not here: whose links and which days they are (`links`, `touchpoints`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import ColumnElement, extract, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import FACETS, FacetValue, LinkFacet, LinkHour
from linkservice.reports.results import Hour, Value

EMPTY_VALUE = {"referrer": "direct"}
"""What an empty value of a facet is called, where it is not "unknown"."""


def hours(session: Session, rows: type[LinkHour], *chosen: ColumnElement[bool]) -> list[Hour]:
    """All hours of the week, over the rows (`Sources.hours`) that meet the conditions."""
    # Databases number weekdays from Sunday, 0.
    weekday = extract("dow", rows.local_date)
    query = (
        select(weekday, rows.local_hour, func.sum(rows.clicks))
        .where(*chosen)
        .group_by(weekday, rows.local_hour)
    )
    found = {(int(day) or 7, hour): clicks for day, hour, clicks in session.execute(query)}
    return [Hour(day, hour, found.get((day, hour), 0)) for day in range(1, 8) for hour in range(24)]


def facets(
    session: Session, rows: type[LinkFacet], *chosen: ColumnElement[bool]
) -> dict[str, list[Value]]:
    """Each facet's values by falling clicks, over the rows (`Sources.facets`) that meet the
    conditions. What a click did not tell is "unknown". Cities are told where any is known; of the
    others roll-ups hold nothing, so they are what countries have more.
    """
    sums = (
        select(rows.value_id, func.sum(rows.clicks).label("clicks"))
        .where(*chosen)
        .group_by(rows.value_id)
        .having(func.sum(rows.clicks) != 0)  # 0 where what was counted was reclassified
        .subquery()
    )
    query = select(FacetValue.facet, FacetValue.value, sums.c.clicks).join(
        sums, sums.c.value_id == FacetValue.id
    )
    found: dict[str, Counter[str]] = {facet: Counter() for facet in FACETS}
    for facet, value, clicks in session.execute(query):
        found[facet][value or EMPTY_VALUE.get(facet, "unknown")] += clicks
    elsewhere = found["country"].total() - found["city"].total()
    if found["city"] and elsewhere > 0:
        found["city"]["unknown"] = elsewhere
    return {facet: by_clicks(values) for facet, values in found.items()}


def by_clicks(counts: Mapping[str, int]) -> list[Value]:
    """The values by falling clicks, those with as many by their names."""
    return [Value(*each) for each in sorted(counts.items(), key=lambda each: (-each[1], each[0]))]
