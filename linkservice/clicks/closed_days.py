"""Closed days: the clicks of a day summed up by each value they have in common, once it is over.

Which visitors were from Germany, and at which touchpoint, only single clicks know, and a year of
them takes too long to read. So every click of a day that is over is counted once more, by each of
its values (`day_values`). Whoever adds to such a day, or changes a click of it, reopens it in
the same transaction, and reports read its single clicks until it is closed again. That is done as
long as they are kept; what is closed then stays closed, and a click that comes later is not in it.

Decided here: when a day is closed, and what keeps its sums from lacking a click. The ingester
closes days when it is idle, some thousand clicks at a time, so that no click and no writer waits
long; it may be stopped at any moment. Not here: who reads them (`reports.value_days`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select, update
from sqlalchemy.orm import Session

from linkservice.clicks.calendar import zone
from linkservice.clicks.closed_day_model import ClosedDay, DeletedClicks, ValueDay
from linkservice.clicks.closing_lock import lock
from linkservice.clicks.day_values import DayValues
from linkservice.clicks.dictionary import Dictionary
from linkservice.clicks.grouping import Ints
from linkservice.clicks.kept_rows import day_after, kept_from
from linkservice.database import Database, insert_into
from linkservice.workspaces.model import Workspace

AFTER = timedelta(hours=1)
"""A day is closed so long after its end: most of what comes late has come."""

VALUES_AT_ONCE = 500
"""Written in one transaction, so that other writers of a SQLite file wait for some 10 ms."""


def reopen(connection: Connection, workspace_ids: Ints, days: Ints) -> None:
    """Have these days (`date.toordinal()`) of these workspaces closed again, if they or later ones
    of the workspace are closed; within the transaction that changes their clicks.
    """
    if not len(days):
        return
    lock(connection, shared=True)
    touched = {*zip(workspace_ids.tolist(), days.tolist(), strict=True)}
    # Found by the key; of today, which nearly all clicks are of, there is none.
    closed = connection.execute(
        select(ClosedDay.workspace_id, func.max(ClosedDay.local_day))
        .where(
            ClosedDay.workspace_id.in_({workspace_id for workspace_id, _ in touched}),
            ClosedDay.local_day >= int(days.min()),
        )
        .group_by(ClosedDay.workspace_id)
    )
    last = dict(closed.all())
    # What comes after a day's clicks were deleted is in no sum of it: the others would be lost.
    kept = {each: kept_from(connection, each).toordinal() for each in last}
    late = sorted(
        each for each in touched if kept.get(each[0], 0) <= each[1] <= last.get(each[0], 0)
    )
    if late:
        statement = insert_into(ClosedDay, connection)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id", "local_day"],
                set_={"version": ClosedDay.version + 1, "closed": False},
            ),
            [
                {"workspace_id": workspace_id, "local_day": day, "version": 1, "closed": False}
                for workspace_id, day in late
            ],
        )


class Closing:
    """Closes days one after the other, those of a workspace from the first one on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dictionary = Dictionary(database)
        self._at: _Day | None = None
        self._workspace_id = 0
        """Whose day was closed last: its others are next, without a look at all workspaces."""

    def some(self, now: datetime) -> bool:
        """Do a part of closing a day that is over; whether there was anything to do.

        Raises SQLAlchemyError where the database is away; nothing is lost then.
        """
        if self._at is None:
            self._at = self._begin(now)
            return self._at is not None
        day = self._at
        if not day.is_read:
            day.read_some(self._database, self._dictionary)
        elif day.values:
            self._write_some(day)
        else:
            self._close(day)
            self._at = None
        return True

    def _begin(self, now: datetime) -> _Day | None:
        with self._database.reading() as session:
            key = _reopened(session, now) or _unclosed(session, now, self._workspace_id)
        if key is None:
            return None
        self._workspace_id = key[0]
        with self._database.transaction() as session:
            # From here on whoever changes clicks of that day sees that it is being closed; those
            # who were at it before are waited for.
            lock(session.connection(), shared=False)
            found = session.get(ClosedDay, key)
            if found is None:
                found = ClosedDay(workspace_id=key[0], local_day=key[1], version=1, closed=False)
                session.add(found)
            return _Day(*key, version=found.version)

    def _write_some(self, day: _Day) -> None:
        some = day.values[:VALUES_AT_ONCE]
        with self._database.writing_connection() as connection:
            statement = insert_into(ValueDay, connection)
            names = ("version", "cells")
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["workspace_id", "local_day", "value_id"],
                    set_={name: statement.excluded[name] for name in names},
                    # Another ingester may have read the day later than this one.
                    where=ValueDay.version <= statement.excluded.version,
                ),
                [
                    {
                        "workspace_id": day.workspace_id,
                        "value_id": value_id,
                        "local_day": day.local_day,
                        "version": day.version,
                        "cells": cells,
                    }
                    for value_id, cells in some
                ],
            )
        day.values = day.values[VALUES_AT_ONCE:]

    def _close(self, day: _Day) -> None:
        """If no click of the day has changed since the first was read, and none was deleted."""
        with self._database.transaction() as session:
            if kept_from(session, day.workspace_id).toordinal() <= day.local_day:
                session.execute(
                    update(ClosedDay)
                    .where(
                        ClosedDay.workspace_id == day.workspace_id,
                        ClosedDay.local_day == day.local_day,
                        ClosedDay.version == day.version,
                    )
                    .values(closed=True)
                )


@dataclass(slots=True)
class _Day(DayValues):
    """A day that is being closed: values are those that are still to be written."""

    version: int = field(kw_only=True)


def _reopened(session: Session, now: datetime) -> tuple[int, int] | None:
    """A day whose clicks have changed, is over, and has all of its clicks."""
    rows = session.execute(
        select(ClosedDay.workspace_id, ClosedDay.local_day, Workspace.time_zone)
        .join(Workspace, Workspace.id == ClosedDay.workspace_id)
        .outerjoin(DeletedClicks, DeletedClicks.workspace_id == ClosedDay.workspace_id)
        .where(~ClosedDay.closed, ClosedDay.local_day >= func.coalesce(DeletedClicks.before, 0))
        .order_by(ClosedDay.workspace_id, ClosedDay.local_day)
    )
    for workspace_id, day, time_zone in rows:
        if is_over(day, time_zone, now):
            return workspace_id, day
    return None


def _unclosed(session: Session, now: datetime, begin_with: int) -> tuple[int, int] | None:
    """The first day of any workspace after its last closed one that has clicks and is over; of
    many workspaces those from `begin_with` on are looked at first.
    """
    last = (
        select(func.coalesce(func.max(ClosedDay.local_day), 0))
        .where(ClosedDay.workspace_id == Workspace.id)
        .correlate(Workspace)
        .scalar_subquery()
    )
    workspaces = select(Workspace.id, Workspace.time_zone, last).order_by(
        Workspace.id < begin_with, Workspace.id
    )
    for workspace_id, time_zone, closed_to in session.execute(workspaces):
        day = day_after(session, workspace_id, closed_to)
        if day is None:
            continue
        lost = kept_from(session, workspace_id).toordinal() - 1
        if lost > closed_to:
            # It stays open: what was deleted before it was closed would pass for a day without
            # clicks.
            return workspace_id, lost
        if is_over(day, time_zone, now):
            return workspace_id, day
    return None


def is_over(day: int, time_zone: str, now: datetime) -> bool:
    """Whether the day (`date.toordinal()`) ended long enough ago to be closed."""
    return date.fromordinal(day) < (now - AFTER).astimezone(zone(time_zone)).date()
