"""Whether the service can do its work now, and if not, why.

Decided here: what is looked at and from when on waiting clicks mean that nobody ingests.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from linkservice import schema
from linkservice.clicks import shortfall
from linkservice.clicks.backlog import backlog
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import LinkServiceError, Problem, Unavailable

LONGEST_WAIT_SECONDS = 60
"""A click is ingested within a second; after a minute nobody is ingesting."""

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
        waiting = backlog(settings.spool_dir, session)
    if waiting.since is None:
        return "no click waits"
    seconds = round(waiting.seconds(now))
    if seconds > LONGEST_WAIT_SECONDS:
        raise Unavailable(Problem("", "ingest_behind", {"seconds": seconds}))
    return f"the oldest click waits {seconds} s"
