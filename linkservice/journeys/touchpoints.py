"""Touchpoints: made, changed, moved, copied, deleted and brought back. Reach is in `reach.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from sqlalchemy.orm import Session

from linkservice.errors import Conflict, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import KINDS, LONGEST_NAME, MEDIA, Stage, Touchpoint
from linkservice.journeys.order import (
    LAST_POSITION,
    held_stage,
    held_touchpoint,
    hold,
    number,
    put,
    touchpoints_of,
)
from linkservice.workspaces.access import Actor, find, find_ever
from linkservice.workspaces.trail import assign, note

LONGEST_CHANNEL = 50
SMALLEST_RATE = 1e-12
"""One visitor of the largest reach; what is smaller only overflows where it divides."""

LARGEST_RATE = 1_000_000.0


@dataclass(frozen=True, slots=True)
class NewTouchpoint:
    """What a touchpoint is made of; `stage_id` is an outside id."""

    stage_id: str
    name: str
    channel: str
    kind: str
    medium: str
    moment_of_truth: bool = False
    target_rate: float | None = None


class TouchpointChanges(TypedDict, total=False):
    """The fields of a touchpoint that can be changed; a stage of the same journey only.

    `position` is the place in its stage, from 0; without it another stage means its end.
    """

    stage_id: str
    position: int
    name: str
    channel: str
    kind: str
    medium: str
    moment_of_truth: bool
    target_rate: float | None


def create_touchpoint(
    session: Session, actor: Actor, new: NewTouchpoint, now: datetime
) -> Touchpoint:
    """A new touchpoint, last in its stage. Raises `Invalid`, `NotFound` (stage_id), `Forbidden`."""
    actor.require("journeys:write")
    problems = Problems()
    touchpoint = Touchpoint(
        workspace_id=actor.workspace_id,
        name=problems.text("name", new.name, longest=LONGEST_NAME),
        channel=problems.text("channel", new.channel, longest=LONGEST_CHANNEL),
        kind=problems.one_of("kind", new.kind, KINDS),
        medium=problems.one_of("medium", new.medium, MEDIA),
        moment_of_truth=new.moment_of_truth,
        target_rate=_target_rate(problems, new.target_rate),
        created_at=now,
    )
    problems.raise_if_any()
    stage = held_stage(session, actor, new.stage_id, "stage_id")
    touchpoint.stage_id = stage.id
    touchpoint.position = len(touchpoints_of(session, stage.id))
    session.add(touchpoint)
    session.flush()
    _note(session, actor, "touchpoint.created", now, touchpoint)
    return touchpoint


def one_touchpoint(session: Session, actor: Actor, touchpoint_id: str) -> Touchpoint:
    """One touchpoint. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:read")
    return find(session, actor, Touchpoint, touchpoint_id)


def change_touchpoint(
    session: Session, actor: Actor, touchpoint_id: str, changes: TouchpointChanges, now: datetime
) -> Touchpoint:
    """Change any field; to another stage of the same journey only, since visitors are
    counted per journey when they come. Raises `Invalid`, `NotFound`, `Conflict`, `Forbidden`.
    """
    actor.require("journeys:write")
    touchpoint = held_touchpoint(session, actor, touchpoint_id)
    checked = _checked(changes)
    if "stage_id" in changes or "position" in changes:
        stage_id = changes.get("stage_id", str(touchpoint.stage_id))
        _move(session, actor, touchpoint, stage_id, changes.get("position"), now)
    fields = assign(touchpoint, checked)
    session.flush()
    if fields:
        _note(session, actor, "touchpoint.changed", now, touchpoint, fields=fields)
    return touchpoint


def move_touchpoint(
    session: Session,
    actor: Actor,
    touchpoint_id: str,
    stage_id: str,
    position: int,
    now: datetime,
) -> Touchpoint:
    """Put it at `position` (from 0; beyond the end is last) in a stage of its journey.

    Raises as `change_touchpoint`.
    """
    place: TouchpointChanges = {"stage_id": stage_id, "position": position}
    return change_touchpoint(session, actor, touchpoint_id, place, now)


def duplicate_touchpoint(
    session: Session, actor: Actor, touchpoint_id: str, name: str, now: datetime
) -> Touchpoint:
    """A copy called `name` right behind it, without its reach and links.

    Raises `Invalid` (name), `NotFound`, `Forbidden`.
    """
    actor.require("journeys:write")
    original = held_touchpoint(session, actor, touchpoint_id)
    copy = create_touchpoint(
        session,
        actor,
        NewTouchpoint(
            str(original.stage_id),
            name,
            original.channel,
            original.kind,
            original.medium,
            original.moment_of_truth,
            original.target_rate,
        ),
        now,
    )
    put(copy, touchpoints_of(session, original.stage_id), original.position + 1)
    session.flush()
    return copy


def delete_touchpoint(session: Session, actor: Actor, touchpoint_id: str, now: datetime) -> None:
    """Delete it; its links go on and their clicks stay in its row of the reports."""
    actor.require("journeys:write")
    touchpoint = held_touchpoint(session, actor, touchpoint_id)
    touchpoint.deleted_at = now
    number(touchpoints_of(session, touchpoint.stage_id))
    session.flush()
    _note(session, actor, "touchpoint.deleted", now, touchpoint)


def restore_touchpoint(
    session: Session, actor: Actor, touchpoint_id: str, now: datetime
) -> Touchpoint:
    """Undo its deletion; it comes back where it was.

    Raises `Conflict` where its stage is deleted, `NotFound`, `Forbidden`.
    """
    actor.require("journeys:write")
    touchpoint = find_ever(session, actor, Touchpoint, touchpoint_id)
    stage = session.get_one(Stage, touchpoint.stage_id)
    hold(session, stage.journey_id)
    session.refresh(touchpoint)
    session.refresh(stage)
    if touchpoint.deleted_at is None:
        return touchpoint
    if stage.deleted_at is not None:
        raise Conflict(Problem("", "stage_gone", {"name": touchpoint.name}))
    others = touchpoints_of(session, stage.id)
    touchpoint.deleted_at = None
    put(touchpoint, others, touchpoint.position)
    session.flush()
    _note(session, actor, "touchpoint.restored", now, touchpoint)
    return touchpoint


def _checked(changes: TouchpointChanges) -> TouchpointChanges:
    """The fields but for the place, as they are stored. Raises `Invalid` with every wrong one."""
    problems = Problems()
    checked: TouchpointChanges = {}
    if "name" in changes:
        checked["name"] = problems.text("name", changes["name"], longest=LONGEST_NAME)
    if "channel" in changes:
        checked["channel"] = problems.text("channel", changes["channel"], longest=LONGEST_CHANNEL)
    if "kind" in changes:
        checked["kind"] = problems.one_of("kind", changes["kind"], KINDS)
    if "medium" in changes:
        checked["medium"] = problems.one_of("medium", changes["medium"], MEDIA)
    if "moment_of_truth" in changes:
        checked["moment_of_truth"] = changes["moment_of_truth"]
    if "target_rate" in changes:
        checked["target_rate"] = _target_rate(problems, changes["target_rate"])
    if "position" in changes:
        problems.number("position", changes["position"], low=0, high=LAST_POSITION)
    problems.raise_if_any()
    return checked


def _move(
    session: Session,
    actor: Actor,
    touchpoint: Touchpoint,
    stage_id: str,
    position: int | None,
    now: datetime,
) -> None:
    """Put it there; without a position it stays where it is, or comes last in another stage."""
    stage = find(session, actor, Stage, stage_id, "stage_id")
    left = session.get_one(Stage, touchpoint.stage_id)
    if stage.journey_id != left.journey_id:
        raise Conflict(Problem("stage_id", "stage_of_other_journey"))
    if stage is left and position is None:
        return
    here = touchpoints_of(session, left.id)
    others = here if stage is left else touchpoints_of(session, stage.id)
    before = here.index(touchpoint)
    touchpoint.stage_id = stage.id
    put(touchpoint, others, len(others) if position is None else position)
    if stage is not left:
        number([each for each in here if each is not touchpoint])
    if stage is not left or touchpoint.position != before:
        place = touchpoint.position
        _note(session, actor, "touchpoint.moved", now, touchpoint, stage=stage.name, position=place)


def _note(
    session: Session,
    actor: Actor,
    action: str,
    now: datetime,
    touchpoint: Touchpoint,
    **facts: str | int,
) -> None:
    subject, name = touchpoint.id, touchpoint.name
    note(session, actor, action, now, subject_id=subject, name=name, **facts)


def _target_rate(problems: Problems, value: float | None) -> float | None:
    if value is not None and not SMALLEST_RATE <= value <= LARGEST_RATE:
        problems.add(
            "target_rate",
            "bad_target_rate",
            smallest=f"{SMALLEST_RATE:.12f}",
            largest=f"{LARGEST_RATE:,.0f}",
        )
    return value
