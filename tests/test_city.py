"""Which city a record of a country file names, in every layout, and what is no city's name."""

from __future__ import annotations

from typing import Any

import pytest

from linkservice.clicks.city import LONGEST_NAME, city_in
from linkservice.web.value_words import city_name


def maxmind(city: Any, *regions: Any) -> dict[str, Any]:
    """As MaxMind and DB-IP nest it."""
    return {"city": {"names": city}, "subdivisions": list(regions)}


SAXONY = {"iso_code": "ST", "names": {"de": "Sachsen-Anhalt", "en": "Saxony-Anhalt"}}


@pytest.mark.parametrize(
    ("record", "country", "city"),
    [
        (maxmind({"en": "Halle", "de": "Halle"}, SAXONY), "DE", "DE/Sachsen-Anhalt/Halle"),
        (maxmind({"en": "Halle"}, {"iso_code": "NW"}), "DE", "DE/NW/Halle"),
        (maxmind({"en": "Munich", "de": "München", "ja": "x"}), "DE", "DE//München"),
        (maxmind({"en": "Milan", "de": "Mailand", "fr": "Milan"}), "IT", "IT//Milan"),
        (maxmind({"fr": "Paris", "es": "París"}), "FR", "FR//París"),
        (maxmind({"en": "Oslo"}, {"names": {"en": "A/B"}}, SAXONY), "NO", "NO/A B/Oslo"),
        (maxmind({"en": " Mu\u0308nster\n"}), "DE", "DE//Münster"),
        (maxmind({"en": "Either/Or"}), "CH", "CH//Either/Or"),
        ({"city": "Halle", "region": "Saxony-Anhalt", "region_code": "ST"}, "DE",
         "DE/Saxony-Anhalt/Halle"),
        ({"city": "Wien", "region_code": "9"}, "AT", "AT/9/Wien"),
        ({"city_name": "Graz"}, "AT", "AT//Graz"),
    ],
)  # fmt: skip
def test_a_city_is_told_with_where_it_lies(record: object, country: str, city: str) -> None:
    assert city_in(record, country) == city


@pytest.mark.parametrize(
    "name",
    [7, 1.5, True, None, b"Halle", ["Halle"], {}, "", " ", "x" * 10_000, "a\nb", "a\0b", "\u202eb"],
)
def test_what_is_no_name_is_no_city(name: object) -> None:
    assert city_in({"city": name}, "DE") == ""
    assert city_in(maxmind({"en": name, "de": name}, SAXONY), "DE") == ""
    assert city_in(maxmind(name, SAXONY), "DE") == ""
    known = maxmind({"en": "Halle"}, name, SAXONY)
    assert city_in(known, "DE") == "DE//Halle"
    named = maxmind({"en": "Halle"}, {"iso_code": name, "names": {"en": name}})
    assert city_in(named, "DE") == "DE//Halle"
    assert city_in({**known, "subdivisions": name}, "DE") == "DE//Halle"


@pytest.mark.parametrize("record", [None, 7, "Halle", [], {}, {"city": {}}, {"city": {"names": 3}}])
def test_a_record_without_a_city_has_none(record: object) -> None:
    assert city_in(record, "DE") == ""


def test_a_city_without_a_country_is_none() -> None:
    assert city_in(maxmind({"en": "Halle"}, SAXONY), "") == ""


def test_the_longest_names_fit_the_database() -> None:
    long = "ä" * LONGEST_NAME
    assert len(city_in({"city": long, "region": long}, "DE")) <= 253
    assert city_in({"city": "ä" * (LONGEST_NAME + 1)}, "DE") == ""


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("DE/Sachsen-Anhalt/Halle", "Halle (Sachsen-Anhalt, Germany)"),
        ("DE/Berlin/Berlin", "Berlin (Germany)"),
        ("AT//Wien", "Wien (Austria)"),
        ("CH//Either/Or", "Either/Or (Switzerland)"),
        ("unknown", "Unknown"),
        ("Halle", "Halle"),
        ("DE/Halle", "DE/Halle"),
    ],
)
def test_pages_name_a_city_first(value: str, told: str) -> None:
    assert city_name(value) == told
