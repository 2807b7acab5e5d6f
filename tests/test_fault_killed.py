"""Processes killed under load: no click is lost, none is doubled, and customers hardly wait.

Every kill is `kill -9`; moments and victims are left to chance. A request whose answer did not
arrive may or may not have been recorded; every answered one was, once.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from signal import SIGKILL

import pytest
from clients import Crowd, clicking, clicking_steadily
from counted import add_poster, assert_each_counted_once, in_reports
from evidence import Trial
from service import Service, alive, running, wait_until

from linkservice.clicks.segment import segments
from linkservice.config import Settings
from linkservice.database import Database

pytestmark = pytest.mark.fault

DOWN_SECONDS = 2.0
"""How long customers may be left waiting when processes die."""

BUSY = 10.0
"""How many times as long everything may take in the quick form: its machine does other work."""


def test_killed_processes_lose_and_double_nothing(
    settings: Settings, database: Database, tmp_path: Path, trial: Trial
) -> None:
    rounds, fewest = trial.size(2, 50), trial.size(1_000, 100_000)
    add_poster(settings, database)
    rng = trial.chance()
    with running(settings, tmp_path) as service:
        with clicking(service.link_port, clients=16) as crowd:
            for number in range(1, rounds + 1):
                wait_for_clicks(crowd, fewest * number // rounds, rng)
                kill_one(lambda: service.processes("redirect") + service.workers("redirect"), rng)
                # A new ingester must be at work, or it would only be killed while it starts.
                wait_for_more_in_reports(database)
                time.sleep(rng.uniform(0.0, 0.3))
                kill_one(lambda: service.processes("ingest"), rng)
            wait_until(lambda: crowd.acknowledged >= fewest)
        assert service.stop() == 0

    found = assert_each_counted_once(settings, database, crowd)
    assert not crowd.other
    trial.saw(
        f"kill -9 of redirect workers and ingester under load ({database.engine.dialect.name})",
        "50 kills, ≥ 100,000 acknowledged clicks: 0 lost, 0 doubled",
        f"{rounds} workers and {rounds} ingesters killed; {crowd.acknowledged:,} acknowledged, "
        f"{crowd.in_doubt:,} in doubt, {found:,} in the reports: 0 lost, 0 doubled",
    )


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_worker_killed_every_two_seconds_keeps_nobody_waiting(
    settings: Settings, database: Database, tmp_path: Path, trial: Trial
) -> None:
    kills = trial.size(1, 30)
    add_poster(settings, database)
    rng = trial.chance()
    with running(settings, tmp_path) as service:
        with clicking_steadily(service.link_port, per_connection=20) as crowd:
            for _ in range(kills):
                time.sleep(2.0)
                kill_one(lambda: service.workers("redirect"), rng)
            time.sleep(1.0)
        assert service.stop() == 0
    assert_each_counted_once(settings, database, crowd)
    assert crowd.longest_gap <= DOWN_SECONDS * (1 if trial.soak else BUSY)
    assert not crowd.other
    trial.saw(
        "One worker killed every 2 s",
        "the service never stays down > 2 s",
        f"{kills} kills; no client was without an answer for longer than "
        f"{crowd.longest_gap:.2f} s; {crowd.acknowledged:,} clicks, 0 lost",
    )


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_killed_supervisor_leaves_no_orphan_and_the_next_start_serves_at_once(
    settings: Settings, database: Database, tmp_path: Path, trial: Trial
) -> None:
    kills = trial.size(1, 20)
    add_poster(settings, database)
    rng = trial.chance()
    slowest_end = slowest_start = 0.0
    service = Service(settings, tmp_path)
    try:
        service.wait_until_ready()
        with clicking(service.link_port, clients=8) as crowd:
            for _ in range(kills):
                wait_for_clicks(crowd, crowd.acknowledged + rng.randint(50, 500), rng)
                started = service.descendants()
                service.send(SIGKILL)
                killed = time.monotonic()
                service.exit_code()
                before = crowd.acknowledged
                service = Service(settings, tmp_path, ports=(service.port, service.link_port))
                wait_until(partial(all_gone, started))
                slowest_end = max(slowest_end, time.monotonic() - killed)
                wait_until(partial(more_than, crowd, before))
                slowest_start = max(slowest_start, time.monotonic() - killed)
                service.wait_until_ready()
        assert service.stop() == 0
    finally:
        service.end()
    assert {segment.state for segment in segments(settings.spool_dir)} == {"sealed"}
    assert_each_counted_once(settings, database, crowd)
    assert slowest_end <= DOWN_SECONDS * (1 if trial.soak else BUSY)
    assert slowest_start <= DOWN_SECONDS * (1 if trial.soak else BUSY)
    trial.saw(
        "The supervisor itself killed with -9",
        "no orphan keeps a port, a new start serves at once",
        f"{kills} kills; the last orphan gone after ≤ {slowest_end:.2f} s, the next click "
        f"answered ≤ {slowest_start:.2f} s after the kill; {crowd.acknowledged:,} clicks, 0 lost",
    )


def all_gone(processes: Iterable[int]) -> bool:
    return not any(map(alive, processes))


def more_than(crowd: Crowd, acknowledged: int) -> bool:
    return crowd.acknowledged > acknowledged


def wait_for_clicks(crowd: Crowd, number: int, rng: random.Random) -> None:
    """Until so many are acknowledged, and a chance moment longer."""
    wait_until(lambda: crowd.acknowledged >= number, seconds=300)
    time.sleep(rng.uniform(0.0, 0.05))


def wait_for_more_in_reports(database: Database) -> None:
    before = in_reports(database)
    wait_until(lambda: in_reports(database) > before)


def kill_one(processes: Callable[[], list[int]], rng: random.Random) -> None:
    """One of them dies of it."""
    while True:
        wait_until(processes)
        with suppress(ProcessLookupError, IndexError):  # they were ending already, as another had
            os.kill(rng.choice([each for each in processes() if alive(each)]), SIGKILL)
            return
