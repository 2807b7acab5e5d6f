"""The world, each country as dark as clicks came from it.

One hue in at most five steps that grow tenfold (one country often has most of all), so that it
reads in print and without telling colours apart; the steps' bounds stand below. A country too small
to be seen has a dot. The outlines are data (`world.json` says whose); on them a country is as
large as on the globe. Not here: where a click came from (`clicks/place`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup

from linkservice.web.charts import svg
from linkservice.web.charts.svg import Chart, Table, element
from linkservice.web.i18n import gettext, write_number, write_percent

STEPS = 5
DOT = 8
TOLD = 5
"""So many countries are named in the description; the table has all."""


@dataclass(frozen=True, slots=True)
class Outlines:
    """Paths and dots by code; the path of "" is land that no code is known of."""

    width: int
    height: int
    paths: Mapping[str, Markup]
    dots: Mapping[str, tuple[int, int]]


def world(
    chart_id: str, title: str, counts: Mapping[str, int], name: Callable[[str], str]
) -> Chart:
    """`counts` by the code of a country; what is no code of the map is counted as unplaced."""
    known = outlines()
    there = known.paths.keys() | known.dots.keys()
    placed = {code: count for code, count in counts.items() if code and count and code in there}
    starts = bounds(max(placed.values(), default=0))
    looks = {code: _step(count, starts) for code, count in placed.items()}
    land = "".join(path for code, path in known.paths.items() if code not in placed)
    shapes = [element("path", d=Markup(land), class_="chart-heat-0")]  # noqa: S704 - our own data
    for code, count in placed.items():
        said = element("title", f"{name(code)}: {write_number(count)}")
        look = f"chart-heat-{looks[code]}"
        if code in known.dots:
            x, y = known.dots[code]
            shapes.append(element("circle", said, cx=x, cy=y, r=DOT, class_=look))
        else:
            shapes.append(element("path", said, d=known.paths[code], class_=look))
    total = sum(counts.values())
    picture = svg.drawing(
        chart_id,
        title,
        _description(placed, total, name),
        *shapes,
        class_="chart-land",
        viewBox=f"0 0 {known.width} {known.height}",
    )
    legend = _legend(starts, total - sum(placed.values()))
    return Chart(
        element("div", picture, legend, class_="chart chart-world"),
        _table(title, counts, total, name),
    )


def bounds(highest: int) -> list[int]:
    """Where steps begin: at 1, then at powers of ten up to the highest; at most `STEPS`."""
    if highest < 1:
        return []
    decades = [10**power for power in range(len(str(highest)))]
    return [1, *decades[1:][-(STEPS - 1) :]]


@cache
def outlines() -> Outlines:
    """The map, as its file has it."""
    found = json.loads((Path(__file__).parent / "world.json").read_text("utf-8"))
    return Outlines(
        found["width"],
        found["height"],
        {code: Markup(path) for code, path in found["paths"].items()},  # noqa: S704 - our own data
        {code: (x, y) for code, (x, y) in found["dots"].items()},
    )


def _step(count: int, starts: Sequence[int]) -> int:
    """1 to `STEPS`; the highest is the darkest, however few steps there are."""
    passed = sum(count >= start for start in starts)
    return STEPS - len(starts) + passed


def _legend(starts: Sequence[int], unplaced: int) -> Markup:
    items = []
    for number, start in enumerate(starts):
        last = starts[number + 1] - 1 if number + 1 < len(starts) else None
        if last is None:
            told = gettext("%(number)s and more", number=write_number(start))
        elif last == start:
            told = write_number(start)
        else:
            told = f"{write_number(start)}–{write_number(last)}"
        look = f"chart-heat-{STEPS - len(starts) + number + 1}"
        square = element("rect", width=12, height=12, rx=2, class_=look)
        swatch = element("svg", square, width=12, height=12, aria_hidden="true")
        items.append(element("li", swatch, told))
    if unplaced:
        told = gettext("not on the map: %(number)s", number=write_number(unplaced))
        items.append(element("li", told))
    return element("ul", *items, class_="chart-steps")


def _description(placed: Mapping[str, int], total: int, name: Callable[[str], str]) -> str:
    first = sorted(placed, key=lambda code: -placed[code])[:TOLD]
    told = [f"{name(code)} {write_percent(placed[code] / total)}" for code in first]
    return ", ".join(told) + "." if told else gettext("No country is known.")


def _table(title: str, counts: Mapping[str, int], total: int, name: Callable[[str], str]) -> Table:
    rows = [
        (name(code), write_number(count), write_percent(count / total, 1))
        for code, count in sorted(counts.items(), key=lambda each: -each[1])
        if count
    ]
    return Table(title, (gettext("Country"), gettext("Clicks"), gettext("Share")), rows)
