"""Closed months: what links had summed up, and the days of touchpoints packed, once they hardly
change any more.

A year of a busy link has some hundred thousand facets, its months have some thousand. The days of
touchpoints are reopened for a workspace as the sums of links are for these.

Decided here: when a month is closed, and what of workspaces is closed with it. Not here: how it is
closed for links (`spans`), how its sums are packed (`packed_details`, `packed_links`,
`packed_days`), who reads them (`reports.link_months`, `reports.days`, `reports.link_sums`).
Suspected mail scanners have no months: hardly a click is one.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.clicks import bulk, packed_days, packed_details, packed_links
from linkservice.clicks.model import TouchpointMonth
from linkservice.clicks.month_model import ClosedMonth, LinkMonth, MonthDays
from linkservice.clicks.spans import Spans, Step

AFTER_DAYS = 7
"""A month is closed so many days after its end: what still arrives then is rare."""

_DAY = timedelta(days=1)


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def last_of(month: date) -> date:
    """The last day of the month that begins on that day."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def days_of(month: date) -> list[date]:
    """The days of the month that begins on that day."""
    return [month + day * _DAY for day in range(last_of(month).day)]


def first_open(now: datetime) -> date:
    """The first day of the first month that is not closed yet, however quick the ingester is."""
    return month_of(now.date() - AFTER_DAYS * _DAY)


def unclosed(session: Session, now: datetime) -> date | None:
    """The first month with clicks that ended long enough ago and is not closed for all links."""
    done = select(ClosedMonth.first).where(ClosedMonth.whole)
    return session.scalar(
        select(func.min(TouchpointMonth.month)).where(
            TouchpointMonth.month.not_in(done),
            TouchpointMonth.month < first_open(now),
        )
    )


def _pack(session: Session, month: date, workspace_id: int) -> None:
    """Write the days of that workspace's touchpoints in that month, and the sums of its links, all
    of which are summed up by now.
    """
    connection = session.connection()
    days = packed_days.packed(connection, workspace_id, month, last_of(month).day)
    links = packed_links.packed(connection, workspace_id, month)
    bulk.put(connection, MonthDays, [(month, workspace_id, days, links)])


def _pack_next(session: Session, month: date) -> bool:
    """Pack the days of the next workspace; whether there was any."""
    closed, ids = session.get_one(ClosedMonth, month), TouchpointMonth.workspace_id
    later = select(func.min(ids)).where(TouchpointMonth.month == month, ids > closed.workspaces)
    workspace_id = session.scalar(later)
    if workspace_id is None:
        return False
    _pack(session, month, workspace_id)
    closed.workspaces = workspace_id
    return True


def _following(session: Session, now: datetime, most: int) -> Step | None:
    reopened = session.execute(
        select(MonthDays.month, MonthDays.workspace_id).where(MonthDays.days.is_(None)).limit(1)
    ).first()
    if reopened:
        return lambda session: _pack(session, *reopened)
    month = unclosed(session, now)
    return None if month is None else lambda session: MONTHS.go_on(session, month, most)


MONTHS = Spans(
    first_of=month_of,
    days_of=days_of,
    closed=ClosedMonth,
    of_links=LinkMonth,
    parts=(packed_details.hours, packed_details.facets, packed_links.sums, packed_links.days),
    following=_following,
    of_workspaces=MonthDays,
    rest=_pack_next,
)
