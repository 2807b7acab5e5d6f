"""Reach: how many people could have clicked at a touchpoint, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.errors import Conflict, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import UNITS, Reach, Touchpoint
from linkservice.workspaces.access import Actor, find, page

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


def add_reach(session: Session, actor: Actor, touchpoint_id: str, new: NewReach) -> Reach:
    """Enter reach for a touchpoint. Raises `Invalid`, `Conflict`, `NotFound`, `Forbidden`.

    A touchpoint has one unit of reach: sent letters and passers-by cannot be added up.
    """
    actor.require("journeys:write")
    touchpoint = find(session, actor, Touchpoint, touchpoint_id)
    entry = Reach(
        workspace_id=actor.workspace_id,
        touchpoint_id=touchpoint.id,
        starts_on=new.date,
        ends_on=new.until or new.date,
        amount=new.amount,
        unit=new.unit,
    )
    _check(session, entry)
    session.add(entry)
    session.flush()
    return entry


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


def change_reach(session: Session, actor: Actor, reach_id: str, changes: ReachChanges) -> Reach:
    """Change an entry. Raises as `add_reach`."""
    actor.require("journeys:write")
    entry = find(session, actor, Reach, reach_id)
    one_day = entry.ends_on == entry.starts_on
    if "date" in changes:
        entry.starts_on = changes["date"]
        if one_day and "until" not in changes:
            entry.ends_on = changes["date"]
    if "until" in changes:
        entry.ends_on = changes["until"] or entry.starts_on
    if "amount" in changes:
        entry.amount = changes["amount"]
    if "unit" in changes:
        entry.unit = changes["unit"]
    with session.no_autoflush:
        _check(session, entry)
    session.flush()
    return entry


def delete_reach(session: Session, actor: Actor, reach_id: str) -> None:
    """Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:write")
    session.delete(find(session, actor, Reach, reach_id))
    session.flush()


def _check(session: Session, entry: Reach) -> None:
    problems = Problems()
    days = {entry.starts_on: "date", entry.ends_on: "until"} | {entry.starts_on: "date"}
    for day, field in days.items():
        if not FIRST_DAY <= day <= LAST_DAY:
            problems.add(field, "day_out_of_range", first=FIRST_DAY, last=LAST_DAY)
    if entry.ends_on < entry.starts_on:
        problems.add("until", "until_before_date")
    problems.number("amount", entry.amount, low=1, high=LARGEST_AMOUNT)
    problems.one_of("unit", entry.unit, UNITS)
    problems.raise_if_any()
    other = session.scalar(
        select(Reach.unit)
        .where(
            Reach.touchpoint_id == entry.touchpoint_id,
            Reach.unit != entry.unit,
            Reach.id != (entry.id or 0),
        )
        .limit(1)
    )
    if other is not None:
        raise Conflict(Problem("unit", "other_unit", {"unit": other}))
