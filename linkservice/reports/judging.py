"""What the judge is told of a touchpoint, by metric, and which judge is asked.

Decided here: what each metric counts and what it sets that against. Not here: where counts come
from (`queries`, `touchpoint_sums`, `conversions`), what follows from them (`ranking`, `worth`,
`movement`).

Value is set against reach; where none is known of a touchpoint, against its visitors, which are
a unit of their own. The trend compares rates per reach where there is reach now and before, else
visitors a day. Units are never compared.

A touchpoint with more visitors than reach is told of (`exceeds_reach`), judged and among the peers
all the same: of a printed copy many may see one, so it need not be wrong, and whom to leave out
must not depend on how many came, or the standard of the others would be too low.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

import numpy as np
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.journeys.model import Journey, Stage, Touchpoint
from linkservice.reports.conversions import Converted
from linkservice.reports.days import days_of_touchpoints
from linkservice.reports.exposure import Reached, live_days, reached
from linkservice.reports.families import PROPORTIONS, RATES
from linkservice.reports.judgements import judgements_on
from linkservice.reports.movement import Moved, judge_movement
from linkservice.reports.period import Period
from linkservice.reports.ranking import Days, Judgement, Observation
from linkservice.reports.results import OF_CLICKS, Metric
from linkservice.reports.sources import sources
from linkservice.reports.touchpoint_sums import TouchpointSums
from linkservice.reports.trend import days_over, weeks_before
from linkservice.reports.worth import judge_value
from linkservice.workspaces.access import Actor


@dataclass(frozen=True, slots=True)
class Line:
    """A touchpoint, where it stands, and what the period says of it."""

    touchpoint: Touchpoint
    stage: Stage
    journey: Journey
    counted: TouchpointSums
    converted: Converted
    reached: Reached

    def is_of(self, journey: Journey | None) -> bool:
        """Whether it stands in `journey`; in any, if none is asked for."""
        return journey is None or self.journey.id == journey.id

    @property
    def is_shown(self) -> bool:
        """A deleted touchpoint is, for what the period still counts of it."""
        anything = self.counted.clicks or self.converted.conversions
        return self.touchpoint.deleted_at is None or bool(anything)

    @property
    def visitors(self) -> int:
        """With a token or without, as rates count them."""
        return self.counted.visitors + self.counted.tokenless

    @property
    def exceeds_reach(self) -> bool:
        """Whether more came than could have: the reach that is entered is to be checked."""
        return 0 < self.reached.amount < self.visitors

    def observed(self, unit: str | None, counts: Days, exposure: Days) -> Observation:
        """Its days, as the judge is told of them."""
        return Observation(
            touchpoint_id=self.touchpoint.id,
            stage_id=self.stage.id,
            journey_id=self.journey.id,
            kind=self.touchpoint.kind,
            unit=unit,
            counts=counts,
            exposure=exposure,
        )


@dataclass(frozen=True, slots=True)
class Earlier:
    """The same weekdays before, by touchpoint: visitors as rates count them, and reach; of days
    that are over alone, as many as `days`.
    """

    period: Period
    days: int
    visitors: Mapping[int, Sequence[int] | Ints]
    reached: Mapping[int, Reached]


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement, and the unit its rate is per: one of reach, "visitor", "day" or "click"."""

    judgement: Judgement
    per: str | None


def earlier_days(
    session: Session, actor: Actor, period: Period, suspects: bool, today: date
) -> Earlier | None:
    """What a trend compares with, of the whole weeks before; None where that would be before the
    calendar began.
    """
    before = weeks_before(period)
    if before is None:
        return None
    read = sources(session, actor.workspace_id, before, suspects)
    found = days_of_touchpoints(session, read, actor.workspace_id, before, "visitors")
    return Earlier(
        before,
        days_over(period, today),
        found,
        reached(session, actor, before, today),
    )


def judged(
    lines: Sequence[Line], metric: Metric, period: Period, today: date, earlier: Earlier | None
) -> list[Judged]:
    """The verdict on each line, in their order; `earlier` is what the metric trend needs."""
    if metric == "trend":
        moved = [_moved(line, period, today, earlier) for line in lines]
        return _with_units(judge_movement(moved), [each.now for each in moved])
    observed = [_observation(line, metric, period, today) for line in lines]
    if metric == "value_per_reach":
        found = judge_value(observed, [line.converted.daily for line in lines])
    else:
        found = judgements_on(observed, PROPORTIONS if metric in OF_CLICKS else RATES)
    return _with_units(found, observed)


def exact_rate(line: Line, metric: Metric, found: Judged) -> float | None:
    """The rate as the figures of the row divide, to the digit: the judge adds up floats."""
    if found.judgement.rate is None:
        return None
    counted, amount = line.counted, Fraction(line.reached.amount)
    if metric == "visitors_per_reach":
        return float(line.visitors / amount)
    if metric == "conversions_per_click":
        return line.converted.conversions / counted.clicks
    if metric == "scans_per_click":
        return counted.scans / counted.clicks
    if metric == "value_per_reach":
        of = Fraction(line.visitors) if found.per == "visitor" else amount
        return float(line.converted.value / of)
    return found.judgement.rate


def _with_units(found: Sequence[Judgement], observed: Sequence[Observation]) -> list[Judged]:
    return [Judged(each, of.unit) for each, of in zip(found, observed, strict=True)]


def _observation(line: Line, metric: Metric, period: Period, today: date) -> Observation:
    """What the judge is told of a touchpoint; its target rate is one of visitors per reach."""
    daily, reach = line.counted.daily, line.reached
    if metric == "clicks_per_day":
        return line.observed("day", daily, live_days(line.touchpoint, daily, period, today))
    if metric == "conversions_per_click":
        return line.observed("click", line.converted.daily, daily)
    if metric == "scans_per_click":
        return line.observed("click", line.counted.daily_scans, daily)
    if metric == "value_per_reach":
        value = line.converted.daily_value
        if reach.unit is None:
            return line.observed("visitor", value, daily)
        return line.observed(reach.unit, value, reach.daily)
    return replace(
        line.observed(reach.unit, daily, reach.daily), target_rate=line.touchpoint.target_rate
    )


def _moved(line: Line, period: Period, today: date, earlier: Earlier | None) -> Moved:
    """A touchpoint's visitors of the days that are over, and of those before."""
    if earlier is None:
        nothing = line.observed("day", [], [])
        return Moved(nothing, nothing)
    number, over = line.touchpoint.id, earlier.days
    nobody = np.zeros(len(period), np.int64)
    now, before = line.counted.daily[:over], earlier.visitors.get(number, nobody)[:over]
    reach, reach_before = line.reached, earlier.reached.get(number)
    if reach_before and reach.daily[:over].any() and reach_before.daily[:over].any():
        exposure, exposure_before = reach.daily[:over], reach_before.daily[:over]
        unit = reach.unit
    else:
        unit = "day"
        exposure = live_days(line.touchpoint, now, period, today)[:over]
        exposure_before = live_days(line.touchpoint, before, earlier.period, today)[:over]
    return Moved(line.observed(unit, now, exposure), line.observed(unit, before, exposure_before))
