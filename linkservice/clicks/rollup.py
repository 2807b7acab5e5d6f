"""What a batch of clicks adds to the roll-ups, and the statements that add it."""

from __future__ import annotations

from datetime import date

import numpy as np
from sqlalchemy import Connection

from linkservice.clicks import bulk, closed_days, closed_sums, facets
from linkservice.clicks.grouping import Ints, grouped
from linkservice.clicks.model import (
    CLASSES,
    COUNTER_OF_CLASS,
    Click,
    DomainDay,
    LinkDay,
    LinkFacet,
    LinkHour,
    Mark,
    SuspectedDay,
    SuspectedFacet,
    SuspectedHour,
    TouchpointDay,
    TouchpointMonth,
)
from linkservice.clicks.placing import PERSON, SUSPECTED
from linkservice.clicks.reading import Rows
from linkservice.database import Base

_HEAD, _OWN = CLASSES.index("head"), CLASSES.index("own")
_SCAN, _MISS, _TOKENLESS = int(Mark.SCAN), int(Mark.MISS), int(Mark.TOKENLESS)

_COUNTERS = bulk.counters(LinkDay)
_PLACE = {name: place for place, name in enumerate(_COUNTERS)}
_VISITORS = (
    (int(Mark.NEW_FOR_LINK), _PLACE["visitors"]),
    (int(Mark.NEW_FOR_TOUCHPOINT), _PLACE["touchpoint_visitors"]),
    (int(Mark.NEW_FOR_JOURNEY), _PLACE["journey_visitors"]),
)
_BY_KIND = np.array([_PLACE[COUNTER_OF_CLASS.get(name, "clicks")] for name in CLASSES])

_TOLD = ("country_id", "device_id", "browser_id", "system_id", "language_id", "referrer_id")
"""The facets of persons that each of their clicks has; it has a city only where one is known."""

assert bulk.counters(TouchpointDay) == bulk.counters(TouchpointMonth) == _COUNTERS
assert bulk.columns(LinkDay)[: len(bulk.columns(SuspectedDay))] == bulk.columns(SuspectedDay)


class RollUps:
    """The sums of some clicks, by roll-up table and key.

    With `sign` -1 they take away what these clicks added before, as when late knowledge gives
    them another class: write the old ones with -1 and the new ones with 1, in one transaction.
    """

    def __init__(self, clicks: Rows, sign: int = 1) -> None:
        suspected = (clicks["kind"] == SUSPECTED) & ~clicks["miss"]
        led = ~clicks["miss"] & ~suspected
        self._parts = [_Part(clicks, np.flatnonzero(led), sign, (LinkDay, LinkHour, LinkFacet))]
        if suspected.any():
            clicks = clicks.copy()
            clicks["kind"][suspected] = PERSON
            tables = SuspectedDay, SuspectedHour, SuspectedFacet
            self._parts.append(_Part(clicks, np.flatnonzero(suspected), sign, tables))
        self._domains = _domain_days(clicks[clicks["miss"]], sign)
        self._prepared: bulk.Writes | None = None
        self._put_off: Ints | None = None

    def count_visitors(self, marks: Ints) -> None:
        """Add those who are new on their day: the `NEW_…` bits of each click's `Mark`."""
        for part in self._parts:
            part.count_visitors(marks)

    def prepare(self, dialect: str, *, facets_wait: bool = False) -> None:
        """Work out before the transaction what visitors change nothing of.

        With `facets_wait` the persons' facets are only noted (`clicks.facets`).
        """
        rows = [each for part in self._parts for each in (part.hours(), part.facets())]
        if facets_wait:
            _, self._put_off = rows.pop(1)
        rows.append((DomainDay, self._domains))
        self._prepared = [
            write for table, each in rows for write in bulk.adding(dialect, table, each)
        ]

    def write(self, connection: Connection) -> None:
        """Add the sums to the tables, within the caller's transaction."""
        if self._prepared is None:
            self.prepare(connection.dialect.name)
        assert self._prepared is not None
        for part in self._parts:
            part.write_days(connection)
        bulk.run(connection, self._prepared)
        self._parts[0].reopen_sums(connection)
        for part in self._parts:
            part.reopen_days(connection)
        if self._put_off is not None:
            facets.put_off(connection, self._put_off)


class _Part:
    """The sums of clicks that led somewhere: those at some places, for one set of tables."""

    def __init__(
        self,
        clicks: Rows,
        places: Ints,
        sign: int,
        tables: tuple[type[Base], type[Base], type[Base]],
    ) -> None:
        self._places = places
        self._clicks = clicks[places]
        self._sign = sign
        self._day_table, self._hour_table, self._facet_table = tables
        clicks = self._clicks
        self._persons = clicks[clicks["kind"] == PERSON]
        self._days = grouped(clicks["link_id"], clicks["day"], clicks["touchpoint_id"])
        self._counts = self._days.sums(_outcomes(clicks)) * sign

    def count_visitors(self, marks: Ints) -> None:
        whose, marks = self._days.whose, marks[self._places]
        for bit, place in _VISITORS:
            np.add.at(self._counts[:, place], whose[marks & bit != 0], self._sign)

    def hours(self) -> tuple[type[Base], Ints]:
        """The table of hours, and what is to be added there."""
        persons = self._persons
        keys = [persons[name] for name in ("day", "link_id", "hour")]
        hours = grouped(*keys)
        scans = hours.sums(persons["scan"].astype(np.int64))
        return self._hour_table, hours.rows(keys, hours.sizes * self._sign, scans * self._sign)

    def facets(self) -> tuple[type[Base], Ints]:
        """The table of facets, and what is to be added there."""
        clicks = self._clicks
        robots = clicks[(clicks["robot_id"] != 0) & ~np.isin(clicks["kind"], (PERSON, _OWN))]
        told = [*((self._persons, name) for name in _TOLD), (robots, "robot_id")]
        in_cities = self._persons[self._persons["city_id"] != 0]
        if len(in_cities):
            told.append((in_cities, "city_id"))
        keys = [
            *(np.concatenate([rows[name] for rows, _ in told]) for name in ("day", "link_id")),
            np.concatenate([rows[name] for rows, name in told]),
        ]
        of_link = grouped(*keys)
        return self._facet_table, of_link.rows(keys, of_link.sizes * self._sign)

    def reopen_sums(self, connection: Connection) -> None:
        """Have what links had on these days, and in their weeks and months, summed up again."""
        keys = self._clicks[self._days.first]
        names = ("day", "link_id", "workspace_id")
        closed_sums.reopen(connection, *(keys[name].astype(np.int64) for name in names))

    def reopen_days(self, connection: Connection) -> None:
        """Have these days closed again, should they have been."""
        keys = self._clicks[self._days.first]
        closed_days.reopen(connection, keys["workspace_id"], keys["day"])

    def write_days(self, connection: Connection) -> None:
        names = ("link_id", "day", "touchpoint_id", "workspace_id")
        rows = self._days.rows([self._clicks[name] for name in names], self._counts)
        bulk.add(connection, self._day_table, rows[:, : len(bulk.columns(self._day_table))])
        if self._day_table is LinkDay:
            days = _of_touchpoints(rows)
            bulk.add(connection, TouchpointDay, days)
            bulk.add(connection, TouchpointMonth, _of_months(days))


def _of_touchpoints(days: Ints) -> Ints:
    """Rows of `TouchpointDay`, from those of `LinkDay`."""
    _, day, touchpoint_id, workspace_id = days.T[:4]
    keys = workspace_id, day, touchpoint_id
    of_touchpoint = grouped(*keys)
    return of_touchpoint.rows(keys, of_touchpoint.sums(days[:, 4:]))


def _of_months(days: Ints) -> Ints:
    """Rows of `TouchpointMonth`, from those of `TouchpointDay`."""
    unique, whose = np.unique(days[:, 1], return_inverse=True)
    firsts = [date.fromordinal(day).replace(day=1).toordinal() for day in unique.tolist()]
    keys = days[:, 0], np.array(firsts, np.int64)[whose], days[:, 2]
    of_month = grouped(*keys)
    return of_month.rows(keys, of_month.sums(days[:, 3:]))


def _outcomes(clicks: Rows) -> Ints:
    """What each click adds to the counters of `LinkDay`."""
    counts = np.zeros((len(clicks), len(_COUNTERS)), np.int64)
    counts[np.arange(len(clicks)), _BY_KIND[clicks["kind"]]] = 1
    persons = clicks["kind"] == PERSON
    counts[:, _PLACE["scans"]] = persons & clicks["scan"]
    counts[:, _PLACE["tokenless"]] = persons & clicks["tokenless"]
    return counts


def _domain_days(misses: Rows, sign: int) -> Ints:
    """Rows of `DomainDay`."""
    days = grouped(misses["domain_id"], misses["day"])
    heads = days.sums((misses["kind"] == _HEAD).astype(np.int64))
    keys = [misses[name] for name in ("domain_id", "day", "workspace_id")]
    return days.rows(keys, (days.sizes - heads) * sign, heads * sign)


def rows_of(clicks: Rows) -> Ints:
    """The rows of the table `clicks` without their segment: up to the marks, at the place `MARKS`,
    or up to the cities where any is known.

    Neither token nor address nor user agent is in them.
    """
    marks = clicks["scan"] * _SCAN | clicks["miss"] * _MISS | clicks["tokenless"] * _TOKENLESS
    cities = [clicks["city_id"]] if clicks["city_id"].any() else []
    return np.column_stack((*(clicks[name] for name in _KEPT), marks, *cities))


_KEPT = (
    *("position", "time_ms", "workspace_id", "domain_id", "link_id", "link_version"),
    *("touchpoint_id", "day", "agent_id", "country_id", "language_id", "referrer_id", "hour"),
    "kind",
)
MARKS = len(_KEPT)
"""The place of the marks in the rows of `rows_of`."""


def write_rows(connection: Connection, segment_id: int, rows: Ints) -> None:
    """Insert click rows, within the caller's transaction."""
    bulk.insert(connection, Click, np.insert(rows, 0, segment_id, axis=1))


def accepted_rows(asked: Rows, node_id: int) -> Ints:
    """What the audit holds the roll-ups against: rows of `AcceptedDay`."""
    day, domain_id, link_id = (asked[name] for name in ("day", "domain_id", "link_id"))
    by_link = grouped(day, domain_id, link_id)
    keys = day, np.full(len(day), node_id, np.int64), domain_id, link_id
    return by_link.rows(keys, by_link.sizes, by_link.sums(asked["rejected"]))
