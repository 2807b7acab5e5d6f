"""The closed weeks of links, as they were packed: what links told in a month that is not closed.

Not here: what a week is and when it is closed (`clicks.weeks`), what is made of them (`details`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks.month_model import ClosedWeek, LinkWeek
from linkservice.clicks.packed_model import EveryLinkFacet, EveryLinkHour
from linkservice.clicks.weeks import days_of, week_of
from linkservice.database import AS_BYTES
from linkservice.reports.link_months import Links
from linkservice.reports.sources import Sources


@dataclass(frozen=True, slots=True)
class LinkWeeks:
    """What links told in closed weeks, packed; and the days that are in none of these."""

    beside: Sequence[date]
    hours: Sequence[bytes] = ()
    facets: Sequence[bytes] = ()


def link_weeks(session: Session, read: Sources, links: Links, days: Sequence[date]) -> LinkWeeks:
    """What is closed for all of these links, of these days."""
    if read.hours is not EveryLinkHour or read.facets is not EveryLinkFacet:
        return LinkWeeks(days)  # suspected mail scanners have none
    there = set(days)
    whole = [week for week in sorted({*map(week_of, days)}) if there.issuperset(days_of(week))]
    if not whole:
        return LinkWeeks(days)
    query = select(ClosedWeek.first).where(ClosedWeek.whole, ClosedWeek.first.in_(whole))
    closed = session.scalars(query).all()
    if not closed:
        return LinkWeeks(days)
    rows = session.execute(
        select(LinkWeek.first, LinkWeek.hours, LinkWeek.facets).where(
            LinkWeek.first.in_(closed), LinkWeek.link_id.in_(links)
        ),
        execution_options=AS_BYTES,
    ).all()
    reopened = {week for week, hours, _ in rows if hours is None}
    taken = set(closed) - reopened
    chosen = [row for row in rows if row.first in taken]
    return LinkWeeks(
        [day for day in days if week_of(day) not in taken],
        [row.hours or b"" for row in chosen],
        [row.facets or b"" for row in chosen],
    )
