"""From records to placed clicks: which link, touchpoint, local day, class and place.

Not here: what is a robot (`agents`), where a network is (`place`), the tables (`rollup`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from linkservice.clicks.agents import classify, click_class
from linkservice.clicks.calendar import LocalHours
from linkservice.clicks.dictionary import Dictionary, Names
from linkservice.clicks.event import HEAD_BIT, MISS_BIT, SCAN_BIT, Flag
from linkservice.clicks.model import CLASSES
from linkservice.clicks.place import Places
from linkservice.clicks.reading import Came, Recorded, Sent
from linkservice.database import Database
from linkservice.journeys.model import Stage, Touchpoint
from linkservice.links.model import Link, LinkVersion
from linkservice.workspaces.model import Workspace

COUNTRIES_SECONDS = 30.0
"""How long a replaced country file may go unnoticed."""

_MOST_REMEMBERED = 100_000

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


class PlacedClick(NamedTuple):
    """A record with its class, place and local time.

    `touchpoint_id` and `journey_id` are 0 where there is none, `day` is `date.toordinal()`,
    `kind` the place of the class in `CLASSES`. The network is for those who look for
    suspicious neighbours; it goes no further.
    """

    position: int
    time_ms: int
    workspace_id: int
    domain_id: int
    link_id: int
    link_version: int
    touchpoint_id: int
    journey_id: int
    day: int
    hour: int
    kind: int
    scan: bool
    miss: bool
    network: bytes
    token: bytes
    country_id: int
    traits: Traits
    origin: Origin

    @property
    def counts(self) -> bool:
        """Whether it is a click: a person's request that was led to the destination."""
        return self.kind == PERSON and not self.miss

    @property
    def of_person(self) -> bool:
        """Whether it counts, or would if nobody suspected a scanner."""
        return self.kind in (PERSON, SUSPECTED) and not self.miss


class Asked(NamedTuple):
    """What a record asked for on which day; `link_id` is 0 for a miss (see `AcceptedDay`)."""

    day: int
    domain_id: int
    link_id: int


@dataclass(slots=True)
class Placed:
    """What became of some records: clicks, and how many were accepted and rejected of each."""

    clicks: list[PlacedClick] = field(default_factory=list)
    accepted: Counter[Asked] = field(default_factory=Counter)
    rejected: Counter[Asked] = field(default_factory=Counter)


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
        self._traits: dict[Sent, Traits] = {}
        self._origins: dict[Came, Origin] = {}
        self._countries: dict[bytes, int] = {}
        self._countries_since = time.monotonic()
        self._local: dict[int, LocalHours] = {}

    def refresh(self, session: Session) -> None:
        """Read again what may change: time zones (a changed one applies from now on), and
        now and then the countries of networks, whose file may have been replaced.
        """
        zones = session.execute(select(Workspace.id, Workspace.time_zone)).all()
        self._local = {
            workspace_id: known
            if (known := self._local.get(workspace_id)) and known.time_zone == time_zone
            else LocalHours(time_zone)
            for workspace_id, time_zone in zones
        }
        if time.monotonic() - self._countries_since > COUNTRIES_SECONDS:
            self._countries.clear()
            self._countries_since = time.monotonic()

    def place(self, records: Sequence[Recorded]) -> Placed:
        """Place records, in their order; rejected are those whose link or workspace is not
        (or no longer) known. Must not be called within a transaction.
        """
        # Nearly every batch has new networks, and few anything else that is new: to look for
        # that would cost as much as to place them.
        self._learn_countries({each.network for each in records})
        placed = self._placed(records, learned=False)
        if placed is None:
            self._learn(records)
            placed = self._placed(records, learned=True)
        assert placed is not None
        return placed

    def _placed(self, records: Sequence[Recorded], *, learned: bool) -> Placed | None:
        """The records placed; None at the first with something new, unless all is `learned`."""
        placed = Placed()
        add, asked = placed.clicks.append, list[tuple[int, int, int]]()
        # Local names: this loop runs for every click.
        locals_, versions, countries = self._local.get, self._of_version.get, self._countries
        traits_of, origins = self._traits.get, self._origins.get
        for record in records:
            (
                offset, time_ms, link_id, link_version, domain_id, workspace_id, bits, flags,
                network, token, sent, came,
            ) = record  # fmt: skip
            local = locals_(workspace_id)
            place = versions((link_id, link_version)) if link_id else _NOWHERE
            traits, origin = traits_of(sent), origins(came)
            if traits is None or origin is None or local is None or place is None:
                if not learned:
                    return None
                assert traits is not None
                assert origin is not None
            day, hour = (local or _UTC).at(time_ms)
            miss = bool(bits & MISS_BIT) or not link_id
            asked.append((day, domain_id, 0 if miss else link_id))
            if local is None or place is None:
                placed.rejected[Asked(*asked[-1])] += 1
                continue
            special = bits & HEAD_BIT or flags & (_PREFETCH | _OWN)
            add(
                PlacedClick(
                    offset, time_ms, workspace_id, domain_id, link_id, link_version,
                    place.touchpoint_id, place.journey_id, day, hour,
                    traits.classes[_variant(bits, flags) if special else 0],
                    bool(bits & SCAN_BIT), miss, network, token, countries[network], traits,
                    origin,
                )
            )  # fmt: skip
        placed.accepted.update({Asked(*each): number for each, number in Counter(asked).items()})
        return placed

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

    def _learn(self, records: Sequence[Recorded]) -> None:
        """Read and remember what of these records is not known yet."""
        unplaced = _forgetful(
            self._of_version,
            {(each.link_id, each.link_version) for each in records if each.link_id},
        )
        unheard = {each.workspace_id for each in records} - self._local.keys()
        if unplaced or unheard:
            with self._database.reading() as session:
                if unheard:
                    self.refresh(session)
                self._of_version.update(_versions(session, sorted(unplaced)))
        self._learn_traits({each.sent for each in records})
        self._learn_origins({each.came for each in records})

    def _learn_traits(self, agents: set[Sent]) -> None:
        unknown = _forgetful(self._traits, agents)
        read = {sent: classify(sent.user_agent, sent.hints) for sent in unknown}
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

    def _learn_countries(self, networks: set[bytes]) -> None:
        unknown = _forgetful(self._countries, networks)
        codes = {network: self._places.country(network) for network in unknown}
        values = self._dictionary.values(("country", code) for code in set(codes.values()))
        self._countries.update(
            (network, values[("country", code)]) for network, code in codes.items()
        )


_UTC = LocalHours("UTC")


def _variant(bits: int, flags: int) -> int:
    """The place in `Traits.classes`."""
    return (4 if bits & HEAD_BIT else 0) | (2 if flags & _OWN else 0) | (flags & _PREFETCH)


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
