"""The days of a campaign that have one value, from months that are packed for the links it has.

Not here: when a month is packed, and what keeps it right (`clicks.campaign_months`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks import campaign_values
from linkservice.clicks.campaign_months import digest
from linkservice.clicks.month_model import CampaignMonth
from linkservice.clicks.months import month_of
from linkservice.clicks.packed_model import EveryLinkFacet
from linkservice.database import AS_BYTES
from linkservice.journeys.model import Campaign
from linkservice.reports.link_months import Links
from linkservice.reports.period import Period
from linkservice.reports.sources import Sources


@dataclass(frozen=True, slots=True)
class CampaignDays:
    """The packed months of a period, with their first days; and the days that are in none."""

    period: Period
    beside: Sequence[date]
    months: Sequence[tuple[date, bytes]] = ()

    def clicks_of(self, values: Sequence[int]) -> dict[date, int]:
        """The clicks of each day in a packed month that have one of these values of a facet."""
        found = campaign_values.clicks_of(self.months, values)
        within = self.period.first, self.period.last
        return {day: clicks for day, clicks in found.items() if within[0] <= day <= within[1]}


def campaign_days(
    session: Session, read: Sources, campaign: Campaign, links: Links, period: Period
) -> CampaignDays:
    """What is packed for these links, which are all of the campaign's."""
    days = period.days()
    if read.facets is not EveryLinkFacet:
        return CampaignDays(period, days)  # suspected mail scanners have none
    rows = session.execute(
        select(CampaignMonth.month, CampaignMonth.links, CampaignMonth.days).where(
            CampaignMonth.month.in_(sorted({*map(month_of, days)})),
            CampaignMonth.campaign_id == campaign.id,
            CampaignMonth.days.is_not(None),
        ),
        execution_options=AS_BYTES,
    ).all()
    if not rows:
        return CampaignDays(period, days)
    now = digest(links if isinstance(links, Sequence) else session.scalars(links).all())
    months = [(month, packed or b"") for month, then, packed in rows if then == now]
    there = {month for month, _ in months}
    return CampaignDays(period, [day for day in days if month_of(day) not in there], months)
