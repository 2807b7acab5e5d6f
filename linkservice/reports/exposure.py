"""How many people could have clicked at a touchpoint on each day, or whether it was live.

Days to come prove nothing: a poster that hangs all month is not "worst" on the tenth, so
whatever lies after the workspace's today is left out. Not here: what was clicked
(`queries`) and what follows from it (`ranking`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import numpy as np
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.journeys.model import Reach, Touchpoint
from linkservice.reports.dispersion import Floats
from linkservice.reports.period import Period, day_of
from linkservice.workspaces.access import Actor


@dataclass(frozen=True, slots=True)
class Reached:
    """A touchpoint's reach in a period, so far: the exact sum, and the share of each day."""

    daily: Floats
    amount: int | Fraction = 0
    unit: str | None = None


def reached(
    session: Session,
    actor: Actor,
    period: Period,
    today: date,
    touchpoint_id: int | None = None,
) -> dict[int, Reached]:
    """The reach of each touchpoint of the workspace (or of that one) that ever had any, by its id.

    An entry is spread evenly over its days; the part that falls into the period counts.
    """
    own = Reach.workspace_id == actor.workspace_id
    if touchpoint_id is not None:
        own = and_(own, Reach.touchpoint_id == touchpoint_id)
    end = min(period.last, today)
    units = select(Reach.touchpoint_id, func.min(Reach.unit)).where(own)
    unit_of = dict(session.execute(units.group_by(Reach.touchpoint_id)).all())
    entries = select(Reach.touchpoint_id, Reach.starts_on, Reach.ends_on, Reach.amount).where(
        own, Reach.starts_on <= end, Reach.ends_on >= period.first
    )
    daily = {touchpoint_id: np.zeros(len(period)) for touchpoint_id in unit_of}
    amounts: dict[int, int | Fraction] = dict.fromkeys(unit_of, 0)
    for touchpoint_id, starts_on, ends_on, amount in session.execute(entries):
        span = (ends_on - starts_on).days + 1
        begin = max(0, period.number(starts_on))
        stop = max(begin, period.number(min(ends_on, end)) + 1)
        daily[touchpoint_id][begin:stop] += amount / span
        within = stop - begin == span
        amounts[touchpoint_id] += amount if within else Fraction(amount * (stop - begin), span)
    return {
        touchpoint_id: Reached(daily[touchpoint_id], amounts[touchpoint_id], unit)
        for touchpoint_id, unit in unit_of.items()
    }


def live_days(
    touchpoint: Touchpoint, clicks: Sequence[int] | Ints, period: Period, today: date
) -> Floats:
    """1.0 for each day of the period on which the touchpoint was live, else 0.0.

    It is live from the day it is made up to today, or to the day it is deleted. `clicks`
    (of each day) that came before, imported ones, or afterwards, since a printed code works
    on, show that it was live then, too.
    """
    start = period.number(day_of(touchpoint.created_at, period.time_zone))
    end = period.number(today)
    if touchpoint.deleted_at is not None:
        end = period.number(day_of(touchpoint.deleted_at, period.time_zone))
    clicked = np.flatnonzero(clicks)
    if len(clicked):
        start, end = min(start, int(clicked[0])), max(end, int(clicked[-1]))
    numbers = np.arange(len(period))
    return ((start <= numbers) & (numbers <= end)).astype(np.float64)
