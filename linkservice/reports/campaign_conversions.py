"""Whose conversions are that were imported as sums, by campaign.

Decided here: a sum names its touchpoint, but no campaign. Where all the clicks of the period there,
and all links that the touchpoint had in it, are of one campaign (or of none), the sum is that
campaign's. Otherwise nobody can tell how many of it each of them led to. Not here: conversions
that were reported with a click id (`costs`), whose persona's a sum is (`persona_conversions`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from linkservice.links.model import Link
from linkservice.reports.conversions import imported_sums
from linkservice.reports.period import Period

NO_CAMPAIGN = 0


@dataclass(frozen=True, slots=True)
class Imported:
    """The imported conversions of a touchpoint, and the campaigns they may be of."""

    conversions: int
    campaigns: frozenset[int]


def imported_by_campaign(
    session: Session, workspace_id: int, period: Period, clicked: Collection[tuple[int, int]]
) -> Mapping[int, Imported]:
    """By touchpoint, where there are any; `clicked` has the touchpoints and campaigns of clicks."""
    sums = {key: count for key, count in imported_sums(session, workspace_id, period) if count}
    campaigns: dict[int, set[int]] = {touchpoint_id: set() for touchpoint_id in sums}
    for touchpoint_id, campaign_id in (*clicked, *_of_links(session, period, sums)):
        if touchpoint_id in sums:
            campaigns[touchpoint_id].add(campaign_id)
    return {
        touchpoint_id: Imported(count, frozenset(campaigns[touchpoint_id] or {NO_CAMPAIGN}))
        for touchpoint_id, count in sums.items()
    }


def _of_links(
    session: Session, period: Period, touchpoints: Collection[int]
) -> list[tuple[int, int]]:
    """The touchpoints and campaigns of links that there were in the period."""
    zone = ZoneInfo(period.time_zone)
    # At the ends of the calendar a local midnight has no UTC, and no link was there.
    first, last = (min(max(day, _EARLIEST), _LATEST) for day in (period.first, period.last))
    begin = dt.datetime.combine(first, dt.time(), zone)
    end = dt.datetime.combine(last + dt.timedelta(1), dt.time(), zone)
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


_EARLIEST, _LATEST = dt.date(1970, 1, 1), dt.date(9998, 12, 30)
