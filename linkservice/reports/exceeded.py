"""Is the reach that was just entered less than the visitors who came?

Decided here: in which days that is looked for, so that who enters reach is told at once what a
report would tell: in the usual days of reports, else from the first day with reach up to today.
Not here: what a report says of its own days (`judging`), the words (`web/reach_words`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from linkservice.reports.exposure import reached
from linkservice.reports.period import MOST_DAYS, Period, choose_period
from linkservice.reports.sources import sources
from linkservice.reports.touchpoint_sums import sums_alone
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace


@dataclass(frozen=True, slots=True)
class Exceeded:
    """More visitors than reach in these days."""

    period: Period
    visitors: int
    reach: float


def exceeded(
    session: Session, actor: Actor, touchpoint_id: int, first: dt.date, now: dt.datetime
) -> Exceeded | None:
    """Where a touchpoint whose reach begins on `first` has more visitors than reach; None where it
    has not. Raises `Forbidden`.
    """
    actor.require("reports:read")
    time_zone = session.get_one(Workspace, actor.workspace_id).time_zone
    usual = choose_period(None, None, time_zone, now)
    longest = usual.last - dt.timedelta(days=MOST_DAYS - 1)
    periods = [usual]
    if first < usual.first:
        periods.append(Period(max(first, longest), usual.last, time_zone))
    for period in periods:
        read = sources(session, actor.workspace_id, period, suspects=False)
        sums = sums_alone(session, read, actor.workspace_id, period).get(touchpoint_id)
        visitors = sums.visitors + sums.tokenless if sums else 0
        found = reached(session, actor, period, usual.last, touchpoint_id).get(touchpoint_id)
        if found is not None and 0 < found.amount < visitors:
            return Exceeded(period, visitors, float(found.amount))
    return None
