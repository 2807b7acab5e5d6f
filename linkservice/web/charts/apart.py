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
Bools: TypeAlias = NDArray[np.bool_]
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
_SIZES = np.array([SMALLEST, LARGEST], dtype=np.float64)[:, None]


class _Numbers:
    """The numbers that have a place: their dots, and their offsets from them."""

    def __init__(self) -> None:
        self._dots = np.zeros((MOST, 2))
        self._offsets = np.zeros((MOST, 2))
        self._many = 0

    def add(self, dot: Floats, offset: Offset) -> None:
        self._dots[self._many] = dot
        self._offsets[self._many] = offset
        self._many += 1

    def seen_from(self, dot: Floats) -> Floats:
        """How far from `dot` they are, in px: by plot, number and axis."""
        there = self._dots[: self._many] - dot
        return np.asarray(there * _SIZES + self._offsets[: self._many])


def offsets(places: Sequence[tuple[float, float]]) -> list[Offset | None]:
    """Where the number of each dot stands; None where there is no room for one.

    `places` are per cent of the plot, the dividing lines at 50.
    """
    dots = np.array(places, dtype=np.float64).reshape(-1, 2) / 100.0
    inside = _inside(dots[:MOST])
    numbers = _Numbers()
    found: list[Offset | None] = []
    for place, dot in enumerate(dots[:MOST]):
        others = (dots - dot) * _SIZES
        others[:, place] = math.inf  # not itself
        best = _best(inside[place], others, numbers.seen_from(dot))
        if best is not None:
            numbers.add(dot, best)
        found.append(best)
    return found + [None] * (len(dots) - len(found))


def _best(inside: Bools, others: Floats, numbers: Floats) -> Offset | None:
    """The offset of a dot's number, `inside` the plot, with other dots and numbers so far away
    from it (in px, by plot, thing and axis).
    """
    # What costs most is looked at last, and for as few offsets as are left by then.
    left = inside.nonzero()[0]
    left = left[~_near(_OFFSETS[left], numbers, APART).any(axis=0)]
    if not len(left):
        return None
    tried = _OFFSETS[left]
    cost = _AWAY[left] + CROSSING * _crossed(tried, numbers)
    cost += COVERING * _near(tried, others, OF_A_DOT).sum(axis=0)
    right, below = tried[cost.argmin()]
    return int(right), int(below)


def _inside(dots: Floats) -> Bools:
    """Which offsets keep each dot's number in the plot, off the names, on the dot's side of the
    lines.
    """
    inside = np.ones((len(dots), len(_OFFSETS)), dtype=bool)
    for axis, edge in enumerate((RADIUS, RADIUS + STRIP)):
        for size in _SIZES[:, 0, axis]:
            dot = dots[:, axis, None] * size
            place = dot + _OFFSETS[:, axis]
            before = dots[:, axis, None] < 0.5
            # A dot at the very edge has its number there; it cannot be further in than its dot.
            inside &= place >= np.minimum(np.where(before, edge, size / 2), dot)
            inside &= place <= np.maximum(np.where(before, size / 2, size - edge), dot)
    return inside


def _near(tried: Floats, things: Floats, least: float) -> Bools:
    """Which of the things so far away come nearer than `least` px to a number at each of the
    offsets, in any plot: neither to one side nor above each other throughout.
    """
    low, high = np.minimum(*things), np.maximum(*things)
    close = ((low < tried.max(axis=0) + least) & (high > tried.min(axis=0) - least)).all(axis=1)
    # By axis, thing and offset.
    low, high = (ends[close].T[..., None] - tried.T[:, None] for ends in (low, high))
    overlap = (low < least) & (high > -least)
    return np.asarray(overlap[0] & overlap[1])


def _crossed(tried: Floats, numbers: Floats) -> NDArray[np.intp]:
    """Under how many numbers so far away the line to each of the offsets passes, in the smallest
    plot and in the largest.
    """
    centre = numbers.reshape(-1, 2)
    along = np.clip(centre @ tried.T / np.maximum((tried**2).sum(axis=1), 1.0), 0.0, 1.0)
    across, down = along * tried.T[:, None] - centre.T[..., None]
    return np.asarray((across**2 + down**2 < RADIUS**2).sum(axis=0))
