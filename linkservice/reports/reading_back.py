"""From which day on a report reads single clicks.

Decided here: they must be kept (`CLICK_RETENTION_MONTHS`), and unless all are wanted a page reads
no more of them than it has time for. The days before are left out, and whoever shows the figures
says since when they hold.

There is no index of rows by link: it would cost each click 19 bytes and ingest its time. Rows lie
as they were ingested, so the days of a period lie together, and reading those of all links takes
a tenth of a microsecond each.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

from sqlalchemy import ColumnElement, Integer, Select, column, func, select, values
from sqlalchemy.orm import Session

from linkservice.clicks.model import Click, LedgerEntry, LinkDay, Mark, TouchpointDay
from linkservice.reports.filters import Filters
from linkservice.reports.period import Period

ROWS_OF_ONE, ROWS_OF_SEVERAL = 800_000, 3_000_000
"""Rows, of whatever link, that are read for one filter, and for several: some 100 and 300 ms."""

COST_OF_OWN = 14
"""What a click of one's own costs beside one of another link: half of them meet a filter, and
are told apart in eight ways.
"""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose clicks are counted: those of some links, or of one touchpoint, which had them.

    `links` are ids of links of one workspace, as a query or one by one. `new` marks a click as
    that of a visitor who is new there.
    """

    workspace_id: int
    links: Select[int] | Sequence[int]
    touchpoint_id: int | None = None

    @property
    def new(self) -> Mark:
        return Mark.NEW_FOR_LINK if self.touchpoint_id is None else Mark.NEW_FOR_TOUCHPOINT

    def of(self, rows: type[Click]) -> ColumnElement[bool]:
        """The condition on click rows."""
        if self.touchpoint_id is not None:
            return rows.touchpoint_id == self.touchpoint_id
        return rows.link_id.in_(self.links)

    def of_days(self, rows: type[LinkDay]) -> tuple[ColumnElement[bool], ...]:
        """The conditions on days of links."""
        chosen = rows.link_id.in_(self.links)
        if self.touchpoint_id is None:
            return (chosen,)
        return chosen, rows.touchpoint_id == self.touchpoint_id


def read_from(
    session: Session, whose: Whose, period: Period, filters: Filters
) -> tuple[date | None, bool]:
    """The first day of the period from which on single clicks are read, None for no day; and
    whether those of earlier days of the period are kept as well.
    """
    kept = _kept_from(session, whose.workspace_id)
    if kept is None or kept > period.last:
        return None, False
    kept = max(kept, period.first)
    if filters.everything:
        return kept, False
    most = ROWS_OF_ONE if len(filters.given) == 1 else ROWS_OF_SEVERAL
    first = max(kept, _affordable(session, whose, period, most))
    return first, first > kept


def _kept_from(session: Session, workspace_id: int) -> date | None:
    """The first day whose rows are all there; None where no row is left."""
    row = session.scalar(
        select(func.min(Click.local_day)).where(Click.workspace_id == workspace_id)
    )
    summed = session.scalar(
        select(func.min(LinkDay.local_date)).where(LinkDay.workspace_id == workspace_id)
    )
    if row is None:
        return None if summed else date.min
    kept = date.fromordinal(row)
    # Where days are gone already, the next one may just be going.
    return kept if summed is None or kept <= summed else kept + timedelta(days=1)


def _affordable(session: Session, whose: Whose, period: Period, most: int) -> date:
    """The first day such that reading costs no more than `most` rows; at least the last day."""
    own = _own_clicks(session, whose, period)
    places = _places(session, whose.workspace_id, period)
    if not places:
        return period.first
    span = _span(places)
    query = select(LedgerEntry.id, LedgerEntry.ingested).where(LedgerEntry.id.between(*span))
    segments = session.execute(query.order_by(LedgerEntry.id)).all()
    ids = [row.id for row in segments]
    before = list(accumulate((row.ingested for row in segments), initial=0))
    low, high = span[1], span[0]
    found, first = 0, period.last
    for day in reversed(period.days()):
        found += own.get(day, 0)
        if day in places:
            low, high = min(low, places[day][0]), max(high, places[day][1])
        read = before[bisect_right(ids, high)] - before[bisect_left(ids, low)]
        if high >= low and read + COST_OF_OWN * found > most:
            break
        first = day
    return first


def _own_clicks(session: Session, whose: Whose, period: Period) -> dict[date, int]:
    """How often the links were clicked on each day."""
    rows: type[LinkDay | TouchpointDay] = LinkDay
    of = whose.of_days(LinkDay)
    if whose.touchpoint_id is not None:
        rows = TouchpointDay
        own = TouchpointDay.workspace_id == whose.workspace_id
        of = own, TouchpointDay.touchpoint_id == whose.touchpoint_id
    query = (
        select(rows.local_date, func.sum(rows.clicks))
        .where(*of, rows.local_date.between(period.first, period.last))
        .group_by(rows.local_date)
    )
    return {day: int(clicks) for day, clicks in session.execute(query)}


def where_rows_lie(session: Session, whose: Whose, period: Period) -> ColumnElement[bool] | None:
    """The condition on click rows that has all of the period's days; None where there are none."""
    places = _places(session, whose.workspace_id, period)
    return Click.segment_id.between(*_span(places)) if places else None


def _span(places: Mapping[date, tuple[int, int]]) -> tuple[int, int]:
    return min(low for low, _ in places.values()), max(high for _, high in places.values())


def _places(session: Session, workspace_id: int, period: Period) -> dict[date, tuple[int, int]]:
    """The first and the last segment that has rows of each day; nothing for days without rows."""
    numbers = [(day.toordinal(),) for day in period.days()]
    days = values(column("day", Integer)).data(numbers).cte("days")
    ends = [
        select(end(Click.segment_id))
        .where(Click.workspace_id == workspace_id, Click.local_day == days.c.day)
        .scalar_subquery()
        for end in (func.min, func.max)
    ]
    return {
        date.fromordinal(day): (low, high)
        for day, low, high in session.execute(select(days.c.day, *ends))
        if low is not None
    }
