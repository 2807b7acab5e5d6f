"""Whether the service can do its work now, and if not, why.

Decided here: what is looked at and from when on waiting clicks mean that nobody ingests.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from linkservice import schema
from linkservice.clicks import ledger, shortfall
from linkservice.clicks.calendar import moment
from linkservice.clicks.event import Record, read_records
from linkservice.clicks.segment import HEADER_BYTES, Segment, segments
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import LinkServiceError, Problem, Unavailable

LONGEST_WAIT_SECONDS = 60
"""A click is ingested within a second; after a minute nobody is ingesting."""

_ENOUGH_BYTES = 16 * 1024
_IMPORTED = "1970"  # as `write_segment` names what it puts into the spool


UNRECORDED_LATELY_SECONDS = 60
"""After so long without another unrecorded click the disk is taken to be well again."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be right; `detail` says what was found."""

    name: str
    ok: bool
    detail: str


def check_all(settings: Settings, database: Database, now: datetime) -> list[Check]:
    """Database, schema, spool, ingest and recording, each with what was found. Never raises."""
    return [
        _checked("database", lambda: _database(database)),
        _checked("schema", lambda: _schema(database)),
        _checked("spool", lambda: _spool(settings)),
        _checked("ingest", lambda: _ingest(settings, database, now)),
        _checked("recording", lambda: _recording(settings, now)),
    ]


def _checked(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except LinkServiceError as error:
        return Check(name, False, str(error))
    except SQLAlchemyError:
        # Its own text may name hosts and users, and whoever asks here need not sign in.
        return Check(name, False, str(Unavailable(Problem("", "database_away"))))


def _database(database: Database) -> str:
    with database.reading() as session:
        session.connection()
    return database.engine.dialect.name


def _schema(database: Database) -> str:
    schema.require_current(database)
    return "current"


def _spool(settings: Settings) -> str:
    spool_dir = settings.spool_dir
    # It is made with the first click, so that its parent counts until then.
    place = spool_dir if spool_dir.exists() else settings.data_dir
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise Unavailable(Problem("", "spool_failed", {"reason": "the folder cannot be written"}))
    return "writable"


def _recording(settings: Settings, now: datetime) -> str:
    """What could not be recorded of late; raises `Unavailable` while that goes on."""
    clicks = sum(each.clicks for each in shortfall.read_all(settings.spool_dir))
    last = shortfall.last_counted(settings.spool_dir)
    if last is None:
        return "every click is recorded"
    # A clock that was set back leaves files of the future: they are of now.
    seconds = max(0, round(now.timestamp() - last))
    if seconds <= UNRECORDED_LATELY_SECONDS:
        facts = {"clicks": f"{clicks:,}", "seconds": seconds}
        raise Unavailable(Problem("", "clicks_unrecorded", facts))
    return f"every click is recorded; {clicks:,} were not, the last one {seconds:,} s ago"


def _ingest(settings: Settings, database: Database, now: datetime) -> str:
    """How long the oldest click waits; raises `Unavailable` when that is too long."""
    with database.reading() as session:
        positions = {
            key: entry.position if entry.finished_at is None else sys.maxsize
            for key, entry in ledger.entries(session).items()
        }
    waiting = [
        since
        for segment in segments(settings.spool_dir)
        if (since := _waiting_since(segment, positions)) is not None
    ]
    if not waiting:
        return "no click waits"
    seconds = max(0, round((now - min(waiting)).total_seconds()))
    if seconds > LONGEST_WAIT_SECONDS:
        raise Unavailable(Problem("", "ingest_behind", {"seconds": seconds}))
    return f"the oldest click waits {seconds} s"


def _waiting_since(segment: Segment, positions: dict[tuple[str, str], int]) -> datetime | None:
    """When the first record behind the ledger's position was written; None if there is none."""
    position = positions.get((segment.node, segment.name), HEADER_BYTES)
    if segment.broken or segment.size <= position:
        return None
    try:
        with segment.path.open("rb") as file:
            file.seek(position)
            data = file.read(min(_ENOUGH_BYTES, segment.size - position))
            written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
    except OSError:
        return None  # sealed or deleted meanwhile: someone is ingesting
    first = next(iter(read_records(data, segment.identity, position)), None)
    # What was clicked elsewhere long ago waits only since its file was written.
    if not isinstance(first, Record) or segment.name.startswith(_IMPORTED):
        return written
    return moment(first.click.time_ms)
