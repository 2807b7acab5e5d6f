"""What is kept: the database, the spool and its disk, the country file, what the day needs."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from linkservice.clicks import claims
from linkservice.clicks.calendar import zone
from linkservice.clicks.ledger_model import LedgerEntry
from linkservice.clicks.model import Salt
from linkservice.clicks.segment import QUARANTINE, SpoolFailed, segments
from linkservice.config import PREFIX, Settings
from linkservice.database import Database
from linkservice.errors import Conflict, LinkServiceError
from linkservice.links.model import Domain
from linkservice.lockfile import exclusive
from linkservice.readiness import Check
from linkservice.reports.model import LetterSubscription
from linkservice.workspaces.model import Workspace

SLOW_DATABASE_SECONDS = 0.05
"""For an empty question. Links that are not in memory wait for some of them."""

SLOW_SYNC_SECONDS = 0.02
"""A disk for desktops takes as long; those made for servers a tenth."""

SYNCS_TRIED = 7

WHERE_TO_LOOK = (
    f"set {PREFIX}DATA_DIR, or give --data-dir, as the service has it; for a first start "
    "`linkservice serve` makes it, or `linkservice db upgrade`."
)

_DAMAGED = ("malformed", "not a database")
"""In SQLite's own words."""

OLD_GEOGRAPHY = timedelta(days=90)
"""Networks change hands: every quarter some per cent of a country file are wrong."""


def is_absent(database: Database) -> bool:
    """Whether the file of an SQLite database is not there; asking it anything would make one."""
    return database.is_sqlite and not Path(database.engine.url.database or "").exists()


def absent(database: Database) -> Check:
    """Nobody has started the service here, or this is another folder than the service's."""
    return Check("database", False, f"{database.engine.url.database} is not there; {WHERE_TO_LOOK}")


def database(settings: Settings, database: Database) -> Check:
    """Which it is, how large, how quick."""
    with database.engine.connect() as connection:

        def ask(question: str) -> object:
            return connection.execute(text(question)).scalar()

        took = statistics.median(_timed(lambda: ask("SELECT 1")) for _ in range(5))
        if database.is_sqlite:
            name = f"SQLite {ask('SELECT sqlite_version()')}"
            mode = str(ask("PRAGMA journal_mode"))
            size = int(str(ask("PRAGMA page_count"))) * int(str(ask("PRAGMA page_size")))
        else:
            name, mode = f"PostgreSQL {ask('SHOW server_version')}", ""
            size = int(str(ask("SELECT pg_database_size(current_database())")))
    told = f"{name}, {size / 1e6:,.1f} MB, answers in {took * 1000:.1f} ms"
    if mode not in ("", "wal"):
        todo = f"{told}; its journal is “{mode}”, so readers stop writers: move it to a local disk."
        return Check("database", True, todo, degraded=True)
    if took > SLOW_DATABASE_SECONDS:
        todo = f"{told}; put it nearer, links that are not in memory wait for it."
        return Check("database", True, todo, degraded=True)
    return Check("database", True, told)


def silent_database(database: Database) -> Check:
    """Why it does not answer: its own words, which name hosts and users, are for its owner."""
    try:
        with database.engine.connect():
            return Check("database", False, "it did not answer, and does now; look again.")
    except SQLAlchemyError as error:
        told = str(getattr(error, "orig", None) or error).strip().partition("\n")[0].rstrip(".")
    if not database.is_sqlite:
        todo = f"see whether the server that {PREFIX}DATABASE_URL names runs and lets us in."
        return Check("database", False, f"{told}; {todo}")
    file = database.engine.url.database
    if any(each in told for each in _DAMAGED):
        todo = "move it away and bring a backup back: `linkservice restore FILE`."
    else:
        todo = "see whether it is a file that this user may read and write, on a disk with room."
    return Check("database", False, f"{file}: {told}; {todo}")


def sync(settings: Settings) -> Check:
    """How long the disk takes to keep what a click is, measured."""
    path = settings.data_dir / f".doctor.{os.getpid()}.tmp"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(fd, bytes(4096), 0)
            os.fsync(fd)
            took = statistics.median(_timed(lambda: _kept(fd)) for _ in range(SYNCS_TRIED))
        finally:
            os.close(fd)
            path.unlink()
    except OSError as error:
        return Check("sync", False, f"nothing can be written: {error.strerror}; mend the disk.")
    told = f"a click is on the disk after {took * 1000:.2f} ms"
    if took > SLOW_SYNC_SECONDS and settings.spool_sync == "always":
        todo = f"{told}, and waits for it; use a faster disk, or {PREFIX}SPOOL_SYNC=second."
        return Check("sync", True, todo, degraded=True)
    return Check("sync", True, told)


def segments_kept(settings: Settings, now: datetime) -> Check:
    """What is in the spool's folder."""
    folder = settings.spool_dir
    try:
        found = segments(folder)
        strange = list((folder / QUARANTINE).glob("*"))
    except (SpoolFailed, OSError) as error:
        return Check("segments", False, f"the folder cannot be read: {error}")
    if strange:
        todo = (
            f"{len(strange)} damaged pieces in {folder / QUARANTINE}; look what damaged them, as "
            f"the disk or the memory. They go after {settings.spool_retention_days} days."
        )
        return Check("segments", True, todo, degraded=True)
    if not found:
        return Check("segments", True, "none yet")
    states = [each.state for each in found]
    told = f"{len(found):,} with {sum(each.size for each in found) / 1e6:,.1f} MB"
    oldest = min(_written(each.path, now) for each in found)
    told += f", the oldest of {oldest:%Y-%m-%d}, {states.count('live')} being written"
    if orphans := states.count("orphan"):
        told += f", {orphans} left by workers that ended, to be sealed by the ingester"
    return Check("segments", True, told)


def geography(settings: Settings, now: datetime) -> Check:
    """Where clicks come from: is the file there, and how old is it?"""
    import maxminddb

    from linkservice.clicks import geodata

    if geodata.is_built_in(settings):
        return Check("countries", True, geodata.built_in_name())
    path = geodata.chosen_file(settings).path
    try:
        made = geodata.describe(path).made
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        todo = f"correct {PREFIX}GEOIP_DB or run `linkservice geo update`."
        return Check("countries", False, f"{path} cannot be read ({error}); {todo}")
    told = f"{path} of {made:%Y-%m-%d}"
    if now - made > OLD_GEOGRAPHY:
        todo = f"{told}, {(now - made).days} days old; fetch a newer one: `linkservice geo update`."
        return Check("countries", True, todo, degraded=True)
    return Check("countries", True, told)


def contents(settings: Settings, database: Database, now: datetime) -> Iterator[Check]:
    """Whose the spool is, the ingester, the salts it makes, what it had to reject, and letters."""
    yield node(settings, database, now)
    running = _ingester(settings)
    detail = f"running (process {running})" if running else "not running; `serve` starts it"
    yield Check("ingester", True, detail)
    yield _salts(database, now, running=bool(running))
    yield _rejected(database)
    yield _letters(settings, database, now)


def node(settings: Settings, database: Database, now: datetime) -> Check:
    """Whether this data directory is the copy of one that is at work, which `serve` refuses."""
    try:
        claims.look(settings, database, now)
    except (LinkServiceError, OSError) as error:
        return Check("node", False, str(error))
    return Check("node", True, "no copy of this data directory is at work")


def hosts(database: Database) -> list[str]:
    """The hosts of all domains."""
    with database.reading() as session:
        return list(session.scalars(select(Domain.host).order_by(Domain.id)))


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _kept(fd: int) -> None:
    os.pwrite(fd, os.urandom(100), 0)
    os.fdatasync(fd)


def _written(path: Path, now: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return now  # sealed or deleted since


def _ingester(settings: Settings) -> str:
    """The process that ingests here; empty when none does."""
    try:
        with exclusive(settings.data_dir / "ingest.lock", "ingest_running"):
            return ""
    except Conflict as error:
        return str(error.problems[0].params["pid"])


def _salts(database: Database, now: datetime, *, running: bool) -> Check:
    """Without today's salt a click has no visitor; whoever ingests makes it."""
    with database.reading() as session:
        workspaces = session.scalars(select(Workspace)).all()
        rows = session.execute(select(Salt.workspace_id, Salt.local_date))
        present = {(workspace_id, day) for workspace_id, day in rows}
    if not workspaces:
        todo = "none yet; open the set-up link that `serve` printed, or `linkservice key add NAME`."
        return Check("workspace", True, todo)
    missing = [
        each.name
        for each in workspaces
        if (each.id, now.astimezone(zone(each.time_zone)).date()) not in present
    ]
    if missing and running:
        names = ", ".join(missing)
        return Check("salts", False, f"none for today in {names}; restart the service.")
    if missing:
        return Check("salts", True, "none for today; they are made when the service starts")
    return Check("salts", True, f"today's, of {len(workspaces)}")


def _rejected(database: Database) -> Check:
    """Told, but no trouble of today's: what was rejected stays so."""
    with database.reading() as session:
        number = session.scalar(select(func.sum(LedgerEntry.rejected))) or 0
    if not number:
        return Check("rejected", True, "no click")
    detail = f"{number:,} clicks of links this database does not know; a backup may know them"
    return Check("rejected", True, detail)


def _letters(settings: Settings, database: Database, now: datetime) -> Check:
    """Whether the reports that members ask for by e-mail go out."""
    with database.reading() as session:
        due = session.execute(select(LetterSubscription.due_on, LetterSubscription.tries)).all()
    if not due:
        return Check("letters", True, "nobody asked for reports by e-mail")
    told = f"{len(due):,} asked for reports by e-mail"
    if not settings.smtp_url:
        todo = f"{told}, and none is sent; set {PREFIX}SMTP_URL."
        return Check("letters", True, todo, degraded=True)
    failed = sum(bool(each.tries) for each in due)
    if failed:
        todo = f"{told}, {failed:,} could not be sent and are tried again; the log says why."
        return Check("letters", True, todo, degraded=True)
    first = min(each.due_on for each in due)
    if first < (now - timedelta(days=1)).date():
        todo = f"{told}, one is due since {first}; run an app port, or `linkservice letters send`."
        return Check("letters", True, todo, degraded=True)
    return Check("letters", True, f"{told}, the next one goes out on {first}")
