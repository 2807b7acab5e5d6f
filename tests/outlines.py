"""Makes the outlines of the world map anew: `python tests/outlines.py countries-50m.json`.

The file is Natural Earth's 1:50m countries (public domain) as TopoJSON, such as the npm package
`world-atlas` has it; the result is `linkservice/web/charts/world.json`. Borders are simplified as
arcs that both neighbours share, so that no gap opens between them (Visvalingam & Whyatt 1993, *The
Cartographic Journal* 30), after the Equal Earth projection (Šavrič, Patterson & Jenny 2018, *IJGIS*
33), in which a country is as large on the map as on the globe.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from babel.core import get_global

Point = tuple[float, float]

WIDTH = 1440
LEAST_TRIANGLE = 2.5  # px²: what a border's bend must hold to be kept
LEAST_ISLAND = 6.0  # px²: smaller ones are left out, unless a country has nothing else
LEAST_COUNTRY = 24.0  # px²: a smaller one has a dot, or nobody would see its colour
NORTH, SOUTH = 84.0, -56.5  # without Antarctica

BY_NAME = {"Kosovo": "XK", "N. Cyprus": "CY", "Somaliland": "SO"}
"""Areas without a code of ISO 3166, by the code that data on networks give them."""

PARTS: dict[str, dict[str, tuple[float, float, float, float]]] = {
    "FR": {
        "GF": (-55.0, 2.0, -51.0, 6.5),
        "GP": (-62.0, 15.7, -60.8, 16.7),
        "MQ": (-61.5, 14.2, -60.5, 15.0),
        "RE": (55.0, -21.6, 56.0, -20.7),
        "YT": (44.8, -13.2, 45.5, -12.5),
    },
    "NO": {"SJ": (8.0, 74.0, 36.0, 82.0)},
}
"""What has a code of its own and is drawn as part of another: its west, south, east and north."""

ROOT3 = math.sqrt(3.0)


def project(longitude: float, latitude: float) -> Point:
    """Equal Earth, in radians of the globe."""
    theta = math.asin(ROOT3 / 2 * math.sin(math.radians(latitude)))
    square = theta**2
    sixth = square**3
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    slope = 9 * a4 * sixth * square + 7 * a3 * sixth + 3 * a2 * square + a1
    x = 2 * ROOT3 * math.radians(longitude) * math.cos(theta) / (3 * slope)
    return x, theta * (a1 + a2 * square + sixth * (a3 + a4 * square))


EDGE = project(180, 0)[0]
SCALE = WIDTH / (2 * EDGE)
TOP = project(0, NORTH)[1]
HEIGHT = round((TOP - project(0, SOUTH)[1]) * SCALE)


def place(longitude: float, latitude: float) -> Point:
    """On the map, in px from its top left corner."""
    x, y = project(longitude, latitude)
    return (x + EDGE) * SCALE, (TOP - y) * SCALE


def area(ring: Sequence[Point]) -> float:
    """Of a ring whose last point is its first."""
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring))) / 2


def simplified(line: Sequence[Point]) -> list[Point]:
    """The line without the bends that hold next to nothing; its ends stay."""
    before = list(range(-1, len(line) - 1))
    after = [*range(1, len(line)), -1]
    gone = [False] * len(line)

    def bend(number: int) -> float:
        return area([line[before[number]], line[number], line[after[number]], line[before[number]]])

    bends = [(bend(number), number) for number in range(1, len(line) - 1)]
    sizes = {number: size for size, number in bends}
    heapq.heapify(bends)
    while bends and bends[0][0] < LEAST_TRIANGLE:
        size, number = heapq.heappop(bends)
        if gone[number] or sizes[number] != size:
            continue
        gone[number] = True
        left, right = before[number], after[number]
        after[left], before[right] = right, left
        for each in (left, right):
            if 0 < each < len(line) - 1:
                sizes[each] = max(size, bend(each))
                heapq.heappush(bends, (sizes[each], each))
    return [point for point, left_out in zip(line, gone, strict=True) if not left_out]


def arcs_of(topology: dict[str, Any]) -> list[list[Point]]:
    """The arcs of a quantised topology, on the map."""
    (kx, ky), (dx, dy) = topology["transform"]["scale"], topology["transform"]["translate"]
    found = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            points.append(place(x * kx + dx, y * ky + dy))
        found.append(points)
    return found


def rings_of(geometry: dict[str, Any], arcs: Sequence[Sequence[Point]]) -> Iterator[list[Point]]:
    """The outer rings and holes of a country, joined of arcs; `~n` is arc n backwards."""
    polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    for polygon in polygons:
        for ring in polygon:
            points: list[Point] = []
            for number in ring:
                arc = arcs[number] if number >= 0 else arcs[~number][::-1]
                points += arc[1:] if points else arc
            yield points


def code_of(geometry: dict[str, Any]) -> str:
    """Its code of ISO 3166; "" where none is known."""
    numeric = get_global("territory_aliases").get(str(geometry.get("id", "")), [])
    name = geometry["properties"]["name"]
    return BY_NAME.get(name) or (numeric[0] if len(numeric) == 1 else "")


def part_of(code: str, ring: Sequence[Point]) -> str:
    """The code of the ring: its country's, or its own."""
    x, y = middle(ring)
    for own, (west, south, east, north) in PARTS.get(code, {}).items():
        corners = [
            place(longitude, latitude) for longitude in (west, east) for latitude in (south, north)
        ]
        xs, ys = zip(*corners, strict=True)
        if min(xs) <= x <= max(xs) and min(ys) <= y <= max(ys):
            return own
    return code


def middle(ring: Sequence[Point]) -> tuple[int, int]:
    """Where its dot stands."""
    xs, ys = zip(*ring, strict=True)
    return round(sum(xs) / len(xs)), round(sum(ys) / len(ys))


def drawn(ring: Sequence[Point]) -> str:
    """The ring as a path of whole px, each step from the point before; "" where nothing is left."""
    points = [(round(x), round(y)) for x, y in ring]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(points) if a != b]
    if len(steps) < 3:
        return ""
    told = "".join(f"{'' if x < 0 else ' '}{x}{'' if y < 0 else ' '}{y}" for x, y in steps[:-1])
    return f"M{points[0][0]} {points[0][1]}l{told.strip()}z"


def outlines(topology: dict[str, Any]) -> dict[str, Any]:
    """What the file holds."""
    exact = arcs_of(topology)
    rough = [simplified(arc) for arc in exact]
    paths: dict[str, str] = {}
    rings: dict[str, list[list[Point]]] = {}
    for geometry in topology["objects"]["countries"]["geometries"]:
        code = code_of(geometry)
        if code == "AQ":
            continue
        for original, ring in zip(
            rings_of(geometry, exact), rings_of(geometry, rough), strict=True
        ):
            own = part_of(code, original)
            rings.setdefault(own, []).append(original)
            if area(original) >= LEAST_ISLAND:
                paths[own] = paths.get(own, "") + drawn(ring)
    dots = {
        code: middle(max(known, key=area))
        for code, known in rings.items()
        if code and sum(map(area, known)) < LEAST_COUNTRY
    }
    return {
        "origin": "Natural Earth 1:50m countries, public domain (naturalearthdata.com), by way of "
        "world-atlas 2.0.2; simplified, Equal Earth projection: tests/outlines.py",
        "width": WIDTH,
        "height": HEIGHT,
        "paths": {code: path for code, path in sorted(paths.items()) if path},
        "dots": dict(sorted(dots.items())),
    }


if __name__ == "__main__":
    made = outlines(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    target = Path(__file__).parent.parent / "linkservice" / "web" / "charts" / "world.json"
    target.write_text(json.dumps(made, ensure_ascii=False, indent=0) + "\n", "utf-8")
    print(f"{target.stat().st_size:,} bytes, {len(made['paths'])} paths, {len(made['dots'])} dots")
