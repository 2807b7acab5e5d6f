"""How far the figures of a page can be trusted: what was sorted out, what is missing, how old.

Decided here: which figures the strip shows, what they are shares of, and which ask for a look. Not
here: the figures themselves. Counts are the report's, the lag is that of `/readyz`, and the geo
data's name and age are those of `linkservice doctor`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import maxminddb

from linkservice.clicks import geodata
from linkservice.clicks.backlog import backlog
from linkservice.errors import LinkServiceError
from linkservice.readiness import LONGEST_WAIT_SECONDS
from linkservice.reports.results import TouchpointTotals
from linkservice.web.i18n import gettext, ngettext, write_day, write_number, write_percent
from linkservice.web.page import Page, address
from linkservice.web.periods import Chosen, Here

OLD_GEODATA_DAYS = 60
"""Networks move: data that is older names ever more of them wrongly."""


@dataclass(frozen=True, slots=True)
class Quality:
    """A figure of the strip; `asks` for a look where it is not as it should be, which `note` says
    in words as well.
    """

    label: str
    value: str
    note: str
    href: str = ""
    asks: bool = False


def quality(page: Page, totals: TouchpointTotals, chosen: Chosen) -> list[Quality]:
    """The strip of the overview. How the machine does, and where to look, is not for guests."""
    told = [*_sorted_out(totals, chosen), _unrecorded(totals)]
    if page.guest is not None:
        return [replace(each, href="") for each in told]
    return [*told, _lag(page), _places(page)]


def requests_of(totals: TouchpointTotals) -> int:
    """All requests that were told apart: what shares of robots and previews are shares of."""
    return (
        totals.clicks
        + totals.robots
        + totals.previews
        + totals.prefetches
        + totals.scanners
        + totals.heads
        + totals.own
    )


def _sorted_out(totals: TouchpointTotals, chosen: Chosen) -> list[Quality]:
    requests = requests_of(totals)
    of_all = ngettext("of one request", "of %(num)s requests", requests)
    ranking = address("reports", **{key: text for key, text in chosen.query.items() if text})
    here = Here("overview", chosen.query)
    suspects = here(scanners=None if chosen.suspects else "include")
    return [
        Quality(gettext("Robots"), _share(totals.robots, requests), of_all, ranking),
        Quality(gettext("Link previews"), _share(totals.previews, requests), of_all, ranking),
        Quality(
            gettext("Suspected mail scanners"),
            write_number(totals.suspected),
            _suspicion(chosen),
            suspects if totals.suspected else "",
        ),
    ]


def _suspicion(chosen: Chosen) -> str:
    """Why there may be none beside hundreds of mail scanners: those are others."""
    if chosen.suspects:
        return gettext("counted as clicks; other mail scanners give their name")
    return gettext("not among the clicks; other mail scanners give their name")


def _unrecorded(totals: TouchpointTotals) -> Quality:
    missing = totals.unrecorded
    return Quality(
        gettext("Unrecorded clicks"),
        write_number(missing),
        gettext("redirected, and missing here: the disk was full")
        if missing
        else gettext("every click is recorded"),
        asks=bool(missing),
    )


def _lag(page: Page) -> Quality:
    """How long the oldest click of this machine's spool waits."""
    label = gettext("Waiting to be counted")
    try:
        waiting = backlog(page.settings.spool_dir, page.session)
    except LinkServiceError:
        return Quality(label, "?", gettext("the spool cannot be read"), asks=True)
    if waiting.since is None:
        return Quality(label, gettext("nothing"), gettext("all clicks are counted"))
    seconds = round(waiting.seconds(page.now))
    late = seconds > LONGEST_WAIT_SECONDS
    return Quality(
        label,
        ngettext("%(num)s second", "%(num)s seconds", seconds),
        gettext("the oldest click; nobody counts them") if late else gettext("the oldest click"),
        asks=late,
    )


def _places(page: Page) -> Quality:
    """Which data tells the countries, and how old it is."""
    label = gettext("Countries by")
    if geodata.is_built_in(page.settings):
        return Quality(label, gettext("registries"), gettext("built in, approximate"))
    path = geodata.chosen_file(page.settings).path
    try:
        kind, made = _described(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError):
        return Quality(label, path.name, gettext("cannot be read"), asks=True)
    days = (page.now - made).days
    old = days > OLD_GEODATA_DAYS
    day = write_day(made.date())
    note = gettext("of %(day)s: fetch newer data", day=day)
    return Quality(label, kind, note if old else gettext("of %(day)s", day=day), asks=old)


@lru_cache(maxsize=4)
def _described(path: Path, changed: int) -> tuple[str, datetime]:
    """Kind and age of a file; read once for each state of it, as a whole file is read."""
    found = geodata.describe(path)
    return found.kind, found.made


def _share(part: int, whole: int) -> str:
    """Of two digits where it is small: a tenth of a per cent of robots is not none."""
    share = part / whole if whole else 0.0
    return write_percent(share, 1 if 0 < share < 0.1 else 0)
