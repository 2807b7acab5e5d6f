"""Closed months: what links had summed up, and the days of touchpoints packed, once they hardly
change any more.

A year of a busy link has some hundred thousand facets, its months have some thousand. All of this
is no more than a shorter way to the same figures: whoever adds to a day of a closed month reopens
it for those links and workspaces, in the same transaction, and until it is closed again for them
reports read the days.

Decided here: when a month is closed, and how its sums are packed. The ingester closes months when
it is idle, some links at a time, so that no writer waits long; it may be stopped at any moment.
Not here: who reads them (`reports.link_months`, `reports.days`, `reports.link_sums`).
Suspected mail scanners have no months: hardly a click is one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TypeAlias

import numpy as np
from sqlalchemy import Connection, func, select, update
from sqlalchemy.orm import Session

from linkservice.clicks import bulk, packed_days, packed_details, packed_links
from linkservice.clicks.closing_lock import lock
from linkservice.clicks.grouping import Ints
from linkservice.clicks.model import TouchpointMonth
from linkservice.clicks.month_model import ClosedMonth, LinkMonth, MonthDays
from linkservice.database import Database
from linkservice.links.model import Link

AFTER_DAYS = 7
"""A month is closed so many days after its end: what still arrives then is rare."""

FIRST_LINKS, MOST_LINKS = 4, 64
"""Links summed up in one transaction."""

LOCK_HOLD_SECONDS = 0.02
"""How long that may take: other writers of a SQLite file wait for it. The month of one link with
500 kinds of clicks a day takes 10 ms."""

Step: TypeAlias = Callable[[Session], None]
"""A part of closing something, in a transaction."""

_DAY = timedelta(days=1)


def reopen(
    connection: Connection, days: Ints, link_ids: Ints, workspace_ids: Ints | None = None
) -> None:
    """Have the months of these days (`date.toordinal()`) closed again for these links and, if days
    of touchpoints change, for these workspaces; within the transaction that changes them.
    """
    if not len(days):
        return
    lock(connection, shared=True)
    unique, whose = np.unique(days, return_inverse=True)
    firsts = [date.fromordinal(day).replace(day=1) for day in unique.tolist()]
    closed = set(
        connection.scalars(select(ClosedMonth.month).where(ClosedMonth.month.in_(set(firsts))))
    )
    if not closed:
        return
    months = [firsts[place] for place in whose.tolist()]
    links = _of_closed(closed, months, link_ids)
    bulk.put(connection, LinkMonth, [(*key, None, None, None, None) for key in links])
    if workspace_ids is not None:
        workspaces = _of_closed(closed, months, workspace_ids)
        bulk.put(connection, MonthDays, [(*key, None, None) for key in workspaces])


def _of_closed(closed: set[date], months: Sequence[date], ids: Ints) -> list[tuple[date, int]]:
    """The keys of rows of closed months, each once, in their order."""
    pairs = zip(months, ids.tolist(), strict=True)
    return sorted({(month, number) for month, number in pairs if month in closed})


class Closing:
    """Closes months, a few links at a time: as many as do not keep other writers waiting long."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._links = FIRST_LINKS

    def some(self, now: datetime) -> bool:
        """Sum up some links of what is to be closed or was reopened; whether there was any.

        Raises SQLAlchemyError where the database is away; nothing is lost then.
        """
        with self._database.reading() as session:
            if self._next(session, now, 1) is None:
                return False
        with self._database.transaction() as session:
            started = time.monotonic()
            lock(session.connection(), shared=False)
            step = self._next(session, now, self._links)
            if step is not None:
                step(session)
            held = time.monotonic() - started
        if held > LOCK_HOLD_SECONDS:
            self._links = max(1, self._links // 2)
        elif held < LOCK_HOLD_SECONDS / 2:  # twice as many take twice as long at most
            self._links = min(MOST_LINKS, self._links * 2)
        return step is not None

    def _next(self, session: Session, now: datetime, most: int) -> Step | None:
        """What is to be done next, with up to so many links; None if nothing is."""
        return _next(session, now, most)


def first_open(now: datetime) -> date:
    """The first day of the first month that is not closed yet, however quick the ingester is."""
    return (now.date() - AFTER_DAYS * _DAY).replace(day=1)


def last_of(month: date) -> date:
    """The last day of the month that begins on that day."""
    return (month + 31 * _DAY).replace(day=1) - _DAY


def _next(session: Session, now: datetime, most: int) -> Step | None:
    links = session.execute(
        select(LinkMonth.month, LinkMonth.link_id)
        .where(LinkMonth.hours.is_(None))
        .order_by(LinkMonth.month, LinkMonth.link_id)
        .limit(most)
    ).all()
    if links:
        month = links[0].month
        link_ids = [row.link_id for row in links if row.month == month]
        return lambda session: _sum_up(session, month, link_ids)
    days = session.execute(
        select(MonthDays.month, MonthDays.workspace_id).where(MonthDays.days.is_(None)).limit(1)
    ).first()
    if days:
        return lambda session: _pack(session, *days)
    month = unclosed(session, now)
    return None if month is None else lambda session: _go_on(session, month, most)


def unclosed(session: Session, now: datetime) -> date | None:
    """The first month with clicks that ended long enough ago and is not closed for all links."""
    done = select(ClosedMonth.month).where(ClosedMonth.whole)
    return session.scalar(
        select(func.min(TouchpointMonth.month)).where(
            TouchpointMonth.month.not_in(done),
            TouchpointMonth.month < first_open(now),
        )
    )


def _go_on(session: Session, month: date, most: int) -> None:
    """Sum up the next links of a month, from the first one on if it has just been begun."""
    closed = session.get(ClosedMonth, month)
    if closed is None:
        closed = ClosedMonth(month=month, links=0, whole=False)
        session.add(closed)
        session.flush()
    following = select(Link.id).where(Link.id > closed.links).order_by(Link.id)
    link_ids = session.scalars(following.limit(most)).all()
    if link_ids:
        _sum_up(session, month, link_ids)
        closed.links = link_ids[-1]
        return
    ids = TouchpointMonth.workspace_id
    later = select(func.min(ids)).where(TouchpointMonth.month == month, ids > closed.workspaces)
    workspace_id = session.scalar(later)
    if workspace_id is None:
        closed.whole = True
    else:
        _pack(session, workspace_id=workspace_id, month=month)
        closed.workspaces = workspace_id


def _sum_up(session: Session, month: date, link_ids: Sequence[int]) -> None:
    """Write what the days of these links in that month add up to."""
    connection = session.connection()
    days_of_month = [month + day * _DAY for day in range(last_of(month).day)]
    hours = packed_details.hours(connection, days_of_month, link_ids)
    facets = packed_details.facets(connection, days_of_month, link_ids)
    sums = packed_links.sums(connection, month, last_of(month), link_ids)
    days = packed_links.days(connection, month, last_of(month), link_ids)
    bulk.put(
        connection,
        LinkMonth,
        [
            (month, link_id, *(each.get(link_id, b"") for each in (hours, facets, sums, days)))
            for link_id in sorted(hours.keys() | facets.keys() | sums.keys())
        ],
    )
    # Whose clicks all became something else since has no sums, and needs none.
    connection.execute(
        update(LinkMonth)
        .where(LinkMonth.month == month, LinkMonth.link_id.in_(link_ids), LinkMonth.hours.is_(None))
        .values(hours=b"", facets=b"", sums=b"", days=b"")
    )


def _pack(session: Session, month: date, workspace_id: int) -> None:
    """Write the days of that workspace's touchpoints in that month, and the sums of its links, all
    of which are summed up by now.
    """
    connection = session.connection()
    days = packed_days.packed(connection, workspace_id, month, last_of(month).day)
    links = packed_links.packed(connection, workspace_id, month)
    bulk.put(connection, MonthDays, [(month, workspace_id, days, links)])
