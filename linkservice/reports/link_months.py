"""The closed months of links, as they were packed: what a link or a campaign had in a year as some
rows a link.

Not here: which months are closed and what is in them (`clicks.months`), what is made of them
(`links`: days and sums; `details`: hours and facets).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from linkservice.clicks.month_model import ClosedMonth, LinkMonth
from linkservice.clicks.packed_model import EveryLinkFacet, EveryLinkHour
from linkservice.database import AS_BYTES, is_sqlite, read_once
from linkservice.reports.period import Period, whole_months
from linkservice.reports.sources import Sources

Links: TypeAlias = Sequence[int] | Select[int]
"""Ids of links."""


@dataclass(frozen=True, slots=True)
class LinkMonths:
    """Months that are summed up for all of the links, in their order; and of each link and month
    what it had, packed.
    """

    months: Sequence[date]
    sums: Sequence[bytes] = ()
    days: Sequence[bytes] = ()
    hours: Sequence[bytes] = ()
    facets: Sequence[bytes] = ()


NO_MONTHS = LinkMonths(())

MOST_NAMED = 10_000
"""Links of one statement, which may have 65,535 parameters."""


def named(session: Session, links: Links) -> Links:
    """As they are best asked for: PostgreSQL finds packed days of links that it is told, and reads
    those of all links for links that it has to look up, as it does where they are very many.
    """
    if is_sqlite(session) or not isinstance(links, Select):
        return links
    some = links.limit(MOST_NAMED + 1)
    found = read_once(session, (named, links), lambda: session.scalars(some).all())
    return found if len(found) <= MOST_NAMED else links


def link_months(session: Session, read: Sources, links: Links, period: Period) -> LinkMonths:
    """The whole months of the period that are closed for all of these links; of the same object
    read once in a session that reads.
    """
    if read.hours is not EveryLinkHour or read.facets is not EveryLinkFacet:
        return NO_MONTHS  # suspected mail scanners have none
    first, end = whole_months(period)
    if first >= end:
        return NO_MONTHS
    # Remembered by the object itself, which the session keeps with it.
    of = links if isinstance(links, Select) else tuple(links)
    key = link_months, of, first, end
    return read_once(session, key, lambda: _read(session, links, first, end))


def _read(session: Session, links: Links, first: date, end: date) -> LinkMonths:
    # Asked for by itself it is found in the index of reopened months, which is nearly empty.
    reopened = select(LinkMonth.first).where(
        LinkMonth.hours.is_(None), LinkMonth.link_id.in_(links)
    )
    whole = select(ClosedMonth.first).where(
        ClosedMonth.whole,
        ClosedMonth.first >= first,
        ClosedMonth.first < end,
        ClosedMonth.first.not_in(reopened),
    )
    months = sorted(session.scalars(whole))
    if not months:
        return NO_MONTHS
    columns = LinkMonth.sums, LinkMonth.days, LinkMonth.hours, LinkMonth.facets
    rows = session.execute(
        select(*columns).where(LinkMonth.first.in_(months), LinkMonth.link_id.in_(links)),
        execution_options=AS_BYTES,
    ).all()
    return LinkMonths(
        months, *([each or b"" for each in column] for column in zip(*rows, strict=True))
    )
