"""The proof of the reliability table: how large a fault test is, and what it saw.

A fault test has a quick form, which `make test` runs, and a whole one, which `make soak` runs.
Both are the same test: it asks its `trial` for sizes and for chance, and tells it what it saw.
`python tests/evidence.py` writes what the last `make soak` saw into `docs/reliability.md`.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
SEEN = ROOT / "build" / "soak.jsonl"
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- begin: last make soak -->", "<!-- end: last make soak -->"


@dataclass(frozen=True)
class Trial:
    """One run of a fault test: quick or whole, with a seed of its own."""

    soak: bool
    seed: int

    def size(self, quick: int, whole: int) -> int:
        """How many kills, cuts or clicks this run is to have."""
        return whole if self.soak else quick

    def chance(self) -> random.Random:
        """Random numbers that another run with the same `--seed` gets as well."""
        return random.Random(self.seed)

    def saw(self, fault: str, promised: str, seen: str) -> None:
        """Note for the table: the fault, the number promised for it, and what was seen.

        Call it after the assertions, once for each engine or mode the row has.
        """
        if not self.soak:
            return
        SEEN.parent.mkdir(exist_ok=True)
        row = {
            "fault": fault,
            "promised": promised,
            "seen": seen,
            "seed": self.seed,
            "on": f"{datetime.now(UTC):%Y-%m-%d}",
        }
        with SEEN.open("a") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def table(lines: list[str]) -> str:
    """The rows as Markdown; of rows with the same fault and promise the last ones seen count."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for line in lines:
        row = json.loads(line)
        rows[(row["fault"], row["promised"])] = row
    written = ["| Fault | Promised | Seen | Seed | On |", "|---|---|---|---|---|"]
    names = ("fault", "promised", "seen", "seed", "on")
    written += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows.values()]
    return "\n".join(written)


def main() -> int:
    """Put the table between the marks of the page."""
    page = PAGE.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end and SEEN.exists()):
        print("nothing to write: run `make soak` first", file=sys.stderr)
        return 1
    rows = table(SEEN.read_text().splitlines())
    PAGE.write_text(f"{before}{begin}\n{rows}\n{end}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
