"""Every report as a file: the figures its page shows, with the page's period and filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from flask import Response

from linkservice.cells import Cell, table
from linkservice.journeys.model import Campaign, Touchpoint
from linkservice.links.listing import link_view
from linkservice.links.model import Link
from linkservice.reports import exported
from linkservice.reports.beginning import linked_touchpoints
from linkservice.reports.exported import Exported
from linkservice.reports.exported_before import with_before, with_change
from linkservice.reports.exported_findings import with_costs
from linkservice.reports.filtered import FilteredReport
from linkservice.reports.links import campaign_report, link_report
from linkservice.reports.results import Day, FilteredDay, LinkReport, TouchpointReport
from linkservice.reports.touchpoints import TouchpointDetail, touchpoint_detail
from linkservice.reports.trend import Trend, trend_of
from linkservice.web import arrangement, periods
from linkservice.web.annotated import notes_in
from linkservice.web.asked import (
    Asked,
    arranged_as_asked,
    asked_for_file,
    groups_asked,
    journey_name,
    ranking_facts,
    report_asked,
)
from linkservice.web.contest_words import contest_part
from linkservice.web.counted import Fact, counted
from linkservice.web.door import Pages
from linkservice.web.exports import saved
from linkservice.web.figures import Figure
from linkservice.web.file_names import file_name
from linkservice.web.filed import filters_of, format_asked
from linkservice.web.filtered import filtered_report, source_words
from linkservice.web.i18n import gettext
from linkservice.web.page import Page
from linkservice.web.papers import (
    filtered_parts,
    outstanding_words,
    paper_of,
    ranked_parts,
    sums_part,
    trend_parts,
    unlinked_parts,
)
from linkservice.web.periods import Chosen
from linkservice.web.printed_tables import KEY_FIGURES, gained_rows, table_parts
from linkservice.web.ranked import Group, Ranking, finding
from linkservice.web.reach_words import exceeding
from linkservice.web.subject_costs import costs_part, costs_within, facts_of, told_costs
from linkservice.web.views.reports import folded, touchpoint_context
from linkservice.workspaces.access import find, find_ever

PAGES = Pages("reports")

One: TypeAlias = Literal["touchpoint", "link", "campaign"]
"""What a report can be on alone."""

_DRAWN: tuple[Figure, ...] = ("clicks", "scans", "visitors")


@PAGES.get("/reports/download", scope="reports:read")
def download_reports(page: Page) -> Response:
    """The ranking, in the order it is sorted by."""
    return _ranking(page, asked_for_file(page), format_asked(page))


@PAGES.get("/reports/touchpoints.csv", scope="reports:read")
def reports_csv(page: Page) -> Response:
    """The ranking as a CSV file, under the address it always had."""
    return _ranking(page, asked_for_file(page), "csv")


@PAGES.get("/reports/touchpoints/<id>/download", scope="reports:read")
def download_touchpoint(page: Page, id: str) -> Response:
    """One touchpoint with its peers, days, links, hours and origins."""
    return _of_one(page, "touchpoint", id)


@PAGES.get("/reports/links/<id>/download", scope="reports:read")
def download_link(page: Page, id: str) -> Response:
    """One link with its days, hours and origins."""
    return _of_one(page, "link", id)


@PAGES.get("/reports/campaigns/<id>/download", scope="reports:read")
def download_campaign(page: Page, id: str) -> Response:
    """A campaign's links together, with their days, hours and origins."""
    return _of_one(page, "campaign", id)


def _of_one(page: Page, about: One, id: str) -> Response:
    """The report on one of them, with the filters of its page."""
    form = format_asked(page)
    found, facts = _file_of_one(page, about, id, _chosen(page))
    name = file_name(about, found.period, found.filters, _called(page, about, id), id)
    return saved(page, found, facts, form, name, one_table=False)


def _file_of_one(
    page: Page, about: One, id: str, chosen: Chosen
) -> tuple[Exported, Sequence[Fact]]:
    """What its file holds, and how that was counted."""
    if chosen.filters:
        return _filtered_file(page, about, id, chosen, filtered_report(page, about, id, chosen))
    trend = _trend(page, _subject(page, about, id), chosen)
    found = _whole_file(page, about, id, chosen, trend)
    costs = None if about == "link" else costs_within(page, chosen, about, id)
    if costs is None:
        return found, counted(page, chosen, about)
    facts = counted(page, chosen, about, costs=facts_of(costs))
    return with_costs(found, costs.report, costs.row), facts


def _filtered_file(
    page: Page, about: One, id: str, chosen: Chosen, report: FilteredReport
) -> tuple[Exported, Sequence[Fact]]:
    """The same of a report that is made already."""
    notes = notes_in(page, report.period)
    found = exported.of_filtered(
        report, id, notes, filters_of(chosen), by_link=about != "touchpoint"
    )
    found = with_change(found, report.change)
    return found, counted(page, chosen, about, source=source_words(report))


@PAGES.get("/reports/touchpoints/<id>/days.csv", scope="reports:read")
def touchpoint_report_csv(page: Page, id: str) -> Response:
    """A touchpoint's days for a spreadsheet."""
    chosen = _chosen(page)
    days = (
        filtered_report(page, "touchpoint", id, chosen).days
        if chosen.filters
        else _touchpoint_days(page, id, chosen)
    )
    return _csv(page, "touchpoint", id, chosen, days)


@PAGES.get("/reports/links/<id>/days.csv", scope="reports:read")
def link_report_csv(page: Page, id: str) -> Response:
    """A link's days for a spreadsheet."""
    return _link_days(page, "link", id)


@PAGES.get("/reports/campaigns/<id>/days.csv", scope="reports:read")
def campaign_report_csv(page: Page, id: str) -> Response:
    """A campaign's days for a spreadsheet."""
    return _link_days(page, "campaign", id)


def _link_days(page: Page, about: Literal["link", "campaign"], id: str) -> Response:
    chosen = _chosen(page)
    days = (
        filtered_report(page, about, id, chosen).days
        if chosen.filters
        else _link(page, about, id, chosen).days
    )
    return _csv(page, about, id, chosen, days)


@PAGES.get("/reports/paper", scope="reports:read")
def paper_reports(page: Page) -> Response:
    """The ranking as PDF: its rows in the order and the groups of its page, with what is said of
    each.
    """
    asked = asked_for_file(page)
    report = report_asked(page, asked)
    seen = arranged_as_asked(page, asked, report)
    ranking = Ranking.of(report)
    rows, bare = folded(
        [ranking.shown(row, drawn=False) for row in seen.rows],
        linked_touchpoints(page.session, page.actor),
    )
    groups = groups_asked(asked, seen, ranking, rows)
    if not groups:
        head = gettext("Clicks that meet the filters")
        if asked.sort:
            head = arrangement.order_words(asked.sort, asked.upwards)
        groups = [Group("all", head, "", None, rows)]
    found = ranking_file(page, asked, report)
    parts = [*ranked_parts(ranking, groups), sums_part(ranking, seen)]
    told = KEY_FIGURES if ranking.is_converting else KEY_FIGURES[:3]
    parts += [*unlinked_parts(bare), *table_parts(page, found, told)]
    chosen = arrangement.filters(page, report, asked.selection)
    said = ["; ".join(arrangement.told(chosen, asked.group, asked.sort, asked.upwards))]
    if ranking.is_judged:
        outstanding = outstanding_words(rows)
        said = [finding(report.touchpoints).sentence, *outstanding, exceeding(seen.rows), *said]
    title = journey_name(page, asked) or gettext("Touchpoints")
    data = paper_of(page, title, ranking_facts(page, asked, report), parts, *said)
    return page.file(
        data, "application/pdf", f"{file_name('touchpoints', found.period, found.filters)}.pdf"
    )


@PAGES.get("/reports/touchpoints/<id>/paper", scope="reports:read")
def paper_touchpoint(page: Page, id: str) -> Response:
    """One touchpoint with its peers as PDF; with filters without them, as its page."""
    chosen = _chosen(page)
    if chosen.filters:
        title = find_ever(page.session, page.actor, Touchpoint, id).name
        return paper_of_one(page, "touchpoint", id, title)
    shown = touchpoint_context(page, id, chosen, _attribution(page))
    detail: TouchpointDetail = shown["found"]
    trend = _trend(page, detail.touchpoint, chosen)
    found = _touchpoint_file(page, detail, chosen, trend)
    ranking = Ranking.of(detail.report, detail.other_sides)
    rows = [ranking.shown(row, drawn=False) for row in (detail.row, *detail.peers)]
    costs = shown["costs"]
    parts = [
        *trend_parts(page, trend, *_DRAWN, more=gained_rows(found)),
        *([costs_part(costs)] if costs else []),
        *ranked_parts(ranking, ranking.groups(rows)),
        *([contest_part(shown["contest"])] if shown["contest"] else []),
        *table_parts(page, found, KEY_FIGURES),
    ]
    title = detail.row.name or ""
    data = paper_of(
        page, title, shown["counted"], parts, rows[0].said, rows[0].peers, shown["exceeding"]
    )
    name = file_name("touchpoint", found.period, found.filters, title, id)
    return page.file(data, "application/pdf", f"{name}.pdf")


@PAGES.get("/reports/links/<id>/paper", scope="reports:read")
def paper_link(page: Page, id: str) -> Response:
    """One link as PDF."""
    view = link_view(page.session, page.actor, id)
    return paper_of_one(page, "link", id, f"{view.host}/{view.link.slug}")


@PAGES.get("/reports/campaigns/<id>/paper", scope="reports:read")
def paper_campaign(page: Page, id: str) -> Response:
    """A campaign's links together as PDF."""
    name = find(page.session, page.actor, Campaign, id).name
    return paper_of_one(page, "campaign", id, campaign_title(name))


def campaign_title(name: str) -> str:
    """What the paper of a campaign is called: its name alone may be anything."""
    return gettext("Campaign: %(name)s", name=name)


def paper_of_one(page: Page, about: One, id: str, title: str) -> Response:
    chosen = _chosen(page)
    if chosen.filters:
        report = filtered_report(page, about, id, chosen)
        found, facts = _filtered_file(page, about, id, chosen, report)
        drawn = filtered_parts(page, report)
    else:
        trend = _trend(page, _subject(page, about, id), chosen)
        found = _whole_file(page, about, id, chosen, trend)
        drawn = trend_parts(page, trend, *_DRAWN, more=gained_rows(found))
        costs = told_costs(page, chosen, about, id) if about == "campaign" else None
        drawn += [costs_part(costs)] if costs else []
        facts = counted(page, chosen, about, costs=costs.facts if costs else ())
    parts = [*drawn, *table_parts(page, found, KEY_FIGURES)]
    data = paper_of(page, title, facts, parts)
    name = file_name(about, found.period, found.filters, _called(page, about, id), id)
    return page.file(data, "application/pdf", f"{name}.pdf")


def _called(page: Page, about: One, id: str) -> str:
    """The subject's name; of a link what its address ends in."""
    subject = _subject(page, about, id)
    return subject.slug if isinstance(subject, Link) else subject.name


def _whole_file(page: Page, about: One, id: str, chosen: Chosen, trend: Trend) -> Exported:
    """What a file of it holds, without filters and costs. Raises `NotFound`."""
    if about == "touchpoint":
        return _touchpoint_file(page, _touchpoint(page, id, chosen), chosen, trend)
    found = _link(page, about, id, chosen)
    notes = notes_in(page, found.period)
    return with_before(exported.of_link(found, notes, filters_of(chosen)), trend)


def _touchpoint_file(page: Page, found: TouchpointDetail, chosen: Chosen, trend: Trend) -> Exported:
    notes = notes_in(page, found.period)
    asked = _attribution(page)
    filters = {**filters_of(chosen), **({} if asked == "last" else {"attribution": asked})}
    return with_before(exported.of_touchpoint(found, trend, notes, filters), trend)


def _link(page: Page, about: Literal["link", "campaign"], id: str, chosen: Chosen) -> LinkReport:
    first, last = chosen.period.first, chosen.period.last
    report = link_report if about == "link" else campaign_report
    return report(
        page.session, page.actor, id, first=first, last=last, suspects=chosen.suspects, now=page.now
    )


def _touchpoint(page: Page, id: str, chosen: Chosen) -> TouchpointDetail:
    first, last = chosen.period.first, chosen.period.last
    return touchpoint_detail(
        page.session,
        page.actor,
        id,
        first=first,
        last=last,
        attribution=_attribution(page),
        suspects=chosen.suspects,
        now=page.now,
    )


def _attribution(page: Page) -> str:
    return page.query.get("attribution") or "last"


def _subject(page: Page, about: One, id: str) -> Touchpoint | Link | Campaign:
    """What the report is on. Raises `NotFound`."""
    if about == "touchpoint":
        return find_ever(page.session, page.actor, Touchpoint, id)
    if about == "link":
        return find(page.session, page.actor, Link, id)
    return find(page.session, page.actor, Campaign, id)


def _trend(page: Page, subject: Touchpoint | Link | Campaign, chosen: Chosen) -> Trend:
    return trend_of(
        page.session, page.actor, subject, chosen.period, page.now, suspects=chosen.suspects
    )


def _touchpoint_days(page: Page, id: str, chosen: Chosen) -> Sequence[Day]:
    return _trend(page, _subject(page, "touchpoint", id), chosen).days


def ranking_file(page: Page, asked: Asked, report: TouchpointReport) -> Exported:
    """What a file of the ranking holds: the rows its page shows and, where nothing is filtered,
    those of links without a touchpoint.
    """
    filters = {
        **filters_of(asked.chosen),
        "metric": asked.metric,
        **({} if asked.attribution == "last" else {"attribution": asked.attribution}),
        "journey_id": asked.journey_id,
        **{name: value for name, value in asked.selection.query.items() if value},
    }
    if report.filtered is not None:
        since = report.filtered.single_clicks_from
        filters["single_clicks_from"] = since.isoformat() if since else "none"
    seen = arranged_as_asked(page, asked, report)
    return exported.of_touchpoints(report, seen, filters)


def _ranking(page: Page, asked: Asked, form: str) -> Response:
    report = report_asked(page, asked)
    found = ranking_file(page, asked, report)
    name = file_name("touchpoints", found.period, found.filters)
    return saved(page, found, ranking_facts(page, asked, report), form, name, one_table=True)


def _chosen(page: Page) -> Chosen:
    return periods.chosen_and_filtered(page.query, page.time_zone, page.now).certain


def _csv(
    page: Page, about: One, id: str, chosen: Chosen, days: Sequence[Day | FilteredDay]
) -> Response:
    lines: list[list[Cell]] = [["date", "clicks", "scans", "visitors"]]
    lines += [[day.date.isoformat(), day.clicks, day.scans, day.visitors] for day in days]
    subject = f"{_called(page, about, id) or id} {gettext('Days')}"
    name = file_name(about, chosen.period, filters_of(chosen), subject)
    return page.file(table(lines), "text/csv", f"{name}.csv")
