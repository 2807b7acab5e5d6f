"""The tables of a report's files as paper has them: in words, without what only programs need.

Decided here: which of them are printed, that many days are added up by month, that origins have
their shares and links stand as pages list them. Not here: the rankings and curves of a paper
(`papers`), how a table is laid out (`reports/paper_table`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import cast

from linkservice.reports.exported import Exported
from linkservice.reports.exported_tables import FACET_TABLES, Table, facet_table
from linkservice.reports.filtered_origins import Origins
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.web import figures
from linkservice.web.exports import sheets_of
from linkservice.web.i18n import gettext, write_day, write_number, write_percent, write_span
from linkservice.web.page import Page
from linkservice.workbook import Cell, Sheet

NOT_PRINTED = ("hours", "touchpoints", "groups", "shown", "days_before", "contest")
"""168 lines of an hour each help nobody on paper; the ranking has a table of its own, with what its
groups and those shown add up to, and so have links side by side; the days before are drawn.
"""

MOST_DAYS = 100
"""More days are added up by month: of a year they took six pages. Its files have every day."""

_APART = (*figures.OTHERS, "suspected")
"""Totals that pages and papers tell where there is any."""

FIRST, MOST_OF_NUMBER = 0.4, 0.15
"""Of a table's width: what its first column takes, and at most one of numbers."""


def gained_rows(found: Exported) -> list[Row]:
    """Conversions and their value as key figures; none where there are none."""
    totals = [table for table in found.tables if table.name == "totals"]
    return [
        Row((str(words[0]), _told(words[1]), ""))
        for sheet, table in zip(sheets_of(totals), totals, strict=True)
        for words, (name, count) in zip(sheet.rows, table.rows, strict=True)
        if name in _GAINED and count
    ]


def table_parts(page: Page, found: Exported, told: Collection[str] = ()) -> list[Part]:
    """The tables of its files, but those that are `NOT_PRINTED`; guests are shown no links. Totals
    that are `told` already are not told once more.
    """
    left_out = (*NOT_PRINTED, "links") if page.guest else NOT_PRINTED
    tables = [table for table in found.tables if table.name not in left_out]
    parts = [
        _links(table, sheet) if table.name == "links" else _part(sheet)
        for table, sheet in zip(tables, _sheets(tables, told), strict=True)
    ]
    return [part for part in parts if part.rows]


def _links(table: Table, sheet: Sheet) -> Part:
    """Links as pages list them: the address, and below it the title."""
    counted = sheet.heads[-3:]
    columns = [
        Column(gettext("Link"), 0.49),
        *(Column(head, 0.17, "number") for head in counted),
    ]
    rows = []
    for row in table.rows:
        told = dict(zip(table.columns, row, strict=True))
        figures = [_told(told[name]) for name in ("clicks", "scans", "visitors")]
        address = f"{told['domain']}/{told['slug']}"
        rows.append(Row((address, *figures), str(told["title"])))
    return Part(sheet.name, columns, rows, small=True)


_GAINED = ("conversions", "value")

KEY_FIGURES = ("clicks", "scans", "visitors", *_GAINED)
"""Totals that a paper tells before all others."""


def _sheets(tables: Sequence[Table], told: Collection[str] = ()) -> Iterator[Sheet]:
    """The tables in words, without what only programs need: ids, values before their words, and
    that nothing was counted apart; totals without those `told`.
    """
    for sheet, table in zip(sheets_of(tables), tables, strict=True):
        if table.name in FACET_TABLES:
            yield _with_shares(sheet)
        elif table.columns[0] == "id":
            yield replace(sheet, heads=sheet.heads[1:], rows=[row[1:] for row in sheet.rows])
        elif table.name == "totals":
            pairs = zip(sheet.rows, table.rows, strict=True)
            yield replace(
                sheet,
                name=gettext("Also counted") if told else sheet.name,
                rows=[
                    row
                    for row, (name, count) in pairs
                    if name not in told and (count or not (told or name in _APART))
                ],
            )
        elif table.name == "days" and len(sheet.rows) > MOST_DAYS:
            yield _by_month(sheet)
        else:
            yield sheet


def _with_shares(sheet: Sheet) -> Sheet:
    """What clicks had of a facet, with the share of each, as its page has it."""
    whole = sum(cast(int, clicks) for *_, clicks in sheet.rows)
    rows = [
        (word, clicks, write_percent(cast(int, clicks) / whole) if whole else "–")
        for _, word, clicks in sheet.rows
    ]
    return replace(sheet, heads=[*sheet.heads[1:], gettext("Share")], rows=rows)


def _by_month(sheet: Sheet) -> Sheet:
    """Its days added up; what is not told of every day of a month is not told of it."""
    rows: list[list[Cell]] = []
    for _, some in groupby(sheet.rows, key=lambda row: cast(date, row[0]).replace(day=1)):
        days, *counts = zip(*some, strict=True)
        sums = [None if None in each else sum(cast(Sequence[int], each)) for each in counts]
        rows.append([_month(cast(date, days[0]), cast(date, days[-1])), *sums])
    heads = [gettext("Month"), *sheet.heads[1:]]
    return replace(sheet, name=gettext("Months"), heads=heads, rows=rows)


def _month(first: date, last: date) -> str:
    """Its name, or its days where these are not all there are."""
    whole = first.day == 1 and (last + timedelta(days=1)).day == 1
    return write_day(first, "yMMMM") if whole else write_span(first, last)


def origin_parts(found: Origins | None, note: str) -> list[Part]:
    """Countries and devices; `note` says of which days they are, where not of all."""
    if found is None:
        return []
    tables = [facet_table("countries", found.countries), facet_table("devices", found.devices)]
    return [replace(_part(sheet), note=note) for sheet in _sheets(tables)]


def _part(sheet: Sheet) -> Part:
    numeric = [
        all(_is_figure(row[place]) for row in sheet.rows) for place in range(len(sheet.heads))
    ]
    # Numbers stand near what they are of, not at the other side of the page.
    texts, numbers = numeric[1:].count(False), numeric[1:].count(True)
    number = min(MOST_OF_NUMBER, 0.6 / max(1, texts + numbers))
    text = (1 - FIRST - number * numbers) / max(1, texts)
    columns = [
        Column(head, number if is_number else text, "number" if is_number else "text")
        for head, is_number in zip(sheet.heads, numeric, strict=True)
    ]
    columns[0] = replace(columns[0], share=FIRST)
    rows = [Row([_told(cell) for cell in row]) for row in sheet.rows]
    return Part(sheet.name, columns, rows, small=texts == 0)


def _is_figure(cell: Cell) -> bool:
    """Whether it stands at the right of its column: a number, a share, or nothing."""
    if isinstance(cell, str):
        return cell.endswith("%")
    return cell is None or isinstance(cell, int | float | Decimal)


def _told(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, date):
        return write_day(cell)
    if isinstance(cell, Decimal):
        return write_number(float(cell), max(0, -int(cell.as_tuple().exponent)))
    return cell if isinstance(cell, str) else write_number(float(cell))
