"""How commands speak: progress on stderr, colour and columns on stdout."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence
from types import TracebackType

import click

from linkservice import logs

_log = logging.getLogger(__name__)

BAR_WIDTH = 30
REDRAW_SECONDS = 0.1
QUIET_SECONDS = 5.0
"""Between two lines where stderr is no terminal, such as a log."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"


report_form = click.option(
    "--format",
    "form",
    type=click.Choice(("table", "csv", "json")),
    default="table",
    show_default=True,
    help="How it is written.",
)
"""The option `form` of a command that ends with `write_report`."""


def write_report(
    form: str, document: object, rows: Iterable[Sequence[object]], lines: Iterable[str]
) -> None:
    """Write a report to stdout: `document` as JSON, `rows` as CSV, or `lines` for people."""
    # Programs and spreadsheets get UTF-8 whatever the terminal is set to.
    stdout = sys.stdout.buffer
    if form == "json":
        stdout.write((json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode())
    elif form == "csv":
        file = io.StringIO(newline="")
        csv.writer(file).writerows(rows)
        stdout.write(file.getvalue().encode())
    else:
        for line in lines:
            click.echo(line)


class Progress:
    """A bar on a terminal; elsewhere a line now and then, and none for what is quick."""

    def __init__(self, label: str, total: int = 0) -> None:
        self.total = total
        self.label = label
        self._done = 0
        self._terminal = sys.stderr.isatty()
        self._shown = False
        self._next = time.monotonic() + (0 if self._terminal else QUIET_SECONDS)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._terminal and self._shown:
            # The bar goes; what was done is said by the command's own last line.
            click.echo("\r\x1b[K", nl=False, err=True)

    def advance(self, done: int) -> None:
        """So much more is done."""
        self.at(self._done + done, self.total)

    def at(self, done: int, total: int) -> None:
        """So much of so much is done."""
        self._done, self.total = done, total
        if time.monotonic() < self._next:
            return
        self._shown = True
        share = min(done / total, 1.0) if total else 0.0
        if self._terminal:
            self._next = time.monotonic() + REDRAW_SECONDS
            filled = bar(share, BAR_WIDTH)
            click.echo(f"\r{self.label} {filled} {share:4.0%} \x1b[K", nl=False, err=True)
        else:
            self._next = time.monotonic() + QUIET_SECONDS
            click.echo(f"{self.label}: {share:.0%}", err=True)


def aside(text: str) -> None:
    """Say what is no part of the answer: on stderr, in a service's log for machines an event."""
    if logs.writes_json():
        _log.info("%s", text)
    else:
        click.echo(text, err=True)


def bar(share: float, width: int) -> str:
    """A bar from zero: `share` (0 to 1) of `width` columns, exact to an eighth."""
    eighths = round(share * width * 8)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (_EIGHTHS[rest] if rest else "")
    return drawn.ljust(width)


def fit(text: str, width: int) -> str:
    """`text` cut or filled to `width` columns of a terminal, where some characters take two."""
    drawn, used = "", 0
    for character in text:
        columns = _columns(character)
        if used + columns > width:
            while used > width - 1:
                used -= _columns(drawn[-1])
                drawn = drawn[:-1]
            drawn, used = drawn + "…", used + 1
            break
        if unicodedata.category(character) != "Cf":  # marks that turn the direction of text
            drawn, used = drawn + character, used + columns
    return drawn + " " * (width - used)


def coloured(text: str, colour: str | None = None, *, dim: bool = False, bold: bool = False) -> str:
    """`text` with colour, where stdout is a terminal and NO_COLOR is not set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return click.style(text, fg=colour, dim=dim or None, bold=bold or None)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
