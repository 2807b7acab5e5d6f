"""The report of a link, touchpoint or campaign on clicks that have something in common.

Decided here: which source tells what. Roll-ups know, day by day, how many clicks had one value;
how these divide among anything else (visitors, hours, other origins, a second filter) only
single clicks know. So from the day on from which single clicks are read, all comes from them;
of the days before, one filter has its clicks from roll-ups, and the rest is not told at all.

What changed is told as on pages without filters (`trend`): beside the same weekdays before, today
left out, and of each figure that is told of all days of both.

On a day on which a link changed its touchpoint the facets of links cannot tell whose a country was:
of the days before single clicks that are not closed either (`filtered_days`), these clicks are left
out and counted as `undivided`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.journeys.model import Campaign, Touchpoint
from linkservice.links.model import Domain, Link, LinkVersion
from linkservice.reports.details import by_clicks
from linkservice.reports.filtered_days import filtered_days
from linkservice.reports.filters import Filters
from linkservice.reports.link_months import named
from linkservice.reports.links import links_of
from linkservice.reports.period import Period, choose_period, day_of
from linkservice.reports.reading_back import Whose, read_from
from linkservice.reports.results import FilteredChange, FilteredDay, Hour, LinkTotals, Value
from linkservice.reports.single_clicks import (
    Counted,
    SingleClicks,
    count_days,
    count_rows,
)
from linkservice.reports.touchpoints import LinkShare
from linkservice.reports.trend import begun_before, days_over, weeks_before
from linkservice.workspaces.access import Actor, find, find_ever
from linkservice.workspaces.model import Workspace

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FilteredReport:
    """Clicks that meet the filters, in the period.

    From `single_clicks_from` on everything is told; None: no day is. Of the days before, clicks
    are told where there is one filter (in `days`, in `totals.clicks`, in the list of its own
    facet), and nothing where there are several: then `days` has none of them. Each other facet
    adds up to the clicks from `single_clicks_from` on. `more_single_clicks`: those of the days
    before are kept too, and were too many to be read (`Filters.everything` reads them).

    A visitor meets a filter if the first click of the day does, so that the values of a facet
    add up to all visitors. `begun`: whether anything, filtered or not, had been counted of it when
    the days before begin. `change` is None where nothing can be told of both.
    """

    period: Period
    filters: Filters
    single_clicks_from: date | None
    more_single_clicks: bool
    totals: LinkTotals
    days: Sequence[FilteredDay]
    links: Sequence[LinkShare]
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
    begun: bool
    change: FilteredChange | None = None

    @property
    def is_whole(self) -> bool:
        """Whether everything is told of the whole period."""
        return self.single_clicks_from == self.period.first

    def rolls_up(self, figure: str) -> bool:
        """Whether roll-ups tell the figure of the days before single clicks."""
        alone = len(self.filters.given) == 1
        return alone and (
            figure == "clicks" or (figure == "scans" and self.filters.source is not None)
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a filtered report is asked for besides its subject; see `choose_period`."""

    first: date | None
    last: date | None
    filters: Filters
    suspects: bool
    now: datetime


def filtered_link(session: Session, actor: Actor, link_id: str, asked: Asked) -> FilteredReport:
    """Of one link. Raises `Invalid` (from, to), `NotFound`, `Forbidden`."""
    actor.require("reports:read")
    link = find(session, actor, Link, link_id)
    return _report(session, actor, Whose(actor.workspace_id, [link.id]), asked, link)


def filtered_touchpoint(
    session: Session, actor: Actor, touchpoint_id: str, asked: Asked
) -> FilteredReport:
    """Of a touchpoint, also of a deleted one. Raises `Invalid` (from, to), `NotFound`,
    `Forbidden`.
    """
    actor.require("reports:read")
    touchpoint = find_ever(session, actor, Touchpoint, touchpoint_id)
    ever = select(LinkVersion.link_id).where(LinkVersion.touchpoint_id == touchpoint.id).distinct()
    whose = Whose(actor.workspace_id, ever, touchpoint.id)
    return _report(session, actor, whose, asked, touchpoint)


def filtered_campaign(
    session: Session, actor: Actor, campaign_id: str, asked: Asked
) -> FilteredReport:
    """Of the links that belong to a campaign today; visitors are those of each link. Raises
    `Invalid` (from, to), `NotFound`, `Forbidden`.
    """
    actor.require("reports:read")
    campaign = find(session, actor, Campaign, campaign_id)
    whose = Whose(actor.workspace_id, named(session, links_of(campaign)))
    return _report(session, actor, whose, asked, campaign)


def _report(
    session: Session,
    actor: Actor,
    whose: Whose,
    asked: Asked,
    subject: Link | Touchpoint | Campaign,
) -> FilteredReport:
    time_zone = session.get_one(Workspace, actor.workspace_id).time_zone
    period = choose_period(asked.first, asked.last, time_zone, asked.now)
    filters = asked.filters
    since, more = read_from(session, whose, period, filters)
    found = SingleClicks()
    if since is not None:
        rows_of = Period(since, period.last, time_zone)
        found = count_rows(session, whose, rows_of, filters, suspects=asked.suspects)
    before = _days_before(period, since)
    earlier: dict[date, int] = {}
    undivided = 0
    if before is not None and len(filters.given) == 1:
        earlier, undivided = filtered_days(
            session, whose, before, filters, subject, suspects=asked.suspects
        )
    totals = _totals(found, sum(earlier.values()), filters)
    facets = _facets(found, filters, totals.clicks)
    days = _days(period, since, found.days, earlier, filters)
    begun = begun_before(session, actor, subject, period)
    return FilteredReport(
        period=period,
        filters=filters,
        single_clicks_from=since,
        more_single_clicks=more,
        totals=totals,
        days=days,
        links=_links(session, found.links),
        hours=_hours(found),
        countries=facets.get("country", []),
        cities=facets.get("city", []),
        devices=facets.get("device", []),
        browsers=facets.get("browser", []),
        systems=facets.get("system", []),
        languages=facets.get("language", []),
        referrers=facets.get("referrer", []),
        robots=facets.get("robot", []),
        undivided=undivided,
        begun=begun,
        change=_change(session, actor, whose, asked, period, days, subject) if begun else None,
    )


def _change(
    session: Session,
    actor: Actor,
    whose: Whose,
    asked: Asked,
    period: Period,
    days: Sequence[FilteredDay],
    subject: Link | Touchpoint | Campaign,
) -> FilteredChange | None:
    """The period beside the one before; None where nothing can be told of both."""
    before = weeks_before(period)
    over = days_over(period, day_of(asked.now, period.time_zone))
    if before is None or not over or len(days) < len(period):
        return None
    earlier = _earlier(session, actor, whose, asked, before, period, subject)
    sums: dict[str, tuple[int, int]] = {}
    for name in ("clicks", "scans", "visitors"):
        both = [[getattr(day, name) for day in some[:over]] for some in (days, earlier)]
        if earlier and not any(None in some for some in both):
            sums[name] = sum(both[0]), sum(both[1])
    if not sums:
        return None
    now, then = ({name: each[place] for name, each in sums.items()} for place in (0, 1))
    return FilteredChange(now, then, (period.first - before.first).days // 7, earlier)


def _earlier(
    session: Session,
    actor: Actor,
    whose: Whose,
    asked: Asked,
    before: Period,
    period: Period,
    subject: Link | Touchpoint | Campaign,
) -> list[FilteredDay]:
    """The days before: from single clicks, if there is time to read those of both periods; else,
    of one filter, from roll-ups; else none.
    """
    filters = asked.filters
    both = Period(before.first, period.last, period.time_zone)
    since, _ = read_from(session, whose, both, filters)
    if since is not None and since <= before.first:
        found = count_days(session, whose, before, filters, suspects=asked.suspects)
        return _days(before, before.first, found, {}, filters)
    if len(filters.given) > 1:
        return []
    clicks, _ = filtered_days(session, whose, before, filters, subject, suspects=asked.suspects)
    return _days(before, None, {}, clicks, filters)


def _days_before(period: Period, since: date | None) -> Period | None:
    """The days of the period whose single clicks are not read; None where there are none."""
    if since is None:
        return period
    if since == period.first:
        return None
    return Period(period.first, since - _DAY, period.time_zone)


def _totals(found: SingleClicks, earlier: int, filters: Filters) -> LinkTotals:
    totals = {
        name: found.totals[name]
        for name in (
            *("clicks", "scans", "visitors", "tokenless", "robots", "previews", "prefetches"),
            *("scanners", "suspected", "heads", "own"),
        )
    }
    totals["clicks"] += earlier
    if filters.source == "scan":
        totals["scans"] += earlier
    return LinkTotals(**totals)


def _days(
    period: Period,
    since: date | None,
    found: Mapping[date, Counted],
    earlier: Mapping[date, int],
    filters: Filters,
) -> list[FilteredDay]:
    scans_of = {"scan": 1, "click": 0}.get(filters.source or "")
    days = []
    for day in period.days():
        if since is not None and day >= since:
            here = found.get(day) or Counted()
            days.append(FilteredDay(day, here.clicks, here.scans, here.visitors))
        elif len(filters.given) == 1:
            clicks = earlier.get(day, 0)
            scans = None if scans_of is None else clicks * scans_of
            days.append(FilteredDay(day, clicks, scans, None))
    return days


def _hours(found: SingleClicks) -> list[Hour]:
    return [Hour(day, hour, found.hours[day, hour]) for day in range(1, 8) for hour in range(24)]


def _facets(found: SingleClicks, filters: Filters, clicks: int) -> dict[str, list[Value]]:
    """Each facet's values by falling clicks; that of one filter has all clicks there are."""
    facets = {name: by_clicks(counts) for name, counts in found.facets.items()}
    if len(filters.given) == 1 and clicks:
        facets |= {facet: [Value(value, clicks)] for facet, value in filters.facets.items()}
    return facets


def _links(session: Session, found: Mapping[int, Counted]) -> list[LinkShare]:
    """The links that had such clicks, by falling clicks."""
    rows: list[LinkShare] = []
    ids = sorted(found)
    for start in range(0, len(ids), 5_000):  # parameters of a statement
        query = (
            select(Link, Domain.host)
            .join(Domain, Domain.id == Link.domain_id)
            .where(Link.id.in_(ids[start : start + 5_000]))
        )
        for link, host in session.execute(query):
            here = found[link.id]
            rows.append(LinkShare(link, host, here.clicks, here.scans, here.visitors))
    return sorted(rows, key=lambda each: (-each.clicks, each.link.id))
