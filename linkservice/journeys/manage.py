"""Journeys, stages and touchpoints: made, changed, deleted. Reach is in `reach.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from linkservice.errors import Conflict, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import KINDS, LONGEST_NAME, MEDIA, Journey, Stage, Touchpoint
from linkservice.journeys.template import TEMPLATES
from linkservice.workspaces.access import Actor, find, page, scoped
from linkservice.workspaces.model import LOCALES, Workspace

LONGEST_CHANNEL = 50
LAST_POSITION = 100_000
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
    """The fields of a touchpoint that can be changed; a stage of the same journey only."""

    stage_id: str
    name: str
    channel: str
    kind: str
    medium: str
    moment_of_truth: bool
    target_rate: float | None


class StageChanges(TypedDict, total=False):
    """The fields of a stage that can be changed."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class JourneyMap:
    """A journey with its stages in order, each with its touchpoints in order."""

    journey: Journey
    stages: Sequence[tuple[Stage, Sequence[Touchpoint]]]


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


def _maps(session: Session, actor: Actor, journeys: Sequence[Journey]) -> list[JourneyMap]:
    """The maps of the journeys, in two queries however many they are."""
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
    return [JourneyMap(journey, of_journey[journey.id]) for journey in journeys]


def rename_journey(session: Session, actor: Actor, journey_id: str, name: str) -> JourneyMap:
    """Raises `Invalid`, `NotFound`, `Forbidden`."""
    actor.require("journeys:write")
    journey = find(session, actor, Journey, journey_id)
    problems = Problems()
    journey.name = problems.text("name", name, longest=LONGEST_NAME)
    problems.raise_if_any()
    session.flush()
    return _maps(session, actor, [journey])[0]


def delete_journey(session: Session, actor: Actor, journey_id: str, now: datetime) -> None:
    """Delete it with its stages and touchpoints; their clicks stay in the reports."""
    actor.require("journeys:write")
    journey = find(session, actor, Journey, journey_id)
    journey.deleted_at = now
    for stage in session.scalars(scoped(actor, Stage).where(Stage.journey_id == journey.id)):
        _delete_stage(session, stage, now)
    session.flush()


def create_stage(
    session: Session, actor: Actor, journey_id: str, name: str, position: int | None = None
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
    journey = find(session, actor, Journey, journey_id, "journey_id")
    stage = Stage(
        workspace_id=actor.workspace_id,
        journey_id=journey.id,
        name=name,
        position=_count(session, actor, journey.id),
    )
    session.add(stage)
    session.flush()
    if position is not None:
        _move_stage(session, actor, stage, position)
    return stage


def one_stage(session: Session, actor: Actor, stage_id: str) -> Stage:
    """One stage. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:read")
    return find(session, actor, Stage, stage_id)


def change_stage(session: Session, actor: Actor, stage_id: str, changes: StageChanges) -> Stage:
    """Rename or move a stage. Raises `Invalid`, `NotFound`, `Forbidden`."""
    actor.require("journeys:write")
    stage = find(session, actor, Stage, stage_id)
    problems = Problems()
    if "name" in changes:
        stage.name = problems.text("name", changes["name"], longest=LONGEST_NAME)
    if "position" in changes:
        problems.number("position", changes["position"], low=0, high=LAST_POSITION)
    problems.raise_if_any()
    if "position" in changes:
        _move_stage(session, actor, stage, changes["position"])
    session.flush()
    return stage


def delete_stage(session: Session, actor: Actor, stage_id: str, now: datetime) -> None:
    """Delete it with its touchpoints; their clicks stay in the reports."""
    actor.require("journeys:write")
    _delete_stage(session, find(session, actor, Stage, stage_id), now)
    session.flush()


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
    stage = find(session, actor, Stage, new.stage_id, "stage_id")
    touchpoint.stage_id = stage.id
    touchpoint.position = _next_in_stage(session, stage.id)
    session.add(touchpoint)
    session.flush()
    return touchpoint


def one_touchpoint(session: Session, actor: Actor, touchpoint_id: str) -> Touchpoint:
    """One touchpoint. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:read")
    return find(session, actor, Touchpoint, touchpoint_id)


def change_touchpoint(
    session: Session, actor: Actor, touchpoint_id: str, changes: TouchpointChanges
) -> Touchpoint:
    """Change any field; to another stage of the same journey only, since visitors are
    counted per journey when they come. Raises `Invalid`, `NotFound`, `Forbidden`.
    """
    actor.require("journeys:write")
    touchpoint = find(session, actor, Touchpoint, touchpoint_id)
    problems = Problems()
    if "name" in changes:
        touchpoint.name = problems.text("name", changes["name"], longest=LONGEST_NAME)
    if "channel" in changes:
        touchpoint.channel = problems.text("channel", changes["channel"], longest=LONGEST_CHANNEL)
    if "kind" in changes:
        touchpoint.kind = problems.one_of("kind", changes["kind"], KINDS)
    if "medium" in changes:
        touchpoint.medium = problems.one_of("medium", changes["medium"], MEDIA)
    if "moment_of_truth" in changes:
        touchpoint.moment_of_truth = changes["moment_of_truth"]
    if "target_rate" in changes:
        touchpoint.target_rate = _target_rate(problems, changes["target_rate"])
    problems.raise_if_any()
    if "stage_id" in changes:
        _move_touchpoint(session, actor, touchpoint, changes["stage_id"])
    session.flush()
    return touchpoint


def delete_touchpoint(session: Session, actor: Actor, touchpoint_id: str, now: datetime) -> None:
    """Delete it; its links go on and their clicks stay in its row of the reports."""
    actor.require("journeys:write")
    find(session, actor, Touchpoint, touchpoint_id).deleted_at = now
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


def _delete_stage(session: Session, stage: Stage, now: datetime) -> None:
    stage.deleted_at = now
    session.execute(
        update(Touchpoint)
        .where(Touchpoint.stage_id == stage.id, Touchpoint.deleted_at.is_(None))
        .values(deleted_at=now)
    )


def _count(session: Session, actor: Actor, journey_id: int) -> int:
    query = scoped(actor, Stage).where(Stage.journey_id == journey_id).subquery()
    return session.scalar(select(func.count()).select_from(query)) or 0


def _move_stage(session: Session, actor: Actor, stage: Stage, position: int) -> None:
    """Put it at `position` among the journey's stages and number them all anew."""
    others = session.scalars(
        scoped(actor, Stage)
        .where(Stage.journey_id == stage.journey_id, Stage.id != stage.id)
        .order_by(Stage.position, Stage.id)
    ).all()
    ordered = [*others[:position], stage, *others[position:]]
    for number, each in enumerate(ordered):
        each.position = number
    session.flush()


def _next_in_stage(session: Session, stage_id: int) -> int:
    highest = session.scalar(
        select(func.max(Touchpoint.position)).where(Touchpoint.stage_id == stage_id)
    )
    return 0 if highest is None else highest + 1


def _move_touchpoint(session: Session, actor: Actor, touchpoint: Touchpoint, stage_id: str) -> None:
    stage = find(session, actor, Stage, stage_id, "stage_id")
    if stage.journey_id != session.get_one(Stage, touchpoint.stage_id).journey_id:
        raise Conflict(Problem("stage_id", "stage_of_other_journey"))
    if stage.id != touchpoint.stage_id:
        touchpoint.stage_id = stage.id
        touchpoint.position = _next_in_stage(session, stage.id)


def _target_rate(problems: Problems, value: float | None) -> float | None:
    if value is not None and not SMALLEST_RATE <= value <= LARGEST_RATE:
        problems.add(
            "target_rate",
            "bad_target_rate",
            smallest=f"{SMALLEST_RATE:.12f}",
            largest=f"{LARGEST_RATE:,.0f}",
        )
    return value
