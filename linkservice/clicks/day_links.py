"""What links had on a day, packed as soon as it is over: for a report on campaigns, personas or
costs the days of a month that is not closed were the most of its rows.

No more than a shorter way to the same figures: whoever adds to such a day reopens it for the
workspace in the same transaction, and until it is packed again reports read its rows.

Decided here: when a day is packed, and what keeps it from lacking a click. The ingester does that
when it is idle; no writer waits while a day is read. Not here: how it is packed (`packed_links`),
who reads it (`reports.link_sums`). Suspected mail scanners are in no such day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.orm import Session

from linkservice.clicks import packed_links
from linkservice.clicks.closed_days import is_over
from linkservice.clicks.closing_lock import lock
from linkservice.clicks.grouping import Ints
from linkservice.clicks.model import TouchpointDay
from linkservice.clicks.month_model import DayLinks
from linkservice.database import Database, insert_into
from linkservice.workspaces.model import Workspace


def reopen(connection: Connection, workspace_ids: Ints, days: Ints) -> None:
    """Have these days of these workspaces packed again, if they or later ones of the workspace are
    packed, as `closed_sums.reopen` says.
    """
    touched = {
        (workspace_id, date.fromordinal(day))
        for workspace_id, day in set(zip(workspace_ids.tolist(), days.tolist(), strict=True))
    }
    # Found by the key; of today, which nearly all clicks are of, there is none.
    packed = connection.execute(
        select(DayLinks.workspace_id, func.max(DayLinks.local_date))
        .where(
            DayLinks.workspace_id.in_({workspace_id for workspace_id, _ in touched}),
            DayLinks.local_date >= min(day for _, day in touched),
        )
        .group_by(DayLinks.workspace_id)
    )
    last = dict(packed.all())
    late = sorted(each for each in touched if each[1] <= last.get(each[0], date.min))
    if late:
        statement = insert_into(DayLinks, connection)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id", "local_date"],
                set_={"version": DayLinks.version + 1, "links": None},
            ),
            [
                {"workspace_id": workspace_id, "local_date": day, "version": 1, "links": None}
                for workspace_id, day in late
            ],
        )


class Closing:
    """Packs days one after the other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def some(self, now: datetime) -> bool:
        """Pack a day that is over; whether there was any.

        Raises SQLAlchemyError where the database is away; nothing is lost then.
        """
        with self._database.reading() as session:
            key = _next(session, now)
        if key is None:
            return False
        with self._database.transaction() as session:
            # From here on whoever changes that day sees that it is being packed; those who were at
            # it before are waited for.
            lock(session.connection(), shared=False)
            found = session.get(DayLinks, key)
            if found is None:
                found = DayLinks(workspace_id=key[0], local_date=key[1], version=1)
                session.add(found)
            version = found.version
        with self._database.reading() as session:
            links = packed_links.packed_day(session.connection(), *key)
        with self._database.transaction() as session:
            # If nothing of the day has changed since it was read.
            session.execute(
                update(DayLinks)
                .where(
                    DayLinks.workspace_id == key[0],
                    DayLinks.local_date == key[1],
                    DayLinks.version == version,
                )
                .values(links=links)
            )
        return True


def _next(session: Session, now: datetime) -> tuple[int, date] | None:
    """Whose day, and which, is to be packed next."""
    reopened = (
        select(DayLinks.workspace_id, DayLinks.local_date, Workspace.time_zone)
        .join(Workspace, Workspace.id == DayLinks.workspace_id)
        .where(DayLinks.links.is_(None))
        .order_by(DayLinks.workspace_id, DayLinks.local_date)
    )
    return _over(session.execute(reopened).all(), now) or _over(_unpacked(session), now)


def _unpacked(session: Session) -> list[Row[int, date, str]]:
    """The first day with clicks of each workspace after its last packed one."""
    last = (
        select(func.coalesce(func.max(DayLinks.local_date), date.min))
        .where(DayLinks.workspace_id == Workspace.id)
        .correlate(Workspace)
        .scalar_subquery()
    )
    following = (
        select(func.min(TouchpointDay.local_date))
        .where(TouchpointDay.workspace_id == Workspace.id, TouchpointDay.local_date > last)
        .correlate(Workspace)
        .scalar_subquery()
    )
    rows = session.execute(select(Workspace.id, following, Workspace.time_zone)).all()
    return [row for row in rows if row[1] is not None]


def _over(rows: Sequence[Row[int, date, str]], now: datetime) -> tuple[int, date] | None:
    for workspace_id, day, time_zone in rows:
        if is_over(day.toordinal(), time_zone, now):
            return workspace_id, day
    return None
