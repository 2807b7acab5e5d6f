"""A report as files hold it: the figures its page shows, as tables and as JSON.

Decided here: which tables a report has. They are made of the same frozen result the page is made
of, so that nothing is counted twice over. Money is in its smallest unit in JSON. Not here: what
stands in a table (`exported_tables`), what columns and values are called in a language
(`web/exports`), how they become a CSV (`exported_csv`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from linkservice.reports.arranged import Arranged
from linkservice.reports.exported_tables import (
    CONTEST_COLUMNS,
    FACET_TABLES,
    LINK_COLUMNS,
    UNTOLD,
    Table,
    contest_rows,
    contest_table,
    days_table,
    facet_table,
    facet_tables,
    filtered_totals_table,
    gained_table,
    groups_table,
    hours_table,
    link_rows,
    link_totals_table,
    ranking_table,
    sums_table,
    untold_of,
    with_groups,
)
from linkservice.reports.filtered import FilteredReport
from linkservice.reports.filtered_origins import Origins
from linkservice.reports.model import Annotation
from linkservice.reports.period import Period
from linkservice.reports.results import (
    Json,
    LinkReport,
    TouchpointReport,
    TouchpointRow,
    TouchpointTotals,
    plain,
    to_json,
)
from linkservice.reports.touchpoints import TouchpointDetail
from linkservice.reports.trend import Trend


@dataclass(frozen=True, slots=True)
class Exported:
    """A report: `content` is what the API answers, `tables` are the same figures, the most
    important one first. `filters` is what was asked besides the period.
    """

    period: Period
    filters: Mapping[str, str | None]
    content: dict[str, Json]
    tables: Sequence[Table]

    @property
    def stamp(self) -> dict[str, str]:
        """Period and filters by name: what makes a figure understood when it stands alone."""
        days = {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()}
        told = {name: text for name, text in self.filters.items() if text}
        return {**days, "time_zone": self.period.time_zone, **told}


def of_touchpoints(
    report: TouchpointReport, seen: Arranged, filters: Mapping[str, str | None]
) -> Exported:
    """The ranking, with the rows that are `seen` and what they add up to."""
    rows = seen.all_rows
    content = to_json(report)
    content["touchpoints"] = [plain(row) for row in rows]
    content["shown"] = plain(seen.together)
    content["groups"] = [
        {
            "key": group.key,
            "membership": group.membership,
            "name": group.name,
            "together": plain(group.together),
            "touchpoint_ids": [row.id for row in group.rows],
        }
        for group in seen.groups
    ]
    untold = untold_of(report)
    tables = [ranking_table(report, rows, untold)]
    if seen.groups:
        tables = [with_groups(tables[0], seen), groups_table(report, seen)]
    if seen.selection:
        tables.append(sums_table("shown", seen.together, report, untold))
    tables.append(sums_table("totals", report.totals, report, untold))
    return Exported(report.period, filters, content, tables)


def of_overview(
    report: TouchpointReport,
    trend: Trend,
    notes: Sequence[Annotation],
    outstanding: Sequence[TouchpointRow],
    changed: Exported,
    filters: Mapping[str, str | None],
) -> Exported:
    """The whole workspace: its days, what was counted, who stands `outstanding`, what `changed`."""
    content: dict[str, Json] = {
        "period": plain(report.period),
        "totals": plain(report.totals),
        "days": [plain(day) for day in trend.days],
        "annotations": _notes(notes),
        "touchpoints": [plain(row) for row in outstanding],
        "changes": changed.content,
    }
    tables = [
        days_table(trend.days, notes),
        sums_table("totals", report.totals, report),
        ranking_table(report, outstanding),
        *changed.tables,
    ]
    return Exported(report.period, filters, content, tables)


def of_filtered_overview(
    report: TouchpointReport,
    rows: Sequence[TouchpointRow],
    origins: Origins | None,
    notes: Sequence[Annotation],
    filters: Mapping[str, str | None],
) -> Exported:
    """The same of clicks that meet filters, which leave days, totals, where most were, and from
    where they came; told from the day `single_clicks_from` on, and `origins_from`.
    """
    by = report.filtered
    days = by.days if by else []
    since = by.single_clicks_from.isoformat() if by and by.single_clicks_from else None
    facets = {"countries": origins.countries, "devices": origins.devices} if origins else {}
    origins_from = origins.since.isoformat() if any(facets.values()) and origins else None
    content: dict[str, Json] = {
        "period": plain(report.period),
        "single_clicks_from": since,
        "totals": _told(report.totals),
        "days": [plain(day) for day in days],
        "annotations": _notes(notes),
        "touchpoints": [_told(row) for row in rows],
        "origins_from": origins_from,
        **{name: plain(values) for name, values in facets.items()},
    }
    tables = [
        days_table(days, notes),
        sums_table("totals", report.totals, report, untold_of(report)),
        ranking_table(report, rows, untold_of(report)),
        *(facet_table(name, values) for name, values in facets.items() if values),
    ]
    told = {**filters, "single_clicks_from": since or "none", "origins_from": origins_from}
    return Exported(report.period, told, content, tables)


def _told(counted: TouchpointTotals | TouchpointRow) -> Json:
    content = plain(counted)
    assert isinstance(content, dict)
    return {name: None if name in UNTOLD else value for name, value in content.items()}


def of_touchpoint(
    found: TouchpointDetail,
    trend: Trend,
    notes: Sequence[Annotation],
    filters: Mapping[str, str | None],
) -> Exported:
    """One touchpoint: its row and those of its peers, then what it is made of; `notes` are on days
    of its period.
    """
    links = link_rows(found.links)
    content: dict[str, Json] = {
        "period": plain(found.period),
        "touchpoint": plain(found.row),
        "peers": [plain(row) for row in found.peers],
        "totals": plain(found.totals),
        "days": [plain(day) for day in trend.days],
        "annotations": _notes(notes),
        "links": [dict(zip(LINK_COLUMNS, each, strict=True)) for each in links],
        "contest": _contest(found),
        "hours": [plain(hour) for hour in found.hours],
        **{name: plain(getattr(found, name)) for name in FACET_TABLES},
        "undivided": found.undivided,
    }
    tables = [
        ranking_table(found.report, [found.row, *found.peers]),
        gained_table(found.totals, found.row.conversions, found.row.value, found.report.currency),
        days_table(trend.days, notes),
        Table("links", LINK_COLUMNS, links),
        *([contest_table(found.contest, found.links)] if found.contest else []),
        hours_table(found.hours),
        *facet_tables(found),
    ]
    return Exported(found.period, filters, content, tables)


def _contest(found: TouchpointDetail) -> Json:
    if found.contest is None:
        return None
    rows = contest_rows(found.contest, found.links)
    links = [dict(zip(CONTEST_COLUMNS, each, strict=True)) for each in rows]
    return {"period": plain(found.contest.period), "links": plain(links)}


def of_link(
    report: LinkReport, notes: Sequence[Annotation], filters: Mapping[str, str | None]
) -> Exported:
    """One link: its days, its hours of the week, who clicked from where; `notes` as before."""
    tables = [
        days_table(report.days, notes),
        link_totals_table(report),
        hours_table(report.hours),
        *facet_tables(report),
    ]
    content = {**to_json(report), "annotations": _notes(notes)}
    return Exported(report.period, filters, content, tables)


def of_filtered(
    report: FilteredReport,
    subject_id: str,
    notes: Sequence[Annotation],
    filters: Mapping[str, str | None],
    *,
    by_link: bool,
) -> Exported:
    """The clicks of a link, touchpoint or campaign that meet its filters. What single clicks
    tell holds from the day `single_clicks_from` on. `by_link` its plain file has conversions, of
    which a filter leaves none.
    """
    links = link_rows(report.links)
    since = report.single_clicks_from.isoformat() if report.single_clicks_from else None
    content: dict[str, Json] = {
        "id": subject_id,
        "period": plain(report.period),
        "filters": {**report.filters.given},
        "single_clicks_from": since,
        "totals": plain(report.totals),
        "days": [plain(day) for day in report.days],
        "annotations": _notes(notes),
        "links": [dict(zip(LINK_COLUMNS, each, strict=True)) for each in links],
        "hours": [plain(hour) for hour in report.hours],
        **{name: plain(getattr(report, name)) for name in FACET_TABLES},
        "undivided": report.undivided,
        **(dict.fromkeys(("conversions", "value", "currency")) if by_link else {}),
    }
    tables = [
        days_table(report.days, notes),
        filtered_totals_table(report),
        Table("links", LINK_COLUMNS, links),
        hours_table(report.hours),
        *facet_tables(report),
    ]
    told = {**filters, "single_clicks_from": since or "none"}
    return Exported(report.period, told, content, tables)


def _notes(notes: Sequence[Annotation]) -> list[Json]:
    return [{"date": plain(note.day), "text": note.text} for note in notes]
