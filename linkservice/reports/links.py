"""The report of one link, or of the links of a campaign: days, hours of the week, and who clicked
from where.

Like `queries`, which reports on all touchpoints, this reads roll-ups only and lets the
database sum. A campaign's links are those of today; its visitors are those of each link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import SuspectedDay
from linkservice.database import read_once
from linkservice.journeys.model import Campaign
from linkservice.links.model import Link
from linkservice.reports import details
from linkservice.reports.details import Links
from linkservice.reports.link_conversions import of_links
from linkservice.reports.period import Period, choose_period
from linkservice.reports.results import Day, LinkReport, LinkTotals
from linkservice.reports.sources import Sources, sources, suspected
from linkservice.workspaces.access import Actor, find
from linkservice.workspaces.model import Workspace


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


def totals_by_day(
    session: Session, read: Sources, of: Link | Campaign, period: Period
) -> Mapping[date, LinkTotals]:
    """The days of the period that have a row; read once in a session that reads. What counts
    suspects is 0: they are told of the whole period.
    """
    rows, names = read.days, [field.name for field in fields(LinkTotals)]
    names.remove("suspected")
    query = (
        select(rows.local_date, *(func.sum(getattr(rows, name)) for name in names))
        .where(rows.link_id.in_(_links(of)), rows.local_date.between(period.first, period.last))
        .group_by(rows.local_date)
    )
    key = totals_by_day, rows, type(of), of.id, period
    found = read_once(session, key, lambda: session.execute(query).all())
    return {
        day: LinkTotals(**dict(zip(names, sums, strict=True)), suspected=0) for day, *sums in found
    }


def _links(of: Link | Campaign) -> Links:
    return [of.id] if isinstance(of, Link) else links_of(of)


def _time_zone(session: Session, actor: Actor) -> str:
    return session.get_one(Workspace, actor.workspace_id).time_zone


def _report(
    session: Session, actor: Actor, of: Link | Campaign, period: Period, suspects: bool
) -> LinkReport:
    links = _links(of)
    read = sources(session, actor.workspace_id, period, suspects)
    by_day = totals_by_day(session, read, of, period)
    told = details.of_links(session, read, links, period)
    facets = told.facets
    conversions, value = of_links(session, actor.workspace_id, links, period)
    return LinkReport(
        id=str(of.id),
        period=period,
        totals=_totals(session, actor, by_day, links, period),
        days=days_of_links(by_day, period),
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


def days_of_links(by_day: Mapping[date, LinkTotals], period: Period) -> list[Day]:
    """Every day of the period, those without clicks included."""
    found = {day: Day(day, of.clicks, of.scans, of.visitors) for day, of in by_day.items()}
    return [found.get(day) or Day(day, 0, 0, 0) for day in period.days()]


def _totals(
    session: Session,
    actor: Actor,
    by_day: Mapping[date, LinkTotals],
    links: Links,
    period: Period,
) -> LinkTotals:
    suspicious = suspected(session, actor.workspace_id, period, SuspectedDay.link_id.in_(links))
    sums = {
        field.name: sum(getattr(each, field.name) for each in by_day.values())
        for field in fields(LinkTotals)
    }
    return LinkTotals(**{**sums, "suspected": suspicious})
