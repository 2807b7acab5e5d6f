"""A report as PDF: A4 pages of tables with intervals, the brand, and page numbers.

Decided here: the page, and what stands in columns. Not here: which figures stand in the tables and
what they are called (the web door), how a table is written (`paper_table`) and a line (`pen`). All
lengths are in millimetres.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from fpdf import FPDF

from linkservice.colour import channels
from linkservice.qr.pdf import new_document
from linkservice.reports import graph, quadrant_paper
from linkservice.reports.flow import Flow
from linkservice.reports.graph import Frame, Graph
from linkservice.reports.paper_table import Part, Table
from linkservice.reports.pen import HEADING, SMALL, STRONG, TEXT, TITLE, Pen
from linkservice.reports.quadrant_paper import Quadrants
from linkservice.sheets.layout import closing_fonts
from linkservice.sheets.lettering import Lettering, readable

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
        self._brand = channels(paper.colour)
        texts = [readable(text) for text in _texts(paper)]
        lettering = Lettering(document, folder, plain=texts, bold=texts)
        document.add_page()
        self._at = Flow(MARGIN, WIDTH, MARGIN, BOTTOM, document.add_page)
        self._pen = Pen(document, lettering, self._at)

    def fill(self) -> float:
        """Fill it; where the last page ends."""
        self._head()
        there = [part for part in self._paper.parts if not isinstance(part, Part) or part.rows]
        for narrow, some in groupby(map(self._measured, there), key=self._is_narrow):
            if narrow:
                self._side_by_side([each for each in some if isinstance(each, Table)])
                continue
            for each in some:
                self._at.y += self._between
                if isinstance(each, Graph):
                    self._graph(each)
                elif isinstance(each, Quadrants):
                    self._quadrants(each)
                else:
                    each.write()
        self._facts()
        end = self._at.y
        self._number()
        return end

    def _measured(self, part: Part | Graph | Quadrants) -> Table | Graph | Quadrants:
        """A table in lines, a small one as wide as a column if no word has to be broken there."""
        if not isinstance(part, Part):
            return part
        if part.small:
            table = Table(part, self._pen, self._at.column_width, self._gap)
            if table.is_whole:
                return table
        return Table(part, self._pen, WIDTH, self._gap)

    def _is_narrow(self, measured: Table | Graph | Quadrants) -> bool:
        return isinstance(measured, Table) and measured.width < WIDTH

    def _side_by_side(self, tables: Sequence[Table]) -> None:
        """In columns: one after the other, and the last ones so that they reach down least."""
        heights = [each.height for each in tables]
        self._at.y += self._between
        with self._at.columns():
            turn: int | None = None
            for number, table in enumerate(tables):
                if turn is None:
                    first = self._at.first_of(heights[number:], self._between)
                    turn = None if first is None else number + first
                if number == turn:
                    self._at.go_on()
                table.write()
                self._at.y += self._between
        self._at.y -= self._between

    def _facts(self) -> None:
        self._at.y += self._between
        self._at.room(20)
        self._pen.write(self._paper.facts_heading, HEADING, MARGIN, WIDTH)
        self._at.y += HEADING.line_mm + self._gap
        for term, text in self._paper.facts:
            terms = self._pen.broken(term, STRONG, TERM - 2)
            lines = self._pen.broken(text, TEXT, WIDTH - TERM)
            height = max(len(terms) * STRONG.line_mm, len(lines) * TEXT.line_mm)
            self._at.room(height + self._gap)
            top = self._at.y
            self._pen.lines(terms, STRONG)
            self._at.y = top
            self._pen.lines(lines, TEXT, TERM)
            self._at.y = top + height + self._gap

    def _head(self) -> None:
        left = MARGIN
        if self._paper.logo:
            picture = io.BytesIO(self._paper.logo)
            self._document.image(picture, MARGIN, self._at.y, h=LOGO, keep_aspect_ratio=True)
            left += LOGO * 2
        self._at.y += (LOGO - HEADING.line_mm) / 2
        self._pen.write(self._paper.workspace, HEADING, left, WIDTH - (left - MARGIN))
        self._at.y = MARGIN + LOGO + 2
        self._document.set_draw_color(*self._brand)
        self._document.set_line_width(0.6)
        self._document.line(MARGIN, self._at.y, MARGIN + WIDTH, self._at.y)
        self._at.y += 4
        self._pen.lines(self._pen.broken(self._paper.title, TITLE, WIDTH), TITLE)
        for text in self._paper.lead:
            self._pen.lines(self._pen.broken(text, TEXT, WIDTH), TEXT)

    def _graph(self, part: Graph) -> None:
        headings = self._pen.broken(part.heading, HEADING, WIDTH)
        told = [line for text in part.told for line in self._pen.broken(text, SMALL, WIDTH)]
        height = graph.TOP + graph.HEIGHT + graph.BOTTOM
        self._at.room(len(headings) * HEADING.line_mm + height + len(told) * SMALL.line_mm)
        self._pen.lines(headings, HEADING)
        left = self._widest([label for _, label in part.values]) + 1
        right = self._widest(list(part.names()))
        frame = Frame(
            MARGIN + left,
            self._at.y + graph.TOP,
            WIDTH - left - (right + graph.NAME_LEFT if right else 3),
            graph.HEIGHT,
        )
        graph.draw(part, self._document, self._pen.set, frame, self._paper.colour)
        self._at.y += height
        self._pen.lines(told, SMALL)

    def _quadrants(self, part: Quadrants) -> None:
        headings = self._pen.broken(part.heading, HEADING, WIDTH)
        height = quadrant_paper.TOP + quadrant_paper.HEIGHT + quadrant_paper.BOTTOM
        self._at.room(len(headings) * HEADING.line_mm + height)
        self._pen.lines(headings, HEADING)
        frame = Frame(MARGIN, self._at.y + quadrant_paper.TOP, WIDTH, quadrant_paper.HEIGHT)
        quadrant_paper.draw(part, self._document, self._pen.set, frame)
        self._at.y += height

    def _widest(self, texts: Sequence[str]) -> float:
        return max((self._pen.width_of(text, graph.NAME) for text in texts), default=0.0)

    def _number(self) -> None:
        """Only now is it known how many pages there are."""
        pages = self._document.pages_count
        for page in range(1, pages + 1):
            self._document.page = page
            self._at.y = PAGE[1] - FOOT
            # A page knows no font that was set on another: let the next line set it anew.
            self._document.set_font_size(SMALL.points + 1)
            text = self._paper.numbering.format(page=page, pages=pages)
            self._pen.write(text, SMALL, MARGIN, WIDTH, right=True)
            self._pen.write(self._paper.workspace, SMALL, MARGIN, WIDTH / 2)


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
