"""Closed months: hours and facets of links summed up once their days hardly change any more.

A year of a busy link has some hundred thousand facets, its months have some thousand. The sums are
no more than a shorter way to the same figures: whoever adds to a day of a closed month reopens it
for those links, in the same transaction, and until they are summed up again reports read the days.

Decided here: when a month is closed, and how its sums are packed. The ingester closes months when
it is idle, some links at a time, so that no writer waits long; it may be stopped at any moment.
Not here: who reads them (`reports.details`). Suspected mail scanners have no months: hardly a click
is one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.clicks.model import LinkFacet, LinkHour, TouchpointMonth
from linkservice.clicks.month_model import ClosedMonth, LinkMonth
from linkservice.database import Database, insert_into
from linkservice.links.model import Link

AFTER_DAYS = 7
"""A month is closed so many days after its end: what still arrives then is rare."""

FIRST_LINKS, MOST_LINKS = 4, 64
"""Links summed up in one transaction."""

LOCK_HOLD_SECONDS = 0.02
"""How long that may take: other writers of a SQLite file wait for it. The month of one link with
500 kinds of clicks a day takes 10 ms."""

_DAY = timedelta(days=1)
_PG_LOCK = 0x6D6F6E74  # any number that nothing else of this database locks by ("mont")

_PACKED = np.dtype([("of", "<u4"), ("clicks", "<i4")])
"""A sum: which hour of the week (from Monday, 0) or which facet value, and its clicks."""


def reopen(connection: Connection, days: Ints, link_ids: Ints) -> None:
    """Have the months of these days (`date.toordinal()`) and links summed up again, where they are;
    within the transaction that changes their hours or facets.
    """
    if not len(days):
        return
    _lock(connection, shared=True)
    unique, whose = np.unique(days, return_inverse=True)
    firsts = [date.fromordinal(day).replace(day=1) for day in unique.tolist()]
    closed = set(
        connection.scalars(select(ClosedMonth.month).where(ClosedMonth.month.in_(set(firsts))))
    )
    if not closed:
        return
    pairs = {
        (firsts[place], link_id)
        for place, link_id in zip(whose.tolist(), link_ids.tolist(), strict=True)
        if firsts[place] in closed
    }
    _put(connection, [(month, link_id, None, None) for month, link_id in sorted(pairs)])


class Closing:
    """Closes months, a few links at a time: as many as do not keep other writers waiting long."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._links = FIRST_LINKS

    def some(self, now: datetime) -> bool:
        """Sum up some links of a month that is to be closed or was reopened; whether there was any.

        Raises SQLAlchemyError where the database is away; nothing is lost then.
        """
        with self._database.reading() as session:
            if not _reopened(session, 1) and _unclosed(session, now) is None:
                return False
        with self._database.transaction() as session:
            started = time.monotonic()
            _lock(session.connection(), shared=False)
            reopened = _reopened(session, self._links)
            month = None
            if reopened:
                _sum_up(session, reopened[0][0], [link_id for _, link_id in reopened])
            else:
                month = _unclosed(session, now)
                if month is not None:
                    _go_on(session, month, self._links)
            held = time.monotonic() - started
        if held > LOCK_HOLD_SECONDS:
            self._links = max(1, self._links // 2)
        elif held < LOCK_HOLD_SECONDS / 4:
            self._links = min(MOST_LINKS, self._links * 2)
        return bool(reopened) or month is not None


def last_of(month: date) -> date:
    """The last day of the month that begins on that day."""
    return (month + 31 * _DAY).replace(day=1) - _DAY


def unpacked(parts: Iterable[bytes]) -> dict[int, int]:
    """The clicks of whatever the packed parts are sums of, all parts together."""
    sums = np.frombuffer(b"".join(parts), _PACKED)
    of, whose = np.unique(sums["of"], return_inverse=True)
    clicks = np.zeros(len(of), np.int64)
    np.add.at(clicks, whose, sums["clicks"])
    return dict(zip(of.tolist(), clicks.tolist(), strict=True))


def _lock(connection: Connection, *, shared: bool) -> None:
    """Whoever changes days shares it to the end of the transaction, whoever sums up is alone: or a
    sum might lack what another was just adding. SQLite has one writer in any case.
    """
    if connection.dialect.name != "sqlite":
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.execute(text(f"SELECT {function}({_PG_LOCK})"))


def _reopened(session: Session, most: int) -> list[tuple[date, int]]:
    """Some links of one month that are to be summed up again."""
    found = session.execute(
        select(LinkMonth.month, LinkMonth.link_id)
        .where(LinkMonth.hours.is_(None))
        .order_by(LinkMonth.month, LinkMonth.link_id)
        .limit(most)
    ).all()
    return [(row.month, row.link_id) for row in found if row.month == found[0].month]


def _unclosed(session: Session, now: datetime) -> date | None:
    """The first month with clicks that ended long enough ago and is not closed for all links."""
    horizon = now.date() - AFTER_DAYS * _DAY
    done = select(ClosedMonth.month).where(ClosedMonth.whole)
    return session.scalar(
        select(func.min(TouchpointMonth.month)).where(
            TouchpointMonth.month.not_in(done),
            TouchpointMonth.month < horizon.replace(day=1),
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
    else:
        closed.whole = True


def _sum_up(session: Session, month: date, link_ids: Sequence[int]) -> None:
    """Write what the days of these links in that month add up to."""
    connection = session.connection()
    hours = _hours(connection, month, link_ids)
    facets = _facets(connection, month, link_ids)
    _put(
        connection,
        [
            (month, link_id, hours.get(link_id, b""), facets.get(link_id, b""))
            for link_id in sorted(hours.keys() | facets.keys())
        ],
    )
    # Whose clicks all became something else since has no sums, and needs none.
    connection.execute(
        update(LinkMonth)
        .where(LinkMonth.month == month, LinkMonth.link_id.in_(link_ids), LinkMonth.hours.is_(None))
        .values(hours=b"", facets=b"")
    )


def _hours(connection: Connection, month: date, link_ids: Sequence[int]) -> dict[int, bytes]:
    rows = connection.execute(
        select(LinkHour.link_id, LinkHour.local_date, LinkHour.local_hour, LinkHour.clicks).where(
            LinkHour.local_date.in_(_days(month)), LinkHour.link_id.in_(link_ids)
        )
    ).all()
    return _packed(
        [row.link_id for row in rows],
        [row.local_date.weekday() * 24 + row.local_hour for row in rows],
        [row.clicks for row in rows],
    )


def _facets(connection: Connection, month: date, link_ids: Sequence[int]) -> dict[int, bytes]:
    rows = connection.execute(
        select(LinkFacet.link_id, LinkFacet.value_id, func.sum(LinkFacet.clicks))
        .where(LinkFacet.local_date.in_(_days(month)), LinkFacet.link_id.in_(link_ids))
        .group_by(LinkFacet.link_id, LinkFacet.value_id)
    ).all()
    return _packed(*(list(column) for column in zip(*rows, strict=True))) if rows else {}


def _days(month: date) -> list[date]:
    """Named one by one: in a key that begins with the day, each is looked up."""
    return [month + day * _DAY for day in range(last_of(month).day)]


def _packed(link_ids: Sequence[int], of: Sequence[int], clicks: Sequence[int]) -> dict[int, bytes]:
    """By link, the sums of whatever is not nought."""
    sums: dict[int, dict[int, int]] = {}
    for link_id, what, count in zip(link_ids, of, clicks, strict=True):
        mine = sums.setdefault(link_id, {})
        mine[what] = mine.get(what, 0) + int(count)
    return {
        link_id: np.array(
            [each for each in sorted(mine.items()) if each[1]], dtype=_PACKED
        ).tobytes()
        for link_id, mine in sums.items()
    }


def _put(
    connection: Connection, rows: Sequence[tuple[date, int, bytes | None, bytes | None]]
) -> None:
    """Write rows of `LinkMonth`, in the order of their key, over those that are there."""
    if not rows:
        return
    names = ("month", "link_id", "hours", "facets")
    statement = insert_into(LinkMonth, connection)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["month", "link_id"],
            set_={"hours": statement.excluded.hours, "facets": statement.excluded.facets},
        ),
        [dict(zip(names, row, strict=True)) for row in rows],
    )
