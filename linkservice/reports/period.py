"""Which local days a report covers.

Not here: on which local day a click falls (`clicks.calendar`), what is counted on a day
(`queries`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from linkservice.clicks.calendar import epoch_ms, local_day
from linkservice.clicks.months import last_of
from linkservice.errors import Invalid, Problem

USUAL_DAYS = 28
"""Four whole weeks: every weekday counts as often as the others."""

MOST_DAYS = 3660

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The local days from `first` to `last`, both included."""

    first: date
    last: date
    time_zone: str

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def days(self) -> list[date]:
        """Every day of the period, in order."""
        return [self.first + timedelta(number) for number in range(len(self))]

    def number(self, day: date) -> int:
        """The place of `day` in `days()`; outside it for a day outside the period."""
        return (day - self.first).days


def choose_period(first: date | None, last: date | None, time_zone: str, now: datetime) -> Period:
    """The period a report was asked for; what is left out is chosen.

    Neither day: the `USUAL_DAYS` up to today. Only `first`: from it up to today (or itself,
    if it is still to come). Only `last`: the `USUAL_DAYS` up to it. Raises `Invalid` with
    the field "to" for days in the wrong order, "from" for more than `MOST_DAYS` days.
    """
    today = day_of(now, time_zone)
    if last is None:
        last = today if first is None else max(first, today)
    if first is None:
        first = date.fromordinal(max(1, last.toordinal() - USUAL_DAYS + 1))
    if last < first:
        raise Invalid(Problem("to", "period_order", {"first": first, "last": last}))
    period = Period(first, last, time_zone)
    if len(period) > MOST_DAYS:
        facts = {"days": len(period), "most": MOST_DAYS}
        raise Invalid(Problem("from", "period_too_long", facts))
    return period


def day_of(moment: datetime, time_zone: str) -> date:
    """The local day of an aware datetime."""
    return local_day(epoch_ms(moment), time_zone)[0]


def whole_months(period: Period) -> tuple[date, date]:
    """The first day of the first whole month of the period, and the day after its last one; of
    a period without any, twice its first day.
    """
    first, last = period.first, period.last
    if last.year == date.max.year:  # there is no day after its last one
        return first, first
    if first.day != 1:
        first = (first.replace(day=1) + 32 * _DAY).replace(day=1)
    end = (last + _DAY).replace(day=1)
    return (first, end) if first < end else (period.first, period.first)


def days_beside(months: Sequence[date], first: date, last: date) -> Iterator[tuple[date, date]]:
    """The stretches of days from `first` to `last` that are in none of the months, which are whole
    ones between these days, in order.
    """
    yield from beside([(month, last_of(month)) for month in months], first, last)


def beside(
    stretches: Sequence[tuple[date, date]], first: date, last: date
) -> Iterator[tuple[date, date]]:
    """The stretches of days from `first` to `last` that are in none of the given ones, which are
    between these days, in order.
    """
    for begin, end in stretches:
        if first < begin:
            yield first, begin - _DAY
        if end == last:
            return
        first = end + _DAY
    yield first, last
