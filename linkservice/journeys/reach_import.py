"""Tables of reach entered: for one touchpoint, or for a journey whose rows name theirs.

All rows or none. An entry that is there already is left alone, so that entering a table again
adds nothing; equal rows of one table all count, as two print runs of one day do. Not here:
how the text is read (`reach_table.py`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import delete
from sqlalchemy.orm import Session

from linkservice.errors import Invalid, Problem
from linkservice.journeys.model import Journey, Reach, Touchpoint
from linkservice.journeys.order import held_journey, held_touchpoint, stages_of, touchpoints_of
from linkservice.journeys.reach import NewReach, entry_of, values_of
from linkservice.journeys.reach_table import MOST_ROWS, TableProblems, TableRow, read_table
from linkservice.workspaces.access import Actor, find, inside_id, scoped
from linkservice.workspaces.trail import note


@dataclass(frozen=True, slots=True)
class OneTouchpoint:
    """The table is the reach of this touchpoint (outside id)."""

    id: str


@dataclass(frozen=True, slots=True)
class WholeJourney:
    """Each row names one of the touchpoints of this journey (outside id)."""

    id: str


Onto: TypeAlias = OneTouchpoint | WholeJourney


@dataclass(frozen=True, slots=True)
class PlannedReach:
    """What becomes of the row that begins on `line`: entered if it is `new`, else left alone."""

    line: int
    touchpoint: Touchpoint
    entry: NewReach
    new: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """What was done; `ids` (outside ids) are the entries added, for `undo_import`."""

    added: int
    unchanged: int
    ids: Sequence[str]


def preview_reach(session: Session, actor: Actor, onto: Onto, text: str) -> list[PlannedReach]:
    """What `import_reach` would do with the table. Raises as it does."""
    actor.require("journeys:write")
    if isinstance(onto, OneTouchpoint):
        return _plan(session, actor, find(session, actor, Touchpoint, onto.id), text)
    return _plan(session, actor, find(session, actor, Journey, onto.id), text)


def import_reach(session: Session, actor: Actor, onto: Onto, text: str, now: datetime) -> Imported:
    """Enter the rows of the table that are not entered yet.

    Raises `Invalid` with every problem of every row, `NotFound`, `Forbidden`.
    """
    actor.require("journeys:write")
    # Of two who enter the same table at once, the second waits for what the first adds.
    subject: Touchpoint | Journey
    if isinstance(onto, OneTouchpoint):
        subject = held_touchpoint(session, actor, onto.id)
    else:
        subject = held_journey(session, actor, onto.id)
    plan = _plan(session, actor, subject, text)
    entries = [entry_of(each.touchpoint, each.entry) for each in plan if each.new]
    session.add_all(entries)
    session.flush()
    done = Imported(
        len(entries), len(plan) - len(entries), tuple(str(entry.id) for entry in entries)
    )
    if entries:
        note(
            session,
            actor,
            "reach.imported",
            now,
            subject_id=subject.id,
            name=subject.name,
            onto=type(subject).__name__.lower(),
            added=done.added,
            unchanged=done.unchanged,
        )
    return done


def undo_import(session: Session, actor: Actor, ids: Collection[str], now: datetime) -> int:
    """Delete the entries an import added; how many of them were still there.

    Raises `Invalid` for more ids than an import has, `Forbidden`.
    """
    actor.require("journeys:write")
    if len(ids) > MOST_ROWS:
        raise Invalid(Problem("ids", "too_many", {"most": MOST_ROWS}))
    known = [number for each in ids if (number := inside_id(each)) is not None]
    deleted = session.scalars(
        delete(Reach)
        .where(Reach.workspace_id == actor.workspace_id, Reach.id.in_(known))
        .returning(Reach.id)
    ).all()
    if deleted:
        note(session, actor, "reach.import_undone", now, deleted=len(deleted))
    return len(deleted)


def _plan(
    session: Session, actor: Actor, subject: Touchpoint | Journey, text: str
) -> list[PlannedReach]:
    """Each row with its touchpoint and whether it is new. Raises `Invalid`."""
    rows, problems = read_table(text, names_touchpoints=isinstance(subject, Journey))
    named = _names(session, subject)
    placed = [
        (row, touchpoint)
        for row in rows
        if (touchpoint := _named(problems, row, named)) is not None
    ]
    there = _entries(session, actor, {touchpoint.id for _, touchpoint in placed})
    units = {touchpoint_id: entry.unit for touchpoint_id, entry in there}
    plan = []
    for row, touchpoint in placed:
        unit = units.setdefault(touchpoint.id, row.values.unit)
        if unit != row.values.unit:
            problems.tell(row.line, "unit", "other_unit", unit=unit)
        key = (touchpoint.id, row.values)
        new = there[key] == 0
        there[key] -= 0 if new else 1
        plan.append(PlannedReach(row.line, touchpoint, row.values, new))
    problems.raise_if_any()
    return plan


def _names(session: Session, subject: Touchpoint | Journey) -> Mapping[str, Sequence[Touchpoint]]:
    """The touchpoints a row can mean, by their names, also behind those of their stages."""
    if isinstance(subject, Touchpoint):
        return {"": [subject]}
    named: dict[str, list[Touchpoint]] = defaultdict(list)
    for stage in stages_of(session, subject.id):
        for touchpoint in touchpoints_of(session, stage.id):
            named[_key(touchpoint.name)].append(touchpoint)
            named[_key(f"{stage.name} / {touchpoint.name}")].append(touchpoint)
    return named


def _named(
    problems: TableProblems, row: TableRow, named: Mapping[str, Sequence[Touchpoint]]
) -> Touchpoint | None:
    found = named.get(_key(row.touchpoint), ())
    if len(found) == 1:
        return found[0]
    code = "ambiguous_touchpoint" if found else "unknown_touchpoint"
    problems.tell(row.line, "touchpoint", code, name=row.touchpoint[:80])
    return None


def _key(name: str) -> str:
    return " ".join(name.casefold().split())


def _entries(
    session: Session, actor: Actor, touchpoint_ids: Collection[int]
) -> Counter[tuple[int, NewReach]]:
    """How often each entry of the touchpoints is there already."""
    entries = session.scalars(scoped(actor, Reach).where(Reach.touchpoint_id.in_(touchpoint_ids)))
    return Counter((entry.touchpoint_id, values_of(entry)) for entry in entries)
