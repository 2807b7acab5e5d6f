"""What a letter says, as one frozen result of the same functions that pages and API ask.

So its figures are theirs to the digit, as long as nothing is counted in between. Decided here: what
a letter compares with. A calendar month stands beside the month before, as people speak of months,
though it may have another number of days and other weekdays; a week beside the week before. Not
here: who gets a letter and when (`letters`), how it reads (the web door).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from linkservice.reports.annotations import NewAnnotation, annotations_in
from linkservice.reports.changed import ChangeReport, change_report
from linkservice.reports.conversions import converted
from linkservice.reports.cost_results import CostReport
from linkservice.reports.costs import cost_report
from linkservice.reports.period import Period
from linkservice.reports.queries import report_with_other_sides
from linkservice.reports.results import TouchpointReport, TouchpointRow
from linkservice.reports.trend import Counts, has_begun, trend_of
from linkservice.workspaces.access import Actor


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was counted in the whole `period` before; conversions are those of their last touch."""

    period: Period
    counts: Counts
    conversions: int


@dataclass(frozen=True, slots=True)
class Digest:
    """A workspace's days in one letter: `changes` judges the last three of them, `notes` are what
    colleagues noted on them; `other_sides` are rows by value that contradict those of `report`.
    `before` is None where recording began later, `costs` where none is entered for these days.
    """

    period: Period
    counts: Counts
    before: Earlier | None
    report: TouchpointReport
    changes: ChangeReport
    notes: Sequence[NewAnnotation]
    other_sides: Mapping[str, TouchpointRow]
    costs: CostReport | None


def digest_of(session: Session, actor: Actor, period: Period, now: datetime) -> Digest:
    """The days of `period`, which must be over. Raises `Forbidden`, `Invalid` (to)."""
    report, other_sides = report_with_other_sides(
        session, actor, first=period.first, last=period.last, suspects=False, now=now
    )
    notes = annotations_in(session, actor, period)
    costs = cost_report(session, actor, first=period.first, last=period.last, now=now)
    return Digest(
        period,
        trend_of(session, actor, None, period, now).total,
        _earlier(session, actor, before_letter(period), now),
        report,
        change_report(session, actor, last=period.last, now=now),
        [NewAnnotation(each.day, each.text) for each in notes],
        other_sides,
        None if costs.totals.cost is None else costs,
    )


def before_letter(period: Period) -> Period:
    """The month before a calendar month; before other days as many as they are."""
    last = period.first - timedelta(days=1)
    following = period.last + timedelta(days=1)
    is_month = period.first.day == following.day == 1 and period.first.month == period.last.month
    first = last.replace(day=1) if is_month else period.first - timedelta(days=len(period))
    return Period(first, last, period.time_zone)


def _earlier(session: Session, actor: Actor, before: Period, now: datetime) -> Earlier | None:
    if not has_begun(session, actor, None, before.first):
        return None
    found = converted(session, actor.workspace_id, before, "last").values()
    counts = trend_of(session, actor, None, before, now).total
    return Earlier(before, counts, sum(each.conversions for each in found))
