"""From a click to the report: how soon it shows, and how soon a backlog is gone.

`python -m benchmarks.pipeline [report backlog] [--seed N] [--seconds S] [--turns T]`

The redirects are asked for by an open loop. How quick ingestion is for itself, and into a
database that holds millions already, `benchmarks.ingest` tells.
"""

from __future__ import annotations

import http.client
import os
import random
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context

from sqlalchemy import func, select

from benchmarks.audience import Shop, records
from benchmarks.load import Stream, offer, offering, saturate
from benchmarks.stand import Running, Stand, service, stand
from benchmarks.table import Options, heading, judged, line, options
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import LinkDay
from linkservice.clicks.segment import write_segment
from linkservice.clicks.spool import node_id
from linkservice.database import open_database
from linkservice.serve.workers import STANDS_BACK

LINKS = 2_000
CLICKS_A_SECOND = 200.0
PROBES_A_SECOND = 20.0
REPORT_SECONDS = 20.0
LOOK_SECONDS = 0.01
MOST_SECONDS = 30.0
"""After the last probe a click that does not show is given up."""

BACKLOG = 1_000_000
SEGMENT_CLICKS = 250_000
DAY_MS = 20 * 3_600_000
LOAD = 0.4
"""The share of the capacity that is asked for while the backlog is ingested."""


def report(given: Options) -> None:
    """From the 302 until the day's roll-up, which every report sums, has the click."""
    heading("Click to report at 200 clicks/s")
    with (
        stand(LINKS, given.seed, spool_sync="second") as here,
        service(here, roles="redirect,ingest") as running,
    ):
        probed, others = here.paths[0], here.paths[1:]
        with _looking(here) as shown:
            load = Stream("all", CLICKS_A_SECOND - PROBES_A_SECOND, others)
            with offering(running.port, [load], REPORT_SECONDS, seed=given.seed):
                clicked = _probe(running.port, probed, given.seed)
            until = time.monotonic() + MOST_SECONDS
            while len(shown) < len(clicked) and time.monotonic() < until:
                time.sleep(LOOK_SECONDS)
    assert len(shown) == len(clicked), (len(shown), len(clicked))
    took = [seen - made for made, seen in zip(clicked, shown, strict=True)]
    line("clicks that were followed", f"{len(took)}")
    line("p50", f"{statistics.median(took):.2f} s")
    judged("p99", statistics.quantiles(took, n=100, method="inclusive")[98], "≤", 5.0, " s")


def backlog(given: Options) -> None:
    """A million clicks that wait, while redirects go on at 40 % load."""
    heading("A backlog of 1 million clicks")
    with stand(LINKS, given.seed, spool_sync="second") as here:
        _spool(here, given.seed)
        with service(here) as running:
            saturate(running.port, here.paths, 1, seed=given.seed)
            rate = saturate(running.port, here.paths, given.seconds, seed=given.seed).rate * LOAD
            line("asked for, 40 % of the capacity", f"{rate:,.0f}/s")
            known = [Stream("known", rate, here.paths)]
            quiet = [_p99(running, known, given, turn) for turn in range(given.turns)]
            busy: list[float] = []
            # A process: the load is forked from this one, which so may have no threads.
            with ProcessPoolExecutor(1, get_context("fork")) as pool:
                draining = pool.submit(_drain, here)
                while not draining.done():
                    busy.append(_p99(running, known, given, len(busy)))
    judged("ingested while redirects go on", draining.result(), "≤", 60.0, " s")
    line("p99 of redirects without it", f"{statistics.median(quiet):.2f} ms")
    line("p99 of redirects with it", f"{statistics.median(busy):.2f} ms")
    judged("with ÷ without", statistics.median(busy) / statistics.median(quiet), "≤", 2.0)


def _p99(running: Running, streams: list[Stream], given: Options, turn: int) -> float:
    """The ingester has what the redirects leave of one core and the load of the other."""
    seed = given.seed + turn
    return offer(running.port, streams, given.seconds, seed=seed, gentle=True)["known"].p99


def _probe(port: int, path: str, seed: int) -> list[float]:
    """Click one link at random moments; when each click was answered."""
    rng, clicked = random.Random(seed), []
    headers = {"Host": f"127.0.0.1:{port}", "User-Agent": _BROWSER, "Accept-Language": "de"}
    began = due = time.monotonic()
    while (due := due + rng.expovariate(PROBES_A_SECOND)) < began + REPORT_SECONDS:
        time.sleep(max(0.0, due - time.monotonic()))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert answer.status == 302, answer.status
        clicked.append(time.monotonic())
        connection.close()
    return clicked


_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@contextmanager
def _looking(here: Stand) -> Iterator[list[float]]:
    """Watch the first link's count; when each of its clicks was there."""
    stop, shown = threading.Event(), list[float]()

    def look() -> None:
        database = open_database(here.settings)
        query = select(func.coalesce(func.sum(LinkDay.clicks), 0)).where(LinkDay.link_id == 1)
        while not stop.wait(LOOK_SECONDS):
            with database.reading() as session:
                counted = session.scalar(query) or 0
            shown.extend([time.monotonic()] * (counted - len(shown)))
        database.close()

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield shown
    finally:
        stop.set()
        looker.join()


def _spool(here: Stand, seed: int) -> None:
    """Put a day's clicks into the spool, as if nobody had ingested them."""
    rng = random.Random(seed)
    today = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0)
    first_ms = int(today.timestamp() * 1000)
    bodies = records(Shop(1, 1, LINKS), first_ms, first_ms + DAY_MS, BACKLOG, seed)
    while part := list(islice(bodies, SEGMENT_CLICKS)):
        node = node_id(here.settings.data_dir)
        write_segment(here.settings.spool_dir, node, rng.randbytes(8), part)


class _Drained(Exception):
    """The backlog is ingested, and what came meanwhile is another matter."""


def _drain(here: Stand) -> float:
    """Ingest until the backlog is in, as nice as the service's ingester is; the seconds."""
    os.nice(STANDS_BACK)
    database = open_database(here.settings)
    left = BACKLOG
    began = time.perf_counter()

    def count(records: int) -> None:
        nonlocal left
        left -= records
        if left <= 0:
            raise _Drained

    with suppress(_Drained):
        Ingester(here.settings, database).run_once(count)
    seconds = time.perf_counter() - began
    database.close()
    return seconds


if __name__ == "__main__":
    options(__doc__, {"report": report, "backlog": backlog})
