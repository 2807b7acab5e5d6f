"""What touchpoints counted day by day; within one consistent view no day is read twice.

The parts of a page look at the same days: the overview at those of its ranking and at the weeks
before, moments of truth at theirs with a day more. So what is read stays with the session
(`database.Database.reading`), and only the days beside it are asked for. Not here: which days
those are, and what is made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import TouchpointDay
from linkservice.clicks.month_model import MonthDays
from linkservice.clicks.packed_days import unpacked
from linkservice.database import READ_ONCE
from linkservice.reports.packed_months import packed_months
from linkservice.reports.period import Period, days_beside
from linkservice.reports.results import Day
from linkservice.reports.sources import Sources, sources, visitors_in
from linkservice.reports.written_out import for_each_number, numbers_written_out, written_out

Count: TypeAlias = Literal["visitors", "clicks", "scans"]
"""Visitors are those with a token, and the clicks without one."""

_Ints: TypeAlias = NDArray[np.int64]


def visitors_by_day(
    session: Session,
    workspace_id: int,
    period: Period,
    touchpoint_ids: Sequence[int],
    suspects: bool,
) -> _Ints:
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
) -> dict[int, _Ints]:
    """This count of every touchpoint that has a row, and of `NO_TOUCHPOINT`, day by day."""
    first, last = period.first.toordinal(), period.last.toordinal()
    known = _known(session, read, workspace_id, count, first, last)
    within = (known.days >= first) & (known.days <= last)
    touchpoint_ids, places = np.unique(known.touchpoint_ids[within], return_inverse=True)
    found = np.zeros((len(touchpoint_ids), len(period)), np.int64)
    np.add.at(found, (places, known.days[within] - first), known.counts[within])
    return dict(zip(touchpoint_ids.tolist(), found, strict=True))


def days_of_closed_months(
    session: Session, read: Sources, workspace_id: int, period: Period
) -> tuple[dict[date, Day], Sequence[tuple[date, date]]]:
    """Clicks, scans and visitors with a token of the whole workspace on days with clicks in closed
    months, and the stretches of days beside these months.
    """
    packed = _packed(session, read, workspace_id, period.first.toordinal(), period.last.toordinal())
    rows = unpacked(packed.values())
    unique, whose = np.unique(rows["day"], return_inverse=True)
    sums = np.zeros((3, len(unique)), np.int64)
    for sum_, each in zip(sums, (rows["clicks"], rows["scans"], visitors_in(rows)), strict=True):
        np.add.at(sum_, whose, each)
    days = map(date.fromordinal, unique.tolist())
    found = {day: Day(day, *counts) for day, counts in zip(days, sums.T.tolist(), strict=True)}
    return found, list(days_beside(sorted(packed), period.first, period.last))


@dataclass(frozen=True, slots=True)
class _Known:
    """The counts of the days from `first` to `last` (`date.toordinal()`), a place for each row."""

    first: int
    last: int
    days: _Ints
    touchpoint_ids: _Ints
    counts: _Ints

    def and_those_of(self, later: _Known) -> _Known:
        """With the days of `later`, the last of which is then the last of all."""
        return _Known(
            self.first,
            later.last,
            np.concatenate([self.days, later.days]),
            np.concatenate([self.touchpoint_ids, later.touchpoint_ids]),
            np.concatenate([self.counts, later.counts]),
        )


def _known(
    session: Session, read: Sources, workspace_id: int, count: Count, first: int, last: int
) -> _Known:
    """These days and perhaps others, read as far as the session has not read them yet."""
    remembered = session.info.get(READ_ONCE, {})
    key = read.touchpoints, workspace_id, count
    known: _Known | None = remembered.get(key)
    if known is None or first > known.last + 1 or last < known.first - 1:
        known = _asked(session, read, workspace_id, count, first, last)
    if first < known.first:
        before = _asked(session, read, workspace_id, count, first, known.first - 1)
        known = before.and_those_of(known)
    if last > known.last:
        after = _asked(session, read, workspace_id, count, known.last + 1, last)
        known = known.and_those_of(after)
    remembered[key] = known
    return known


def _asked(
    session: Session, read: Sources, workspace_id: int, count: Count, first: int, last: int
) -> _Known:
    """These days: those of closed months as they were packed, all others row by row."""
    packed = _packed(session, read, workspace_id, first, last)
    days = unpacked(packed.values())
    known = _Known(
        first,
        last,
        days["day"].astype(np.int64),
        days["touchpoint_id"].astype(np.int64),
        _counted_in(days, count),
    )
    stretch = date.fromordinal(first), date.fromordinal(last)
    for begin, end in days_beside(sorted(packed), *stretch):
        rows = _rows(session, read, workspace_id, count, begin, end)
        known = known.and_those_of(rows)
    return replace(known, first=first, last=last)


def _packed(
    session: Session, read: Sources, workspace_id: int, first: int, last: int
) -> dict[date, bytes]:
    """The whole months between these days that are closed for the workspace."""
    if read.touchpoints is not TouchpointDay:
        return {}  # suspected mail scanners have no months
    period = Period(date.fromordinal(first), date.fromordinal(last), "UTC")
    return packed_months(session, MonthDays, MonthDays.days, workspace_id, period)


def _rows(
    session: Session, read: Sources, workspace_id: int, count: Count, first: date, last: date
) -> _Known:
    rows = read.touchpoints
    # Written out, a line for each day: to make each row one of Python's takes four times as long.
    lines = session.execute(
        select(
            rows.local_date,
            written_out(session, rows.touchpoint_id.expression),
            written_out(session, _counted(read, count)),
        )
        .where(
            rows.workspace_id == workspace_id,
            rows.local_date.between(first, last),
        )
        .group_by(rows.local_date)
    ).all()
    touchpoint_ids = [line[1] for line in lines]
    return _Known(
        first.toordinal(),
        last.toordinal(),
        for_each_number([line[0].toordinal() for line in lines], touchpoint_ids),
        numbers_written_out(touchpoint_ids),
        numbers_written_out([line[2] for line in lines]),
    )


def _counted(read: Sources, count: Count) -> ColumnElement[int]:
    rows = read.touchpoints
    if count == "visitors":
        return read.visitors + rows.tokenless
    return (rows.clicks if count == "clicks" else rows.scans).expression


def _counted_in(days: NDArray[np.void], count: Count) -> _Ints:
    """As `_counted`, of packed days."""
    if count != "visitors":
        return np.asarray(days[count], np.int64)
    visitors: _Ints = visitors_in(days) + days["tokenless"]
    return visitors
