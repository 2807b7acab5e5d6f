"""The report of one link: its days, its hours of the week, and who clicked from where.

Like `queries`, which reports on all touchpoints, this reads roll-ups only and lets the
database sum.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from datetime import date, datetime

from sqlalchemy import ColumnElement, extract, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import FACETS, LinkDay, LinkFacet, LinkHour
from linkservice.links.model import Link
from linkservice.reports.period import Period, choose_period
from linkservice.reports.results import Day, Hour, LinkReport, LinkTotals, Value
from linkservice.workspaces.access import Actor, find
from linkservice.workspaces.model import Workspace

EMPTY_VALUE = {"referrer": "direct"}
"""What an empty value of a facet is called, where it is not "unknown"."""


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
    facets = _facets(session, link, period)
    return LinkReport(
        id=str(link.id),
        period=period,
        totals=_totals(session, link, period),
        days=_days(session, link, period),
        hours=_hours(session, link, period),
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


def _hours(session: Session, link: Link, period: Period) -> list[Hour]:
    """All hours of the week. Databases number weekdays from Sunday, 0."""
    weekday = extract("dow", LinkHour.local_date)
    query = (
        select(weekday, LinkHour.local_hour, func.sum(LinkHour.clicks))
        .where(*_of_link(LinkHour, link, period))
        .group_by(weekday, LinkHour.local_hour)
    )
    found = {(int(day) or 7, hour): clicks for day, hour, clicks in session.execute(query)}
    return [Hour(day, hour, found.get((day, hour), 0)) for day in range(1, 8) for hour in range(24)]


def _facets(session: Session, link: Link, period: Period) -> dict[str, list[Value]]:
    """Each facet's values by falling clicks. What a click did not tell is "unknown"."""
    query = (
        select(LinkFacet.facet, LinkFacet.value, func.sum(LinkFacet.clicks))
        .where(*_of_link(LinkFacet, link, period))
        .group_by(LinkFacet.facet, LinkFacet.value)
    )
    found: dict[str, Counter[str]] = {facet: Counter() for facet in FACETS}
    for facet, value, clicks in session.execute(query):
        found[facet][value or EMPTY_VALUE.get(facet, "unknown")] += clicks
    return {
        facet: [
            Value(value, clicks)
            for value, clicks in sorted(values.items(), key=lambda each: (-each[1], each[0]))
        ]
        for facet, values in found.items()
    }


def _of_link(
    rolled_up: type[LinkDay | LinkHour | LinkFacet], link: Link, period: Period
) -> tuple[ColumnElement[bool], ...]:
    """The roll-up rows of a link, which `find` has shown to be the workspace's."""
    return (
        rolled_up.link_id == link.id,
        rolled_up.local_date.between(period.first, period.last),
    )
