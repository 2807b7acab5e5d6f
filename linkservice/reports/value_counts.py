"""What touchpoints had of clicks with one value, day by day: of closed days, and of others.

Not here: which days are closed (`value_days`), how single clicks are read (`filtered_ranking`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from linkservice.clicks.grouping import Ints
from linkservice.clicks.model import CLASSES, COUNTER_OF_CLASS
from linkservice.clicks.packed_values import CELL, unpacked
from linkservice.reports.filters import Filters
from linkservice.reports.period import Period
from linkservice.reports.remembered import Remembered
from linkservice.reports.single_clicks import persons_of
from linkservice.reports.value_days import ClosedDays

ValueCounts: TypeAlias = dict[str, NDArray[np.int32]]
"""Each count of `FIGURES`, day by day of a period: a day has no more than 32 bits hold."""

_COUNT = CELL.index("count")
_OF_PERSONS = ("clicks", *CELL[_COUNT + 1 :])
_OF_OTHERS = tuple(COUNTER_OF_CLASS.values())
FIGURES = (*_OF_PERSONS, *_OF_OTHERS)
"""What is counted of a touchpoint's clicks; suspected ones are told apart besides."""

_REMEMBERED = Remembered[dict[int, ValueCounts]](
    10_000_000, lambda made: sum(each.nbytes for days in made.values() for each in days.values())
)
"""Bytes: a year of 200 touchpoints takes 4 million."""


def of_closed_days(
    session: Session, closed: ClosedDays, period: Period, filters: Filters, suspects: bool
) -> dict[int, ValueCounts]:
    """Of each touchpoint that had any on closed days of the period; nobody may change them."""
    packed = closed.packed(session, period, filters)
    days = [day for day, _ in packed]
    content = repr((period, suspects, days)).encode(), *(cells for _, cells in packed)
    return _REMEMBERED.of(content, lambda: by_touchpoint(period, *unpacked(packed), suspects))


def together(
    closed: Mapping[int, ValueCounts], others: Mapping[int, ValueCounts]
) -> dict[int, ValueCounts]:
    """Of each touchpoint, what it had of both."""
    found = {**closed}
    for number, days in others.items():
        mine = closed.get(number)
        found[number] = {name: each + mine[name] for name, each in days.items()} if mine else days
    return found


def by_touchpoint(
    period: Period, days: Ints, cells: Ints, suspects: bool
) -> dict[int, ValueCounts]:
    """What cells (`packed_values.CELL`), each of a day (`date.toordinal()`), say of touchpoints."""
    numbers, whose = np.unique(cells[:, 0], return_inverse=True)
    at = whose * len(period) + days - period.first.toordinal()
    kinds = cells[:, 1]

    def summed(which: NDArray[np.bool_], *columns: int) -> Iterator[NDArray[np.int32]]:
        chosen = np.flatnonzero(which)
        places = at[chosen]
        for column in columns:
            # Sums of floats, exact up to 2 ** 53.
            sums = np.bincount(places, cells[chosen, column], len(numbers) * len(period))
            yield sums.astype(np.int32)

    persons = np.isin(kinds, persons_of(suspects))
    of_persons = summed(persons, *range(_COUNT, _COUNT + len(_OF_PERSONS)))
    figures = dict(zip(_OF_PERSONS, of_persons, strict=True))
    [figures["suspected"]] = summed(kinds == CLASSES.index("suspected"), _COUNT)
    for name in _OF_OTHERS:
        of_it = [COUNTER_OF_CLASS.get(each, "scanners") == name for each in CLASSES]
        [figures[name]] = summed(~persons & np.array(of_it)[kinds], _COUNT)
    by_days = {name: each.reshape(-1, len(period)) for name, each in figures.items()}
    for each in by_days.values():
        each.flags.writeable = False  # they may be remembered
    return {
        number: {name: each[place] for name, each in by_days.items()}
        for place, number in enumerate(numbers.tolist())
    }
