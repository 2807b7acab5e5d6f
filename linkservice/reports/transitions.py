"""Where customers are lost between the stages of a journey: the transitions of a period.

Decided here: which days count, what is compared, and what is missing where there is no answer.
A transition are the visitors of a stage on a day, and those of them who were at the next stage on
the same day, in whatever order; nobody is followed from one day to the next. Today is left out: it
is not over. From clicks to conversions, by click ids, a day counts once every conversion that
could still belong to it must have come (the workspace's attribution window).

Not here: how visitors are counted (`clicks.crossings`), which transition is the weakest and how
sure that is (`weakest`).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.calendar import begin_of_day
from linkservice.clicks.model import LinkDay, StageDay
from linkservice.conversions.model import Conversion
from linkservice.journeys.model import Journey, Stage, Touchpoint
from linkservice.links.model import Link
from linkservice.reports.days import days_of_touchpoints
from linkservice.reports.period import Period, choose_period, day_of
from linkservice.reports.sources import PERSONS
from linkservice.reports.weakest import Estimate, estimates, weakest
from linkservice.workspaces.access import Actor, find, scoped
from linkservice.workspaces.model import Workspace

Lack: TypeAlias = Literal["stages", "days", "visitors", "next_visitors", "comparison"]

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """A stage: its `visitors` on the days that count, and the clicks without a token, of whom
    nobody can tell where else they were.

    Of the `clicks` that carried a click id on days whose window is over, `conversions` had their
    last click here; `rate` is None without any. Both are None where nowhere in the journey a click
    was counted that way: nought would read as if the stage had no clicks.
    """

    id: str
    name: str
    visitors: int
    tokenless: int
    clicks: int | None
    conversions: int | None
    rate: float | None


@dataclass(frozen=True, slots=True)
class Transition:
    """Of the `visitors` of a stage `went_on` were at the next one on the same day.

    `rate` is raw, `low` and `high` bound the shrunk rate (95 %); `chance` is the probability
    that it is the journey's weakest, None where it cannot be compared.
    """

    from_id: str
    from_stage: str
    to_id: str
    to_stage: str
    visitors: int
    went_on: int
    rate: float | None
    low: float | None
    high: float | None
    chance: float | None


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing, and at which stages: `stages` (fewer than two), `days` (none that is
    over and counted), `visitors` (of these stages nobody is known), `next_visitors` (nobody at
    all was at both), `comparison` (too few visitors for these transitions to take part).
    """

    code: Lack
    stages: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TransitionReport:
    """The transitions of a journey in the order of its stages.

    `counted_from` and `counted_to` are the days that count, `converted_to` the last one whose
    window for conversions is over; None where there is none. `weakest` is the place of the
    weakest transition, `sure` whether that is more than chance.
    """

    period: Period
    journey_id: str
    journey: str
    counted_from: dt.date | None
    counted_to: dt.date | None
    converted_to: dt.date | None
    steps: Sequence[Step]
    transitions: Sequence[Transition]
    weakest: int | None
    sure: bool
    missing: Sequence[Missing]


@dataclass(frozen=True, slots=True)
class _Days:
    """The days that count, as far as there are any."""

    first: dt.date
    last: dt.date

    def __len__(self) -> int:
        return max((self.last - self.first).days + 1, 0)


def transition_report(
    session: Session,
    actor: Actor,
    journey_id: str,
    *,
    first: dt.date | None,
    last: dt.date | None,
    now: dt.datetime,
) -> TransitionReport:
    """The transitions of one journey, without the clicks of suspected mail scanners.

    Raises `Invalid` (from, to), `NotFound` (journey_id), `Forbidden`.
    """
    actor.require("reports:read")
    workspace = session.get_one(Workspace, actor.workspace_id)
    period = choose_period(first, last, workspace.time_zone, now)
    journey = find(session, actor, Journey, journey_id, "journey_id")
    yesterday = day_of(now, period.time_zone) - DAY
    stages = session.scalars(
        scoped(actor, Stage)
        .where(Stage.journey_id == journey.id, Stage.deleted_at.is_(None))
        .order_by(Stage.position, Stage.id)
    ).all()
    days = _Days(_begun(session, actor, period.first), min(period.last, yesterday))
    window = dt.timedelta(days=workspace.attribution_days)
    over = _Days(period.first, min(period.last, yesterday - window))
    counted = _counted(session, actor, stages, days)
    steps = _steps(session, actor, stages, days, over, counted, period)
    transitions, places = _transitions(stages, counted)
    found = weakest(places)
    return TransitionReport(
        period=period,
        journey_id=str(journey.id),
        journey=journey.name,
        counted_from=days.first if len(days) else None,
        counted_to=days.last if len(days) else None,
        converted_to=over.last if len(over) else None,
        steps=steps,
        transitions=transitions,
        weakest=found.place if found else None,
        sure=found is not None and found.sure,
        missing=_missing(steps, transitions, days),
    )


def _begun(session: Session, actor: Actor, first: dt.date) -> dt.date:
    """The first day of the period, or that on which stages were counted first, if it is later."""
    begun = session.scalar(
        select(func.min(StageDay.local_date)).where(StageDay.workspace_id == actor.workspace_id)
    )
    return max(first, begun or dt.date.max)


def _counted(
    session: Session, actor: Actor, stages: Sequence[Stage], days: _Days
) -> Mapping[tuple[int, int], list[int]]:
    """Visitors by pair of stages, the lower number first, day by day."""
    ids = [stage.id for stage in stages]
    found: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * len(days))
    rows = session.execute(
        select(StageDay.stage_id, StageDay.other_id, StageDay.local_date, StageDay.visitors).where(
            StageDay.workspace_id == actor.workspace_id,
            StageDay.local_date.between(days.first, days.last),
            StageDay.stage_id.in_(ids),
            StageDay.other_id.in_(ids),
        )
    )
    for stage_id, other_id, day, visitors in rows:
        found[stage_id, other_id][(day - days.first).days] = visitors
    return found


def _transitions(
    stages: Sequence[Stage], counted: Mapping[tuple[int, int], list[int]]
) -> tuple[list[Transition], list[Estimate]]:
    pairs = list(pairwise(stages))
    visitors = [counted[one.id, one.id] for one, _ in pairs]
    went_on = [counted[min(one.id, two.id), max(one.id, two.id)] for one, two in pairs]
    found = estimates(went_on, visitors)
    return [
        Transition(
            from_id=str(one.id),
            from_stage=one.name,
            to_id=str(two.id),
            to_stage=two.name,
            visitors=sum(there),
            went_on=sum(both),
            rate=each.rate,
            low=each.low,
            high=each.high,
            chance=each.chance,
        )
        for (one, two), there, both, each in zip(pairs, visitors, went_on, found, strict=True)
    ], found


def _steps(
    session: Session,
    actor: Actor,
    stages: Sequence[Stage],
    days: _Days,
    over: _Days,
    counted: Mapping[tuple[int, int], list[int]],
    period: Period,
) -> list[Step]:
    places = select(Touchpoint.id, Touchpoint.stage_id).where(
        Touchpoint.stage_id.in_([stage.id for stage in stages])
    )
    stage_of = {row.id: row.stage_id for row in session.execute(places)}
    tokenless = _by_stage(_tokenless(session, actor, days), stage_of)
    clicks = _by_stage(_clicks_with_ids(session, actor, over), stage_of)
    conversions = _by_stage(_conversions(session, actor, over, period), stage_of)
    any_at_all = any(clicks.values()) or any(conversions.values())
    return [
        Step(
            id=str(stage.id),
            name=stage.name,
            visitors=sum(counted[stage.id, stage.id]),
            tokenless=tokenless[stage.id],
            clicks=clicks[stage.id] if any_at_all else None,
            conversions=conversions[stage.id] if any_at_all else None,
            rate=conversions[stage.id] / clicks[stage.id] if clicks[stage.id] else None,
        )
        for stage in stages
    ]


def _by_stage(counts: Mapping[int, int], stage_of: Mapping[int, int]) -> defaultdict[int, int]:
    found: defaultdict[int, int] = defaultdict(int)
    for touchpoint_id, count in counts.items():
        if touchpoint_id in stage_of:
            found[stage_of[touchpoint_id]] += count
    return found


def _tokenless(session: Session, actor: Actor, days: _Days) -> dict[int, int]:
    if not len(days):
        return {}
    period = Period(days.first, days.last, "UTC")
    found = days_of_touchpoints(session, PERSONS, actor.workspace_id, period, "tokenless")
    return {touchpoint_id: int(counts.sum()) for touchpoint_id, counts in found.items()}


def _clicks_with_ids(session: Session, actor: Actor, days: _Days) -> dict[int, int]:
    """Clicks of links that append a click id, by touchpoint; whoever asks not to be followed gets
    none and has no token. Where the workspace counts no visitors nobody has one, which tells
    nothing of ids: then all of these clicks count.
    """
    # Deleted ones, too: the conversions of their clicks are among those that are set against these.
    with_ids = select(Link.id).where(Link.workspace_id == actor.workspace_id, Link.append_click_id)
    carried: ColumnElement[int] = LinkDay.clicks.expression
    if session.get_one(Workspace, actor.workspace_id).count_visitors:
        carried = LinkDay.clicks - LinkDay.tokenless
    rows = session.execute(
        select(LinkDay.touchpoint_id, func.sum(carried))
        .where(
            # By the key of the table: a year has days of all links, and these are few.
            LinkDay.link_id.in_(with_ids),
            LinkDay.local_date.between(days.first, days.last),
        )
        .group_by(LinkDay.touchpoint_id)
    )
    return {touchpoint_id: int(count) for touchpoint_id, count in rows}


def _conversions(session: Session, actor: Actor, days: _Days, period: Period) -> dict[int, int]:
    """Reported conversions by the touchpoint of their last click, if that was on these days and
    its link appends click ids still.
    """
    if not len(days):
        return {}
    begin = begin_of_day(days.first, period.time_zone)
    end = begin_of_day(days.last + DAY, period.time_zone)
    rows = session.execute(
        select(Conversion.last_touchpoint_id, func.count())
        .join(Link, Link.id == Conversion.last_link_id)
        .where(
            Conversion.workspace_id == actor.workspace_id,
            Conversion.last_clicked_at >= begin,
            Conversion.last_clicked_at < end,
            Link.append_click_id,
        )
        .group_by(Conversion.last_touchpoint_id)
    )
    return {touchpoint_id: count for touchpoint_id, count in rows if touchpoint_id}


def _missing(
    steps: Sequence[Step], transitions: Sequence[Transition], days: _Days
) -> list[Missing]:
    if len(steps) < 2:
        return [Missing("stages")]
    if not len(days):
        return [Missing("days")]
    found = []
    nobody = [step.name for step in steps if not step.visitors]
    if nobody:
        found.append(Missing("visitors", nobody))
    if len(nobody) < len(steps) and not any(each.went_on for each in transitions):
        found.append(Missing("next_visitors"))
    elif few := [each.from_stage for each in transitions if each.visitors and each.chance is None]:
        found.append(Missing("comparison", few))
    return found
