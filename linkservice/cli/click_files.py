"""Single clicks as a file."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from linkservice.cli.data import clicks
from linkservice.cli.door import current_database, read_settings, text
from linkservice.cli.output import Progress, aside
from linkservice.cli.report import day

if TYPE_CHECKING:
    from linkservice.clicks.export import Format


@clicks.command("export")
@click.option("--from", "from_", type=day, help="First day. [the first there is]")
@click.option("--to", type=day, help="Last day. [today]")
@click.option("--link", type=text, metavar="ID", help="Only the clicks of this link.")
@click.option("--touchpoint", type=text, metavar="ID", help="Only the clicks of this touchpoint.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("csv", "jsonl", "xlsx")),
    default="csv",
    show_default=True,
    help="How they are written.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write. [stdout]",
)
def clicks_export(
    from_: date | None,
    to: date | None,
    link: str | None,
    touchpoint: str | None,
    form: Format,
    output: Path | None,
) -> None:
    """Write single clicks, a line each, as CSV, as JSON or as a workbook for Excel (xlsx).

    Days are those of the workspace's time zone, the last one included. Robots, previews and
    misses come too; the column `class` tells them apart. No line holds an address, a token or
    a user agent. Lines are written while they are read, so any number takes little memory,
    and Ctrl-C ends it. A workbook holds a million at most: choose fewer days for it.
    """
    from linkservice.clicks.export import Wanted, how_many, require_room, saved, select_clicks
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace

    with current_database(read_settings(make=False)) as database:
        with database.reading() as session:
            actor = operator(first_workspace(session))
            found = select_clicks(session, actor, Wanted(from_, to, link, touchpoint))
            require_room(session, found, form)
            total = how_many(session, found)
        done = 0
        with _opened(output) as file, Progress("Writing", total) as bar:
            for rows, data in saved(database, found, form):
                file.write(data)
                done += rows
                bar.at(done, max(total, done))
    aside(f"{done:,} clicks written.")


def _opened(output: Path | None) -> nullcontext[IO[bytes]] | IO[bytes]:
    """The file; stdout stays open. Programs get UTF-8 whatever the terminal is set to."""
    return nullcontext(sys.stdout.buffer) if output is None else output.open("wb")
