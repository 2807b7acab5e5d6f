"""One backup format for both databases: written while the service runs, restored whole or not.

A backup is a zip file: `tables/<name>.jsonl` with one row a line, `settings.json`, and
`manifest.json`, written last. All rows come from one snapshot. Left out are the salts (a
visitor's address must stay unknowable), secrets, sign-in sessions, one-time links, attempts,
sheets (they can be made again), the change feed and claims (only running processes need
them). What PostgreSQL has packed (`clicks.packing`) is written as the rows it was. The spool is
no part of it: what was clicked since is replayed from there after a restore, and the ledger in
the backup says from where on.

Not here: that nothing else uses the data directory during a restore, and the replay (the
command line).
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeAlias

from sqlalchemy import (
    Connection,
    Integer,
    MetaData,
    Select,
    Table,
    delete,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from linkservice import schema
from linkservice.backup_values import Kind, Value, kinds, plain, value_of
from linkservice.clicks import salts
from linkservice.clicks.packed_model import WHOLE, EveryClick, PackedClicks, PackedLinkDay
from linkservice.clicks.segment import node_id, sync_directory
from linkservice.config import SETTINGS, Settings
from linkservice.database import Database, LocalDay
from linkservice.errors import Conflict, Failed, LinkServiceError, Problem, Unavailable
from linkservice.tables import metadata

FORMAT = 1
LEFT_OUT = frozenset(
    {"salts", "sessions", "one_time_links", "attempts", "sheets", "changes", "claims"}
    | {"packed_clicks", "packed_link_days"}
)

ROWS_AT_ONCE = 1_000
LONGEST_LINE = 64 * 1024 * 1024
"""Of a row: the largest is a workspace with its logo."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the rows done and the rows in all."""


@dataclass(frozen=True, slots=True)
class TableNote:
    """What a backup says of one of its tables."""

    name: str
    columns: Mapping[str, Kind]
    rows: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself; `numbered_to` are the highest ids each table gave out."""

    schema: str
    created_at: datetime
    node: str
    tables: Sequence[TableNote]
    numbered_to: Mapping[str, int]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


def back_up(
    settings: Settings, database: Database, path: Path, now: datetime, progress: Progress
) -> Manifest:
    """Write a backup to `path`, which must not exist yet.

    Raises `Conflict` when it does, `Unavailable` for a schema that is not current, OSError.
    """
    schema.require_current(database)
    if path.exists():
        raise Conflict(Problem("FILE", "file_exists", {"path": path}))
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    # Hashes of keys and today's visitors are in it: for its owner's eyes only.
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                manifest = _write(archive, settings, database, now, progress)
            file.flush()
            os.fsync(file.fileno())
        _give_name(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path.parent)
    return manifest


def restore(database: Database, path: Path, *, replace: bool, progress: Progress) -> Manifest:
    """Fill the database from a backup, in one transaction: all of it or nothing.

    A backup with an older schema is loaded into tables of that age and then upgraded. The
    salts of the day stay as they are: they are in no backup, and visitors are told by them.
    Raises `Failed` for a file that is damaged or no backup, `Unavailable` when a newer
    program made it, `Conflict` when there is a workspace already and not `replace`.
    """
    try:
        _refuse_damaged(path)
        with zipfile.ZipFile(path) as archive, database.writing_connection() as connection:
            manifest = _read_manifest(archive)
            if not replace:
                _refuse_inhabited(connection)
            numbered_to = _numbered_to(connection)
            kept = salts.taken_out(connection)
            _forget_packed(connection)
            schema.rebuild(connection, manifest.schema)
            _load(connection, archive, manifest, progress)
            schema.upgrade_within(connection)
            salts.put_back(connection, kept)
            _number_on(connection, manifest.numbered_to, numbered_to)
    except (OSError, LinkServiceError, OperationalError):
        raise
    except (SQLAlchemyError, *_DAMAGE) as error:
        why = str(getattr(error, "orig", None) or error) or type(error).__name__
        raise Failed(Problem("FILE", "backup_damaged", {"path": path, "why": why})) from None
    return manifest


_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ArithmeticError,  # a number beyond what a column holds
    LookupError,
    TypeError,
    ValueError,
    NotImplementedError,  # compressed in a way we never use
    RuntimeError,  # encrypted
    RecursionError,
)


def _write(
    archive: zipfile.ZipFile,
    settings: Settings,
    database: Database,
    now: datetime,
    progress: Progress,
) -> Manifest:
    tables = [table for table in metadata.sorted_tables if table.name not in LEFT_OUT]
    with database.reading() as session:
        counts = {
            table.name: session.scalar(
                select(func.count()).select_from(_whole(table).order_by(None).subquery())
            )
            or 0
            for table in tables
        }
        done, total = 0, sum(counts.values())
        for table in tables:
            with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as file:
                for lines in _lines(session, table):
                    file.write(b"".join(lines))
                    done += len(lines)
                    progress(done, total)
        manifest = Manifest(
            schema=schema.current(session.connection()),
            created_at=now,
            node=node_id(settings.data_dir).hex(),
            tables=[TableNote(each.name, kinds(each), counts[each.name]) for each in tables],
            numbered_to=_numbered_to(session.connection()),
        )
    archive.writestr("settings.json", _json(_public(settings)))
    archive.writestr("manifest.json", _json(_described(manifest)))
    return manifest


def _lines(session: Session, table: Table) -> Iterator[list[bytes]]:
    """The rows in the order of their keys, as JSON arrays, so many at a time."""
    rows = session.execute(_whole(table), execution_options={"yield_per": ROWS_AT_ONCE})
    for part in rows.partitions():
        yield [
            json.dumps([plain(value) for value in row], separators=(",", ":")).encode() + b"\n"
            for row in part
        ]


def _whole(table: Table) -> Select[*tuple[Any, ...]]:
    """Its rows in the order of their keys, with those that lie packed."""
    every = WHOLE.get(table.name)
    found = every.__table__.c if every else table.c
    key = [found[column.name] for column in table.primary_key.columns]
    if every in (None, EveryClick):
        return select(*(found[column.name] for column in table.columns)).order_by(*key)
    # What came later than the rest was packed is a row of its own.
    sums = [func.sum(found[name]).label(name) for name in table.columns.keys()[len(key) :]]
    return select(*key, *sums).group_by(*key).order_by(*key)


def _public(settings: Settings) -> dict[str, str]:
    return {
        setting.name: str(getattr(settings, setting.name.lower()))
        for setting in SETTINGS
        if not setting.secret
    }


def _json(document: object) -> bytes:
    return json.dumps(document, indent=1).encode()


def _described(manifest: Manifest) -> dict[str, object]:
    return {
        "format": FORMAT,
        "schema": manifest.schema,
        "created_at": manifest.created_at.isoformat(),
        "node": manifest.node,
        "tables": [
            {"name": table.name, "columns": dict(table.columns), "rows": table.rows}
            for table in manifest.tables
        ],
        "numbered_to": dict(manifest.numbered_to),
    }


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    with archive.open("manifest.json") as file:
        document = json.loads(file.read(LONGEST_LINE))
    if document["format"] != FORMAT or not schema.knows(document["schema"]):
        found = f"format {document['format']}, schema {document['schema']}"
        raise Unavailable(Problem("FILE", "backup_newer", {"found": found}))
    return Manifest(
        schema=document["schema"],
        created_at=datetime.fromisoformat(document["created_at"]),
        node=document["node"],
        tables=[
            TableNote(each["name"], dict(each["columns"]), int(each["rows"]))
            for each in document["tables"]
        ],
        numbered_to={name: int(number) for name, number in document["numbered_to"].items()},
    )


def _refuse_damaged(path: Path) -> None:
    """Read it all once: nobody is kept from the database by a file that is not whole."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {damaged!r}")


def _refuse_inhabited(connection: Connection) -> None:
    if not schema.current(connection):
        return
    if connection.execute(text("SELECT 1 FROM workspaces LIMIT 1")).first() is not None:
        raise Conflict(Problem("", "database_inhabited"))


def _forget_packed(connection: Connection) -> None:
    """Or it would be made rows again, to be deleted as rows (`schema.rebuild`)."""
    present = set(inspect(connection).get_table_names())
    for packed in (PackedClicks, PackedLinkDay):
        if packed.__tablename__ in present:
            connection.execute(delete(packed))


def _load(
    connection: Connection, archive: zipfile.ZipFile, manifest: Manifest, progress: Progress
) -> None:
    # As the database has them, not as today's models do: the backup may be older.
    notes = {note.name: note for note in manifest.tables}
    present = MetaData()
    present.reflect(connection, only=sorted(notes))
    done = 0
    for table in present.sorted_tables:
        if table.name not in notes:
            continue
        note, count = notes[table.name], 0
        for column in table.columns:
            # A number is a day there if the backup says so.
            if note.columns.get(column.name) == "day" and isinstance(column.type, Integer):
                column.type = LocalDay()
        for rows in _rows(archive, note):
            connection.execute(table.insert(), rows)
            count += len(rows)
            progress(done + count, manifest.rows)
        if count != note.rows:
            raise ValueError(f"{count} rows of {note.name} instead of {note.rows}")
        done += count


def _rows(archive: zipfile.ZipFile, note: TableNote) -> Iterator[list[dict[str, Value]]]:
    with archive.open(f"tables/{note.name}.jsonl") as file:
        rows: list[dict[str, Value]] = []
        for line in _bounded(file):
            values = json.loads(line)
            rows.append(
                {
                    name: value_of(value, kind)
                    for (name, kind), value in zip(note.columns.items(), values, strict=True)
                }
            )
            if len(rows) == ROWS_AT_ONCE:
                yield rows
                rows = []
        if rows:
            yield rows


def _bounded(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        yield line


def _numbered_to(connection: Connection) -> dict[str, int]:
    """The highest id each table ever gave out, to rows since deleted too."""
    present = set(inspect(connection).get_table_names())
    if connection.dialect.name != "sqlite":
        last = text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, :key)::regclass)")
        found = [
            (table.name, connection.scalar(last, {"table": table.name, "key": key}))
            for table, key in _numbered()
            if table.name in present
        ]
    elif present:
        rows = connection.execute(text("SELECT name, seq FROM sqlite_sequence"))
        found = [(name, number) for name, number in rows]
    else:
        found = []
    return {name: number for name, number in found if number}


def _number_on(connection: Connection, *given_out: Mapping[str, int]) -> None:
    """Have every table number on above these ids and its own: the spool may still name them."""
    for table, key in _numbered():
        highest = connection.scalar(select(func.max(table.c[key]))) or 0
        number = max(highest, *(numbers.get(table.name, 0) for numbers in given_out))
        if not number:
            continue
        params = {"table": table.name, "key": key, "number": number}
        if connection.dialect.name == "sqlite":
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), params)
            statement = "INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :number)"
        else:
            statement = "SELECT setval(pg_get_serial_sequence(:table, :key)::regclass, :number)"
        connection.execute(text(statement), params)


def _numbered() -> list[tuple[Table, str]]:
    """The tables whose rows the database numbers by itself, each with that column's name."""
    return [
        (table, table.primary_key.columns[0].name)
        for table in metadata.sorted_tables
        if table.dialect_kwargs.get("sqlite_autoincrement")
    ]


def _give_name(temporary: Path, path: Path) -> None:
    """Rename, but never over a file that came meanwhile."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise Conflict(Problem("FILE", "file_exists", {"path": path})) from None
    except OSError:  # a file system without hard links
        temporary.rename(path)
