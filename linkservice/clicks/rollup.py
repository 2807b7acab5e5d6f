"""What a batch of clicks adds to the roll-ups, and the statements that add it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import TypeAlias

from sqlalchemy import Connection

from linkservice.clicks import bulk
from linkservice.clicks.model import (
    CLASSES,
    AcceptedDay,
    Click,
    DomainDay,
    LinkDay,
    LinkFacet,
    LinkHour,
    Mark,
    SuspectedDay,
    SuspectedFacet,
    SuspectedHour,
)
from linkservice.clicks.placing import PERSON, SUSPECTED, Asked, PlacedClick

COUNTER_OF_CLASS = {
    "robot": "robots",
    "preview": "previews",
    "prefetch": "prefetches",
    "scanner": "scanners",
    "head": "heads",
    "own": "own",
}
"""The roll-up counter of each class but `person`, who is counted as clicks and scans, and
`suspected`, which has roll-ups of its own."""

_HEAD, _OWN = CLASSES.index("head"), CLASSES.index("own")
_SCAN, _MISS, _TOKENLESS = int(Mark.SCAN), int(Mark.MISS), int(Mark.TOKENLESS)

_COUNTERS = bulk.counters(LinkDay)
_PLACE = {name: place for place, name in enumerate(_COUNTERS)}
_VISITORS = (
    (int(Mark.NEW_FOR_LINK), _PLACE["visitors"]),
    (int(Mark.NEW_FOR_TOUCHPOINT), _PLACE["touchpoint_visitors"]),
    (int(Mark.NEW_FOR_JOURNEY), _PLACE["journey_visitors"]),
)
_BY_KIND = [_PLACE[COUNTER_OF_CLASS.get(name, "clicks")] for name in CLASSES]

_OF_PERSONS = 4 + len(bulk.counters(SuspectedDay))
"""Columns of `LinkDay` that `SuspectedDay` has too: its key, its workspace, what counts persons."""

DayKey: TypeAlias = tuple[int, int, int]
"""Link, day, touchpoint."""


class RollUps:
    """The sums of some clicks, by roll-up table and key.

    With `sign` -1 they take away what these clicks added before, as when late knowledge gives
    them another class: write the old ones with -1 and the new ones with 1, in one transaction.
    """

    def __init__(
        self, clicks: Sequence[PlacedClick], sign: int = 1, *, suspected: bool = False
    ) -> None:
        """`suspected` are the sums of suspects, written to tables of their own, as persons."""
        self._sign, self._of_all = sign, not suspected
        self._days: dict[DayKey, list[int]] = {}
        self._workspaces: dict[int, int] = {}
        """Of each link and, by its negative number, each domain."""
        self._hours: Counter[tuple[int, int, int, bool]] = Counter()
        self._told: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._domains: Counter[tuple[int, int, bool]] = Counter()
        self._prepared: bulk.Writes | None = None
        suspects = [click for click in clicks if click.kind == SUSPECTED and not click.miss]
        self._suspected: RollUps | None = None
        if suspects:
            self._suspected = RollUps(
                [_as_person(click) for click in suspects], sign, suspected=True
            )
            clicks = [click for click in clicks if click.kind != SUSPECTED or click.miss]
        self._sum(clicks)

    def count_visitors(self, clicks: Iterable[PlacedClick], marks: Iterable[int]) -> None:
        """Add those who are new on their day: the `NEW_…` bits of each click's `Mark`."""
        for click, mark in zip(clicks, marks, strict=True):
            if click.kind == SUSPECTED:
                assert self._suspected is not None
                self._suspected.count_visitors([_as_person(click)], [mark])
                continue
            counts = self._counts(_day_key(click))
            for bit, place in _VISITORS:
                if mark & bit:
                    counts[place] += self._sign

    def prepare(self, dialect: str) -> None:
        """Work out before the transaction what visitors change nothing of."""
        hours, facets = (LinkHour, LinkFacet) if self._of_all else (SuspectedHour, SuspectedFacet)
        self._prepared = [
            *bulk.adding(dialect, hours, list(self._hour_rows())),
            *bulk.adding(dialect, facets, list(self._facet_rows())),
            *bulk.adding(dialect, DomainDay, list(self._domain_rows())),
        ]
        if self._suspected is not None:
            self._suspected.prepare(dialect)

    def write(self, connection: Connection) -> None:
        """Add the sums to the tables, within the caller's transaction."""
        if self._prepared is None:
            self.prepare(connection.dialect.name)
        assert self._prepared is not None
        if self._of_all:
            bulk.add(connection, LinkDay, list(self._day_rows()))
        else:
            bulk.add(connection, SuspectedDay, [row[:_OF_PERSONS] for row in self._day_rows()])
        bulk.run(connection, self._prepared)
        if self._suspected is not None:
            self._suspected.write(connection)

    def _sum(self, clicks: Sequence[PlacedClick]) -> None:
        outcomes: list[tuple[DayKey, int, bool, bool]] = []
        hours, misses = [], []
        for click in clicks:
            kind = click.kind
            if click.miss:
                misses.append((click.domain_id, click.day, kind == _HEAD))
                self._workspaces[-click.domain_id] = click.workspace_id
                continue
            self._workspaces[click.link_id] = click.workspace_id
            scan, traits = click.scan, click.traits
            outcomes.append((_day_key(click), kind, scan, not click.token))
            if kind == PERSON:
                hours.append((click.day, click.link_id, click.hour, scan))
                told = self._told[(click.day, click.link_id)]
                told.append(click.country_id)
                told.extend(traits.told)
                told.extend(click.origin)
            elif traits.robot_id and kind != _OWN:
                self._told[(click.day, click.link_id)].append(traits.robot_id)
        for (key, kind, scan, tokenless), number in Counter(outcomes).items():
            counts = self._counts(key)
            counts[_BY_KIND[kind]] += self._sign * number
            if kind == PERSON:
                counts[_PLACE["scans"]] += self._sign * number * scan
                counts[_PLACE["tokenless"]] += self._sign * number * tokenless
        self._hours = Counter(hours)
        self._domains = Counter(misses)

    def _counts(self, key: DayKey) -> list[int]:
        found = self._days.get(key)
        if found is None:
            found = self._days[key] = [0] * len(_COUNTERS)
        return found

    def _day_rows(self) -> Iterator[bulk.Row]:
        for (link_id, day, touchpoint_id), counts in self._days.items():
            yield link_id, _date(day), touchpoint_id, self._workspaces[link_id], *counts

    def _hour_rows(self) -> Iterator[bulk.Row]:
        for day, link_id, hour in {key[:3] for key in self._hours}:
            clicks, scans = (self._hours[(day, link_id, hour, scan)] for scan in (False, True))
            yield _date(day), link_id, hour, self._sign * (clicks + scans), self._sign * scans

    def _facet_rows(self) -> Iterator[bulk.Row]:
        # In order as they come: sorting them all at once would cost as much as the sums.
        for (day, link_id), told in sorted(self._told.items()):
            on = _date(day)
            for value_id, number in sorted(Counter(told).items()):
                yield on, link_id, value_id, self._sign * number

    def _domain_rows(self) -> Iterator[bulk.Row]:
        for domain_id, day in {key[:2] for key in self._domains}:
            misses, heads = (self._domains[(domain_id, day, head)] for head in (False, True))
            workspace_id = self._workspaces[-domain_id]
            yield domain_id, _date(day), workspace_id, self._sign * misses, self._sign * heads


def _as_person(click: PlacedClick) -> PlacedClick:
    return click._replace(kind=PERSON)


def rows_of(clicks: Iterable[PlacedClick]) -> list[tuple[int, ...]]:
    """The rows of the table `clicks` without their segment, the marks last.

    Neither token nor address nor user agent is in them.
    """
    return [
        (
            click.position, click.time_ms, click.workspace_id, click.domain_id, click.link_id,
            click.link_version, click.touchpoint_id, click.day, click.traits.agent_id,
            click.country_id, click.origin.language_id, click.origin.referrer_id, click.hour,
            click.kind,
            (_SCAN if click.scan else 0) | (_MISS if click.miss else 0)
            | (0 if click.token else _TOKENLESS),
        )
        for click in clicks
    ]  # fmt: skip


def write_rows(connection: Connection, segment_id: int, rows: Iterable[tuple[int, ...]]) -> None:
    """Insert click rows, within the caller's transaction."""
    bulk.insert(connection, Click, [(segment_id, *row) for row in rows])


def write_accepted(
    connection: Connection, node_id: int, accepted: Counter[Asked], rejected: Counter[Asked]
) -> None:
    """Add to what the audit holds the roll-ups against, within the caller's transaction."""
    rows = [
        (_date(day), node_id, domain_id, link_id, number, rejected[Asked(day, domain_id, link_id)])
        for (day, domain_id, link_id), number in accepted.items()
    ]
    bulk.add(connection, AcceptedDay, rows)


def _day_key(click: PlacedClick) -> DayKey:
    return click.link_id, click.day, click.touchpoint_id


@lru_cache(maxsize=10_000)
def _date(day: int) -> str:
    return date.fromordinal(day).isoformat()
