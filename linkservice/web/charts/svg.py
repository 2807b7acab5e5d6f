"""The pen: escaped SVG elements, places in per cent, and the frame every chart shares.

Shapes stretch with the page while texts and dots keep their size: places are per cent of the
plot, and paths live in a nested box of `SIZE` × `SIZE` that is stretched to it. Colours and
strokes are the style sheet's (`static/css/60-charts.css`), since the page allows no inline
styles. Not here: what is drawn (the other modules), and the table and its button under a
chart (`parts/charts.html`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup, escape

SIZE = 1000
"""The side of the box that paths are drawn in."""

READOUT_RISE, READOUT_LINE = 12, 18
"""How far above the plot a readout stands, and the height of a line, in px (`.chart-top`)."""

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a chart, exact and as text; the first cell of each row is its head."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and the same figures as a table: `figure` of `parts/charts.html` shows both."""

    drawing: Markup
    table: Table


# What a page has hundreds of (`drawing`, `placed`, `line`, `mark`) is written out below: putting an
# element together takes as long as all the texts in it.


def element(tag: str, /, *children: str, **attributes: str | float) -> Markup:
    """An element; what is not `Markup` is escaped, and `class_` or `stroke_width` as they read."""
    # Joined as plain strings: Markup's own joining takes ten times as long. A page has thousands
    # of elements, whose attributes are nearly all alike: those are looked up.
    written = "".join(
        [
            _remembered_attribute(name, value)
            if value.__class__ is str and len(value) < _SHORT
            else _attribute(name, value)
            for name, value in attributes.items()
        ]
    )
    inside = "".join([text(child) for child in children]) if children else ""
    return Markup(f"<{tag}{written}>{inside}</{tag}>")  # noqa: S704 - every part was escaped


def _attribute(name: str, value: str | float) -> str:
    return f' {name.rstrip("_").replace("_", "-")}="{text(value)}"'


def text(value: str | float) -> str:
    """What stands for a value in an element or an attribute; what is `Markup` already stays."""
    if isinstance(value, Markup):
        return str.__str__(value)
    if isinstance(value, str):
        return _remembered(value) if len(value) < _SHORT else _escaped(value)
    return short(value)


_SHORT = 40
"""Characters of a text that is worth remembering: a page says the same words and places often."""


def _escaped(text: str) -> str:
    return str.__str__(escape(clean(text)))


_remembered = lru_cache(maxsize=4096)(_escaped)
_remembered_attribute = lru_cache(maxsize=4096)(_attribute)


def clean(text: str) -> str:
    """`text` without what neither XML nor UTF-8 can carry."""
    return _NOT_IN_XML.sub("\ufffd", text)


def short(value: float) -> str:
    """A place with two decimals, and none where it has none."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def percent(value: float) -> str:
    """A place along the plot: 12.5 becomes ``12.5%``."""
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"


def drawing(
    chart_id: str, title: str, description: str, *children: str, class_: str, **box: str
) -> Markup:
    """The `<svg>` of a chart, with its sentence and description for those who do not see it."""
    require_id(chart_id)
    attributes = "".join([_attribute(name, value) for name, value in box.items()])
    inside = "".join(map(text, children))
    return Markup(  # noqa: S704 - every part was escaped, and an id needs not be
        f'<svg role="img" class="{text(class_)}"'
        f' aria-labelledby="{chart_id}-title {chart_id}-desc"{attributes}>'
        f'<title id="{chart_id}-title">{text(title)}</title>'
        f'<desc id="{chart_id}-desc">{text(description)}</desc>{inside}</svg>'
    )


def require_id(chart_id: str) -> None:
    """Raises `ValueError` where `chart_id` could not be an id within a page."""
    if not _ID.fullmatch(chart_id):
        raise ValueError(f"not an id: {chart_id!r}")


def stretched(*children: str) -> Markup:
    """A box of `SIZE` × `SIZE` stretched to the plot, for paths."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {SIZE} {SIZE}",
        preserveAspectRatio="none",
        overflow="visible",
    )


def placed(x: float, y: float, *children: str) -> Markup:
    """Shapes of fixed size about the point `x`, `y` (per cent of the plot)."""
    inside = "".join(map(text, children))
    return Markup(  # noqa: S704 - every part was escaped
        f'<svg x="{percent(x)}" y="{percent(y)}" overflow="visible">{inside}</svg>'
    )


def line(x1: float, y1: float, x2: float, y2: float, look: str) -> Markup:
    """A line of the class `look` from one point to another (per cent of the plot)."""
    return Markup(  # noqa: S704 - every part was escaped
        f'<line x1="{percent(x1)}" x2="{percent(x2)}" y1="{percent(y1)}" y2="{percent(y2)}"'
        f' class="{text(look)}"></line>'
    )


def mark(
    x: float,
    y: float,
    width: float,
    height: float,
    head: str,
    figures: Sequence[str],
    *,
    shapes: Sequence[Markup] = (),
) -> Markup:
    """An area that answers the pointer or a finger: what is under it is written above the plot,
    the `figures` (at least one) after the `head`.

    It lies in an overlay without a title: browsers would show that as a second tooltip. The
    `shapes` are seen with the readout only.
    """
    further = ""
    if len(figures) > 1:
        below = text(" · ".join(figures[1:]))
        further = f'<tspan x="0" dy="{READOUT_LINE}" class="chart-value">{below}</tspan>'
    # All in one line would be too long for a phone.
    rise = READOUT_RISE + READOUT_LINE * (len(figures) > 1)
    return Markup(  # noqa: S704 - every part was escaped
        f'<g><rect x="{percent(x)}" y="{percent(y)}" width="{percent(width)}"'
        f' height="{percent(height)}"></rect>{"".join(map(text, shapes))}'
        f'<text y="-{rise}"><tspan>{text(head)}</tspan>'
        f'<tspan dx="8" class="chart-value">{text(figures[0])}</tspan>{further}</text></g>'
    )


def overlay(marks: Iterable[Markup]) -> Markup:
    """The layer of `mark`s over a plot. Nobody loses by not seeing it: the table has it all."""
    return element("svg", *marks, class_="chart-marks", aria_hidden="true")


def hatch(pattern_id: str) -> Markup:
    """Hatching, for what is not known well enough: used as ``fill="url(#pattern_id)"``."""
    line = element("path", d="M0 0V6", class_="chart-hatch")
    pattern = element(
        "pattern",
        line,
        id=pattern_id,
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    return element("defs", pattern)
