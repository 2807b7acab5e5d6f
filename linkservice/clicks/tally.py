"""What this process ingested, by class, for those who watch it.

The ledger has the exact sums of records, and the roll-ups those by class; but to sum those up at
each look would read them all. Not here: what the figures are called for readers (`metrics`).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from linkservice.clicks.model import CLASSES
from linkservice.clicks.reading import Rows
from linkservice.counters import Counters

MISS = "miss"
"""In the place of a class: whoever came, there was no link to count for."""


class Tally:
    """Counts for one thread; kept where `/metrics` finds them."""

    def __init__(self, data_dir: Path) -> None:
        self._of_class: Counter[str] = Counter()
        self._counters = Counters(data_dir, "ingest")
        self._counters.follow(self._figures)

    def add(self, clicks: Rows) -> None:
        """Count clicks that are in the database now."""
        hits = np.bincount(clicks["kind"][~clicks["miss"]], minlength=len(CLASSES))
        self._of_class.update(dict(zip(CLASSES, hits.tolist(), strict=True)))
        self._of_class[MISS] += int(clicks["miss"].sum())

    def flush(self) -> None:
        """Write the counts down, unless that was done this second."""
        self._counters.flush(due=True)

    def close(self) -> None:
        """Write the last counts down."""
        self._counters.close()

    def _figures(self) -> dict[str, float]:
        return {
            f'linkservice_clicks_ingested_total{{class="{name}"}}': float(self._of_class[name])
            for name in (*CLASSES, MISS)
        }
