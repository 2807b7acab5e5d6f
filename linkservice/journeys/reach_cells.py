"""How the cells of a table of reach are read: names of columns, days, numbers and units, as
they are written in German and in English.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from linkservice.journeys.model import UNITS

_COLUMN_WORDS = {
    "touchpoint": ("touchpoint", "kontaktpunkt"),
    "date": ("date", "datum", "day", "tag", "from", "von", "ab", "start", "beginn"),
    "until": ("until", "bis", "to", "end", "ende"),
    "amount": ("amount", "menge", "anzahl", "number", "quantity", "reach", "reichweite"),
    "unit": ("unit", "einheit"),
}
_UNIT_WORDS = {
    "sent": ("versendet", "versandt", "verschickt", "gesendet"),
    "printed": ("gedruckt", "auflage"),
    "passers_by": ("passanten", "passersby"),
    "contacts": ("kontakte",),
    "views": ("aufrufe", "ansichten"),
}
_COLUMN_OF = {word: column for column, words in _COLUMN_WORDS.items() for word in words}
_UNIT_OF = {word: unit for unit, words in _UNIT_WORDS.items() for word in words} | {
    unit.replace("_", " "): unit for unit in UNITS
}
_ISO_DAY = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})")
_GERMAN_DAY = re.compile(r"(?P<day>[0-9]{1,2})\. ?(?P<month>[0-9]{1,2})\. ?(?P<year>[0-9]{4})")

_LONGEST_NUMBER = 40
_GROUPED_BY_SPACE = re.compile(r"(?<=[0-9])[\s'’](?=[0-9]{3}(?![0-9]))")
_GERMAN = re.compile(r"([1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,0+)?")
_ENGLISH = re.compile(r"([1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)(?:\.0+)?")

Style: TypeAlias = Literal["german", "english"]


@dataclass(frozen=True, slots=True)
class Amount:
    """A whole number as it was read; `style` says how it is written, None for both alike."""

    value: int
    style: Style | None


def column_named(text: str) -> str | None:
    """The column with that name."""
    return _COLUMN_OF.get(_word(text))


def read_unit(text: str) -> str | None:
    """The unit with that code or word."""
    return _UNIT_OF.get(_word(text))


def read_day(text: str) -> dt.date | None:
    """A day as 2026-03-01, 1.3.2026 or 01.03.2026; nothing else, since 3/1/2026 is two days."""
    found = _ISO_DAY.fullmatch(text) or _GERMAN_DAY.fullmatch(text)
    try:
        return found and dt.date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None


def read_amount(text: str) -> Amount | None:
    """A whole number, plain or with grouped thousands (1.200 or 1,200), or None.

    In each style one sign groups thousands and the other begins decimals, of which a whole
    number has only zeros. Where both styles can read it (1.000), three digits behind the
    sign are a group: nobody writes three decimals of a number of people. So a single number
    has one meaning; numbers of two styles in one column have none.
    """
    bare = _GROUPED_BY_SPACE.sub("", text)
    if len(bare) > _LONGEST_NUMBER:
        return None
    german, english = _GERMAN.fullmatch(bare), _ENGLISH.fullmatch(bare)
    as_german = int(german[1].replace(".", "")) if german else -1
    as_english = int(english[1].replace(",", "")) if english else -1
    if as_german == as_english:
        return Amount(as_german, None) if german else None
    if as_german > as_english:
        return Amount(as_german, "german")
    return Amount(as_english, "english")


def _word(text: str) -> str:
    """The text without what does not tell names apart."""
    return " ".join(text.casefold().replace("_", " ").replace("-", " ").rstrip(":").split())
