"""A curve on paper: lines over days, each told by its stroke and its name, so that grey is enough.

Decided here: strokes, and where names stand at the ends of lines. Not here: the page it stands on
(`paper`), what is drawn and how it is called (the web door). Lengths are in millimetres; places
are shares of the plot, from its left and from its bottom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from fpdf import FPDF

from linkservice.colour import READABLE, channels, contrast
from linkservice.sheets.lettering import Style

HEIGHT = 44.0
TOP, BOTTOM = 6.0, 6.0
"""Above the plot for the unit and the numbers of notes, below it for dates."""
DATES_BELOW = 1.5
"""How far below the plot these begin."""

PIECE, NAME_LEFT = (1.0, 3.6), 4.6
"""To the right of the plot: a piece of each line, and its name."""

FURTHEST_LED = 0.15
"""Of the width: a line that ends earlier, since days are to come, is not led to its name."""

SMALL = Style(7, grey=96)
NAME = Style(7, bold=True)
LINE = SMALL.line_mm

Look: TypeAlias = Literal["first", "second", "third", "before"]
Point: TypeAlias = tuple[float, float]
Colour: TypeAlias = tuple[int, int, int]
Write: TypeAlias = Callable[[str, Style, float, float, float, Literal["L", "C", "R"]], None]
"""Sets a text into a box of that left, top and width."""

_DARK: Colour = (40, 40, 40)
_STROKES: dict[Look, tuple[float, Colour | None, float]] = {
    "first": (0.6, None, 0.0),
    "second": (0.35, _DARK, 0.0),
    "third": (0.35, (110, 110, 110), 0.0),
    "before": (0.3, (120, 120, 120), 1.4),
}
"""Each look's width, its colour (None is the brand's) and the length of its dashes."""

_OPEN = 0.5
"""The dashes of what is not complete."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line by its points. `first_open` and `last_open`: its first or last stretch belongs to days
    that are not complete.
    """

    name: str
    look: Look
    points: Sequence[Point]
    first_open: bool = False
    last_open: bool = False

    @property
    def last_closed(self) -> Point:
        """The end of what is complete of it; its very end where nothing is."""
        return self.points[-2 if self.last_open and len(self.points) > 1 else -1]


@dataclass(frozen=True, slots=True)
class Graph:
    """Lines with what stands along the axes, as shares and words; `unit` says what a point is,
    `notes` are the places of numbers in the plot, `told` what these say, in their order.
    """

    heading: str
    unit: str
    strokes: Sequence[Stroke]
    values: Sequence[tuple[float, str]]
    dates: Sequence[tuple[float, str]]
    notes: Sequence[float] = ()
    told: Sequence[str] = ()

    def texts(self) -> Iterator[str]:
        """Every text in it, for the fonts."""
        yield from (self.heading, self.unit, *self.told, "0123456789")
        yield from (stroke.name for stroke in self.strokes)
        yield from (label for _, label in (*self.values, *self.dates))

    def names(self) -> Iterator[str]:
        """What stands at the ends of lines; nothing where there is only one."""
        if len(self.strokes) > 1:
            yield from (stroke.name for stroke in self.strokes)


@dataclass(frozen=True, slots=True)
class Frame:
    """The plot on its page."""

    left: float
    top: float
    width: float
    height: float

    def at(self, point: Point) -> Point:
        """Where a point lies on the page."""
        return self.left + point[0] * self.width, self.top + (1 - point[1]) * self.height


def draw(graph: Graph, pen: FPDF, write: Write, frame: Frame, brand: str) -> None:
    """Draw the graph around and into the plot; `brand` is `#rrggbb`."""
    _axes(graph, pen, write, frame)
    for stroke in reversed(graph.strokes):
        _stroke(stroke, pen, frame, brand)
    _names(graph, pen, write, frame, brand)
    pen.set_dash_pattern()


def _axes(graph: Graph, pen: FPDF, write: Write, frame: Frame) -> None:
    write(graph.unit, SMALL, frame.left, frame.top - TOP, frame.width, "L")
    pen.set_line_width(0.15)
    for share, label in graph.values:
        left, y = frame.at((0, share))
        pen.set_draw_color(*((120,) * 3 if share == 0 else (215,) * 3))
        pen.line(left, y, left + frame.width, y)
        write(label, SMALL, 0, y - LINE / 2, left - 1, "R")
    pen.set_draw_color(120)
    for share, label in graph.dates:
        x, bottom = frame.at((share, 0))
        pen.line(x, bottom, x, bottom + 1)
        write(label, SMALL, x - 12, bottom + DATES_BELOW, 24, "C")
    for number, share in enumerate(graph.notes, 1):
        x, bottom = frame.at((share, 0))
        pen.set_dash_pattern(0.4, 0.8)
        pen.line(x, frame.top, x, bottom)
        pen.set_dash_pattern()
        write(str(number), SMALL, x - 4, frame.top - LINE, 8, "C")


def _stroke(stroke: Stroke, pen: FPDF, frame: Frame, brand: str) -> None:
    width, colour, dash = _STROKES[stroke.look]
    pen.set_line_width(width)
    pen.set_draw_color(*(colour or _printable(brand)))
    places = [frame.at(point) for point in stroke.points]
    for number, (start, end) in enumerate(pairwise(places)):
        is_open = (number == 0 and stroke.first_open) or (
            number == len(places) - 2 and stroke.last_open
        )
        pen.set_dash_pattern(*((_OPEN, _OPEN * 2) if is_open else (dash, dash)))
        pen.line(*start, *end)
    pen.set_dash_pattern()
    if places and stroke.look != "before":
        pen.set_fill_color(*(colour or _printable(brand)))
        pen.circle(*places[-1], width * 1.3, style="F")


def _names(graph: Graph, pen: FPDF, write: Write, frame: Frame, brand: str) -> None:
    """Where lines were last complete, moved apart until they can be read, and led to from there."""
    if len(graph.strokes) < 2:
        return
    ends = [(frame.at(each.last_closed), each) for each in graph.strokes if each.points]
    ends.sort(key=lambda each: each[0][1])
    places = [y for (_, y), _ in ends]
    for number in range(1, len(places)):
        places[number] = max(places[number], places[number - 1] + LINE)
    # The last of the dates reaches beyond the plot, to below the names.
    lowest = frame.top + frame.height + DATES_BELOW - LINE / 2
    for number in range(len(places) - 1, -1, -1):
        places[number] = min(places[number], lowest)
        lowest = places[number] - LINE
    right = frame.left + frame.width
    for y, (end, stroke) in zip(places, ends, strict=True):
        width, colour, dash = _STROKES[stroke.look]
        pen.set_draw_color(*(colour or _printable(brand)))
        pen.set_dash_pattern()
        if right - end[0] <= FURTHEST_LED * frame.width:
            pen.set_line_width(0.1)
            pen.line(*end, right, y)
        pen.set_line_width(width)
        pen.set_dash_pattern(dash, dash)
        pen.line(right + PIECE[0], y, right + PIECE[1], y)
        style = SMALL if stroke.look == "before" else NAME
        write(stroke.name, style, right + NAME_LEFT, y - LINE / 2, 60, "L")


def _printable(brand: str) -> Colour:
    """The brand's colour; a dark grey where that is hard to see on paper."""
    if contrast(brand, "#ffffff") < READABLE:
        return _DARK
    return channels(brand)
