"""Is a touchpoint below or above what is usual for it? All touchpoints judged together.

Decided here: which days teach what is usual, which days are judged, and when a difference is
called a change. What is expected of a day is worked out in `expected`; where the counts come
from, and what public holidays are, is not known here.

Judged are the last full day, and the last three together: a drop of half shows in the sum of
three days at some 25 visitors a day, where a single day needs three times as many. Either can
prove a change, and the chance that both had is paid for (weighted Bonferroni: Genovese, Roeder &
Wasserman 2006, *Biometrika* 93). Over all touchpoints the false discovery rate is held (Benjamini
& Hochberg 1995, *JRSS B* 57), at `LEVEL`. Besides, a change must be one that matters: `LEAST_GAP`
visitors and `LEAST_SHARE` of what was usual.

Measured (tests/test_change_simulations.py has them at 1,000 reports of 20 touchpoints): a weekday
pattern with noise raises an alarm in 2–5 % of reports, also with strong daily noise. A loss of half
is found in 79 % at 20 visitors a day, 94 % at 25, 98 % at 30, if the days are Poisson. (At 20, who
knew that 60 are usual would find 91 %.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from linkservice.clicks.grouping import Ints
from linkservice.reports.dispersion import Floats
from linkservice.reports.expected import Days, Forecast, usual
from linkservice.reports.remembered import Remembered

Change: TypeAlias = Literal["below", "above", "as_usual", "too_early", "no_link", "left_out"]
WindowName: TypeAlias = Literal["yesterday", "three_days"]

HISTORY = 84
"""Days before the judged ones: twelve of each weekday."""

WINDOW = 3
LEAST_HISTORY = 21
"""Usual days a touchpoint must have had: fewer than three of a weekday make none usual."""

LEVEL = 0.04
"""Of false discoveries: kept below the 5 % that are promised, as the estimates are not exact."""

LEAST_GAP = 5.0  # visitors
LEAST_SHARE = 0.1
OF_YESTERDAY = 0.1
"""The share of the chance of error that the single day may use; the three days have the rest."""

_WINDOWS: dict[WindowName, tuple[NDArray[np.bool_], float]] = {
    "yesterday": (np.array([False, False, True]), OF_YESTERDAY),
    "three_days": (np.array([True, True, True]), 1.0 - OF_YESTERDAY),
}


@dataclass(frozen=True, slots=True)
class Series:
    """Visitors of a touchpoint on each of `HISTORY` + `WINDOW` days, the last one yesterday.

    `age` is how many days yesterday lies after the touchpoint's first click, None where there
    never was one; `linked` says whether any of its links leads anywhere.
    """

    counts: Sequence[int] | Ints
    age: int | None
    linked: bool


@dataclass(frozen=True, slots=True)
class Window:
    """What came on the judged days that are no holidays, and the 95 % interval of what is usual.

    `chance` is the two-sided probability of so few or so many, of this window by itself.
    """

    name: WindowName
    days: int
    visitors: int
    expected: float
    low: int
    high: int
    chance: float


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of a touchpoint. `told` is the window that speaks most clearly.

    `adjusted` is the false discovery rate at which it would just be a change (≤ 1).
    `days_needed` more usual days are missing where it is too early.
    """

    change: Change
    adjusted: float | None = None
    windows: Sequence[Window] = ()
    told: WindowName | None = None
    days_needed: int | None = None


def judge_changes(
    series: Sequence[Series], weekdays: Sequence[int], left_out: Sequence[bool]
) -> list[Judged]:
    """Judge all touchpoints of a workspace, in their order.

    `weekdays` (0–6) and `left_out` (holidays, which are no usual days) are of the same days as
    the counts. The same days are looked at all day long, on several pages, and hardly change.
    """
    told = [(each.age, each.linked) for each in series], list(weekdays), list(left_out)
    content = repr(told).encode(), np.array([each.counts for each in series], np.int64)
    return list(_REMEMBERED.of(content, lambda: _judge_changes(series, weekdays, left_out)))


_REMEMBERED = Remembered[list[Judged]](3_000, len)
"""Touchpoints: 15 reports of 200, which take 2 MB."""


def _judge_changes(
    series: Sequence[Series], weekdays: Sequence[int], left_out: Sequence[bool]
) -> list[Judged]:
    ordinary = ~np.asarray(left_out, np.bool_)
    said = [_unjudged(each, ordinary) for each in series]
    rows = [row for row, judged in enumerate(said) if judged is None]
    found = dict(zip(rows, _judged([series[row] for row in rows], weekdays, ordinary), strict=True))
    return [judged or found[row] for row, judged in enumerate(said)]


def _unjudged(series: Series, ordinary: NDArray[np.bool_]) -> Judged | None:
    """Why a touchpoint is not judged; None if it is."""
    if not series.linked:
        return Judged("no_link")
    known = 0 if series.age is None else int(_taught(series.age, ordinary).sum())
    if known < LEAST_HISTORY:
        return Judged("too_early", days_needed=LEAST_HISTORY - known)
    if not ordinary[-WINDOW:].any():
        return Judged("left_out")
    return None


def _taught(age: int, ordinary: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The days that teach what is usual: ordinary ones of its life, before those judged."""
    days = ordinary.copy()
    days[-WINDOW:] = False
    days[: max(0, len(days) - 1 - age)] = False
    return days


def _judged(
    series: Sequence[Series], weekdays: Sequence[int], ordinary: NDArray[np.bool_]
) -> list[Judged]:
    if not series:
        return []
    length = HISTORY + WINDOW
    counts = np.array([each.counts for each in series], float)
    ages = np.array([[each.age or 0] for each in series], float) + np.arange(1.0 - length, 1.0)
    taught = np.array([_taught(each.age or 0, ordinary) for each in series])
    model = usual(Days(counts, taught, ages, np.array(weekdays, np.int64), WINDOW))
    told: list[list[Window]] = [[] for _ in series]
    weighed = np.ones((len(_WINDOWS), len(series)))
    for place, (name, (days, share)) in enumerate(_WINDOWS.items()):
        counted = days & ordinary[-WINDOW:]
        if not counted.any():
            continue
        seen = counts[:, -WINDOW:][:, counted].sum(axis=1)
        forecast = model.sum_of(counted)
        chances = forecast.tails(seen)
        weighed[place] = np.minimum(1.0, chances / share)
        for windows, window in zip(
            told, _windows(name, int(counted.sum()), seen, forecast, chances), strict=True
        ):
            windows.append(window)
    adjusted = false_discovery_rates(weighed.min(axis=0))
    return [
        _said(windows, dict(zip(_WINDOWS, weighed[:, row], strict=True)), float(adjusted[row]))
        for row, windows in enumerate(told)
    ]


def _windows(
    name: WindowName, days: int, seen: Floats, forecast: Forecast, chances: Floats
) -> list[Window]:
    """The window of each touchpoint."""
    columns = (seen, forecast.mean, *forecast.interval(), chances)
    return [
        Window(name, days, int(visitors), float(mean), int(low), int(high), float(chance))
        for visitors, mean, low, high, chance in zip(*columns, strict=True)
    ]


def _said(windows: list[Window], weighed: dict[WindowName, float], adjusted: float) -> Judged:
    told = min(windows, key=lambda window: weighed[window.name])
    gap = told.visitors - told.expected
    if adjusted > LEVEL or abs(gap) < max(LEAST_GAP, LEAST_SHARE * told.expected):
        # Nothing to be told of one day in particular.
        return Judged("as_usual", adjusted, windows, windows[-1].name)
    return Judged("below" if gap < 0 else "above", adjusted, windows, told.name)


def false_discovery_rates(chances: Floats) -> Floats:
    """The p-values, each as the smallest level at which Benjamini & Hochberg's step-up procedure
    calls it a discovery.
    """
    count = len(chances)
    order = np.argsort(chances, kind="stable")[::-1]
    scaled = chances[order] * count / np.arange(count, 0, -1)
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled))
    return adjusted
