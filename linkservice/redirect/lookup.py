"""Links read from the database for the link door: one by its key, or all of them bit by bit.

Decided here: how a link is read with the least work. The statement is compiled once and given
to the driver: of the 115 µs that SQLAlchemy's own way takes, 20 remain, and a worker with more
links than it keeps in memory reads thousands a second. Not here: what is kept (`resolver`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import DBAPIError

from linkservice.clicks.calendar import epoch_ms
from linkservice.database import Database
from linkservice.links.model import Link

_LINK = select(
    Link.id, Link.version, Link.destination, Link.forward_query, Link.active, Link.expires_at
).where(Link.domain_id == bindparam("domain"), Link.slug_key == bindparam("key"))

_LINKS = (
    select(Link.id, Link.domain_id, Link.slug_key, *list(_LINK.selected_columns)[1:])
    .where(Link.id > bindparam("above"))
    .order_by(Link.id)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class LinkSnapshot:
    """A link as it stood when it was read; a deleted one is not active."""

    id: int
    version: int
    destination: str
    forward_query: bool
    active: bool
    expires_at_ms: int | None


def key_of(domain_id: int, slug_key: str) -> str:
    """By what a link is known in memory."""
    return f"{domain_id}/{slug_key}"


class Lookup:
    """Asks the database; safe for threads. Raises SQLAlchemyError when it does not answer."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        dialect = self._engine.dialect
        compiled = _LINK.compile(dialect=dialect)
        self._statement = str(compiled)
        self._by_position = bool(compiled.positional)
        # SQLite stores text; PostgreSQL's driver makes the moment itself.
        self._moment = Link.expires_at.type.dialect_impl(dialect).result_processor(dialect, None)

    def link(self, domain_id: int, slug_key: str) -> LinkSnapshot | None:
        """The link of that key, None when there is none."""
        row = self._row(domain_id, slug_key)
        if row is None:
            return None
        link_id, version, destination, forward_query, active, expires_at = row
        return LinkSnapshot(
            link_id,
            version,
            destination,
            bool(forward_query),
            bool(active),
            None if expires_at is None else epoch_ms(self._as_moment(expires_at)),
        )

    def most(self) -> int:
        """No more links than this many."""
        with self._engine.connect() as connection:
            return connection.scalar(select(func.max(Link.id))) or 0

    def links(self, above: int, most: int) -> Sequence[tuple[str, LinkSnapshot]]:
        """Up to `most` links with a higher id than `above`, by id, with their keys."""
        with self._engine.connect() as connection:
            rows = connection.execute(_LINKS, {"above": above, "most": most}).all()
        found = []
        for row in rows:
            expires_at_ms = None if row.expires_at is None else epoch_ms(row.expires_at)
            state = row.version, row.destination, row.forward_query, row.active
            snapshot = LinkSnapshot(row.id, *state, expires_at_ms)
            found.append((key_of(row.domain_id, row.slug_key), snapshot))
        return found

    def _row(self, domain_id: int, slug_key: str) -> tuple[Any, ...] | None:
        values: Any = (domain_id, slug_key)
        if not self._by_position:
            values = {"domain": domain_id, "key": slug_key}
        try:
            connection = self._engine.raw_connection()
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise DBAPIError(self._statement, None, error) from error
        try:
            cursor = connection.cursor()
            cursor.execute(self._statement, values)
            row: tuple[Any, ...] | None = cursor.fetchone()
            cursor.close()
        except self._engine.dialect.loaded_dbapi.Error as error:
            # The pool would give the broken connection to the next one.
            connection.invalidate(error)
            raise DBAPIError(self._statement, None, error) from error
        finally:
            connection.close()
        return row

    def _as_moment(self, stored: Any) -> datetime:
        moment = stored if self._moment is None else self._moment(stored)
        assert isinstance(moment, datetime)
        return moment
