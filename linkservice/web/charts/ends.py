"""The names at the ends of a trend's lines: broken to fit beside the plot, set apart until they can
be read, each behind a piece of its line and led to from the point that it is told at.

Not here: which point that is (`lines`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import TextWrapper

from markupsafe import Markup

from linkservice.web.charts import svg
from linkservice.web.charts.svg import element

END_LABEL_GAP = 7.5
"""Between the names at the ends of lines, in per cent of the plot's height, for each of their
lines."""

FURTHEST_LED = 15.0
"""Per cent of the width: a line that ends earlier, since days are to come, is not led to its name
across all of them.
"""

LONGEST_LINE, MOST_LINES = 18, 3
"""Characters beside the plot, and how many lines of them: what is longer is cut after a word, and
stands whole in the name's title, in the key of a narrow chart and in the table."""


@dataclass(frozen=True, slots=True)
class End:
    """Where a line's name is told, in per cent of the plot; `look` is the class of the line."""

    name: str
    look: str
    x: float
    y: float


def named(ends: Sequence[End]) -> list[Markup]:
    """The names, to the right of the plot, and what leads to them."""
    rows = [broken(end.name) for end in ends]
    apart = _apart([end.y for end in ends], [len(each) for each in rows])
    led = [
        element(
            "line",
            x1=svg.percent(end.x),
            y1=svg.percent(end.y),
            x2="100%",
            y2=svg.percent(beside),
            class_=f"chart-led {end.look}",
        )
        for end, beside in zip(ends, apart, strict=True)
        if 100.0 - end.x <= FURTHEST_LED and (end.x < 100.0 or abs(beside - end.y) >= 1.0)
    ]
    names = [
        svg.placed(100, y, *_name(end, each))
        for end, each, y in zip(ends, rows, apart, strict=True)
    ]
    return [*led, *names]


def _name(end: End, rows: Sequence[str]) -> list[Markup]:
    """A piece of the line, and behind it its name, its rows about the line's end."""
    piece = element("path", d="M8 0H18", class_=f"chart-line {end.look}")
    if len(rows) == 1:
        return [piece, element("text", rows[0], x=22, dy="0.35em", class_=end.look)]
    first = 0.35 - 1.1 * (len(rows) - 1) / 2
    spans = [
        element("tspan", row, x=22, dy=f"{1.1 if number else first:.2f}em")
        for number, row in enumerate(rows)
    ]
    return [piece, element("text", element("title", end.name), *spans, class_=end.look)]


def broken(name: str) -> list[str]:
    """A name in rows that fit beside the plot."""
    words = TextWrapper(LONGEST_LINE, max_lines=MOST_LINES, placeholder=" …")
    return words.wrap(name) or [name]


def _apart(heights: Sequence[float], rows: Sequence[int]) -> list[float]:
    """The same heights, moved so far apart that names of so many rows can be read beside them."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    moved = list(heights)
    for above, below in pairwise(order):
        gap = END_LABEL_GAP * (rows[above] + rows[below]) / 2
        moved[below] = max(moved[below], moved[above] + gap)
    edge = 100.0 + END_LABEL_GAP / 2
    for place in reversed(order):
        half = END_LABEL_GAP * rows[place] / 2
        moved[place] = min(moved[place], edge - half)
        edge = moved[place] - half
    return moved
