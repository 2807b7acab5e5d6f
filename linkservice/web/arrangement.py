"""What the ranking can be filtered and grouped by, in words: choices of a form, chips, facts.

Decided here: which choices are offered (what the report has), what they are called. Not here: what
they do (`reports/arranged`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from linkservice.journeys.model import Campaign, Persona, Stage
from linkservice.journeys.personas import every_persona
from linkservice.reports.arranged import GROUPINGS, VERDICTS, Selection
from linkservice.reports.filters import DEVICES, SOURCES
from linkservice.reports.known_cities import known_cities
from linkservice.reports.known_countries import clicked_countries
from linkservice.reports.results import TouchpointReport
from linkservice.web.counted import Fact
from linkservice.web.fieldwords import CHANNELS, KINDS, MEDIA
from linkservice.web.fieldwords import VERDICTS as VERDICT_WORDS
from linkservice.web.i18n import N_, gettext
from linkservice.web.page import Page
from linkservice.web.periods import Chosen, Here
from linkservice.web.places import campaigns
from linkservice.web.regions import country_choices
from linkservice.web.value_words import FACET_WORDS, VALUE_WORDS
from linkservice.workspaces.access import find_ever

FILTERS = {
    "stage_id": N_("Stage"),
    "channel": N_("Channel"),
    "kind": N_("Kind"),
    "medium": N_("Medium"),
    "campaign_id": N_("Campaign"),
    "persona_id": N_("Persona"),
    "verdict": N_("Verdict"),
}

GROUPS = {
    "stage": FILTERS["stage_id"],
    "channel": FILTERS["channel"],
    "kind": FILTERS["kind"],
    "medium": FILTERS["medium"],
    "campaign": FILTERS["campaign_id"],
    "persona": FILTERS["persona_id"],
}

Options = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of the page: its field, what it is called, what can be chosen, what is. `groups` are
    the options under headings, where there are many.
    """

    name: str
    label: str
    options: Options
    chosen: str
    groups: Sequence[tuple[str, Options]] = ()

    @property
    def alone(self) -> Options:
        """The options without a heading; what chooses none comes first."""
        every = ("", gettext("All"))
        return [every] if self.groups else [every, *self.options]

    @property
    def text(self) -> str:
        """What is chosen, in words."""
        return dict(self.options).get(self.chosen, self.chosen)


def filters(page: Page, report: TouchpointReport, selection: Selection) -> list[Filter]:
    """The filters that leave something to choose, and those that are in use."""
    found = []
    for name, label in FILTERS.items():
        chosen = getattr(selection, name) or ""
        options = _options(page, report, name)
        if chosen or len(options) > 1 or (options and name in ("campaign_id", "persona_id")):
            found.append(Filter(name, gettext(label), options, chosen))
    return found


def click_filters(page: Page, days: Chosen) -> list[Filter]:
    """Filters of clicks that can be chosen from a list, cities where some are known: the others,
    such as a browser, are reached from the values of a touchpoint's page. Countries with clicks on
    these days stand first.
    """
    chosen = days.filters
    values: dict[str, Options] = {
        "country": country_choices(),
        "city": _cities(page),
        "source": [(each, VALUE_WORDS["source"](each)) for each in SOURCES],
        "device": [(each, VALUE_WORDS["device"](each)) for each in DEVICES],
    }
    found = [
        Filter(name, gettext(FACET_WORDS[name]), _with(name, value, options), value)
        for name, options in values.items()
        if (value := getattr(chosen, name) or "") or options
    ]
    there = clicked_countries(page.session, page.actor, days.period, suspects=days.suspects)
    return [_with_first(each, there) if each.name == "country" else each for each in found]


def _with_first(countries: Filter, clicked: Collection[str]) -> Filter:
    """The countries with clicks, then the others; without headings where there are none."""
    first = [each for each in countries.options if each[0] in clicked]
    others = [each for each in countries.options if each[0] not in clicked]
    groups = [(gettext("With clicks"), first), (gettext("Other countries"), others)]
    return replace(countries, groups=groups) if first else countries


def _cities(page: Page) -> Options:
    """The cities that clicks came from lately, by name; none where none is known."""
    word = VALUE_WORDS["city"]
    named = [(city, word(city)) for city in known_cities(page.session, page.actor)]
    return sorted(named, key=lambda each: each[1].casefold())


def _with(name: str, value: str, options: Options) -> Options:
    """The options with what is chosen among them."""
    if not value or value in dict(options):
        return options
    return [(value, VALUE_WORDS[name](value)), *options]


def in_use(page: Page, selection: Selection) -> list[Filter]:
    """The filters that are in use, each with nothing else to choose: for whoever cannot change
    them. What is deleted since still has its name.
    """
    return [
        Filter(name, gettext(FILTERS[name]), [(value, _name(page, name, value))], value)
        for name, value in selection.query.items()
        if value
    ]


def _name(page: Page, name: str, value: str) -> str:
    if name in _MODELS:
        return find_ever(page.session, page.actor, _MODELS[name], value).name
    words = CHOICE_WORDS[name]
    return gettext(words[value]) if value in words else value


SORT_WORDS = {
    "name": N_("Touchpoint"),
    "clicks": N_("Clicks"),
    "scans": N_("Scans"),
    "visitors": N_("Visitors"),
    "conversions": N_("Conversions"),
    "value": N_("Value"),
    "reach": N_("Reach"),
    "rate": N_("Rate"),
    "lead": N_("Interval and peers"),
    "verdict": N_("Verdict"),
}
"""What rows can be sorted by: the heads of their columns."""


def told(
    found: Sequence[Filter], group: str | None, sort: str = "", upwards: bool = False
) -> list[str]:
    """What is in use, and what rows are grouped and sorted by, each in a few words."""
    grouped = [gettext("Groups: %(what)s", what=gettext(GROUPS[group]))] if group else []
    ordered = [order_words(sort, upwards)] if sort else []
    return [*(_told(each) for each in found if each.chosen), *grouped, *ordered]


def order_words(sort: str, upwards: bool) -> str:
    """By which column rows are sorted; `sort` is one of `SORT_WORDS`."""
    facts = {"column": gettext(SORT_WORDS[sort])}
    if not upwards:
        return gettext("Sorted by: %(column)s", **facts)
    return gettext("Sorted by: %(column)s, the other way round", **facts)


def chips(found: Sequence[Filter], here: Here) -> list[tuple[str, str]]:
    """What is in use, with the address that takes it away."""
    return [(_told(each), here(**{each.name: None})) for each in found if each.chosen]


def groupings() -> list[tuple[str, str]]:
    """What rows can be grouped by; "" is the ranking's own groups."""
    return [("", gettext("Verdict and unit")), *((by, gettext(GROUPS[by])) for by in GROUPINGS)]


def facts(found: Sequence[Filter], group: str | None) -> list[Fact]:
    """How what is shown came about, where it is not all or stands in groups."""
    told = []
    chosen = [_told(each) for each in found if each.chosen]
    if chosen:
        told.append(
            Fact(
                gettext("Touchpoints shown"),
                "; ".join(chosen)
                + ". "
                + gettext(
                    "Verdicts, peers and intervals are those of all touchpoints, shown or not: a "
                    "filter changes none."
                ),
            )
        )
    if group:
        told.append(
            Fact(
                gettext("Groups"),
                gettext(
                    "By %(what)s. Counts are sums; reach is one only where all have the same "
                    "unit, and the rate is that of the sums, where every touchpoint with clicks "
                    "has reach. A touchpoint of several campaigns or personas stands apart, so "
                    "that nothing counts twice.",
                    what=gettext(GROUPS[group]),
                ),
            )
        )
    return told


def _told(each: Filter) -> str:
    return gettext("%(filter)s: %(value)s", filter=each.label, value=each.text)


def _options(page: Page, report: TouchpointReport, name: str) -> Options:
    rows = [row for row in report.touchpoints if row.id is not None]
    if name == "stage_id":
        several = len({row.journey_id for row in rows}) > 1
        stages = {
            row.stage_id or "": f"{row.journey}: {row.stage}" if several else row.stage or ""
            for row in rows
        }
        return sorted(stages.items(), key=lambda each: each[1].casefold())
    if name == "campaign_id":
        return campaigns(page)
    if name == "persona_id":
        return [(str(each.id), each.name) for each in every_persona(page.session, page.actor)]
    words: Mapping[str, str] = CHOICE_WORDS[name]
    there = {getattr(row, name) for row in rows}
    known = [word for word in _ORDER[name] if word in there]
    own = sorted(there.difference(known), key=str.casefold)
    return [(word, gettext(words[word]) if word in words else word) for word in [*known, *own]]


CHOICE_WORDS: Mapping[str, Mapping[str, str]] = {
    "channel": CHANNELS,
    "kind": KINDS,
    "medium": MEDIA,
    "verdict": VERDICT_WORDS,
}
"""What the values are called of filters that are no rows of a table."""

_MODELS: Mapping[str, type[Stage] | type[Campaign] | type[Persona]] = {
    "stage_id": Stage,
    "campaign_id": Campaign,
    "persona_id": Persona,
}
_ORDER: Mapping[str, Sequence[str]] = {
    "channel": tuple(CHANNELS),
    "kind": tuple(KINDS),
    "medium": tuple(MEDIA),
    "verdict": VERDICTS,
}
