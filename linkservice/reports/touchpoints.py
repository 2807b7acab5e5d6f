"""The report of one touchpoint: its row beside its peers, its links, its hours and facets.

Hours and facets are rolled up by link and day. A link that changed its touchpoint counted for
two on that day, so this day's hours and facets belong to neither alone: they are left out,
and `undivided` says how many clicks that are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from linkservice.clicks.model import LinkDay, SuspectedDay
from linkservice.database import as_local_day, is_sqlite
from linkservice.journeys.model import Touchpoint
from linkservice.links.model import Domain, Link, LinkVersion
from linkservice.reports import details
from linkservice.reports.contested import Contest, contest_of
from linkservice.reports.period import Period
from linkservice.reports.queries import report_with_other_sides
from linkservice.reports.ranking import PeerGroup
from linkservice.reports.results import Hour, LinkTotals, TouchpointReport, TouchpointRow, Value
from linkservice.reports.sources import Sources, sources, suspected
from linkservice.workspaces.access import Actor, find, find_ever

FEW_LINKS = 500


@dataclass(frozen=True, slots=True)
class LinkShare:
    """What a link brought to the touchpoint; one that leads elsewhere today may be deleted."""

    link: Link
    host: str
    clicks: int
    scans: int
    visitors: int


@dataclass(frozen=True, slots=True)
class TouchpointDetail:
    """One touchpoint in a period; `peers` are the rows its own is compared with, `other_sides` the
    rows by value that contradict those of the report, `contest` which of its links brings more.

    Each facet adds up to `totals.clicks` less `undivided`, but `cities` is empty where none is
    known; `robots` names what is no person.
    """

    touchpoint: Touchpoint
    report: TouchpointReport
    row: TouchpointRow
    peers: Sequence[TouchpointRow]
    totals: LinkTotals
    links: Sequence[LinkShare]
    contest: Contest | None
    hours: Sequence[Hour]
    countries: Sequence[Value]
    cities: Sequence[Value]
    devices: Sequence[Value]
    browsers: Sequence[Value]
    systems: Sequence[Value]
    languages: Sequence[Value]
    referrers: Sequence[Value]
    robots: Sequence[Value]
    undivided: int
    other_sides: Mapping[str, TouchpointRow]

    @property
    def period(self) -> Period:
        return self.report.period


def touchpoint_detail(
    session: Session,
    actor: Actor,
    touchpoint_id: str,
    *,
    first: date | None,
    last: date | None,
    metric: str = "visitors_per_reach",
    attribution: str = "last",
    suspects: bool = False,
    now: datetime,
) -> TouchpointDetail:
    """One touchpoint in a period; a deleted one as long as it has clicks in it. With the
    clicks of suspected mail scanners or without.

    Raises `Invalid` (from, to, metric, attribution), `NotFound`, `Forbidden`.
    """
    actor.require("reports:read")
    touchpoint = find_ever(session, actor, Touchpoint, touchpoint_id)
    report, other_sides = report_with_other_sides(
        session,
        actor,
        first=first,
        last=last,
        metric=metric,
        attribution=attribution,
        suspects=suspects,
        now=now,
    )
    row = next((row for row in report.touchpoints if row.id == touchpoint_id), None)
    if row is None:
        # It is deleted, or it would have one: this raises.
        find(session, actor, Touchpoint, touchpoint_id)
    assert row is not None
    read = sources(session, actor.workspace_id, report.period, suspects)
    stay = _Stay.of(session, touchpoint, report.period)
    told = _details(session, read, stay)
    facets = told.facets
    by_link = _by_link(session, read.days, stay)
    totals, divided = _totals(session, read.days, stay, by_link)
    links = _links(session, stay, by_link)
    there = [
        each.link.id
        for each in links
        if each.link.touchpoint_id == touchpoint.id and each.link.deleted_at is None
    ]
    return TouchpointDetail(
        touchpoint=touchpoint,
        report=report,
        row=row,
        peers=peers_of(row, report.touchpoints),
        totals=totals,
        links=links,
        contest=contest_of(session, read.days, touchpoint, there, report.period, now),
        hours=told.hours,
        countries=facets["country"],
        cities=facets["city"],
        devices=facets["device"],
        browsers=facets["browser"],
        systems=facets["system"],
        languages=facets["language"],
        referrers=facets["referrer"],
        robots=facets["robot"],
        undivided=totals.clicks - divided,
        other_sides=other_sides,
    )


def peers_of(row: TouchpointRow, rows: Sequence[TouchpointRow]) -> list[TouchpointRow]:
    """The rows of a whole report that `row` is compared with; none beside a target."""
    if row.peers is None or row.peers.group == "target":
        return []
    traits = _SHARED[row.peers.group]
    return [
        other
        for other in rows
        if other.id not in (None, row.id)
        and other.rate is not None
        and other.unit == row.unit
        and all(getattr(other, trait) == getattr(row, trait) for trait in traits)
    ]


_SHARED: dict[PeerGroup, tuple[str, ...]] = {
    "stage_and_kind": ("stage_id", "kind"),
    "stage": ("stage_id",),
    "journey": ("journey_id",),
    "workspace": (),
}
"""What the members of a group of peers have in common, besides the unit of reach."""


@dataclass(frozen=True, slots=True)
class _Stay:
    """A touchpoint in a period; `links` are those that ever were there, unless they are many.
    `alone`: in the period none of them was at another one.
    """

    touchpoint: Touchpoint
    period: Period
    links: Sequence[int] | None
    alone: bool

    @classmethod
    def of(cls, session: Session, touchpoint: Touchpoint, period: Period) -> _Stay:
        ever = select(LinkVersion.link_id).where(LinkVersion.touchpoint_id == touchpoint.id)
        links = session.scalars(ever.distinct().limit(FEW_LINKS + 1)).all()
        if len(links) > FEW_LINKS:
            return cls(touchpoint, period, None, alone=False)
        elsewhere = exists().where(
            LinkDay.link_id.in_(links),
            LinkDay.local_date.between(period.first, period.last),
            LinkDay.touchpoint_id != touchpoint.id,
        )
        return cls(touchpoint, period, links, alone=not session.scalar(select(elsewhere)))

    def days(self, rows: type[LinkDay]) -> Sequence[ColumnElement[bool]]:
        """The conditions on days of links."""
        # Few links are looked up one by one, instead of every link of the workspace.
        known = self.links is not None
        return (
            rows.link_id.in_(self.links or ())
            if known
            else rows.workspace_id == self.touchpoint.workspace_id,
            rows.touchpoint_id == self.touchpoint.id,
            rows.local_date.between(self.period.first, self.period.last),
        )


def _by_link(session: Session, rows: type[LinkDay], stay: _Stay) -> Mapping[int, Row[Any]]:
    """What was counted of each of its links there: the columns of `LinkDay` by their names."""
    names = (*_TOTALS.values(), "visitors")
    counted = (func.sum(getattr(rows, name)).label(name) for name in names)
    by_link = select(rows.link_id, *counted).where(*stay.days(rows)).group_by(rows.link_id)
    return {row.link_id: row for row in session.execute(by_link)}


_TOTALS = {
    field.name: "touchpoint_visitors" if field.name == "visitors" else field.name
    for field in fields(LinkTotals)
    if field.name != "suspected"
}
"""The columns of `LinkDay` that a touchpoint's totals add up."""


def _totals(
    session: Session, rows: type[LinkDay], stay: _Stay, by_link: Mapping[int, Row[Any]]
) -> tuple[LinkTotals, int]:
    """The touchpoint's sums, and how many of its clicks its hours and facets tell apart."""
    sums = {
        name: sum(getattr(row, column) for row in by_link.values())
        for name, column in _TOTALS.items()
    }
    touchpoint, period = stay.touchpoint, stay.period
    of_touchpoint = SuspectedDay.touchpoint_id == touchpoint.id
    suspicious = suspected(session, touchpoint.workspace_id, period, of_touchpoint)
    totals = LinkTotals(**sums, suspected=suspicious)
    if stay.alone:
        return totals, totals.clicks
    alone = (*stay.days(rows), _alone(rows, stay))
    return totals, session.scalar(select(func.sum(rows.clicks)).where(*alone)) or 0


def _alone(rows: type[LinkDay], stay: _Stay) -> ColumnElement[bool]:
    """Whether a row of `LinkDay` is the only one of its link and day."""
    if stay.alone:
        return true()
    other = aliased(LinkDay)
    return ~exists().where(
        and_(
            other.link_id == rows.link_id,
            other.local_date == rows.local_date,
            other.touchpoint_id != stay.touchpoint.id,
        )
    )


def _details(session: Session, read: Sources, stay: _Stay) -> details.Details:
    """The hours and facets that are the touchpoint's alone."""
    if stay.alone and stay.links is not None:
        return details.of_links(session, read, stay.links, stay.period)
    told = _told(session, read.days, stay)
    return details.of_rows(session, read, told(read.hours), told(read.facets))


def _told(session: Session, rows: type[LinkDay], stay: _Stay) -> details.Which:
    """Which rows of hours or facets are the touchpoint's alone."""
    day = as_local_day(session, rows.local_date.expression)
    days = select(rows.link_id, day).where(*stay.days(rows), _alone(rows, stay))
    if is_sqlite(session):
        return lambda told: tuple_(told.link_id, told.local_date).in_(days)
    return details.on_days([(row[0], row[1]) for row in session.execute(days)])


def facets_alone(
    session: Session, read: Sources, touchpoint: Touchpoint, period: Period
) -> tuple[details.Which, int]:
    """Which facets are the touchpoint's alone, and how many of its clicks they leave out."""
    stay = _Stay.of(session, touchpoint, period)
    chosen = stay.days(read.days)
    alone = _alone(read.days, stay)
    left_out = session.scalar(select(func.sum(read.days.clicks)).where(*chosen, ~alone))
    return _told(session, read.days, stay), int(left_out or 0)


def _links(session: Session, stay: _Stay, by_link: Mapping[int, Row[Any]]) -> list[LinkShare]:
    """Its links of today and those that brought it clicks, by falling clicks."""
    today = select(Link.id).where(
        Link.workspace_id == stay.touchpoint.workspace_id,
        Link.touchpoint_id == stay.touchpoint.id,
        Link.deleted_at.is_(None),
    )
    brought = [link_id for link_id, row in by_link.items() if row.clicks > 0]
    ids = sorted({*session.scalars(today), *brought})
    shares: list[LinkShare] = []
    for start in range(0, len(ids), 5_000):  # parameters of a statement
        found = select(Link, Domain.host).join(Domain, Domain.id == Link.domain_id)
        for link, host in session.execute(found.where(Link.id.in_(ids[start : start + 5_000]))):
            row = by_link.get(link.id)
            counted = (row.clicks, row.scans, row.visitors) if row else (0, 0, 0)
            shares.append(LinkShare(link, host, *counted))
    return sorted(shares, key=lambda share: (-share.clicks, share.link.id))
