"""The hand that writes a paper: lines of words where the flow stands, with signs, and hairlines.

Not here: where that is (`flow`), what is written (`paper`, `paper_table`), how letters are drawn
(`sheets/lettering`). All lengths are in millimetres.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from fpdf import FPDF

from linkservice.reports import signs
from linkservice.reports.flow import Flow
from linkservice.sheets.lettering import Lettering, Style, readable, unbroken

MUTED = 96
TITLE, HEADING = Style(16, bold=True), Style(11, bold=True)
TEXT, STRONG, SMALL = Style(8), Style(8, bold=True), Style(7, grey=MUTED)

CERTAIN = re.compile(r"(95.?%:) ")
"""How certain an interval is stands beside it."""

MOST_LINES = 40
"""Of one text: nothing that a report says is cut, and yet a row fits a page."""


class Pen:
    """Writes on a document, `at` some place that moves down with each line."""

    def __init__(self, document: FPDF, lettering: Lettering, at: Flow) -> None:
        self.document, self.at = document, at
        self._lettering = lettering

    def set(
        self,
        text: str,
        style: Style,
        left: float,
        top: float,
        width: float,
        align: Literal["L", "C", "R"],
    ) -> None:
        """Write a line wherever that is; a sign at its beginning is drawn."""
        sign, text = signs.parted(text)
        if sign:
            signs.draw(self.document, sign, style, left, top)
            beside = self._lettering.width_mm(signs.STAND_IN, style)
            left, width = left + beside, width - beside
        self._lettering.write(
            readable(text), style, x_mm=left, y_mm=top, width_mm=width, align=align
        )

    def write(
        self, text: str, style: Style, left: float, width: float, *, right: bool = False
    ) -> None:
        """Write a line at the height it stands at, and stay there."""
        self.set(text, style, left, self.at.y, width, "R" if right else "L")

    def lines(self, lines: Sequence[str], style: Style, indent: float = 0.0) -> None:
        """Write lines one below the other."""
        for line in lines:
            self.write(line, style, self.at.left + indent, self.at.width - indent)
            self.at.y += style.line_mm

    def rule(self, width: float) -> None:
        """Draw a hairline."""
        self.document.set_draw_color(210)
        self.document.set_line_width(0.15)
        self.document.line(self.at.left, self.at.y, self.at.left + width, self.at.y)

    def broken(self, text: str, style: Style, width: float) -> list[str]:
        """The text in as many lines as it takes; a sign stands before the first one."""
        sign, rest = signs.parted(text)
        measured = CERTAIN.sub("\\1\u00a0", signs.STAND_IN + rest if sign else rest)
        lines = self._lettering.lines(readable(measured), style, width, MOST_LINES)
        return [sign + lines[0][1:], *lines[1:]] if sign else lines

    def width_of(self, text: str, style: Style) -> float:
        """How wide a text is in one line."""
        return self._lettering.width_mm(readable(text), style)

    def widest_word(self, text: str, style: Style) -> float:
        """How wide the widest of its words is."""
        words = unbroken(readable(" ".join(text.split("\n"))))
        return max((self._lettering.width_mm(word, style) for word in words), default=0.0)
