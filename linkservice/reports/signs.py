"""Signs before words on paper: drawn, since no font of a document has them.

Decided here: which signs there are, and how wide one is. Not here: what a sign stands for (the web
door). Lengths are in millimetres.
"""

from __future__ import annotations

from collections.abc import Sequence

from fpdf import FPDF

from linkservice.sheets.lettering import Style

UP, DOWN, ROUND = "▲", "▼", "●"

STAND_IN = "O"
"""A letter that takes a sign's place where a line is measured."""

INK = 30
_HALF = 0.27
"""Half a sign, as a share of the style's height."""


def parted(text: str) -> tuple[str, str]:
    """The sign that a text begins with, "" without one, and the rest."""
    return (text[0], text[1:]) if text[:1] in (UP, DOWN, ROUND) else ("", text)


def draw(pen: FPDF, sign: str, style: Style, left: float, top: float) -> None:
    """Draw a sign where a line of that style begins."""
    size = style.line_mm * _HALF
    at = left + size, top + style.line_mm / 2
    if sign == ROUND:
        pen.set_fill_color(INK)
        pen.circle(*at, size * 0.6, style="F")
    else:
        triangle(pen, at, size if sign == UP else -size)


def triangle(pen: FPDF, at: Sequence[float], size: float) -> None:
    """A filled one round `at`, as wide as twice its `size`; of a negative size it points down."""
    x, y = at
    half = abs(size)
    base = y + size * 0.75
    pen.set_fill_color(INK)
    pen.polygon([(x - half, base), (x + half, base), (x, y - size * 0.85)], style="F")
