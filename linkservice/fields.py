"""The rules of plain fields: text, colour, time zone, e-mail. Collects what is wrong.

Not here: slugs, destinations and hosts (`links/`), which have rules of their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from datetime import date
from functools import cache
from zoneinfo import available_timezones

from linkservice.errors import Invalid, Problem

_EMAIL = re.compile(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,189}")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def iso_day(text: str) -> date | None:
    """The day that is written as 2026-11-22; None in any other form."""
    # `fromisoformat` knows more forms, which nobody would expect.
    if not _ISO_DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class Problems:
    """Gathers problems, so that a form shows all of them at once."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, field: str, code: str, **params: object) -> None:
        """Note one problem."""
        self._found.append(Problem(field, code, params))

    def take(self, error: Invalid) -> None:
        """Note the problems another rule raised."""
        self._found.extend(error.problems)

    def raise_if_any(self) -> None:
        """Raise `Invalid` with everything gathered."""
        if self._found:
            raise Invalid(*self._found)

    def text(self, field: str, value: str, *, longest: int, empty: bool = False) -> str:
        """NFC text on one line, without surrounding space; at most `longest` characters."""
        clean = unicodedata.normalize("NFC", value).strip()
        bad = next((c for c in clean if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")), None)
        if bad is not None:
            self.add(field, "bad_character", character=f"U+{ord(bad):04X}")
        elif not clean and not empty:
            self.add(field, "empty")
        elif len(clean) > longest:
            self.add(field, "too_long", longest=longest, length=len(clean))
        return clean

    def one_of(self, field: str, value: str, allowed: Collection[str]) -> str:
        """A word of an enumeration."""
        if value not in allowed:
            self.add(field, "not_one_of", allowed=", ".join(allowed))
        return value

    def number(self, field: str, value: float, *, low: float, high: float) -> None:
        """A number within bounds, both included."""
        if not low <= value <= high:
            self.add(field, "out_of_range", low=low, high=high)

    def colour(self, field: str, value: str) -> str:
        """A colour as `#rrggbb`, in lower case."""
        if not _COLOUR.fullmatch(value):
            self.add(field, "bad_colour")
        return value.lower()

    def time_zone(self, field: str, value: str) -> str:
        """The name of an IANA time zone."""
        if value not in _time_zones():
            self.add(field, "bad_time_zone")
        return value

    def email(self, field: str, value: str) -> str:
        """An e-mail address, in lower case; whether it exists only a letter can tell."""
        clean = self.text(field, value, longest=254).lower()
        if clean and not _EMAIL.fullmatch(clean):
            self.add(field, "bad_email")
        return clean


@cache
def _time_zones() -> frozenset[str]:
    """To find them, some 600 files are opened."""
    return frozenset(available_timezones())
