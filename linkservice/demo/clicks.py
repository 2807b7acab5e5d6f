"""The clicks of the story, as a file that `clicks import` reads.

Each week has dice of its own, so a story that is told again later begins with the same lines;
what is new is added at the end, and the import takes in only that. People come in the hours of
their touchpoint, some again on the same day, some at another touchpoint, some without being
known; robots, previews and mail scanners come with them.

Not here: how many come (`season`), who they are (`visitors`), misses and prefetches, which no
file of clicks can hold (`asides`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linkservice.clicks.calendar import epoch_ms, local_day, zone
from linkservice.demo import season
from linkservice.demo.journey import LINKS, STAGE_OF, STAGES, TOUCHPOINTS
from linkservice.demo.retailer import TIME_ZONE
from linkservice.demo.season import SEED, Floats, Span
from linkservice.demo.story import LinkStory, Rhythm
from linkservice.demo.visitors import (
    BROWSING,
    HOMES,
    IN_AN_APP,
    ROBOT_ADDRESS,
    SCANNING,
    Drawn,
    Machines,
    machines,
)
from linkservice.errors import Failed, Problem

Numbers = NDArray[np.int64]

RESTLESSNESS = 45.0
"""Shape of the gamma multipliers of single days: they differ by more than chance."""

COME_AGAIN = 0.09
"""Share of clicks that are repeated by the same person on the same day."""

UNKNOWN = 0.04
"""Share of people who ask not to be counted; their clicks carry no address here."""

MEAN_SECONDS_AWAY = 2400.0

TAIL_BYTES = 4096
"""More than a line of the story ever has."""

_HOURS: dict[Rhythm, tuple[int, ...]] = {
    "online": (3, 2, 1, 1, 1, 2, 5, 9, 9, 9, 9, 13, 15, 13, 12, 12, 13, 16, 19, 23, 26, 23, 14, 7),
    "shop": (0, 0, 0, 0, 0, 1, 4, 8, 9, 14, 19, 22, 22, 21, 22, 24, 26, 27, 22, 11, 5, 3, 2, 1),
    "office": (0, 0, 0, 0, 0, 0, 2, 7, 20, 26, 26, 24, 18, 21, 24, 24, 21, 16, 9, 5, 4, 3, 1, 0),
    "mail": (2, 1, 1, 1, 2, 5, 9, 22, 24, 24, 22, 18, 18, 15, 13, 13, 15, 17, 19, 20, 19, 14, 8, 4),
    "home": (1, 0, 0, 0, 0, 1, 3, 5, 6, 8, 10, 12, 14, 14, 15, 17, 20, 24, 26, 25, 21, 14, 7, 3),
}  # fmt: skip


_REFERRERS = ("", *sorted({name for _, link in LINKS for name, _ in link.referrers}))


@dataclass(frozen=True, slots=True)
class _Cast:
    """A link with all that is drawn for it; referrers by their number."""

    link: LinkStory
    touchpoint: int
    clock: Drawn[int]
    agents: Drawn[str]
    referrers: Drawn[int]
    machines: Machines


@dataclass(frozen=True, slots=True)
class _Requests:
    """Requests of one day: the second of the day, the link's number, whether it is a scan, who
    asks (a place in a list of people) and the referrer's number.
    """

    second: Floats
    link: Numbers
    scan: NDArray[np.bool_]
    person: Numbers
    referrer: Numbers

    def pick(self, places: Numbers) -> _Requests:
        """Those at these places, in their order."""
        return _Requests(
            self.second[places],
            self.link[places],
            self.scan[places],
            self.person[places],
            self.referrer[places],
        )


def _cast(number: int, link: LinkStory) -> _Cast:
    touchpoint = TOUCHPOINTS[number]
    known = [(_REFERRERS.index(name), share) for name, share in link.referrers]
    return _Cast(
        link,
        number,
        Drawn(list(enumerate(_HOURS[touchpoint.rhythm]))),
        IN_AN_APP if touchpoint.channel == "social" else BROWSING,
        Drawn([*known, (0, 1.0 - sum(share for _, share in known))]),
        machines(touchpoint.channel),
    )


_CASTS = tuple(_cast(number, link) for number, link in LINKS)
_OWNERS = np.array([cast.touchpoint for cast in _CASTS])
_STAGES = np.array(STAGE_OF)[_OWNERS]
_SCANS = np.array([cast.link.scans for cast in _CASTS])


def write_clicks(
    path: Path,
    slugs: Collection[str],
    begun: date,
    now: datetime,
    progress: Callable[[int, int], None],
) -> None:
    """Write the clicks from the day `begun` to `now` as JSON lines into a file, or add to it those
    that came since its last line. `progress` gets days done and days in all.

    Links that are not among `slugs` get none. Raises `Failed` for a file that is not a story's.
    """
    until = epoch_ms(now)
    after = _last_moment(path)
    first, last = begun if after is None else _local_day(after), _local_day(until)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if after is not None:
            shutil.copyfile(path, temporary)
        with temporary.open("w" if after is None else "a", encoding="utf-8") as file:
            for day, requests, people in _between(begun, first, last):
                file.writelines(_told(day, requests, people, after or 0, until, slugs))
                progress((day - first).days + 1, (last - first).days + 1)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _between(begun: date, first: date, last: date) -> Iterator[tuple[date, _Requests, list[str]]]:
    monday = first - timedelta(days=first.weekday())
    while monday <= last:
        for day, requests, people in _of_week(begun, monday):
            if first <= day <= last:
                yield day, requests, people
        monday += timedelta(days=7)


def _of_week(begun: date, monday: date) -> Iterator[tuple[date, _Requests, list[str]]]:
    """All requests of each day of a week, and the lists in which their people stand."""
    span = Span(begun, monday, monday + timedelta(days=6))
    expected = season.visitors(span)[_OWNERS] * season.shares(span)
    dice = np.random.default_rng((SEED, 2, monday.toordinal()))
    restless = dice.gamma(RESTLESSNESS, 1 / RESTLESSNESS, (len(TOUCHPOINTS), 7))
    counts = np.zeros(expected.shape, dtype=np.int64)
    for number in range(len(TOUCHPOINTS)):
        rows = np.flatnonzero(np.equal(_OWNERS, number))
        chances = (expected[rows] * restless[number]).ravel()
        if chances.sum() > 0:
            # The week keeps to the plan, its days do not: nothing is weak by bad luck alone.
            total = int(expected[rows].sum() + dice.random())
            drawn = dice.multinomial(total, chances / chances.sum())
            counts[rows] = drawn.reshape(len(rows), 7)
    for column, day in enumerate(span.days):
        yield day, *_of_day(dice, counts[:, column], expected[:, column])


def _of_day(
    dice: np.random.Generator, counts: Numbers, expected: Floats
) -> tuple[_Requests, list[str]]:
    """All requests of a day with that many visitors of each link."""
    persons, people = _persons(dice, counts)
    again = np.flatnonzero(dice.random(len(persons.link)) < COME_AGAIN)
    repeated = persons.pick(again)
    later = repeated.second + dice.exponential(MEAN_SECONDS_AWAY, len(again))
    repeated.second[:] = np.minimum(later, 86_399.0)
    asking, names = _machines(dice, expected, len(people))
    return _joined(persons, repeated, asking), people + names


def _persons(dice: np.random.Generator, counts: Numbers) -> tuple[_Requests, list[str]]:
    link = np.repeat(np.arange(len(_CASTS)), counts)
    scan = dice.random(len(link)) < _SCANS[link]
    second, referrer = np.empty(len(link)), np.zeros(len(link), dtype=np.int64)
    agents: list[str] = []
    for number, cast in enumerate(_CASTS):
        places = np.flatnonzero(link == number)
        second[places] = _seconds(dice, cast.clock, len(places))
        referrer[places] = cast.referrers.pick(dice, len(places))
        scanning = SCANNING.pick(dice, len(places))
        browsing = cast.agents.pick(dice, len(places))
        pairs = zip(scan[places].tolist(), scanning, browsing, strict=True)
        agents += [phone if by_code else browser for by_code, phone, browser in pairs]
    referrer[scan] = 0
    person = np.arange(len(link))
    for same in (scan, ~scan):  # whoever scans one code scans the next, by the same phone
        _let_go_on(dice, person, np.where(same, _STAGES[link], len(STAGES) + 1))
    return _Requests(second, link, scan, person, referrer), _people(dice, agents)


def _let_go_on(dice: np.random.Generator, person: Numbers, stages: Numbers) -> None:
    """Make some of those who were at a stage the people who are at the next one."""
    for number, stage in enumerate(STAGES):
        here, there = np.flatnonzero(stages == number), np.flatnonzero(stages == number + 1)
        count = min(int(dice.binomial(len(here), stage.go_on)), len(there))
        going = dice.permutation(here)[:count]
        person[dice.permutation(there)[:count]] = person[going]


def _people(dice: np.random.Generator, agents: list[str]) -> list[str]:
    """One person for each user agent, as the part of a line that tells who it is."""
    count = len(agents)
    unknown = (dice.random(count) < UNKNOWN).tolist()
    numbers = dice.integers((65_536, 256, 254), size=(count, 3)).tolist()
    homes = HOMES.pick(dice, count)
    return [
        _person(agent, "" if hidden else network.address(*parts), language)
        for agent, hidden, (network, language), parts in zip(
            agents, unknown, homes, numbers, strict=True
        )
    ]


def _machines(
    dice: np.random.Generator, expected: Floats, first: int
) -> tuple[_Requests, list[str]]:
    """Robots, previews and scanners; in the list of people they begin at the place `first`."""
    wanted = expected * [cast.machines.per_visitor for cast in _CASTS]
    link = np.repeat(np.arange(len(_CASTS)), dice.poisson(wanted))
    count = len(link)
    second = np.empty(count)
    names: list[str] = []
    for number, cast in enumerate(_CASTS):
        places = np.flatnonzero(link == number)
        second[places] = _seconds(dice, cast.clock, len(places))
        names += cast.machines.agents.pick(dice, len(places))
    addresses = dice.integers(1, 255, count).tolist()
    people = [
        _person(name, ROBOT_ADDRESS.format(address), "")
        for name, address in zip(names, addresses, strict=True)
    ]
    nothing = np.zeros(count, dtype=np.int64)
    person = np.arange(first, first + count)
    return _Requests(second, link, nothing.astype(np.bool_), person, nothing), people


def _seconds(dice: np.random.Generator, clock: Drawn[int], count: int) -> Floats:
    """Seconds of the day, by the hours in which people come."""
    return np.asarray((clock.draw(dice, count) + dice.random(count)) * 3600.0)


def _joined(*parts: _Requests) -> _Requests:
    return _Requests(
        np.concatenate([part.second for part in parts]),
        np.concatenate([part.link for part in parts]),
        np.concatenate([part.scan for part in parts]),
        np.concatenate([part.person for part in parts]),
        np.concatenate([part.referrer for part in parts]),
    )


def _person(agent: str, address: str, language: str) -> str:
    who = {"user_agent": agent, "address": address, "language": language}
    return json.dumps(who)[1:-1]


def _told(
    day: date,
    requests: _Requests,
    people: list[str],
    after: int,
    until: int,
    slugs: Collection[str],
) -> list[str]:
    """The JSON lines of a day's requests between two moments (epoch ms), in their order."""
    midnight, length = _midnight(day)
    # What falls into an hour that the clocks skip goes to the beginning of its own day.
    moments = midnight + (requests.second * 1000).astype(np.int64) % length
    wanted = np.array([cast.link.slug in slugs for cast in _CASTS])[requests.link]
    order = np.argsort(moments, kind="stable")
    order = order[((moments > after) & (moments < until) & wanted)[order]]
    told = requests.pick(order)
    columns = (told.link, told.scan, told.person, told.referrer)
    times = np.datetime_as_string(moments[order].astype("datetime64[ms]"), timezone="UTC")
    return [
        f'{{"time": "{moment}", "slug": "{_CASTS[link].link.slug}", '
        f'"source": "{"scan" if scan else "click"}", {people[person]}, '
        f'"referrer": "{_REFERRERS[referrer]}"}}\n'
        for moment, link, scan, person, referrer in zip(
            times.tolist(), *(column.tolist() for column in columns), strict=True
        )
    ]


def _midnight(day: date) -> tuple[int, int]:
    """When the local day begins, and how long it is, in milliseconds."""
    begins, ends = (
        epoch_ms(datetime.combine(each, time(), zone(TIME_ZONE)).astimezone(UTC))
        for each in (day, day + timedelta(days=1))
    )
    return begins, ends - begins


def _local_day(time_ms: int) -> date:
    return local_day(time_ms, TIME_ZONE)[0]


def _last_moment(path: Path) -> int | None:
    """When the last click of the file came (epoch ms); None where there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
        return epoch_ms(datetime.fromisoformat(json.loads(last)["time"]))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        raise Failed(Problem("FILE", "not_a_story", {"path": path})) from None
