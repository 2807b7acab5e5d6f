"""The order of stages in a journey and of touchpoints in a stage: `position` is the place
among those that are not deleted, from 0. Who deletes or moves one numbers the others anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import ForUpdateArg

from linkservice.journeys.model import Journey, Stage, Touchpoint
from linkservice.workspaces.access import Actor, find

LAST_POSITION = 100_000
"""The highest position that may be asked for; beyond the end means last."""

Placed = TypeVar("Placed", Stage, Touchpoint)


def hold(session: Session, journey_id: int) -> None:
    """Make others who reorder the journey wait: each then numbers what the one before left."""
    # Without "no key", whoever inserts a row that points at the journey would wait, too.
    session.get_one(Journey, journey_id, with_for_update=ForUpdateArg(key_share=True))


def held_journey(session: Session, actor: Actor, journey_id: str, field: str = "") -> Journey:
    """The journey, held. Raises `NotFound`, naming `field`."""
    hold(session, find(session, actor, Journey, journey_id, field).id)
    # Anew, here and below: whoever was waited for may have deleted it.
    return find(session, actor, Journey, journey_id, field)


def held_stage(session: Session, actor: Actor, stage_id: str, field: str = "") -> Stage:
    """The stage, with its journey held. Raises `NotFound`, naming `field`."""
    hold(session, find(session, actor, Stage, stage_id, field).journey_id)
    return find(session, actor, Stage, stage_id, field)


def held_touchpoint(session: Session, actor: Actor, touchpoint_id: str) -> Touchpoint:
    """The touchpoint, with its journey held. Raises `NotFound`."""
    touchpoint = find(session, actor, Touchpoint, touchpoint_id)
    hold(session, session.get_one(Stage, touchpoint.stage_id).journey_id)
    session.refresh(touchpoint)
    return find(session, actor, Touchpoint, touchpoint_id)


def stages_of(session: Session, journey_id: int) -> list[Stage]:
    """The stages of the journey in order."""
    return _in_order(session, Stage, Stage.journey_id == journey_id)


def touchpoints_of(session: Session, stage_id: int) -> list[Touchpoint]:
    """The touchpoints of the stage in order."""
    return _in_order(session, Touchpoint, Touchpoint.stage_id == stage_id)


def put(row: Placed, others: Sequence[Placed], position: int) -> None:
    """Put `row` at `position` among the others, in which it may be itself; number them all."""
    ordered = [each for each in others if each is not row]
    ordered.insert(position, row)
    number(ordered)


def number(rows: Sequence[Placed]) -> None:
    """Give the rows the positions they have in the sequence."""
    for position, row in enumerate(rows):
        row.position = position


def _in_order(
    session: Session, model: type[Placed], condition: ColumnElement[bool]
) -> list[Placed]:
    query = (
        select(model)
        .where(condition, model.deleted_at.is_(None))
        .order_by(model.position, model.id)
        # What was read before `hold` may have been changed by whoever was waited for.
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(query))
