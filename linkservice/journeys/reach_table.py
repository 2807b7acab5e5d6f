"""A table of reach as text: what was pasted from a spreadsheet, or saved by one, becomes rows
and problems, each with its line and column.

Not here: what a single cell means (`reach_cells.py`), which touchpoints there are and what
is entered already (`reach_import.py`).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from linkservice.errors import Invalid, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import UNITS
from linkservice.journeys.reach import NewReach, check_values
from linkservice.journeys.reach_cells import column_named, read_amount, read_day, read_unit

MOST_ROWS = 5_000
MOST_BYTES = 1_000_000
MOST_PROBLEMS = 50

COLUMNS = ("date", "until", "amount", "unit")
"""The columns in the order they have where no header names them; `until` may be left out."""

_NEEDED = ("date", "amount", "unit")
_GIVEN = frozenset({"touchpoint", "unit"})
"""What a template of a journey has in every row: one that has no more was not filled in."""

_LONGEST_SHOWN = 40
"""Characters of a cell that a problem repeats."""

_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row that could be read: the line it begins on, from 1, and what the touchpoint's cell
    says ("" in a table of one touchpoint).
    """

    line: int
    touchpoint: str
    values: NewReach


@dataclass(frozen=True, slots=True)
class _Record:
    """A row's cells by column, trimmed; "" where there is none."""

    line: int
    cells: Mapping[str, str]


class TableProblems:
    """Gathers what is wrong in a table, by line and column.

    The field of such a problem is "row 3, amount"; `row` and `column` are among its facts.
    """

    def __init__(self) -> None:
        self._found: list[tuple[int, Problem]] = []

    def tell(self, line: int, column: str, code: str, **params: object) -> None:
        """Note one problem; `column` "" means the whole row."""
        field = f"row {line}, {column}" if column else f"row {line}"
        problem = Problem(field, code, {**params, "row": line, "column": column})
        self._found.append((line, problem))

    def take(self, line: int, problems: Problems) -> bool:
        """Note what is wrong with the plain values of a row; whether anything is."""
        try:
            problems.raise_if_any()
        except Invalid as error:
            for problem in error.problems:
                self.tell(line, problem.field, problem.code, **problem.params)
            return True
        return False

    def raise_if_any(self) -> None:
        """Raise `Invalid` with the first `MOST_PROBLEMS` in order of their lines."""
        found = [problem for _, problem in sorted(self._found, key=lambda each: each[0])]
        more = len(found) - MOST_PROBLEMS
        if more > 0:
            found[MOST_PROBLEMS:] = [Problem("table", "more_problems", {"more": more})]
        if found:
            raise Invalid(*found)


def read_text(data: bytes) -> str:
    """The text of an uploaded file: UTF-8, UTF-16 where it says so, else Windows-1252, which
    spreadsheets still write. Raises `Invalid`.
    """
    _refuse_large(data)
    says_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if says_utf16 else ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid(Problem("table", "table_not_text"))


def read_table(text: str, *, names_touchpoints: bool) -> tuple[list[TableRow], TableProblems]:
    """The rows that can be read, and what is wrong with the others.

    With `names_touchpoints` each row says whose reach it is, and rows without days and amount
    are left out: they are of a template that was filled in only in part. Raises `Invalid` where
    the table as a whole cannot be read: too large, empty, unknown columns.
    """
    _refuse_large(text.encode("utf-8", "surrogatepass"))
    if "\0" in text:
        raise Invalid(Problem("table", "table_not_text"))
    problems = TableProblems()
    records = _records(problems, _lines(text.removeprefix("\ufeff")), names_touchpoints)
    amounts = _amounts(problems, records)
    rows = [_row(problems, record, amounts.get(record.line)) for record in records]
    return [row for row in rows if row is not None], problems


def _refuse_large(data: bytes) -> None:
    if len(data) > MOST_BYTES:
        raise Invalid(Problem("table", "table_too_large", {"most": MOST_BYTES // 1_000_000}))


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """Every row that holds something, with the line it begins on; its cells are trimmed."""
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=_delimiter(text), strict=True)
    line = 1
    try:
        for row in reader:
            cells = [unicodedata.normalize("NFC", cell).strip() for cell in row]
            if any(cells):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error:
        raise Invalid(Problem(f"row {line}", "bad_quotes", {"row": line, "column": ""})) from None
    if not rows:
        raise Invalid(Problem("table", "table_empty"))
    return rows


def _delimiter(text: str) -> str:
    """Tab, else semicolon, else comma: whichever the first line that says anything holds."""
    first = next((line for line in io.StringIO(text, newline=None) if line.strip()), "")
    bare = _QUOTED.sub("", first)
    return next((sign for sign in "\t;" if sign in bare.strip("\n")), ",")


def _records(
    problems: TableProblems, lines: Sequence[tuple[int, list[str]]], names_touchpoints: bool
) -> list[_Record]:
    """The rows by column; raises where the columns are not clear: they decide all else."""
    line, head = lines[0]
    if _is_header(head):
        columns = _named_columns(problems, line, head, names_touchpoints)
        lines = lines[1:]
    else:
        columns = _usual_columns(problems, line, head, names_touchpoints)
    problems.raise_if_any()
    if not lines:
        raise Invalid(Problem("table", "table_empty"))
    if len(lines) > MOST_ROWS:
        raise Invalid(Problem("table", "table_too_long", {"most": MOST_ROWS, "rows": len(lines)}))
    records = []
    for line, cells in lines:
        placed = list(zip_longest(columns, cells, fillvalue=""))
        if any(cell and not column for column, cell in placed):
            problems.tell(line, "", "too_many_cells", cells=len(cells), columns=len(columns))
        elif not names_touchpoints or any(cell for name, cell in placed if name not in _GIVEN):
            records.append(_Record(line, dict(placed)))
    if not records:
        problems.raise_if_any()
        raise Invalid(Problem("table", "table_empty"))
    return records


def _is_header(cells: Sequence[str]) -> bool:
    """Whether the row names columns: one cell is the name of a column, or none holds a digit."""
    named = any(column_named(cell) for cell in cells)
    return named or not any(character.isdigit() for cell in cells for character in cell)


def _named_columns(
    problems: TableProblems, line: int, head: Sequence[str], names_touchpoints: bool
) -> list[str]:
    """The columns of a header; "" for one without a name, in which nothing may stand."""
    allowed = _all_columns(names_touchpoints)
    columns: list[str] = []
    for cell in head:
        column = column_named(cell) or ""
        if column == "touchpoint" and not names_touchpoints:
            problems.tell(line, column, "table_of_journey")
        elif cell and not column:
            name = cell[:_LONGEST_SHOWN]
            problems.tell(line, "", "unknown_column", name=name, allowed=", ".join(allowed))
        elif column and column in columns:
            problems.tell(line, column, "repeated_column")
        columns.append(column)
    for column in allowed:
        if column not in columns and column != "until":
            problems.tell(line, column, "missing_column", allowed=", ".join(allowed))
    return columns


def _usual_columns(
    problems: TableProblems, line: int, cells: Sequence[str], names_touchpoints: bool
) -> list[str]:
    """The columns of a table without a header, by how many there are."""
    allowed = _all_columns(names_touchpoints)
    filled = max(number for number, cell in enumerate(cells, 1) if cell)
    if filled == len(allowed):
        return allowed
    if filled != len(allowed) - 1:
        problems.tell(line, "", "how_many_columns", columns=filled, allowed=", ".join(allowed))
    return [column for column in allowed if column != "until"]


def _all_columns(names_touchpoints: bool) -> list[str]:
    return ["touchpoint", *COLUMNS] if names_touchpoints else [*COLUMNS]


def _amounts(problems: TableProblems, records: Sequence[_Record]) -> dict[int, int]:
    """The amounts by line: the whole column is written in the style of its first clear cell."""
    amounts: dict[int, int] = {}
    clear: tuple[str, str, int] | None = None
    for record in records:
        cell = record.cells["amount"]
        shown = cell[:_LONGEST_SHOWN]
        amount = read_amount(cell)
        if not cell:
            problems.tell(record.line, "amount", "empty")
        elif amount is None:
            problems.tell(record.line, "amount", "bad_amount", value=shown)
        elif clear and amount.style and amount.style != clear[0]:
            _, other, line = clear
            problems.tell(
                record.line, "amount", "mixed_numbers", value=shown, other=other, other_row=line
            )
        else:
            amounts[record.line] = amount.value
            if amount.style and not clear:
                clear = amount.style, shown, record.line
    return amounts


def _row(problems: TableProblems, record: _Record, amount: int | None) -> TableRow | None:
    """The row, or None for one whose problems are noted."""
    found = Problems()
    cells = record.cells
    if cells.get("touchpoint") == "":
        found.add("touchpoint", "empty")
    days = {}
    for column in ("date", "until"):
        cell = cells.get(column, "")
        days[column] = read_day(cell)
        if cell and days[column] is None:
            found.add(column, "bad_day", value=cell[:_LONGEST_SHOWN])
    date, unit = days["date"], read_unit(cells["unit"])
    if not cells["date"]:
        found.add("date", "empty")
    if not cells["unit"]:
        found.add("unit", "empty")
    elif unit is None:
        found.add("unit", "bad_unit", value=cells["unit"][:_LONGEST_SHOWN])
    amount_or_any = 1 if amount is None else amount
    if date is not None:
        # What could not be read is told already; the rest is judged all the same.
        check_values(found, NewReach(date, amount_or_any, unit or UNITS[0], days["until"]))
    wrong = problems.take(record.line, found)
    if wrong or date is None or amount is None or unit is None:
        return None
    until = days["until"] if days["until"] != date else None
    values = NewReach(date, amount, unit, until)
    return TableRow(record.line, cells.get("touchpoint", ""), values)
