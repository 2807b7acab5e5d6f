"""What one campaign cost, as the report on costs by campaign has it.

It is that report's own row, so both agree to the digit: what of a touchpoint's cost is the
campaign's takes all others that have clicks there. Decided here: when nobody needs to ask them,
because nothing was spent in these days on the campaign or on a touchpoint that any of its links was
at. Not here: how costs are shared out (`costs`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.journeys.model import Campaign
from linkservice.links.model import LinkVersion
from linkservice.reports.cost_results import CostsOfOne
from linkservice.reports.costs import cost_report
from linkservice.reports.links import links_of
from linkservice.reports.paid import entries
from linkservice.reports.period import Period, day_of
from linkservice.workspaces.access import Actor, find


def costs_of_campaign(
    session: Session,
    actor: Actor,
    campaign_id: str,
    period: Period,
    *,
    suspects: bool,
    now: datetime,
) -> CostsOfOne | None:
    """None where no cost is entered for these days. Raises `NotFound`, `Forbidden`."""
    actor.require("reports:read")
    campaign = find(session, actor, Campaign, campaign_id)
    end = min(period.last, day_of(now, period.time_zone))
    spent = entries(session, actor, period.first, end)
    if not any(each == campaign.id for _, each, *_ in spent):
        paid = {number for number, *_ in spent if number is not None}
        if not paid or paid.isdisjoint(_touchpoints_of(session, campaign)):
            return None
    found = cost_report(
        session,
        actor,
        first=period.first,
        last=period.last,
        group="campaign",
        suspects=suspects,
        now=now,
    )
    return found.one("campaign", campaign_id)


def _touchpoints_of(session: Session, campaign: Campaign) -> set[int | None]:
    """Where its links are, or ever were: their clicks are of the touchpoint they had then."""
    ever = select(LinkVersion.touchpoint_id).where(LinkVersion.link_id.in_(links_of(campaign)))
    return {*session.scalars(ever.distinct())}
