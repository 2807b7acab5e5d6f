"""`doctor`: is everything in order, and if not, what to do.

Not here: what is looked at (`linkservice/doctor`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from linkservice.cli.door import Command, any_database, data_dir_given, now, read_settings
from linkservice.cli.output import coloured
from linkservice.config import load
from linkservice.errors import LinkServiceError

if TYPE_CHECKING:
    from linkservice.readiness import Check


@click.command(cls=Command)
@click.option(
    "--network/--no-network",
    default=True,
    help="Whether our own hosts and the mail server are asked. [yes]",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or for programs.",
)
def doctor(network: bool, style: str) -> int:
    """Look whether everything is in order.

    A line that is not says what to do: of a problem the exit code is 1, a warning may wait.
    Takes some seconds; calls no host but those in the settings and your own domains.
    """
    found = []
    for check in _examined(network):
        found.append(check)
        if style == "text":
            _tell(check)
    well = all(check.ok for check in found)
    if style == "json":
        told = [
            {"name": check.name, "status": _status(check), "detail": check.detail}
            for check in found
        ]
        click.echo(json.dumps({"ok": well, "checks": told}, ensure_ascii=False, indent=2))
    return 0 if well else 1


def _examined(network: bool) -> Iterator[Check]:
    from linkservice.doctor import examine
    from linkservice.doctor.stores import WHERE_TO_LOOK
    from linkservice.readiness import Check

    try:
        # Whoever asks here may have the wrong folder: nothing is made in it.
        settings = load(os.environ, make=False, data_dir=data_dir_given())
        if not settings.data_dir.is_dir():
            told = f"there is no folder {settings.data_dir}; {WHERE_TO_LOOK}"
            yield Check("settings", False, told)
            return
        settings = read_settings(make=False)
        with any_database(settings) as database:
            yield from examine(settings, database, now(), ask_hosts=network)
    except LinkServiceError as error:
        yield Check("settings", False, str(error))


def _status(check: Check) -> str:
    if not check.ok:
        return "problem"
    return "warning" if check.degraded else "ok"


def _tell(check: Check) -> None:
    status = _status(check)
    colour = {"ok": "green", "warning": "yellow", "problem": "red"}[status]
    word = coloured(f"{status:<7}", colour, bold=status == "problem")
    click.echo(f"{word}  {check.name:<10} {check.detail}")
