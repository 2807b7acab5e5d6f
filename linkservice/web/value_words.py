"""What the values of facets and filters are called: countries, cities, languages and devices by
name, names of others as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from linkservice.clicks.model import OTHERS
from linkservice.web.i18n import N_, gettext, spoken

_DEVICES = {
    "mobile": N_("Smartphone"),
    "tablet": N_("Tablet"),
    "desktop": N_("Computer"),
    "tv": N_("Television"),
    "console": N_("Game console"),
}
SOURCE_TITLE = N_("Scanned or clicked")

ATTRIBUTION_WORDS = {"last": N_("Last touch"), "first": N_("First touch")}
"""Whose a conversion is."""

FACET_WORDS = {
    "source": SOURCE_TITLE,
    "country": N_("Country"),
    "city": N_("City"),
    "referrer": N_("Referrer"),
    "device": N_("Device"),
    "language": N_("Language"),
    "browser": N_("Browser"),
    "system": N_("System"),
}
"""What a page can be filtered by."""


def value_name(value: str) -> str:
    """A browser, a host: names of others, as they are; but for what nobody told."""
    if value == "unknown":
        return gettext("Unknown")
    if value == "direct":
        return gettext("Direct, or not told")
    if value == OTHERS:
        return gettext("All others")
    return gettext("Other") if value.lower() == "other" else value


def device_name(value: str) -> str:
    """A kind of device."""
    return gettext(_DEVICES[value]) if value in _DEVICES else value_name(value)


def country_name(code: str) -> str:
    """A country by its code; a code without a country as it is."""
    return locale_spoken().territories.get(code) or value_name(code)


def city_name(city: str) -> str:
    """A city with where it lies, by its value ("DE/Sachsen-Anhalt/Halle"); the region is left out
    where it is called like the city.
    """
    country, _, rest = city.partition("/")
    region, _, name = rest.partition("/")
    if not name:
        return value_name(city)
    where = [country_name(country)] if region in ("", name) else [region, country_name(country)]
    return f"{name} ({', '.join(where)})"


def language_name(tag: str) -> str:
    """A language by its tag, which the browser may have made up."""
    return _language(tag, spoken()) or value_name(tag)


def source_name(source: str) -> str:
    """How a click came."""
    return gettext("Scanned") if source == "scan" else gettext("Clicked")


VALUE_WORDS: dict[str, Callable[[str], str]] = {
    "source": source_name,
    "country": country_name,
    "city": city_name,
    "device": device_name,
    "language": language_name,
}
"""What the values of a filter are called, where not as they are (`value_name`)."""


def locale_spoken() -> Locale:
    """The names of the language that is spoken now."""
    return _locale(spoken())


@lru_cache(maxsize=4)
def _locale(language: str) -> Locale:
    return Locale.parse(language)


@lru_cache(maxsize=512)
def _language(tag: str, into: str) -> str | None:
    try:
        return Locale.parse(tag, sep="-").get_display_name(into)
    except (ValueError, TypeError, UnknownLocaleError):
        return None
