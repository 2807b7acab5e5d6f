"""Tables of a report as one CSV, by the names of the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from linkservice import cells
from linkservice.reports.exported_tables import Table
from linkservice.workbook import Cell


def csv_lines(tables: Sequence[Table], stamp: Mapping[str, str]) -> Iterator[list[cells.Cell]]:
    """A head line, then every row with the stamp after it. Of several tables each row says
    first whose it is, and has nothing under the columns of the others.
    """
    if len(tables) == 1:
        (table,) = tables
        yield [*table.columns, *(f"asked_{name}" for name in stamp)]
        for row in table.rows:
            yield [*map(_text, row), *stamp.values()]
        return
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    yield ["table", *columns, *(f"asked_{name}" for name in stamp)]
    for table in tables:
        places = {name: place for place, name in enumerate(table.columns)}
        for row in table.rows:
            found = [_text(row[places[name]]) if name in places else None for name in columns]
            yield [table.name, *found, *stamp.values()]


def plain_lines(table: Table) -> Iterator[list[cells.Cell]]:
    """A head line, then every row, for a door that writes its CSV itself: texts are `harmless`."""
    yield list(table.columns)
    for row in table.rows:
        yield [cells.harmless(cell) if isinstance(cell, str) else _text(cell) for cell in row]


def _text(cell: Cell) -> cells.Cell:
    return cell.isoformat() if isinstance(cell, date) else cell
