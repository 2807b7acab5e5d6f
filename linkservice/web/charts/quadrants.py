"""Four quadrants: how a touchpoint does against how much it matters, on lines that both cross.

Both dividing lines stand in the middle, so that the quadrants are of one size; the scale to the
right doubles, since half as good is as far from equal as twice as good. Intervals are drawn of what
is certain; those of the others cross a line, which is why they are not. Spots carry numbers, which
the list under the chart explains: names would lie on each other. Where spots are crowded they are
dots, each with a line to its number. What is certain is filled, what leans is hollow, so that it
reads without colours. Not here: which quadrant is whose (`reports`), where numbers stand (`apart`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from linkservice.reports.quadrant_paper import PaperSpot, Quadrants
from linkservice.web.charts import svg
from linkservice.web.charts.apart import RADIUS, Offset, offsets
from linkservice.web.charts.svg import Chart, Table, element

ROOM = 1.4
"""How far beyond the furthest spot the plot goes."""

LEAST_TIMES, MOST_TIMES = 1.0, 3.0
"""Doublings to either side: from half and twice up to an eighth and eight times."""

Place = Callable[[float], float]
"""From a value to per cent of the plot."""

LEAST_APART = 0.1
"""Of correlations: closer ones are not torn apart to fill the plot."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A touchpoint by its number; `does` and its ends are times the peers' mean (≥ 0), `matters`
    and its ends correlations; `said` is what is known of it, as a sentence.
    """

    number: int
    said: str
    does: float
    does_low: float
    does_high: float
    matters: float
    matters_low: float
    matters_high: float
    certain: bool


@dataclass(frozen=True, slots=True)
class Names:
    """The words of the chart: quadrants from the top left, line by line, then where ways lead."""

    quadrants: tuple[str, str, str, str]
    upwards: str
    rightwards: str


def quadrants(
    chart_id: str,
    title: str,
    spots: Sequence[Spot],
    lines: tuple[float, float],
    names: Names,
    table: Table,
) -> Chart:
    """The spots about the `lines`: up to how many times its peers a touchpoint does badly, and from
    which correlation on it matters.
    """
    across, up = _scales(spots, lines)
    crossed = [
        element("line", x1="50%", x2="50%", y1=0, y2="100%", class_="chart-baseline"),
        element("line", x1=0, x2="100%", y1="50%", y2="50%", class_="chart-baseline"),
    ]
    places = [(across(spot.does), up(spot.matters)) for spot in spots]
    beside = offsets(places)
    picture = svg.drawing(
        chart_id,
        title,
        " ".join(spot.said for spot in spots),
        element("rect", width="50%", height="50%", class_="chart-first"),
        *crossed,
        # Nothing lies on a name or a number: first all intervals, then names, dots and numbers.
        *(_whiskers(spot, across, up) for spot in spots if spot.certain),
        *_corners(names.quadrants),
        *map(_dot, spots, places, beside),
        *map(_number, spots, places, beside),
        class_="chart-drawing",
    )
    top = element("div", element("p", names.upwards, class_="chart-unit"), class_="chart-top")
    plot = element("div", picture, class_="chart-plot")
    below = element("p", names.rightwards, class_="chart-unit")
    return Chart(element("div", top, plot, below, class_="chart chart-quadrants"), table)


def quadrants_on_paper(
    heading: str, spots: Sequence[Spot], lines: tuple[float, float], names: Names
) -> Quadrants:
    """The same for paper."""
    across, up = _scales(spots, lines)
    places = [(across(spot.does), up(spot.matters)) for spot in spots]
    return Quadrants(
        heading,
        [
            PaperSpot(
                number=spot.number,
                place=(x / 100, y / 100),
                beside=beside,
                across=(across(spot.does_low) / 100, across(spot.does_high) / 100),
                upright=(up(spot.matters_low) / 100, up(spot.matters_high) / 100),
                certain=spot.certain,
            )
            for spot, (x, y), beside in zip(spots, places, offsets(places), strict=True)
        ],
        names.quadrants,
        names.upwards,
        names.rightwards,
    )


def _scales(spots: Sequence[Spot], lines: tuple[float, float]) -> tuple[Place, Place]:
    """Where what a touchpoint does, and what it matters, stand: from the left and from the top."""
    badly, dividing = lines
    apart = max([LEAST_APART, *(abs(spot.matters - dividing) * ROOM for spot in spots)])
    times = max([LEAST_TIMES, *(abs(_doublings(spot.does / badly)) * ROOM for spot in spots)])
    times = min(times, MOST_TIMES)

    def across(does: float) -> float:
        return _within(50.0 + 50.0 * _doublings(does / badly) / times)

    def up(matters: float) -> float:
        return _within(50.0 - 50.0 * (matters - dividing) / apart)

    return across, up


def _whiskers(spot: Spot, across: Place, up: Place) -> Markup:
    x, y = svg.percent(across(spot.does)), svg.percent(up(spot.matters))
    left, right = (svg.percent(across(end)) for end in (spot.does_low, spot.does_high))
    bottom, top = (svg.percent(up(end)) for end in (spot.matters_low, spot.matters_high))
    return element(
        "g",
        element("line", x1=left, x2=right, y1=y, y2=y, class_="chart-cap"),
        element("line", x1=x, x2=x, y1=bottom, y2=top, class_="chart-cap"),
    )


def _dot(spot: Spot, place: tuple[float, float], beside: Offset | None) -> Markup:
    """The spot itself where its number stands elsewhere, with a line to it."""
    if beside == (0, 0):
        return Markup()
    lines = [] if beside is None else [element("line", x2=beside[0], y2=beside[1])]
    dot = svg.placed(*place, *lines, element("circle", r=4))
    return element("g", dot, class_=_look(spot))


def _number(spot: Spot, place: tuple[float, float], beside: Offset | None) -> Markup:
    if beside is None:
        return Markup()
    x, y = beside
    number = svg.placed(
        *place,
        element("circle", cx=x, cy=y, r=RADIUS),
        element("text", str(spot.number), x=x, y=y, text_anchor="middle", dy="0.35em"),
    )
    return element("g", number, class_=_look(spot))


def _look(spot: Spot) -> str:
    return "chart-certain" if spot.certain else "chart-leaning"


def _corners(names: Sequence[str]) -> list[Markup]:
    places = [("0%", "start", 8), ("100%", "end", -8)] * 2
    return [
        element(
            "text",
            name,
            x=x,
            dx=dx,
            y="0%" if number < 2 else "100%",
            dy=20 if number < 2 else -10,
            text_anchor=anchor,
            class_="chart-corner",
        )
        for number, (name, (x, anchor, dx)) in enumerate(zip(names, places, strict=True))
    ]


def _doublings(times: float) -> float:
    return math.log2(times) if times > 2**-MOST_TIMES else -MOST_TIMES


def _within(place: float) -> float:
    return min(max(place, 0.0), 100.0)
