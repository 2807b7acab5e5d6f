"""What customers notice of a bad day: a flood, reports that compute, a worker that starts.

`python -m benchmarks.calm [flood reports start] [--seed N] [--seconds S] [--turns T]`

Latencies come from an open loop, which sends at its rate whatever happens and counts from the
moment a request was due.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, insert, select

from benchmarks.load import Stream, offer, saturate
from benchmarks.stand import Running, Stand, nginx, service, stand, status
from benchmarks.table import Options, heading, judged, line, options
from linkservice.clicks.bulk import counters
from linkservice.clicks.model import LinkDay, TouchpointDay
from linkservice.database import open_database
from linkservice.journeys.manage import create_journey
from linkservice.workspaces.access import SCOPES, Actor
from linkservice.workspaces.keys import create_key

LOAD = 0.4
"""The share of the capacity that is asked for."""

LINKS = 200
REPORT_LINKS = 2_000
REPORT_DAYS = 28
READERS = 4
START_LINKS = 100_000


def flood(given: Options) -> None:
    """As many requests for slugs nobody has as for known ones."""
    heading("A flood of unknown slugs")
    with stand(LINKS, given.seed, spool_sync="second") as here, service(here) as running:
        without, within, rates = [], [], []
        saturate(running.port, here.paths, 1, seed=given.seed)
        for turn in range(given.turns):
            seed = given.seed + turn
            # Each turn has its own: a shared machine may be half as quick some seconds later.
            rate = saturate(running.port, here.paths, 2, seed=seed).rate
            known = Stream("known", rate * LOAD, here.paths)
            unknown = Stream("unknown", rate * LOAD)
            without.append(offer(running.port, [known], given.seconds, seed=seed)["known"].p99)
            both = offer(running.port, [known, unknown], given.seconds, seed=seed)
            within.append(both["known"].p99)
            rates.append(rate)
            assert both["unknown"].refused == both["unknown"].requests, "a 404 each"
    line("capacity, turn by turn", ", ".join(f"{rate:,.0f}/s" for rate in rates))
    line("p99 of known links without it", ", ".join(f"{p99:.2f} ms" for p99 in without))
    line("p99 of known links with it", ", ".join(f"{p99:.2f} ms" for p99 in within))
    ratio = statistics.median(b / a for a, b in zip(without, within, strict=True))
    judged("with ÷ without", ratio, "≤", 2.0)
    line("nginx: twice the load ÷ once", f"{_doubled(given):.1f}")


def _doubled(given: Options) -> float:
    """How much longer the p99 of nginx is at twice the load, without a flood: what the machine does
    to whoever has as much to do."""
    ratios = []
    with stand(LINKS, given.seed, spool_sync="second") as here, nginx(here) as running:
        for turn in range(given.turns):
            seed = given.seed + turn
            rate = saturate(running.port, here.paths, 2, seed=seed).rate
            once, twice = (
                offer(running.port, [known], given.seconds, seed=seed)["known"].p99
                for known in (Stream("known", rate * n * LOAD, here.paths) for n in (1, 2))
            )
            ratios.append(twice / once)
    return statistics.median(ratios)


def reports(given: Options) -> None:
    """Four readers who ask for the touchpoint report over and over."""
    heading("Four report pages computing all the time")
    with stand(REPORT_LINKS, given.seed, spool_sync="second") as here:
        key = _with_clicks(here, given.seed)
        with service(here, roles="redirect,web") as running:
            rate = _capacity(running, here, given)
            quiet, busy = [], []
            for turn in range(given.turns):
                known = [Stream("known", rate * LOAD, here.paths)]
                seed = given.seed + turn
                quiet.append(offer(running.port, known, given.seconds, seed=seed)["known"].p99)
                with _reading(running.app_port, key) as reports_read:
                    seen = offer(running.port, known, given.seconds, seed=seed)["known"]
                busy.append(seen.p99)
                line("reports computed meanwhile", f"{sum(reports_read)}")
    line("p99 without them", f"{statistics.median(quiet):.2f} ms")
    judged("p99 with them", statistics.median(busy), "≤", 15.0, " ms")


def start(given: Options) -> None:
    """From the worker's start to its first redirect, with 100,000 links in the database."""
    heading("A worker starts")
    with stand(START_LINKS, given.seed, spool_sync="second") as here:
        took = []
        for _ in range(given.turns):
            with service(here) as running:
                worker = running.children()[0]
                os.kill(worker, signal.SIGKILL)  # the supervisor starts another at once
                began = time.perf_counter()
                while status(running.port, here.paths[0]) != 302:
                    time.sleep(0.002)
                took.append(time.perf_counter() - began)
    line("each", ", ".join(f"{each:.2f} s" for each in took))
    judged("start to first redirect", statistics.median(took), "≤", 1.0, " s")


def _today() -> date:
    return datetime.now(UTC).date()


def _capacity(running: Running, here: Stand, given: Options) -> float:
    saturate(running.port, here.paths, 1, seed=given.seed)
    rate = saturate(running.port, here.paths, given.seconds, seed=given.seed).rate
    line("capacity, and what is asked for", f"{rate:,.0f}/s, {rate * LOAD:,.0f}/s")
    return rate


def _with_clicks(here: Stand, seed: int) -> str:
    """Four weeks of figures for every link, and a key to read the report with."""
    rng, now = random.Random(seed), datetime.now(UTC)
    database = open_database(here.settings)
    with database.transaction() as session:
        actor = Actor(1, "benchmark", frozenset(SCOPES))
        journey = create_journey(session, actor, "Journey", now, template="standard")
        touchpoints = [each.id for _, stage in journey.stages for each in stage]
        key = create_key(session, actor, "benchmark", [], now)
    counters = ("scans", "visitors", "touchpoint_visitors", "journey_visitors", "tokenless")
    classes = ("robots", "previews", "prefetches", "scanners", "heads", "own")
    first = _today() - timedelta(days=REPORT_DAYS)
    with database.writing_connection() as connection:
        for number in range(1, REPORT_LINKS + 1):
            rows = [
                {
                    "workspace_id": 1,
                    "local_date": first + timedelta(days=day),
                    "link_id": number,
                    "touchpoint_id": touchpoints[number % len(touchpoints)],
                    "clicks": rng.randrange(30, 50),
                    **{each: rng.randrange(30) for each in counters},
                    **dict.fromkeys(classes, 3),
                }
                for day in range(REPORT_DAYS)
            ]
            connection.execute(insert(LinkDay), rows)
        connection.execute(insert(TouchpointDay).from_select(*_of_touchpoints()))
    database.close()
    return key


def _of_touchpoints() -> tuple[list[str], Select[Any]]:
    """What ingest adds up by touchpoint."""
    key = LinkDay.workspace_id, LinkDay.local_date, LinkDay.touchpoint_id
    sums = [func.sum(getattr(LinkDay, name)) for name in counters(TouchpointDay)]
    names = [column.key for column in key] + list(counters(TouchpointDay))
    return names, select(*key, *sums).group_by(*key)


@contextmanager
def _reading(port: int, key: str) -> Iterator[list[int]]:
    """Readers at work; how many reports each of them got."""
    stop, counts = threading.Event(), [0] * READERS
    threads = [
        threading.Thread(target=_read, args=(port, key, stop, counts, reader))
        for reader in range(READERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _read(port: int, key: str, stop: threading.Event, counts: list[int], reader: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    until = _today()
    path = f"/api/v1/reports/touchpoints?from={until - timedelta(days=REPORT_DAYS)}&to={until}"
    while not stop.is_set():
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        counts[reader] += 1
    connection.close()


if __name__ == "__main__":
    options(__doc__, {"flood": flood, "reports": reports, "start": start})
