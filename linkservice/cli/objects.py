"""Keys, users, links and their QR codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linkservice.cli.door import (
    Command,
    Group,
    any_database,
    current_database,
    make_tables,
    now,
    read_settings,
    text,
)
from linkservice.config import Settings
from linkservice.errors import Invalid, NotFound, Problem

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from linkservice.links.manage import NewLink
    from linkservice.workspaces.model import Workspace

MOST_LINES = 5_000
"""Links made at once: some eight seconds, for which other writers wait."""

LONGEST_LINE = 64 * 1024
MOST_PROBLEMS = 5


@click.group(cls=Group)
def key() -> None:
    """API keys for programs."""


@key.command("add")
@click.argument("name", type=text)
@click.option("--scope", type=text, multiple=True, help="What it may do; repeat it. [admin]")
def key_add(name: str, scope: tuple[str, ...]) -> None:
    """Make a key and print it: it is shown this once.

    In a new data directory this first makes the tables, a workspace and its domain. Scopes:
    links:read links:write journeys:read journeys:write reports:read admin.
    """
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.keys import create_key

    settings, moment = read_settings(), now()
    with any_database(settings) as database:
        make_tables(database)
        with database.transaction() as session:
            actor = operator(_some_workspace(session, settings))
            made = create_key(session, actor, name, scope, moment)
    click.echo(made)


@key.command("list")
def key_list() -> None:
    """List the keys, the newest first."""
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace
    from linkservice.workspaces.keys import list_keys

    moment = now()
    with current_database(read_settings(make=False)) as database, database.reading() as session:
        for each in list_keys(session, operator(first_workspace(session))):
            used = f"last used {each.last_used_at:%Y-%m-%d}" if each.last_used_at else "never used"
            if each.revoked_at is not None:
                state = "revoked"
            elif each.expires_at is not None:
                word = "expires" if each.expires_at > moment else "expired"
                state = f"{word} {each.expires_at:%Y-%m-%d}"
            else:
                state = "live"
            click.echo("  ".join([str(each.id), each.name, each.scopes, used, state]))


@key.command("revoke")
@click.argument("named", metavar="NAME_OR_ID", type=text)
def key_revoke(named: str) -> None:
    """Let a key work no more."""
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace
    from linkservice.workspaces.keys import key_named, revoke_key

    with current_database(read_settings()) as database, database.transaction() as session:
        actor = operator(first_workspace(session))
        key = revoke_key(session, actor, str(key_named(session, actor, named).id), now())
        said = f"The key “{key.name}” ({key.id}) works no more."
    click.echo(said)


@click.group(cls=Group)
def user() -> None:
    """People who may sign in."""


@user.command("add")
@click.argument("email", type=text)
@click.option(
    "--role",
    type=click.Choice(("owner", "editor", "viewer")),
    default="owner",
    show_default=True,
    help="What they may do.",
)
def user_add(email: str, role: str) -> None:
    """Make a person a member of the workspace.

    Prints the link by which they choose a password; it works once, for 72 hours. In a new
    data directory this first makes the tables, a workspace and its domain.
    """
    from linkservice.workspaces.accounts import add_user, user_named
    from linkservice.workspaces.one_time import password_link

    settings, moment = read_settings(), now()
    with any_database(settings) as database:
        make_tables(database)
        with database.transaction() as session:
            workspace = _some_workspace(session, settings)
            add_user(session, workspace, email, role, moment)
            added = user_named(session, email)
            lines = [f"{added.email} is now {role} of “{workspace.name}”."]
            if added.password_hash is None:
                lines.append(_password_page(settings, password_link(session, added, moment)))
    for line in lines:
        click.echo(line)


@user.command("link")
@click.argument("email", type=text)
def user_link(email: str) -> None:
    """Print a link by which a person chooses a new password.

    It works once, for 72 hours.
    """
    from linkservice.workspaces.accounts import user_named
    from linkservice.workspaces.one_time import password_link

    settings = read_settings()
    with current_database(settings) as database, database.transaction() as session:
        token = password_link(session, user_named(session, email), now())
    click.echo(_password_page(settings, token))


@user.command("list")
def user_list() -> None:
    """List the people, with their roles."""
    from linkservice.workspaces.accounts import list_users

    with current_database(read_settings(make=False)) as database, database.reading() as session:
        for person, member, workspace in list_users(session):
            place = f"{member.role} of “{workspace.name}”" if member and workspace else "no member"
            able = "" if person.password_hash else "no password yet"
            click.echo("  ".join(filter(None, [person.email, place, able])))


@click.group(cls=Group)
def link() -> None:
    """Links."""


@link.command("add")
@click.argument("destination", metavar="URL", type=text)
@click.option("--slug", type=text, help="Path of the short URL. [generated]")
@click.option("--touchpoint", type=text, metavar="ID", help="Touchpoint its clicks count for.")
@click.option("--domain", type=text, metavar="HOST", help="Host of the short URL. [the first]")
@click.option("--title", type=text, default="", help="What it is called in lists.")
def link_add(
    destination: str, slug: str | None, touchpoint: str | None, domain: str | None, title: str
) -> None:
    """Make a link to URL and print its short URL.

    With "-" as URL, one link for each line of standard input: all of them or, if one is
    wrong, none.
    """
    from linkservice.links.manage import NewLink

    settings = read_settings()
    new = NewLink(destination, domain, slug, title, touchpoint)
    lines = _lines_of_stdin() if destination == "-" else [("", destination)]
    if slug is not None and len(lines) > 1:
        raise Invalid(Problem("slug", "slug_for_many"))
    with current_database(settings) as database, database.transaction() as session:
        urls = _make_links(session, settings, new, lines)
    for url in urls:
        click.echo(url)


@click.command(cls=Command)
@click.argument("slug", type=text)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="FILE.png, FILE.svg or FILE.pdf; overwritten if it exists.",
)
@click.option("--size-mm", type=float, help="Printed edge, quiet zone included.")
@click.option("--dpi", type=int, help="Of the printer, PNG only. [300]")
@click.option("--module-px", type=int, help="Pixels a module, PNG only. [10]")
@click.option("--domain", type=text, metavar="HOST", help="Host of the link. [the first]")
def qr(
    slug: str,
    output: Path,
    size_mm: float | None,
    dpi: int | None,
    module_px: int | None,
    domain: str | None,
) -> None:
    """Write the QR code of the link SLUG; it counts as a scan."""
    from linkservice.links.addresses import scan_url
    from linkservice.links.listing import link_by_slug
    from linkservice.qr import render
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace

    kind = output.suffix.lower()
    if kind not in (".png", ".svg", ".pdf"):
        raise click.BadParameter("The name must end in .png, .svg or .pdf.", param_hint="'-o'")
    if kind != ".png" and (dpi is not None or module_px is not None):
        raise click.UsageError("--dpi and --module-px are for PNG; leave them out for SVG")
    settings = read_settings(make=False)
    with current_database(settings) as database, database.reading() as session:
        actor = operator(first_workspace(session))
        found = link_by_slug(session, actor, slug, domain)
        leads_to = scan_url(settings, found.host, found.link.slug)
    if kind == ".svg":
        made = render.svg(leads_to, size_mm=size_mm)
    elif kind == ".pdf":
        from linkservice.qr.pdf import pdf

        made = pdf(leads_to, size_mm=size_mm, made_at=now())
    else:
        made = render.png(leads_to, module_px=module_px, size_mm=size_mm, dpi=dpi)
    _write_whole(output, made.data)
    width = f"{made.size_mm:.4g} mm" if made.size_mm is not None else f"{made.width_px} px"
    click.echo(f"{output}: {width} wide, leads to {leads_to}")


def _password_page(settings: Settings, token: str) -> str:
    return f"{settings.base_url}/app/password/{token}"


def _some_workspace(session: Session, settings: Settings) -> Workspace:
    """The first workspace; in a new installation it is made, with its domain."""
    from linkservice.links.domains import first_domain
    from linkservice.workspaces.accounts import create_workspace, first_workspace

    try:
        return first_workspace(session)
    except NotFound:
        workspace = create_workspace(session, now())
        domain = first_domain(session, workspace, settings, now())
        click.echo(
            f"Made the workspace “{workspace.name}” ({workspace.time_zone}) "
            f"with the domain {domain.host}.",
            err=True,
        )
        return workspace


def _make_links(
    session: Session, settings: Settings, new: NewLink, lines: Sequence[tuple[str, str]]
) -> list[str]:
    """The short URLs. Raises `Invalid` with what is wrong in the first wrong lines."""
    from dataclasses import replace

    from linkservice.links.addresses import short_url
    from linkservice.links.manage import create_link
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace

    actor, moment = operator(first_workspace(session)), now()
    urls: list[str] = []
    problems: list[Problem] = []
    for place, destination in lines:
        try:
            wanted = replace(new, destination=destination)
            made = create_link(session, actor, settings, wanted, moment)
        except Invalid as error:
            if not place or any(problem.field != "destination" for problem in error.problems):
                raise  # nothing that stands in this line alone
            problems += [Problem(place, p.code, p.params) for p in error.problems]
            if len(problems) >= MOST_PROBLEMS:
                break
        else:
            urls.append(short_url(settings, made.host, made.link.slug))
    if problems:
        raise Invalid(*problems[:MOST_PROBLEMS])
    return urls


def _lines_of_stdin() -> list[tuple[str, str]]:
    """Each line that is not blank, with its name for messages.

    Read to the end before any link is made: nobody else may write meanwhile.
    """
    from linkservice.links.model import URL_LENGTH

    found: list[tuple[str, str]] = []
    stream = sys.stdin.buffer
    number = 0
    while raw := stream.readline(LONGEST_LINE + 1):
        number += 1
        name = f"line {number}"
        if len(raw) > LONGEST_LINE:
            params = {"length": f"more than {LONGEST_LINE:,}", "limit": URL_LENGTH}
            raise Invalid(Problem(name, "destination_too_long", params))
        if not raw.strip():
            continue
        if len(found) == MOST_LINES:
            raise Invalid(Problem(name, "too_many", {"most": MOST_LINES}))
        # What is no UTF-8 becomes a character that the rules of destinations refuse.
        found.append((name, raw.decode("utf-8", "surrogateescape").strip()))
    if not found:
        raise Invalid(Problem("URL", "destination_empty"))
    return found


def _write_whole(path: Path, data: bytes) -> None:
    """Write the file in one step: whoever reads it sees the old one or the new one."""
    target = path.resolve()
    temporary = target.with_name(f".linkservice-{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        temporary.unlink(missing_ok=True)
