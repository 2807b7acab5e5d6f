"""The report of one link: its days, its hours of the week, and who clicked from where.

Like `queries`, which reports on all touchpoints, this reads roll-ups only and lets the
database sum.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import LinkDay, LinkFacet, LinkHour, SuspectedDay
from linkservice.links.model import Link
from linkservice.reports import details
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
    time_zone = session.get_one(Workspace, actor.workspace_id).time_zone
    period = choose_period(first, last, time_zone, now)
    read = sources(session, actor.workspace_id, period, suspects)
    facets = details.facets(session, read.facets, *_told_of(read.facets, link, period))
    return LinkReport(
        id=str(link.id),
        period=period,
        totals=_totals(session, read.days, link, period),
        days=_days(session, read.days, link, period),
        hours=details.hours(session, read.hours, *_told_of(read.hours, link, period)),
        countries=facets["country"],
        devices=facets["device"],
        browsers=facets["browser"],
        systems=facets["system"],
        languages=facets["language"],
        referrers=facets["referrer"],
        robots=facets["robot"],
    )


def _totals(session: Session, rows: type[LinkDay], link: Link, period: Period) -> LinkTotals:
    names = [field.name for field in fields(LinkTotals) if field.name != "suspected"]
    sums = [func.coalesce(func.sum(getattr(rows, name)), 0) for name in names]
    row = session.execute(select(*sums).where(*_of_link(rows, link, period))).one()
    of_link = SuspectedDay.link_id == link.id
    suspicious = suspected(session, link.workspace_id, period, of_link)
    return LinkTotals(**dict(zip(names, row, strict=True)), suspected=suspicious)


def _days(session: Session, rows: type[LinkDay], link: Link, period: Period) -> list[Day]:
    """Every day of the period, those without clicks included."""
    query = (
        select(
            rows.local_date,
            func.sum(rows.clicks),
            func.sum(rows.scans),
            func.sum(rows.visitors),
        )
        .where(*_of_link(rows, link, period))
        .group_by(rows.local_date)
    )
    found = {day: Day(day, *sums) for day, *sums in session.execute(query)}
    return [found.get(day) or Day(day, 0, 0, 0) for day in period.days()]


def _of_link(rows: type[LinkDay], link: Link, period: Period) -> tuple[ColumnElement[bool], ...]:
    """The days of a link, which `find` has shown to be the workspace's."""
    return rows.link_id == link.id, rows.local_date.between(period.first, period.last)


def _told_of(
    rows: type[LinkHour | LinkFacet], link: Link, period: Period
) -> tuple[ColumnElement[bool], ...]:
    """Its hours or facets: they have the day first in their key, and named one by one, each is
    looked up.
    """
    return rows.link_id == link.id, rows.local_date.in_(period.days())
