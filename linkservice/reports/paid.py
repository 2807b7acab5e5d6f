"""Who is judged by what it cost, and what each day says of it.

Decided here: a touchpoint is judged that has a cost of its own, at least half of what stands at it.
By conversions only where it is known whose they are; by value where hardly any fails to tell one:
a tenth of them missing is less than a difference that counts. What of a campaign's cost was shared
out to a touchpoint is spread over the days as its own. Not here: the verdicts (`cost_judging`),
what was spent in all (`costs`), which days a cost is for (`unpaid`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.database import read_once
from linkservice.journeys.model import Cost
from linkservice.reports.conversions import Converted, converted
from linkservice.reports.cost_judging import Paid, judge_costs
from linkservice.reports.cost_results import CostRow, Costs
from linkservice.reports.days import days_of_touchpoints
from linkservice.reports.dispersion import Floats
from linkservice.reports.period import Period
from linkservice.reports.places import places
from linkservice.reports.ranking import MARGIN
from linkservice.reports.sources import sources
from linkservice.workspaces.access import Actor


def judged_by_cost(
    session: Session,
    actor: Actor,
    period: Period,
    today: date,
    suspects: bool,
    rows: Sequence[CostRow],
) -> list[CostRow]:
    """The rows of a report by touchpoint, in their order, with verdicts where they are judged."""
    spent = _spent(session, actor, period, today)
    own = {
        number: row.costs
        for row in rows
        if row.kind == "touchpoint"
        and row.costs.is_own
        and row.costs.cost  # of a small one these days may have no whole cent
        and (number := int(row.id or 0)) in spent
    }
    if not own:
        return list(rows)
    workspace_id = actor.workspace_id
    read = sources(session, workspace_id, period, suspects)
    visitors = days_of_touchpoints(session, read, workspace_id, period, "visitors")
    conversions = converted(session, workspace_id, period, "last")
    nobody = np.zeros(len(period), np.int64)
    nothing = Converted([0] * len(period), [0] * len(period))
    paid = []
    for touchpoint, stage, journey in places(session, workspace_id):
        number = touchpoint.id
        if number not in own:
            continue
        costs, gains = own[number], conversions.get(number, nothing)
        days = spent[number]
        paid.append(
            Paid(
                touchpoint_id=number,
                stage_id=stage.id,
                journey_id=journey.id,
                kind=touchpoint.kind,
                cost=days * ((costs.cost or 0) / days.sum()),
                visitors=visitors.get(number, nobody).astype(np.float64),
                conversions=None if costs.conversions_with_cost is None else _of(gains.daily),
                value=_of(gains.daily_value) if _tells_value(costs) else None,
            )
        )
    # In the order of their ids, whatever the database's is: sums of floats depend on it.
    verdicts = judge_costs(sorted(paid, key=lambda each: each.touchpoint_id))
    return [
        replace(row, verdicts=verdicts[int(row.id or 0)])
        if row.kind == "touchpoint" and int(row.id or 0) in verdicts
        else row
        for row in rows
    ]


def _spent(session: Session, actor: Actor, period: Period, today: date) -> Mapping[int, Floats]:
    """What was spent on each touchpoint itself, day by day; of those that cost anything."""
    end = min(period.last, today)
    found: defaultdict[int, Floats] = defaultdict(lambda: np.zeros(len(period)))
    for touchpoint_id, _, starts_on, ends_on, amount in entries(session, actor, period.first, end):
        if touchpoint_id is None or not amount:
            continue
        begin = max(0, period.number(starts_on))
        stop = period.number(min(ends_on, end)) + 1
        found[touchpoint_id][begin:stop] += amount / ((ends_on - starts_on).days + 1)
    return found


def entries(
    session: Session, actor: Actor, first: date, last: date
) -> Sequence[Row[int | None, int | None, date, date, int]]:
    """Touchpoint or campaign, days and amount of every cost that any of these days has a part of;
    read once in a session that reads.
    """
    query = select(
        Cost.touchpoint_id, Cost.campaign_id, Cost.starts_on, Cost.ends_on, Cost.amount
    ).where(Cost.workspace_id == actor.workspace_id, Cost.starts_on <= last, Cost.ends_on >= first)
    key = entries, actor.workspace_id, first, last
    return read_once(session, key, lambda: session.execute(query).all())


def _of(days: Sequence[int] | Ints) -> Floats:
    return np.array(days, np.float64)


def _tells_value(costs: Costs) -> bool:
    if costs.return_on_cost is None:
        return False
    return (costs.conversions_with_value or 0) >= MARGIN * (costs.conversions or 0)
