"""All rows of a database, to be put into others: what takes long to make is made once.

Numbers go on where they would have gone on. Tables must be empty where a snapshot is put.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import insert, select, text

from linkservice.database import Database
from linkservice.tables import metadata

Made = TypeVar("Made")

_LAST_NUMBERS = {
    "sqlite": "SELECT name, seq AS number FROM sqlite_sequence",
    "postgresql": (
        "SELECT sequencename AS name, last_value AS number FROM pg_sequences"
        " WHERE last_value IS NOT NULL"
    ),
}
_NUMBER_ON = {
    "sqlite": "UPDATE sqlite_sequence SET seq = :number WHERE name = :name",
    "postgresql": "SELECT setval(CAST(:name AS regclass), :number)",
}


@dataclass(frozen=True)
class Snapshot:
    """Rows by table, and the last number each sequence gave out."""

    rows: Mapping[str, list[dict[str, Any]]]
    numbers: Mapping[str, int]

    def put_into(self, database: Database) -> None:
        """Fill a database of the same kind whose tables are empty."""
        with database.writing_connection() as connection:
            for table in metadata.sorted_tables:
                if rows := self.rows.get(table.name):
                    connection.execute(insert(table), rows)
            statement = text(_NUMBER_ON[connection.dialect.name])
            for name, number in self.numbers.items():
                connection.execute(statement, {"name": name, "number": number})


def taken(database: Database) -> Snapshot:
    """A snapshot of everything that is there now."""
    with database.reading() as session:
        rows = {
            table.name: [dict(row) for row in session.execute(select(table)).mappings()]
            for table in metadata.sorted_tables
        }
        last = session.execute(text(_LAST_NUMBERS[session.get_bind().dialect.name]))
        numbers = {row.name: row.number for row in last}
    return Snapshot({name: found for name, found in rows.items() if found}, numbers)


_MADE: dict[tuple[str, str], tuple[Snapshot, Any]] = {}
"""By name and kind of database."""


def made_once(name: str, database: Database, make: Callable[[], Made]) -> Made:
    """What `make` returns, and in the empty database what it puts there.

    The first test of a process that asks for it makes it, all others get copies.
    """
    key = name, database.engine.dialect.name
    if key in _MADE:
        snapshot, made = _MADE[key]
        snapshot.put_into(database)
        return made  # type: ignore[no-any-return]  # what `make` returned the first time
    made = make()
    _MADE[key] = taken(database), made
    return made
