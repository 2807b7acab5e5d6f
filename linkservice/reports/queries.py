"""The figures of a report: sums over the roll-ups, then the verdicts, then one result.

Decided here: which rows and days a report sums, and the order of the rows. Not here: which
days a period has (`period`), what the clicks are set against (`judging`, `exposure`), the verdict
(`ranking`), how a report is shown (`results`, the doors). Single clicks are never read, so
a report stays the same when they are pruned.

The database sums; at most one row per touchpoint and day is left for Python.
"""

from __future__ import annotations

import datetime as dt
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.clicks.ledger_model import Unrecorded
from linkservice.clicks.model import DomainDay, SuspectedDay
from linkservice.errors import Invalid
from linkservice.fields import Problems
from linkservice.journeys.model import Journey, Stage, Touchpoint
from linkservice.reports.conversions import ATTRIBUTIONS, Attribution, Converted, converted
from linkservice.reports.exposure import Reached, reached
from linkservice.reports.filtered_ranking import JUDGED as JUDGED_IF_FILTERED
from linkservice.reports.filtered_ranking import filtered_earlier, filtered_sums
from linkservice.reports.filters import NO_FILTERS, Filters
from linkservice.reports.judging import Judged, Line, earlier_days, exact_rate, judged
from linkservice.reports.other_side import OTHER, other_sides
from linkservice.reports.period import Period, choose_period, day_of
from linkservice.reports.places import places
from linkservice.reports.results import (
    METRICS,
    Metric,
    TouchpointReport,
    TouchpointRow,
    TouchpointTotals,
)
from linkservice.reports.sources import NO_TOUCHPOINT, PERSONS, sources, suspected
from linkservice.reports.touchpoint_sums import TouchpointSums, touchpoint_sums
from linkservice.workspaces.access import Actor, find
from linkservice.workspaces.model import Workspace

JUDGED = ("best", "as_expected", "worst")


def touchpoint_report(
    session: Session,
    actor: Actor,
    *,
    first: dt.date | None,
    last: dt.date | None,
    journey_id: str | None = None,
    metric: str = "visitors_per_reach",
    attribution: str = "last",
    suspects: bool = False,
    filters: Filters = NO_FILTERS,
    now: dt.datetime,
) -> TouchpointReport:
    """Every touchpoint of the workspace, or of one journey, with its figures and verdict; with
    the clicks of suspected mail scanners or without. Conversions count for the touchpoint of
    their last click or of their first, as `attribution` says. With `filters` only the clicks that
    meet them count, as `filtered_ranking` says.

    A deleted touchpoint is there if it has clicks or conversions in the period, the links without a
    touchpoint if anything of them was counted. All touchpoints are judged together even if
    one journey is shown: a verdict is the same wherever it is read. Raises `Invalid` (from,
    to, metric, attribution), `NotFound` (journey_id), `Forbidden`.
    """
    question = _question(session, actor, first, last, metric, attribution, suspects, now)
    if journey_id is not None:
        journey = find(session, actor, Journey, journey_id, "journey_id")
        question = replace(question, journey=journey)
    if filters:
        return _filtered(session, actor, question, filters)
    return _judged(session, actor, question)[0]


def report_with_other_sides(
    session: Session,
    actor: Actor,
    *,
    first: dt.date | None,
    last: dt.date | None,
    metric: str = "visitors_per_reach",
    attribution: str = "last",
    suspects: bool = False,
    now: dt.datetime,
) -> tuple[TouchpointReport, dict[str, TouchpointRow]]:
    """`touchpoint_report` of the whole workspace; and, by their ids, the rows by value that say the
    contrary of a verdict by visitors per reach. Raises as that does.
    """
    question = _question(session, actor, first, last, metric, attribution, suspects, now)
    report, lines, verdicts = _judged(session, actor, question)
    if question.metric != "visitors_per_reach":
        return report, {}
    found = other_sides(lines, verdicts, question.period, question.today)
    rows = [_row(lines[place], each, OTHER) for place, each in found.items()]
    return report, {str(row.id): row for row in rows}


def _judged(
    session: Session, actor: Actor, question: _Question
) -> tuple[TouchpointReport, list[Line], list[Judged]]:
    """The report on all clicks, with the lines that were judged and their verdicts."""
    period, asked, by = question.period, question.metric, question.attribution
    suspects, today, journey = question.suspects, question.today, question.journey
    read = sources(session, actor.workspace_id, period, suspects)
    counted = touchpoint_sums(session, read, actor.workspace_id, period, asked)
    conversions = converted(session, actor.workspace_id, period, by)
    reach = reached(session, actor, period, today)
    lines = _lines(session, actor, period, counted, conversions, reach)
    standing = [line for line in lines if line.is_shown]
    earlier = None
    if asked == "trend":
        earlier = earlier_days(session, actor, period, suspects, today)
    verdicts = judged(standing, asked, period, today, earlier)
    rows = [
        _row(line, verdict, asked)
        for line, verdict in zip(standing, verdicts, strict=True)
        if line.is_of(journey)
    ]
    rows.sort(key=_rank)
    parts = [line.counted for line in lines if line.is_of(journey)]
    gained = [line.converted for line in lines if line.is_of(journey)]
    elsewhere = 0, 0, 0
    if journey is None:
        elsewhere = _elsewhere(session, actor, period)
        if NO_TOUCHPOINT in counted or NO_TOUCHPOINT in conversions:
            parts.append(counted.get(NO_TOUCHPOINT, TouchpointSums(())))
            gained.append(conversions.get(NO_TOUCHPOINT, Converted([], [])))
            rows.append(_row_without_touchpoint(parts[-1], gained[-1]))
    suspicious = 0 if read is PERSONS else _suspected(session, actor, period, journey)
    totals = _totals(parts, gained, suspicious, *elsewhere)
    report = TouchpointReport(period, asked, by, question.currency, totals, rows)
    return report, standing, verdicts


@dataclass(frozen=True, slots=True)
class _Question:
    """What a report is asked for, checked; without a `journey` it is on the whole workspace."""

    period: Period
    metric: Metric
    attribution: Attribution
    currency: str
    suspects: bool
    today: dt.date
    journey: Journey | None = None


def _filtered(
    session: Session, actor: Actor, asked: _Question, filters: Filters
) -> TouchpointReport:
    """The report on the clicks that meet the filters; what a filter leaves no rate of has none."""
    workspace_id, metric, suspects = actor.workspace_id, asked.metric, asked.suspects
    found = filtered_sums(session, workspace_id, asked.period, filters, metric, suspects=suspects)
    lines = _lines(session, actor, found.told, found.touchpoints, {}, {})
    standing = [line for line in lines if line.is_shown]
    earlier = None
    if metric == "trend" and found.by.is_whole:
        earlier = filtered_earlier(
            session, workspace_id, found.told, filters, suspects=suspects, today=asked.today
        )
    # By reach, of which there is none: so nothing is judged.
    judged_by = metric if metric in JUDGED_IF_FILTERED else "visitors_per_reach"
    verdicts = judged(standing, judged_by, found.told, asked.today, earlier)
    rows = [
        _row(line, verdict, judged_by)
        for line, verdict in zip(standing, verdicts, strict=True)
        if line.is_of(asked.journey)
    ]
    rows.sort(key=_rank)
    shown = [line for line in lines if line.is_of(asked.journey)]
    parts = [line.counted for line in shown]
    numbers = {line.touchpoint.id for line in shown}
    if asked.journey is None and NO_TOUCHPOINT in found.touchpoints:
        numbers.add(NO_TOUCHPOINT)
        parts.append(found.touchpoints[NO_TOUCHPOINT])
        rows.append(_row_without_touchpoint(parts[-1], Converted([], [])))
    totals = _totals(parts, [], found.suspected_of(numbers), 0, 0, 0)
    by = found.by_days_of(numbers)
    return TouchpointReport(
        asked.period, metric, asked.attribution, asked.currency, totals, rows, by
    )


def _question(
    session: Session,
    actor: Actor,
    first: dt.date | None,
    last: dt.date | None,
    metric: str,
    attribution: str,
    suspects: bool,
    now: dt.datetime,
) -> _Question:
    """What is asked of the workspace; raises every problem of it at once."""
    actor.require("reports:read")
    workspace = session.get_one(Workspace, actor.workspace_id)
    problems = Problems()
    problems.one_of("metric", metric, METRICS)
    problems.one_of("attribution", attribution, ATTRIBUTIONS)
    try:
        period = choose_period(first, last, workspace.time_zone, now)
    except Invalid as error:
        problems.take(error)
    problems.raise_if_any()
    return _Question(
        period,
        typing.cast(Metric, metric),
        typing.cast(Attribution, attribution),
        workspace.currency,
        suspects,
        day_of(now, period.time_zone),
    )


def _lines(
    session: Session,
    actor: Actor,
    period: Period,
    counted: Mapping[int, TouchpointSums],
    conversions: Mapping[int, Converted],
    reach: Mapping[int, Reached],
) -> list[Line]:
    """All touchpoints there ever were, in the order the journeys give them."""
    noughts = np.zeros(len(period), np.int64)
    nothing = TouchpointSums(noughts, daily_scans=noughts)
    nobody = Reached(np.zeros(len(period)))
    none = Converted(noughts, noughts)
    return [
        Line(
            *place,
            counted.get(place[0].id, nothing),
            conversions.get(place[0].id, none),
            reach.get(place[0].id, nobody),
        )
        for place in places(session, actor.workspace_id)
    ]


def _row(line: Line, found: Judged, metric: Metric) -> TouchpointRow:
    counted, amount, judgement = line.counted, line.reached.amount, found.judgement
    return TouchpointRow(
        id=str(line.touchpoint.id),
        name=line.touchpoint.name,
        stage=line.stage.name,
        stage_id=str(line.stage.id),
        journey=line.journey.name,
        journey_id=str(line.journey.id),
        kind=line.touchpoint.kind,
        channel=line.touchpoint.channel,
        clicks=counted.clicks,
        scans=counted.scans,
        visitors=counted.visitors,
        tokenless=counted.tokenless,
        reach=int(amount) if amount.denominator == 1 else float(amount),
        unit=line.reached.unit,
        rate=exact_rate(line, metric, found),
        low=judgement.low,
        high=judgement.high,
        verdict=judgement.verdict,
        peers=judgement.peers,
        more_reach_needed=judgement.more_reach_needed,
        conversions=line.converted.conversions,
        value=line.converted.value,
        deleted=line.touchpoint.deleted_at is not None,
        medium=line.touchpoint.medium,
        per=found.per,
        exceeds_reach=line.exceeds_reach,
    )


def _row_without_touchpoint(counted: TouchpointSums, gained: Converted) -> TouchpointRow:
    return TouchpointRow(
        clicks=counted.clicks,
        scans=counted.scans,
        visitors=counted.visitors,
        tokenless=counted.tokenless,
        conversions=gained.conversions,
        value=gained.value,
    )


def _rank(row: TouchpointRow) -> tuple[bool, bool, float, int]:
    """Judged rows by falling rate, then other rates, then clicks; ties as in the journeys."""
    return row.verdict not in JUDGED, row.rate is None, -(row.rate or 0.0), -row.clicks


def _suspected(session: Session, actor: Actor, period: Period, journey: Journey | None) -> int:
    """Clicks of suspected mail scanners, in all or at the touchpoints of a journey."""
    if journey is None:
        return suspected(session, actor.workspace_id, period)
    stages = select(Stage.id).where(Stage.journey_id == journey.id)
    touchpoints = select(Touchpoint.id).where(Touchpoint.stage_id.in_(stages))
    of_journey = SuspectedDay.touchpoint_id.in_(touchpoints)
    return suspected(session, actor.workspace_id, period, of_journey)


def _elsewhere(session: Session, actor: Actor, period: Period) -> tuple[int, int, int]:
    """Misses, HEAD requests that met no link, and unrecorded clicks: of no touchpoint."""
    misses, heads = session.execute(
        select(func.sum(DomainDay.misses), func.sum(DomainDay.heads)).where(
            DomainDay.workspace_id == actor.workspace_id,
            DomainDay.local_date.between(period.first, period.last),
        )
    ).one()
    unrecorded = session.scalar(
        select(func.sum(Unrecorded.clicks)).where(
            Unrecorded.workspace_id == actor.workspace_id,
            Unrecorded.local_date.between(period.first, period.last),
        )
    )
    # PostgreSQL sums 64-bit columns to a decimal.
    return misses or 0, heads or 0, int(unrecorded or 0)


def _totals(
    parts: Sequence[TouchpointSums],
    gained: Sequence[Converted],
    suspicious: int,
    misses: int,
    heads_of_misses: int,
    unrecorded: int,
) -> TouchpointTotals:
    return TouchpointTotals(
        clicks=sum(part.clicks for part in parts),
        scans=sum(part.scans for part in parts),
        visitors=sum(part.visitors for part in parts),
        journey_visitors=sum(part.journey_visitors for part in parts),
        tokenless=sum(part.tokenless for part in parts),
        robots=sum(part.robots for part in parts),
        previews=sum(part.previews for part in parts),
        prefetches=sum(part.prefetches for part in parts),
        scanners=sum(part.scanners for part in parts),
        suspected=suspicious,
        heads=sum(part.heads for part in parts) + heads_of_misses,
        own=sum(part.own for part in parts),
        misses=misses,
        unrecorded=unrecorded,
        conversions=sum(part.conversions for part in gained),
        value=sum(part.value for part in gained),
    )
