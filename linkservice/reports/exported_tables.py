"""The tables that reports have as files: their columns, and what stands in each cell.

Decided here: the columns, that money is in the currency's main unit (1234.50), and which figures a
table leaves out because clicks that meet a filter have none of them. Not here: which tables a
report has (`exported`), what columns and values are called in a language (`web/exports`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date

from linkservice.money import in_main_unit
from linkservice.reports.arranged import Arranged, Subtotal
from linkservice.reports.contested import Contest
from linkservice.reports.filtered import FilteredReport
from linkservice.reports.filtered_ranking import JUDGED
from linkservice.reports.model import Annotation
from linkservice.reports.needed import difference_is_too_small
from linkservice.reports.ranking import Peers
from linkservice.reports.results import (
    Day,
    FilteredDay,
    Hour,
    LinkReport,
    LinkTotals,
    TouchpointReport,
    TouchpointRow,
    TouchpointTotals,
    Value,
)
from linkservice.reports.touchpoints import LinkShare, TouchpointDetail
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

UNTOLD = ("conversions", "value", "reach", "unit", "verdict", "misses", "unrecorded")
"""What clicks that meet a filter have none of: it is of all clicks. Nought would be untrue, and so
would be that reach is missing.
"""

LINK_COLUMNS = ("id", "domain", "slug", "title", "clicks", "scans", "visitors")
CONTEST_COLUMNS = (
    *("id", "domain", "slug", "title", "visitors", "share", "low", "high"),
    *("verdict", "more_visitors_needed"),
)

_PEERS = ("group", "count", "mean")
_RATES = ("rate", "low", "high", "mean")


@dataclass(frozen=True, slots=True)
class Table:
    """A table by the names of the contract; a row has a cell for every column. `meant` says of
    columns what kind of word they hold, where their name does not; `currency` is that of its money.
    `finer` has codes that tell more than those of the contract, for cells that are put into words,
    by row and column.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    meant: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    finer: Mapping[tuple[int, str], str] = field(default_factory=dict)


def untold_of(report: TouchpointReport) -> Collection[str]:
    """The figures that its clicks have none of."""
    if report.filtered is None:
        return ()
    judged = report.metric in JUDGED
    return [name for name in UNTOLD if name != "verdict" or not judged]


def link_rows(links: Sequence[LinkShare]) -> list[tuple[str, str, str, str, int, int, int]]:
    """The links of a report, a row each, with a cell for each of `LINK_COLUMNS`."""
    return [
        (
            *(str(each.link.id), each.host, each.link.slug, each.link.title),
            *(each.clicks, each.scans, each.visitors),
        )
        for each in links
    ]


def contest_rows(contest: Contest, links: Sequence[LinkShare]) -> list[list[Cell]]:
    """The links that were there side by side, a row each, with a cell for each of
    `CONTEST_COLUMNS`.
    """
    called = {each.link.id: (each.host, each.link.slug, each.link.title) for each in links}
    return [
        [
            str(each.link_id),
            *called[each.link_id],
            *(each.visitors, each.share, each.low, each.high, each.verdict),
            each.more_visitors_needed,
        ]
        for each in contest.links
    ]


def contest_table(contest: Contest, links: Sequence[LinkShare]) -> Table:
    """The same as a table, each row with the days that these hold for."""
    days = contest.period.first, contest.period.last
    rows = [[*days, *row] for row in contest_rows(contest, links)]
    return Table("contest", ("first_day", "last_day", *CONTEST_COLUMNS), rows)


def ranking_table(
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
    finer = {
        (number, "verdict"): "difference_too_small"
        for number, row in enumerate(rows)
        if "verdict" not in untold and difference_is_too_small(row, report.metric)
    }
    return Table("touchpoints", columns, lines, currency=report.currency, finer=finer)


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


def with_groups(table: Table, seen: Arranged) -> Table:
    """The rows with the group each stands in; the last may be that of no touchpoint."""
    called = [group.name or group.membership for group in seen.groups for _ in group.rows]
    called += [""] * (len(table.rows) - len(called))
    rows = [(*row, group) for row, group in zip(table.rows, called, strict=True)]
    return replace(table, columns=(*table.columns, "group"), rows=rows)


def groups_table(report: TouchpointReport, seen: Arranged) -> Table:
    """A line for each group, of what its rows add up to."""
    names, untold = [each.name for each in fields(Subtotal)], untold_of(report)
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


def sums_table(
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


def totals_table(totals: LinkTotals) -> Table:
    """The same of counters alone, none of which is money."""
    names = [each.name for each in fields(totals)]
    return Table("totals", ("figure", "count"), [(name, getattr(totals, name)) for name in names])


def filtered_totals_table(report: FilteredReport) -> Table:
    """Without single clicks only what roll-ups tell: nought would be untrue of all else."""
    totals = totals_table(report.totals)
    if report.single_clicks_from is not None:
        return totals
    return replace(totals, rows=[row for row in totals.rows if report.rolls_up(str(row[0]))])


def link_totals_table(report: LinkReport) -> Table:
    """What was counted in all, and what came of it."""
    return gained_table(report.totals, report.conversions, report.value, report.currency)


def gained_table(totals: LinkTotals, conversions: int, value: int, currency: str) -> Table:
    """The same of a touchpoint, whose conversions are its row's; `value` in the smallest unit."""
    gained = [("conversions", conversions), ("value", in_main_unit(value, currency))]
    counted = totals_table(totals)
    return replace(counted, rows=[*counted.rows, *gained], currency=currency)


def days_table(days: Sequence[Day] | Sequence[FilteredDay], notes: Sequence[Annotation]) -> Table:
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


def hours_table(hours: Sequence[Hour]) -> Table:
    """The clicks of each hour of the week."""
    rows = [(each.weekday, each.hour, each.clicks) for each in hours]
    return Table("hours", ("weekday", "hour", "clicks"), rows)


def facet_tables(found: TouchpointDetail | LinkReport | FilteredReport) -> list[Table]:
    """Who clicked from where and with what; no table of cities where none is known."""
    told = [facet_table(name, getattr(found, name)) for name in FACET_TABLES]
    return [table for table in told if table.rows or table.name != "cities"]


def facet_table(name: str, values: Sequence[Value]) -> Table:
    """The clicks by what they had of one facet."""
    return Table(name, ("value", "clicks"), [(each.value, each.clicks) for each in values])
