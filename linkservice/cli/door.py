"""What all commands share: the data directory, the database, and one line for each error.

Exit codes: 0 done, 1 failed, 2 when the command line itself cannot be understood.

Throughout this package everything heavy (SQLAlchemy, Alembic, Pillow, SciPy) is imported
inside the command that needs it: `--help` and the shell's completion must not wait half a
second for what they never use.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linkservice.cli import addresses
from linkservice.cli.output import aside
from linkservice.config import PREFIX, Settings, load
from linkservice.errors import LinkServiceError, Problem, Unavailable

if TYPE_CHECKING:
    from linkservice.database import Database

_DATA_DIR = "linkservice.data_dir"


def text(value: str) -> str:
    """The type of what people type; bytes that are no UTF-8 never reach a rule."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise click.BadParameter("This is not valid UTF-8; type it again.") from None
    return value


class Command(click.Command):
    """A command that takes `--data-dir` and tells errors under the names that were typed.

    What it returns is the exit code; nothing means 0.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_data_dir_option())

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except LinkServiceError as error:
            raise _Refused([_as_typed(self, problem) for problem in error.problems]) from error
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise  # click ends quietly: nobody reads on
            named = f"{error.filename}: " if error.filename else ""
            why = f"{named}{error.strerror or error}"
            raise _Refused([Problem("", "system_refused", {"why": why})]) from error
        except Exception as error:
            if why := _database_trouble(error):
                raise _Refused([Problem("", "database_failed", {"why": why})]) from error
            raise


class Group(click.Group):
    """A group of such commands, listed in the order they are added."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


class Door(Group):
    """The whole command line: every error becomes one line on stderr and an exit code."""

    def main(  # type: ignore[override]  # click declares one signature per mode
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> None:
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot show "▲" shows "?" instead of ending the command.
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a TextIOWrapper
        try:
            code = super().main(
                args, prog_name or "linkservice", complete_var, standalone_mode=False, **extra
            )
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help(), err=True)
            sys.exit(2)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "linkservice"
            _complain(f"{error.format_message().rstrip('.')}; see `{path} --help`.")
            sys.exit(2)
        except click.ClickException as error:
            _complain(error.format_message())
            sys.exit(1)
        except click.Abort:
            _complain(str(Problem("", "stopped")))
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


class _Refused(click.ClickException):
    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(map(str, problems)))


def read_settings(*, make: bool = True) -> Settings:
    """The settings: `--data-dir`, the environment, then where the service was last started.

    Without `make` a folder that holds no installation stays as it is; raises `Unavailable` where
    there is not even the folder.
    """
    settings = load(os.environ, make=make, data_dir=data_dir_given())
    own_database = not os.environ.get(PREFIX + "DATABASE_URL", "").strip()
    if own_database and not make and not settings.data_dir.exists():
        raise Unavailable(Problem("", "schema_missing"))
    last = addresses.last_served(settings.data_dir, os.environ)
    return load(os.environ, make=make, data_dir=settings.data_dir, **last) if last else settings


def data_dir_given() -> str | None:
    """What `--data-dir` was given, if it was."""
    given: str | None = click.get_current_context().meta.get(_DATA_DIR)
    return given


@contextmanager
def current_database(settings: Settings) -> Iterator[Database]:
    """The database of the settings; raises `Unavailable` unless its schema is current."""
    from linkservice import schema

    with any_database(settings) as database:
        schema.require_current(database)
        yield database


@contextmanager
def any_database(settings: Settings) -> Iterator[Database]:
    """The database of the settings, whatever is in it."""
    from linkservice.database import open_database

    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def serving_locks(settings: Settings, roles: Collection[str] | None = None) -> Iterator[None]:
    """Hold what `serve` holds for these roles, all unless named: nobody serves meanwhile.

    Raises `Conflict` when somebody does.
    """
    from linkservice.lockfile import exclusive
    from linkservice.serve import ROLES

    with ExitStack() as stack:
        for role in sorted(ROLES if roles is None else roles):
            lock = settings.data_dir / f"serve-{role}.lock"
            stack.enter_context(exclusive(lock, "serve_running"))
        yield


def make_tables(database: Database, *, renew: bool = False) -> None:
    """Make the tables where there are none, with `renew` also those of an older program current.

    Raises `Unavailable` for a schema that is not current otherwise.
    """
    from linkservice import schema

    try:
        schema.require_current(database)
    except Unavailable as error:
        code = error.problems[0].code
        if code == "schema_missing":
            aside(f"Made the database (schema {schema.upgrade(database)}).")
        elif code == "schema_old" and renew:
            aside(f"Brought the database up to date (schema {schema.upgrade(database)}).")
        else:
            raise


def now() -> datetime:
    """The one clock of the command line."""
    return datetime.now(UTC)


def _data_dir_option() -> click.Option:
    return click.Option(
        ["--data-dir"],
        type=click.Path(),
        metavar="FOLDER",
        expose_value=False,
        callback=_keep_data_dir,
        help="Folder of the database, the spool and the keys.",
    )


def _keep_data_dir(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None and not value.strip():
        raise click.BadParameter("This names no folder; is a variable of the shell not set?")
    if value is not None:
        ctx.meta[_DATA_DIR] = str(Path(value).expanduser().absolute())


def takes_data_dir(command: Door) -> Door:
    """Let `linkservice --data-dir FOLDER COMMAND` mean the same as the option behind it."""
    command.params.append(_data_dir_option())
    return command


def _as_typed(command: click.Command, problem: Problem) -> Problem:
    """The problem under the name of the option or argument that its field was given by."""
    for param in command.params:
        # `from_` in Python is `from` outside.
        name = (param.name or "").rstrip("_")
        if problem.field and name in (problem.field, problem.field.removesuffix("_id")):
            typed = param.opts[-1] if isinstance(param, click.Option) else param.human_readable_name
            return Problem(typed, problem.code, problem.params)
    return problem


def _database_trouble(error: Exception) -> str:
    """The first line of a database's complaint; empty for any other error."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    if isinstance(error, DBAPIError):
        return str(error.orig).strip().partition("\n")[0]
    return str(error).partition("\n")[0] if isinstance(error, SQLAlchemyError) else ""


def _complain(text: str) -> None:
    """One line on stderr, whatever characters came in with a name or a path."""
    one_line = " ".join(text.split())
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in one_line
    )
    click.echo(f"linkservice: {shown}", err=True)
