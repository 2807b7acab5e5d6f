"""The service: started, tried out, its tables moved, its settings shown."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from linkservice.cli import addresses
from linkservice.cli.data import import_file
from linkservice.cli.door import (
    Command,
    Group,
    any_database,
    current_database,
    data_dir_given,
    make_tables,
    now,
    read_settings,
    serving_locks,
    text,
)
from linkservice.cli.output import Progress, aside
from linkservice.config import PREFIX, SETTINGS, Settings, load
from linkservice.errors import NotFound

if TYPE_CHECKING:
    from linkservice.database import Database

F = TypeVar("F", bound=Callable[..., Any])

_PORT = click.IntRange(1, 65535)


def _listening(command: F) -> F:
    """The options of whatever serves."""
    for option in (
        click.option(
            "--roles",
            type=text,
            default="redirect,web,ingest",
            show_default=True,
            help="Which parts run here.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(1, 64),
            metavar="NUMBER",
            help="Redirect workers. [2]",
        ),
        click.option(
            "--link-port",
            type=_PORT,
            metavar="PORT",
            default=8001,
            show_default=True,
            help="Where links answer.",
        ),
        click.option(
            "--port",
            type=_PORT,
            metavar="PORT",
            default=8000,
            show_default=True,
            help="Where the app and the API answer.",
        ),
        click.option(
            "--host",
            type=text,
            default="127.0.0.1",
            show_default=True,
            help="Address to listen at; 0.0.0.0 for the whole network.",
        ),
    ):
        command = option(command)
    return command


@click.command(cls=Command)
@_listening
def serve(host: str, port: int, link_port: int, workers: int | None, roles: str) -> int:
    """Run the service until Ctrl-C.

    SIGHUP restarts its processes one after the other, and nobody is refused meanwhile.
    In a new data directory the tables are made first; a PostgreSQL database is left alone
    until `db upgrade`. Where BASE_URL and LINK_URL are not set, they follow these options.
    While nobody has a password, a link to set the installation up is printed; it works once.
    """
    reached = addresses.from_options(_listen_at(host), port, link_port, os.environ)
    settings = load(os.environ, make=True, data_dir=data_dir_given(), **reached)
    own_database = not os.environ.get(PREFIX + "DATABASE_URL", "").strip()
    return _serve(settings, host, port, link_port, workers, roles, may_make_tables=own_database)


@click.command(cls=Command)
@_listening
def demo(host: str, port: int, link_port: int, workers: int | None, roles: str) -> int:
    """Try the service with an invented retailer's clicks.

    Its journey and a year of clicks go into the folder `demo` inside the data directory, in a
    database of their own; delete that folder to begin anew. Started again later, it tells what
    happened since. A link that signs you in is printed; it works once.
    """
    base = data_dir_given() or os.environ.get(PREFIX + "DATA_DIR", "").strip() or "./var"
    # Only the folder and the ports count: an invented journey must never meet a real one.
    outside = {
        name: value
        for name, value in os.environ.items()
        if name not in {PREFIX + each for each in ("DATABASE_URL", "BASE_URL", "LINK_URL")}
    }
    lan = _lan_address(_listen_at(host))
    reached = addresses.from_options(host, port, link_port, {})
    if lan is not None:
        # Codes lead there from a phone as well as from here.
        reached["link_url"] = f"http://{lan}:{link_port}"
    settings = load(outside, make=True, data_dir=Path(base) / "demo", **reached)
    with serving_locks(settings, _roles(roles)):
        pass  # one that already serves is not furnished again
    _refuse_taken_ports(host, {"web": port, "redirect": link_port}, _roles(roles))
    with any_database(settings) as database:
        make_tables(database, renew=True)  # nothing in it is real: nobody needs a backup first
        _furnish(settings, database)
        welcome = [f"Sign in: {settings.base_url}{_sign_in(database)}"]
        if lan is not None:
            welcome.append(f"On a phone: http://{lan}:{port}{_sign_in(database)}")
    return _serve(
        settings, host, port, link_port, workers, roles, may_make_tables=True, welcome=welcome
    )


@click.group(cls=Group)
def db() -> None:
    """The database's tables."""


@db.command("upgrade")
@click.argument("revision", type=text, default="head")
def db_upgrade(revision: str) -> None:
    """Make the tables, or bring them to this program's state (or to REVISION)."""
    from linkservice import schema

    with any_database(read_settings()) as database:
        click.echo(f"The schema is {schema.upgrade(database, revision)}.")


@db.command("downgrade")
@click.argument("revision", type=text)
def db_downgrade(revision: str) -> None:
    """Take the tables back to REVISION; "base" drops them all, with what is in them.

    Stop the service first.
    """
    from linkservice import schema

    settings = read_settings()
    # A running ingester would reject every click of a link that is gone.
    with serving_locks(settings), any_database(settings) as database:
        click.echo(f"The schema is {schema.downgrade(database, revision)}.")


@db.command("check")
def db_check() -> int:
    """Say whether the tables are what this program expects."""
    from linkservice import schema

    with current_database(read_settings(make=False)) as database:
        differences = schema.differences(database)
    for difference in differences:
        click.echo(f"Differs: {difference}")
    if not differences:
        click.echo("The schema is current.")
    return 1 if differences else 0


@click.command("settings", cls=Command)
def show_settings() -> None:
    """List every setting with its value, default and meaning."""
    settings = read_settings()
    width = min(shutil.get_terminal_size().columns, 100)
    for setting in SETTINGS:
        value = str(getattr(settings, setting.name.lower()))
        if setting.secret:
            given = os.environ.get(PREFIX + setting.name, "").strip()
            value = "set, not shown" if given else "not set"
        default = f"default {setting.default}" if setting.default else "no default"
        click.echo(f"{PREFIX}{setting.name}  {value or '(empty)'}  ({default})")
        click.echo(
            textwrap.fill(setting.help, width, initial_indent="    ", subsequent_indent="    ")
        )


def _listen_at(host: str) -> str:
    """`host`, once it is sure that it names an address: URLs are made of it."""
    from linkservice.serve.addresses import resolve

    resolve(host)
    return host


def _roles(listed: str) -> tuple[str, ...]:
    from linkservice.serve import ROLES

    roles = tuple(part.strip() for part in listed.split(",") if part.strip())
    if not roles or set(roles) - set(ROLES):
        raise click.BadParameter(f"Name some of {', '.join(ROLES)}.", param_hint="--roles")
    return roles


def _serve(
    settings: Settings,
    host: str,
    port: int,
    link_port: int,
    workers: int | None,
    roles: str,
    *,
    may_make_tables: bool,
    welcome: Sequence[str] = (),
) -> int:
    from linkservice.clicks.claims import Claims
    from linkservice.links.domains import follow_link_url
    from linkservice.logs import log_to_stderr
    from linkservice.serve import REDIRECT_WORKERS
    from linkservice.serve import serve as run
    from linkservice.workspaces.one_time import setup_link

    log_to_stderr(settings)
    with serving_locks(settings, _roles(roles)):
        pass  # a second service is refused before it changes what the first one goes by
    prepared = any_database(settings) if may_make_tables else current_database(settings)
    with prepared as database:
        if may_make_tables:
            make_tables(database)
        if {"redirect", "ingest"} & set(_roles(roles)):
            # A copied spool is refused here, where somebody reads it.
            Claims(settings, database).hold(now())
        with database.transaction() as session:
            followed = follow_link_url(session, settings, now())
            token = setup_link(session, now()) if "web" in _roles(roles) else None
        lines = [*welcome, *_next_steps(database, settings, token)]
    if followed:
        aside(f"The first domain is now {followed}.")
    addresses.remember(settings)
    return run(
        settings,
        host=host,
        port=port,
        link_port=link_port,
        workers=REDIRECT_WORKERS if workers is None else workers,
        roles=_roles(roles),
        schema_checked=True,
        last_line="\n".join(lines),
    )


def _next_steps(database: Database, settings: Settings, setup_token: str | None) -> Iterator[str]:
    """The page that sets the installation up, and the command to type next, in another terminal.

    A new installation has only one of them: its first workspace is made on that page, or by a key
    where no pages are served.
    """
    from linkservice.workspaces.accounts import first_workspace

    if setup_token is not None:
        yield f"Set up: {settings.base_url}/app/setup/{setup_token}"
    command = "link add https://example.com"
    with database.reading() as session:
        try:
            first_workspace(session)
        except NotFound:
            if setup_token is not None:
                return
            command = "key add my-first-key"
    usual = Path(SETTINGS[0].default).absolute()
    folder = "" if settings.data_dir == usual else f" --data-dir {settings.data_dir}"
    yield f"Next:  {_program()} {command}{folder}"


def _program() -> str:
    """How this program was called, so that the next command works in the same folder."""
    called = sys.argv[0]
    if called.endswith("__main__.py"):
        return "python -m linkservice"
    found = shutil.which("linkservice")
    on_path = found and Path(called).exists() and Path(found).samefile(called)
    return "linkservice" if on_path else called


def _furnish(settings: Settings, database: Database) -> None:
    """Make the demonstration, or what an earlier start left undone and what happened since."""
    from linkservice.demo.asides import record_asides
    from linkservice.demo.buying import record_purchases
    from linkservice.demo.clicks import write_clicks
    from linkservice.demo.furnish import begun_on, furnish, slugs_to_tell
    from linkservice.workspaces.access import operator

    file, moment = settings.data_dir / "clicks.jsonl", now()
    with database.transaction() as session:
        workspace = furnish(session, settings, moment)
        actor, begun = operator(workspace), begun_on(workspace)
        slugs = slugs_to_tell(session, actor, from_the_beginning=not file.exists())
    with Progress("Inventing") as bar:
        write_clicks(file, slugs, begun, moment, bar.at)
    record_asides(settings, database, actor, begun, moment)
    record_purchases(settings, database, actor, file, moment)
    import_file(settings, database, actor, file)


def _refuse_taken_ports(host: str, ports: Mapping[str, int], roles: Collection[str]) -> None:
    """Say at once, not after a minute's furnishing, that a port cannot be had."""
    from linkservice.serve.addresses import Address, resolve

    for role, port in ports.items():
        if role in roles:
            with Address(role, resolve(host), port, "").listening():
                pass


def _sign_in(database: Database) -> str:
    """The path of a new link that signs a visitor in to the demonstration."""
    from linkservice.demo.furnish import guest
    from linkservice.workspaces.accounts import first_workspace
    from linkservice.workspaces.one_time import sign_in_link

    with database.transaction() as session:
        user = guest(session, first_workspace(session))
        return f"/app/sign-in/{sign_in_link(session, user, now())}"


def _lan_address(host: str) -> str | None:
    """Where a phone in the same network finds what listens at `host`; None if it does not."""
    from linkservice.serve.addresses import lan_address

    return lan_address() if addresses.listens_everywhere(host) else None
