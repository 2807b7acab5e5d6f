"""The call of the report on moments of truth."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from linkservice.api.door import Call, Calls
from linkservice.api.reports import PeriodAnswer, PeriodQuery, period_answer
from linkservice.api.values import Answer, Id, one_of
from linkservice.reports.moments import Moment, Outcome, moments_report
from linkservice.reports.results import METRICS, Metric

MOMENTS_REPORT = Calls("Reports")


class MomentsQuery(PeriodQuery):
    """Which journey (that with the most clicks if none is named), and what performance is."""

    journey_id: Id | None = None
    metric: Annotated[str, one_of(METRICS)] = METRICS[0]


class MomentsAnswer(Answer):
    """The touchpoints of a journey by importance × performance: association, not cause.

    `outcome` is what importance is an association with, on the `days` full days from `since` to
    `until`; `dividing` is its mean, None where it cannot be told.
    """

    period: PeriodAnswer
    metric: Metric
    journey_id: Id | None
    journey: str | None
    outcome: Outcome
    since: dt.date
    until: dt.date
    days: int
    conversions: int
    dividing: float | None
    touchpoints: list[Moment]


@MOMENTS_REPORT.call(
    "GET",
    "/reports/moments",
    scope="reports:read",
    takes=MomentsQuery,
    answers=MomentsAnswer,
    refers=True,
)
def report_moments(call: Call, given: MomentsQuery) -> MomentsAnswer:
    """Report moments of truth"""
    found = moments_report(
        call.session,
        call.actor,
        journey_id=given.journey_id,
        first=given.first,
        last=given.last,
        metric=given.metric,
        suspects=given.scanners == "include",
        now=call.now,
    )
    return MomentsAnswer(
        period=period_answer(found.period),
        metric=found.metric,
        journey_id=found.journey_id,
        journey=found.journey,
        outcome=found.outcome,
        since=found.since,
        until=found.until,
        days=found.days,
        conversions=found.conversions,
        dividing=found.dividing,
        touchpoints=list(found.touchpoints),
    )
