"""Conversions and their value by touchpoint and campaign, for the report on costs.

Decided here: whose a conversion is. A reported one is its last click's, at the touchpoint the link
had then and in the link's campaign of today; an imported sum is of the one campaign it can be of
(`campaign_conversions`), else nobody can tell whose it is. And what a value that nobody told is:
nothing, not 0. A reported conversion may come without one, an imported sum of 0 says none. Not
here: what they cost (`costs`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import TypeAlias

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.conversions.model import Conversion
from linkservice.reports.campaign_conversions import NO_CAMPAIGN, imported_by_campaign
from linkservice.reports.conversions import converted, imported_sums
from linkservice.reports.cost_results import NOTHING, Gained
from linkservice.reports.period import Period
from linkservice.reports.sources import NO_TOUCHPOINT

Place: TypeAlias = tuple[int, int]
"""A touchpoint and a campaign; 0 where there is none."""


def gained(
    session: Session,
    workspace_id: int,
    period: Period,
    campaign_of: Mapping[int, int],
    clicked: Collection[Place],
) -> tuple[Mapping[Place, Gained], list[list[Place]]]:
    """What was gained at each place; and the places among which, for a touchpoint each, imported
    conversions cannot be told apart: these count at the touchpoint without a campaign.

    `campaign_of` has the campaigns of links, of those that are told apart, `clicked` the places
    with clicks.
    """
    found: defaultdict[Place, Gained] = defaultdict(lambda: NOTHING)
    for touchpoint_id, sums in converted(session, workspace_id, period, "last").items():
        found[touchpoint_id, NO_CAMPAIGN] += Gained(sums.conversions, 0, sums.value)
    _place_reported(session, workspace_id, period, campaign_of, found)
    if campaign_of:
        return found, _place_imported(session, workspace_id, period, clicked, found)
    # No campaign is told apart, so none can be meant.
    for each in imported_sums(session, workspace_id, period):
        found[each.touchpoint_id, NO_CAMPAIGN] += Gained(0, each.with_value, 0)
    return found, []


def _place_reported(
    session: Session,
    workspace_id: int,
    period: Period,
    campaign_of: Mapping[int, int],
    found: defaultdict[Place, Gained],
) -> None:
    """Put what was reported with the campaigns of the links, and say how many tell a value."""
    link, touchpoint = Conversion.last_link_id, Conversion.last_touchpoint_id
    values = func.count(Conversion.value), func.sum(Conversion.value)
    of_links = session.execute(
        select(link, touchpoint, func.count(), *values)
        .where(
            Conversion.workspace_id == workspace_id,
            Conversion.local_date.between(period.first, period.last),
            link.is_not(None),
        )
        .group_by(link, touchpoint)
    )
    for link_id, last_touchpoint_id, count, with_value, value in of_links:
        touchpoint_id = last_touchpoint_id or NO_TOUCHPOINT
        campaign_id = campaign_of.get(link_id or 0, NO_CAMPAIGN)
        # The sums by touchpoint hold them, without a campaign, and do not say how many tell a
        # value. PostgreSQL sums 64-bit columns to a decimal.
        found[touchpoint_id, NO_CAMPAIGN] += Gained(-count, 0, -int(value or 0))
        found[touchpoint_id, campaign_id] += Gained(count, with_value, int(value or 0))


def _place_imported(
    session: Session,
    workspace_id: int,
    period: Period,
    clicked: Collection[Place],
    found: defaultdict[Place, Gained],
) -> list[list[Place]]:
    """Put what was imported with its campaign. Returns the places of each touchpoint where it may
    be of several.
    """
    untold = []
    every = imported_by_campaign(session, workspace_id, period, clicked)
    for touchpoint_id, each in every.items():
        sums, unplaced = each.sums, (touchpoint_id, NO_CAMPAIGN)
        places = [(touchpoint_id, campaign_id) for campaign_id in sorted(each.campaigns)]
        found[unplaced] += Gained(-sums.conversions, 0, -sums.value)
        place = places[0] if len(places) == 1 else unplaced
        found[place] += Gained(sums.conversions, sums.with_value, sums.value)
        if len(places) > 1:
            untold.append([unplaced, *places])
    return untold
