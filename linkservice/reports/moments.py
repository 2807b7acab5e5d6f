"""Moments of truth: which touchpoints matter to a journey's outcome, and do well or badly there.

Importance × performance (Martilla & James 1977, *Journal of Marketing* 41), with importance derived
from what happened instead of asked for. It is association, not cause: a touchpoint may go along
with conversions because both follow a third thing.

Decided here: what the outcome is, which days and touchpoints can be told, and which quadrant is
whose. The outcome are the conversions of the journey or, where it has too few, the visitors of its
other touchpoints: with its own it would be compared with itself. Importance is `association` over
the days up to the end of the period, at least `LEAST_WINDOW` where there are as many; its dividing
line is the mean of the journey. Performance is the rate over the mean of the peers, in the period
itself, the figure and the verdict of the ranking, so that both pages say the same of a touchpoint;
its interval is that of the shrunk rate. Its line is the verdicts' margin, a tenth below the peers:
what does about as well is not to be strengthened.

A touchpoint has a quadrant as soon as both can be told. It is certain where the interval of the
association lies on one side of the mean and the verdict is best or worst, as the quadrant has it;
else it leans there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import TouchpointDay
from linkservice.journeys.model import Journey, Touchpoint
from linkservice.reports.association import association
from linkservice.reports.conversions import converted
from linkservice.reports.days import visitors_by_day
from linkservice.reports.dispersion import Floats
from linkservice.reports.period import Period, day_of
from linkservice.reports.queries import JUDGED, report_with_other_sides, touchpoint_report
from linkservice.reports.ranking import MARGIN, Verdict
from linkservice.reports.results import Metric, TouchpointReport, TouchpointRow
from linkservice.workspaces.access import Actor, find, scoped

LEAST_WINDOW = 84
"""Days importance looks at, if there are as many: twelve of each weekday."""

LEAST_DAYS = 42
"""Fewer tell nothing: six of each weekday."""

LEAST_DAYS_WITH = 14
"""On so many days there must be visitors, and an outcome."""

LEAST_TOUCHPOINTS = 4
"""Importance is relative to the others of the journey."""

Outcome: TypeAlias = Literal["conversions", "visitors"]
Quadrant: TypeAlias = Literal["strengthen", "keep_up", "can_wait", "good_enough"]
Missing: TypeAlias = Literal["days", "visitors", "outcome", "touchpoints", "verdict"]

QUADRANTS: tuple[Quadrant, ...] = ("strengthen", "keep_up", "can_wait", "good_enough")


@dataclass(frozen=True, slots=True)
class Moment:
    """A touchpoint: how far its visitors go along with the outcome (−1 to 1, with a 95 % interval),
    and how many times its peers' mean its rate is.

    `missing` says why it has no quadrant: too few days of recording, or of visitors, or of the
    outcome; too few touchpoints to compare with; no verdict. `flagged` is who the journey's map
    marks as a moment of truth.
    """

    id: str
    name: str
    stage: str
    channel: str
    flagged: bool
    visitors: int
    association: float | None
    association_low: float | None
    association_high: float | None
    performance: float | None
    performance_low: float | None
    performance_high: float | None
    verdict: Verdict
    quadrant: Quadrant | None
    certain: bool
    missing: Sequence[Missing]


@dataclass(frozen=True, slots=True)
class MomentsReport:
    """The touchpoints of a journey, those with a quadrant first, the most important on top.

    `days` is how many full days importance looks at, from `since` to `until`; `dividing` is the
    mean association, None where it cannot be told. `conversions` are those of these days. Without
    a journey (`journey_id` None) there is nothing.
    """

    period: Period
    metric: Metric
    journey_id: str | None
    journey: str | None
    outcome: Outcome
    since: dt.date
    until: dt.date
    days: int
    conversions: int
    dividing: float | None
    touchpoints: Sequence[Moment]


@dataclass(frozen=True, slots=True)
class Beside:
    """What a page says beside the report: by id, the rows by value that say the contrary of a
    verdict, in the report's `currency`; and the rows with more visitors than reach, where reach is
    what they are judged by.
    """

    currency: str
    by_value: Mapping[str, TouchpointRow]
    exceeding: Sequence[TouchpointRow] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """Daily figures of touchpoints (rows) on the days of `window` (columns)."""

    window: Period
    visitors: Floats
    conversions: Floats


@dataclass(frozen=True, slots=True)
class _Importance:
    """What can be told of each touchpoint; None where nothing can, and then why."""

    of: Mapping[int, tuple[float, float, float]]
    missing: Sequence[Sequence[Missing]]
    dividing: float | None
    outcome: Outcome


def moments_report(
    session: Session,
    actor: Actor,
    *,
    journey_id: str | None = None,
    first: dt.date | None,
    last: dt.date | None,
    metric: str = "visitors_per_reach",
    suspects: bool = False,
    now: dt.datetime,
) -> MomentsReport:
    """The moments of truth of a journey, if none is named of that with the most clicks; with the
    clicks of suspected mail scanners or without.

    Raises `Invalid` (from, to, metric), `NotFound` (journey_id), `Forbidden`.
    """
    if journey_id is not None:
        find(session, actor, Journey, journey_id, "journey_id")
    report = touchpoint_report(
        session, actor, first=first, last=last, metric=metric, suspects=suspects, now=now
    )
    return _of_journey(session, actor, journey_id, report, suspects, now)


def moments_and_beside(
    session: Session,
    actor: Actor,
    *,
    journey_id: str | None = None,
    first: dt.date | None,
    last: dt.date | None,
    metric: str = "visitors_per_reach",
    suspects: bool = False,
    now: dt.datetime,
) -> tuple[MomentsReport, Beside]:
    """`moments_report`, and what is to be said beside it. Raises as that does."""
    if journey_id is not None:
        find(session, actor, Journey, journey_id, "journey_id")
    report, contrary = report_with_other_sides(
        session, actor, first=first, last=last, metric=metric, suspects=suspects, now=now
    )
    found = _of_journey(session, actor, journey_id, report, suspects, now)
    shown = {each.id for each in found.touchpoints}
    by_reach = metric == "visitors_per_reach"
    exceeding = [row for row in report.touchpoints if row.exceeds_reach and row.id in shown]
    return found, Beside(report.currency, contrary, exceeding if by_reach else ())


def _of_journey(
    session: Session,
    actor: Actor,
    journey_id: str | None,
    report: TouchpointReport,
    suspects: bool,
    now: dt.datetime,
) -> MomentsReport:
    there = [row for row in report.touchpoints if row.id is not None and not row.deleted]
    chosen = journey_id or _busiest(there)
    rows = [row for row in there if row.journey_id == chosen]
    window = _window(session, actor, rows, report.period, now)
    counted = _counted(session, actor, rows, window, suspects)
    return moments(report, chosen, rows, counted, _flagged(session, actor))


def moments(
    report: TouchpointReport,
    journey_id: str | None,
    rows: Sequence[TouchpointRow],
    counted: Counted,
    flagged: frozenset[str] = frozenset(),
) -> MomentsReport:
    """The report made of a journey's rows and their days."""
    importance = _importance(counted)
    found = [
        _moment(row, place, importance, int(counted.visitors[place].sum()), row.id in flagged)
        for place, row in enumerate(rows)
    ]
    found.sort(key=_rank)
    window = counted.window
    return MomentsReport(
        period=report.period,
        metric=report.metric,
        journey_id=journey_id,
        journey=rows[0].journey if rows else None,
        outcome=importance.outcome,
        since=window.first,
        until=window.last,
        days=counted.visitors.shape[1],
        conversions=int(counted.conversions.sum()),
        dividing=importance.dividing,
        touchpoints=found,
    )


def _importance(counted: Counted) -> _Importance:
    visitors, window = counted.visitors, counted.window
    days = visitors.shape[1]
    conversions = np.tile(counted.conversions.sum(axis=0), (len(visitors), 1))
    enough = (conversions > 0).sum(axis=1) >= LEAST_DAYS_WITH
    outcome: Outcome = "conversions" if enough.any() else "visitors"
    against = conversions if outcome == "conversions" else visitors.sum(axis=0) - visitors
    missing: list[list[Missing]] = []
    for mine, theirs in zip(visitors, against, strict=True):
        lacks: list[Missing] = []
        if days < LEAST_DAYS:
            lacks.append("days")
        if (mine > 0).sum() < LEAST_DAYS_WITH:
            lacks.append("visitors")
        if (theirs > 0).sum() < LEAST_DAYS_WITH:
            lacks.append("outcome")
        missing.append(lacks)
    told = [place for place, lacks in enumerate(missing) if not lacks]
    if len(told) < LEAST_TOUCHPOINTS:
        for place in told:
            missing[place].append("touchpoints")
        return _Importance({}, missing, None, outcome)
    weekdays = np.array([day.weekday() for day in window.days()])
    found = association(visitors[told], against[told], weekdays)
    of = {
        place: (float(found.believed[n]), float(found.low[n]), float(found.high[n]))
        for n, place in enumerate(told)
    }
    return _Importance(of, missing, found.mean, outcome)


def _moment(
    row: TouchpointRow, place: int, importance: _Importance, visitors: int, flagged: bool
) -> Moment:
    believed, low, high = importance.of.get(place, (None, None, None))
    missing = list(importance.missing[place])
    performance = _performance(row)
    if performance is None:
        missing.append("verdict")
    quadrant: Quadrant | None = None
    certain = False
    dividing = importance.dividing
    if believed is not None and performance is not None and dividing is not None:
        does_well = performance[0] >= MARGIN
        quadrant = _QUADRANTS[believed >= dividing, does_well]
        clear = low is not None and high is not None and not low <= dividing <= high
        certain = clear and row.verdict == ("best" if does_well else "worst")
    ratio, least, most = performance or (None, None, None)
    return Moment(
        id=row.id or "",
        name=row.name or "",
        stage=row.stage or "",
        channel=row.channel or "",
        flagged=flagged,
        visitors=visitors,
        association=believed,
        association_low=low,
        association_high=high,
        performance=ratio,
        performance_low=least,
        performance_high=most,
        verdict=row.verdict,
        quadrant=quadrant,
        certain=certain,
        missing=missing,
    )


_QUADRANTS: Mapping[tuple[bool, bool], Quadrant] = {
    (True, False): "strengthen",
    (True, True): "keep_up",
    (False, False): "can_wait",
    (False, True): "good_enough",
}
"""By whether it matters more than the others, and whether it does at least as well."""


def _performance(row: TouchpointRow) -> tuple[float, float, float] | None:
    """The rate, and the ends of the interval of the shrunk rate, ÷ the mean of the peers."""
    if row.verdict not in JUDGED or row.peers is None or not row.peers.mean:
        return None
    if row.rate is None or row.low is None or row.high is None:
        return None
    mean = row.peers.mean
    return row.rate / mean, row.low / mean, row.high / mean


def _rank(each: Moment) -> tuple[bool, float, int]:
    return each.quadrant is None, -(each.association or 0.0), -each.visitors


def _busiest(rows: Sequence[TouchpointRow]) -> str | None:
    """The journey with the most clicks; None where there is none."""
    clicks: dict[str | None, int] = {}
    for row in rows:
        clicks[row.journey_id] = clicks.get(row.journey_id, 0) + row.clicks
    return max(clicks, key=lambda key: clicks[key], default=None)


def _window(
    session: Session,
    actor: Actor,
    rows: Sequence[TouchpointRow],
    period: Period,
    now: dt.datetime,
) -> Period:
    """The full days importance looks at: up to the end of the period, from the journey's first
    click on. A day alone where there is none.
    """
    yesterday = day_of(now, period.time_zone) - dt.timedelta(days=1)
    last = min(period.last, yesterday)
    earliest = last - dt.timedelta(days=max(len(period), LEAST_WINDOW) - 1)
    began = session.scalar(
        select(func.min(TouchpointDay.local_date)).where(
            TouchpointDay.workspace_id == actor.workspace_id,
            TouchpointDay.local_date >= earliest,
            TouchpointDay.touchpoint_id.in_([int(row.id or 0) for row in rows]),
        )
    )
    first = max(earliest, began) if began is not None else last
    return Period(min(first, last), last, period.time_zone)


def _counted(
    session: Session,
    actor: Actor,
    rows: Sequence[TouchpointRow],
    window: Period,
    suspects: bool,
) -> Counted:
    """The days of the touchpoints: visitors and clicks without a token, and conversions."""
    places = {int(row.id or 0): place for place, row in enumerate(rows)}
    days = visitors_by_day(session, actor.workspace_id, window, list(places), suspects)
    visitors = days.astype(np.float64)
    conversions = np.zeros_like(visitors)
    for touchpoint_id, each in converted(session, actor.workspace_id, window, "last").items():
        if touchpoint_id in places:
            conversions[places[touchpoint_id]] = each.daily
    return Counted(window, visitors, conversions)


def _flagged(session: Session, actor: Actor) -> frozenset[str]:
    """Which touchpoints the maps mark as moments of truth."""
    query = scoped(actor, Touchpoint).where(Touchpoint.moment_of_truth)
    return frozenset(str(each.id) for each in session.scalars(query))
