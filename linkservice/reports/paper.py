"""A report as PDF: A4 pages of tables with intervals, the brand, and page numbers.

Decided here: the page. Not here: which figures stand in the tables and what they are called
(the web door), how a line of text is drawn (`sheets/lettering`). All lengths are in millimetres.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias

from fpdf import FPDF

from linkservice.colour import channels
from linkservice.qr.pdf import new_document
from linkservice.reports import graph, quadrant_paper, signs
from linkservice.reports.columns import fitted
from linkservice.reports.graph import Frame, Graph
from linkservice.reports.interval_paper import PLOT, Plot, draw_plot
from linkservice.reports.quadrant_paper import Quadrants
from linkservice.sheets.layout import closing_fonts
from linkservice.sheets.lettering import Lettering, Style, readable, unbroken

PAGE = 210.0, 297.0
MARGIN = 16.0
FOOT = 12.0
BOTTOM = PAGE[1] - FOOT - 8
"""Where a page ends, above its foot."""

FEW = 45.0
"""A last page with less than this on it is one too many: then all stand closer, if that helps."""

CLOSER = 0.6
"""The gaps of such a paper, as a share of usual ones."""

WIDTH = PAGE[0] - 2 * MARGIN
LOGO = 9.0
GAP = 1.5
"""Above and below the words of a row."""

BETWEEN = 5.0
"""Between the parts."""

TERM = 34.0
"""What a term takes before what is said of it."""

CERTAIN = re.compile(r"(95.?%:) ")
"""How certain an interval is stands beside it."""

LEAST_POINTS = 5.5
"""Smaller letters nobody reads."""

SLACK = 0.01
"""Widths that are sums are not exact."""

MOST_LINES = 40
"""Of one text: nothing that a report says is cut, and yet a row fits a page."""

MUTED = 96
TITLE, HEADING = Style(16, bold=True), Style(11, bold=True)
TEXT, STRONG, SMALL = Style(8), Style(8, bold=True), Style(7, grey=MUTED)

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
    """A table with its heading, and what is said under it."""

    heading: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """What is printed; `numbering` has ``{page}`` and ``{pages}``, `colour` is `#rrggbb`."""

    workspace: str
    logo: bytes | None
    colour: str
    title: str
    lead: Sequence[str]
    parts: Sequence[Part | Graph | Quadrants]
    facts: Sequence[tuple[str, str]]
    facts_heading: str
    numbering: str
    language: str


def make_paper(paper: Paper, made_at: datetime) -> bytes:
    """The PDF, with no last page that is nearly empty if closer lines can do without."""
    data, pages, last = _made(paper, made_at, 1.0)
    if pages > 1 and last - MARGIN < FEW:
        closer, fewer, _ = _made(paper, made_at, CLOSER)
        if fewer < pages:
            return closer
    return data


def _made(paper: Paper, made_at: datetime, gaps: float) -> tuple[bytes, int, float]:
    """The PDF with such a share of the usual gaps, its pages, and where the last one ends."""
    document = new_document(PAGE, made_at)
    # Names may hold "{nb}", which would become a number.
    document.alias_nb_pages("")
    document.set_title(paper.title)
    document.set_lang(paper.language)
    with TemporaryDirectory(prefix="linkservice-") as folder, closing_fonts(document):
        pages = _Pages(document, paper, Path(folder), gaps)
        end = pages.fill()
        return bytes(document.output()), document.pages_count, end


class _Pages:
    """The document while it is filled from top to bottom."""

    def __init__(self, document: FPDF, paper: Paper, folder: Path, gaps: float) -> None:
        self._document, self._paper = document, paper
        self._gap, self._between = GAP * gaps, BETWEEN * gaps
        texts = [readable(text) for text in _texts(paper)]
        self._lettering = Lettering(document, folder, plain=texts, bold=texts)
        self._brand = channels(paper.colour)
        self._y = 0.0

    def fill(self) -> float:
        """Fill it; where the last page ends."""
        self._new_page()
        self._head()
        for part in self._paper.parts:
            if isinstance(part, Graph):
                self._graph(part)
            elif isinstance(part, Quadrants):
                self._quadrants(part)
            else:
                self._table(part)
        self._y += self._between
        self._room(20)
        self._write(self._paper.facts_heading, HEADING, MARGIN, WIDTH)
        self._y += HEADING.line_mm + self._gap
        for term, text in self._paper.facts:
            terms = self._broken(term, STRONG, TERM - 2)
            lines = self._broken(text, TEXT, WIDTH - TERM)
            height = max(len(terms) * STRONG.line_mm, len(lines) * TEXT.line_mm)
            self._room(height + self._gap)
            top = self._y
            self._lines(terms, STRONG)
            self._y = top
            self._lines(lines, TEXT, MARGIN + TERM)
            self._y = top + height + self._gap
        end = self._y
        self._number()
        return end

    def _head(self) -> None:
        left = MARGIN
        if self._paper.logo:
            picture = io.BytesIO(self._paper.logo)
            self._document.image(picture, MARGIN, self._y, h=LOGO, keep_aspect_ratio=True)
            left += LOGO * 2
        self._y += (LOGO - HEADING.line_mm) / 2
        self._write(self._paper.workspace, HEADING, left, WIDTH - (left - MARGIN))
        self._y = MARGIN + LOGO + 2
        self._document.set_draw_color(*self._brand)
        self._document.set_line_width(0.6)
        self._document.line(MARGIN, self._y, MARGIN + WIDTH, self._y)
        self._y += 4
        self._lines(self._broken(self._paper.title, TITLE, WIDTH), TITLE)
        for text in self._paper.lead:
            self._lines(self._broken(text, TEXT, WIDTH), TEXT)

    def _graph(self, part: Graph) -> None:
        self._y += self._between
        headings = self._broken(part.heading, HEADING, WIDTH)
        told = [line for text in part.told for line in self._broken(text, SMALL, WIDTH)]
        height = graph.TOP + graph.HEIGHT + graph.BOTTOM
        self._room(len(headings) * HEADING.line_mm + height + len(told) * SMALL.line_mm)
        self._lines(headings, HEADING)
        left = self._widest([label for _, label in part.values]) + 1
        right = self._widest(list(part.names()))
        frame = Frame(
            MARGIN + left,
            self._y + graph.TOP,
            WIDTH - left - (right + 2 if right else 3),
            graph.HEIGHT,
        )
        graph.draw(part, self._document, self._set, frame, self._paper.colour)
        self._y += height
        self._lines(told, SMALL)

    def _quadrants(self, part: Quadrants) -> None:
        self._y += self._between
        headings = self._broken(part.heading, HEADING, WIDTH)
        height = quadrant_paper.TOP + quadrant_paper.HEIGHT + quadrant_paper.BOTTOM
        self._room(len(headings) * HEADING.line_mm + height)
        self._lines(headings, HEADING)
        frame = Frame(MARGIN, self._y + quadrant_paper.TOP, WIDTH, quadrant_paper.HEIGHT)
        quadrant_paper.draw(part, self._document, self._set, frame)
        self._y += height

    def _widest(self, texts: Sequence[str]) -> float:
        widths = [self._lettering.width_mm(readable(text), graph.NAME) for text in texts]
        return max(widths, default=0.0)

    def _set(
        self,
        text: str,
        style: Style,
        left: float,
        top: float,
        width: float,
        align: Literal["L", "C", "R"],
    ) -> None:
        sign, text = signs.parted(text)
        if sign:
            signs.draw(self._document, sign, style, left, top)
            beside = self._lettering.width_mm(signs.STAND_IN, style)
            left, width = left + beside, width - beside
        self._lettering.write(
            readable(text), style, x_mm=left, y_mm=top, width_mm=width, align=align
        )

    def _table(self, part: Part) -> None:
        if not part.rows:
            return
        self._y += self._between
        headings = self._broken(part.heading, HEADING, WIDTH)
        noted = self._broken(part.note, SMALL, WIDTH)
        self._room(
            len(headings) * HEADING.line_mm
            + len(noted) * SMALL.line_mm
            + 5 * TEXT.line_mm
            + 4 * self._gap
        )
        self._lines(headings, HEADING)
        self._lines(noted, SMALL)
        self._y += self._gap
        widths = self._widths(part)
        self._heads(part, widths)
        for row in part.rows:
            cells = [
                self._cell(text, width - 2, TEXT if number else STRONG)
                for number, (text, width) in enumerate(zip(row.cells, widths, strict=True))
            ]
            left = widths[0]
            said = self._broken(row.said, TEXT, WIDTH - left)
            beside = max(map(len, cells[1:]), default=0) * TEXT.line_mm
            if said and row.plot is not None:
                beside = max(beside, PLOT + self._gap / 2)
            places = self._broken(row.place, SMALL, left - 2)
            verdicts = self._broken(row.verdict, TEXT, left - 2)
            named = (len(cells[0]) + len(verdicts)) * TEXT.line_mm + len(places) * SMALL.line_mm
            height = max(named, beside + len(said) * TEXT.line_mm)
            if self._room(height + 2 * self._gap):
                self._heads(part, widths)
            top = self._y + self._gap
            self._row(part, widths, row, cells, beside if said else height)
            self._y = top + len(cells[0]) * TEXT.line_mm
            self._lines(places, SMALL)
            self._lines(verdicts, TEXT)
            self._y = top + beside
            self._lines(said, TEXT, MARGIN + left)
            self._y = top + height + self._gap
            self._line(sum(widths))

    def _widths(self, part: Part) -> list[float]:
        """Of its columns: wide enough for every word, where all together have room for that."""
        needs = [self._widest_word(column.head, SMALL) for column in part.columns]
        for row in part.rows:
            for number, cell in enumerate(row.cells):
                style = TEXT if number else STRONG
                needs[number] = max(needs[number], self._widest_word(cell, style))
            beside = self._widest_word(row.place, SMALL), self._widest_word(row.verdict, TEXT)
            needs[0] = max(needs[0], *beside)
        wished = [column.share * WIDTH for column in part.columns]
        return fitted(wished, [need + 2 + SLACK for need in needs])

    def _widest_word(self, text: str, style: Style) -> float:
        words = unbroken(readable(" ".join(text.split("\n"))))
        return max((self._lettering.width_mm(word, style) for word in words), default=0.0)

    def _broken(self, text: str, style: Style, width: float) -> list[str]:
        """The text in as many lines as it takes; a sign stands before the first one."""
        sign, rest = signs.parted(text)
        measured = CERTAIN.sub("\\1\u00a0", signs.STAND_IN + rest if sign else rest)
        lines = self._lettering.lines(readable(measured), style, width, MOST_LINES)
        return [sign + lines[0][1:], *lines[1:]] if sign else lines

    def _cell(self, text: str, width: float, style: Style) -> list[Line]:
        """A cell's lines, in smaller letters where a word would have to be broken; what stands in
        lines of its own below the first is small.
        """
        first, *more = text.split("\n")
        widest = self._widest_word(first, style)
        if widest > width:
            style = replace(style, points=max(LEAST_POINTS, style.points * 0.99 * width / widest))
        found: list[Line] = [(line, style) for line in self._broken(first, style, width)]
        return found + [(line, SMALL) for each in more for line in self._broken(each, SMALL, width)]

    def _row(
        self,
        part: Part,
        widths: Sequence[float],
        row: Row,
        cells: Sequence[Sequence[Line]],
        height: float,
    ) -> None:
        """The cells side by side; `height` is theirs, for the plot to stand in its middle."""
        left, top = MARGIN, self._y + self._gap
        for column, width, found in zip(part.columns, widths, cells, strict=True):
            self._y = top
            for line, style in found:
                self._write(line, style, left, width - 2, right=column.kind == "number")
                self._y += TEXT.line_mm
            if column.kind == "plot" and row.plot is not None:
                draw_plot(row.plot, self._document, left + 2, top + height / 2, width - 6)
            left += width

    def _heads(self, part: Part, widths: Sequence[float]) -> None:
        """The heads of the columns, each standing on the line."""
        heads = [
            self._broken(column.head, SMALL, width - 2)
            for column, width in zip(part.columns, widths, strict=True)
        ]
        left, end = MARGIN, self._y + max(map(len, heads)) * SMALL.line_mm
        for column, width, lines in zip(part.columns, widths, heads, strict=True):
            self._y = end - len(lines) * SMALL.line_mm
            for line in lines:
                self._write(line, SMALL, left, width - 2, right=column.kind == "number")
                self._y += SMALL.line_mm
            left += width
        self._y = end + self._gap / 2
        self._line(sum(widths))

    def _lines(self, lines: Sequence[str], style: Style, left: float = MARGIN) -> None:
        for line in lines:
            self._write(line, style, left, MARGIN + WIDTH - left)
            self._y += style.line_mm

    def _line(self, width: float) -> None:
        self._document.set_draw_color(210)
        self._document.set_line_width(0.15)
        self._document.line(MARGIN, self._y, MARGIN + width, self._y)

    def _room(self, height: float) -> bool:
        """Go on on a new page where there is no such room on this one."""
        if self._y + height <= BOTTOM:
            return False
        self._new_page()
        return True

    def _new_page(self) -> None:
        self._document.add_page()
        self._y = MARGIN

    def _number(self) -> None:
        """Only now is it known how many pages there are."""
        pages = self._document.pages_count
        for page in range(1, pages + 1):
            self._document.page = page
            self._y = PAGE[1] - FOOT
            # A page knows no font that was set on another: let the next line set it anew.
            self._document.set_font_size(SMALL.points + 1)
            text = self._paper.numbering.format(page=page, pages=pages)
            self._write(text, SMALL, MARGIN, WIDTH, right=True)
            self._write(self._paper.workspace, SMALL, MARGIN, WIDTH / 2)

    def _write(
        self, text: str, style: Style, left: float, width: float, *, right: bool = False
    ) -> None:
        self._set(text, style, left, self._y, width, "R" if right else "L")


def _texts(paper: Paper) -> Iterator[str]:
    """Every text there will be, for the fonts."""
    yield from (paper.workspace, paper.title, paper.facts_heading, *paper.lead)
    # With every digit, since any may stand in a page's number.
    yield paper.numbering.format(page=1234567890, pages=1)
    for fact in paper.facts:
        yield from fact
    for part in paper.parts:
        if isinstance(part, Graph | Quadrants):
            yield from part.texts()
            continue
        yield from (part.heading, part.note)
        yield from (column.head for column in part.columns)
        for row in part.rows:
            yield from (*row.cells, row.place, row.said, row.verdict)
