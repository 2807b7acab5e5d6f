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
_TOGETHER = 49
"""Offsets tried at once, the nearest first: three turns about the dot, after which most have a
place that none further away can be better than.
"""
_SIZES = np.array([SMALLEST, LARGEST], dtype=np.float64)
_FURTHEST = float(_AWAY.max()) + OF_A_DOT
"""Whatever is so many px away in the smallest plot is away from all offsets in every plot."""


def offsets(places: Sequence[tuple[float, float]]) -> list[Offset | None]:
    """Where the number of each dot stands; None where there is no room for one.

    `places` are per cent of the plot, the dividing lines at 50.
    """
    dots = np.array(places, dtype=np.float64).reshape(-1, 2) / 100.0
    numbered = np.zeros((0, 4))  # the dot of each number that has a place, and its offset
    found: list[Offset | None] = []
    for place, dot in enumerate(dots[:MOST]):
        others = np.delete(dots, place, axis=0) - dot
        others = others[(np.abs(others * SMALLEST) < _FURTHEST).all(axis=1)]
        best = _best(dot, others, numbered[:, :2] - dot, numbered[:, 2:])
        if best is not None:
            numbered = np.vstack([numbered, [*dot, *best]])
        found.append(best)
    return found + [None] * (len(dots) - len(found))


def _best(dot: Floats, others: Floats, there: Floats, offset: Floats) -> Offset | None:
    """The offset of the number of `dot`, with other dots so far away, and numbers that stand about
    dots `there` at their `offset`.
    """
    least, best = math.inf, None
    for first in range(0, len(_OFFSETS), _TOGETHER):
        tried, away = _OFFSETS[first : first + _TOGETHER], _AWAY[first : first + _TOGETHER]
        if least <= away.min():  # nothing costs less than its distance
            break
        free = _inside(dot, tried) & ~_near(tried, there, offset, APART).any(axis=0)
        cost = (
            away
            + COVERING * _near(tried, others, np.zeros_like(others), OF_A_DOT).sum(axis=0)
            + CROSSING * _crossed(tried, there, offset)
        )
        costs = np.where(free, cost, math.inf)
        if costs.min() < least:
            least, chosen = float(costs.min()), tried[costs.argmin()]
            best = int(chosen[0]), int(chosen[1])
    return best


def _inside(dot: Floats, tried: Floats) -> NDArray[np.bool_]:
    """Which offsets keep a number in the plot, off the names, on its dot's side of the lines."""
    inside = np.ones(len(tried), dtype=bool)
    for axis, edge in enumerate((RADIUS, RADIUS + STRIP)):
        for size in _SIZES[:, axis]:
            place = dot[axis] * size + tried[:, axis]
            low, high = (edge, size / 2) if dot[axis] < 0.5 else (size / 2, size - edge)
            # A dot at the very edge has its number there; it cannot be further in than its dot.
            inside &= (place >= min(low, dot[axis] * size)) & (place <= max(high, dot[axis] * size))
    return inside


def _near(tried: Floats, there: Floats, offset: Floats, least: float) -> NDArray[np.bool_]:
    """Which of the things so far away (share of the plot, and px) come nearer than `least` px to a
    number at each of the offsets, in any plot: neither to one side nor above each other throughout.
    """
    # By thing, plot, axis and offset.
    stretched = there[:, None] * _SIZES + offset[:, None]
    between = stretched[..., None] - tried.T
    apart = (between.min(axis=1) >= least) | (between.max(axis=1) <= -least)
    return np.asarray(~apart.any(axis=1))


def _crossed(tried: Floats, there: Floats, offset: Floats) -> Floats:
    """Under how many numbers so far away the line to each of the offsets passes, in the smallest
    plot and in the largest.
    """
    centre = there[:, None] * _SIZES + offset[:, None]
    along = np.clip(centre @ tried.T / np.maximum((tried**2).sum(axis=1), 1.0), 0.0, 1.0)
    away = along[:, :, None] * tried.T - centre[..., None]
    near = (away**2).sum(axis=2) < RADIUS**2
    return np.asarray(near.sum(axis=(0, 1)), dtype=np.float64)
