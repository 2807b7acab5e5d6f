"""Hours of the week and facets of any choice of links and days, summed by the database.

Months and weeks that are closed (`clicks.months`, `clicks.weeks`) are read as the sums they were
packed to, all other days from the roll-ups: the figures are the same. Of a closed month most of
which is the period's the days are read that are not: 90 days that begin on the second of a month
are the month without its first day, not 29 days. Not here: whose links and which days they are
(`links`, `touchpoints`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add
from typing import TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    and_,
    any_,
    bindparam,
    cast,
    false,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session

from linkservice.clicks.model import FACETS, FacetValue, LinkFacet
from linkservice.clicks.months import last_of
from linkservice.clicks.packed_details import unpacked
from linkservice.clicks.packed_model import EveryLinkFacet, EveryLinkHour, PackedLinkDay
from linkservice.database import is_sqlite, weekday
from linkservice.reports.link_months import Links, link_months, named
from linkservice.reports.link_weeks import link_weeks
from linkservice.reports.period import Period
from linkservice.reports.remembered import Remembered
from linkservice.reports.results import Hour, Value
from linkservice.reports.sources import Sources

LinkDays: TypeAlias = EveryLinkHour | EveryLinkFacet | LinkFacet | PackedLinkDay
Which: TypeAlias = Callable[[type[LinkDays]], ColumnElement[bool]]
"""Which rows are meant, of whatever tells hours or facets of links by day."""

_DAYS = 10_000_000
"""More than there are days, for numbers of links and days together."""

EMPTY_VALUE = {"referrer": "direct"}
"""What an empty value of a facet is called, where it is not "unknown"."""

_NAMED_AT_ONCE = 5_000
"""Values whose names are asked for in one statement: it takes up to 32,766 parameters."""


@dataclass(frozen=True, slots=True)
class Details:
    """All hours of the week, and each facet's values by falling clicks. What a click did not tell
    is "unknown". Cities are told where any is known; of the others roll-ups hold nothing, so they
    are what countries have more.
    """

    hours: Sequence[Hour]
    facets: Mapping[str, Sequence[Value]]


def of_links(session: Session, read: Sources, links: Links, period: Period) -> Details:
    """What all clicks of these links in the period told."""
    around = _with_most_of_months(period)
    months = link_months(session, read, links, around)
    closed = set(months.months)
    beside = [day for day in period.days() if day.replace(day=1) not in closed]
    weeks = link_weeks(session, read, links, beside)
    hours, facets = _packed([*months.hours, *weeks.hours], [*months.facets, *weeks.facets])
    within = set(period.days())
    not_meant = [day for day in around.days() if day not in within and day.replace(day=1) in closed]
    for days, sign in ((weeks.beside, 1), (not_meant, -1)):
        if days:
            which = on_each_of(named(session, links), days)
            for hour, clicks in _hours(session, read.hours, which(read.hours)).items():
                hours[hour] += sign * clicks
            for value, clicks in _facets(session, read.facets, which(read.facets)).items():
                facets[value] += sign * clicks
    return _told(session, hours, facets)


def _with_most_of_months(period: Period) -> Period:
    """The period with the rest of its first and its last month, where it has most of these."""
    first, last = period.first, period.last
    for day in (period.first, period.last):
        begin, end = day.replace(day=1), last_of(day.replace(day=1))
        within = (min(end, period.last) - max(begin, period.first)).days + 1
        if 2 * within > (end - begin).days + 1:
            first, last = min(first, begin), max(last, end)
    return Period(first, last, period.time_zone)


def of_rows(
    session: Session,
    read: Sources,
    of_hours: ColumnElement[bool],
    of_facets: ColumnElement[bool],
) -> Details:
    """What the hours and facets told that meet these conditions."""
    hours = _hours(session, read.hours, of_hours)
    return _told(session, hours, _facets(session, read.facets, of_facets))


def on_each_of(links: Links, days: Sequence[date]) -> Which:
    """Those of these links on these days. They have the day first in their key: named one by one,
    each is looked up.
    """
    return lambda told: and_(told.link_id.in_(links), told.local_date.in_(days))


def on_days(some: Sequence[tuple[int, date]]) -> Which:
    """Those of these links, each on its days; for PostgreSQL, which finds packed days by what it is
    told: to join them with others it would read all of them, again and again.
    """
    if not some:
        return lambda _: false()
    keys = [link_id * _DAYS + (day - date.min).days for link_id, day in some]
    # Written into the statement: a list that it knows is hashed, one that comes later searched.
    these = bindparam(None, keys, ARRAY(BigInteger), literal_execute=True)
    links, days = ({each[place] for each in some} for place in (0, 1))
    ours = literal(sorted(links), ARRAY(BigInteger))

    def which(told: type[LinkDays]) -> ColumnElement[bool]:
        day = cast(told.local_date - literal(date.min, Date), Integer)
        within = told.link_id == any_(ours), told.local_date.in_(sorted(days))
        return and_(*within, told.link_id * _DAYS + day == any_(these))

    return which


def by_day(
    session: Session, facets: type[EveryLinkFacet], which: Which, values: Sequence[int]
) -> dict[date, int]:
    """The clicks of each day that have one of these values of a facet, of those that are meant."""
    apart = facets is EveryLinkFacet and not is_sqlite(session)
    rows = LinkFacet if apart else facets
    query = select(rows.local_date, func.sum(rows.clicks)).where(which(rows))
    found: Counter[date] = Counter()
    for day, clicks in session.execute(
        query.where(rows.value_id.in_(values)).group_by(rows.local_date)
    ):
        found[day] += int(clicks)
    if apart and values:
        # What a packed day has of one value is looked up in it, the others need not become rows.
        packed = PackedLinkDay
        counts = (
            func.coalesce(packed.value_clicks[func.array_position(packed.value_id, value)], 0)
            for value in values
        )
        query = select(packed.local_date, func.sum(reduce(add, counts))).where(which(packed))
        for day, clicks in session.execute(query.group_by(packed.local_date)):
            found[day] += int(clicks)
    return {day: clicks for day, clicks in found.items() if clicks}


def by_clicks(counts: Mapping[str, int]) -> list[Value]:
    """The values by falling clicks, those with as many by their names."""
    return [Value(*each) for each in sorted(counts.items(), key=lambda each: (-each[1], each[0]))]


def _packed(
    packed_hours: Sequence[bytes], packed_facets: Sequence[bytes]
) -> tuple[Counter[tuple[int, int]], Counter[int]]:
    """By weekday (from Monday, 1) and hour, and by facet value, what was packed."""
    of_hours, of_values = _together(packed_hours), _together(packed_facets)
    hours = {(hour // 24 + 1, hour % 24): clicks for hour, clicks in of_hours.items()}
    return Counter(hours), Counter(of_values)


_REMEMBERED = Remembered[dict[int, int]](50_000, len)
"""Hours and values, of some 200 bytes."""


def _together(parts: Sequence[bytes]) -> Mapping[int, int]:
    """What packed months and weeks add up to."""
    return _REMEMBERED.of(parts, lambda: unpacked(parts))


def _hours(
    session: Session, rows: type[EveryLinkHour], chosen: ColumnElement[bool]
) -> Counter[tuple[int, int]]:
    day = weekday(session, rows.local_date.expression)
    query = (
        select(day, rows.local_hour, func.sum(rows.clicks))
        .where(chosen)
        .group_by(day, rows.local_hour)
    )
    return Counter({(int(day) or 7, hour): clicks for day, hour, clicks in session.execute(query)})


def _facets(
    session: Session, rows: type[EveryLinkFacet], chosen: ColumnElement[bool]
) -> Counter[int]:
    query = select(rows.value_id, func.sum(rows.clicks)).where(chosen).group_by(rows.value_id)
    return Counter({row[0]: row[1] for row in session.execute(query)})


def _told(session: Session, hours: Counter[tuple[int, int]], of_values: Counter[int]) -> Details:
    found: dict[str, Counter[str]] = {facet: Counter() for facet in FACETS}
    # 0 where what was counted was reclassified.
    there = [value_id for value_id, clicks in of_values.items() if clicks]
    named = select(FacetValue.id, FacetValue.facet, FacetValue.value)
    for at in range(0, len(there), _NAMED_AT_ONCE):
        some = FacetValue.id.in_(there[at : at + _NAMED_AT_ONCE])
        for value_id, facet, value in session.execute(named.where(some)):
            found[facet][value or EMPTY_VALUE.get(facet, "unknown")] += of_values[value_id]
    elsewhere = found["country"].total() - found["city"].total()
    if found["city"] and elsewhere > 0:
        found["city"]["unknown"] = elsewhere
    return Details(
        [Hour(day, hour, hours[day, hour]) for day in range(1, 8) for hour in range(24)],
        {facet: by_clicks(values) for facet, values in found.items()},
    )
