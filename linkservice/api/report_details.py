"""The calls of reports on one link, touchpoint or campaign, filtered or not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from linkservice.api.door import Call, Calls
from linkservice.api.reports import FilterQuery, PeriodAnswer, period_answer
from linkservice.api.values import Answer, Id
from linkservice.reports import results
from linkservice.reports.contested import Contest
from linkservice.reports.exported_tables import FACET_TABLES
from linkservice.reports.filtered import (
    Asked,
    FilteredReport,
    filtered_campaign,
    filtered_link,
    filtered_touchpoint,
)
from linkservice.reports.links import campaign_report, link_report
from linkservice.reports.ranking import Verdict
from linkservice.reports.touchpoints import LinkShare, TouchpointDetail, touchpoint_detail
from linkservice.reports.trend import trend_of
from linkservice.workspaces.access import Actor

DETAILS = Calls("Reports")

Figures = Sequence[results.Value]


class DetailDayAnswer(Answer):
    """A local day; scans and visitors are null where only single clicks could tell, and these
    are not read.
    """

    date: dt.date
    clicks: int
    scans: int | None
    visitors: int | None


class DetailAnswer(Answer):
    """One thing: its days, its hours of the week, and who clicked from where.

    With `filters` all but clicks by day (with one filter) comes from single clicks, from the day
    `single_clicks_from` on; null: of no day.
    """

    id: Id
    period: PeriodAnswer
    filters: Mapping[str, str]
    single_clicks_from: dt.date | None
    totals: results.LinkTotals
    days: list[DetailDayAnswer]
    hours: Sequence[results.Hour]
    countries: Figures
    cities: Figures
    devices: Figures
    browsers: Figures
    systems: Figures
    languages: Figures
    referrers: Figures
    robots: Figures


class LinkReportAnswer(DetailAnswer):
    """A link, or a campaign's links: days, hours of the week, and who clicked from where.

    `conversions` were reported with a click id and count for the link of their last click; `value`
    is in the smallest unit of the `currency`. All three are null with `filters`: a conversion has
    no country or browser.
    """

    conversions: int | None
    value: int | None
    currency: str | None


class LinkShareAnswer(Answer):
    """What a link brought."""

    id: Id
    domain: str
    slug: str
    clicks: int
    scans: int
    visitors: int


class StandingAnswer(Answer):
    """A link that was there side by side with others: its share in the visitors of all of them,
    with a 95 % interval. "best" and "worst" have certainly more and fewer than an equal share; for
    "too_early" so many more visitors of all of them would tell.
    """

    id: Id
    visitors: int
    share: float
    low: float
    high: float
    verdict: Verdict
    more_visitors_needed: int | None


class ContestAnswer(Answer):
    """The links of a touchpoint that were there side by side in this period, by falling share."""

    period: PeriodAnswer
    links: list[StandingAnswer]


class TouchpointDetailAnswer(DetailAnswer):
    """One touchpoint; with `filters` without its row, its peers and the contest of its links, which
    hold for all clicks. `contest` is null, too, where fewer than two links were there side by side
    for two weeks, or more than eight.

    `undivided` clicks came on days on which their link changed its touchpoint: no facet has them.
    """

    touchpoint: results.TouchpointRow | None
    peers: Sequence[results.TouchpointRow]
    links: list[LinkShareAnswer]
    contest: ContestAnswer | None
    undivided: int


@DETAILS.call(
    "GET",
    "/reports/links/{id}",
    scope="reports:read",
    takes=FilterQuery,
    answers=LinkReportAnswer,
)
def report_link(call: Call, given: FilterQuery) -> LinkReportAnswer:
    """Report on a link"""
    return _of_links(call, given, filtered_link, link_report)


@DETAILS.call(
    "GET",
    "/reports/campaigns/{id}",
    scope="reports:read",
    takes=FilterQuery,
    answers=LinkReportAnswer,
)
def report_campaign(call: Call, given: FilterQuery) -> LinkReportAnswer:
    """Report on a campaign's links together"""
    return _of_links(call, given, filtered_campaign, campaign_report)


@DETAILS.call(
    "GET",
    "/reports/touchpoints/{id}",
    scope="reports:read",
    takes=FilterQuery,
    answers=TouchpointDetailAnswer,
)
def report_touchpoint(call: Call, given: FilterQuery) -> TouchpointDetailAnswer:
    """Report on a touchpoint"""
    if given.filters:
        found = filtered_touchpoint(call.session, call.actor, call.id, _asked(call, given))
        return TouchpointDetailAnswer(
            id=call.id,
            touchpoint=None,
            peers=[],
            links=_links(found.links),
            contest=None,
            undivided=found.undivided,
            **_filtered(found),
        )
    suspects = given.scanners == "include"
    detail = touchpoint_detail(
        call.session,
        call.actor,
        call.id,
        first=given.first,
        last=given.last,
        suspects=suspects,
        now=call.now,
    )
    trend = trend_of(
        call.session,
        call.actor,
        detail.touchpoint,
        detail.period,
        call.now,
        suspects=suspects,
    )
    return TouchpointDetailAnswer(
        id=call.id,
        touchpoint=detail.row,
        peers=detail.peers,
        links=_links(detail.links),
        contest=_contest(detail.contest),
        undivided=detail.undivided,
        **_plain(detail, trend.days),
    )


def _of_links(
    call: Call,
    given: FilterQuery,
    filtered: Callable[[Session, Actor, str, Asked], FilteredReport],
    plain: Callable[..., results.LinkReport],
) -> LinkReportAnswer:
    """The answer of the one report or the other, whether it is filtered or not."""
    if given.filters:
        found = filtered(call.session, call.actor, call.id, _asked(call, given))
        return LinkReportAnswer(
            id=call.id, conversions=None, value=None, currency=None, **_filtered(found)
        )
    report = plain(
        call.session,
        call.actor,
        call.id,
        first=given.first,
        last=given.last,
        suspects=given.scanners == "include",
        now=call.now,
    )
    return LinkReportAnswer(
        id=report.id,
        conversions=report.conversions,
        value=report.value,
        currency=report.currency,
        **_plain(report, report.days),
    )


def _asked(call: Call, given: FilterQuery) -> Asked:
    return Asked(given.first, given.last, given.filters, given.scanners == "include", call.now)


def _filtered(found: FilteredReport) -> dict[str, Any]:
    """The fields of a filtered answer."""
    return {
        **_plain(found, found.days),
        "filters": found.filters.given,
        "single_clicks_from": found.single_clicks_from,
    }


def _plain(
    found: FilteredReport | results.LinkReport | TouchpointDetail,
    days: Sequence[results.Day] | Sequence[results.FilteredDay],
) -> dict[str, Any]:
    """The fields of an answer without filters."""
    return {
        "period": period_answer(found.period),
        "filters": {},
        "single_clicks_from": None,
        "totals": found.totals,
        "days": [DetailDayAnswer.model_validate(day, from_attributes=True) for day in days],
        "hours": found.hours,
        **{name: getattr(found, name) for name in FACET_TABLES},
    }


def _links(links: Sequence[LinkShare]) -> list[LinkShareAnswer]:
    return [
        LinkShareAnswer(
            id=str(each.link.id),
            domain=each.host,
            slug=each.link.slug,
            clicks=each.clicks,
            scans=each.scans,
            visitors=each.visitors,
        )
        for each in links
    ]


def _contest(contest: Contest | None) -> ContestAnswer | None:
    if contest is None:
        return None
    links = []
    for each in contest.links:
        told = asdict(each)
        links.append(StandingAnswer(id=str(told.pop("link_id")), **told))
    return ContestAnswer(period=period_answer(contest.period), links=links)
