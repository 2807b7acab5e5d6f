"""Which city a country file's record names, as one text that tells it from all others.

Decided here: a city is written "country/region/city" ("DE/Sachsen-Anhalt/Halle"), so that Halle
on the Saale and Halle in Westphalia are two; places of one name in one region are told as one.
The region is its name (codes such as Vienna's "9" mean nothing to readers), else its ISO code,
else nothing. Names are German in countries that speak it (as on the signs there) and English
elsewhere, where the file has them; they do not depend on who reads the report, or a city would
have several values.

A city without a country is none: nobody could tell which one it is. What is no plain short text
(a number, ten thousand letters, line breaks) is no name.

Not here: reading the file (`clicks/place.py`), what a city is called on pages.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

LONGEST_NAME = 100
"""Letters of a city's or region's name: with both a value stays below the 253 it may have."""

_GERMAN = frozenset({"AT", "CH", "DE", "LI"})
_FLAT_CITIES = ("city", "city_name", "cityName")
_FLAT_REGIONS = ("region_name", "regionName", "region", "state1", "region_code", "regionCode")


def city_in(record: object, country: str) -> str:
    """The city in a file's record of any layout, within the country (its code) that the record
    names; "" where it holds none.
    """
    if not isinstance(record, dict) or not country:
        return ""
    named = record.get("city")
    if isinstance(named, dict):
        region = _first(_regions(record.get("subdivisions"), country))
        city = _named(named.get("names"), country)
    else:
        region = _first(_name(record.get(name)) for name in _FLAT_REGIONS)
        city = _first(_name(record.get(name)) for name in _FLAT_CITIES)
    return f"{country}/{region.replace('/', ' ')}/{city}" if city else ""


def _regions(subdivisions: object, country: str) -> Iterator[str]:
    """What the largest region is called, best first."""
    if isinstance(subdivisions, list) and subdivisions and isinstance(subdivisions[0], dict):
        yield _named(subdivisions[0].get("names"), country)
        yield _name(subdivisions[0].get("iso_code"))


def _named(names: object, country: str) -> str:
    if not isinstance(names, dict):
        return ""
    wanted = ("de", "en") if country in _GERMAN else ("en", "de")
    return _first(_name(names.get(language)) for language in (*wanted, *sorted(map(str, names))))


def _first(names: Iterable[str]) -> str:
    return next(filter(None, names), "")


def _name(value: object) -> str:
    """The value, if it is a name, in one way of writing it."""
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        return ""
    clean = unicodedata.normalize("NFC", value).strip()
    return clean if clean.isprintable() and len(clean) <= LONGEST_NAME else ""
