"""Closed weeks: what links had of hours and facets, summed up until their month is closed.

A month is closed a week after its end (`months`). Until then the page of a campaign of a hundred
links read a row for each link, day and value, 60,000 of them. So weeks are summed up as well, two
days after their end, and deleted when their month is closed. As with months this is no more than
a shorter way to the same figures: whoever adds to a day of a closed week reopens it for its link.

Decided here: what a week is, and when it is closed. One is seven days of a month from the 1st, 8th,
15th or 22nd on, or what is left from the 29th on: so no week is of two months. Not here: how their
sums are packed (`packed_details`), who reads them (`reports.link_weeks`).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.orm import Session

from linkservice.clicks import bulk, months, packed_details
from linkservice.clicks.closing_lock import lock
from linkservice.clicks.grouping import Ints
from linkservice.clicks.model import TouchpointMonth
from linkservice.clicks.month_model import ClosedWeek, LinkWeek
from linkservice.clicks.months import Step
from linkservice.links.model import Link

AFTER_DAYS = 2
"""A week is closed so many days after its last one began: by then that is over everywhere."""

_DAYS = 7
_DAY = timedelta(days=1)


def week_of(day: date) -> date:
    """The first day of its week."""
    return day.replace(day=day.day - (day.day - 1) % _DAYS)


def days_of(week: date) -> list[date]:
    """The days of the week that begins on that day."""
    end = min(week.day + _DAYS, monthrange(week.year, week.month)[1] + 1)
    return [week.replace(day=day) for day in range(week.day, end)]


def reopen(connection: Connection, days: Ints, link_ids: Ints) -> None:
    """Have the weeks of these days (`date.toordinal()`) closed again for these links, within the
    transaction that changes them.
    """
    if not len(days):
        return
    lock(connection, shared=True)
    weeks = {day: week_of(date.fromordinal(day)) for day in set(days.tolist())}
    closed = set(
        connection.scalars(select(ClosedWeek.week).where(ClosedWeek.week.in_(set(weeks.values()))))
    )
    if closed:
        pairs = {(weeks[day], id) for day, id in zip(days.tolist(), link_ids.tolist(), strict=True)}
        late = sorted(each for each in pairs if each[0] in closed)
        bulk.put(connection, LinkWeek, [(*key, None, None) for key in late])


class Closing(months.Closing):
    """Closes weeks, a few links at a time, and deletes those of closed months."""

    def _next(self, session: Session, now: datetime, most: int) -> Step | None:
        reopened = session.execute(
            select(LinkWeek.week, LinkWeek.link_id)
            .where(LinkWeek.hours.is_(None))
            .order_by(LinkWeek.week, LinkWeek.link_id)
            .limit(most)
        ).all()
        if reopened:
            week = reopened[0].week
            link_ids = [row.link_id for row in reopened if row.week == week]
            return lambda session: _sum_up(session, week, link_ids)
        unclosed = _unclosed(session, now)
        if unclosed is not None:
            return lambda session: _go_on(session, unclosed, most)
        needless = _needless(session, now)
        return None if needless is None else lambda session: _delete(session, needless, most)


def _unclosed(session: Session, now: datetime) -> date | None:
    """The first week that ended long enough ago, of a month with clicks that is to stay open, and
    is not closed for all links.
    """
    over = list(_over(now))
    done = set(session.scalars(select(ClosedWeek.week).where(ClosedWeek.whole)))
    unclosed = [week for week in over if week not in done]
    if not unclosed:
        return None
    of_months = TouchpointMonth.month.in_({week.replace(day=1) for week in unclosed})
    with_clicks = set(session.scalars(select(TouchpointMonth.month).where(of_months).distinct()))
    return next((week for week in unclosed if week.replace(day=1) in with_clicks), None)


def _over(now: datetime) -> Iterator[date]:
    """The weeks that are over, of the months that are not to be closed yet."""
    week = months.first_open(now)
    while (last := days_of(week)[-1]) <= now.date() - AFTER_DAYS * _DAY:
        yield week
        week = last + _DAY


def _needless(session: Session, now: datetime) -> date | None:
    """A week whose month is closed."""
    first = months.first_open(now)
    week = session.scalar(
        select(ClosedWeek.week).where(ClosedWeek.week < first).order_by(ClosedWeek.week).limit(1)
    )
    return None if week is None or months.unclosed(session, now) is not None else week


def _go_on(session: Session, week: date, most: int) -> None:
    """Sum up the next links of a week, from the first one on if it has just been begun."""
    closed = session.get(ClosedWeek, week)
    if closed is None:
        closed = ClosedWeek(week=week, links=0, whole=False)
        session.add(closed)
        session.flush()
    following = select(Link.id).where(Link.id > closed.links).order_by(Link.id)
    link_ids = session.scalars(following.limit(most)).all()
    if link_ids:
        _sum_up(session, week, link_ids)
        closed.links = link_ids[-1]
    else:
        closed.whole = True


def _sum_up(session: Session, week: date, link_ids: Sequence[int]) -> None:
    """Write what the days of these links in that week add up to."""
    connection, days = session.connection(), days_of(week)
    hours = packed_details.hours(connection, days, link_ids)
    facets = packed_details.facets(connection, days, link_ids)
    there = sorted(hours.keys() | facets.keys())
    rows = [(week, each, hours.get(each, b""), facets.get(each, b"")) for each in there]
    bulk.put(connection, LinkWeek, rows)
    # Whose clicks all became something else since has no sums, and needs none.
    connection.execute(
        update(LinkWeek)
        .where(LinkWeek.week == week, LinkWeek.link_id.in_(link_ids), LinkWeek.hours.is_(None))
        .values(hours=b"", facets=b"")
    )


def _delete(session: Session, week: date, most: int) -> None:
    """Delete the sums of some links, and the week with the last of them; nobody reads it then."""
    closed = session.get_one(ClosedWeek, week)
    closed.whole = False
    of_week = LinkWeek.week == week
    some = select(LinkWeek.link_id).where(of_week).order_by(LinkWeek.link_id).limit(most)
    link_ids = session.scalars(some).all()
    if link_ids:
        session.execute(delete(LinkWeek).where(of_week, LinkWeek.link_id <= link_ids[-1]))
    else:
        session.delete(closed)
