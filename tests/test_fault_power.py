"""The power is cut at random moments: what was promised is on the disk, and counted once.

Ledger and rows are checked on SQLite, whose files are on the same disk as the spool; whether
PostgreSQL keeps what it committed is PostgreSQL's own promise.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cast import make_home, make_link
from evidence import Trial
from marked import clicking_marked, numbers_in
from powercut import UNKEPT, Disk, Entry, Journal, write_out
from preload import compiled
from service import running
from sqlalchemy import func, select

from linkservice.clicks.audit import audit
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.ledger_model import LedgerEntry
from linkservice.clicks.model import LinkDay
from linkservice.config import PREFIX, Settings, SpoolSync, load
from linkservice.database import Database

pytestmark = pytest.mark.fault

AT_RISK_SECONDS = {"always": 0.0, "second": 1.0}
"""How long ago a click may have been acknowledged that a cut takes along."""


_WRITER = """
import os, sys, threading
from datetime import UTC, datetime, timedelta
from contextlib import suppress
from dataclasses import replace
sys.path.insert(0, sys.argv[1])
from marked import marks
from service import BROWSER
from powercut import Journal
from linkservice.clicks.event import Click, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.retention import delete_old_segments
from linkservice.clicks.spool import Spool, node_id
from linkservice.config import load
from linkservice.database import open_database

settings, stop = load(os.environ), threading.Event()
journal = Journal(os.environ["POWERCUT_JOURNAL"])
click = Click(time_ms=int(sys.argv[3]), link_id=1, link_version=1, domain_id=1, workspace_id=1)
click = replace(click, user_agent=BROWSER)

def ingest():
    database = open_database(settings)
    ingester = Ingester(settings, database)
    going_on = True
    while going_on:
        going_on = not stop.is_set()  # once more after the last click
        ingester.run_once()
        delete_old_segments(settings, database, datetime.now(UTC) + timedelta(days=30))

ingesting = threading.Thread(target=ingest)
ingesting.start()
spool = Spool(settings.spool_dir, node_id(settings.data_dir), segment_bytes=2000)
for number in range(1, int(sys.argv[2]) + 1):
    spool.append(encode(replace(click, **marks(number))))
    journal.acknowledged(number)
stop.set()
ingesting.join()
"""
"""Records numbered clicks in small segments, and ingests and deletes them as soon as may be."""


@pytest.fixture
def engine_name() -> str:
    """The database must be on the disk whose power is cut."""
    return "sqlite"


@dataclass(frozen=True)
class Cut:
    """What one cut left: clicks acknowledged before it, those lost, the oldest one's age."""

    acknowledged: int
    lost: int
    oldest_lost_seconds: float


@pytest.mark.parametrize("sync", ["always", "second"])
def test_a_power_cut_takes_no_more_than_was_said(
    settings: Settings, tmp_path: Path, trial: Trial, sync: SpoolSync
) -> None:
    furnish(settings)
    cuts = [
        cut
        # A cut early in a service's life differs from one in the middle of it.
        for run in range(trial.size(1, 4))
        for cut in life_with_cuts(
            replace(settings, spool_sync=sync),
            tmp_path / f"run-{run}",
            lambda own, life: serve_for(own, life, trial.size(1, 8)),
            random.Random(f"{trial.seed} {sync} {run}"),
            cuts=trial.size(2, 50),
        )
    ]
    oldest = max(cut.oldest_lost_seconds for cut in cuts)
    assert any(cut.acknowledged for cut in cuts)
    assert oldest <= AT_RISK_SECONDS[sync]
    promised = "0 acknowledged lost" if sync == "always" else "≤ 1 s lost"
    trial.saw(
        f"power cut, `SPOOL_SYNC={sync}`",
        f"200 cuts: {promised}, ledger and rows agree",
        f"{len(cuts)} cuts, up to {max(cut.acknowledged for cut in cuts):,} acknowledged before: "
        f"at most {max(cut.lost for cut in cuts)} lost, the oldest after {oldest:.2f} s; 0 doubled",
    )


def test_what_was_deleted_from_the_spool_is_in_the_database(
    settings: Settings, tmp_path: Path, trial: Trial
) -> None:
    furnish(settings)
    many = trial.size(300, 20_000)

    def record_and_delete(own: Settings, life: Life) -> None:
        environment = {**os.environ, **life.environment, PREFIX + "DATA_DIR": str(own.data_dir)}
        tests, now_ms = Path(__file__).parent, time.time_ns() // 1_000_000
        command = [sys.executable, "-c", _WRITER, str(tests), str(many), str(now_ms)]
        subprocess.run(command, env=environment, check=True)
        assert list(own.spool_dir.glob("*.sealed")) == [], "there is nothing that was deleted"

    rng, cuts = trial.chance(), trial.size(5, 200)
    found = list(life_with_cuts(settings, tmp_path / "life", record_and_delete, rng, cuts))
    assert sum(cut.lost for cut in found) == 0
    trial.saw(
        "power cut while segments are deleted",
        "200 cuts: 0 acknowledged lost, ledger and rows agree",
        f"{len(found)} cuts, up to {max(cut.acknowledged for cut in found):,} acknowledged before: "
        "0 lost, 0 doubled",
    )


def furnish(settings: Settings) -> None:
    now = datetime.now(UTC)
    with closing(Database(settings.database_url)) as database:
        with database.transaction() as session:
            make_link(session, settings, make_home(session, settings, now=now), "poster", now=now)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


@dataclass(frozen=True)
class Life:
    """What a service needs to live in a test: a folder for its output, and to be noted."""

    folder: Path
    journal: Journal
    environment: dict[str, str]


def serve_for(settings: Settings, life: Life, seconds: float) -> None:
    """A service under load, stopped in the end: one that is killed may not note its last write."""
    with running(settings, life.folder, workers=1, environment=life.environment) as service:
        with clicking_marked(service.link_port, told=life.journal.acknowledged) as clicks:
            time.sleep(seconds)
        assert service.stop() == 0
    assert not clicks.other


def life_with_cuts(
    settings: Settings,
    folder: Path,
    live: Callable[[Settings, Life], None],
    rng: random.Random,
    cuts: int,
) -> Iterator[Cut]:
    """Something that lives on a disk, and what is left when its power is cut so often."""
    folder.mkdir()
    own = at_home_in(settings, shutil.copytree(settings.data_dir, folder / "data"))
    disk, journal = Disk(own.data_dir), Journal(folder / "journal")
    noted = journal.environment(compiled("powercut", folder), own.data_dir)
    live(own, Life(folder, journal, noted))
    entries = journal.entries()
    moments = set(rng.sample(range(len(entries)), cuts))
    for number, entry in enumerate(entries):
        disk.play(entry)
        if number in moments:
            place = folder / f"cut-{number}"
            write_out(disk.after_cut(rng), place)
            yield recovered(at_home_in(settings, place), entries[: number + 1])
            shutil.rmtree(place)
    assert disk.all_applied() == {
        str(path.relative_to(own.data_dir)): path.read_bytes()
        for path in own.data_dir.rglob("*")
        if path.is_file() and not path.name.endswith(UNKEPT)
    }


def at_home_in(settings: Settings, data_dir: Path) -> Settings:
    return load({}, data_dir=data_dir, spool_sync=settings.spool_sync)


def recovered(settings: Settings, entries: list[Entry]) -> Cut:
    """Start anew on what the cut left, and compare."""
    told = {entry.offset: entry.time_ns for entry in entries if entry.kind == "A"}
    with closing(Database(settings.database_url)) as database:
        ingester = Ingester(settings, database)
        with ingester.alone():
            ingester.run_once()
        counted = numbers_in(database)
        assert_agreement(settings, database, counted)
    lost = told.keys() - counted.keys()
    ages = [(entries[-1].time_ns - told[number]) / 1e9 for number in lost]
    return Cut(len(told), len(lost), max(ages, default=0.0))


def assert_agreement(settings: Settings, database: Database, counted: Counter[int]) -> None:
    """Rows, roll-ups, ledger and files tell the same number, and no click stands twice."""
    assert set(counted.values()) <= {1}
    checked = audit(settings, database)
    assert (checked.difference, checked.pending) == (0, 0)
    with database.reading() as session:
        ledger = session.scalar(select(func.sum(LedgerEntry.ingested))) or 0
        rolled_up = session.scalar(select(func.sum(LinkDay.clicks))) or 0
    assert ledger == rolled_up == counted.total()
