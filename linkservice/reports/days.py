"""What touchpoints counted day by day; within one consistent view no day is read twice.

The parts of a page look at the same days: the overview at those of its ranking and at the weeks
before, moments of truth at theirs with a day more. So what is read stays with the session
(`database.Database.reading`), and only the days beside it are asked for. Not here: which days
those are, how they become one (`grid`), and what is made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

import numpy as np
from sqlalchemy import ColumnElement, Select, bindparam, select
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.clicks.model import TouchpointDay
from linkservice.database import READ_ONCE, is_sqlite
from linkservice.reports.closed_months import NO_MONTHS, ClosedMonths, Count, closed_months
from linkservice.reports.grid import Grid, Rows
from linkservice.reports.period import Period, days_beside
from linkservice.reports.results import Day
from linkservice.reports.sources import Sources, sources
from linkservice.reports.written_out import for_each_number, numbers_written_out, written_out


def visitors_by_day(
    session: Session,
    workspace_id: int,
    period: Period,
    touchpoint_ids: Sequence[int],
    suspects: bool,
) -> Ints:
    """Visitors and clicks without a token: a row for each of the touchpoints, a column for each
    day of the period.
    """
    read = sources(session, workspace_id, period, suspects)
    found = days_of_touchpoints(session, read, workspace_id, period, "visitors")
    nobody = np.zeros(len(period), np.int64)
    return np.array([found.get(each, nobody) for each in touchpoint_ids], np.int64).reshape(
        len(touchpoint_ids), len(period)
    )


def days_of_touchpoints(
    session: Session, read: Sources, workspace_id: int, period: Period, count: Count
) -> dict[int, Ints]:
    """This count of every touchpoint that has any on these days, and of `NO_TOUCHPOINT`, day by
    day.
    """
    first, last = period.first.toordinal(), period.last.toordinal()
    known = _known(session, read, workspace_id, count, first, last)
    (counts,) = known.between(first, last)
    some = counts.any(axis=1)
    return dict(zip(known.touchpoint_ids[some].tolist(), counts[some], strict=True))


def days_of_closed_months(
    session: Session, read: Sources, workspace_id: int, period: Period
) -> tuple[Mapping[date, Day], Sequence[tuple[date, date]]]:
    """Clicks, scans and visitors with a token of the whole workspace on days with clicks in closed
    months, and the stretches of days beside these months.
    """
    months, closed = _closed(session, read, workspace_id, period)
    return closed.days, list(days_beside(months, period.first, period.last))


def _known(
    session: Session, read: Sources, workspace_id: int, count: Count, first: int, last: int
) -> Grid:
    """These days and perhaps others, read as far as the session has not read them yet."""
    remembered = session.info.get(READ_ONCE, {})
    key = read.touchpoints, workspace_id, count
    known: Grid | None = remembered.get(key)
    if known is None or first > known.last + 1 or last < known.first - 1:
        known = _asked(session, read, workspace_id, count, first, last)
    if first < known.first:
        before = _asked(session, read, workspace_id, count, first, known.first - 1)
        known = Grid.joined([before, known], [], first, known.last)
    if last > known.last:
        after = _asked(session, read, workspace_id, count, known.last + 1, last)
        known = Grid.joined([known, after], [], known.first, last)
    remembered[key] = known
    return known


def _asked(
    session: Session, read: Sources, workspace_id: int, count: Count, first: int, last: int
) -> Grid:
    """These days: those of closed months as they were packed, all others row by row."""
    period = Period(date.fromordinal(first), date.fromordinal(last), "UTC")
    months, closed = _closed(session, read, workspace_id, period)
    rows = [
        _rows(session, read, workspace_id, count, begin, end)
        for begin, end in days_beside(months, period.first, period.last)
    ]
    return Grid.joined([closed.of(count)], rows, first, last)


def _closed(
    session: Session, read: Sources, workspace_id: int, period: Period
) -> tuple[Sequence[date], ClosedMonths]:
    """As `closed_months`; suspected mail scanners have no months."""
    if read.touchpoints is not TouchpointDay:
        return [], NO_MONTHS
    return closed_months(session, workspace_id, period)


def _rows(
    session: Session, read: Sources, workspace_id: int, count: Count, first: date, last: date
) -> Rows:
    lines = session.execute(
        _query(read, count, is_sqlite(session)),
        {"workspace_id": workspace_id, "first": first, "last": last},
    ).all()
    touchpoint_ids = [line[1] for line in lines]
    return Rows(
        numbers_written_out(touchpoint_ids),
        for_each_number([line[0].toordinal() for line in lines], touchpoint_ids),
        [numbers_written_out([line[2] for line in lines])],
    )


@cache
def _query(read: Sources, count: Count, for_sqlite: bool) -> Select[date, str, str]:
    rows = read.touchpoints
    # Written out, a line for each day: to make each row one of Python's takes four times as long.
    return (
        select(
            rows.local_date,
            written_out(for_sqlite, rows.touchpoint_id.expression),
            written_out(for_sqlite, _counted(read, count)),
        )
        .where(
            rows.workspace_id == bindparam("workspace_id"),
            rows.local_date.between(bindparam("first"), bindparam("last")),
        )
        .group_by(rows.local_date)
    )


def _counted(read: Sources, count: Count) -> ColumnElement[int]:
    rows = read.touchpoints
    if count == "visitors":
        return read.visitors + rows.tokenless
    column: ColumnElement[int] = getattr(rows, count).expression
    return column
