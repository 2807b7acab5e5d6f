"""The days and months of touchpoints, compared with the days of links that they sum up.

These are no closed sums: every batch adds to them what it adds to the days of links. So a wrong one
is not reopened: what it lacks is added, which is the same before and after whatever is added
meanwhile. Days of links are taken for right; `audit` holds them against what was accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from linkservice.clicks import bulk
from linkservice.clicks.closed_audit import Kind, Look, Unequal, touchpoint_or_workspace
from linkservice.clicks.model import LinkDay, TouchpointDay, TouchpointMonth
from linkservice.clicks.months import last_of, month_of
from linkservice.database import Database
from linkservice.workspaces.model import Workspace

_PG_LOCK = 0x61646475  # any number that nothing else of this database locks by ("addu")


@dataclass(frozen=True)
class _Sums:
    """The rows of a roll-up, their day or month, and the days whose sums they are."""

    model: type[TouchpointDay | TouchpointMonth]
    at: InstrumentedAttribute[date]
    source: type[LinkDay | TouchpointDay]

    def kind(self) -> Kind:
        """As it is audited."""
        return Kind(self.model.__tablename__, _size, self._look, self._add)

    def _look(self, database: Database) -> Iterator[Look]:
        with database.reading() as session:
            workspaces = session.scalars(select(Workspace.id).order_by(Workspace.id)).all()
        for workspace_id in workspaces:
            with database.reading() as session:
                months = _months(session, workspace_id)
            for month in months:
                with database.reading() as session:
                    found = self._compared(session, workspace_id, month)
                yield found

    def _compared(self, session: Session, workspace_id: int, month: date) -> Look:
        unequal = []
        for _, day, touchpoint_id, *_ in self._lacking(session.connection(), workspace_id, month):
            named = touchpoint_or_workspace(session, workspace_id, touchpoint_id)
            at, name = date.fromordinal(day), self.model.__tablename__
            unequal.append(Unequal(name, workspace_id, at, *named, (workspace_id, month)))
        query = select(func.count()).select_from(self.model)
        there = session.scalar(query.where(*self._own(workspace_id, month))) or 0
        return Look(1, max(0, there - len(unequal)), unequal=unequal)

    def _lacking(
        self, connection: Connection, workspace_id: int, month: date
    ) -> list[tuple[int, ...]]:
        """What has to be added to the rows of a month so that they are the sums they ought to be,
        as `bulk.add` takes it; asked in one statement, which sees one moment.
        """
        own, source, names = self.model, self.source, bulk.counters(self.model)
        day = source.local_date if own is TouchpointDay else literal(month, Date)
        of_source = (
            source.workspace_id == workspace_id,
            source.local_date.between(month, last_of(month)),
        )
        parts = union_all(
            select(
                day.label("day"),
                source.touchpoint_id.label("touchpoint_id"),
                *(getattr(source, name).label(name) for name in names),
            ).where(*of_source),
            select(self.at, own.touchpoint_id, *(-getattr(own, name) for name in names)).where(
                *self._own(workspace_id, month)
            ),
        ).subquery()
        sums = [func.sum(parts.c[name]) for name in names]
        rows = connection.execute(
            select(parts.c.day, parts.c.touchpoint_id, *sums)
            .group_by(parts.c.day, parts.c.touchpoint_id)
            .having(or_(*(each != 0 for each in sums)))
            .order_by(parts.c.day, parts.c.touchpoint_id)
        )
        # PostgreSQL sums 64-bit columns to a decimal.
        return [
            (workspace_id, at.toordinal(), int(touchpoint_id), *map(int, counts))
            for at, touchpoint_id, *counts in rows
        ]

    def _own(self, workspace_id: int, month: date) -> tuple[ColumnElement[bool], ...]:
        """The rows of a workspace's month."""
        return self.model.workspace_id == workspace_id, self.at.between(month, last_of(month))

    def _add(self, session: Session, unequal: Sequence[Unequal]) -> None:
        connection = session.connection()
        if connection.dialect.name != "sqlite":
            # Who reads what is lacking before somebody else has added it would add it twice.
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_PG_LOCK})"))
        for key in sorted({each.key for each in unequal}):
            rows = self._lacking(connection, *key)
            bulk.add(connection, self.model, np.array(rows, np.int64))


def _size(session: Session) -> int:
    months = select(TouchpointMonth.workspace_id, TouchpointMonth.month).distinct().subquery()
    return session.scalar(select(func.count()).select_from(months)) or 0


def _months(session: Session, workspace_id: int) -> list[date]:
    """From the first month with days of links or touchpoints to the last one."""
    bounds: list[date] = []
    for of, day in (
        (LinkDay, LinkDay.local_date),
        (TouchpointDay, TouchpointDay.local_date),
        (TouchpointMonth, TouchpointMonth.month),
    ):
        for bound in (func.min(day), func.max(day)):
            found = session.scalar(select(bound).where(of.workspace_id == workspace_id))
            bounds += [] if found is None else [found]
    months: list[date] = []
    month = month_of(min(bounds, default=date.max))
    while month <= max(bounds, default=date.min):
        months.append(month)
        month = last_of(month) + timedelta(days=1)
    return months


TOUCHPOINT_DAYS = _Sums(TouchpointDay, TouchpointDay.local_date, LinkDay).kind()
TOUCHPOINT_MONTHS = _Sums(TouchpointMonth, TouchpointMonth.month, TouchpointDay).kind()
