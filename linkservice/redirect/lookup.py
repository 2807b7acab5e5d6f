"""Links read from the database for the link door: one by its key, or all of them bit by bit.

Decided here: how a link is read with the least work. The statement is compiled once and given
to the driver: of the 115 µs that SQLAlchemy's own way takes, 20 remain, and a worker with more
links than it keeps in memory reads thousands a second. Not here: what is kept (`resolver`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from linkservice.clicks.calendar import epoch_ms
from linkservice.database import Database
from linkservice.links.model import Link

_LINKS = select(
    *(Link.domain_id, Link.slug_key, Link.id, Link.version, Link.destination),
    *(Link.forward_query, Link.active, Link.expires_at, Link.append_click_id),
)
_ONE = _LINKS.where(Link.domain_id == bindparam("domain"), Link.slug_key == bindparam("key"))
_SOME = _LINKS.where(Link.id > bindparam("above")).order_by(Link.id).limit(bindparam("most"))
_SOME_IN_ONE_ROW = select(func.json_group_array(func.json_array(*_SOME.subquery().columns)))


@dataclass(slots=True)
class LinkSnapshot:
    """A link as it stood when it was read; a deleted one is not active.

    Nobody changes one. It is not frozen, because a million are made when a worker starts: a
    frozen one takes three times as long.
    """

    id: int
    version: int
    destination: str
    forward_query: bool
    active: bool
    expires_at_ms: int | None
    append_click_id: bool = False


class _Query(NamedTuple):
    """A statement as the driver takes it; `order` of its parameters, None where they are named.

    `fixed` are those it brings along (SQLite is told of an offset of nothing).
    """

    statement: str
    order: Sequence[str] | None
    fixed: dict[str, Any]

    @classmethod
    def of(cls, query: Select[*tuple[Any, ...]], dialect: Dialect) -> _Query:
        compiled = query.compile(dialect=dialect)
        order = compiled.positiontup if compiled.positional else None
        return cls(str(compiled), order, compiled.params)


def key_of(domain_id: int, slug_key: str) -> str:
    """By what a link is known in memory."""
    return f"{domain_id}/{slug_key}"


class Lookup:
    """Asks the database; safe for threads. Raises SQLAlchemyError when it does not answer."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        dialect = self._engine.dialect
        self._one = _Query.of(_ONE, dialect)
        # After each row SQLite's driver waits for its turn to run Python again; a thousand rows
        # in one value are read in half of the time, and whoever redirects is disturbed once.
        self._in_one_row = database.is_sqlite
        self._some = _Query.of(_SOME_IN_ONE_ROW if self._in_one_row else _SOME, dialect)
        # SQLite stores text; PostgreSQL's driver makes the moment itself.
        self._moment = Link.expires_at.type.dialect_impl(dialect).result_processor(dialect, None)

    def link(self, domain_id: int, slug_key: str) -> LinkSnapshot | None:
        """The link of that key, None when there is none."""
        rows = self._rows(self._one, {"domain": domain_id, "key": slug_key})
        return self._snapshot(*rows[0][2:]) if rows else None

    def most(self) -> int:
        """No more links than this many."""
        with self._engine.connect() as connection:
            return connection.scalar(select(func.max(Link.id))) or 0

    def links(self, above: int, most: int) -> list[tuple[str, LinkSnapshot]]:
        """The next links by id: up to `most` above that one, in whatever order, with their keys."""
        rows = self._rows(self._some, {"above": above, "most": most})
        if self._in_one_row:
            rows = json.loads(rows[0][0])
        return [
            (key_of(domain_id, slug_key), self._snapshot(*state))
            for domain_id, slug_key, *state in rows
        ]

    def _snapshot(
        self,
        link_id: int,
        version: int,
        destination: str,
        forward: Any,
        active: Any,
        expires: Any,
        append_click_id: Any,
    ) -> LinkSnapshot:
        expires_at_ms = None if expires is None else epoch_ms(self._as_moment(expires))
        return LinkSnapshot(
            link_id,
            version,
            destination,
            bool(forward),
            bool(active),
            expires_at_ms,
            bool(append_click_id),
        )

    def _rows(self, query: _Query, values: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        parameters: Any = query.fixed | values
        if query.order is not None:
            parameters = tuple(parameters[name] for name in query.order)
        try:
            connection = self._engine.raw_connection()
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise DBAPIError(query.statement, None, error) from error
        try:
            cursor = connection.cursor()
            cursor.execute(query.statement, parameters)
            rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
            cursor.close()
        except self._engine.dialect.loaded_dbapi.Error as error:
            # The pool would give the broken connection to the next one.
            connection.invalidate(error)
            raise DBAPIError(query.statement, None, error) from error
        finally:
            connection.close()
        return rows

    def _as_moment(self, stored: Any) -> datetime:
        moment = stored if self._moment is None else self._moment(stored)
        assert isinstance(moment, datetime)
        return moment
