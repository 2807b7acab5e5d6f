"""The report of one link, or of the links of a campaign: days, hours of the week, and who clicked
from where.

Like `queries`, which reports on all touchpoints, this reads roll-ups only and lets the
database sum. A campaign's links are those of today; its visitors are those of each link.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import LinkDay, SuspectedDay
from linkservice.journeys.model import Campaign
from linkservice.links.model import Link
from linkservice.reports import details
from linkservice.reports.details import Links
from linkservice.reports.link_conversions import of_links
from linkservice.reports.period import Period, choose_period
from linkservice.reports.results import Day, LinkReport, LinkTotals
from linkservice.reports.sources import sources, suspected
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
    return _report(session, actor, link.id, [link.id], period, suspects)


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
    return _report(session, actor, campaign.id, links_of(campaign), period, suspects)


def links_of(campaign: Campaign) -> Select[int]:
    """The ids of the campaign's links, deleted ones too."""
    return select(Link.id).where(Link.campaign_id == campaign.id)


def _time_zone(session: Session, actor: Actor) -> str:
    return session.get_one(Workspace, actor.workspace_id).time_zone


def _report(
    session: Session, actor: Actor, subject_id: int, links: Links, period: Period, suspects: bool
) -> LinkReport:
    read = sources(session, actor.workspace_id, period, suspects)
    told = details.of_links(session, read, links, period)
    facets = told.facets
    conversions, value = of_links(session, actor.workspace_id, links, period)
    return LinkReport(
        id=str(subject_id),
        period=period,
        totals=_totals(session, actor, read.days, links, period),
        days=_days(session, read.days, links, period),
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


def _totals(
    session: Session, actor: Actor, rows: type[LinkDay], links: Links, period: Period
) -> LinkTotals:
    names = [field.name for field in fields(LinkTotals) if field.name != "suspected"]
    sums = [func.coalesce(func.sum(getattr(rows, name)), 0) for name in names]
    row = session.execute(select(*sums).where(*_of_links(rows, links, period))).one()
    of_links = SuspectedDay.link_id.in_(links)
    suspicious = suspected(session, actor.workspace_id, period, of_links)
    return LinkTotals(**dict(zip(names, row, strict=True)), suspected=suspicious)


def _days(session: Session, rows: type[LinkDay], links: Links, period: Period) -> list[Day]:
    """Every day of the period, those without clicks included."""
    query = (
        select(
            rows.local_date,
            func.sum(rows.clicks),
            func.sum(rows.scans),
            func.sum(rows.visitors),
        )
        .where(*_of_links(rows, links, period))
        .group_by(rows.local_date)
    )
    found = {day: Day(day, *sums) for day, *sums in session.execute(query)}
    return [found.get(day) or Day(day, 0, 0, 0) for day in period.days()]


def _of_links(rows: type[LinkDay], links: Links, period: Period) -> tuple[ColumnElement[bool], ...]:
    """The days of links, which `find` has shown to be the workspace's."""
    return rows.link_id.in_(links), rows.local_date.between(period.first, period.last)
