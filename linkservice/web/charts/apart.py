"""Numbers beside dots that lie close together, so that no number covers another.

A dot's place is a share of the plot, which is as wide as the page; a number keeps its size and its
distance from its dot in px. So two numbers are apart at every size where they are apart, on the
same sides of each other, in the smallest plot and in the largest: between the two their distance
only grows or only shrinks. Decided here: where each number goes, the first ones first, as near to
its dot as there is room on its own side of both dividing lines. Not here: how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Offset: TypeAlias = tuple[int, int]
"""How far a number stands to the right of its dot and below it, in px."""

SMALLEST, LARGEST = (224, 336), (1400, 420)
"""The plot on a phone of 320 px, and on a wide screen."""

RADIUS = 10
"""Of the circle a number stands in."""

APART = 2 * RADIUS + 2
OF_A_DOT = RADIUS + 5
STRIP = 26
"""Above and below, where the quadrants' names stand."""

MOST = 40
"""Of more spots the last ones get no number: the list and the table have them."""

COVERING = 20.0
"""A number rather stands so many px further away than on another dot."""

CROSSING = 8.0
"""And so many px further away than with its line under another number."""

_AROUND = [math.tau * step / 16 for step in range(16)]
_OFFSETS = np.array(
    [(0, 0)]
    + [
        (round(away * math.cos(turn)), round(away * math.sin(turn)))
        for away in (*range(18, 60, 7), *range(60, 160, 14))
        for turn in _AROUND
    ],
    dtype=np.float64,
)
_AWAY = np.hypot(_OFFSETS[:, 0], _OFFSETS[:, 1])
_SIZES = np.array([SMALLEST, LARGEST], dtype=np.float64)


def offsets(places: Sequence[tuple[float, float]]) -> list[Offset | None]:
    """Where the number of each dot stands; None where there is no room for one.

    `places` are per cent of the plot, the dividing lines at 50.
    """
    dots = np.array(places, dtype=np.float64).reshape(-1, 2) / 100.0
    numbered = np.zeros((0, 4))  # the dot of each number that has a place, and its offset
    found: list[Offset | None] = []
    for place, dot in enumerate(dots[:MOST]):
        there, offset = numbered[:, :2] - dot, numbered[:, 2:]
        free = _inside(dot) & ~_near(there, offset, APART).any(axis=0)
        if not free.any():
            found.append(None)
            continue
        others = np.delete(dots, place, axis=0) - dot
        cost = (
            _AWAY
            + COVERING * _near(others, np.zeros_like(others), OF_A_DOT).sum(axis=0)
            + CROSSING * _crossed(there, offset)
        )
        best = _OFFSETS[int(np.where(free, cost, np.inf).argmin())]
        numbered = np.vstack([numbered, [*dot, *best]])
        found.append((int(best[0]), int(best[1])))
    return found + [None] * (len(dots) - len(found))


def _inside(dot: Floats) -> NDArray[np.bool_]:
    """Which offsets keep a number in the plot, off the names, on its dot's side of the lines."""
    inside = np.ones(len(_OFFSETS), dtype=bool)
    for axis, edge in enumerate((RADIUS, RADIUS + STRIP)):
        for size in _SIZES[:, axis]:
            place = dot[axis] * size + _OFFSETS[:, axis]
            low, high = (edge, size / 2) if dot[axis] < 0.5 else (size / 2, size - edge)
            # A dot at the very edge has its number there; it cannot be further in than its dot.
            inside &= (place >= min(low, dot[axis] * size)) & (place <= max(high, dot[axis] * size))
    return inside


def _near(there: Floats, offset: Floats, least: float) -> NDArray[np.bool_]:
    """Which of the things so far away (share of the plot, and px) come nearer than `least` px to a
    number at each of the offsets, in any plot: neither to one side nor above each other throughout.
    """
    # By thing, plot, axis and offset.
    stretched = there[:, None] * _SIZES + offset[:, None]
    between = stretched[..., None] - _OFFSETS.T
    apart = (between.min(axis=1) >= least) | (between.max(axis=1) <= -least)
    return np.asarray(~apart.any(axis=1))


def _crossed(there: Floats, offset: Floats) -> Floats:
    """Under how many numbers so far away the line to each of the offsets passes, in the smallest
    plot and in the largest.
    """
    centre = there[:, None] * _SIZES + offset[:, None]
    along = np.clip(centre @ _OFFSETS.T / np.maximum(_AWAY, 1.0) ** 2, 0.0, 1.0)
    away = along[:, :, None] * _OFFSETS.T - centre[..., None]
    near = (away**2).sum(axis=2) < RADIUS**2
    return np.asarray(near.sum(axis=(0, 1)), dtype=np.float64)
