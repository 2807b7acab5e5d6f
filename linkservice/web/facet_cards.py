"""The cards of facets: from where, with what and how clicks came, as bars under a title.

Decided here: which cards there are, and how many values one shows at first. Not here: what values
are called (`value_words`), how bars are drawn (`charts`), how many they are (`reports`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Protocol

from markupsafe import Markup

from linkservice.reports.results import Value
from linkservice.web.charts import Part, bars
from linkservice.web.i18n import N_, gettext
from linkservice.web.value_words import (
    FACET_WORDS,
    SOURCE_TITLE,
    VALUE_WORDS,
    source_name,
    value_name,
)

MOST_VALUES = 7
"""Of a facet at first sight; the others are one keystroke away."""

_CARDS = {
    "country": ("countries", N_("Countries")),
    "city": ("cities", N_("Cities")),
    "referrer": ("referrers", N_("Referrers")),
    "device": ("devices", N_("Devices")),
    "language": ("languages", N_("Languages")),
    "browser": ("browsers", N_("Browsers")),
    "system": ("systems", N_("Systems")),
}
"""The cards of facets in their order: the report's field, and the card's title."""

_CITIES = list(_CARDS).index("city")


class Faceted(Protocol):
    """A report that tells who clicked from where."""

    @property
    def countries(self) -> Sequence[Value]: ...
    @property
    def cities(self) -> Sequence[Value]: ...
    @property
    def devices(self) -> Sequence[Value]: ...
    @property
    def browsers(self) -> Sequence[Value]: ...
    @property
    def systems(self) -> Sequence[Value]: ...
    @property
    def languages(self) -> Sequence[Value]: ...
    @property
    def referrers(self) -> Sequence[Value]: ...


@dataclass(frozen=True, slots=True)
class FacetCard:
    """A facet: its first values as bars, and the others where there are more."""

    title: str
    bars: Markup
    others: Markup | None
    count: int
    note: str = ""

    @property
    def rest(self) -> int:
        """How many values the card does not show at first."""
        return max(0, self.count - MOST_VALUES)


def facet_cards(
    found: Faceted, *, approximate: bool, here: Callable[..., str] | None = None
) -> list[FacetCard]:
    """Where clicks came from and with what; nothing where there were none. With `here` (which
    makes addresses of the page) every value leads to the page filtered by it.

    `approximate` countries are those of registries, and the card says so; cities always are.
    """
    cards = [
        facet_card(
            gettext(title),
            gettext(FACET_WORDS[facet]),
            getattr(found, name),
            VALUE_WORDS.get(facet, value_name),
            partial(_filtered, here, facet) if here else None,
        )
        for facet, (name, title) in _CARDS.items()
    ]
    if approximate:
        cards[0] = replace(cards[0], note=_registries())
    note = gettext("Approximate: often a larger city nearby, for a mobile network another one.")
    cards[_CITIES] = replace(cards[_CITIES], note=note)
    return [card for card in cards if card.count]


def origin_cards(
    countries: Sequence[Value],
    devices: Sequence[Value],
    *,
    approximate: bool,
    here: Callable[..., str] | None = None,
) -> list[FacetCard]:
    """As `facet_cards`, of countries and devices alone."""
    cards = []
    for facet, values in (("country", countries), ("device", devices)):
        card = facet_card(
            gettext(_CARDS[facet][1]),
            gettext(FACET_WORDS[facet]),
            values,
            VALUE_WORDS[facet],
            partial(_filtered, here, facet) if here else None,
        )
        if approximate and facet == "country":
            card = replace(card, note=_registries())
        cards.append(card)
    return [card for card in cards if card.count]


def _registries() -> str:
    return gettext("Approximate: the country a network is registered in.")


def source_card(clicks: int, scans: int, here: Callable[..., str] | None) -> FacetCard:
    """How many clicks were scans; with `here` each kind leads to the page filtered by it, also one
    there is none of: so one gets from scans to clicks, and sees that none was scanned.
    """
    values = [Value("scan", scans), Value("click", clicks - scans)]
    return facet_card(
        gettext(SOURCE_TITLE),
        gettext("Kind"),
        values,
        source_name,
        partial(_filtered, here, "source") if here else None,
    )


def _filtered(here: Callable[..., str], name: str, value: str) -> str:
    return here(**{name: value})


def facet_card(
    title: str,
    head: str,
    values: Sequence[Value],
    name: Callable[[str], str],
    href: Callable[[str], str] | None = None,
) -> FacetCard:
    """The card of one facet; values that are called alike are one, and lead nowhere."""
    named = sorted((name(value.value), value.value, value.clicks) for value in values)
    parts = []
    for called, group in groupby(named, key=lambda each: each[0]):
        alike = list(group)
        place = href(alike[0][1]) if href and len(alike) == 1 else ""
        parts.append(Part(called, sum(clicks for *_, clicks in alike), place))
    parts.sort(key=lambda part: -part.count)
    total = sum(part.count for part in parts)
    heads = (head, gettext("Clicks"))
    shown = parts[:MOST_VALUES]
    others = bars(title, heads, parts[MOST_VALUES:], total) if len(parts) > MOST_VALUES else None
    return FacetCard(title, bars(title, heads, shown, total), others, len(parts))


def robots_card(values: Sequence[Value]) -> FacetCard:
    """What came that is no person, by the names it gives itself."""
    return facet_card(gettext("Robots and previews"), gettext("Name"), values, value_name)
