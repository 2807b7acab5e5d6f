"""Two ingesters on one spool, one of them stopped at random moments and continued later.

A lock keeps two of them apart on one machine. It does not where two machines share a disk that
knows no locks, nor where somebody removes the file; so here nobody takes it. What must hold
then is the ledger: a position moves only from where it was found.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from evidence import Trial
from marked import numbers_in
from recording import Recording, clicked_link
from service import wait_until
from sqlalchemy import func, select

from linkservice.clicks.audit import audit
from linkservice.clicks.model import LinkDay
from linkservice.config import PREFIX, Settings
from linkservice.database import Database

pytestmark = pytest.mark.fault

_PROGRAM = """
import os, sys, threading
from linkservice.clicks.ingest import Ingester
from linkservice.config import load
from linkservice.database import open_database

settings = load(os.environ)
print("begun", flush=True)
Ingester(settings, open_database(settings)).run(threading.Event())
"""


@contextmanager
def ingester(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ingests and has taken no lock."""
    environment = {
        **os.environ,
        PREFIX + "DATA_DIR": str(settings.data_dir),
        PREFIX + "DATABASE_URL": settings.database_url,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_an_ingester_that_was_stopped_and_continued_doubles_nothing(
    settings: Settings, database: Database, trial: Trial, engine_name: str
) -> None:
    rng = trial.chance()
    recording = Recording(settings, clicked_link(settings, database), rng)
    stops = trial.size(2, 50)
    overtaken = 0
    with (
        ingester(settings) as one,
        ingester(settings) as other,
        recording.going_on(),
    ):
        wait_until(lambda: ingested(database))
        for _ in range(stops):
            time.sleep(rng.uniform(0, 0.3))
            stopped = rng.choice((one, other))
            stopped.send_signal(signal.SIGSTOP)
            before = recording.recorded
            # Where it was stopped in the middle of a transaction the other one has to wait.
            deadline = time.monotonic() + rng.uniform(0.3, trial.size(10, 60) / 10)
            while time.monotonic() < deadline and ingested(database) <= before:
                time.sleep(0.05)
            overtaken += ingested(database) > before
            stopped.send_signal(signal.SIGCONT)
    recording.close()
    with ingester(settings):
        wait_until(lambda: ingested(database) >= recording.recorded)

    counted = numbers_in(database)
    assert set(counted) == set(range(1, recording.recorded + 1))
    assert set(counted.values()) == {1}
    checked = audit(settings, database)
    assert (checked.difference, checked.pending, checked.ingested) == (0, 0, recording.recorded)
    with database.reading() as session:
        row = session.scalars(select(LinkDay)).one()
    assert (row.clicks, row.visitors) == (recording.recorded, len(recording.visitors))
    trial.saw(
        f"two ingesters, one stopped and continued ({engine_name})",
        "0 doubled",
        f"{stops} stops ({overtaken} times the other one went past it), "
        f"{recording.recorded:,} clicks: 0 doubled, 0 lost, visitors exact",
    )


def ingested(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.sum(LinkDay.clicks))) or 0


def test_a_transaction_nobody_goes_on_with_is_ended(database: Database, engine_name: str) -> None:
    """On PostgreSQL, where a machine that is gone would keep its locks for hours."""
    if engine_name == "postgresql":
        with database.reading() as session:
            shown = session.connection().exec_driver_sql("SHOW idle_in_transaction_session_timeout")
            assert shown.scalar() == "1min"
