"""Processes killed at random moments under load: no click is lost, none is doubled.

Every kill is `kill -9`, the moments and victims are seeded. A request whose answer did not
arrive may or may not have been recorded; every answered one was, once.
"""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL

from cast import make_home, make_link
from service import BROWSER, Service, running, wait_until
from sqlalchemy import func, select

from linkservice.clicks.audit import audit
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import Click, LinkDay
from linkservice.config import Settings
from linkservice.database import Database

CLIENTS = 3
ROUNDS = 3
FEWEST_CLICKS = 2_000
CLICKS_A_CONNECTION = 50
"""Then another one, so that a worker that has just been restarted gets its share."""


class Client(threading.Thread):
    """Clicks over one kept connection after another until told to stop, and keeps count."""

    def __init__(self, port: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.acknowledged = 0
        self.in_doubt = 0
        self.wrong: set[int] = set()
        self._port = port
        self._stop_clicking = stop

    def run(self) -> None:
        while not self._stop_clicking.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
            with closing(connection):
                try:
                    connection.connect()
                except OSError:
                    time.sleep(0.01)
                    continue
                self._click(connection)

    def _click(self, connection: http.client.HTTPConnection) -> None:
        for _ in range(CLICKS_A_CONNECTION):
            if self._stop_clicking.is_set():
                return
            try:
                connection.request("GET", "/poster", headers={"User-Agent": BROWSER})
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                self.in_doubt += 1
                return
            if response.status == 302:
                self.acknowledged += 1
            else:
                self.wrong.add(response.status)


def test_killed_processes_lose_and_double_nothing(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    with database.transaction() as session:
        make_link(session, settings, make_home(session, settings, now=now), "poster", now=now)
    with running(settings, tmp_path) as service:
        clients = click_while_processes_die(service, database, random.Random(2026))
        assert service.stop() == 0
    # The next start would do the same with what a killed ingester left.
    ingester = Ingester(settings, database)
    with ingester.alone():
        ingester.run_once()

    acknowledged = sum(client.acknowledged for client in clients)
    in_doubt = sum(client.in_doubt for client in clients)
    assert acknowledged >= FEWEST_CLICKS
    assert not set().union(*(client.wrong for client in clients))
    rolled_up = clicks_in_reports(database)
    with database.reading() as session:
        rows = session.scalar(select(func.count()).select_from(Click)) or 0
    assert acknowledged <= rolled_up <= acknowledged + in_doubt
    assert rows == rolled_up
    checked = audit(settings, database)
    assert (checked.difference, checked.pending, checked.unrecorded) == (0, 0, 0)
    assert checked.accepted == rolled_up


def click_while_processes_die(
    service: Service, database: Database, rng: random.Random
) -> list[Client]:
    """The clients, after all kills and enough clicks."""
    stop = threading.Event()
    clients = [Client(service.link_port, stop) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for _ in range(ROUNDS):
        # The new ingester must be at work, or it would only be killed while it starts.
        wait_for_more_clicks(database)
        time.sleep(rng.uniform(0.0, 0.3))
        kill_one(service.processes("redirect") + service.workers("redirect"), rng)
        time.sleep(rng.uniform(0.0, 0.3))
        kill_one(service.processes("ingest"), rng)
    wait_until(lambda: sum(client.acknowledged for client in clients) >= FEWEST_CLICKS)
    stop.set()
    for client in clients:
        client.join()
    return clients


def kill_one(processes: list[int], rng: random.Random) -> None:
    with suppress(ProcessLookupError):  # it was ending already, as its worker had been killed
        os.kill(rng.choice(processes), SIGKILL)


def wait_for_more_clicks(database: Database) -> None:
    before = clicks_in_reports(database)
    wait_until(lambda: clicks_in_reports(database) > before)


def clicks_in_reports(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.sum(LinkDay.clicks))) or 0
