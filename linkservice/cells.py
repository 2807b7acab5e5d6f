"""Tables for spreadsheets: the one place that keeps names from being run as formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

Cell: TypeAlias = str | int | float | Decimal | None

MARK = "\ufeff"
"""Stands first in a file: without it spreadsheets guess another encoding."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """`text`, with an apostrophe before it where a spreadsheet would run it as a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def line(cells: Sequence[Cell]) -> str:
    """A line of a CSV file, with its end."""
    written = io.StringIO(newline="")
    csv.writer(written).writerow(
        [harmless(cell) if isinstance(cell, str) else cell for cell in cells]
    )
    return written.getvalue()


def table(lines: Iterable[Sequence[Cell]]) -> bytes:
    """A whole CSV file, in UTF-8 with `MARK`."""
    return (MARK + "".join(map(line, lines))).encode()
