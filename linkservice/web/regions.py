"""The countries and states whose public holidays a workspace can choose.

States are offered of the countries whose language we speak. A workspace may be set to any other
one through the API: `region_groups` offers that too.
"""

from __future__ import annotations

from functools import lru_cache
from unicodedata import normalize

from babel import Locale

from linkservice.web.i18n import gettext, spoken
from linkservice.web.places import Group
from linkservice.workspaces.model import LOCALES
from linkservice.workspaces.public_holidays import countries, states

OUR_COUNTRIES = ("DE", "AT", "CH")

NO_COUNTRIES = ("EU", "EZ", "UN", "XA", "XB", "ZZ")
"""Codes of two letters with a name, in which nobody clicks."""


_STATES = {
    "en": {
        "DE-BY": "Bavaria",
        "DE-HE": "Hesse",
        "DE-NI": "Lower Saxony",
        "DE-NW": "North Rhine-Westphalia",
        "DE-RP": "Rhineland-Palatinate",
        "DE-SN": "Saxony",
        "DE-ST": "Saxony-Anhalt",
        "DE-TH": "Thuringia",
        "AT-2": "Carinthia",
        "AT-3": "Lower Austria",
        "AT-4": "Upper Austria",
        "AT-6": "Styria",
        "AT-7": "Tyrol",
        "AT-9": "Vienna",
        "CH-FR": "Fribourg",
        "CH-GE": "Geneva",
        "CH-GR": "Grisons",
        "CH-LU": "Lucerne",
    },
    "de": {
        "CH-GE": "Genf",
        "CH-NE": "Neuenburg",
        "CH-TI": "Tessin",
        "CH-VD": "Waadt",
        "CH-VS": "Wallis",
        "CH-Stadt Zurich": "Stadt Zürich",
    },
}
"""States of our countries that are called otherwise in a language than there."""


def region_groups(current: str | None) -> list[Group]:
    """The states of our countries, then all countries, in alphabetical order of the language
    spoken now; `current` comes first where it is none of them.
    """
    names = Locale(spoken()).territories
    nationwide = gettext("Nationwide only")
    groups = [
        (names[country], [(country, nationwide), *sorted(_states(country), key=_by_name)])
        for country in OUR_COUNTRIES
    ]
    others = sorted(countries().difference(OUR_COUNTRIES))
    groups.append(
        (gettext("Other countries"), sorted(((c, names[c]) for c in others), key=_by_name))
    )
    if current is None or any(current == code for _, members in groups for code, _ in members):
        return groups
    return [(gettext("Set now"), [(current, current)]), *groups]


def country_choices() -> list[tuple[str, str]]:
    """Every country with its name, in alphabetical order of the language spoken now."""
    return list(_countries(spoken()))


def every_country_name() -> list[tuple[str, str]]:
    """Every country with its name, in each of our languages: who types one uses either."""
    return [pair for language in LOCALES for pair in _countries(language)]


@lru_cache(maxsize=4)
def _countries(language: str) -> tuple[tuple[str, str], ...]:
    names = Locale(language).territories
    codes = (str(code) for code in names)
    found = (code for code in codes if len(code) == 2 and code not in NO_COUNTRIES)
    return tuple(sorted(((code, names[code]) for code in found), key=_by_name))


def region_name(region: str) -> str:
    """What a region is called: "Deutschland, Bayern"."""
    country = region.partition("-")[0]
    name = Locale(spoken()).territories[country]
    state = dict(_states(country)).get(region)
    return f"{name}, {state}" if state else name


def _states(country: str) -> list[tuple[str, str]]:
    """The states of a country, as they are called in the language spoken now."""
    names = _STATES[spoken()]
    return [(code, names.get(code, name)) for code, name in states(country)]


def _by_name(pair: tuple[str, str]) -> str:
    return normalize("NFKD", pair[1]).casefold()
