"""How a benchmark says what it saw: options every program takes, and one line per figure."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

SEED = 2026


@dataclass(frozen=True)
class Options:
    """What to repeat a run by, and how long one turn of a measurement takes."""

    seed: int
    seconds: float
    turns: int


def options(description: str | None, rows: dict[str, Callable[[Options], None]]) -> None:
    """Run the rows named on the command line, all of them without any."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(rows))
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one turn")
    parser.add_argument("--turns", type=int, default=5, help="in which subjects alternate")
    given = parser.parse_args()
    unknown = set(given.rows) - set(rows)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    for name, run in rows.items():
        if not given.rows or name in given.rows:
            run(Options(given.seed, given.seconds, given.turns))


def heading(title: str) -> None:
    """Name what follows."""
    print(f"\n{title}\n{'-' * len(title)}", flush=True)


def line(what: str, seen: str) -> None:
    """A figure without a bar."""
    print(f"  {what:<46} {seen}", flush=True)


def judged(what: str, seen: float, sign: Literal["≥", "≤"], bar: float, unit: str = "") -> None:
    """A figure, its bar, and whether it is reached."""
    reached = seen >= bar if sign == "≥" else seen <= bar
    figure = f"{seen:.3g}{unit}"
    verdict = "reached" if reached else "MISSED"
    print(f"  {what:<46} {figure:<12} bar {sign} {bar:.3g}{unit}  {verdict}", flush=True)
