"""A workbook of one long sheet (XLSX), sent while its rows are read: it takes the memory of a few
of them, and the first bytes leave at once.

`workbook` makes several sheets whose columns are as wide as what stands in them, and holds all of
it. Here nothing is known of the rows to come, so columns have a width of their own. Every cell says
what it is: no text is run as a formula. Moments are in UTC, since spreadsheets know no time zones.
Not here: how many rows there are; more than `MOST_ROWS` end in an error, since a file that left
some out would not say so.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from linkservice.workbook import Cell

MOST_ROWS = 1_048_575
"""Below the head; the format allows no more on a sheet."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KINDS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

_PLAIN, _HEAD, _DAY, _MOMENT = range(4)
"""The looks of cells, by their place in `cellXfs`."""

_STYLES = f"""{_XML}<styleSheet xmlns="{_MAIN}">
<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>
<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>
<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>
<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill>
<fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>
<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""

_FRAME = {
    "[Content_Types].xml": f"""{_XML}<Types xmlns="{_PACKAGE}/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml" ContentType="{_KINDS}.sheet.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KINDS}.worksheet+xml"/>
<Override PartName="/xl/styles.xml" ContentType="{_KINDS}.styles+xml"/></Types>""",
    "_rels/.rels": f"""{_XML}<Relationships xmlns="{_PACKAGE}/relationships">
<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>
</Relationships>""",
    "xl/_rels/workbook.xml.rels": f"""{_XML}<Relationships xmlns="{_PACKAGE}/relationships">
<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>
<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>""",
    "xl/styles.xml": _STYLES,
}

_WIDTH = 16
_BEGINNING = datetime(1899, 12, 30, tzinfo=UTC)
"""Day 0 of a spreadsheet's calendar."""

_UNWRITABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)"
)
"""What XML cannot hold, and what would be read as such a character."""


class _Outgoing(io.RawIOBase):
    """What is written, until it is taken; it cannot be gone back in."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # only bytes are ever written
        self._written.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        return taken


def long_workbook(
    name: str, heads: Sequence[str], batches: Iterable[Sequence[Sequence[Cell]]]
) -> Iterator[tuple[int, bytes]]:
    """The file in pieces, each with the number of rows in it: one for each batch, one before and
    one after them. `name` is the sheet's. Raises `ValueError` beyond `MOST_ROWS`.
    """
    out, number = _Outgoing(), 1
    columns = [_column(place) for place in range(len(heads))]
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=3) as archive:
        for path, text in {**_FRAME, "xl/workbook.xml": _book(name)}.items():
            archive.writestr(path, text)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(_opening(heads, columns).encode())
            yield 0, out.take()
            for batch in batches:
                if number + len(batch) > MOST_ROWS + 1:
                    raise ValueError(f"a sheet holds {MOST_ROWS} rows")
                rows = [_row(number + place, row, columns) for place, row in enumerate(batch, 1)]
                number += len(batch)
                sheet.write("".join(rows).encode())
                yield len(batch), out.take()
            sheet.write(b"</sheetData></worksheet>")
    yield 0, out.take()


def _book(name: str) -> str:
    sheet = escape(name, {'"': "&quot;"})
    return (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{sheet}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )


def _opening(heads: Sequence[str], columns: Sequence[str]) -> str:
    """The sheet up to its rows: the head stays in sight when it is scrolled."""
    cells = "".join(
        _text(f"{column}1", head, _HEAD) for column, head in zip(columns, heads, strict=True)
    )
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        f'</sheetView></sheetViews><cols><col min="1" max="{len(heads)}" width="{_WIDTH}" '
        f'customWidth="1"/></cols><sheetData><row r="1">{cells}</row>'
    )


def _row(number: int, row: Sequence[Cell], columns: Sequence[str]) -> str:
    cells = [_cell(f"{column}{number}", cell) for column, cell in zip(columns, row, strict=True)]
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(place: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _text(place, cell, _PLAIN)
    if isinstance(cell, bool):
        return f'<c r="{place}" t="b"><v>{cell:d}</v></c>'
    if isinstance(cell, datetime):
        days = (cell - _BEGINNING).total_seconds() / 86_400
        return f'<c r="{place}" s="{_MOMENT}"><v>{days!r}</v></c>'
    if isinstance(cell, date):
        return f'<c r="{place}" s="{_DAY}"><v>{cell.toordinal() - _BEGINNING.toordinal()}</v></c>'
    return f'<c r="{place}"><v>{cell}</v></c>'


def _text(place: str, text: str, look: int) -> str:
    written = escape(_UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text))
    inside = f'<is><t xml:space="preserve">{written}</t></is>'
    return f'<c r="{place}" s="{look}" t="inlineStr">{inside}</c>'


def _column(place: int) -> str:
    """The letters of a column: A to Z, then AA."""
    return (_column(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)
