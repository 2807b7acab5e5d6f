"""`doctor`: is everything in order, and if not, what to do.

Not here: what `/readyz` looks at as well (`readiness`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from linkservice.cli.door import Command, any_database, now, read_settings
from linkservice.cli.output import coloured
from linkservice.config import PREFIX, Settings
from linkservice.errors import Conflict, LinkServiceError

if TYPE_CHECKING:
    from linkservice.database import Database
    from linkservice.readiness import Check

LEAST_FREE_BYTES = 512 * 1024 * 1024

LARGEST_CLOCK_ERROR = timedelta(seconds=5)
"""Between this machine and its database: days, salts and sessions go by the clock."""

EARLIEST_NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""This program is not older; a clock before it was never set."""


@click.command(cls=Command)
def doctor() -> int:
    """Look whether everything is in order.

    A line that is not says what to do; the exit code is then 1.
    """
    try:
        settings = read_settings()
        well = _tell("settings", True, f"data directory {settings.data_dir}")
        with any_database(settings) as database:
            for check in _checks(settings, database):
                well = _tell(check.name, check.ok, check.detail) and well
    except LinkServiceError as error:
        well = _tell("settings", False, str(error))
    return 0 if well else 1


def _tell(name: str, ok: bool, detail: str) -> bool:
    word = coloured("ok     ", "green") if ok else coloured("problem", "red", bold=True)
    click.echo(f"{word}  {name:<10} {detail}")
    return ok


def _checks(settings: Settings, database: Database) -> Iterator[Check]:
    from linkservice.readiness import Check, check_all

    found = {check.name: check for check in check_all(settings, database, now())}
    yield from found.values()
    yield _room(settings)
    yield _geography(settings)
    if not (found["database"].ok and found["schema"].ok):
        return
    yield _clock(database)
    running = _ingester(settings)
    detail = f"running (process {running})" if running else "not running; `serve` starts it"
    yield Check("ingester", True, detail)
    yield _salts(database, running=bool(running))
    yield _rejected(database)


def _room(settings: Settings) -> Check:
    from linkservice.readiness import Check

    free = shutil.disk_usage(settings.data_dir).free
    told = f"{free / 1e9:,.1f} GB free"
    if free < LEAST_FREE_BYTES:
        return Check("room", False, f"{told}; make room, or clicks can no longer be recorded.")
    return Check("room", True, told)


def _geography(settings: Settings) -> Check:
    from linkservice.readiness import Check

    if not settings.geoip_db:
        return Check("countries", True, "built-in registry data, approximate")
    import maxminddb

    try:
        with maxminddb.open_database(settings.geoip_db) as reader:
            made = datetime.fromtimestamp(reader.metadata().build_epoch, UTC)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        detail = f"{settings.geoip_db} cannot be read ({error}); correct {PREFIX}GEOIP_DB."
        return Check("countries", False, detail)
    return Check("countries", True, f"{settings.geoip_db} of {made:%Y-%m-%d}")


def _clock(database: Database) -> Check:
    """Against the database's own clock, and against what was already done."""
    from sqlalchemy import func, select

    from linkservice.clicks.model import LedgerEntry
    from linkservice.readiness import Check

    with database.reading() as session:
        latest = session.scalar(select(func.max(LedgerEntry.finished_at)))
        theirs = None if database.is_sqlite else session.scalar(select(func.clock_timestamp()))
    ours = now()
    mend = "set the clock, and keep it by NTP."
    if ours < EARLIEST_NOW or (latest is not None and latest > ours + LARGEST_CLOCK_ERROR):
        return Check("clock", False, f"{ours:%Y-%m-%d %H:%M:%S} UTC is in the past; {mend}")
    if theirs is not None and abs(theirs - ours) > LARGEST_CLOCK_ERROR:
        seconds = (theirs - ours).total_seconds()
        return Check("clock", False, f"the database's is {seconds:+.0f} s from this one; {mend}")
    return Check("clock", True, f"{ours:%Y-%m-%d %H:%M:%S} UTC")


def _ingester(settings: Settings) -> str:
    """The process that ingests here; empty when none does."""
    from linkservice.lockfile import exclusive

    try:
        with exclusive(settings.data_dir / "ingest.lock", "ingest_running"):
            return ""
    except Conflict as error:
        return str(error.problems[0].params["pid"])


def _rejected(database: Database) -> Check:
    """Told, but no trouble of today's: what was rejected stays so."""
    from sqlalchemy import func, select

    from linkservice.clicks.model import LedgerEntry
    from linkservice.readiness import Check

    with database.reading() as session:
        number = session.scalar(select(func.sum(LedgerEntry.rejected))) or 0
    if not number:
        return Check("rejected", True, "no click")
    detail = f"{number:,} clicks of links this database does not know; a backup may know them"
    return Check("rejected", True, detail)


def _salts(database: Database, *, running: bool) -> Check:
    """Without today's salt a click has no visitor; whoever ingests makes it."""
    from sqlalchemy import select

    from linkservice.clicks.calendar import zone
    from linkservice.clicks.model import Salt
    from linkservice.readiness import Check
    from linkservice.workspaces.model import Workspace

    with database.reading() as session:
        workspaces = session.scalars(select(Workspace)).all()
        rows = session.execute(select(Salt.workspace_id, Salt.local_date))
        present = {(workspace_id, day) for workspace_id, day in rows}
    if not workspaces:
        return Check("workspace", False, "there is none; run `linkservice key add NAME`.")
    missing = [
        each.name
        for each in workspaces
        if (each.id, now().astimezone(zone(each.time_zone)).date()) not in present
    ]
    if missing and running:
        names = ", ".join(missing)
        return Check("salts", False, f"none for today in {names}; restart the service.")
    if missing:
        return Check("salts", True, "none for today; they are made when the service starts")
    return Check("salts", True, f"today's, of {len(workspaces)}")
