"""Clicks on their way into the database, and backups."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from linkservice.cli.audit import totals
from linkservice.cli.door import (
    Command,
    Group,
    any_database,
    current_database,
    now,
    read_settings,
    serving_locks,
)
from linkservice.cli.output import Progress
from linkservice.config import Settings
from linkservice.errors import Conflict, Failed, Problem

if TYPE_CHECKING:
    from linkservice.database import Database
    from linkservice.workspaces.access import Actor

LOOK_AGAIN_SECONDS = 0.2

_FILE = click.Path(path_type=Path)


@click.command(cls=Command)
@click.option("--once", is_flag=True, help="Bring in what is recorded now, and end.")
def ingest(once: bool) -> None:
    """Bring clicks from the spool into the database.

    Until Ctrl-C; `linkservice serve` does this by itself. Deletes what was kept long enough.
    """
    from linkservice.clicks import retention
    from linkservice.clicks.ingest import Ingester
    from linkservice.logs import log_to_stderr

    settings = read_settings()
    log_to_stderr(settings, "ingest")
    with current_database(settings) as database:
        ingester = Ingester(settings, database)
        with ingester.alone():
            if once:
                done = ingester.run_once()
                # Where a timer calls this command, nobody else deletes.
                retention.keep_house(settings, database, now())
                click.echo(f"{done.ingested:,} clicks ingested, {done.rejected:,} rejected.")
            else:
                ingester.run(_stop_at_signals())


@click.group(cls=Group)
def clicks() -> None:
    """Single clicks from files, and into files."""


@clicks.command("import")
@click.argument("file", type=_FILE)
def clicks_import(file: Path) -> None:
    """Import past clicks from FILE.jsonl and wait until they are in the reports.

    A line is a JSON object with time, slug, source (click or scan), user_agent and address,
    and, if known, domain, referrer and language. Equal lines are different clicks. Importing
    a file again adds nothing, or only the lines that are new at its end.
    """
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace

    settings = read_settings()
    with current_database(settings) as database:
        with database.reading() as session:
            actor = operator(first_workspace(session))
        import_file(settings, database, actor, file)


def import_file(settings: Settings, database: Database, actor: Actor, file: Path) -> None:
    """Import and ingest with progress, and say what was done."""
    from linkservice.clicks.imports import import_clicks

    started = time.monotonic()
    try:
        with Progress("Reading") as bar:
            if file.is_file():
                bar.total = 2 * file.stat().st_size
            done = import_clicks(settings, database, actor, file, now(), bar.advance)
        with Progress("Ingesting", done.added) as bar:
            _wait_until_ingested(settings, database, bar)
    except KeyboardInterrupt:
        raise Failed(Problem("", "import_stopped")) from None
    known = done.clicks - done.added
    before = f" ({known:,} were there before)" if known else ""
    seconds = time.monotonic() - started
    click.echo(f"{file}: {done.added:,} clicks imported{before} in {seconds:.1f} s.")


@click.group(cls=Group)
def node() -> None:
    """After a copy or a move of the data directory."""


@node.command("adopt")
def node_adopt() -> None:
    """Take the node of this data directory, though another place seems to be at work on it.

    For a directory that has moved here while the old place is gone for good. Needed only
    within a minute of the old one's end; after that it happens by itself.
    """
    from linkservice.clicks.claims import adopt

    settings = read_settings()
    with current_database(settings) as database:
        held = adopt(settings, database, now())
    click.echo(f"The node is here now; it was in {held}." if held else "The node is here now.")


@node.command("renew")
def node_renew() -> None:
    """Make a copied data directory a node of its own.

    What was copied of the spool is set aside in the quarantine: the node it was copied from
    counts it. Stop the service of this directory first.
    """
    from linkservice.clicks.claims import renew

    settings = read_settings()
    with serving_locks(settings):
        click.echo(f"This data directory is node {renew(settings)}.")


@click.command(cls=Command)
def reclassify() -> None:
    """Read again what the spool holds, with what is known today.

    After an upgrade that knows more robots, or with another country file. May run beside
    the service and be interrupted; run again, it changes what is left. Older clicks stay.
    """
    from linkservice.clicks.agents import CLASSIFIER_VERSION
    from linkservice.clicks.reclassify import reclassify as read_again

    settings = read_settings()
    with current_database(settings) as database, Progress("Reading") as bar:
        done = read_again(settings, database, bar.at)
    click.echo(
        f"{done.read:,} clicks read again by classification {CLASSIFIER_VERSION}, "
        f"{done.changed:,} changed."
    )


@click.command(cls=Command)
@click.argument("file", type=_FILE)
def backup(file: Path) -> None:
    """Write a backup to FILE, also while the service runs.

    It holds the database without salts and sign-in sessions, and the settings without
    secrets. Keep it beside the data directory's spool and secret_key.
    """
    from linkservice.backup import back_up

    settings = read_settings()
    with current_database(settings) as database, Progress("Writing") as bar:
        made = back_up(settings, database, file, now(), bar.at)
    click.echo(f"{file}: {made.rows:,} rows, schema {made.schema}.")


@click.command(cls=Command)
@click.argument("file", type=_FILE)
@click.option("--replace", is_flag=True, help="Drop what is in the database first.")
def restore(file: Path, replace: bool) -> int:
    """Fill the database from the backup FILE.

    Clicks that came since are then replayed from the spool. All of the backup or nothing.
    Stop the service first. The backup may come from the other kind of database.
    """
    from linkservice import backup as backups
    from linkservice.clicks.audit import audit as compare
    from linkservice.clicks.ingest import Ingester

    settings = read_settings()
    with any_database(settings) as database, ExitStack() as stack:
        stack.enter_context(serving_locks(settings))
        ingester = Ingester(settings, database)
        stack.enter_context(ingester.alone())
        with Progress("Loading") as bar:
            made = backups.restore(database, file, replace=replace, progress=bar.at)
        with Progress("Replaying the spool") as bar:
            replayed = ingester.run_once(bar.advance)
        found = compare(settings, database)
    click.echo(
        f"{file}: {made.rows:,} rows of {made.created_at:%Y-%m-%d %H:%M} UTC restored, "
        f"{replayed.ingested:,} clicks replayed from the spool."
    )
    click.echo(", ".join(f"{name} {number:,}" for name, number in totals(found).items()))
    return 1 if found.difference else 0


def _wait_until_ingested(settings: Settings, database: Database, bar: Progress) -> None:
    """Ingest what is in the spool, or watch the running service do it."""
    from linkservice.clicks.imports import waiting
    from linkservice.clicks.ingest import Ingester

    ingester = Ingester(settings, database)
    most = 0
    while True:
        try:
            with ingester.alone():
                ingester.run_once(bar.advance)
                return
        except Conflict:
            left = waiting(settings, database)
            if not left:
                return
            most = max(most, left)
            bar.at(most - left, most)
            time.sleep(LOOK_AGAIN_SECONDS)


def _stop_at_signals() -> threading.Event:
    stop = threading.Event()

    def set_stop(number: int, frame: FrameType | None) -> None:
        # In a thread of its own: the interrupted code may hold the event's lock.
        threading.Thread(target=stop.set, name="stop").start()

    signal.signal(signal.SIGTERM, set_stop)
    signal.signal(signal.SIGINT, set_stop)
    return stop
