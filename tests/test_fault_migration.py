"""The schema is changed while customers click: nobody gets an error, no click is lost.

The real migrations are run, down and up again, each kept from ending for a while, as on tables
far larger than a test's. On PostgreSQL somebody also reads one long report meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cast import make_home, make_link
from clients import clicking, clicking_steadily
from counted import assert_each_counted_once
from evidence import Trial
from revisions import TWO_BEFORE_NEWEST
from service import running, wait_until
from sqlalchemy import Connection, event, select, text
from sqlalchemy.orm import Session

from linkservice import schema
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.tables import metadata

pytestmark = pytest.mark.fault

GIVES_UP = "30s"
"""Far longer than a migration waits for a lock, even where much else is done."""

SLUGS = [f"poster-{number}" for number in range(20)]
PREVIOUS = TWO_BEFORE_NEWEST
"""The newest may have nothing to do on one of the databases."""


def test_a_migration_under_load_fails_nobody(
    settings: Settings, database: Database, tmp_path: Path, trial: Trial
) -> None:
    rounds, seconds = trial.size(1, 5), trial.size(5, 50) / 10
    add_posters(settings, database)
    paths = [f"/{slug}" for slug in SLUGS]
    with running(settings, tmp_path, workers=trial.size(1, 2)) as service:
        with clicking(service.link_port, paths, depth=1, per_connection=len(paths)) as first:
            wait_until(lambda: first.acknowledged > 30 * len(paths))
        with (
            clicking_steadily(service.link_port, paths, per_second=200, clients=10) as crowd,
            reading_a_long_report(database),
        ):
            for _ in range(rounds):
                migrate(settings, seconds)
                time.sleep(0.3)
        assert service.stop() == 0
    assert (crowd.in_doubt, crowd.refused, crowd.other) == (0, 0, {})
    found = assert_each_counted_once(settings, database, first, crowd)
    trial.saw(
        f"Migration while 200 requests/s arrive ({database.engine.dialect.name})",
        "0 × 5xx, 0 lost",
        f"{rounds} × down to {PREVIOUS} and up again, each kept open for {seconds:.1f} s; "
        f"{found:,} clicks: 0 × 5xx, 0 lost",
    )


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_migration_that_has_to_wait_lets_others_pass(
    settings: Settings, database: Database
) -> None:
    """On SQLite readers and writers never wait for each other."""
    with closing(Database(settings.database_url)) as own:
        with database.reading() as report:
            read_everything(report)
            moving = threading.Thread(target=migrate, args=(settings, 0.0))
            moving.start()
            for _ in range(10):
                time.sleep(0.1)
                with own.reading() as customer:
                    # The report lasts for as long as they wait: behind one who waits for it
                    # they would wait for ever.
                    customer.execute(text(f"SET LOCAL statement_timeout = '{GIVES_UP}'"))
                    read_everything(customer)
            assert moving.is_alive(), "it had nothing to wait for"
        moving.join()
        schema.require_current(own)


def read_everything(session: Session) -> None:
    for table in metadata.sorted_tables:
        session.execute(select(table).limit(1))


def migrate(settings: Settings, seconds: float) -> None:
    """Down and up again; each transaction ends only after so many seconds."""

    def wait(connection: Connection) -> None:
        time.sleep(seconds)

    with closing(Database(settings.database_url)) as database:
        event.listen(database.engine, "commit", wait)
        assert schema.downgrade(database, PREVIOUS) == PREVIOUS
        schema.upgrade(database)


@contextmanager
def reading_a_long_report(database: Database) -> Iterator[None]:
    """Somebody reads all the while, one second at a time."""
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with database.reading() as session:
                session.execute(text("SELECT count(*) FROM links"))
                stop.wait(1.0)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        stop.set()
        reader.join()


def add_posters(settings: Settings, database: Database) -> None:
    now = datetime.now(UTC)
    with database.transaction() as session:
        home = make_home(session, settings, now=now)
        for slug in SLUGS:
            make_link(session, settings, home, slug, now=now)
