"""Whose conversions are that were imported as sums, by campaign.

Decided here: a sum names its touchpoint, but no campaign. Where all the clicks of the period there,
and all links that the touchpoint had in it, are of one campaign (or of none), the sum is that
campaign's. Otherwise nobody can tell how many of it each of them led to. Not here: conversions
that were reported with a click id (`cost_conversions`), whose persona's a sum is
(`persona_conversions`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from linkservice.clicks.calendar import begin_of_day
from linkservice.links.model import Link
from linkservice.reports.conversions import ImportedSum, imported_sums
from linkservice.reports.period import Period

NO_CAMPAIGN = 0
DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Imported:
    """The imported conversions of a touchpoint, and the campaigns they may be of."""

    sums: ImportedSum
    campaigns: frozenset[int]


def imported_by_campaign(
    session: Session, workspace_id: int, period: Period, clicked: Collection[tuple[int, int]]
) -> Mapping[int, Imported]:
    """By touchpoint, where there are any; `clicked` has the touchpoints and campaigns of clicks."""
    sums = {
        each.touchpoint_id: each
        for each in imported_sums(session, workspace_id, period)
        if each.conversions
    }
    campaigns: dict[int, set[int]] = {touchpoint_id: set() for touchpoint_id in sums}
    for touchpoint_id, campaign_id in (*clicked, *_of_links(session, period, sums)):
        if touchpoint_id in sums:
            campaigns[touchpoint_id].add(campaign_id)
    return {
        touchpoint_id: Imported(each, frozenset(campaigns[touchpoint_id] or {NO_CAMPAIGN}))
        for touchpoint_id, each in sums.items()
    }


def _of_links(
    session: Session, period: Period, touchpoints: Collection[int]
) -> list[tuple[int, int]]:
    """The touchpoints and campaigns of links that there were in the period."""
    last = min(period.last, dt.date.max - DAY)
    begin = begin_of_day(period.first, period.time_zone)
    end = begin_of_day(last + DAY, period.time_zone)
    query = (
        select(Link.touchpoint_id, Link.campaign_id)
        .where(
            Link.touchpoint_id.in_(sorted(touchpoints)),
            Link.created_at < end,
            or_(Link.deleted_at.is_(None), Link.deleted_at >= begin),
        )
        .distinct()
    )
    return [(number or 0, campaign or NO_CAMPAIGN) for number, campaign in session.execute(query)]
