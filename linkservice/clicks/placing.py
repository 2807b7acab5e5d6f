"""From records to placed clicks: which link, touchpoint, local day, class and place.

Not here: what is a robot (`agents`), where a network is (`place`), the tables (`rollup`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from linkservice.clicks.agents import Agent, click_class
from linkservice.clicks.calendar import QUARTER_MS, LocalHours
from linkservice.clicks.dictionary import Dictionary, Names
from linkservice.clicks.event import HEAD_BIT, MISS_BIT, SCAN_BIT, Flag
from linkservice.clicks.grouping import Ints
from linkservice.clicks.limit import Limit, read_as
from linkservice.clicks.model import CLASSES, OTHERS
from linkservice.clicks.place import Places
from linkservice.clicks.reading import Came, Records, Rows, Sent
from linkservice.clicks.visitor import unpacked_network
from linkservice.database import Database
from linkservice.journeys.model import Stage, Touchpoint
from linkservice.links.model import Link, LinkVersion
from linkservice.workspaces.model import Workspace

PLACES_SECONDS = 30.0
"""How long a replaced country file may go unnoticed."""

_MOST_REMEMBERED = 100_000

# Of a network one number is remembered, of both its country and its city: where no city is
# known, a click then costs what it did before there were cities.
_COUNTRY_BITS = 31  # as many as numbers of values have in roll-ups
_COUNTRY = (1 << _COUNTRY_BITS) - 1
_NO_CITY = ("city", "")

_Key = TypeVar("_Key")
_Known = TypeVar("_Known")

# Plain numbers: an IntFlag makes an object of each, for every click.
_PREFETCH, _OWN = int(Flag.PREFETCH), int(Flag.OWN)

PERSON, SUSPECTED = CLASSES.index("person"), CLASSES.index("suspected")


class _Place(NamedTuple):
    """Where a link's version belongs; 0 where there is no touchpoint."""

    touchpoint_id: int
    journey_id: int


_NOWHERE = _Place(0, 0)


class Traits(NamedTuple):
    """What an agent is, as numbers of the dictionary.

    `classes` are the places in `CLASSES`: of a plain request, a prefetch, an own visit, both,
    and then the same four of HEAD requests. `robot_id` is 0 for people; `told` are the
    values of the facets device, browser and system.
    """

    classes: tuple[int, ...]
    agent_id: int
    robot_id: int
    told: tuple[int, int, int]


class Origin(NamedTuple):
    """The facets language and referrer, as numbers of the dictionary."""

    language_id: int
    referrer_id: int


CLICK = np.dtype(
    [
        *((name, np.int64) for name in ("position", "time_ms", "workspace_id", "domain_id")),
        *((name, np.int64) for name in ("link_id", "link_version", "touchpoint_id")),
        *((name, np.int64) for name in ("journey_id", "day", "hour", "kind", "network")),
        *((name, np.int64) for name in ("country_id", "city_id", "agent_id", "robot_id")),
        *((name, np.int64) for name in ("device_id", "browser_id", "system_id", "language_id")),
        ("referrer_id", np.int64),
        *((name, np.bool_) for name in ("scan", "miss", "tokenless")),
        ("token", np.uint64, 2),
    ]
)
"""A record with its class, place and local time, and the numbers of its facets.

`touchpoint_id`, `journey_id`, `robot_id` and `city_id` are 0 where there is none, `day` is
`date.toordinal()`, `kind` the place of the class in `CLASSES`. The network is for those who
look for suspicious neighbours; it goes no further.
"""


def that_count(clicks: Rows) -> NDArray[np.bool_]:
    """Which are clicks: persons' requests that were led to the destination."""
    counts: NDArray[np.bool_] = (clicks["kind"] == PERSON) & ~clicks["miss"]
    return counts


def of_persons(clicks: Rows) -> NDArray[np.bool_]:
    """Which count, or would if nobody suspected a scanner."""
    suspects: NDArray[np.bool_] = (clicks["kind"] == SUSPECTED) & ~clicks["miss"]
    return that_count(clicks) | suspects


ASKED = np.dtype([(name, np.int64) for name in ("day", "domain_id", "link_id", "rejected")])
"""What a record asked for on which day, `link_id` 0 for a miss (see `AcceptedDay`), and
whether (1 or 0) nobody knows of it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of some records: clicks, and what each asked for, rejected or not."""

    clicks: Rows
    asked: Rows

    @property
    def rejected(self) -> int:
        return int(self.asked["rejected"].sum())


class Placing:
    """Places the records of one ingester; remembers what never changes.

    A link's version and a touchpoint's journey never change, time zones do and are read
    again by `refresh`.
    """

    def __init__(self, places: Places, database: Database) -> None:
        self._places = places
        self._database = database
        self._dictionary = Dictionary(database)
        self._of_version: dict[tuple[int, int], _Place] = {}
        self._limit = Limit(database)
        self._traits: dict[Sent | Agent, Traits] = {}
        self._origins: dict[Came, Origin] = {}
        self._of_network: dict[int, int] = {}
        self._networks_since = time.monotonic()
        self._local: dict[int, LocalHours] = {}

    def refresh(self, session: Session) -> None:
        """Read again what may change: time zones (a changed one applies from now on), and
        now and then the places of networks, whose file may have been replaced.
        """
        zones = session.execute(select(Workspace.id, Workspace.time_zone)).all()
        self._local = {
            workspace_id: known
            if (known := self._local.get(workspace_id)) and known.time_zone == time_zone
            else LocalHours(time_zone)
            for workspace_id, time_zone in zones
        }
        if time.monotonic() - self._networks_since > PLACES_SECONDS:
            self._of_network.clear()
            self._networks_since = time.monotonic()

    def place(self, records: Records) -> Placed:
        """Place records, in their order; rejected are those whose link or workspace is not
        (or no longer) known. Must not be called within a transaction.
        """
        rows = records.rows
        clicks = np.zeros(len(rows), CLICK)
        clicks["position"] = rows["offset"]
        for name in _SAME:
            clicks[name] = rows[name]
        clicks["scan"] = rows["bits"] & SCAN_BIT != 0
        clicks["miss"] = (rows["bits"] & MISS_BIT != 0) | (rows["link_id"] == 0)
        known = self._put_to_links(clicks)
        known &= self._put_to_days(clicks)
        sent, of_agent = _distinct(records.rows["agent"], records.agents)
        agents: list[Sent | Agent] = [*sent]
        origins, of_origin = _distinct(records.rows["origin"], records.origins)
        if self._may_flood(agents, origins):
            crowded = self._limit.crowded(clicks)
            agents, of_agent = self._limit.agents(clicks, crowded, agents, of_agent)
            origins, of_origin = self._limit.origins(clicks, crowded, origins, of_origin)
        self._put_to_agents(clicks, records.rows, agents, of_agent)
        self._put_to_origins(clicks, origins, of_origin)
        self._put_to_places(clicks)
        asked = np.empty(len(rows), ASKED)
        asked["day"], asked["domain_id"] = clicks["day"], clicks["domain_id"]
        asked["link_id"] = np.where(clicks["miss"], 0, clicks["link_id"])
        asked["rejected"] = ~known
        return Placed(clicks if known.all() else clicks[known], asked)

    def _put_to_links(self, clicks: Rows) -> NDArray[np.bool_]:
        """Touchpoints and journeys; which clicks' links are known."""
        asked = list(zip(clicks["link_id"].tolist(), clicks["link_version"].tolist(), strict=True))
        self._learn_versions({each for each in asked if each[0]})
        found = [self._of_version.get(each) if each[0] else _NOWHERE for each in asked]
        clicks["touchpoint_id"] = [place.touchpoint_id if place else 0 for place in found]
        clicks["journey_id"] = [place.journey_id if place else 0 for place in found]
        return np.array([place is not None for place in found], np.bool_)

    def _put_to_days(self, clicks: Rows) -> NDArray[np.bool_]:
        """Local days and hours; which clicks' workspaces are known."""
        known = np.ones(len(clicks), np.bool_)
        wanted = set(np.unique(clicks["workspace_id"]).tolist())
        if wanted - self._local.keys():
            with self._database.reading() as session:
                self.refresh(session)
        for workspace_id in wanted:
            of_it = clicks["workspace_id"] == workspace_id
            local = self._local.get(workspace_id)
            if local is None:
                known[of_it] = False
            days_and_hours = _local_times(local or _UTC, clicks["time_ms"][of_it])
            clicks["day"][of_it], clicks["hour"][of_it] = days_and_hours.T
        return known

    def _put_to_agents(
        self, clicks: Rows, rows: Rows, agents: Sequence[Sent | Agent], whose: Ints
    ) -> None:
        """Classes, agents and what is told of them."""
        self._learn_traits(set(agents))
        traits = [self._traits[agent] for agent in agents]
        for place, name in enumerate(("device_id", "browser_id", "system_id")):
            clicks[name] = np.array([each.told[place] for each in traits], np.int64)[whose]
        clicks["agent_id"] = np.array([each.agent_id for each in traits], np.int64)[whose]
        clicks["robot_id"] = np.array([each.robot_id for each in traits], np.int64)[whose]
        classes = np.array([each.classes for each in traits], np.int64).reshape(-1, 8)
        bits, flags = rows["bits"], rows["flags"]
        variants = (
            np.where(bits & HEAD_BIT, 4, 0) + np.where(flags & _OWN, 2, 0) + (flags & _PREFETCH)
        )
        clicks["kind"] = classes[whose, variants]

    def _put_to_origins(self, clicks: Rows, origins: Sequence[Came], whose: Ints) -> None:
        """Languages and referrers."""
        self._learn_origins(set(origins))
        found = np.array([self._origins[each] for each in origins], np.int64).reshape(-1, 2)
        clicks["language_id"], clicks["referrer_id"] = found[whose, 0], found[whose, 1]

    def _may_flood(self, agents: Iterable[Sent | Agent], origins: Iterable[Came]) -> bool:
        """Whether there are words enough for a link's day to have too many of them."""
        of_agents = len(set(agents) - self._traits.keys())
        of_origins = len(set(origins) - self._origins.keys())
        known = self._dictionary.known
        return self._limit.may_fill(
            max(map(known, ("robot", "browser", "system"))) + of_agents
        ) or self._limit.may_fill(max(map(known, ("language", "referrer"))) + of_origins)

    def _put_to_places(self, clicks: Rows) -> None:
        """Countries and cities."""
        networks, whose = np.unique(clicks["network"], return_inverse=True)
        wanted = networks.tolist()
        self._learn_networks(set(wanted))
        found = np.array([self._of_network[each] for each in wanted], np.int64)
        clicks["country_id"] = (found & _COUNTRY)[whose]
        if (found > _COUNTRY).any():
            clicks["city_id"] = (found >> _COUNTRY_BITS)[whose]

    def traits_of(self, agent_ids: Iterable[int]) -> dict[int, Traits]:
        """What agents were read as, by their numbers; without `classes`. Must not be called
        within a transaction.
        """
        names = self._dictionary.names(agent_ids)
        values = self._dictionary.values(value for each in names.values() for value in each.told)
        found = {}
        for number, each in names.items():
            device, browser, system, robot = (values[value] for value in each.told)
            told = device, browser, system
            found[number] = Traits((), number, robot if each.robot else 0, told)
        return found

    def cut_short(self, agent_ids: Iterable[int]) -> set[int]:
        """Which agents have a name that is counted among others. Must not be called within a
        transaction.
        """
        names = self._dictionary.names(agent_ids)
        return {number for number, each in names.items() if OTHERS in each}

    def _learn_versions(self, asked: set[tuple[int, int]]) -> None:
        unplaced = _forgetful(self._of_version, asked)
        if unplaced:
            with self._database.reading() as session:
                self._of_version.update(_versions(session, sorted(unplaced)))

    def _learn_traits(self, agents: set[Sent | Agent]) -> None:
        unknown = _forgetful(self._traits, agents)
        read = {sent: read_as(sent) for sent in unknown}
        names = {
            sent: Names(each.robot, each.tag, each.device, each.browser, each.system)
            for sent, each in read.items()
        }
        numbers = self._dictionary.agents(names.values())
        values = self._dictionary.values(value for each in names.values() for value in each.told)
        for sent, agent in read.items():
            device, browser, system, robot = (values[value] for value in names[sent].told)
            self._traits[sent] = Traits(
                classes=tuple(
                    CLASSES.index(click_class(head=head, own=own, prefetch=prefetch, agent=agent))
                    for head in (False, True)
                    for own in (False, True)
                    for prefetch in (False, True)
                ),
                agent_id=numbers[names[sent]],
                robot_id=robot if agent.robot else 0,
                told=(device, browser, system),
            )

    def _learn_origins(self, origins: set[Came]) -> None:
        unknown = _forgetful(self._origins, origins)
        values = self._dictionary.values(
            value
            for came in unknown
            for value in (("language", came.language), ("referrer", came.referrer_host))
        )
        self._origins.update(
            (
                came,
                Origin(
                    values[("language", came.language)], values[("referrer", came.referrer_host)]
                ),
            )
            for came in unknown
        )

    def _learn_networks(self, networks: set[int]) -> None:
        unknown = list(_forgetful(self._of_network, networks))
        places = self._places.places(map(unpacked_network, unknown))
        distinct = set(places)
        values = self._dictionary.values(
            value
            for each in distinct
            for value in (("country", each.country), ("city", each.city))
            if value != _NO_CITY
        )
        number_of = {
            each: values[("country", each.country)]
            | (values[("city", each.city)] << _COUNTRY_BITS if each.city else 0)
            for each in distinct
        }
        self._of_network.update(zip(unknown, (number_of[each] for each in places), strict=True))


def _distinct(numbers: Ints, all_of_them: Sequence[_Known]) -> tuple[list[_Known], Ints]:
    """Those of them that are named by number, and whose each is."""
    found, whose = np.unique(numbers, return_inverse=True)
    return [all_of_them[number] for number in found.tolist()], whose


_UTC = LocalHours("UTC")
_SAME = (
    *("time_ms", "workspace_id", "domain_id", "link_id", "link_version", "network", "token"),
    "tokenless",
)


def _local_times(local: LocalHours, times_ms: Ints) -> Ints:
    """As `local.at`, of many moments: a row of day and hour for each."""
    quarters, whose = np.unique(times_ms // QUARTER_MS, return_inverse=True)
    found = [local.of_quarter(quarter) for quarter in quarters.tolist()]
    if None in found:
        found, whose = [local.at(each) for each in times_ms.tolist()], np.arange(len(times_ms))
    return np.array(found, np.int64).reshape(-1, 2)[whose]


def _forgetful(known: dict[_Key, _Known], wanted: set[_Key]) -> set[_Key]:
    """The wanted ones that are to be learned, after `known` was kept from growing for ever."""
    if len(known) > _MOST_REMEMBERED:
        known.clear()
    return wanted - known.keys()


def _versions(session: Session, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], _Place]:
    query = (
        select(LinkVersion.link_id, LinkVersion.version, Touchpoint.id, Stage.journey_id)
        .join(Link, Link.id == LinkVersion.link_id)
        .outerjoin(Touchpoint, Touchpoint.id == LinkVersion.touchpoint_id)
        .outerjoin(Stage, Stage.id == Touchpoint.stage_id)
    )
    found: dict[tuple[int, int], _Place] = {}
    for first in range(0, len(wanted), 500):  # below SQLite's limit of parameters
        part = wanted[first : first + 500]
        rows = session.execute(
            query.where(tuple_(LinkVersion.link_id, LinkVersion.version).in_(part))
        )
        for link_id, version, touchpoint_id, journey_id in rows:
            found[(link_id, version)] = _Place(touchpoint_id or 0, journey_id or 0)
    return found
