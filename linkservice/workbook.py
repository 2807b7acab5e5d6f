"""Workbooks for spreadsheets (XLSX): text as text, numbers as numbers, days as days.

Every cell says what it is, so nothing is guessed from its looks and no text is run as a formula.
Not here: what stands in the cells, and CSV (`cells`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias

import xlsxwriter  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.format import Format  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]  # ships no types

Cell: TypeAlias = str | int | float | Decimal | date | None

LONGEST_NAME = 31
"""Characters of a sheet's name; the format allows no more."""

LONGEST_TEXT = 32_767
"""Characters of a cell; the format allows no more."""

_WIDEST = 60
_FIRST_YEAR = 1900
_NO_NAME = re.compile(r"[\[\]:*?/\\]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a workbook; `heads` stay in sight when it is scrolled."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class _Formats:
    head: Format
    day: Format
    text: Format
    amounts: dict[int, Format]
    """By the decimals they have."""


class _Page(Worksheet):  # type: ignore[misc]  # ships no types
    """A worksheet whose numbers are those of CSV and JSON to the last bit: the library would write
    16 digits of them, of which some fractions need 17.
    """

    def _xml_number_element(
        self, number: int | float | Decimal, attributes: Sequence[tuple[str, object]] = ()
    ) -> None:
        super()._xml_number_element(_Whole(number), attributes)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A number that nobody rounds as he writes it."""

    number: int | float | Decimal

    def __format__(self, _digits: str) -> str:
        if isinstance(self.number, Decimal):
            return f"{self.number:f}"
        # A float of NumPy's would tell its type, too.
        return repr(self.number if isinstance(self.number, int) else float(self.number))


def workbook(sheets: Sequence[Sheet], *, title: str, made_by: str) -> bytes:
    """A whole XLSX file. Names of sheets are cut and numbered until they differ."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    book.set_properties({"title": title, "comments": made_by})
    formats = _Formats(
        book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        book.add_format({"num_format": "yyyy-mm-dd"}),
        book.add_format({"text_wrap": True, "valign": "top"}),
        {digits: book.add_format({"num_format": _pattern(digits)}) for digits in range(4)},
    )
    taken: set[str] = set()
    for sheet in sheets:
        page = book.add_worksheet(_name(sheet.name, taken), _Page)
        _fill(page, sheet, formats)
    book.close()
    return file.getvalue()


def _fill(page: Worksheet, sheet: Sheet, formats: _Formats) -> None:
    for column, head in enumerate(sheet.heads):
        page.write_string(0, column, head[:LONGEST_TEXT], formats.head)
        longest = max([len(head), *(_width(row[column]) for row in sheet.rows)], default=0)
        page.set_column(column, column, min(longest + 2, _WIDEST))
    page.freeze_panes(1, 1)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    for number, row in enumerate(sheet.rows, 1):
        for column, cell in enumerate(row):
            _write(page, number, column, cell, formats)


def _write(page: Worksheet, row: int, column: int, cell: Cell, formats: _Formats) -> None:
    if cell is None:
        return
    if isinstance(cell, str):
        wide = formats.text if len(cell) > _WIDEST else None
        page.write_string(row, column, cell[:LONGEST_TEXT], wide)
    elif isinstance(cell, bool):
        page.write_boolean(row, column, cell)
    elif isinstance(cell, date):
        # The calendar of spreadsheets begins in 1900.
        if cell.year < _FIRST_YEAR:
            page.write_string(row, column, cell.isoformat())
        else:
            page.write_datetime(row, column, cell, formats.day)
    elif isinstance(cell, Decimal):
        digits = max(0, -int(cell.as_tuple().exponent))
        page.write_number(row, column, cell, formats.amounts.get(digits))
    else:
        page.write_number(row, column, cell)


def _pattern(digits: int) -> str:
    return "#,##0." + "0" * digits if digits else "#,##0"


def _width(cell: Cell) -> int:
    return len("" if cell is None else str(cell))


def _name(wanted: str, taken: set[str]) -> str:
    """A name no other sheet has, whatever its capitals."""
    plain = _NO_NAME.sub(" ", wanted).strip(" '") or "Table"
    name, number = plain[:LONGEST_NAME], 1
    while name.casefold() in taken:
        number += 1
        name = f"{plain[: LONGEST_NAME - 4]} {number}"
    taken.add(name.casefold())
    return name
