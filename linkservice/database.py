"""The engine, `transaction()` and `reading()`, the declarative base and column types.

Not here: the schema's history (`migrations/`, driven by `schema.py`) and the tables
themselves (each noun's `model.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Integer,
    MetaData,
    cast,
    create_engine,
    event,
    func,
    literal,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect, Engine, ExecutionContext, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator, TypeEngine

from linkservice import lockfile
from linkservice.config import PREFIX, Settings
from linkservice.errors import Invalid, Problem

if TYPE_CHECKING:
    import psycopg

Found = TypeVar("Found")

READ_ONCE = "read once"
"""In `Session.info` of a session that reads: what it keeps, since nothing it sees can change."""

AS_BYTES = {"as_bytes": True}
"""Execution options of a query for packed values: PostgreSQL then sends them as they are. As text
each byte is two digits, and a year of packed days took twice the time.
"""

BUSY_SECONDS = 5
"""How long a connection waits for another one's lock before it gives up."""


class Base(DeclarativeBase):
    """Base of all tables; the naming convention makes every constraint addressable."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class View(DeclarativeBase):
    """Base of what is read like a table and is a query of the database: only migrations make it."""

    metadata = MetaData()


BigId = BigInteger().with_variant(Integer, "sqlite")
"""64 bits on both databases; SQLite numbers rows by itself only for INTEGER keys."""

NEVER_REUSED = {"sqlite_autoincrement": True}
"""Table options: the id of a deleted row is never given to another one."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC; naive values are refused before they are stored."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        # SQLite keeps no offset; what was written was UTC.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class LocalDay(TypeDecorator[date]):
    """A date, on SQLite as its number (`date.toordinal()`): three bytes, where its words take ten.

    For the largest tables: of hours and facets a third of the room was dates. Whoever compares one
    with another table's date has to make that a number (`as_local_day`).
    """

    impl = Date
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else Date())

    def process_bind_param(self, value: date | None, dialect: Dialect) -> date | int | None:
        return value.toordinal() if value and dialect.name == "sqlite" else value

    def process_result_value(self, value: date | int | None, dialect: Dialect) -> date | None:
        return date.fromordinal(value) if isinstance(value, int) else value


def read_once(session: Session, key: Hashable, read: Callable[[], Found]) -> Found:
    """What was read under that key, or is now; a session that writes reads it each time."""
    remembered: dict[Hashable, Found] = session.info.get(READ_ONCE, {})
    if key not in remembered:
        remembered[key] = read()
    return remembered[key]


def is_sqlite(session: Session) -> bool:
    """Whether it is on SQLite, else on PostgreSQL."""
    return session.get_bind().dialect.name == "sqlite"


def as_local_day(session: Session, day: ColumnElement[date]) -> ColumnElement[date]:
    """A date of another table as a `LocalDay`."""
    if not is_sqlite(session):
        return day
    # Julian days begin at noon; 1 January of the year 1 is `date.toordinal()` 1.
    return cast(func.julianday(day) - 1721424.5, LocalDay)


def weekday(session: Session, day: ColumnElement[date]) -> ColumnElement[int]:
    """That of a `LocalDay`, from Sunday, 0."""
    if not is_sqlite(session):
        # `date.toordinal()`: what `extract` tells is a decimal, which takes twice as long.
        return (type_coerce(day - literal(date.min), Integer) + 1) % 7
    return type_coerce(day, Integer) % 7


class Database:
    """One engine and the two ways to use it.

    On SQLite every writer takes a file lock (`<database>.gate`) before BEGIN IMMEDIATE:
    SQLite's own busy handler polls with growing pauses, so beside a busy ingester a web
    write waited 1.7 s (p99); queued at a file lock it waits 0.1 s. Who comes first waits at the
    gate, all others for that place (`<database>.next`): whoever leaves the gate and comes back
    at once, like a busy ingester, finds the place taken and is second.
    """

    def __init__(self, url: str, answer_seconds: float | None = None) -> None:
        """`answer_seconds`: after so long without an answer a statement fails and its connection
        is given up, though the server may only be slow; for whoever must not wait with it.
        Raises `Invalid` where `url` names no database we support.
        """
        self.engine = _engine(url)
        if answer_seconds is not None and not self.is_sqlite:
            from linkservice.impatience import give_up_after

            give_up_after(self.engine, answer_seconds)
        self._gate = _gate_path(self.engine)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def is_absent(self) -> bool:
        """Whether it is a SQLite file yet to be made, which connecting would do."""
        if not self.is_sqlite:
            return False
        path = Path(str(self.engine.url.database))
        return path.parent.is_dir() and not path.exists()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that writes: committed at the end, rolled back on any error."""
        engine = self.engine.execution_options(writes=True)
        with self._writing(), Session(engine) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session with one consistent view of the data, for SELECTs only."""
        with Session(self.engine, info={READ_ONCE: {}}) as session:
            if not self.is_sqlite:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def writing_connection(self) -> Iterator[Connection]:
        """Like `transaction()`, without the unit of work: for bulk statements."""
        with self._writing(), self.engine.execution_options(writes=True).begin() as connection:
            yield connection

    def checkpoint(self) -> None:
        """Move what SQLite's log holds into the file, as far as no reader needs it there.

        Waits for nobody and keeps nobody waiting, unlike the checkpoint that a commit makes
        when the log has grown. Nothing to do on PostgreSQL.
        """
        if self.is_sqlite:
            # Without the BEGIN that the engine puts before everything else.
            with closing(self.engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").close()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._gate is None:
            yield
            return
        place = lockfile.hold(self._gate.with_suffix(".next"))
        try:
            gate = lockfile.hold(self._gate)
        finally:
            lockfile.release(place)
        try:
            yield
        finally:
            lockfile.release(gate)


def open_database(settings: Settings, answer_seconds: float | None = None) -> Database:
    """The database the settings name; `answer_seconds` as `Database` takes it."""
    return Database(settings.database_url, answer_seconds)


def insert_into(
    model: type[Base], within: Connection | Session
) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what to do on a conflict; both databases say it alike."""
    bind = within.get_bind() if isinstance(within, Session) else within
    insert = sqlite.insert if bind.dialect.name == "sqlite" else postgresql.insert
    return insert(model)


@contextmanager
def unless_taken(
    session: Session, model: type[Base], *columns: str, otherwise: Exception
) -> Iterator[None]:
    """Flush what is done inside; raise `otherwise` if the unique constraint over these columns
    of `model` forbids it. The database judges, so of two who come at once one is refused; what
    was done before stays.
    """
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        if not _violates(error, model, columns):
            raise
        raise otherwise from None


def _violates(error: IntegrityError, model: type[Base], columns: tuple[str, ...]) -> bool:
    table = model.__tablename__
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return bool(diagnosis.constraint_name == f"uq_{table}_{'_'.join(columns)}")
    # SQLite names the columns instead of the constraint.
    named = ", ".join(f"{table}.{column}" for column in columns)
    return f"UNIQUE constraint failed: {named}" in str(error.orig)


def _engine(url: str) -> Engine:
    problem = Problem(PREFIX + "DATABASE_URL", "bad_database_url", {})
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Invalid(problem) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise Invalid(problem)
        engine = create_engine(
            parsed,
            # The connection used last has the pages in memory that are asked for most.
            pool_use_lifo=True,
            connect_args={"timeout": BUSY_SECONDS},
            hide_parameters=True,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if backend == "postgresql":
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "connect_timeout": BUSY_SECONDS,
                # Without it a server that vanished holds threads for minutes.
                "tcp_user_timeout": BUSY_SECONDS * 1000,
                # Nor may a machine that vanished, or a process that was stopped, in the middle of
                # a transaction keep the others out for as long as the server believes in it.
                "options": "-c timezone=UTC -c idle_in_transaction_session_timeout=60s",
            },
        )
        event.listen(engine, "before_cursor_execute", _ask_for_bytes)
        return engine
    raise Invalid(problem)


def _ask_for_bytes(
    connection: Connection,
    cursor: psycopg.Cursor[Any],
    statement: str,
    parameters: object,
    context: ExecutionContext,
    many: bool,
) -> None:
    if context.execution_options.get("as_bytes"):
        from psycopg.pq import Format  # who is on SQLite does without it

        cursor.format = Format.BINARY


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    # The driver's own BEGIN comes late and deferred: a read that later writes then fails
    # with "database is locked" (121 of 160 did). `_begin_sqlite` begins instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: a spool segment is deleted only because its rows are on stable storage.
    cursor.execute("PRAGMA synchronous=FULL")
    # The ingester moves the log into the file, beside the others (`Database.checkpoint`). This
    # is for when there is none: four times the usual, or the app's writes would do its work.
    cursor.execute("PRAGMA wal_autocheckpoint=4000")
    cursor.execute("PRAGMA foreign_keys=ON")
    # What was deleted is overwritten: a salt that is gone must not wait in a free page.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _gate_path(engine: Engine) -> Path | None:
    if engine.dialect.name != "sqlite":
        return None
    return Path(f"{engine.url.database}.gate")
