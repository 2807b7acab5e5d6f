"""The numbers of facet values and agents: rows and roll-ups hold those instead of the words.

Numbers are given by the database, once, and never change: they are remembered here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, select, tuple_
from sqlalchemy.orm import Session

from linkservice.clicks.model import AgentName, FacetValue
from linkservice.database import Database, insert_into, read_once

Value: TypeAlias = tuple[str, str]
"""A facet and its value."""

MOST_REMEMBERED = 200_000
"""Referrers and names come from the sender: memory must not grow with what they make up."""


class Names(NamedTuple):
    """What a user agent was read as; a row of the table `agents`."""

    robot: str
    tag: str
    device: str
    browser: str
    system: str

    @property
    def told(self) -> tuple[Value, Value, Value, Value]:
        """Its facets: device, browser, system and robot."""
        return (
            ("device", self.device),
            ("browser", self.browser),
            ("system", self.system),
            ("robot", self.robot),
        )


class Dictionary:
    """Gives values and agents their numbers, new ones in a transaction of their own; or none to
    new ones, where it only `looks_up`.
    """

    def __init__(self, database: Database, *, looks_up: bool = False) -> None:
        self._database = database
        self._looks_up = looks_up
        self._values: dict[Value, int] = {}
        self._agents: dict[Names, int] = {}
        self._known: Counter[str] = Counter()

    def known(self, facet: str) -> int:
        """How many values of a facet were wanted so far; never fewer than that."""
        return self._known[facet]

    def values(self, wanted: Iterable[Value]) -> Mapping[Value, int]:
        """At least the wanted values' numbers, as far as they have one. Must not be called within a
        transaction.
        """
        missing = sorted(set(wanted) - self._values.keys())
        if missing:
            if len(self._values) > MOST_REMEMBERED:
                self._values.clear()
                missing = sorted(set(wanted))
            found = self._numbered(FacetValue, ("facet", "value"), missing)
            self._known.update(facet for facet, _ in missing)
            self._values.update(
                {(facet, value): number for (facet, value), number in found.items()}
            )
        return self._values

    def agents(self, wanted: Iterable[Names]) -> Mapping[Names, int]:
        """At least the wanted agents' numbers. Must not be called within a transaction."""
        missing = sorted(set(wanted) - self._agents.keys())
        if missing:
            if len(self._agents) > MOST_REMEMBERED:
                self._agents.clear()
                missing = sorted(set(wanted))
            found = self._numbered(AgentName, Names._fields, missing)
            self._agents.update({Names(*names): number for names, number in found.items()})
        return self._agents

    def names(self, numbers: Iterable[int]) -> dict[int, Names]:
        """What the agents with these numbers were read as."""
        wanted, found = sorted(set(numbers)), {}
        with self._database.reading() as session:
            for first in range(0, len(wanted), 500):  # below SQLite's limit of parameters
                part = wanted[first : first + 500]
                for each in session.scalars(select(AgentName).where(AgentName.id.in_(part))):
                    found[each.id] = Names(
                        each.robot, each.tag, each.device, each.browser, each.system
                    )
        return found

    def _numbered(
        self,
        model: type[AgentName | FacetValue],
        names: Sequence[str],
        wanted: Sequence[tuple[str, ...]],
    ) -> dict[tuple[str, ...], int]:
        with self._database.reading() as session:
            found = _look_up(session, model, names, wanted)
        missing = [words for words in wanted if tuple(words) not in found]
        if missing and not self._looks_up:
            with self._database.writing_connection() as connection:
                _enter(connection, model, names, missing)
                found |= _look_up(connection, model, names, missing)
        return found


def value_id(session: Session, facet: str, value: str) -> int:
    """The number of a facet's value, within the caller's transaction; a new one if need be."""
    connection, names = session.connection(), ("facet", "value")
    _enter(connection, FacetValue, names, [(facet, value)])
    return _look_up(connection, FacetValue, names, [(facet, value)])[(facet, value)]


def knows_cities(session: Session) -> bool:
    """Whether the city of any click was ever known."""
    found = select(FacetValue.id).where(FacetValue.facet == "city").limit(1)
    return read_once(session, knows_cities, lambda: session.scalar(found) is not None)


def _look_up(
    session: Session | Connection,
    model: type[AgentName | FacetValue],
    names: Sequence[str],
    wanted: Sequence[tuple[str, ...]],
) -> dict[tuple[str, ...], int]:
    columns = [getattr(model, name) for name in names]
    found: dict[tuple[str, ...], int] = {}
    for first in range(0, len(wanted), 500):  # below SQLite's limit of depth and parameters
        part = wanted[first : first + 500]
        rows = session.execute(select(model.id, *columns).where(tuple_(*columns).in_(part)))
        found.update({tuple(words): number for number, *words in rows})
    return found


def _enter(
    connection: Connection,
    model: type[AgentName | FacetValue],
    names: Sequence[str],
    missing: Sequence[tuple[str, ...]],
) -> None:
    connection.execute(
        insert_into(model, connection).on_conflict_do_nothing(index_elements=list(names)),
        [dict(zip(names, words, strict=True)) for words in missing],
    )
