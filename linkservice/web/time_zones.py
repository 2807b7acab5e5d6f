"""The time zones a workspace can choose from: one per place and country, none of them obsolete.

The names are those of the tz database's `zone.tab`, which leaves out links to other zones
(`Europe/Belfast`) and retired spellings (`Asia/Calcutta`). A workspace may be set to any other
zone through the API: `time_zone_groups` offers that too.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from unicodedata import normalize
from zoneinfo import available_timezones

from babel.dates import get_timezone_location

from linkservice.web.i18n import N_, gettext, spoken
from linkservice.web.places import Group

CONTINENTS = {
    "Europe": N_("Europe"),
    "Africa": N_("Africa"),
    "America": N_("America"),
    "Antarctica": N_("Antarctica"),
    "Arctic": N_("Arctic"),
    "Asia": N_("Asia"),
    "Atlantic": N_("Atlantic"),
    "Australia": N_("Australia"),
    "Indian": N_("Indian Ocean"),
    "Pacific": N_("Pacific"),
}
UTC = "UTC"


def time_zone_groups(current: str) -> list[Group]:
    """Zones by continent: ("Europe", [("Europe/Berlin", "Berlin")…]), cities in alphabetical
    order of the language spoken now; `current` comes first where it is none of them.
    """
    groups = [(gettext(CONTINENTS[name]), zones) for name, zones in _by_continent(spoken())]
    groups.append((UTC, [(UTC, UTC)]))
    if any(current == zone for _, zones in groups for zone, _ in zones):
        return groups
    return [(gettext("Set now"), [(current, current)]), *groups]


@cache
def _by_continent(locale: str) -> list[Group]:
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    lines = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    # The system's tz database may be older than this table.
    names = {line[2] for line in lines} & available_timezones()
    cities = {name: get_timezone_location(name, locale=locale, return_city=True) for name in names}
    return [
        (
            continent,
            sorted(
                ((n, city) for n, city in cities.items() if n.startswith(f"{continent}/")),
                key=lambda pair: normalize("NFKD", pair[1]).casefold(),
            ),
        )
        for continent in CONTINENTS
    ]
