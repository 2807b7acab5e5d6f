"""What changed: each touchpoint's last days beside what is usual for it, as one frozen result.

Decided here: which visitors count, which touchpoints are looked at, and from when a touchpoint
lives: from its first click. Not here: what is usual (`expected`), what a change is (`change`),
whether it was general (`tide`), which days are no usual ones (`workspaces/public_holidays`), how it
reads (the doors).

Visitors are those of the rates: daily ones, and clicks that carry no token. Today is never
judged: it is not over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import TouchpointDay
from linkservice.errors import Invalid, Problem
from linkservice.journeys.model import Journey, Stage, Touchpoint
from linkservice.links.model import Link
from linkservice.reports.change import (
    HISTORY,
    WINDOW,
    Change,
    Judged,
    Series,
    WindowName,
    judge_changes,
)
from linkservice.reports.days import days_of_touchpoints, visitors_by_day
from linkservice.reports.period import Period, day_of
from linkservice.reports.places import places
from linkservice.reports.sources import PERSONS
from linkservice.reports.tide import Tide, tide_of
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace
from linkservice.workspaces.public_holidays import FreeDay, free_days

FALSE_DISCOVERIES = 0.05
"""Of the changes named, the share that chance makes at most, on average over all reports."""

OLD = timedelta(weeks=8)
"""Before the days that teach what is usual."""

EARLIEST = date.min + timedelta(HISTORY + WINDOW) + OLD
"""The first day that can be judged: so many days were before."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The visitors of some days beside the `expected` ones and their 95 % interval.

    `days` are the usual days of the window: fewer where holidays are left out.
    """

    days: int
    visitors: int
    expected: float
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One touchpoint. `window` names the days that tell it, `yesterday` or `three_days`.

    `false_discovery_rate` is the level at which this would just be a change. `days_needed` more
    usual days are missing where it is too early.
    """

    id: str
    name: str
    stage: str
    stage_id: str
    journey: str
    journey_id: str
    kind: str
    channel: str
    change: Change
    window: WindowName | None
    yesterday: Beside | None
    three_days: Beside | None
    false_discovery_rate: float | None
    days_needed: int | None

    @property
    def told(self) -> Beside | None:
        """The window that tells it; None where nothing is judged."""
        return None if self.window is None else getattr(self, self.window)


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What changed on the three days of `period`: losses first, then gains, then the others.

    `holidays` is the workspace's region, `left_out` the days of the period that are no usual ones,
    `tide` what most touchpoints did together; None where they did not.
    """

    period: Period
    false_discovery_rate: float
    holidays: str | None
    left_out: Sequence[FreeDay]
    tide: Tide | None
    touchpoints: Sequence[ChangeRow]

    def row(self, touchpoint_id: str) -> ChangeRow | None:
        """That touchpoint's; None for one that is deleted."""
        return next((row for row in self.touchpoints if row.id == touchpoint_id), None)


def change_report(
    session: Session,
    actor: Actor,
    *,
    last: date | None = None,
    suspects: bool = False,
    now: datetime,
) -> ChangeReport:
    """Every touchpoint of the workspace on the three full days up to `last` (yesterday); with
    the clicks of suspected mail scanners or without.

    Links count as they are now. Raises `Invalid` (to) for a day that is not over, `Forbidden`.
    """
    actor.require("reports:read")
    workspace = session.get_one(Workspace, actor.workspace_id)
    today = day_of(now, workspace.time_zone)
    last = today - timedelta(1) if last is None else last
    if last >= today:
        raise Invalid(Problem("to", "day_not_over", {"day": last}))
    if last < EARLIEST:
        raise Invalid(Problem("to", "day_too_early", {"day": last}))
    known = Period(last - timedelta(HISTORY + WINDOW - 1), last, workspace.time_zone)
    free = free_days(workspace.holidays, known.first, known.last)
    standing = _places(session, actor)
    series = _series(session, actor, known, [each.id for each, _, _ in standing], suspects, now)
    taken = {each.date for each in free}
    days = known.days()
    weekdays = [day.weekday() for day in days]
    judged = judge_changes(series, weekdays, [day in taken for day in days])
    rows = [_row(*place, each) for place, each in zip(standing, judged, strict=True)]
    rows.sort(key=_rank)
    period = Period(last - timedelta(WINDOW - 1), last, workspace.time_zone)
    left_out = [each for each in free if each.date >= period.first]
    tide = tide_of(rows)
    return ChangeReport(period, FALSE_DISCOVERIES, workspace.holidays, left_out, tide, rows)


def _places(session: Session, actor: Actor) -> Sequence[tuple[Touchpoint, Stage, Journey]]:
    """The touchpoints there are, in the order the journeys give them."""
    every = places(session, actor.workspace_id)
    return [place for place in every if place[0].deleted_at is None]


def _series(
    session: Session,
    actor: Actor,
    known: Period,
    touchpoint_ids: Sequence[int],
    suspects: bool,
    now: datetime,
) -> list[Series]:
    """The days of each of these touchpoints."""
    counted = visitors_by_day(session, actor.workspace_id, known, touchpoint_ids, suspects)
    first, linked = _first_days(session, actor, known, touchpoint_ids), _linked(session, actor, now)
    return [
        Series(days, (known.last - first[each]).days if each in first else None, each in linked)
        for each, days in zip(touchpoint_ids, counted, strict=True)
    ]


def _first_days(
    session: Session, actor: Actor, known: Period, touchpoint_ids: Sequence[int]
) -> Mapping[int, date]:
    """The first day with a click of each touchpoint that has any, or for old ones an early day.

    How much older than `OLD` a touchpoint is makes no difference to what is usual. So only of
    those without a click in those days the rest of the past is asked for.
    """
    before = Period(known.first - OLD, known.first - timedelta(1), known.time_zone)
    # Most of these days are in closed months, which are packed.
    counts = days_of_touchpoints(session, PERSONS, actor.workspace_id, before, "clicks")
    early = {
        each: before.first + timedelta(int((counts[each] > 0).argmax()))
        for each in touchpoint_ids
        if each in counts
    }
    unknown = [each for each in touchpoint_ids if each not in early]
    return early | _first_of(session, actor, unknown, known.last) if unknown else early


def _first_of(
    session: Session, actor: Actor, touchpoint_ids: Sequence[int], last: date
) -> dict[int, date]:
    query = (
        select(TouchpointDay.touchpoint_id, func.min(TouchpointDay.local_date))
        .where(
            TouchpointDay.workspace_id == actor.workspace_id,
            TouchpointDay.clicks > 0,
            TouchpointDay.local_date <= last,
        )
        .group_by(TouchpointDay.touchpoint_id)
    )
    wanted = set(touchpoint_ids)
    return {each: day for each, day in session.execute(query) if each in wanted}


def _linked(session: Session, actor: Actor, now: datetime) -> frozenset[int]:
    """The touchpoints with a link that leads somewhere now; an archived one does."""
    query = select(Link.touchpoint_id).where(
        Link.workspace_id == actor.workspace_id,
        Link.touchpoint_id.is_not(None),
        Link.deleted_at.is_(None),
        Link.active,
        or_(Link.expires_at.is_(None), Link.expires_at > now),
    )
    return frozenset(each for each in session.scalars(query.distinct()) if each is not None)


def _row(touchpoint: Touchpoint, stage: Stage, journey: Journey, judged: Judged) -> ChangeRow:
    windows = {
        each.name: Beside(each.days, each.visitors, each.expected, each.low, each.high)
        for each in judged.windows
    }
    return ChangeRow(
        id=str(touchpoint.id),
        name=touchpoint.name,
        stage=stage.name,
        stage_id=str(stage.id),
        journey=journey.name,
        journey_id=str(journey.id),
        kind=touchpoint.kind,
        channel=touchpoint.channel,
        change=judged.change,
        window=judged.told,
        yesterday=windows.get("yesterday"),
        three_days=windows.get("three_days"),
        false_discovery_rate=judged.adjusted,
        days_needed=judged.days_needed,
    )


_ORDER: Sequence[Change] = ("below", "above", "as_usual", "too_early", "left_out", "no_link")


def _rank(row: ChangeRow) -> tuple[int, float]:
    """Losses before gains, of each the surest first; the others as the journeys have them."""
    changed = row.change in ("below", "above")
    return _ORDER.index(row.change), (row.false_discovery_rate or 0.0) if changed else 0.0
