"""Reach: how many people could have clicked at a touchpoint, and when.

Not here: tables of reach (`reach_table.py`, `reach_import.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from linkservice.errors import Conflict, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import UNITS, Reach, Touchpoint
from linkservice.journeys.order import held_touchpoint
from linkservice.workspaces.access import Actor, find, page, scoped
from linkservice.workspaces.trail import assign, note

LARGEST_AMOUNT = 10**12
FIRST_DAY = dt.date(2000, 1, 1)
LAST_DAY = dt.date(2100, 12, 31)


@dataclass(frozen=True, slots=True)
class NewReach:
    """`amount` units of reach on `date`, or spread evenly over `date`…`until`."""

    date: dt.date
    amount: int
    unit: str
    until: dt.date | None = None


class ReachChanges(TypedDict, total=False):
    """The fields of a reach entry that can be changed; `until` None means one day."""

    date: dt.date
    until: dt.date | None
    amount: int
    unit: str


@dataclass(frozen=True, slots=True)
class DeletedReach:
    """What it takes to undo the deletion of an entry; `touchpoint_id` is an outside id."""

    touchpoint_id: str
    entry: NewReach


@dataclass(frozen=True, slots=True)
class ReachSummary:
    """All reach of a touchpoint: how much of which unit, from `first` to `last`."""

    entries: int
    amount: int
    unit: str
    first: dt.date
    last: dt.date


def add_reach(
    session: Session, actor: Actor, touchpoint_id: str, new: NewReach, now: dt.datetime
) -> Reach:
    """Enter reach for a touchpoint. Raises `Invalid`, `Conflict`, `NotFound`, `Forbidden`.

    A touchpoint has one unit of reach: sent letters and passers-by cannot be added up.
    """
    return _add(session, actor, touchpoint_id, new, now, "reach.added")


def restore_reach(
    session: Session, actor: Actor, touchpoint_id: str, entry: NewReach, now: dt.datetime
) -> Reach:
    """Undo a deletion with what `delete_reach` returned. Raises as `add_reach`."""
    return _add(session, actor, touchpoint_id, entry, now, "reach.restored")


def one_reach(session: Session, actor: Actor, reach_id: str) -> Reach:
    """One entry. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:read")
    return find(session, actor, Reach, reach_id)


def list_reach(
    session: Session, actor: Actor, touchpoint_id: str, *, after: int | None, limit: int
) -> Sequence[Reach]:
    """A touchpoint's entries in the order they were made, with ids above `after`.

    Raises `NotFound`, `Forbidden`.
    """
    actor.require("journeys:read")
    touchpoint = find(session, actor, Touchpoint, touchpoint_id)
    query = page(actor, Reach, after=after, limit=limit)
    return session.scalars(query.where(Reach.touchpoint_id == touchpoint.id)).all()


def newest_reach(
    session: Session,
    actor: Actor,
    touchpoint_id: str,
    *,
    before: tuple[dt.date, int] | None = None,
    limit: int,
) -> Sequence[Reach]:
    """A touchpoint's entries by their first days, the newest first; the next ones below
    `before`, which is `starts_on` and `id` of the last one shown.

    Raises `NotFound`, `Forbidden`.
    """
    actor.require("journeys:read")
    touchpoint = find(session, actor, Touchpoint, touchpoint_id)
    query = (
        scoped(actor, Reach)
        .where(Reach.touchpoint_id == touchpoint.id)
        .order_by(Reach.starts_on.desc(), Reach.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(Reach.starts_on, Reach.id) < before)
    return session.scalars(query).all()


def reach_summaries(
    session: Session, actor: Actor, touchpoint_ids: Collection[int]
) -> dict[int, ReachSummary]:
    """The reach of each of the touchpoints that has any. Raises `Forbidden`."""
    actor.require("journeys:read")
    rows = session.execute(
        select(
            Reach.touchpoint_id,
            func.count(),
            func.sum(Reach.amount),
            func.min(Reach.unit),
            func.min(Reach.starts_on),
            func.max(Reach.ends_on),
        )
        .where(Reach.workspace_id == actor.workspace_id, Reach.touchpoint_id.in_(touchpoint_ids))
        .group_by(Reach.touchpoint_id)
    )
    return {
        touchpoint_id: ReachSummary(entries, int(amount), unit, first, last)
        for touchpoint_id, entries, amount, unit, first, last in rows
    }


def change_reach(
    session: Session, actor: Actor, reach_id: str, changes: ReachChanges, now: dt.datetime
) -> Reach:
    """Change an entry. Raises as `add_reach`."""
    actor.require("journeys:write")
    entry = find(session, actor, Reach, reach_id)
    old = values_of(entry)
    new = NewReach(
        changes.get("date", old.date),
        changes.get("amount", old.amount),
        changes.get("unit", old.unit),
        changes.get("until", old.until),
    )
    _check(session, new, entry.touchpoint_id, but=entry.id)
    if assign(entry, _columns(new)):
        session.flush()
        _note(session, actor, "reach.changed", now, entry)
    return entry


def delete_reach(session: Session, actor: Actor, reach_id: str, now: dt.datetime) -> DeletedReach:
    """Delete an entry for good; what is returned can be entered again (`restore_reach`).

    Raises `NotFound`, `Forbidden`.
    """
    actor.require("journeys:write")
    entry = find(session, actor, Reach, reach_id)
    session.delete(entry)
    session.flush()
    _note(session, actor, "reach.deleted", now, entry)
    return DeletedReach(str(entry.touchpoint_id), values_of(entry))


def values_of(entry: Reach) -> NewReach:
    """The entry's values as they were entered."""
    until = None if entry.ends_on == entry.starts_on else entry.ends_on
    return NewReach(entry.starts_on, entry.amount, entry.unit, until)


def check_values(problems: Problems, new: NewReach) -> None:
    """Note what is wrong with the days, the amount and the unit."""
    check_days(problems, new.date, new.until)
    problems.number("amount", new.amount, low=1, high=LARGEST_AMOUNT)
    problems.one_of("unit", new.unit, UNITS)


def check_days(problems: Problems, date: dt.date, until: dt.date | None) -> None:
    """Note what is wrong with the days of an entry; one day where `until` is None."""
    last = until or date
    days = {date: "date", last: "until"} | {date: "date"}
    for day, field in days.items():
        if not FIRST_DAY <= day <= LAST_DAY:
            problems.add(field, "day_out_of_range", first=FIRST_DAY, last=LAST_DAY)
    if last < date:
        problems.add("until", "until_before_date")


def entry_of(touchpoint: Touchpoint, new: NewReach) -> Reach:
    """The row that holds the values, which are checked already."""
    return Reach(workspace_id=touchpoint.workspace_id, touchpoint_id=touchpoint.id, **_columns(new))


def _columns(new: NewReach) -> dict[str, object]:
    return {
        "starts_on": new.date,
        "ends_on": new.until or new.date,
        "amount": new.amount,
        "unit": new.unit,
    }


def _add(
    session: Session,
    actor: Actor,
    touchpoint_id: str,
    new: NewReach,
    now: dt.datetime,
    action: str,
) -> Reach:
    actor.require("journeys:write")
    # Of two who enter at once, the second sees the unit of the first.
    touchpoint = held_touchpoint(session, actor, touchpoint_id)
    _check(session, new, touchpoint.id)
    entry = entry_of(touchpoint, new)
    session.add(entry)
    session.flush()
    _note(session, actor, action, now, entry)
    return entry


def _check(session: Session, new: NewReach, touchpoint_id: int, but: int = 0) -> None:
    """Raise what is wrong with the values; `but` is the entry they are to replace."""
    problems = Problems()
    check_values(problems, new)
    problems.raise_if_any()
    other = session.scalar(
        select(Reach.unit)
        .where(
            Reach.touchpoint_id == touchpoint_id,
            Reach.unit != new.unit,
            Reach.id != but,
        )
        .limit(1)
    )
    if other is not None:
        raise Conflict(Problem("unit", "other_unit", {"unit": other}))


def _note(session: Session, actor: Actor, action: str, now: dt.datetime, entry: Reach) -> None:
    """Note it for the entry's touchpoint."""
    touchpoint = session.get_one(Touchpoint, entry.touchpoint_id)
    values = values_of(entry)
    facts: dict[str, str | int | None] = {
        "date": values.date.isoformat(),
        "until": None if values.until is None else values.until.isoformat(),
        "amount": values.amount,
        "unit": values.unit,
    }
    subject, name = touchpoint.id, touchpoint.name
    note(session, actor, action, now, subject_id=subject, name=name, **facts)
