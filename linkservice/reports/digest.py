"""What a letter says, as one frozen result of the same functions that pages and API ask.

So its figures are theirs to the digit, as long as nothing is counted in between. Not here: who
gets a letter and when (`letters`), how it reads (the web door).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from linkservice.reports.annotations import NewAnnotation, annotations_in
from linkservice.reports.changed import ChangeReport, change_report
from linkservice.reports.period import Period
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.results import TouchpointReport
from linkservice.reports.trend import Trend, trend_of
from linkservice.workspaces.access import Actor


@dataclass(frozen=True, slots=True)
class Digest:
    """A workspace's days in one letter: `changes` judges the last three of them, `notes` are what
    colleagues noted on them.
    """

    period: Period
    trend: Trend
    report: TouchpointReport
    changes: ChangeReport
    notes: Sequence[NewAnnotation]


def digest_of(session: Session, actor: Actor, period: Period, now: datetime) -> Digest:
    """The days of `period`, which must be over. Raises `Forbidden`, `Invalid` (to)."""
    report = touchpoint_report(
        session, actor, first=period.first, last=period.last, suspects=False, now=now
    )
    notes = annotations_in(session, actor, period)
    return Digest(
        period,
        trend_of(session, actor, None, period, now),
        report,
        change_report(session, actor, last=period.last, now=now),
        [NewAnnotation(each.day, each.text) for each in notes],
    )
