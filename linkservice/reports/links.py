"""The report of one link, or of the links of a campaign: days, hours of the week, and who clicked
from where.

Like `queries`, which reports on all touchpoints, this reads roll-ups only and lets the
database sum. A campaign's links are those of today; its visitors are those of each link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime

import numpy as np
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import SuspectedDay
from linkservice.clicks.packed_links import DAILY, unpacked_days, unpacked_sums
from linkservice.database import read_once
from linkservice.journeys.model import Campaign
from linkservice.links.model import Link
from linkservice.reports import details
from linkservice.reports.link_conversions import of_links
from linkservice.reports.link_months import NO_MONTHS, Links, link_months
from linkservice.reports.period import Period, choose_period, days_beside
from linkservice.reports.remembered import Remembered
from linkservice.reports.results import Day, LinkReport, LinkTotals
from linkservice.reports.sources import Sources, sources, suspected
from linkservice.workspaces.access import Actor, find
from linkservice.workspaces.model import Workspace

_COUNTED = (
    *DAILY,
    *(field.name for field in fields(LinkTotals) if field.name not in (*DAILY, "suspected")),
)


def link_report(
    session: Session,
    actor: Actor,
    link_id: str,
    *,
    first: date | None,
    last: date | None,
    suspects: bool = False,
    now: datetime,
) -> LinkReport:
    """One link in a period, with the clicks of suspected mail scanners or without.

    Raises `Invalid` (from, to), `NotFound`, `Forbidden`.
    """
    actor.require("reports:read")
    link = find(session, actor, Link, link_id)
    period = choose_period(first, last, _time_zone(session, actor), now)
    return _report(session, actor, link, period, suspects)


def campaign_report(
    session: Session,
    actor: Actor,
    campaign_id: str,
    *,
    first: date | None,
    last: date | None,
    suspects: bool = False,
    now: datetime,
) -> LinkReport:
    """As `link_report`, of the links of one campaign together."""
    actor.require("reports:read")
    campaign = find(session, actor, Campaign, campaign_id)
    period = choose_period(first, last, _time_zone(session, actor), now)
    return _report(session, actor, campaign, period, suspects)


def links_of(campaign: Campaign) -> Select[int]:
    """The ids of the campaign's links, deleted ones too."""
    return select(Link.id).where(Link.campaign_id == campaign.id)


@dataclass(frozen=True, slots=True)
class Counted:
    """The days that have clicks of any class, and what all of them add up to; without suspects."""

    days: Mapping[date, Day]
    totals: Mapping[str, int]


def counted(session: Session, read: Sources, of: Link | Campaign, period: Period) -> Counted:
    """What was counted in the period; read once in a session that reads."""
    key = counted, read.days, type(of), of.id, period
    return read_once(session, key, lambda: _counted(session, read, _links(session, of), period))


def _counted(session: Session, read: Sources, links: Links, period: Period) -> Counted:
    """Of closed months as they were packed, of all other days row by row."""
    rows = read.days
    # With suspected mail scanners, whatever they count as, only rows are whole.
    packed = link_months(session, read, links, period) if read.months else NO_MONTHS
    parts = b"".join(packed.sums), b"".join(packed.days)
    closed = _REMEMBERED.of(parts, lambda: _of_months(*parts))
    days, totals = dict(closed.days), dict(closed.totals)
    query = select(rows.local_date, *(func.sum(getattr(rows, name)) for name in _COUNTED))
    for stretch in days_beside(packed.months, period.first, period.last):
        found = session.execute(
            query.where(rows.link_id.in_(links), rows.local_date.between(*stretch)).group_by(
                rows.local_date
            )
        )
        for day, *counts in found:
            days[day] = Day(day, *counts[: len(DAILY)])
            for name, count in zip(_COUNTED, counts, strict=True):
                totals[name] += count
    return Counted(days, totals)


_REMEMBERED = Remembered[Counted](10_000, lambda made: len(made.days) + 1)
"""Days: two dozen years."""


def _of_months(sums: bytes, days: bytes) -> Counted:
    """What links had in closed months, of whom that was packed."""
    of_months, of_days = unpacked_sums([sums]), unpacked_days([days])
    unique, whose = np.unique(of_days["day"], return_inverse=True)
    of_day = np.zeros((len(DAILY), len(unique)), np.int64)
    for sum_, name in zip(of_day, DAILY, strict=True):
        np.add.at(sum_, whose, of_days[name])
    dated = zip(map(date.fromordinal, unique.tolist()), of_day.T.tolist(), strict=True)
    return Counted(
        {day: Day(day, *counts) for day, counts in dated},
        {name: int(of_months[name].sum()) for name in _COUNTED},
    )


def _links(session: Session, of: Link | Campaign) -> Links:
    """The same object for all that is asked in a session that reads."""
    if isinstance(of, Link):
        return [of.id]
    return read_once(session, (links_of, of.id), lambda: links_of(of))


def _time_zone(session: Session, actor: Actor) -> str:
    return session.get_one(Workspace, actor.workspace_id).time_zone


def _report(
    session: Session, actor: Actor, of: Link | Campaign, period: Period, suspects: bool
) -> LinkReport:
    links = _links(session, of)
    read = sources(session, actor.workspace_id, period, suspects)
    found = counted(session, read, of, period)
    told = details.of_links(session, read, links, period)
    facets = told.facets
    conversions, value = of_links(session, actor.workspace_id, links, period)
    return LinkReport(
        id=str(of.id),
        period=period,
        totals=_totals(session, actor, found, links, period),
        days=days_of_links(found.days, period),
        hours=told.hours,
        countries=facets["country"],
        cities=facets["city"],
        devices=facets["device"],
        browsers=facets["browser"],
        systems=facets["system"],
        languages=facets["language"],
        referrers=facets["referrer"],
        robots=facets["robot"],
        conversions=conversions,
        value=value,
        currency=session.get_one(Workspace, actor.workspace_id).currency,
    )


def days_of_links(found: Mapping[date, Day], period: Period) -> list[Day]:
    """Every day of the period, those without clicks included."""
    return [found.get(day) or Day(day, 0, 0, 0) for day in period.days()]


def _totals(
    session: Session, actor: Actor, found: Counted, links: Links, period: Period
) -> LinkTotals:
    suspicious = suspected(session, actor.workspace_id, period, SuspectedDay.link_id.in_(links))
    return LinkTotals(**found.totals, suspected=suspicious)
