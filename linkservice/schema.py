"""The schema's state: is it there, is it ours, and how to move it (Alembic, from Python).

The service may run meanwhile. On PostgreSQL a table that is altered is locked, and whoever asks
for it next queues up behind the one that waits for the lock. So a migration that does not get
its locks soon steps back, lets the others pass, and begins anew.
"""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from linkservice.bundled import bundled
from linkservice.database import Database
from linkservice.errors import Failed, Problem, Unavailable

_LOCK_SECONDS = 1.0
"""For one lock; shorter than a customer waits for the database (`redirect/resolver`)."""

_PAUSE_SECONDS = 0.5
_TRIES = 120
_WAITED_TOO_LONG = ("55P03", "40P01")  # lock_not_available, deadlock_detected


def upgrade(database: Database, revision: str = "head") -> str:
    """Bring the schema to `revision`; returns the revision it has then.

    Raises `Failed` for an unknown revision, `Unavailable` for a schema newer than the program.
    """
    return _move(database, command.upgrade, revision)


def downgrade(database: Database, revision: str) -> str:
    """Take the schema back to `revision` (``base`` drops everything); returns it."""
    return _move(database, command.downgrade, revision)


def rebuild(connection: Connection, revision: str) -> None:
    """Drop every table and make those of `revision`, in the caller's transaction.

    Raises as `upgrade`.
    """
    _apply(connection, command.downgrade, "base")
    _apply(connection, command.upgrade, revision)


def upgrade_within(connection: Connection) -> str:
    """As `upgrade` to the newest revision, in the caller's transaction."""
    return _apply(connection, command.upgrade, "head")


def current(connection: Connection) -> str:
    """The schema's revision; empty where there are no tables yet."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def knows(revision: str) -> bool:
    """Whether this program has the revision; one it has not is of a newer program."""
    return revision in _revisions(bundled("migrations"))


def require_current(database: Database) -> None:
    """Raise `Unavailable`, with the command that mends it, unless the schema is this program's."""
    if database.is_absent:
        raise Unavailable(Problem("", "schema_missing"))
    with database.engine.connect() as connection:
        found = current(connection)
    if found == _revisions(bundled("migrations"))[0]:
        return
    if not found:
        raise Unavailable(Problem("", "schema_missing"))
    _refuse_newer(found)
    raise Unavailable(Problem("", "schema_old", {"found": found}))


def differences(database: Database) -> list[str]:
    """What the database has otherwise than the models say; empty when they agree."""
    from alembic.autogenerate import compare_metadata

    from linkservice.tables import metadata

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, metadata)]


@cache
def _revisions(folder: Path) -> tuple[str, ...]:
    """This program's revisions, the newest first. Every migration is run to read its own."""
    script = ScriptDirectory.from_config(_config())
    return tuple(known.revision for known in script.walk_revisions())


def _move(database: Database, move: object, revision: str) -> str:
    for _ in range(_TRIES - 1):
        try:
            return _move_once(database, move, revision)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in _WAITED_TOO_LONG:
                raise
        time.sleep(_PAUSE_SECONDS)
    return _move_once(database, move, revision)


def _move_once(database: Database, move: object, revision: str) -> str:
    with database.writing_connection() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS:g}s'"))
        return _apply(connection, move, revision)


def _apply(connection: Connection, move: object, revision: str) -> str:
    _refuse_unknown_state(connection)
    if revision not in ("base", "head") and not knows(revision):
        # Alembic has more ways to name one, and odd answers to odd texts.
        raise _unknown(revision, "there is none of that name")
    config = _config()
    config.attributes["connection"] = connection
    try:
        move(config, revision)  # type: ignore[operator]  # one of Alembic's two commands
    except CommandError as error:
        raise _unknown(revision, str(error)) from None
    return current(connection) or "base"


def _unknown(revision: str, why: str) -> Failed:
    return Failed(Problem("revision", "unknown_revision", {"revision": revision[:40], "why": why}))


def _refuse_unknown_state(connection: Connection) -> None:
    found = current(connection)
    if found:
        _refuse_newer(found)


def _refuse_newer(found: str) -> None:
    if not knows(found):
        raise Unavailable(Problem("", "schema_newer", {"found": found}))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(bundled("migrations")).replace("%", "%%"))
    return config
