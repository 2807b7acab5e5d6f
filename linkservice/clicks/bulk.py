"""Many rows at once, as few statements as the database takes: how ingest writes.

A statement for each row spends most of its time between the rows; SQLite takes a few hundred
in one VALUES (half the time of `executemany`), PostgreSQL a whole batch as one array a column.
Not here: what is written (`rollup`, `ledger`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Connection, Date, Integer, SmallInteger, Table
from sqlalchemy.types import TypeEngine

from linkservice.clicks.grouping import Ints
from linkservice.database import Base, LocalDay, insert_into

Writes: TypeAlias = Sequence[tuple[str, tuple[int | str, ...]]]
"""Statements and their parameters."""

_AT_ONCE = (1024, 256)
"""Rows of one statement on SQLite: two sizes, which stay prepared, and one for the rest. After
each statement its thread waits for its turn to run Python again: few are better than cheap ones.
"""


def insert(connection: Connection, model: type[Base], rows: Ints) -> None:
    """Insert rows: a number for each column in the table's order, of dates `date.toordinal()`.
    The last columns may be left out, if they have defaults.

    Raises `IntegrityError` when a key is taken.
    """
    run(connection, _writes(connection.dialect.name, model, rows, ""))


def add(connection: Connection, model: type[Base], rows: Ints) -> None:
    """Insert each row, or add its counters to the row with that primary key.

    The key is the first columns, no two rows may have the same, and they come in its order:
    two ingesters on one PostgreSQL then never lock crosswise, and SQLite walks its tree once.
    """
    run(connection, adding(connection.dialect.name, model, rows))


def adding(dialect: str, model: type[Base], rows: Ints) -> Writes:
    """The statements of `add`, to be run later."""
    return _writes(dialect, model, rows, _on_conflict(model))


def put(connection: Connection, model: type[Base], rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows over those that have their key, the first two columns; in its order, as `add`."""
    if not rows:
        return
    statement = insert_into(model, connection)
    key, kept = columns(model)[:2], columns(model)[2:]
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(key), set_={name: statement.excluded[name] for name in kept}
        ),
        [dict(zip((*key, *kept), row, strict=True)) for row in rows],
    )


def run(connection: Connection, writes: Writes) -> None:
    """Execute statements, within the caller's transaction."""
    for statement, values in writes:
        connection.exec_driver_sql(statement, values)


@lru_cache
def counters(model: type[Base]) -> tuple[str, ...]:
    """The columns of a roll-up that are summed: all but its key and its workspace."""
    return tuple(
        column.name
        for column in _table(model).columns
        if not column.primary_key and column.name != "workspace_id"
    )


def columns(model: type[Base]) -> tuple[str, ...]:
    """The table's columns in their order."""
    return tuple(column.name for column in _table(model).columns)


def _writes(dialect: str, model: type[Base], rows: Ints, on_conflict: str) -> Writes:
    if not len(rows):
        return ()
    if dialect == "sqlite":
        return [
            (_values_statement(model, *part.shape, on_conflict), _flat(model, part))
            for part in _parts(rows)
        ]
    arrays = tuple(f"{{{','.join(map(str, column))}}}" for column in _columns(model, rows))
    return [(_arrays_statement(model, len(arrays), on_conflict), arrays)]


def _flat(model: type[Base], rows: Ints) -> tuple[int | str, ...]:
    """All values, row by row."""
    values = list[int | str](rows.ravel().tolist())
    width = rows.shape[1]
    for place in _places(model, Date):  # a `LocalDay` is a number there
        values[place::width] = [_iso(day) for day in rows[:, place].tolist()]
    return tuple(values)


def _columns(model: type[Base], rows: Ints) -> Iterator[Iterable[int | str]]:
    dates = _places(model, Date, LocalDay)
    for place, column in enumerate(rows.T.tolist()):
        yield map(_iso, column) if place in dates else column


def _parts(rows: Ints) -> Iterator[Ints]:
    at = 0
    for size in _AT_ONCE:
        while len(rows) - at >= size:
            yield rows[at : at + size]
            at += size
    if at < len(rows):
        yield rows[at:]


@lru_cache
def _places(model: type[Base], *kinds: type[TypeEngine[date]]) -> tuple[int, ...]:
    """Those of the columns of these types."""
    columns = enumerate(_table(model).columns)
    return tuple(place for place, column in columns if isinstance(column.type, kinds))


@lru_cache(10_000)
def _iso(day: int) -> str:
    return date.fromordinal(day).isoformat()


@lru_cache(256)
def _values_statement(model: type[Base], rows: int, width: int, on_conflict: str) -> str:
    one = f"({','.join('?' * width)})"
    return f"{_into(model, width)} VALUES {','.join([one] * rows)} {on_conflict}"


@lru_cache
def _arrays_statement(model: type[Base], width: int, on_conflict: str) -> str:
    arrays = ", ".join(f"CAST(%s AS {kind}[])" for kind in _kinds(model)[:width])
    return f"{_into(model, width)} SELECT * FROM unnest({arrays}) {on_conflict}"  # noqa: S608  # names are the models'


def _into(model: type[Base], width: int) -> str:
    return f"INSERT INTO {_table(model).name} ({', '.join(columns(model)[:width])})"


@lru_cache
def _on_conflict(model: type[Base]) -> str:
    table = _table(model)
    key = ", ".join(column.name for column in table.primary_key.columns)
    sums = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in counters(model))
    return f"ON CONFLICT ({key}) DO UPDATE SET {sums}"


@lru_cache
def _kinds(model: type[Base]) -> tuple[str, ...]:
    """The columns' types, as PostgreSQL calls them."""
    return tuple(
        next(name for kind, name in _TYPES if isinstance(column.type, kind))
        for column in _table(model).columns
    )


# The first that fits: a big integer is an integer, too.
_TYPES = (
    *((Date, "date"), (LocalDay, "date"), (BigInteger, "bigint")),
    *((SmallInteger, "smallint"), (Integer, "integer")),
)


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table
