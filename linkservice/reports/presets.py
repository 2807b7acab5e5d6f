"""Periods that are called by a name, and roll: which days "last week" has today.

Decided here: which there are and that a week begins on Monday, as weeks are closed
(`clicks/weeks`). Not here: what they are called in words (`web/periods`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from linkservice.reports.period import USUAL_DAYS

USUAL = "28d"

_DAY = timedelta(days=1)


def days_of(preset: str, today: date) -> tuple[date, date]:
    """The first and the last day; those of the usual one where there is no such preset."""
    return PRESETS.get(preset, PRESETS[USUAL])(today)


def _days(number: int) -> Callable[[date], tuple[date, date]]:
    return lambda today: (today - (number - 1) * _DAY, today)


def _week(today: date) -> tuple[date, date]:
    return today - today.weekday() * _DAY, today


def _last_week(today: date) -> tuple[date, date]:
    monday, _ = _week(today)
    return monday - 7 * _DAY, monday - _DAY


def _month(today: date) -> tuple[date, date]:
    return today.replace(day=1), today


def _last_month(today: date) -> tuple[date, date]:
    last = today.replace(day=1) - _DAY
    return last.replace(day=1), last


def _year(today: date) -> tuple[date, date]:
    return today.replace(month=1, day=1), today


def _twelve_months(today: date) -> tuple[date, date]:
    # The day after today's date a year ago; 29 February has none, and 1 March follows it.
    leap = (today.month, today.day) == (2, 29)
    before = today.replace(year=today.year - 1, day=28 if leap else today.day)
    return before + _DAY, today


PRESETS: Mapping[str, Callable[[date], tuple[date, date]]] = {
    "7d": _days(7),
    USUAL: _days(USUAL_DAYS),
    "90d": _days(90),
    "week": _week,
    "last_week": _last_week,
    "month": _month,
    "last_month": _last_month,
    "year": _year,
    "12m": _twelve_months,
}
"""What the address of a page calls a period by."""
