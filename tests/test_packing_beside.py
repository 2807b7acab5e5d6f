"""Days are packed beside others at work, and move to other databases and schemas: nothing is lost,
nothing comes twice.
"""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest
from cast import NOW
from closed_scene import idle_until
from packed_scene import (
    MUCH_LATER,
    Old,
    another,
    everything,
    in_small_parts,
    lying_as_rows,
    misread,
    old,
    pack,
    record,
    roll_ups_tell_the_clicks,
    rows,
)
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from test_backup import elsewhere, quietly

from linkservice import schema
from linkservice.backup import back_up, restore
from linkservice.clicks import packing
from linkservice.clicks.audit import audit
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import Click as ClickRow
from linkservice.clicks.model import LinkHour
from linkservice.clicks.packed_model import EveryClick, PackedClicks, PackedLinkDay
from linkservice.clicks.packing import Packing
from linkservice.clicks.reclassify import reclassify
from linkservice.config import Settings
from linkservice.database import Database

__all__ = ["elsewhere", "in_small_parts", "old"]

pytestmark = [
    pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True),
    pytest.mark.usefixtures("in_small_parts"),
]

BEFORE = "0032"

Done = TypeVar("Done")


def tables_in(path: Path) -> dict[str, list[str]]:
    """The lines of each table of a backup."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.startswith("tables/")]
        return {name: archive.read(name).decode().splitlines() for name in names}


def saved(old: Old, path: Path) -> dict[str, list[str]]:
    back_up(old.settings, old.database, path, NOW, quietly)
    return tables_in(path)


def packed(database: Database) -> list[int]:
    with database.reading() as session:
        return [
            session.scalar(select(func.count()).select_from(each)) or 0
            for each in (PackedClicks, PackedLinkDay)
        ]


# to other databases and schemas


def test_a_backup_of_packed_days_is_one_of_rows(
    old: Old, tmp_path: Path, elsewhere: tuple[Settings, Database]
) -> None:
    right, of_rows = saved(old, tmp_path / "rows.zip"), rows(old.database)
    pack(old.database)
    assert saved(old, tmp_path / "packed.zip") == right
    settings, target = elsewhere
    restore(target, tmp_path / "packed.zip", replace=False, progress=quietly)
    assert rows(target) == of_rows
    assert schema.differences(target) == []
    # With rows that came later, of the same hours.
    old.come(20)
    misread(old.database, 3, 0.3)
    both, of_both = saved(old, tmp_path / "both.zip"), rows(old.database)
    assert min(packed(old.database)) > 0
    assert min(lying_as_rows(old.database)) > 0
    restore(target, tmp_path / "both.zip", replace=True, progress=quietly)
    assert rows(target) == of_both
    back_up(settings, target, tmp_path / "again.zip", NOW, quietly)
    assert tables_in(tmp_path / "again.zip") == both
    hours = [json.loads(line) for line in both["tables/link_hours.jsonl"]]
    assert len({tuple(hour[:3]) for hour in hours}) == len(hours)


def test_a_backup_replaces_packed_days(old: Old, tmp_path: Path) -> None:
    right, of_rows, told = saved(old, tmp_path / "a.zip"), rows(old.database), everything(old)
    old.come(21)
    pack(old.database)
    restore(old.database, tmp_path / "a.zip", replace=True, progress=quietly)
    assert packed(old.database) == [0, 0]
    assert rows(old.database) == of_rows
    pack(old.database)
    assert everything(old) == told
    assert saved(old, tmp_path / "b.zip") == right


def test_a_schema_without_them_has_rows(old: Old) -> None:
    database = old.database
    old.come(22)
    pack(database)
    old.come(23)
    misread(database, 4, 0.3)
    right, told = rows(database), everything(old)
    schema.downgrade(database, BEFORE)
    with database.reading() as session:
        counts = [
            session.scalar(text(f"SELECT count(*) FROM {name}"))
            for name in ("clicks", "link_hours", "link_facets")
        ]
    assert counts[0] == len(right["clicks"])
    assert all(count >= len(right[name]) for count, name in zip(counts, right, strict=True))
    schema.upgrade(database)
    assert schema.differences(database) == []
    assert packed(database) == [0, 0]
    assert rows(database) == right
    pack(database)
    assert rows(database) == right
    assert everything(old) == told


# beside others


def together(*works: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(works)) as pool:
        for each in [pool.submit(work) for work in works]:
            each.result(60)


@pytest.fixture
def packer(old: Old) -> Iterator[Callable[[], int]]:
    """Packs until nothing is left, on connections of its own."""
    with another(old.database) as database:
        yield lambda: pack(database)


def test_two_pack_at_once(old: Old, packer: Callable[[], int]) -> None:
    right = rows(old.database)

    def until_done() -> None:
        # Who finds another one at it looks again in a minute.
        while sum(lying_as_rows(old.database)):
            pack(old.database)

    def beside() -> None:
        while sum(lying_as_rows(old.database)):
            packer()

    together(until_done, beside)
    assert rows(old.database) == right


def test_clicks_come_for_the_days_that_are_packed(old: Old, packer: Callable[[], int]) -> None:
    before, segments, done = len(rows(old.database)["clicks"]), 12, threading.Event()

    def ingest() -> None:
        for seed in range(segments):
            record(old, 30 + seed, clicks=60)
            tried(Ingester(old.settings, old.database).run_once)
        done.set()

    def keep_packing() -> None:
        while not done.is_set():
            tried(packer)

    together(ingest, keep_packing)
    assert len(rows(old.database)["clicks"]) == before + 60 * segments
    roll_ups_tell_the_clicks(old.database)
    assert audit(old.settings, old.database).difference == 0
    right = rows(old.database)
    packer()
    assert lying_as_rows(old.database) == [0, 0, 0]
    assert rows(old.database) == right


def test_clicks_are_put_right_while_they_are_packed(old: Old, packer: Callable[[], int]) -> None:
    right, done = rows(old.database), threading.Event()
    packer()

    def put_right() -> None:
        changed = [tried(lambda seed=seed: misread(old.database, seed, 0.3)) for seed in range(4)]
        assert min(changed) > 10
        tried(lambda: reclassify(old.settings, old.database, quietly))
        done.set()

    def keep_packing() -> None:
        while not done.is_set():
            tried(packer)

    together(put_right, keep_packing)
    roll_ups_tell_the_clicks(old.database)
    assert rows(old.database) == right
    packer()
    assert rows(old.database) == right


def test_two_put_right_what_lies_together(old: Old) -> None:
    right = rows(old.database)
    pack(old.database)
    with another(old.database) as database:
        together(
            lambda: tried(lambda: misread(old.database, 50, 0.6)),
            lambda: tried(lambda: misread(database, 50, 0.6)),
        )
    roll_ups_tell_the_clicks(old.database)
    assert len(rows(old.database)["clicks"]) == len(right["clicks"])
    reclassify(old.settings, old.database, quietly)
    assert rows(old.database) == right


def tried(work: Callable[[], Done]) -> Done:
    """As whoever runs again later does it: a deadlock is tried again."""
    for _ in range(5):
        try:
            return work()
        except OperationalError as error:
            failed = error
    raise failed


def test_whoever_adds_and_puts_right_is_not_given_up_for_a_packer(old: Old) -> None:
    """It holds hours that are to be packed, and waits until nobody packs."""
    pack(old.database)
    old.come(60)
    while lying_as_rows(old.database)[0]:
        assert Packing(old.database).some(MUCH_LATER)
    with old.database.reading() as session:
        first = select(func.min(LinkHour.local_date)).scalar_subquery()
        lying = session.execute(select(EveryClick.segment_id, EveryClick.position).limit(20)).all()
    with another(old.database) as database, ThreadPoolExecutor(1) as pool:
        with database.writing_connection() as connection:
            late = update(LinkHour).where(LinkHour.local_date == first)
            connection.execute(late.values(scans=LinkHour.scans))
            waiting = pool.submit(Packing(old.database).some, MUCH_LATER)
            until_someone_waits(old.database)
            packing.unpack(connection, [(row[0], row[1]) for row in lying])
        assert not waiting.result(30), "it gives way"
    assert pack(old.database) > 0


def until_someone_waits(database: Database) -> None:
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    for _ in range(200):
        with database.reading() as session:
            if session.scalar(query):
                return
    raise AssertionError("nobody waits")


def test_an_idle_ingester_packs(old: Old) -> None:
    right, told = rows(old.database), everything(old)
    october = date(2026, 11, 1)

    def is_done() -> bool:
        with old.database.reading() as session:
            late = session.scalar(select(func.min(ClickRow.local_day))) or october.toordinal()
            hours = session.scalar(select(func.min(LinkHour.local_date))) or october
        return late >= october.toordinal() and hours >= october

    idle_until(Ingester(old.settings, old.database), is_done)
    assert min(packed(old.database)) > 0
    assert is_done()
    assert rows(old.database) == right
    assert everything(old) == told
