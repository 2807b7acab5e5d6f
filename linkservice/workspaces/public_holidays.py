"""Public holidays of the country, or the state of a country, that a workspace chose.

Decided here: which days are unlike their weekday. Besides public holidays these are, where
Christmas is one, the days from 24 to 31 December, and a single working day between a holiday and
a weekend, which many take off. Where a holiday is kept in most of a state only (the Assumption in
Bavaria), the day counts: that a usual day is not looked at does less harm than a false alarm. One
of a few places (Corpus Christi in Saxony and Thuringia) is a usual day of the state.

A region is a country, or one of its subdivisions, by its ISO 3166 code: `DE`, `DE-BY`. What is a
holiday where comes from the package `holidays`, which is read only for workspaces that chose one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Literal, TypeAlias

from linkservice.fields import Problems

LONGEST_REGION = 32
SATURDAY, SUNDAY = 5, 6

Reason: TypeAlias = Literal["public_holiday", "between_years", "bridge_day"]


@dataclass(frozen=True, slots=True)
class FreeDay:
    """A day unlike its weekday; a public holiday has a name."""

    date: date
    reason: Reason
    name: str | None = None


def checked_region(problems: Problems, field: str, value: str | None) -> str | None:
    """The region in its usual spelling; None where none is chosen. Notes what is none."""
    if not value:
        return None
    country, _, subdivision = value.strip().partition("-")
    country = country.upper()
    found = {each.casefold(): each for each in _subdivisions(country)}
    if country not in countries() or (subdivision and subdivision.casefold() not in found):
        problems.add(field, "bad_region", text=value[:LONGEST_REGION])
        return None
    return f"{country}-{found[subdivision.casefold()]}" if subdivision else country


@cache
def countries() -> frozenset[str]:
    """The codes of all countries whose holidays are known."""
    from holidays import list_supported_countries

    return frozenset(list_supported_countries(include_aliases=False))


def states(country: str) -> Sequence[tuple[str, str]]:
    """The regions within a country and what they are called there."""
    import holidays

    names: dict[str, str] = {}
    for name, code in getattr(holidays, country).subdivisions_aliases.items():
        # Besides names there are abbreviations.
        if len(name) > len(code):
            names.setdefault(code, name)
    return [(f"{country}-{code}", names.get(code, code)) for code in _subdivisions(country)]


def free_days(region: str | None, first: date, last: date, language: str = "en") -> list[FreeDay]:
    """The days from `first` to `last` that are unlike their weekday, in their order.

    Names are in `language` (en, de) as far as they are known in it. None without a region.
    """
    if region is None:
        return []
    named: dict[date, str] = {}
    for year in range(first.year - 1, last.year + 2):
        named |= _holidays(region, year, language)
    days = (first + timedelta(number) for number in range((last - first).days + 1))
    return [found for day in days if (found := _free(day, named)) is not None]


def _free(day: date, named: dict[date, str]) -> FreeDay | None:
    if day in named:
        return FreeDay(day, "public_holiday", named[day])
    if day.month == 12 and day.day >= 24 and date(day.year, 12, 25) in named:
        return FreeDay(day, "between_years")
    if day.weekday() not in (SATURDAY, SUNDAY) and all(
        near in named or near.weekday() in (SATURDAY, SUNDAY) for near in _beside(day)
    ):
        return FreeDay(day, "bridge_day")
    return None


def _beside(day: date) -> Iterator[date]:
    yield day - timedelta(1)
    yield day + timedelta(1)


def _subdivisions(country: str) -> Sequence[str]:
    import holidays

    return getattr(holidays, country).subdivisions if country in countries() else ()


_IN_MOST_PLACES = {"DE-BY": "catholic"}
"""Categories of holidays that are kept in most places of a region, though not in all."""


@cache
def _holidays(region: str, year: int, language: str) -> dict[date, str]:
    import holidays

    country, _, subdivision = region.partition("-")
    known = getattr(holidays, country)
    spoken = {"en": "en_US"}.get(language, language)
    # The package would else take the language of the machine's locale.
    spoken = spoken if spoken in known.supported_languages else known.default_language
    kept = {"public", _IN_MOST_PLACES.get(region, "public")}
    found = holidays.country_holidays(
        country,
        subdiv=subdivision or None,
        years=year,
        language=spoken,
        categories=[name for name in kept if name in known.supported_categories],
        expand=False,
    )
    return dict(found.items())
