"""An interval on paper: what is judged beside its peers, by form and not by colour alone.

Not here: the table it stands in (`paper`). Lengths are in millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fpdf import FPDF

from linkservice.reports.signs import INK, triangle

PLOT = 5.2
"""The height of an interval with its peers' mean."""

Mark = Literal["best", "worst", "other"]


@dataclass(frozen=True, slots=True)
class Plot:
    """An interval and its peers' mean, as shares of the scale that its table shares."""

    rate: float
    low: float
    high: float
    peers: float | None
    mark: Mark


def draw_plot(plot: Plot, pen: FPDF, left: float, middle: float, width: float) -> None:
    """The interval as a capped line, the rate as a mark whose form says the verdict."""
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
    if plot.mark == "other":
        pen.set_fill_color(INK)
        pen.circle(rate, middle, 0.8, style="F")
    else:
        triangle(pen, (rate, middle), 1.2 if plot.mark == "best" else -1.2)
