"""The report of one link: its days, its hours of the week, and who clicked from where.

Like `queries`, which reports on all touchpoints, this reads roll-ups only and lets the
database sum.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import LinkDay, LinkFacet, LinkHour
from linkservice.links.model import Link
from linkservice.reports import details
from linkservice.reports.period import Period, choose_period
from linkservice.reports.results import Day, LinkReport, LinkTotals
from linkservice.workspaces.access import Actor, find
from linkservice.workspaces.model import Workspace


def link_report(
    session: Session,
    actor: Actor,
    link_id: str,
    *,
    first: date | None,
    last: date | None,
    now: datetime,
) -> LinkReport:
    """One link in a period. Raises `Invalid` (from, to), `NotFound`, `Forbidden`."""
    actor.require("reports:read")
    link = find(session, actor, Link, link_id)
    time_zone = session.get_one(Workspace, actor.workspace_id).time_zone
    period = choose_period(first, last, time_zone, now)
    facets = details.facets(session, *_of_link(LinkFacet, link, period))
    return LinkReport(
        id=str(link.id),
        period=period,
        totals=_totals(session, link, period),
        days=_days(session, link, period),
        hours=details.hours(session, *_of_link(LinkHour, link, period)),
        countries=facets["country"],
        devices=facets["device"],
        browsers=facets["browser"],
        systems=facets["system"],
        languages=facets["language"],
        referrers=facets["referrer"],
        robots=facets["robot"],
    )


def _totals(session: Session, link: Link, period: Period) -> LinkTotals:
    names = [field.name for field in fields(LinkTotals)]
    sums = [func.coalesce(func.sum(getattr(LinkDay, name)), 0) for name in names]
    row = session.execute(select(*sums).where(*_of_link(LinkDay, link, period))).one()
    return LinkTotals(**dict(zip(names, row, strict=True)))


def _days(session: Session, link: Link, period: Period) -> list[Day]:
    """Every day of the period, those without clicks included."""
    query = (
        select(
            LinkDay.local_date,
            func.sum(LinkDay.clicks),
            func.sum(LinkDay.scans),
            func.sum(LinkDay.visitors),
        )
        .where(*_of_link(LinkDay, link, period))
        .group_by(LinkDay.local_date)
    )
    found = {day: Day(day, *sums) for day, *sums in session.execute(query)}
    return [found.get(day) or Day(day, 0, 0, 0) for day in period.days()]


def _of_link(
    rolled_up: type[LinkDay | LinkHour | LinkFacet], link: Link, period: Period
) -> tuple[ColumnElement[bool], ...]:
    """The roll-up rows of a link, which `find` has shown to be the workspace's."""
    # Hours and facets have the day first in their key: named one by one, each is looked up.
    days = (
        rolled_up.local_date.between(period.first, period.last)
        if rolled_up is LinkDay
        else rolled_up.local_date.in_(period.days())
    )
    return rolled_up.link_id == link.id, days
