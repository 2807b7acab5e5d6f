"""Closed weeks: what links had of hours and facets, summed up until their month is closed.

A month is closed a week after its end (`months`). Until then the page of a campaign of a hundred
links read a row for each link, day and value, 60,000 of them. So weeks are summed up as well, two
days after their end, and deleted when their month is closed.

Decided here: what a week is, and when it is closed. One is seven days of a month from the 1st, 8th,
15th or 22nd on, or what is left from the 29th on: so no week is of two months. Not here: how it is
closed (`spans`), how its sums are packed (`packed_details`), who reads them (`reports.link_weeks`).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from linkservice.clicks import months, packed_details
from linkservice.clicks.model import TouchpointMonth
from linkservice.clicks.month_model import ClosedWeek, LinkWeek
from linkservice.clicks.spans import Spans, Step

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


def _unclosed(session: Session, now: datetime) -> date | None:
    """The first week that ended long enough ago, of a month with clicks that is to stay open, and
    is not closed for all links.
    """
    over = list(_over(now))
    done = set(session.scalars(select(ClosedWeek.first).where(ClosedWeek.whole)))
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
        select(ClosedWeek.first).where(ClosedWeek.first < first).order_by(ClosedWeek.first).limit(1)
    )
    return None if week is None or months.unclosed(session, now) is not None else week


def _delete(session: Session, week: date, most: int) -> None:
    """Delete the sums of some links, and the week with the last of them; nobody reads it then."""
    closed = session.get_one(ClosedWeek, week)
    closed.whole = False
    of_week = LinkWeek.first == week
    some = select(LinkWeek.link_id).where(of_week).order_by(LinkWeek.link_id).limit(most)
    link_ids = session.scalars(some).all()
    if link_ids:
        session.execute(delete(LinkWeek).where(of_week, LinkWeek.link_id <= link_ids[-1]))
    else:
        session.delete(closed)


def _following(session: Session, now: datetime, most: int) -> Step | None:
    unclosed = _unclosed(session, now)
    if unclosed is not None:
        return lambda session: WEEKS.go_on(session, unclosed, most)
    needless = _needless(session, now)
    return None if needless is None else lambda session: _delete(session, needless, most)


WEEKS = Spans(
    first_of=week_of,
    days_of=days_of,
    closed=ClosedWeek,
    of_links=LinkWeek,
    parts=(packed_details.hours, packed_details.facets),
    following=_following,
)
