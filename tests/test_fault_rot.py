"""Bits flip and tails are torn off: one record is lost at most, and somebody hears of it."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from evidence import Trial
from marked import marks, numbers_in
from recording import clicked_link
from sqlalchemy import select

from linkservice.clicks.audit import audit
from linkservice.clicks.event import Click, encode
from linkservice.clicks.framing import FRAME_BYTES
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.ledger_model import LedgerEntry
from linkservice.clicks.retention import delete_old_segments
from linkservice.clicks.segment import (
    HEADER_BYTES,
    QUARANTINE,
    SEGMENT_ID_BYTES,
    node_id,
    segments,
    write_segment,
)
from linkservice.config import Settings
from linkservice.database import Database

pytestmark = pytest.mark.fault


@pytest.fixture
def engine_name() -> str:
    """What is read of a damaged file does not depend on the database."""
    return "sqlite"


@dataclass(frozen=True)
class Hurt:
    """A segment with damage: which numbers stood in it, and where it was hurt (byte offset)."""

    name: str
    numbers: range
    where: int


class Spoiler:
    """Writes segments of marked clicks and does something to each."""

    def __init__(self, settings: Settings, click: Click, rng: random.Random) -> None:
        self._settings, self._click, self.rng = settings, click, rng
        self._node = node_id(settings.data_dir)
        self._next = 1

    def spoiled(self, how: Callable[[Path, Click, range], int]) -> Hurt:
        numbers = range(self._next, self._next + self.rng.randint(2, 25))
        self._next = numbers.stop
        bodies = [self.body(number) for number in numbers]
        segment_id = self.rng.randbytes(SEGMENT_ID_BYTES)
        name = write_segment(self._settings.spool_dir, self._node, segment_id, bodies)
        path = self._settings.spool_dir / f"{name}-{self._node.hex()}.sealed"
        return Hurt(name, numbers, how(path, self._click, numbers))

    def body(self, number: int) -> bytes:
        token = number.to_bytes(16, "big")
        return encode(replace(self._click, token=token, **marks(number)))


def test_flipped_bits_cost_one_record_each(
    settings: Settings, database: Database, trial: Trial
) -> None:
    spoiler = Spoiler(settings, clicked_link(settings, database), trial.chance())

    def flip(path: Path, click: Click, numbers: range) -> int:
        data = bytearray(path.read_bytes())
        where = spoiler.rng.randrange(len(data))
        data[where] ^= 1 << spoiler.rng.randrange(8)
        path.write_bytes(data)
        return where

    seen = Counter[str]()
    for _ in range(trial.size(1, 40)):
        hurt = [spoiler.spoiled(flip) for _ in range(trial.size(100, 250))]
        assert_pass(settings, database, hurt, seen)
    trial.saw(
        "bit flips",
        "10,000: ≤ 1 record lost each, every one reported and quarantined, 0 false records",
        f"{seen['flips']:,} flips: {seen['lost']:,} records lost (at most 1 each, none by those in "
        f"a header), {seen['reported']:,} reported and set aside, 0 false; ingestion never stopped",
    )


def assert_pass(
    settings: Settings, database: Database, hurt: list[Hurt], seen: Counter[str]
) -> None:
    """One pass over all of them: each cost one record at most, and each is told of."""
    Ingester(settings, database).run_once()
    counted = numbers_in(database)
    assert set(counted.values()) == {1}
    assert max(counted) < hurt[-1].numbers.stop
    told = damage_by_segment(database)
    for each in hurt:
        lost = [number for number in each.numbers if number not in counted]
        assert len(lost) <= (each.where >= HEADER_BYTES)
        assert told[each.name] == 1
        assert each.where in set_aside_of(settings, each.name)
        seen.update(flips=1, lost=len(lost), reported=1)
    checked = audit(settings, database)
    assert (checked.difference, checked.pending) == (0, 0)
    assert checked.ingested == counted.total()
    assert checked.damaged == seen["flips"]


def damage_by_segment(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {row.name: row.damaged for row in session.scalars(select(LedgerEntry))}


def set_aside_of(settings: Settings, name: str) -> range:
    """The bytes of the segment that stand in the quarantine."""
    [path] = (settings.spool_dir / QUARANTINE).glob(f"{name}-*.damaged")
    start, end = path.name.split(".bytes-")[1].removesuffix(".damaged").split("-")
    assert path.stat().st_size == int(end) - int(start)
    return range(int(start), int(end))


def test_a_torn_tail_costs_only_what_was_not_whole(
    settings: Settings, database: Database, trial: Trial
) -> None:
    spoiler = Spoiler(settings, clicked_link(settings, database), trial.chance())

    def tear(path: Path, click: Click, numbers: range) -> int:
        where = spoiler.rng.randrange(HEADER_BYTES, path.stat().st_size)
        os.truncate(path, where)
        return where

    hurt = [spoiler.spoiled(tear) for _ in range(trial.size(100, 2_000))]
    Ingester(settings, database).run_once()
    counted, told = numbers_in(database), damage_by_segment(database)
    whole = 0
    for each in hurt:
        end = HEADER_BYTES
        for number in each.numbers:
            end += FRAME_BYTES + len(spoiler.body(number))
            assert counted[number] == (end <= each.where)
            whole += end <= each.where
        ends_within = each.where not in ends_of(spoiler, each)
        assert told[each.name] == ends_within
        if ends_within:
            assert set_aside_of(settings, each.name).stop == each.where
    assert counted.total() == whole
    assert audit(settings, database).difference == 0
    trial.saw(
        "torn tails",
        "every whole record counted, every torn one reported and quarantined",
        f"{len(hurt):,} tails torn off at any byte: {whole:,} whole records counted, 0 false",
    )


def ends_of(spoiler: Spoiler, hurt: Hurt) -> set[int]:
    """The offsets at which records end, and the first begins."""
    found, end = {HEADER_BYTES}, HEADER_BYTES
    for number in hurt.numbers:
        end += FRAME_BYTES + len(spoiler.body(number))
        found.add(end)
    return found


def test_what_was_set_aside_goes_with_the_segments(
    settings: Settings, database: Database, trial: Trial
) -> None:
    spoiler = Spoiler(settings, clicked_link(settings, database), trial.chance())

    def spoil_header(path: Path, click: Click, numbers: range) -> int:
        with path.open("r+b") as file:
            file.write(b"!")
        return 0

    spoiler.spoiled(spoil_header)
    Ingester(settings, database).run_once()
    [path] = (settings.spool_dir / QUARANTINE).iterdir()
    now = datetime.now(UTC)
    delete_old_segments(settings, database, now)
    assert path.exists()
    old = (now - timedelta(days=settings.spool_retention_days, hours=1)).timestamp()
    os.utime(path, (old, old))
    delete_old_segments(settings, database, now)
    assert not path.exists()
    assert segments(settings.spool_dir)
