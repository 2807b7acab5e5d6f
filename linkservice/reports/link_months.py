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

from linkservice.clicks.model import LinkFacet, LinkHour
from linkservice.clicks.month_model import ClosedMonth, LinkMonth
from linkservice.database import AS_BYTES, read_once
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


def link_months(session: Session, read: Sources, links: Links, period: Period) -> LinkMonths:
    """The whole months of the period that are closed for all of these links; of the same object
    read once in a session that reads.
    """
    if read.hours is not LinkHour or read.facets is not LinkFacet:
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
