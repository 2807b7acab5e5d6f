"""Which days a cost is for, and who came on days that nobody paid for.

Decided here: money of several days (a rent, a budget) is for these; of one day (a print run, a
mailing) for whoever comes of it, from then on. Visitors of other days count in what one costs all
the same: they came, and of the period's money. But perhaps somebody forgot to enter what they
cost, so how many these are is told. Not here: the entries (`paid`), the report (`costs`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.links.model import Link
from linkservice.reports.cost_results import CostRow, Unpaid
from linkservice.reports.days import days_of_touchpoints
from linkservice.reports.paid import entries
from linkservice.reports.period import Period
from linkservice.reports.sources import Sources, sources, visitors_of
from linkservice.workspaces.access import Actor

Days: TypeAlias = NDArray[np.bool_]
"""Of each day of a period whether a cost is for it."""


def with_unpaid(
    session: Session,
    actor: Actor,
    period: Period,
    today: date,
    suspects: bool,
    kind: Literal["touchpoint", "campaign"],
    rows: Sequence[CostRow],
) -> list[CostRow]:
    """The rows of a report by this kind, in their order; what came on days that nobody paid for is
    told of those most of whose cost was entered for them.
    """
    days = _paid_for(session, actor, period, today, kind)
    own = {
        number: days[number]
        for row in rows
        if row.kind == kind and row.costs.cost and row.costs.is_own
        if (number := int(row.id or 0)) in days
    }
    some = [number for number, paid in own.items() if not paid.all()]
    visitors: Mapping[int, Ints] = {}
    if some:
        read = sources(session, actor.workspace_id, period, suspects)
        if kind == "touchpoint":
            visitors = days_of_touchpoints(session, read, actor.workspace_id, period, "visitors")
        else:
            visitors = _of_campaigns(session, read, actor.workspace_id, period, some)
    nobody = np.zeros(len(period), np.int64)
    return [
        replace(row, unpaid=_unpaid(visitors.get(number, nobody), own[number]))
        if row.kind == kind and (number := int(row.id or 0)) in own
        else row
        for row in rows
    ]


def _paid_for(
    session: Session,
    actor: Actor,
    period: Period,
    today: date,
    kind: Literal["touchpoint", "campaign"],
) -> Mapping[int, Days]:
    """The days that costs are for, by the number of what they were entered for."""
    found: defaultdict[int, Days] = defaultdict(lambda: np.zeros(len(period), np.bool_))
    spent = entries(session, actor, period.first, min(period.last, today))
    for touchpoint_id, campaign_id, starts_on, ends_on, _ in spent:
        number = touchpoint_id if kind == "touchpoint" else campaign_id
        if number is not None:
            stop = period.number(ends_on) + 1 if ends_on > starts_on else None
            found[number][max(0, period.number(starts_on)) : stop] = True
    return found


def _unpaid(visitors: Ints, days: Days) -> Unpaid:
    """From the visitors of each day, and whether it was paid for."""
    unpaid = visitors[~days & (visitors > 0)]
    return Unpaid(len(unpaid), int(unpaid.sum()))


def _of_campaigns(
    session: Session, read: Sources, workspace_id: int, period: Period, campaigns: Sequence[int]
) -> Mapping[int, Ints]:
    """Visitors and clicks without a token of each of these campaigns, day by day."""
    rows = read.days
    counted = (
        select(Link.campaign_id, rows.local_date, func.sum(visitors_of(rows) + rows.tokenless))
        .join(Link, Link.id == rows.link_id)
        .where(
            Link.workspace_id == workspace_id,
            Link.campaign_id.in_(sorted(campaigns)),
            rows.local_date.between(period.first, period.last),
        )
        .group_by(Link.campaign_id, rows.local_date)
    )
    found: defaultdict[int, Ints] = defaultdict(lambda: np.zeros(len(period), np.int64))
    for campaign_id, day, visitors in session.execute(counted):
        found[campaign_id or 0][period.number(day)] = visitors
    return found
