"""Costs: what was spent on a touchpoint or on a campaign, and when.

A workspace has one currency: rates of exchange change from day to day, and a sum over two
currencies would be a guess. So an entry in another one is refused, and the currency is chosen
before the first entry. An entry of 0 says that nothing was spent, which is something else than no
entry. Not here: what a click cost (`reports/costs`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import ForUpdateArg

from linkservice.errors import Conflict, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import Campaign, Cost, Touchpoint
from linkservice.journeys.reach import check_days
from linkservice.money import CURRENCIES
from linkservice.workspaces.access import Actor, find, page, scoped
from linkservice.workspaces.model import Workspace
from linkservice.workspaces.trail import assign, note

LARGEST_COST = 10**12
"""Ten thousand million of what has cents."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What money was spent on; `id` is an outside id."""

    kind: Literal["touchpoint", "campaign"]
    id: str


@dataclass(frozen=True, slots=True)
class NewCost:
    """`amount` (of the currency's smallest unit) on `date`, or spread evenly over
    `date`…`until`.
    """

    date: dt.date
    amount: int
    currency: str
    until: dt.date | None = None


class CostChanges(TypedDict, total=False):
    """The fields of an entry that can be changed; `until` None means one day."""

    date: dt.date
    until: dt.date | None
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class DeletedCost:
    """What it takes to undo the deletion of an entry."""

    subject: Subject
    entry: NewCost


def report_currency(session: Session, actor: Actor) -> str:
    """The currency of all costs of the workspace (ISO 4217)."""
    return session.get_one(Workspace, actor.workspace_id).currency


def choose_currency(session: Session, actor: Actor, currency: str, now: dt.datetime) -> Workspace:
    """Choose the workspace's currency.

    Raises `Invalid`, `Forbidden`, and `Conflict` as long as there are costs in another one.
    """
    actor.require("admin")
    problems = Problems()
    problems.one_of("currency", currency, CURRENCIES)
    problems.raise_if_any()
    # Whoever enters a cost holds the row for reading (`_add`), so neither overtakes the other.
    workspace = session.get_one(
        Workspace, actor.workspace_id, with_for_update=ForUpdateArg(key_share=True)
    )
    entries = session.scalar(
        select(func.count()).where(
            Cost.workspace_id == actor.workspace_id, Cost.currency != currency
        )
    )
    if entries:
        facts = {"entries": entries, "currency": workspace.currency}
        raise Conflict(Problem("currency", "currency_in_use", facts))
    if fields := assign(workspace, {"currency": currency}):
        note(session, actor, "workspace.changed", now, name=workspace.name, fields=fields)
    return workspace


def add_cost(
    session: Session, actor: Actor, subject: Subject, new: NewCost, now: dt.datetime
) -> Cost:
    """Enter what was spent. Raises `Invalid`, `NotFound`, `Forbidden`, and `Conflict` for
    another currency than the workspace's.
    """
    return _add(session, actor, subject, new, now, "cost.added")


def restore_cost(
    session: Session, actor: Actor, subject: Subject, entry: NewCost, now: dt.datetime
) -> Cost:
    """Undo a deletion with what `delete_cost` returned. Raises as `add_cost`."""
    return _add(session, actor, subject, entry, now, "cost.restored")


def one_cost(session: Session, actor: Actor, cost_id: str) -> Cost:
    """One entry. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:read")
    return find(session, actor, Cost, cost_id)


def list_costs(
    session: Session, actor: Actor, subject: Subject, *, after: int | None, limit: int
) -> Sequence[Cost]:
    """The entries in the order they were made, with ids above `after`.

    Raises `NotFound`, `Forbidden`.
    """
    actor.require("journeys:read")
    query = page(actor, Cost, after=after, limit=limit)
    return session.scalars(query.where(_of(session, actor, subject))).all()


def newest_costs(
    session: Session,
    actor: Actor,
    subject: Subject,
    *,
    before: tuple[dt.date, int] | None = None,
    limit: int,
) -> Sequence[Cost]:
    """The entries by their first days, the newest first; the next ones below `before`, which is
    `starts_on` and `id` of the last one shown. Raises `NotFound`, `Forbidden`.
    """
    actor.require("journeys:read")
    query = (
        scoped(actor, Cost)
        .where(_of(session, actor, subject))
        .order_by(Cost.starts_on.desc(), Cost.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(Cost.starts_on, Cost.id) < before)
    return session.scalars(query).all()


def total_cost(session: Session, actor: Actor, subject: Subject) -> int | None:
    """All that was entered for it; None without an entry. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:read")
    total = session.scalar(
        select(func.sum(Cost.amount)).where(
            Cost.workspace_id == actor.workspace_id, _of(session, actor, subject)
        )
    )
    # PostgreSQL sums 64-bit columns to a decimal.
    return None if total is None else int(total)


def change_cost(
    session: Session, actor: Actor, cost_id: str, changes: CostChanges, now: dt.datetime
) -> Cost:
    """Change an entry. Raises as `add_cost`."""
    actor.require("journeys:write")
    entry = find(session, actor, Cost, cost_id)
    old = values_of(entry)
    new = NewCost(
        changes.get("date", old.date),
        changes.get("amount", old.amount),
        changes.get("currency", old.currency),
        changes.get("until", old.until),
    )
    _check(session, actor, new)
    if assign(entry, _columns(new)):
        session.flush()
        _note(session, actor, "cost.changed", now, entry)
    return entry


def delete_cost(session: Session, actor: Actor, cost_id: str, now: dt.datetime) -> DeletedCost:
    """Delete an entry for good; what is returned can be entered again (`restore_cost`).

    Raises `NotFound`, `Forbidden`.
    """
    actor.require("journeys:write")
    entry = find(session, actor, Cost, cost_id)
    session.delete(entry)
    session.flush()
    _note(session, actor, "cost.deleted", now, entry)
    return DeletedCost(subject_of(entry), values_of(entry))


def values_of(entry: Cost) -> NewCost:
    """The entry's values as they were entered."""
    until = None if entry.ends_on == entry.starts_on else entry.ends_on
    return NewCost(entry.starts_on, entry.amount, entry.currency, until)


def subject_of(entry: Cost) -> Subject:
    """What the entry's money was spent on."""
    if entry.touchpoint_id is not None:
        return Subject("touchpoint", str(entry.touchpoint_id))
    return Subject("campaign", str(entry.campaign_id))


def found_subject(session: Session, actor: Actor, subject: Subject) -> Touchpoint | Campaign:
    """The touchpoint or campaign that money was spent on. Raises `NotFound`."""
    if subject.kind == "touchpoint":
        return find(session, actor, Touchpoint, subject.id)
    return find(session, actor, Campaign, subject.id)


def _of(session: Session, actor: Actor, subject: Subject) -> ColumnElement[bool]:
    """Which entries are of it. Raises `NotFound`."""
    found = found_subject(session, actor, subject)
    return (Cost.touchpoint_id if subject.kind == "touchpoint" else Cost.campaign_id) == found.id


def _columns(new: NewCost) -> dict[str, object]:
    return {
        "starts_on": new.date,
        "ends_on": new.until or new.date,
        "amount": new.amount,
        "currency": new.currency,
    }


def _add(
    session: Session,
    actor: Actor,
    subject: Subject,
    new: NewCost,
    now: dt.datetime,
    action: str,
) -> Cost:
    actor.require("journeys:write")
    found = found_subject(session, actor, subject)
    session.get_one(Workspace, actor.workspace_id, with_for_update=ForUpdateArg(read=True))
    _check(session, actor, new)
    entry = Cost(workspace_id=actor.workspace_id, **_columns(new))
    if subject.kind == "touchpoint":
        entry.touchpoint_id = found.id
    else:
        entry.campaign_id = found.id
    session.add(entry)
    session.flush()
    _note(session, actor, action, now, entry)
    return entry


def _check(session: Session, actor: Actor, new: NewCost) -> None:
    """Raise what is wrong with the values."""
    problems = Problems()
    check_days(problems, new.date, new.until)
    problems.number("amount", new.amount, low=0, high=LARGEST_COST)
    problems.one_of("currency", new.currency, CURRENCIES)
    problems.raise_if_any()
    currency = report_currency(session, actor)
    if new.currency != currency:
        facts = {"currency": currency, "other": new.currency}
        raise Conflict(Problem("currency", "other_currency", facts))


def _note(session: Session, actor: Actor, action: str, now: dt.datetime, entry: Cost) -> None:
    """Note it for the touchpoint or campaign."""
    # Also of a touchpoint that is deleted: its entries stay.
    found: Touchpoint | Campaign
    if entry.touchpoint_id is not None:
        found = session.get_one(Touchpoint, entry.touchpoint_id)
    else:
        found = session.get_one(Campaign, entry.campaign_id)
    values = values_of(entry)
    facts: dict[str, str | int | None] = {
        "date": values.date.isoformat(),
        "until": None if values.until is None else values.until.isoformat(),
        "amount": values.amount,
        "currency": values.currency,
    }
    note(session, actor, action, now, subject_id=found.id, name=found.name, **facts)
