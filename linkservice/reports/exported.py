"""A report as files hold it: the figures its page shows, as tables and as JSON.

Decided here: which tables a report has. They are made of the
same frozen result the page is made of, so that nothing is counted twice over. Money is in the
currency's main unit in tables (1234.50), in its smallest in JSON. Not here: what columns and
values are called in a language (`web/exports`), how they become a CSV (`exported_csv`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date

from linkservice.money import in_main_unit
from linkservice.reports.arranged import Arranged, Subtotal
from linkservice.reports.filtered import FilteredReport
from linkservice.reports.filtered_origins import Origins
from linkservice.reports.filtered_ranking import JUDGED
from linkservice.reports.model import Annotation
from linkservice.reports.period import Period
from linkservice.reports.ranking import Peers
from linkservice.reports.results import (
    Day,
    FilteredDay,
    Hour,
    Json,
    LinkReport,
    LinkTotals,
    TouchpointReport,
    TouchpointRow,
    TouchpointTotals,
    Value,
    plain,
    to_json,
)
from linkservice.reports.touchpoints import LinkShare, TouchpointDetail
from linkservice.reports.trend import Trend
from linkservice.workbook import Cell

FACET_TABLES = (
    "countries",
    "cities",
    "devices",
    "browsers",
    "systems",
    "languages",
    "referrers",
    "robots",
)

_PEERS = ("group", "count", "mean")
_RATES = ("rate", "low", "high", "mean")


@dataclass(frozen=True, slots=True)
class Table:
    """A table by the names of the contract; a row has a cell for every column. `meant` says of
    columns what kind of word they hold, where their name does not; `currency` is that of its money.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    meant: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""


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
    untold = _untold(report)
    tables = [_ranking(report, rows, untold)]
    if seen.groups:
        tables = [_with_groups(tables[0], seen), _groups(report, seen)]
    if seen.selection:
        tables.append(_sums("shown", seen.together, report, untold))
    tables.append(_sums("totals", report.totals, report, untold))
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
        _days(trend.days, notes),
        _sums("totals", report.totals, report),
        _ranking(report, outstanding),
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
        _days(days, notes),
        _sums("totals", report.totals, report, _untold(report)),
        _ranking(report, rows, _untold(report)),
        *(facet_table(name, values) for name, values in facets.items() if values),
    ]
    told = {**filters, "single_clicks_from": since or "none", "origins_from": origins_from}
    return Exported(report.period, told, content, tables)


_UNTOLD = ("conversions", "value", "reach", "unit", "verdict", "misses", "unrecorded")
"""What clicks that meet a filter have none of: it is of all clicks. Nought would be untrue, and so
would be that reach is missing.
"""


def _untold(report: TouchpointReport) -> Collection[str]:
    """The figures that its clicks have none of."""
    if report.filtered is None:
        return ()
    judged = report.metric in JUDGED
    return [name for name in _UNTOLD if name != "verdict" or not judged]


def _told(counted: TouchpointTotals | TouchpointRow) -> Json:
    content = plain(counted)
    assert isinstance(content, dict)
    return {name: None if name in _UNTOLD else value for name, value in content.items()}


def of_touchpoint(
    found: TouchpointDetail,
    trend: Trend,
    notes: Sequence[Annotation],
    filters: Mapping[str, str | None],
) -> Exported:
    """One touchpoint: its row and those of its peers, then what it is made of; `notes` are on days
    of its period.
    """
    links = _links(found.links)
    columns = ("id", "domain", "slug", "clicks", "scans", "visitors")
    content: dict[str, Json] = {
        "period": plain(found.period),
        "touchpoint": plain(found.row),
        "peers": [plain(row) for row in found.peers],
        "totals": plain(found.totals),
        "days": [plain(day) for day in trend.days],
        "annotations": _notes(notes),
        "links": [dict(zip(columns, each, strict=True)) for each in links],
        "hours": [plain(hour) for hour in found.hours],
        **{name: plain(getattr(found, name)) for name in FACET_TABLES},
        "undivided": found.undivided,
    }
    tables = [
        _ranking(found.report, [found.row, *found.peers]),
        _totals(found.totals),
        _days(trend.days, notes),
        Table("links", columns, links),
        _hours(found.hours),
        *_facets(found),
    ]
    return Exported(found.period, filters, content, tables)


def of_link(
    report: LinkReport, notes: Sequence[Annotation], filters: Mapping[str, str | None]
) -> Exported:
    """One link: its days, its hours of the week, who clicked from where; `notes` as before."""
    tables = [
        _days(report.days, notes),
        _sums_of_links(report),
        _hours(report.hours),
        *_facets(report),
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
    columns = ("id", "domain", "slug", "clicks", "scans", "visitors")
    links = _links(report.links)
    since = report.single_clicks_from.isoformat() if report.single_clicks_from else None
    content: dict[str, Json] = {
        "id": subject_id,
        "period": plain(report.period),
        "filters": {**report.filters.given},
        "single_clicks_from": since,
        "totals": plain(report.totals),
        "days": [plain(day) for day in report.days],
        "annotations": _notes(notes),
        "links": [dict(zip(columns, each, strict=True)) for each in links],
        "hours": [plain(hour) for hour in report.hours],
        **{name: plain(getattr(report, name)) for name in FACET_TABLES},
        "undivided": report.undivided,
        **(dict.fromkeys(("conversions", "value", "currency")) if by_link else {}),
    }
    tables = [
        _days(report.days, notes),
        _filtered_totals(report),
        Table("links", columns, links),
        _hours(report.hours),
        *_facets(report),
    ]
    told = {**filters, "single_clicks_from": since or "none"}
    return Exported(report.period, told, content, tables)


def _links(links: Sequence[LinkShare]) -> list[tuple[str, str, str, int, int, int]]:
    return [
        (str(each.link.id), each.host, each.link.slug, each.clicks, each.scans, each.visitors)
        for each in links
    ]


def _ranking(
    report: TouchpointReport, rows: Sequence[TouchpointRow], untold: Collection[str] = ()
) -> Table:
    """A line a row; with the currency behind its value, as a line of costs has it."""
    names = [each.name for each in fields(TouchpointRow)]
    more = {"peers": [f"peers_{part}" for part in _PEERS], "value": ["value", "currency"]}
    columns = [column for each in names for column in more.get(each, [each])]
    lines = [
        [
            cell
            for each in names
            for cell in _cells(report, each, None if each in untold else getattr(row, each))
        ]
        for row in rows
    ]
    return Table("touchpoints", columns, lines, currency=report.currency)


def _cells(report: TouchpointReport, name: str, value: object) -> list[Cell]:
    if name == "peers":
        if not isinstance(value, Peers):
            return [None] * len(_PEERS)
        return [value.group, value.count, _money(report, "mean", value.mean)]
    assert value is None or isinstance(value, str | int | float | date)
    told = _money(report, name, value)
    return [told, report.currency] if name == "value" else [told]


def _money(report: TouchpointReport, name: str, cell: Cell) -> Cell:
    """A figure; in the main unit where it is money, as rates are of a metric of value."""
    is_money = name == "value" or (report.metric == "value_per_reach" and name in _RATES)
    if is_money and isinstance(cell, int | float):
        return in_main_unit(cell, report.currency)
    return cell


def _with_groups(table: Table, seen: Arranged) -> Table:
    """The rows with the group each stands in; the last may be that of no touchpoint."""
    called = [group.name or group.membership for group in seen.groups for _ in group.rows]
    called += [""] * (len(table.rows) - len(called))
    rows = [(*row, group) for row, group in zip(table.rows, called, strict=True)]
    return Table(table.name, (*table.columns, "group"), rows, currency=table.currency)


def _groups(report: TouchpointReport, seen: Arranged) -> Table:
    names, untold = [each.name for each in fields(Subtotal)], _untold(report)
    rows = [
        (
            group.name or group.membership,
            *(
                None if name in untold else _money(report, name, getattr(group.together, name))
                for name in names
            ),
        )
        for group in seen.groups
    ]
    return Table("groups", ("group", *names), rows, currency=report.currency)


def _sums(
    name: str,
    sums: TouchpointTotals | Subtotal,
    report: TouchpointReport,
    untold: Collection[str] = (),
) -> Table:
    """What was counted in all, figure by figure."""
    rows = [
        (each.name, _money(report, each.name, getattr(sums, each.name)))
        for each in fields(sums)
        if each.name not in untold
    ]
    return Table(name, ("figure", "count"), rows, currency=report.currency)


def _totals(totals: LinkTotals) -> Table:
    names = [each.name for each in fields(totals)]
    return Table("totals", ("figure", "count"), [(name, getattr(totals, name)) for name in names])


def _filtered_totals(report: FilteredReport) -> Table:
    """Without single clicks only what roll-ups tell: nought would be untrue of all else."""
    totals = _totals(report.totals)
    if report.single_clicks_from is not None:
        return totals
    return replace(totals, rows=[row for row in totals.rows if report.rolls_up(str(row[0]))])


def _sums_of_links(report: LinkReport) -> Table:
    """What was counted in all, and what came of it."""
    value = in_main_unit(report.value, report.currency)
    gained = [("conversions", report.conversions), ("value", value)]
    totals = _totals(report.totals)
    return replace(totals, rows=[*totals.rows, *gained], currency=report.currency)


def _days(days: Sequence[Day] | Sequence[FilteredDay], notes: Sequence[Annotation]) -> Table:
    """Every day; with its notes where the period has any."""
    noted: dict[date, list[str]] = {}
    for note in notes:
        noted.setdefault(note.day, []).append(note.text)
    columns = ("date", "clicks", "scans", "visitors", *(["note"] if noted else []))
    rows: list[list[Cell]] = []
    for day in days:
        told: list[Cell] = ["; ".join(noted.get(day.date, ()))] if noted else []
        rows.append([day.date, day.clicks, day.scans, day.visitors, *told])
    return Table("days", columns, rows)


def _notes(notes: Sequence[Annotation]) -> list[Json]:
    return [{"date": plain(note.day), "text": note.text} for note in notes]


def _hours(hours: Sequence[Hour]) -> Table:
    rows = [(each.weekday, each.hour, each.clicks) for each in hours]
    return Table("hours", ("weekday", "hour", "clicks"), rows)


def _facets(found: TouchpointDetail | LinkReport | FilteredReport) -> list[Table]:
    """Who clicked from where and with what; no table of cities where none is known."""
    told = [facet_table(name, getattr(found, name)) for name in FACET_TABLES]
    return [table for table in told if table.rows or table.name != "cities"]


def facet_table(name: str, values: Sequence[Value]) -> Table:
    """The clicks by what they had of one facet."""
    return Table(name, ("value", "clicks"), [(each.value, each.clicks) for each in values])
