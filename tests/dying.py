"""An ingester that dies where it is told to: `python -m dying DATA_DIR DATABASE_URL`.

Ingests once what is there. Then reads `NAME:N` lines and runs an ingester in a child of its own
for each, which dies at the fail point NAME when it passes it the N-th time; answers with how the
child ended (minus the signal's number). A line without a name is an ingester that lives.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from linkservice.clicks import failpoints, ingest
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.retention import delete_old_segments
from linkservice.config import Settings, load
from linkservice.database import Database


class DyingIngester:
    """The program above, as the test that starts it sees it."""

    def __init__(self, settings: Settings) -> None:
        self._program = subprocess.Popen(
            [sys.executable, __file__, str(settings.data_dir), settings.database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            text=True,
        )
        self._answer()

    def run(self, place: str = "", number: int = 0) -> int:
        """How an ingester ended that was to die there."""
        assert self._program.stdin
        self._program.stdin.write(f"{place}:{number}\n")
        self._program.stdin.flush()
        return self._answer()

    def close(self) -> None:
        with self._program:
            assert self._program.stdin
            self._program.stdin.close()

    def _answer(self) -> int:
        assert self._program.stdout
        return int(self._program.stdout.readline())


def ingest_and_delete(settings: Settings, place: str, number: int) -> None:
    """All that is in the spool, and then the segments as if their retention were over."""
    if place:
        failpoints.arm(place, number)  # type: ignore[arg-type]  # a name that the test knows
    database = Database(settings.database_url)
    ingester = Ingester(settings, database)
    with ingester.alone():
        ingester.run_once()
        later = datetime.now(UTC) + timedelta(days=settings.spool_retention_days + 1)
        delete_old_segments(settings, database, later)
    database.close()


FEW = 9
"""Clicks of a batch: a segment of the test then has several, as in a backlog."""


def main(data_dir: str, database_url: str) -> int:
    settings = load({}, data_dir=Path(data_dir), database_url=database_url)
    ingest.FIRST_BATCH, ingest.SMALLEST_BATCH, ingest.LARGEST_BATCH = FEW, FEW, FEW
    # What is imported and compiled on the way, the children need not do again.
    ingest_and_delete(settings, "", 0)
    print(0, flush=True)
    for line in sys.stdin:
        place, _, number = line.strip().rpartition(":")
        pid = os.fork()
        if pid == 0:
            ingest_and_delete(settings, place, int(number))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
