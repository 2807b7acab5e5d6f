"""Where countries come from, and a newer file of them."""

from __future__ import annotations

import os
from datetime import timedelta

import click

from linkservice.cli.door import Group, now, read_settings
from linkservice.cli.output import Progress
from linkservice.config import PREFIX
from linkservice.errors import Invalid, Problem

OLD = timedelta(days=30)
"""MaxMind's licence asks to replace a file within so many days of a newer one."""

_TEST_HOST = PREFIX + "TEST_MAXMIND"
"""Where tests answer in MaxMind's place."""


@click.group(cls=Group)
def geo() -> None:
    """Where the countries of clicks come from."""


@geo.command("status")
def status() -> int:
    """Tell which data is used, of which day, and how old it is."""
    import maxminddb

    from linkservice.clicks.geodata import (
        ATTRIBUTION,
        built_in_name,
        chosen_file,
        describe,
        is_built_in,
    )

    settings = read_settings()
    if is_built_in(settings):
        click.echo(f"source  {built_in_name()}")
        return 0
    path = chosen_file(settings).path
    try:
        found = describe(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise Invalid(Problem("", "geo_unreadable", {"path": path, "why": error})) from error
    age = now() - found.made
    click.echo(f"source  {found.kind}, {path}")
    click.echo(f"made    {found.made:%Y-%m-%d}")
    old = "; fetch a newer one with `linkservice geo update`" if age > OLD else ""
    click.echo(f"age     {max(age.days, 0)} days{old}")
    if found.kind.startswith("GeoLite"):
        click.echo(f"notice  {ATTRIBUTION}")
    return 0


@geo.command("update")
def update() -> None:
    """Fetch the country file of MaxMind with the account's key.

    The only command that asks another host for something. The file goes where GEOIP_DB says,
    else into the data directory, and the running service reads it within half a minute; MaxMind
    is asked only for one that is newer than the one that is there.
    """
    from linkservice.clicks.maxmind import HOST
    from linkservice.clicks.maxmind import update as fetch

    settings = read_settings()
    with Progress("Fetching") as bar:
        done = fetch(settings, bar.at, os.environ.get(_TEST_HOST, HOST))
    file = done.file
    word = "is now" if done.changed else "is still"
    click.echo(f"{file.path} {word} {file.kind} of {file.made:%Y-%m-%d}.")
