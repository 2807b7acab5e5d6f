"""Whether the service can do its work now, and if not, why.

Decided here: what is looked at, from when on waiting clicks mean that nobody ingests, and what
is a reason to send nobody here (not ok) or only to look after it (degraded: it works, and will
not for long or did not always).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from linkservice import schema
from linkservice.clicks import shortfall
from linkservice.clicks.backlog import backlog
from linkservice.clicks.ledger_model import LedgerEntry
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import LinkServiceError, Problem, Unavailable

LONGEST_WAIT_SECONDS = 60
"""A click is ingested within a second; after a minute nobody is ingesting."""

UNRECORDED_LATELY_SECONDS = 60
"""After so long without another unrecorded click the disk is taken to be well again."""

UNRECORDED_NOTED = timedelta(hours=24)
"""How long readers are told that clicks are missing from the reports."""

LEAST_FREE_BYTES = 512 * 1024 * 1024
"""A week's clicks of a busy service; below it somebody should make room."""

SPOOL_NEEDS_BYTES = 1024 * 1024
"""Below it the next click may be the one that finds no room."""

LARGEST_CLOCK_ERROR = timedelta(seconds=5)
"""Between this machine and its database: days, salts and sessions go by the clock."""

EARLIEST_NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""This program is not older; a clock before it was never set."""

_BEGUN = time.monotonic()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be right; `detail` says what was found and what to do.

    `degraded`: it is well enough to go on, and somebody should look after it.
    """

    name: str
    ok: bool
    detail: str
    degraded: bool = False


class Degraded(Exception):
    """What was found is well enough to go on; its text says what to do."""


def check_all(settings: Settings, database: Database, now: datetime) -> list[Check]:
    """Process, database, schema, spool, ingest, recording, room and clock. Never raises."""
    there = _checked("database", lambda: _database(database))

    def asked(name: str, check: Callable[[], str]) -> Check:
        # Whoever does not answer is not asked again: each question may take seconds to fail.
        return _checked(name, check) if there.ok else Check(name, False, there.detail)

    return [
        Check("process", True, f"runs for {time.monotonic() - _BEGUN:,.0f} s"),
        there,
        asked("schema", lambda: _schema(database)),
        _checked("spool", lambda: _spool(settings)),
        asked("ingest", lambda: _ingest(settings, database, now)),
        _checked("recording", lambda: _recording(settings, now)),
        _checked("room", lambda: _room(settings)),
        _checked("clock", lambda: _clock(database if there.ok else None, now)),
    ]


def _checked(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except Degraded as found:
        return Check(name, True, str(found), degraded=True)
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
    free = shutil.disk_usage(place).free
    if free < SPOOL_NEEDS_BYTES:
        raise Unavailable(Problem("", "spool_failed", {"reason": f"{free:,} bytes are left"}))
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
    told = f"every click is recorded; {clicks:,} were not, the last one {seconds:,} s ago"
    if seconds < UNRECORDED_NOTED.total_seconds():
        raise Degraded(f"{told}; reports of those days miss them.")
    return told


def _room(settings: Settings) -> str:
    free = shutil.disk_usage(settings.data_dir).free
    told = f"{free / 1e9:,.1f} GB free"
    if free < LEAST_FREE_BYTES:
        raise Degraded(f"{told}; make room, or clicks can no longer be recorded.")
    return told


def _clock(database: Database | None, now: datetime) -> str:
    """Against the database's own clock, and against what was already done."""
    latest = theirs = None
    if database is not None:
        # Without tables the clock is not what is wrong; the others say what is.
        with contextlib.suppress(SQLAlchemyError), database.reading() as session:
            latest = session.scalar(select(func.max(LedgerEntry.finished_at)))
            theirs = None if database.is_sqlite else session.scalar(select(func.clock_timestamp()))
    mend = "set the clock, and keep it by NTP."
    if now < EARLIEST_NOW or (latest is not None and latest > now + LARGEST_CLOCK_ERROR):
        raise Degraded(f"{now:%Y-%m-%d %H:%M:%S} UTC is in the past; {mend}")
    if theirs is not None and abs(theirs - now) > LARGEST_CLOCK_ERROR:
        seconds = (theirs - now).total_seconds()
        raise Degraded(f"the database's is {seconds:+.0f} s from this one; {mend}")
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"


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
