"""What the clicks of a report have in common: a country, a browser, that they were scans.

Decided here: which filters there are, which values they take, and how a value is written (as
reports tell it: "DE", "unknown", "direct"), so that each choice has one address. Not here: how
filtered clicks are counted (`filtered`), what values are called in a language (the web door).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias
from urllib.parse import urlencode

from linkservice.fields import Problems
from linkservice.reports.details import EMPTY_VALUE

Source: TypeAlias = Literal["click", "scan"]
SOURCES: tuple[Source, ...] = ("click", "scan")

FACETS = ("country", "city", "device", "browser", "system", "language", "referrer")
"""The facets of persons: robots are told by name, and are nobody's filter."""

UNKNOWN = "unknown"
DEVICES = ("mobile", "tablet", "desktop", "tv", "console", "other", UNKNOWN)
"""Those of `clicks/devices`, whose library no report needs."""

LONGEST = 253

_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Filters:
    """What every counted click must have. `source` "click" is a click that is no scan.

    `everything`: single clicks are read however many they are, and however long it takes.
    """

    source: str | None = None
    country: str | None = None
    city: str | None = None
    device: str | None = None
    browser: str | None = None
    system: str | None = None
    language: str | None = None
    referrer: str | None = None
    everything: bool = False

    def __bool__(self) -> bool:
        return bool(self.given)

    @property
    def given(self) -> dict[str, str]:
        """The filters that are set, in the order of `NAMES`."""
        return {name: value for name in NAMES if (value := getattr(self, name)) is not None}

    @property
    def facets(self) -> dict[str, str]:
        """Those of them that are facets."""
        return {name: value for name, value in self.given.items() if name != "source"}

    @property
    def asked(self) -> str:
        """The filters as a query, to be kept."""
        return urlencode(self.given)

    @property
    def query(self) -> dict[str, str | None]:
        """What addresses carry: every filter by its name, None where it is not set."""
        wide = "all" if self.everything and self else None
        return {**{name: getattr(self, name) for name in NAMES}, "single_clicks": wide}


NAMES = tuple(field.name for field in fields(Filters) if field.name != "everything")
"""Every filter, by the name it has in addresses and in the API."""

NO_FILTERS = Filters()


def choose_filters(wanted: Mapping[str, str | None], *, everything: bool = False) -> Filters:
    """The filters that are asked for; other fields of `wanted` are none of ours.

    Raises `Invalid` for a source or device there is none of, a country that is no code, and a
    text that is empty or too long. A value nobody ever had is no mistake: nothing has it.
    """
    problems = Problems()
    chosen: dict[str, Any] = {
        name: _clean(problems, name, value)
        for name in NAMES
        if (value := wanted.get(name)) is not None
    }
    problems.raise_if_any()
    return Filters(**chosen, everything=everything)


def _clean(problems: Problems, name: str, value: str) -> str:
    if name == "source":
        return problems.one_of(name, value.strip().lower(), SOURCES)
    if name == "device":
        return problems.one_of(name, value.strip().lower(), DEVICES)
    if name != "country":
        return problems.text(name, value, longest=LONGEST)
    clean = value.strip()
    if clean.lower() == UNKNOWN:
        return UNKNOWN
    if not _COUNTRY.fullmatch(clean.upper()):
        problems.add(name, "bad_country", text=clean[:40])
    return clean.upper()


def stored(facet: str, value: str) -> tuple[str, ...]:
    """The values in the database that reports tell as `value`: what a click did not tell is
    empty there.
    """
    return ("", value) if value == EMPTY_VALUE.get(facet, UNKNOWN) else (value,)
