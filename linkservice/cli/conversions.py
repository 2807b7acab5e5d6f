"""Conversions from files."""

from __future__ import annotations

from pathlib import Path

import click

from linkservice.cli.door import Group, current_database, now, read_settings, text


@click.group(cls=Group)
def conversions() -> None:
    """What came of clicks."""


@conversions.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", type=text, default="import", show_default=True, help="Where it is from.")
def conversions_import(file: Path, source: str) -> None:
    """Import conversions by day and touchpoint from FILE.csv.

    Its columns are date, touchpoint, conversions and, if known, value (in the workspace's
    currency). A row replaces that of the same day, touchpoint and source.
    """
    from linkservice.conversions.counts import import_counts, read_counts
    from linkservice.journeys.reach_table import read_text
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace

    table = read_text(file.read_bytes())
    with current_database(read_settings()) as database, database.transaction() as session:
        actor = operator(first_workspace(session))
        moment = now()
        counts = read_counts(session, actor, table, moment)
        done = import_counts(session, actor, counts, source, moment)
    click.echo(
        f"{file}: {done.added:,} added, {done.changed:,} replaced, {done.unchanged:,} as before."
    )
