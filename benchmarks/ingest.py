"""How quickly clicks get into a database that holds millions already, and who waits for it.

    python -m benchmarks.ingest --folder /var/tmp/ingest [--engine postgresql] [--seed N]

The database is filled once and kept in the folder; each run goes on where the last one ended.
Its past is a day that the pipeline ingested, copied row by row to 90 days. A second process
writes like the app does, 20 times a second, and tells how long it waited.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

from sqlalchemy import func, select, update

from benchmarks.audience import Shop
from benchmarks.history import (
    LINKS,
    Past,
    fill_up,
    forget_segments,
    held,
    installation,
    rest,
    shop_of,
    spool,
)
from linkservice import schema
from linkservice.clicks.audit import audit
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import (
    Click,
)
from linkservice.config import Settings
from linkservice.database import Database, open_database
from linkservice.links.model import Link

DAYS = 90
BEGUN = datetime(2026, 8, 1, 1, tzinfo=UTC)
DAY_MS = 20 * 3_600_000
"""So that a day of clicks is one local day in Europe, too."""

SEGMENT_CLICKS = 250_000
WRITES_A_SECOND = 20


@dataclass(frozen=True)
class Waits:
    """What the app's small writes took, in milliseconds."""

    writes: int
    p50: float
    p99: float
    most: float


def main() -> None:
    """Fill, measure, and print."""
    options = _options()
    with installation(options.folder, options.engine) as settings:
        database = open_database(settings)
        schema.upgrade(database)
        past = Past(BEGUN, DAYS, options.clicks)
        shop = shop_of(database, settings, past)
        fill_up(settings, database, shop, past, options.seed)
        rest(database)
        _measure(settings, database, shop, options.new, options.seed)
        if options.audit:
            started = time.perf_counter()
            found = audit(settings, database)
            print(f"audit: {time.perf_counter() - started:.2f} s, difference {found.difference}")
        database.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure ingestion.")
    parser.add_argument("--folder", type=Path, required=True, help="where the database is kept")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--clicks", type=int, default=10_000_000, help="in the database before")
    parser.add_argument("--new", type=int, default=500_000, help="to be ingested and measured")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--audit", action="store_true", help="time the audit, too")
    return parser.parse_args()


def _measure(settings: Settings, database: Database, shop: Shop, new: int, seed: int) -> None:
    before_it = held(database)
    today = BEGUN + timedelta(days=DAYS + before_it // max(new, 1) % 5)
    spool(settings, shop, today, new, f"new {before_it} {seed} {time.time_ns()}")
    ingester = Ingester(settings, database)
    before = resource.getrusage(resource.RUSAGE_SELF)
    with _writing_beside(settings) as waits:
        started = time.perf_counter()
        done = ingester.run_once()
        seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    assert (done.ingested, done.rejected) == (new, 0), done
    told = waits()
    print(
        f"{before_it:,} clicks before, {new:,} new: {new / seconds:,.0f} clicks/s ({seconds:.1f} s)"
    )
    print(
        f"CPU per 100,000 clicks: {user / new * 1e5:.2f} s user, {system / new * 1e5:.2f} s system"
    )
    print(
        f"{told.writes} writes beside it: p50 {told.p50:.1f} ms, p99 {told.p99:.1f} ms,"
        f" longest {told.most:.1f} ms"
    )
    print(f"memory: {after.ru_maxrss / 1024:.0f} MB at most")
    if database.is_sqlite:
        size = (settings.data_dir / "linkservice.db").stat().st_size
        with database.reading() as session:
            rows = session.scalar(select(func.count()).select_from(Click)) or 1
        print(f"{size / rows:.1f} bytes per click in the whole database")
    forget_segments(settings, database)


@contextmanager
def _writing_beside(settings: Settings) -> Iterator[Callable[[], Waits]]:
    """Write like the app does in another process; afterwards the waits can be asked for."""
    context = multiprocessing.get_context("spawn")
    stop, begun = context.Event(), context.Event()
    waits: multiprocessing.Queue[list[float]] = context.Queue()
    writer = context.Process(target=_write, args=(settings.database_url, begun, stop, waits))
    writer.start()
    begun.wait(30)
    taken: list[float] = []
    try:
        yield lambda: _waits(taken)
    finally:
        stop.set()
        taken.extend(waits.get(timeout=30))
        writer.join()


def _write(url: str, begun: Event, stop: Event, waits: multiprocessing.Queue[list[float]]) -> None:
    database, rng, taken = Database(url), random.Random(1), []
    due = time.perf_counter()
    begun.set()
    while not stop.is_set():
        due += rng.expovariate(WRITES_A_SECOND)
        time.sleep(max(0.0, due - time.perf_counter()))
        # From when it was due, not from when it could begin: waits must not hide each other.
        with database.transaction() as session:
            chosen = update(Link).where(Link.id == rng.randrange(1, LINKS))
            session.execute(chosen.values(title=f"Title {rng.random()}"))
        taken.append((time.perf_counter() - due) * 1000)
    database.close()
    waits.put(taken)


def _waits(taken: list[float]) -> Waits:
    if len(taken) < 2:
        return Waits(len(taken), *(taken * 3 or [0.0] * 3))
    parts = statistics.quantiles(taken, n=100, method="inclusive")
    return Waits(len(taken), parts[49], parts[98], max(taken))


if __name__ == "__main__":
    main()
