"""The schema's state: is it there, is it ours, and how to move it (Alembic, from Python)."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from linkservice.bundled import bundled
from linkservice.database import Database
from linkservice.errors import Failed, Problem, Unavailable


def upgrade(database: Database, revision: str = "head") -> str:
    """Bring the schema to `revision`; returns the revision it has then.

    Raises `Failed` for an unknown revision, `Unavailable` for a schema newer than the program.
    """
    return _move(database, command.upgrade, revision)


def downgrade(database: Database, revision: str) -> str:
    """Take the schema back to `revision` (``base`` drops everything); returns it."""
    return _move(database, command.downgrade, revision)


def require_current(database: Database) -> None:
    """Raise `Unavailable`, with the command that mends it, unless the schema is this program's."""
    with database.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_config())
    if found == script.get_current_head():
        return
    if found is None:
        raise Unavailable(Problem("", "schema_missing"))
    _refuse_newer(script, found)
    raise Unavailable(Problem("", "schema_old", {"found": found}))


def differences(database: Database) -> list[str]:
    """What the database has otherwise than the models say; empty when they agree."""
    from alembic.autogenerate import compare_metadata

    from linkservice.tables import metadata

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, metadata)]


def _move(database: Database, move: object, revision: str) -> str:
    with database.writing_connection() as connection:
        _refuse_unknown_state(connection)
        config = _config()
        config.attributes["connection"] = connection
        try:
            move(config, revision)  # type: ignore[operator]  # one of Alembic's two commands
        except CommandError as error:
            raise Failed(
                Problem("revision", "unknown_revision", {"revision": revision, "why": str(error)})
            ) from None
        return MigrationContext.configure(connection).get_current_revision() or "base"


def _refuse_unknown_state(connection: Connection) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None:
        _refuse_newer(ScriptDirectory.from_config(_config()), found)


def _refuse_newer(script: ScriptDirectory, found: str) -> None:
    if found not in {revision.revision for revision in script.walk_revisions()}:
        raise Unavailable(Problem("", "schema_newer", {"found": found}))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(bundled("migrations")).replace("%", "%%"))
    return config
