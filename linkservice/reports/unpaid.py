"""Which days a cost is for, and who came on days that nobody paid for.

Decided here: money of several days (a rent, a budget) is for these; of one day (a print run, a
mailing) for whoever comes of it, from then on. Visitors of other days count in what one costs all
the same: they came, and of the period's money. But perhaps somebody forgot to enter what they
cost, so how many these are is told. Not here: the entries (`paid`), the report (`costs`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.links.model import Link
from linkservice.reports.cost_results import CostRow, Unpaid
from linkservice.reports.period import Period
from linkservice.reports.sources import sources, visitors_of

Days: TypeAlias = NDArray[np.bool_]
"""Of each day of a period whether a cost is for it."""


def paid_for(entered: Iterable[tuple[int, date, date]], period: Period) -> Mapping[int, Days]:
    """The days that costs are for, by what they were entered for: its number, first and last day
    of each entry, which has a part of the period.
    """
    found: defaultdict[int, Days] = defaultdict(lambda: np.zeros(len(period), np.bool_))
    for number, starts_on, ends_on in entered:
        stop = period.number(ends_on) + 1 if ends_on > starts_on else None
        found[number][max(0, period.number(starts_on)) : stop] = True
    return found


def unpaid_of(visitors: Ints, days: Days) -> Unpaid:
    """From the visitors of each day, and whether it was paid for."""
    unpaid = visitors[~days & (visitors > 0)]
    return Unpaid(len(unpaid), int(unpaid.sum()))


def with_unpaid_campaigns(
    session: Session,
    workspace_id: int,
    period: Period,
    suspects: bool,
    entered: Iterable[tuple[int, date, date]],
    rows: Sequence[CostRow],
) -> list[CostRow]:
    """The rows of a report by campaign, in their order; what came on days that nobody paid for is
    told of those most of whose cost was entered for them. `entered` is as `paid_for` takes it.
    """
    days = paid_for(entered, period)
    own = {
        number: days[number]
        for row in rows
        if row.kind == "campaign" and row.costs.cost and row.costs.is_own
        if (number := int(row.id or 0)) in days
    }
    some = {number: paid for number, paid in own.items() if not paid.all()}
    visitors = _visitors(session, workspace_id, period, suspects, some)
    nobody = np.zeros(len(period), np.int64)
    return [
        replace(row, unpaid=unpaid_of(visitors.get(number, nobody), own[number]))
        if row.kind == "campaign" and (number := int(row.id or 0)) in own
        else row
        for row in rows
    ]


def _visitors(
    session: Session,
    workspace_id: int,
    period: Period,
    suspects: bool,
    campaigns: Mapping[int, Days],
) -> Mapping[int, Ints]:
    """Visitors and clicks without a token of each of these campaigns, on the days from the first to
    the last one that is not paid for.
    """
    if not campaigns:
        return {}
    unpaid = np.flatnonzero(~np.logical_and.reduce(list(campaigns.values())))
    every = list(period.days())
    rows = sources(session, workspace_id, period, suspects).days
    counted = (
        select(Link.campaign_id, rows.local_date, func.sum(visitors_of(rows) + rows.tokenless))
        .join(Link, Link.id == rows.link_id)
        .where(
            Link.workspace_id == workspace_id,
            Link.campaign_id.in_(sorted(campaigns)),
            rows.local_date.between(every[unpaid[0]], every[unpaid[-1]]),
        )
        .group_by(Link.campaign_id, rows.local_date)
    )
    found: defaultdict[int, Ints] = defaultdict(lambda: np.zeros(len(period), np.int64))
    for campaign_id, day, visitors in session.execute(counted):
        found[campaign_id or 0][period.number(day)] = visitors
    return found
