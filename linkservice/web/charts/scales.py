"""Where values and days stand on an axis, and which of them are written there.

Ticks are 1, 2 or 5 times a power of ten; those of days are days, Mondays, months or years,
as many as fit. Nothing here knows of SVG or of a language.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

TickUnit: TypeAlias = Literal["day", "month", "year"]

_NOTHING = 1e-300
"""Below it, floats have no powers of ten left to divide an axis by."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From nought to `steps` × `step`."""

    step: float
    steps: int

    @property
    def top(self) -> float:
        return self.step * self.steps

    @property
    def ticks(self) -> list[float]:
        """The values to be written, from nought to the top."""
        return [self.step * number for number in range(self.steps + 1)]

    def percent(self, value: float) -> float:
        """How far along `value` stands, 0 to 100; what is beyond an end stands at it."""
        return min(max(value / self.top, 0.0), 1.0) * 100


def scale_to(highest: float, *, at_most: int = 5, whole: bool = False) -> Scale:
    """The closest scale that holds `highest` (≥ 0) in `at_most` steps.

    Steps of a `whole` scale are whole numbers, of any size. Nought alone gets one step.
    """
    if highest < _NOTHING:
        return Scale(1, 1)
    # Powers of ten with whole exponents stay exact: a float would not hold a huge count.
    exponent = math.floor(math.log10(highest)) - 1
    if whole:
        exponent = max(exponent, 0)
    unit = 10**exponent
    for factor in (1, 2, 5, 10, 20, 50, 100):
        step = unit * factor
        for steps in range(1, at_most + 1):
            if step * steps >= highest:
                return Scale(step, steps)
    raise AssertionError("100 of a unit hold every number of two digits")


@dataclass(frozen=True, slots=True)
class DayTick:
    """A day to be written: its place in the sequence, and how much of its date is said."""

    index: int
    day: date
    unit: TickUnit


def day_ticks(days: Sequence[date], at_most: int) -> list[DayTick]:
    """The finest regular choice among consecutive `days` that has no more than `at_most`."""
    for unit, fits in _RHYTHMS:
        ticks = [DayTick(index, day, unit) for index, day in enumerate(days) if fits(day)]
        if len(ticks) <= at_most:
            return ticks
    return []


def _monday(every: int) -> Callable[[date], bool]:
    # The first day of the calendar, ordinal 1, was a Monday.
    return lambda day: (day.toordinal() - 1) % (7 * every) == 0


def _month(every: int) -> Callable[[date], bool]:
    return lambda day: day.day == 1 and (day.month - 1) % every == 0


def _year(every: int) -> Callable[[date], bool]:
    return lambda day: (day.day, day.month) == (1, 1) and day.year % every == 0


_RHYTHMS: tuple[tuple[TickUnit, Callable[[date], bool]], ...] = (
    ("day", lambda day: True),
    ("day", lambda day: day.toordinal() % 2 == 0),
    ("day", _monday(1)),
    ("day", _monday(2)),
    ("month", _month(1)),
    ("month", _month(2)),
    ("month", _month(3)),
    ("month", _month(6)),
    ("year", _year(1)),
    ("year", _year(2)),
    ("year", _year(5)),
    ("year", _year(10)),
    ("year", _year(50)),
    ("year", _year(1000)),
)
