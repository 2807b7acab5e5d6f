"""A table on paper: how high it is, and how it is written, over as many pages as it takes.

Not here: where it stands (`flow`), the other parts of a paper (`paper`). All lengths are in
millimetres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from linkservice.reports.columns import fitted
from linkservice.reports.interval_paper import PLOT, Plot, draw_plot
from linkservice.reports.pen import HEADING, SMALL, STRONG, TEXT, Pen
from linkservice.sheets.lettering import Style

LEAST_POINTS = 5.5
"""Smaller letters nobody reads."""

SLACK = 0.01
"""Widths that are sums are not exact."""

BESIDE = 2.0
"""Between the words of two columns."""

LAST_TOGETHER = 3
"""So many of the last rows stand on one page, where as many are before them: what stands alone is
overlooked, or looks as if it were no part of the table.
"""

LEAST_LINES = 5
"""So many lines of a table stand on the page its heading is on."""

Line: TypeAlias = tuple[str, Style]


@dataclass(frozen=True, slots=True)
class Row:
    """The words of each column, the first line of a cell larger than what stands in lines below
    it; under the first cell `place` and the `verdict`, in the plot column `plot`, under the others
    a sentence that is `said` of the row. Any text may begin with one of the `signs`.
    """

    cells: Sequence[str]
    place: str = ""
    plot: Plot | None = None
    said: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its share of the width; `kind` says what stands in it."""

    head: str
    share: float
    kind: Literal["text", "number", "plot"] = "text"


@dataclass(frozen=True, slots=True)
class Part:
    """A table with its heading, and what is said under it; a `small` one may stand beside
    others.
    """

    heading: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""
    small: bool = False


@dataclass(frozen=True, slots=True)
class _Lines:
    """A row in lines: its cells, what stands under the first, and what is said of it."""

    row: Row
    cells: Sequence[Sequence[Line]]
    places: Sequence[str]
    verdicts: Sequence[str]
    said: Sequence[str]
    beside: float
    """How high the cells but the first one are."""
    height: float


class Table:
    """A table that is `width` wide at most, in lines."""

    def __init__(self, part: Part, pen: Pen, width: float, gap: float) -> None:
        """`gap` is above and below the words of a row."""
        self.width = width
        self._part, self._pen, self._gap = part, pen, gap
        self._headings = pen.broken(part.heading, HEADING, width)
        self._noted = pen.broken(part.note, SMALL, width)
        needs = _needs(part, pen)
        self.is_whole = sum(needs) <= width
        """Whether it can be so narrow without breaking a word."""
        self._widths = _fitted(part, needs, width, pen.at.whole_width)
        self._heads = [
            pen.broken(column.head, SMALL, each - BESIDE)
            for column, each in zip(part.columns, self._widths, strict=True)
        ]
        self._rows = [self._lines(row) for row in part.rows]

    @property
    def begins_with(self) -> float:
        """How high what has to stand together is: the heading, the heads, and some lines."""
        return self._above + LEAST_LINES * TEXT.line_mm + 4 * self._gap

    @property
    def height(self) -> float:
        """How high all of it is, where it is not divided."""
        heads = max(map(len, self._heads)) * SMALL.line_mm + self._gap / 2
        rows = sum(each.height + 2 * self._gap for each in self._rows)
        return self._above + self._gap + heads + rows

    @property
    def _above(self) -> float:
        return len(self._headings) * HEADING.line_mm + len(self._noted) * SMALL.line_mm

    def write(self) -> None:
        """Write it where the pen stands; heads stand once more wherever it goes on."""
        at = self._pen.at
        at.room(self.begins_with)
        self._pen.lines(self._headings, HEADING)
        self._pen.lines(self._noted, SMALL)
        at.y += self._gap
        self._write_heads()
        last = len(self._rows) - LAST_TOGETHER
        for number, each in enumerate(self._rows):
            together = self._rows[number:] if number == last >= LAST_TOGETHER else [each]
            if at.room(sum(row.height + 2 * self._gap for row in together)):
                self._write_heads()
            top = at.y + self._gap
            self._write_cells(each)
            at.y = top + len(each.cells[0]) * TEXT.line_mm
            self._pen.lines(each.places, SMALL)
            self._pen.lines(each.verdicts, TEXT)
            at.y = top + each.beside
            self._pen.lines(each.said, TEXT, self._widths[0])
            at.y = top + each.height + self._gap
            self._pen.rule(sum(self._widths))

    def _lines(self, row: Row) -> _Lines:
        cells = [
            self._cell(text, width - BESIDE, TEXT if number else STRONG)
            for number, (text, width) in enumerate(zip(row.cells, self._widths, strict=True))
        ]
        left = self._widths[0]
        said = self._pen.broken(row.said, TEXT, self.width - left)
        beside = max(map(len, cells[1:]), default=0) * TEXT.line_mm
        if said and row.plot is not None:
            beside = max(beside, PLOT + self._gap / 2)
        places = self._pen.broken(row.place, SMALL, left - BESIDE)
        verdicts = self._pen.broken(row.verdict, TEXT, left - BESIDE)
        named = (len(cells[0]) + len(verdicts)) * TEXT.line_mm + len(places) * SMALL.line_mm
        height = max(named, beside + len(said) * TEXT.line_mm)
        return _Lines(row, cells, places, verdicts, said, beside, height)

    def _cell(self, text: str, width: float, style: Style) -> list[Line]:
        """A cell's lines, in smaller letters where a word would have to be broken; what stands in
        lines of its own below the first is small.
        """
        first, *more = text.split("\n")
        widest = self._pen.widest_word(first, style)
        if widest > width:
            style = replace(style, points=max(LEAST_POINTS, style.points * 0.99 * width / widest))
        found: list[Line] = [(line, style) for line in self._pen.broken(first, style, width)]
        below = (line for each in more for line in self._pen.broken(each, SMALL, width))
        return found + [(line, SMALL) for line in below]

    def _write_cells(self, lines: _Lines) -> None:
        """The cells side by side, a plot in the middle of their height."""
        at, part = self._pen.at, self._part
        left, top = at.left, at.y + self._gap
        height = lines.beside if lines.said else lines.height
        for column, width, found in zip(part.columns, self._widths, lines.cells, strict=True):
            at.y = top
            for line, style in found:
                self._pen.write(line, style, left, width - BESIDE, right=column.kind == "number")
                at.y += TEXT.line_mm
            if column.kind == "plot" and lines.row.plot is not None:
                draw_plot(lines.row.plot, self._pen.document, left + 2, top + height / 2, width - 6)
            left += width

    def _write_heads(self) -> None:
        """The heads of the columns, each standing on the line."""
        at = self._pen.at
        left, end = at.left, at.y + max(map(len, self._heads)) * SMALL.line_mm
        for column, width, lines in zip(self._part.columns, self._widths, self._heads, strict=True):
            at.y = end - len(lines) * SMALL.line_mm
            for line in lines:
                self._pen.write(line, SMALL, left, width - BESIDE, right=column.kind == "number")
                at.y += SMALL.line_mm
            left += width
        at.y = end + self._gap / 2
        self._pen.rule(sum(self._widths))


def _fitted(part: Part, needs: Sequence[float], width: float, page: float) -> list[float]:
    """How wide its columns are: wide enough for every word, where all together have room for that.
    Shares are of a whole `page`, and are smaller where there is less.
    """
    wished = [column.share * page for column in part.columns]
    smaller = min(1.0, width / sum(wished))
    return fitted([each * smaller for each in wished], needs)


def _needs(part: Part, pen: Pen) -> list[float]:
    needs = [pen.widest_word(column.head, SMALL) for column in part.columns]
    for row in part.rows:
        for number, cell in enumerate(row.cells):
            needs[number] = max(needs[number], pen.widest_word(cell, TEXT if number else STRONG))
        beside = pen.widest_word(row.place, SMALL), pen.widest_word(row.verdict, TEXT)
        needs[0] = max(needs[0], *beside)
    return [need + BESIDE + SLACK for need in needs]
