"""Journeys: made, read with all they hold, renamed, deleted and brought back.

Not here: their stages (`stages.py`), touchpoints (`touchpoints.py`) and reach (`reach.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from linkservice.fields import Problems
from linkservice.journeys.model import LONGEST_NAME, Journey, Stage, Touchpoint
from linkservice.journeys.order import held_journey, hold
from linkservice.journeys.personas import personas_of_journeys
from linkservice.journeys.template import TEMPLATES
from linkservice.workspaces.access import Actor, find, find_ever, page, scoped
from linkservice.workspaces.model import LOCALES, Workspace
from linkservice.workspaces.trail import assign, note

Direction: TypeAlias = Literal["up", "down", "left", "right"]


@dataclass(frozen=True, slots=True)
class JourneyMap:
    """A journey with its stages in order, each with its touchpoints in order, and the inside ids
    of the personas it is made for.
    """

    journey: Journey
    stages: Sequence[tuple[Stage, Sequence[Touchpoint]]]
    personas: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a touchpoint can stand: a stage (outside id) and a position in it, from 0."""

    stage_id: str
    position: int


def create_journey(
    session: Session,
    actor: Actor,
    name: str,
    now: datetime,
    *,
    template: str | None = None,
    locale: str | None = None,
) -> JourneyMap:
    """A new journey, empty or from a template, in `locale` or the workspace's language.

    Raises `Invalid` (name, template, locale) and `Forbidden`.
    """
    actor.require("journeys:write")
    problems = Problems()
    name = problems.text("name", name, longest=LONGEST_NAME)
    if template is not None:
        problems.one_of("template", template, TEMPLATES)
    if locale is not None:
        problems.one_of("locale", locale, LOCALES)
    problems.raise_if_any()
    journey = Journey(workspace_id=actor.workspace_id, name=name, created_at=now)
    session.add(journey)
    session.flush()
    if template is not None:
        language = locale or session.get_one(Workspace, actor.workspace_id).locale
        _fill(session, journey, template, language, now)
    note(
        session,
        actor,
        "journey.created",
        now,
        subject_id=journey.id,
        name=name,
        template=template,
    )
    return _maps(session, actor, [journey])[0]


def journey_map(session: Session, actor: Actor, journey_id: str) -> JourneyMap:
    """The journey with all it holds. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:read")
    return _maps(session, actor, [find(session, actor, Journey, journey_id)])[0]


def list_journeys(
    session: Session, actor: Actor, *, after: int | None, limit: int
) -> list[JourneyMap]:
    """Journeys with all they hold, the oldest first, with ids above `after`."""
    actor.require("journeys:read")
    journeys = session.scalars(page(actor, Journey, after=after, limit=limit)).all()
    return _maps(session, actor, journeys)


def neighbours(found: JourneyMap, touchpoint_id: str) -> dict[Direction, Place]:
    """Where one step takes a touchpoint, for each direction in which there is a place.

    Stages stand side by side: left and right is the same height in the next stage, or its end.
    """
    places: dict[Direction, Place] = {}
    for column, (stage, touchpoints) in enumerate(found.stages):
        rows = [str(touchpoint.id) for touchpoint in touchpoints]
        if touchpoint_id not in rows:
            continue
        row = rows.index(touchpoint_id)
        if row > 0:
            places["up"] = Place(str(stage.id), row - 1)
        if row < len(rows) - 1:
            places["down"] = Place(str(stage.id), row + 1)
        if column > 0:
            places["left"] = _beside(found, column - 1, row)
        if column < len(found.stages) - 1:
            places["right"] = _beside(found, column + 1, row)
    return places


def _beside(found: JourneyMap, column: int, row: int) -> Place:
    stage, touchpoints = found.stages[column]
    return Place(str(stage.id), min(row, len(touchpoints)))


def _maps(session: Session, actor: Actor, journeys: Sequence[Journey]) -> list[JourneyMap]:
    """The maps of the journeys, in three queries however many they are."""
    stages = session.scalars(
        scoped(actor, Stage)
        .where(Stage.journey_id.in_([journey.id for journey in journeys]))
        .order_by(Stage.position, Stage.id)
    ).all()
    touchpoints = session.scalars(
        scoped(actor, Touchpoint)
        .where(Touchpoint.stage_id.in_([stage.id for stage in stages]))
        .order_by(Touchpoint.position, Touchpoint.id)
    ).all()
    of_stage: dict[int, list[Touchpoint]] = {stage.id: [] for stage in stages}
    for touchpoint in touchpoints:
        of_stage[touchpoint.stage_id].append(touchpoint)
    of_journey: dict[int, list[tuple[Stage, Sequence[Touchpoint]]]]
    of_journey = {journey.id: [] for journey in journeys}
    for stage in stages:
        of_journey[stage.journey_id].append((stage, of_stage[stage.id]))
    personas = personas_of_journeys(session, of_journey.keys())
    return [
        JourneyMap(journey, of_journey[journey.id], personas.get(journey.id, ()))
        for journey in journeys
    ]


def rename_journey(
    session: Session, actor: Actor, journey_id: str, name: str | None, now: datetime
) -> JourneyMap:
    """Without a name it keeps its own. Raises `Invalid`, `NotFound`, `Forbidden`."""
    actor.require("journeys:write")
    journey = find(session, actor, Journey, journey_id)
    problems = Problems()
    name = problems.text("name", journey.name if name is None else name, longest=LONGEST_NAME)
    problems.raise_if_any()
    before = journey.name
    if assign(journey, {"name": name}):
        note(
            session, actor, "journey.renamed", now, subject_id=journey.id, name=name, before=before
        )
    session.flush()
    return _maps(session, actor, [journey])[0]


def delete_journey(session: Session, actor: Actor, journey_id: str, now: datetime) -> None:
    """Delete it with its stages and touchpoints; their clicks stay in the reports."""
    actor.require("journeys:write")
    journey = held_journey(session, actor, journey_id)
    _mark(session, journey, None, now)
    note(session, actor, "journey.deleted", now, subject_id=journey.id, name=journey.name)


def restore_journey(session: Session, actor: Actor, journey_id: str, now: datetime) -> JourneyMap:
    """Undo its deletion: the journey, with the stages and touchpoints deleted together with it.

    Raises `NotFound`, `Forbidden`.
    """
    actor.require("journeys:write")
    journey = find_ever(session, actor, Journey, journey_id)
    hold(session, journey.id)
    session.refresh(journey)
    if journey.deleted_at is not None:
        _mark(session, journey, journey.deleted_at, None)
        note(session, actor, "journey.restored", now, subject_id=journey.id, name=journey.name)
    return _maps(session, actor, [journey])[0]


def _mark(
    session: Session, journey: Journey, before: datetime | None, after: datetime | None
) -> None:
    """Give the journey and all in it that is deleted at `before` (None: not) the mark `after`."""
    stages = select(Stage.id).where(Stage.journey_id == journey.id)
    for rows, within in (
        (Touchpoint, Touchpoint.stage_id.in_(stages)),
        (Stage, Stage.journey_id == journey.id),
    ):
        same = rows.deleted_at.is_(None) if before is None else rows.deleted_at == before
        session.execute(update(rows).where(within, same).values(deleted_at=after))
    journey.deleted_at = after
    session.flush()


def _fill(session: Session, journey: Journey, template: str, locale: str, now: datetime) -> None:
    for position, stage_template in enumerate(TEMPLATES[template]):
        stage = Stage(
            workspace_id=journey.workspace_id,
            journey_id=journey.id,
            name=stage_template.name(locale),
            position=position,
        )
        session.add(stage)
        session.flush()
        session.add_all(
            Touchpoint(
                workspace_id=journey.workspace_id,
                stage_id=stage.id,
                name=touchpoint.name(locale),
                channel=touchpoint.channel,
                kind=touchpoint.kind,
                medium=touchpoint.medium,
                moment_of_truth=touchpoint.moment_of_truth,
                position=place,
                created_at=now,
            )
            for place, touchpoint in enumerate(stage_template.touchpoints)
        )
    session.flush()
