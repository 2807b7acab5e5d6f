"""What one touchpoint cost, as the report on costs has it.

It is that report's own row, so both agree to the digit: what campaigns share out to a touchpoint,
and who is dear, takes all the others as well. Decided here: when nobody needs to ask them, because
nothing was spent in these days that could be this touchpoint's.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from linkservice.reports.cost_results import CostsOfOne
from linkservice.reports.costs import cost_report
from linkservice.reports.paid import entries
from linkservice.reports.period import Period, day_of
from linkservice.workspaces.access import Actor


def costs_of_touchpoint(
    session: Session,
    actor: Actor,
    touchpoint_id: str,
    period: Period,
    *,
    suspects: bool,
    now: datetime,
) -> CostsOfOne | None:
    """None where no cost is entered for these days. Raises `Forbidden`."""
    actor.require("reports:read")
    number = int(touchpoint_id)
    end = min(period.last, day_of(now, period.time_zone))
    spent = entries(session, actor, period.first, end)
    if not any(each == number or campaign for each, campaign, *_ in spent):
        return None
    found = cost_report(
        session, actor, first=period.first, last=period.last, suspects=suspects, now=now
    )
    return found.one("touchpoint", touchpoint_id)
