"""Four quadrants on paper: numbered spots about two lines, as their page draws them.

Certain spots are filled and have their intervals, those that lean are hollow, so grey is enough.
Not here: where spots stand (`web/charts/quadrants`), the page it stands on (`paper`), which
quadrant is whose (`moments`). Lengths are in millimetres; places are shares of the plot, from its
left and from its top.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fpdf import FPDF

from linkservice.reports.graph import Frame, Point, Write
from linkservice.sheets.lettering import Style

HEIGHT = 96.0
TOP, BOTTOM = 5.0, 5.0
"""Above and below the plot, for what the directions mean."""

PIXEL = 25.4 / 96
"""What the distance of a number from its spot is told in."""

RADIUS = 10 * PIXEL
DOT = 1.0

_SMALL = Style(7, grey=96)
_CORNER = Style(8, bold=True)
_ON_WHITE, _ON_BLACK = Style(7, bold=True), Style(7, bold=True, grey=255)
_DARK = 30


@dataclass(frozen=True, slots=True)
class PaperSpot:
    """A spot with its number `beside` it, so many px to the right and below, (0, 0) on it; None
    where there is no room for one. `across` and `upright` are the ends of its intervals.
    """

    number: int
    place: Point
    beside: tuple[int, int] | None
    across: tuple[float, float]
    upright: tuple[float, float]
    certain: bool


@dataclass(frozen=True, slots=True)
class Quadrants:
    """The spots; `corners` are the quadrants' names from the top left, line by line."""

    heading: str
    spots: Sequence[PaperSpot]
    corners: Sequence[str]
    upwards: str
    rightwards: str

    def texts(self) -> Iterator[str]:
        """Every text in it, for the fonts."""
        yield from (self.heading, self.upwards, self.rightwards, *self.corners, "0123456789")


def draw(chart: Quadrants, pen: FPDF, write: Write, frame: Frame) -> None:
    """Draw the quadrants into the plot, and the words about them."""
    _ground(chart, pen, write, frame)
    # Nothing lies on a number: first all intervals, then spots, then numbers.
    for spot in chart.spots:
        if spot.certain:
            _intervals(spot, pen, frame)
    for spot in chart.spots:
        _spot(spot, pen, frame)
    for spot in chart.spots:
        _number(spot, pen, write, frame)


def _at(frame: Frame, place: Point) -> Point:
    return frame.left + place[0] * frame.width, frame.top + place[1] * frame.height


def _ground(chart: Quadrants, pen: FPDF, write: Write, frame: Frame) -> None:
    pen.set_fill_color(240)
    pen.rect(frame.left, frame.top, frame.width / 2, frame.height / 2, style="F")
    pen.set_draw_color(190)
    pen.set_line_width(0.2)
    pen.rect(frame.left, frame.top, frame.width, frame.height)
    pen.set_draw_color(110)
    for start, end in (((0.5, 0.0), (0.5, 1.0)), ((0.0, 0.5), (1.0, 0.5))):
        pen.line(*_at(frame, start), *_at(frame, end))
    write(chart.upwards, _SMALL, frame.left, frame.top - TOP, frame.width, "L")
    write(chart.rightwards, _SMALL, frame.left, frame.top + frame.height + 1, frame.width, "R")
    half = frame.width / 2 - 4
    for number, name in enumerate(chart.corners):
        right, below = number % 2, number // 2
        left = frame.left + 2 + right * (half + 4)
        top = frame.top + 2 if not below else frame.top + frame.height - _CORNER.line_mm - 2
        write(name, _CORNER, left, top, half, "R" if right else "L")


def _intervals(spot: PaperSpot, pen: FPDF, frame: Frame) -> None:
    x, y = _at(frame, spot.place)
    (left, _), (right, _) = (_at(frame, (end, 0.0)) for end in spot.across)
    (_, bottom), (_, top) = (_at(frame, (0.0, end)) for end in spot.upright)
    pen.set_draw_color(150)
    pen.set_line_width(0.2)
    pen.line(left, y, right, y)
    pen.line(x, bottom, x, top)


def _spot(spot: PaperSpot, pen: FPDF, frame: Frame) -> None:
    """The spot itself where its number stands elsewhere, with a line to it."""
    if spot.beside == (0, 0):
        return
    x, y = _at(frame, spot.place)
    pen.set_draw_color(_DARK)
    pen.set_line_width(0.2)
    if spot.beside is not None:
        pen.line(x, y, x + spot.beside[0] * PIXEL, y + spot.beside[1] * PIXEL)
    pen.set_fill_color(_DARK if spot.certain else 255)
    pen.circle(x, y, DOT, style="DF")


def _number(spot: PaperSpot, pen: FPDF, write: Write, frame: Frame) -> None:
    if spot.beside is None:
        return
    x, y = _at(frame, spot.place)
    x, y = x + spot.beside[0] * PIXEL, y + spot.beside[1] * PIXEL
    pen.set_draw_color(_DARK)
    pen.set_line_width(0.3)
    pen.set_fill_color(_DARK if spot.certain else 255)
    pen.circle(x, y, RADIUS, style="DF")
    style = _ON_BLACK if spot.certain else _ON_WHITE
    write(str(spot.number), style, x - RADIUS, y - style.line_mm / 2, 2 * RADIUS, "C")
