"""Closed days, counted once more from their single clicks, where these are still kept.

A day's clicks are read some thousand at a time, in a view each: what they add up to counts only if
the day was closed in the same version before and after, and has lost none of them. Not here: how
they are summed up (`day_values`), what a report reads of it (`reports.value_days`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.clicks import closed_days
from linkservice.clicks.closed_audit import (
    AGREES,
    OPEN,
    Kind,
    Look,
    Subject,
    Unequal,
    decompressed,
    whole_workspace,
)
from linkservice.clicks.closed_day_model import ClosedDay, ValueDay
from linkservice.clicks.day_values import DayValues
from linkservice.clicks.dictionary import Dictionary
from linkservice.clicks.kept_rows import day_after, kept_from
from linkservice.clicks.model import FacetValue
from linkservice.clicks.packed_values import NO_CITY, NO_SCANS, SCANS
from linkservice.database import AS_BYTES, Database

_NAMES = {SCANS: "source scan", NO_SCANS: "source click", NO_CITY: "city unknown"}


class _State(NamedTuple):
    """How a day is to be read: in which version, None if no value is; whether it is closed, and has
    all of its clicks.
    """

    version: int | None
    is_closed: bool
    is_kept: bool


def _look(database: Database) -> Iterator[Look]:
    dictionary = Dictionary(database, looks_up=True)
    key = 0, 0
    while True:
        with database.reading() as session:
            following = _following(session, *key)
            if following is None:
                return
            key = following
            before = _state(session, *key)
        if not before.is_closed or not before.is_kept:
            yield OPEN
            continue
        day = DayValues(*key)
        while not day.is_read:
            day.read_some(database, dictionary)
            yield Look(0)
        with database.reading() as session:
            unchanged = _state(session, *key) == before
            found = _compared(session, day, before.version) if unchanged else OPEN
        yield found


def _following(session: Session, workspace_id: int, day: int) -> tuple[int, int] | None:
    """The next day that reports take for closed: from the first closed one of a workspace to its
    last, one that is noted or has clicks.
    """
    ids, days = ClosedDay.workspace_id, ClosedDay.local_day
    noted = session.scalar(select(func.min(days)).where(ids == workspace_id, days > day))
    if noted is not None:
        return workspace_id, min(noted, day_after(session, workspace_id, day) or noted)
    query = select(ids, days).where(ids > workspace_id).order_by(ids, days).limit(1)
    first = session.execute(query).first()
    return None if first is None else (first[0], first[1])


def _state(session: Session, workspace_id: int, day: int) -> _State:
    noted = session.get(ClosedDay, (workspace_id, day))
    is_kept = kept_from(session, workspace_id).toordinal() <= day
    if noted is None:
        return _State(None, True, is_kept)
    return _State(noted.version, noted.closed, is_kept)


def _compared(session: Session, day: DayValues, version: int | None) -> Look:
    rows = session.execute(
        select(ValueDay.value_id, ValueDay.cells).where(
            ValueDay.workspace_id == day.workspace_id,
            ValueDay.local_day == day.local_day,
            ValueDay.version == version,
        ),
        execution_options=AS_BYTES,
    )
    stored = {value_id: decompressed(cells) for value_id, cells in rows}
    right = {value_id: decompressed(cells) for value_id, cells in day.values}
    if stored == right:
        return Look(0) if version is None else AGREES
    values = stored.keys() | right.keys()
    first = min((each for each in values if stored.get(each) != right.get(each)), key=abs)
    key = day.workspace_id, day.local_day
    named: tuple[Subject, str] = (
        ("value", _name(session, first)) if stored else whole_workspace(session, key[0])
    )
    at = date.fromordinal(day.local_day)
    return Look(1, unequal=[Unequal(ValueDay.__tablename__, key[0], at, *named, key)])


def _name(session: Session, value_id: int) -> str:
    if value_id in _NAMES:
        return _NAMES[value_id]
    found = session.get(FacetValue, value_id)
    return f"{found.facet} {found.value or 'unknown'}" if found else f"value {value_id}"


def _reopen(session: Session, unequal: Sequence[Unequal]) -> None:
    keys = np.array([each.key for each in unequal], np.int64)
    closed_days.reopen(session.connection(), keys[:, 0], keys[:, 1])


def _size(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ClosedDay)) or 0


VALUE_DAYS = Kind(ValueDay.__tablename__, _size, _look, _reopen)
