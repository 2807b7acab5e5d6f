"""A sheet as PDF: A4 pages of labels in a grid, each with a code, its words and cut marks.

Decided here: the page. Not here: how a code (`qr/pdf`) and a line of text (`lettering`) are
drawn, and what the words are (`order`). All lengths are in millimetres.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from fpdf import FPDF
from fpdf.fonts import TTFFont

from linkservice.qr.design import Design, encode, print_size
from linkservice.qr.pdf import draw, new_document
from linkservice.sheets.lettering import Lettering, Style, readable
from linkservice.sheets.order import Label, Order

PAGE = 210.0, 297.0
MARGIN = 10.0
"""What office printers leave blank, with room to spare."""

HEADER = 13.0
"""Height of the heading with the space below it."""

PADDING = 1.25
"""From the edge of a label to the quiet zone: a cut that strays leaves the zone whole."""

PADDING_BELOW = 2.0
SPACE = 0.6
"""Above the name and above the short URL."""

NARROWEST = 33.0
"""Width of a label, however small its code: less leaves no room for words."""

GUTTER = 5.0
MARK_GAP, MARK_LENGTH, MARK_WIDTH = 0.5, 1.5, 0.09
"""A cut mark's distance from its label's corner, its length, and a quarter point of width."""

MARKS = MARK_GAP + MARK_LENGTH
SMALLEST = 0.8
"""Share of its size to which a URL may shrink to stay on one line, and a name to stay on few."""

SMALLEST_HEADING = 0.6
"""Likewise of the heading, which has one line beside the number of the page."""

NAME_LINES, LONG_NAME_LINES, PLACE_LINES = 2, 5, 3
"""Of a name, of one that is smaller already, and of a touchpoint below it, a stage or a journey.
What is longer is cut after a word; a short URL never is."""

MUTED = 96
"""Grey of what is not the name, dark enough to be read in 5.5 points."""

Step = Callable[[int], None]
"""Told after each code how many are done; it may raise to stop the making."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the labels stand on a page: row by row, the columns centred."""

    width: float
    height: float

    @property
    def columns(self) -> int:
        """Labels beside each other."""
        return _fitting(PAGE[0] - 2 * MARGIN, self.width)

    @property
    def rows(self) -> int:
        """Labels above each other on one page."""
        return _fitting(PAGE[1] - 2 * MARGIN - HEADER, self.height)

    def corner(self, place: int) -> tuple[float, float]:
        """The top left of the label at `place`, from 0."""
        row, column = divmod(place, self.columns)
        taken = self.columns * (self.width + GUTTER) - GUTTER
        left, top = (PAGE[0] - taken) / 2, MARGIN + HEADER + MARKS
        return left + column * (self.width + GUTTER), top + row * (self.height + GUTTER)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line below a code, and the space above it."""

    text: str
    style: Style
    above: float = 0.0

    @property
    def height(self) -> float:
        return self.above + self.style.line_mm


def make_pdf(order: Order, made_at: datetime, step: Step) -> bytes:
    """The sheet. Raises `Invalid` where the modules of a code would be too fine at this size,
    `Failed` where a code does not scan, and what `step` raises.
    """
    document = new_document(PAGE, made_at)
    # Names may hold "{nb}", which would become a number.
    document.alias_nb_pages("")
    document.set_title(order.heading)
    document.set_lang(order.words.language)
    with TemporaryDirectory(prefix="linkservice-") as folder, closing_fonts(document):
        sheet = _Sheet(document, order, Path(folder), step)
        for number in range(len(order.labels)):
            sheet.add(number)
            step(number + 1)
        return bytes(document.output())


@contextmanager
def closing_fonts(document: FPDF) -> Iterator[None]:
    """Writing a document closes its font files; one that is laid down leaves them open."""
    try:
        yield
    finally:
        for font in document.fonts.values():
            if isinstance(font, TTFFont):
                font.close()


class _Sheet:
    """The document while labels are added to it."""

    def __init__(self, document: FPDF, order: Order, folder: Path, step: Step) -> None:
        self._document = document
        self._order = order
        self._design = Design(order.foreground)
        names = [order.heading, *(label.name for label in order.labels)]
        rest = [
            text
            for label in order.labels
            for text in (label.below_name, label.place, _printed(label))
        ]
        # With every digit, since any may stand in a page's number.
        rest.extend(_heads(order, 1234567890, 1))
        self._lettering = Lettering(
            document,
            folder,
            plain=[readable(text) for text in rest],
            bold=[readable(text) for text in names],
        )
        width = max(order.size_mm + 2 * PADDING, NARROWEST)
        self._words: list[list[_Line]] = []
        for label in order.labels:
            self._words.append(list(self._set(label, width - 2 * PADDING)))
            step(0)
        below = max(sum(line.height for line in lines) for lines in self._words)
        # A whole number is what a paper cutter is set to.
        self._grid = Grid(width, ceil(PADDING + order.size_mm + below + PADDING_BELOW))

    def add(self, number: int) -> None:
        """Draw the label, on a new page where the one before is full."""
        page, place = divmod(number, self._grid.columns * self._grid.rows)
        if place == 0:
            self._document.add_page()
            self._head(page + 1)
        x, y = self._grid.corner(place)
        size = self._order.size_mm
        matrix = encode(self._order.labels[number].scan_url)
        print_size(matrix.edge, size)
        left = x + (self._grid.width - size) / 2
        draw(self._document, matrix, self._design, x_mm=left, y_mm=y + PADDING, size_mm=size)
        self._cut_marks(x, y)
        top = y + PADDING + size
        # Marks piled upon letters rise without end, and must not reach the code.
        with self._document.rect_clip(x, top, self._grid.width, y + self._grid.height - top):
            for line in self._words[number]:
                self._write(line.text, line.style, x, top + line.above, self._grid.width, "C")
                top += line.height

    def _set(self, label: Label, width: float) -> Iterator[_Line]:
        """The words of a label: its name, then smaller its touchpoint, its place, its short URL."""
        # From 7 points below a code of 20 mm to 12 points below one of 100 mm.
        points = 7 + (self._order.size_mm - 20) / 16
        name = Style(points, bold=True)
        place, url = Style(points * 0.78, grey=MUTED), Style(points * 0.86)
        yield from self._name(readable(label.name), name, width)
        for text in self._place(label, place, width):
            yield _Line(text, place)
        yield from self._url(readable(_printed(label)), url, width)

    def _name(self, text: str, style: Style, width: float) -> Iterator[_Line]:
        """Whole: on more lines, and smaller, where it is long."""
        lines = self._lettering.lines(text, style, width, NAME_LINES + 1)
        if len(lines) > NAME_LINES:
            style = replace(style, points=style.points * SMALLEST)
            lines = self._lettering.lines(text, style, width, LONG_NAME_LINES)
        yield from _spaced(lines, style)

    def _place(self, label: Label, style: Style, width: float) -> Iterator[str]:
        """The touchpoint, then stage and journey: on one line where both fit, else on two."""
        yield from self._lettering.lines(readable(label.below_name), style, width, PLACE_LINES)
        together = readable(label.place)
        if self._lettering.width_mm(together, style) <= width:
            yield from filter(None, [together])
        else:
            for part in (label.stage, label.journey):
                yield from self._lettering.lines(readable(part), style, width, PLACE_LINES)

    def _url(self, url: str, style: Style, width: float) -> Iterator[_Line]:
        """On one line, even if a little smaller: whoever types it must not wonder at a break."""
        fitting = style.points * min(1, width / self._lettering.width_mm(url, style))
        lines = [url]
        if fitting >= style.points * SMALLEST:
            style = replace(style, points=fitting)
        else:
            lines = self._lettering.url_lines(url, style, width)
        yield from _spaced(lines, style)

    def _head(self, page: int) -> None:
        per_page = self._grid.columns * self._grid.rows
        numbering, facts, advice = _heads(self._order, page, -(-len(self._words) // per_page))
        small, large = Style(8, grey=MUTED), Style(14, bold=True)
        width = PAGE[0] - 2 * MARGIN
        beside = self._lettering.width_mm(numbering, small) + GUTTER
        heading = readable(self._order.heading)
        fitting = (width - beside) / self._lettering.width_mm(heading, large) if heading else 1.0
        large = replace(large, points=large.points * min(1.0, max(SMALLEST_HEADING, fitting)))
        for line in self._lettering.lines(heading, large, width - beside, 1):
            self._write(line, large, MARGIN, MARGIN, width, "L")
        # On the same baseline as the title.
        drop = (large.line_mm - small.line_mm) * 0.72
        self._write(numbering, small, MARGIN, MARGIN + drop, width, "R")
        self._write(facts, small, MARGIN, MARGIN + large.line_mm, width, "L")
        self._write(advice, small, MARGIN, MARGIN + large.line_mm, width, "R")

    def _write(
        self,
        line: str,
        style: Style,
        x: float,
        y: float,
        width: float,
        align: Literal["L", "C", "R"],
    ) -> None:
        self._lettering.write(line, style, x_mm=x, y_mm=y, width_mm=width, align=align)

    def _cut_marks(self, x: float, y: float) -> None:
        """Two hairlines at each corner of the label, outside it."""
        self._document.set_line_width(MARK_WIDTH)
        self._document.set_draw_color(0)
        for corner_x, outward_x in ((x, -1), (x + self._grid.width, 1)):
            for corner_y, outward_y in ((y, -1), (y + self._grid.height, 1)):
                near_x, far_x = corner_x + outward_x * MARK_GAP, corner_x + outward_x * MARKS
                near_y, far_y = corner_y + outward_y * MARK_GAP, corner_y + outward_y * MARKS
                self._document.line(near_x, corner_y, far_x, corner_y)
                self._document.line(corner_x, near_y, corner_x, far_y)


def _spaced(texts: Iterable[str], style: Style) -> Iterator[_Line]:
    above = SPACE
    for text in texts:
        yield _Line(text, style, above)
        above = 0.0


def _heads(order: Order, page: int, pages: int) -> tuple[str, str, str]:
    """Numbering, facts and advice, which stand at the head of every page."""
    words, count = order.words, len(order.labels)
    codes = (words.code if count == 1 else words.codes).format(count=count)
    facts = " · ".join((codes, words.size, words.date))
    return words.page.format(page=page, pages=pages), facts, words.advice


def _printed(label: Label) -> str:
    """The short URL as people read and type it; browsers add the https:// themselves."""
    return label.short_url.removeprefix("https://")


def _fitting(room: float, label: float) -> int:
    return int((room - 2 * MARKS + GUTTER) // (label + GUTTER))
