"""Facets that wait are added once, whoever does it, and are then what they would have been."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from cast import NOW, Home, make_home, make_link
from revisions import NEWEST
from rollups import told
from sqlalchemy import func, select, text

from linkservice import schema
from linkservice.clicks import facets, ingest
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import LinkDay, LinkFacet, WaitingFacets
from linkservice.clicks.reclassify import reclassify
from linkservice.clicks.segment import write_segment
from linkservice.clicks.spool import node_id
from linkservice.config import Settings
from linkservice.database import Database

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)
CLICKS = 60


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        home = make_home(session, settings)
        for number in range(3):
            make_link(session, settings, home, f"link-{number}")
        return home


@pytest.fixture
def in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_BATCH", "SMALLEST_BATCH", "LARGEST_BATCH"):
        monkeypatch.setattr(ingest, name, 7)


def record(settings: Settings, home: Home) -> None:
    """A segment of clicks of all sorts."""
    rng = random.Random(3)
    plain = Click(
        time_ms=epoch_ms(NOW),
        link_version=1,
        domain_id=home.domain_id,
        workspace_id=home.workspace_id,
        network=bytes((84, 150, 1)),
        language="de",
    )
    clicks = [
        replace(
            plain,
            link_id=rng.randint(1, 3),
            user_agent=rng.choice(BROWSERS),
            referrer_host=rng.choice(("news.example", "t.co")),
        )
        for _ in range(CLICKS)
    ]
    node = node_id(settings.data_dir)
    write_segment(settings.spool_dir, node, rng.randbytes(8), map(encode, clicks))


def waiting(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(WaitingFacets)) or 0


def stop_before_the_end(settings: Settings, database: Database) -> None:
    """Ingest some batches, of which the last ones' facets wait."""
    passes = 0

    def stop(_: int) -> None:
        nonlocal passes
        passes += 1
        if passes == facets.TOGETHER:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Ingester(settings, database).run_once(stop)


@pytest.fixture
def right(settings: Settings, database: Database, home: Home) -> dict[tuple[str, str], int]:
    """What the clicks tell when all of them are one batch, which has nothing to wait for."""
    record(settings, home)
    Ingester(settings, database).run_once()
    assert waiting(database) == 0
    with database.reading() as session:
        found = told(session)
    with database.writing_connection() as connection:
        for table in ("link_facets", "link_days", "link_hours", "clicks", "segments"):
            connection.execute(text(f"DELETE FROM {table}"))
    return found


@pytest.mark.usefixtures("in_small_batches")
def test_batches_of_a_backlog_tell_what_one_batch_tells(
    settings: Settings, database: Database, right: dict[tuple[str, str], int]
) -> None:
    Ingester(settings, database).run_once()
    assert waiting(database) == 0
    with database.reading() as session:
        assert told(session) == right
        assert session.scalars(select(func.min(LinkFacet.clicks))).one() > 0


@pytest.mark.usefixtures("in_small_batches")
def test_what_an_ingester_left_waiting_the_next_one_adds(
    settings: Settings, database: Database, right: dict[tuple[str, str], int]
) -> None:
    stop_before_the_end(settings, database)
    assert waiting(database)
    Ingester(settings, database).run_once()
    assert waiting(database) == 0
    with database.reading() as session:
        assert told(session) == right


@pytest.mark.usefixtures("in_small_batches")
def test_several_may_add_them_at_once(
    settings: Settings, database: Database, right: dict[tuple[str, str], int]
) -> None:
    Ingester(settings, database).run_once()
    with database.writing_connection() as connection:
        rows = [tuple(row) for row in connection.execute(select(LinkFacet.__table__))]
        connection.execute(text("DELETE FROM link_facets"))
        for row in rows:
            one = np.array([[row[0].toordinal(), *row[1:]]], np.int64)
            facets.put_off(connection, one)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(facets.add_waiting, [database] * 4))
    assert waiting(database) == 0
    with database.reading() as session:
        assert told(session) == right


@pytest.mark.usefixtures("in_small_batches")
def test_reclassifying_takes_nothing_away_that_is_not_there_yet(
    settings: Settings, database: Database, right: dict[tuple[str, str], int]
) -> None:
    stop_before_the_end(settings, database)
    with database.writing_connection() as connection:
        # As if the robots had been taken for persons: 1 is the place of "robot".
        connection.execute(text('UPDATE clicks SET "class" = 0 WHERE "class" = 1'))
    assert reclassify(settings, database, lambda _now, _total: None).changed
    assert waiting(database) == 0


@pytest.mark.usefixtures("in_small_batches")
def test_going_back_to_a_schema_without_them_adds_them(
    settings: Settings, database: Database, right: dict[tuple[str, str], int]
) -> None:
    stop_before_the_end(settings, database)
    with database.reading() as session:
        counted = session.scalar(select(func.sum(LinkDay.clicks + LinkDay.robots)))
    schema.downgrade(database, "0006")
    with database.reading() as session:
        of_devices = sum(
            n for (facet, _), n in told(session).items() if facet in ("device", "robot")
        )
    assert schema.upgrade(database) == NEWEST
    assert of_devices == counted
