"""A report as PDF: A4 pages of tables with intervals, the brand, and page numbers.

Decided here: the page. Not here: which figures stand in the tables and what they are called
(the web door), how a line of text is drawn (`sheets/lettering`). All lengths are in millimetres.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from fpdf import FPDF

from linkservice.colour import channels
from linkservice.qr.pdf import new_document
from linkservice.reports import graph, quadrant_paper
from linkservice.reports.graph import Frame, Graph
from linkservice.reports.quadrant_paper import Quadrants
from linkservice.sheets.layout import closing_fonts
from linkservice.sheets.lettering import Lettering, Style, readable

PAGE = 210.0, 297.0
MARGIN = 16.0
FOOT = 12.0
WIDTH = PAGE[0] - 2 * MARGIN
LOGO = 9.0
GAP = 1.5
"""Above and below the words of a row."""

TERM = 34.0
"""What a term takes before what is said of it."""

PLOT = 5.2
"""The height of an interval with its peers' mean."""

MOST_LINES = 40
"""Of one text: nothing that a report says is cut, and yet a row fits a page."""

MUTED = 96
TITLE, HEADING = Style(16, bold=True), Style(11, bold=True)
TEXT, STRONG, SMALL = Style(8), Style(8, bold=True), Style(7, grey=MUTED)

Mark = Literal["best", "worst", "other"]


@dataclass(frozen=True, slots=True)
class Plot:
    """An interval and its peers' mean, as shares of the scale that its table shares."""

    rate: float
    low: float
    high: float
    peers: float | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Row:
    """The words of each column; under the first one `place`, in the plot column `plot`, under the
    others a sentence that is `said` of the row.
    """

    cells: Sequence[str]
    place: str = ""
    plot: Plot | None = None
    said: str = ""


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
    """The PDF."""
    document = new_document(PAGE, made_at)
    # Names may hold "{nb}", which would become a number.
    document.alias_nb_pages("")
    document.set_title(paper.title)
    document.set_lang(paper.language)
    with TemporaryDirectory(prefix="linkservice-") as folder, closing_fonts(document):
        pages = _Pages(document, paper, Path(folder))
        pages.fill()
        return bytes(document.output())


class _Pages:
    """The document while it is filled from top to bottom."""

    def __init__(self, document: FPDF, paper: Paper, folder: Path) -> None:
        self._document, self._paper = document, paper
        texts = [readable(text) for text in _texts(paper)]
        self._lettering = Lettering(document, folder, plain=texts, bold=texts)
        self._brand = channels(paper.colour)
        self._y = 0.0

    def fill(self) -> None:
        self._new_page()
        self._head()
        for part in self._paper.parts:
            if isinstance(part, Graph):
                self._graph(part)
            elif isinstance(part, Quadrants):
                self._quadrants(part)
            else:
                self._table(part)
        self._y += 5
        self._room(20)
        self._write(self._paper.facts_heading, HEADING, MARGIN, WIDTH)
        self._y += HEADING.line_mm + GAP
        for term, text in self._paper.facts:
            terms = self._broken(term, STRONG, TERM - 2)
            lines = self._broken(text, TEXT, WIDTH - TERM)
            height = max(len(terms) * STRONG.line_mm, len(lines) * TEXT.line_mm)
            self._room(height + GAP)
            top = self._y
            self._lines(terms, STRONG)
            self._y = top
            self._lines(lines, TEXT, MARGIN + TERM)
            self._y = top + height + GAP
        self._number()

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
        self._y += 5
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
        self._y += 5
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
        self._lettering.write(
            readable(text), style, x_mm=left, y_mm=top, width_mm=width, align=align
        )

    def _table(self, part: Part) -> None:
        if not part.rows:
            return
        self._y += 5
        headings = self._broken(part.heading, HEADING, WIDTH)
        noted = self._broken(part.note, SMALL, WIDTH)
        self._room(
            len(headings) * HEADING.line_mm
            + len(noted) * SMALL.line_mm
            + 5 * TEXT.line_mm
            + 4 * GAP
        )
        self._lines(headings, HEADING)
        self._lines(noted, SMALL)
        self._y += GAP
        self._heads(part)
        for row in part.rows:
            lines = [
                self._broken(text, TEXT, column.share * WIDTH - 2)
                for text, column in zip(row.cells, part.columns, strict=True)
            ]
            left = part.columns[0].share * WIDTH
            said = self._broken(row.said, TEXT, WIDTH - left)
            beside = max((len(each) for each in lines[1:]), default=0) * TEXT.line_mm
            if said and row.plot is not None:
                beside = max(beside, PLOT + GAP / 2)
            places = self._broken(row.place, SMALL, left - 2)
            named = len(lines[0]) * TEXT.line_mm + len(places) * SMALL.line_mm
            height = max(named, beside + len(said) * TEXT.line_mm)
            if self._room(height + 2 * GAP):
                self._heads(part)
            top = self._y + GAP
            self._row(part, row, lines, beside if said else height)
            self._y = top + len(lines[0]) * TEXT.line_mm
            self._lines(places, SMALL)
            self._y = top + beside
            self._lines(said, TEXT, MARGIN + left)
            self._y = top + height + GAP
            self._line()

    def _broken(self, text: str, style: Style, width: float) -> list[str]:
        """The text in as many lines as it takes."""
        return self._lettering.lines(readable(text), style, width, MOST_LINES)

    def _row(self, part: Part, row: Row, lines: list[list[str]], height: float) -> None:
        """The cells side by side; `height` is theirs, for the plot to stand in its middle."""
        left, top = MARGIN, self._y + GAP
        for number, (column, found) in enumerate(zip(part.columns, lines, strict=True)):
            width = column.share * WIDTH
            self._y = top
            for line in found:
                style = STRONG if number == 0 else TEXT
                self._write(line, style, left, width - 2, right=column.kind == "number")
                self._y += TEXT.line_mm
            if column.kind == "plot" and row.plot is not None:
                self._plot(row.plot, left + 2, top + height / 2, width - 8)
            left += width

    def _heads(self, part: Part) -> None:
        """The heads of the columns, each standing on the line."""
        heads = [
            self._broken(column.head, SMALL, column.share * WIDTH - 2) for column in part.columns
        ]
        left, end = MARGIN, self._y + max(map(len, heads)) * SMALL.line_mm
        for column, lines in zip(part.columns, heads, strict=True):
            width = column.share * WIDTH
            self._y = end - len(lines) * SMALL.line_mm
            for line in lines:
                self._write(line, SMALL, left, width - 2, right=column.kind == "number")
                self._y += SMALL.line_mm
            left += width
        self._y = end + GAP / 2
        self._line()

    def _lines(self, lines: Sequence[str], style: Style, left: float = MARGIN) -> None:
        for line in lines:
            self._write(line, style, left, MARGIN + WIDTH - left)
            self._y += style.line_mm

    def _plot(self, plot: Plot, left: float, middle: float, width: float) -> None:
        """The interval as a capped line, the rate as a mark whose form says the verdict."""
        pen = self._document
        pen.set_draw_color(60)
        pen.set_line_width(0.25)
        low, high, rate = (left + width * share for share in (plot.low, plot.high, plot.rate))
        pen.line(low, middle, high, middle)
        for end in (low, high):
            pen.line(end, middle - 1, end, middle + 1)
        if plot.peers is not None:
            pen.set_dash_pattern(0.6, 0.6)
            peers = left + width * plot.peers
            pen.line(peers, middle - PLOT / 2, peers, middle + PLOT / 2)
            pen.set_dash_pattern()
        pen.set_fill_color(30)
        if plot.mark == "other":
            pen.circle(rate, middle, 0.8, style="F")
            return
        tip = -1.3 if plot.mark == "best" else 1.3
        points = [(rate - 1.2, middle - tip * 0.7), (rate + 1.2, middle - tip * 0.7)]
        pen.polygon([*points, (rate, middle + tip)], style="F")

    def _line(self) -> None:
        self._document.set_draw_color(210)
        self._document.set_line_width(0.15)
        self._document.line(MARGIN, self._y, MARGIN + WIDTH, self._y)

    def _room(self, height: float) -> bool:
        """Go on on a new page where there is no such room on this one."""
        if self._y + height <= PAGE[1] - MARGIN - FOOT:
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
            yield from (*row.cells, row.place, row.said)
