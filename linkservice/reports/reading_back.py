"""From which day on a report reads single clicks.

Decided here: they must be kept (`CLICK_RETENTION_MONTHS`), and unless all are wanted a page reads
no more of them than it has time for. The days before are left out, and whoever shows the figures
says since when they hold.

There is no index of rows by link: it would cost each click 19 bytes and ingest its time. Rows lie
as they were ingested, so the days of a period lie together, and reading those of all links takes
a tenth of a microsecond each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Integer, Select, and_, column, func, select, text, values
from sqlalchemy.orm import Session

from linkservice.clicks.dictionary import knows_cities
from linkservice.clicks.kept_rows import kept_from
from linkservice.clicks.model import LinkDay, Mark, TouchpointDay
from linkservice.clicks.packed_model import EveryClick, PackedClicks
from linkservice.database import is_sqlite, read_once
from linkservice.reports.filters import UNKNOWN, Filters
from linkservice.reports.period import Period

ROWS_OF_ONE, ROWS_OF_SEVERAL = 400_000, 2_200_000
"""Rows, of whatever link, that are read for one filter, and for several: some 50 and 300 ms."""

ROWS_OF_SEVERAL_ON_POSTGRESQL = 1_300_000
"""There a row is found through the index and read from another page."""

COST_OF_PACKED = 2
"""What a row of a packed day (`clicks.packing`) costs beside others."""

FIRST_DAYS = 32
_DAY = timedelta(days=1)

COST_OF_OWN = 14
"""What a click of one's own costs beside one of another link: half of them meet a filter, and
are told apart in eight ways.
"""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose clicks are counted: those of some links, or of one touchpoint, which had them; without
    `links` those of the workspace.

    `links` are ids of links of one workspace, as a query or one by one. `new` marks a click as
    that of a visitor who is new there.
    """

    workspace_id: int
    links: Select[int] | Sequence[int] | None = None
    touchpoint_id: int | None = None

    @property
    def new(self) -> Mark:
        return Mark.NEW_FOR_LINK if self.touchpoint_id is None else Mark.NEW_FOR_TOUCHPOINT

    def of(self, rows: type[EveryClick]) -> ColumnElement[bool]:
        """The condition on click rows."""
        if self.touchpoint_id is not None:
            return rows.touchpoint_id == self.touchpoint_id
        if self.links is None:
            return rows.workspace_id == self.workspace_id
        return rows.link_id.in_(self.links)

    def of_days(self, rows: type[LinkDay]) -> tuple[ColumnElement[bool], ...]:
        """The conditions on days of links."""
        if self.links is None:
            return (rows.workspace_id == self.workspace_id,)
        chosen = rows.link_id.in_(self.links)
        if self.touchpoint_id is None:
            return (chosen,)
        return chosen, rows.touchpoint_id == self.touchpoint_id


def read_from(
    session: Session,
    whose: Whose,
    period: Period,
    filters: Filters,
    cost_of_own: int = COST_OF_OWN,
    are_closed: Callable[[date], bool] = lambda _: False,
) -> tuple[date | None, bool]:
    """The first day of the period from which on its figures are told, None for no day; and whether
    those of earlier days of the period could be told as well. `cost_of_own`: what a click of
    theirs costs beside one of another link. Days that `are_closed` need no single clicks.
    """
    earliest = min(kept_from(session, whose.workspace_id), period.last + _DAY)
    while earliest > period.first and are_closed(earliest - _DAY):
        earliest -= _DAY
    if earliest <= _recorded_from(session, whose.workspace_id):
        earliest = period.first  # nothing was clicked before
    if earliest > period.last:
        return None, False
    earliest = max(earliest, period.first)
    _by_days(session)
    if filters.everything:
        return earliest, False
    most = _most(session, filters)
    if _all_meet(session, filters):
        cost_of_own *= 2
    found = _affordable(session, whose, period, most, cost_of_own, are_closed)
    first = max(earliest, found or period.last)
    return first, first > earliest


def read_once_more(
    session: Session,
    whose: Whose,
    period: Period,
    filters: Filters,
    spent: Sequence[Period],
    cost_of_own: int,
) -> date | None:
    """The first day of a `period` whose rows are kept from which on there is time to read them once
    more, after those of the periods `spent`; None where there is none.
    """
    if filters.everything:
        return period.first
    left = _most(session, filters)
    for each in spent:
        left -= sum(_costs(session, whose, each, cost_of_own).values())
    return _affordable(session, whose, period, left, cost_of_own)


def _most(session: Session, filters: Filters) -> int:
    if len(filters.given) == 1:
        return ROWS_OF_ONE
    return ROWS_OF_SEVERAL if is_sqlite(session) else ROWS_OF_SEVERAL_ON_POSTGRESQL


def _all_meet(session: Session, filters: Filters) -> bool:
    """Whether every click meets the filter, where usually half of them do."""
    return filters.given == {"city": UNKNOWN} and not knows_cities(session)


def _by_days(session: Session) -> None:
    """Have PostgreSQL look up the days of click rows: of a fifth of ten million rows it would
    rather read the whole table, which takes twice as long, and ever longer as it grows.
    """
    if not is_sqlite(session):
        session.execute(text("SET LOCAL enable_seqscan = off"))


def _recorded_from(session: Session, workspace_id: int) -> date:
    """The first day of any click that led somewhere; none had any before."""
    first = select(func.min(TouchpointDay.local_date))
    found = session.scalar(first.where(TouchpointDay.workspace_id == workspace_id))
    return found or date.min


def _affordable(
    session: Session,
    whose: Whose,
    period: Period,
    most: int,
    cost_of_own: int,
    are_free: Callable[[date], bool] = lambda _: False,
) -> date | None:
    """The first day such that reading costs no more than `most` rows; None where not even the last
    one does.
    """
    cost, first = 0, None
    for some in _backwards(period):
        if all(map(are_free, some.days())):
            first = some.first
            continue
        costs = _costs(session, whose, some, cost_of_own)
        for day in reversed(some.days()):
            if not are_free(day):
                cost += costs[day]
            if cost > most:
                return first
            first = day
    return first


def _backwards(period: Period) -> Iterator[Period]:
    """The period in parts, the last one first and each twice as long: where there are many
    rows, few days are looked at, and ten years without are soon through.
    """
    last, days = period.last, FIRST_DAYS
    while last >= period.first:
        first = max(period.first, last - timedelta(days=days - 1))
        yield Period(first, last, period.time_zone)
        last, days = first - _DAY, 2 * days


def _costs(session: Session, whose: Whose, period: Period, cost_of_own: int) -> dict[date, int]:
    """What it costs to read each day."""
    rows, own = _rows(session, whose.workspace_id, period), _own_clicks(session, whose, period)
    packed_to = _packed_to(session, whose.workspace_id)
    return {
        day: rows.get(day, 0) * (COST_OF_PACKED if day <= packed_to else 1)
        + cost_of_own * own.get(day, 0)
        for day in period.days()
    }


def _packed_to(session: Session, workspace_id: int) -> date:
    """The last day of which clicks lie packed; `date.min` where none do."""

    def last() -> int | None:
        days = PackedClicks.local_day
        return session.scalar(
            select(func.max(days)).where(PackedClicks.workspace_id == workspace_id)
        )

    return date.fromordinal(read_once(session, (_packed_to, workspace_id), last) or 1)


def _rows(session: Session, workspace_id: int, period: Period) -> dict[date, int]:
    """How many rows the workspace's links had on each day, of persons and others."""
    key = _rows, workspace_id, period
    return read_once(session, key, lambda: _rows_of_days(session, workspace_id, period))


def _rows_of_days(session: Session, workspace_id: int, period: Period) -> dict[date, int]:
    days = TouchpointDay
    every = days.clicks + days.robots + days.previews + days.prefetches + days.scanners
    query = (
        select(days.local_date, func.sum(every + days.heads + days.own))
        .where(
            days.workspace_id == workspace_id,
            days.local_date.between(period.first, period.last),
        )
        .group_by(days.local_date)
    )
    return {day: int(rows) for day, rows in session.execute(query)}


def _own_clicks(session: Session, whose: Whose, period: Period) -> dict[date, int]:
    """How often the links were clicked on each day."""
    rows: type[LinkDay | TouchpointDay] = LinkDay
    of = whose.of_days(LinkDay)
    if whose.touchpoint_id is not None or whose.links is None:
        rows = TouchpointDay
        of = (TouchpointDay.workspace_id == whose.workspace_id,)
        if whose.touchpoint_id is not None:
            of = *of, TouchpointDay.touchpoint_id == whose.touchpoint_id
    query = (
        select(rows.local_date, func.sum(rows.clicks))
        .where(*of, rows.local_date.between(period.first, period.last))
        .group_by(rows.local_date)
    )
    return {day: int(clicks) for day, clicks in session.execute(query)}


def where_rows_lie(session: Session, whose: Whose, period: Period) -> ColumnElement[bool]:
    """The condition on click rows that leads to those of the period's days."""
    days = EveryClick.local_day.between(period.first.toordinal(), period.last.toordinal())
    if not is_sqlite(session):
        return and_(EveryClick.workspace_id == whose.workspace_id, days)
    # Its index by day leads to one row after the other; as they lie, they are read ten times as
    # quickly, those of other workspaces too.
    places = _places(session, whose.workspace_id, period)
    low = min((low for low, _ in places), default=0)
    high = max((high for _, high in places), default=-1)
    return and_(EveryClick.segment_id.between(low, high), days)


def _places(session: Session, workspace_id: int, period: Period) -> list[tuple[int, int]]:
    """The first and the last segment that has rows of each day that has rows."""
    key = _places, workspace_id, period
    return read_once(session, key, lambda: _looked_up(session, workspace_id, period))


def _looked_up(session: Session, workspace_id: int, period: Period) -> list[tuple[int, int]]:
    numbers = [(day.toordinal(),) for day in period.days()]
    days = values(column("day", Integer)).data(numbers).cte("days")
    ends = [
        select(end(EveryClick.segment_id))
        .where(EveryClick.workspace_id == workspace_id, EveryClick.local_day == days.c.day)
        .scalar_subquery()
        for end in (func.min, func.max)
    ]
    found = session.execute(select(*ends).select_from(days))
    return [(low, high) for low, high in found if low is not None]
