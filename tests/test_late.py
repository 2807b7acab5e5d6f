"""Misses by the thousand: put off, and each recorded all the same."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from cast import Home, make_link, owner_of
from linkport import ask, recorded

from linkservice.clicks.event import HEAD_BIT, SCAN_BIT, Click, Method, Source
from linkservice.clicks.spool import Spool, SpoolFailed
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.redirect.app import LinkDoor, make_application
from linkservice.redirect.late import AT_ONCE, Late

NODE = bytes(range(16))
MS = 1_793_334_444_123
KINDS = [(1, 1, 0), (1, 2, 0), (1, 2, SCAN_BIT), (2, 3, HEAD_BIT)]


@pytest.fixture
def spool_dir(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(spool_dir: Path) -> Iterator[Spool]:
    spool = Spool(spool_dir, NODE, "second")
    yield spool
    spool.close()


def kind_of(click: Click) -> tuple[int, int, int]:
    bits = SCAN_BIT if click.source == Source.SCAN else 0
    bits |= HEAD_BIT if click.method == Method.HEAD else 0
    return click.workspace_id, click.domain_id, bits


def test_each_of_many_threads_misses_is_recorded_once(spool: Spool, spool_dir: Path) -> None:
    late = Late(spool)
    each, began = 10 * AT_ONCE + 7, time.time_ns() // 1_000_000

    def flood(number: int) -> None:
        for _ in range(each):
            late.add(*KINDS[number % len(KINDS)])

    threads = [Thread(target=flood, args=(number,)) for number in range(2 * len(KINDS))]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that they meet in all places
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    late.write(MS)
    seen, ended = recorded(spool_dir), time.time_ns() // 1_000_000
    assert Counter(map(kind_of, seen)) == dict.fromkeys(KINDS, 2 * each)
    assert all(click.miss and click.link_id == 0 for click in seen)
    assert all(click.time_ms == MS or began <= click.time_ms <= ended for click in seen)
    assert not any(click.network or click.token or click.user_agent for click in seen)


def test_no_more_wait_than_are_written_at_once(spool: Spool, spool_dir: Path) -> None:
    late = Late(spool)
    for _ in range(5 * AT_ONCE):
        late.add(*KINDS[0])
    assert 5 * AT_ONCE - len(recorded(spool_dir)) <= AT_ONCE


def test_what_the_disk_refuses_waits(spool: Spool, spool_dir: Path) -> None:
    late = Late(spool)
    spool_dir.write_text("no folder")
    for _ in range(AT_ONCE + 1):
        late.add(*KINDS[0])
    with pytest.raises(SpoolFailed):
        late.write(MS)
    spool_dir.unlink()
    late.write(MS)
    late.write(MS)
    assert len(recorded(spool_dir)) == AT_ONCE + 1


def test_a_fork_leaves_them_to_the_parent(settings: Settings, door: LinkDoor) -> None:
    flood(door, 10)
    child = os.fork()
    if not child:
        door.close()
        os._exit(0)
    os.waitpid(child, 0)
    flood(door, 10)
    door.close()
    assert len(recorded(settings.spool_dir)) == 20


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    return owner_of(database, settings)


@pytest.fixture
def door(
    database: Database, settings: Settings, ada: Home, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LinkDoor]:
    """A door that knows its one link, and to which every unknown slug is one of a flood."""
    monkeypatch.setattr("linkservice.redirect.resolver.UNKNOWN_ASKED", 0.0)
    with database.transaction() as session:
        make_link(session, settings, ada, "sommer")
    door = make_application(settings)
    ask(door, "/robots.txt")  # starts what reads the links
    while door._resolver._existing is None:
        time.sleep(0.01)
    yield door
    door.close()


def flood(door: LinkDoor, number: int) -> None:
    for each in range(number):
        assert ask(door, f"/unknown-{each}").code == 404


def test_a_floods_misses_are_recorded_and_told_apart(
    door: LinkDoor, settings: Settings, ada: Home
) -> None:
    flood(door, 3 * AT_ONCE)
    assert ask(door, "/q/unknown").code == 404
    assert ask(door, "/unknown", "HEAD").code == 404
    assert ask(door, "/sommer").code == 302
    door.close()
    seen = recorded(settings.spool_dir)
    missed = [click for click in seen if click.miss]
    assert len(seen) - len(missed) == 1
    home = (ada.workspace_id, ada.domain_id)
    assert Counter(map(kind_of, missed)) == {
        (*home, 0): 3 * AT_ONCE,
        (*home, SCAN_BIT): 1,
        (*home, HEAD_BIT): 1,
    }


def test_a_floods_misses_are_soon_recorded_by_themselves(
    door: LinkDoor, settings: Settings
) -> None:
    flood(door, AT_ONCE // 2)
    for _ in range(10_000):
        if len(recorded(settings.spool_dir)) == AT_ONCE // 2:
            return
        time.sleep(0.01)
    raise AssertionError("they were not")
