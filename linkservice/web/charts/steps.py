"""The points of a trend: days, and for long periods the weeks or months that sum them up.

Not here: how they are drawn (`lines`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from linkservice.web.i18n import gettext, write_day, write_span

MOST_POINTS = 200
"""More points than these are summed up: at 360 px they would be less than two pixels apart."""


@dataclass(frozen=True, slots=True)
class Step:
    """The days `first` to `last` (places in the sequence) that make one point.

    `label` says when in words. A step is `whole` when all its days are in the sequence and
    `over`; a `future` one has not begun.
    """

    first: int
    last: int
    label: str
    whole: bool
    over: bool
    future: bool

    @property
    def middle(self) -> float:
        return (self.first + self.last) / 2

    def total(self, values: Sequence[int]) -> int:
        """The sum of a line's values over these days."""
        return sum(values[self.first : self.last + 1])


def steps_of(days: Sequence[date], today: date) -> tuple[str, list[Step]]:
    """Consecutive `days` as points, and what each stands for, in words ("per week")."""
    rhythms: list[tuple[str, Callable[[date], date]]] = [
        (gettext("per day"), lambda day: day),
        (gettext("per week"), lambda day: day - timedelta(days=day.weekday())),
        (gettext("per month"), lambda day: day.replace(day=1)),
    ]
    for unit, start in rhythms[:-1]:
        groups = _groups(days, start)
        if len(groups) <= MOST_POINTS:
            return unit, [_step(days, group, start, today) for group in groups]
    unit, start = rhythms[-1]
    return unit, [_step(days, group, start, today) for group in _groups(days, start)]


def dotted_words(steps: Sequence[Step]) -> str:
    """Why stretches of a curve are dotted; "" where none is."""
    part = [step for step in steps if not (step.whole or step.future)]
    running = [step for step in part if not step.over]
    if not part:
        return ""
    if not running:
        return gettext("Dotted: only partly in these days")
    if len(running) == len(part):
        return gettext("Dotted: not over yet")
    return gettext("Dotted: not over yet, or only partly in these days")


def unit_words(unit: str, steps: Sequence[Step]) -> str:
    """What stands over a plot: what a point is of, and what is dotted."""
    return " · ".join(filter(None, (unit[:1].upper() + unit[1:], dotted_words(steps))))


def _groups(days: Sequence[date], start: Callable[[date], date]) -> list[list[int]]:
    """The places of the days that have the same `start`."""
    return [list(group) for _, group in groupby(range(len(days)), lambda place: start(days[place]))]


def _step(
    days: Sequence[date], group: list[int], start: Callable[[date], date], today: date
) -> Step:
    first, last = days[group[0]], days[group[-1]]
    ends = last == date.max or start(last + timedelta(days=1)) != start(last)
    return Step(
        first=group[0],
        last=group[-1],
        label=_label(first, last),
        whole=start(first) == first and ends and last < today,
        over=last < today,
        future=first > today,
    )


def _label(first: date, last: date) -> str:
    if first == last:
        return write_day(first, "MMMEd")
    return write_span(first, last)
