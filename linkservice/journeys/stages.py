"""Stages: made, renamed, moved, deleted and brought back."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from sqlalchemy import update
from sqlalchemy.orm import Session

from linkservice.errors import Conflict, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import LONGEST_NAME, Journey, Stage, Touchpoint
from linkservice.journeys.order import (
    LAST_POSITION,
    held_journey,
    held_stage,
    hold,
    number,
    put,
    stages_of,
)
from linkservice.workspaces.access import Actor, find, find_ever
from linkservice.workspaces.trail import assign, note


class StageChanges(TypedDict, total=False):
    """The fields of a stage that can be changed."""

    name: str
    position: int


def create_stage(
    session: Session,
    actor: Actor,
    journey_id: str,
    name: str,
    now: datetime,
    *,
    position: int | None = None,
) -> Stage:
    """A new stage at `position` (from 0; the others move on), or as the last one.

    Raises `Invalid` (name, position), `NotFound` (journey_id), `Forbidden`.
    """
    actor.require("journeys:write")
    problems = Problems()
    name = problems.text("name", name, longest=LONGEST_NAME)
    if position is not None:
        problems.number("position", position, low=0, high=LAST_POSITION)
    problems.raise_if_any()
    journey = held_journey(session, actor, journey_id, "journey_id")
    others = stages_of(session, journey.id)
    stage = Stage(
        workspace_id=actor.workspace_id, journey_id=journey.id, name=name, position=len(others)
    )
    session.add(stage)
    if position is not None:
        put(stage, others, position)
    session.flush()
    note(session, actor, "stage.created", now, subject_id=stage.id, name=name)
    return stage


def one_stage(session: Session, actor: Actor, stage_id: str) -> Stage:
    """One stage. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:read")
    return find(session, actor, Stage, stage_id)


def change_stage(
    session: Session, actor: Actor, stage_id: str, changes: StageChanges, now: datetime
) -> Stage:
    """Rename a stage or move it to a place in its journey, from 0; beyond the end is last.

    Raises `Invalid`, `NotFound`, `Forbidden`.
    """
    actor.require("journeys:write")
    stage = held_stage(session, actor, stage_id)
    problems = Problems()
    name = problems.text("name", changes.get("name", stage.name), longest=LONGEST_NAME)
    if "position" in changes:
        problems.number("position", changes["position"], low=0, high=LAST_POSITION)
    problems.raise_if_any()
    before = stage.name
    if assign(stage, {"name": name}):
        note(session, actor, "stage.renamed", now, subject_id=stage.id, name=name, before=before)
    if "position" in changes:
        _move(session, actor, stage, changes["position"], now)
    session.flush()
    return stage


def delete_stage(session: Session, actor: Actor, stage_id: str, now: datetime) -> None:
    """Delete it with its touchpoints; their clicks stay in the reports."""
    actor.require("journeys:write")
    stage = held_stage(session, actor, stage_id)
    stage.deleted_at = now
    session.execute(
        update(Touchpoint)
        .where(Touchpoint.stage_id == stage.id, Touchpoint.deleted_at.is_(None))
        .values(deleted_at=now)
    )
    number(stages_of(session, stage.journey_id))
    session.flush()
    note(session, actor, "stage.deleted", now, subject_id=stage.id, name=stage.name)


def restore_stage(session: Session, actor: Actor, stage_id: str, now: datetime) -> Stage:
    """Undo its deletion: the stage, where it was, with the touchpoints deleted together with it.

    Raises `Conflict` where its journey is deleted, `NotFound`, `Forbidden`.
    """
    actor.require("journeys:write")
    stage = find_ever(session, actor, Stage, stage_id)
    hold(session, stage.journey_id)
    session.refresh(stage)
    if stage.deleted_at is None:
        return stage
    if session.get_one(Journey, stage.journey_id).deleted_at is not None:
        raise Conflict(Problem("", "journey_gone", {"name": stage.name}))
    session.execute(
        update(Touchpoint)
        .where(Touchpoint.stage_id == stage.id, Touchpoint.deleted_at == stage.deleted_at)
        .values(deleted_at=None)
    )
    others = stages_of(session, stage.journey_id)
    stage.deleted_at = None
    put(stage, others, stage.position)
    session.flush()
    note(session, actor, "stage.restored", now, subject_id=stage.id, name=stage.name)
    return stage


def _move(session: Session, actor: Actor, stage: Stage, position: int, now: datetime) -> None:
    others = stages_of(session, stage.journey_id)
    before = others.index(stage)
    put(stage, others, position)
    if stage.position != before:
        note(
            session,
            actor,
            "stage.moved",
            now,
            subject_id=stage.id,
            name=stage.name,
            position=stage.position,
        )
