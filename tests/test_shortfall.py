"""Unrecorded clicks are counted without disk space, and forgotten only once stored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from threading import Thread

import pytest

from linkservice.clicks.shortfall import (
    FILE_BYTES,
    OVERFLOW,
    SLOTS,
    Shortfall,
    Unrecorded,
    forget,
    last_counted,
    read_all,
)

DAY = date(2026, 11, 22).toordinal()


def counted(spool_dir: Path) -> list[tuple[int, int, int]]:
    return [(row.workspace_id, row.day, row.clicks) for row in read_all(spool_dir)]


def test_counts_are_absolute_and_by_workspace_and_day(tmp_path: Path) -> None:
    shortfall = Shortfall(tmp_path / "spool")
    for workspace, day in [(1, DAY), (2, DAY), (1, DAY), (1, DAY + 1)]:
        shortfall.add(workspace, day)
    assert shortfall.persistent
    assert shortfall.total == 4
    rows = read_all(tmp_path / "spool")
    assert sorted(row[1:] for row in rows) == [(1, DAY, 2), (1, DAY + 1, 1), (2, DAY, 1)]
    assert rows == read_all(tmp_path / "spool")
    shortfall.close()


def test_a_spool_that_is_not_there_has_no_shortfall(tmp_path: Path) -> None:
    assert read_all(tmp_path / "nowhere") == []
    assert forget(tmp_path / "nowhere", []) == []


def test_the_file_has_its_blocks_before_they_are_needed(tmp_path: Path) -> None:
    shortfall = Shortfall(tmp_path)
    [path] = tmp_path.glob("unrecorded-*.cnt")
    before = path.stat()
    assert before.st_blocks * 512 >= FILE_BYTES
    for number in range(SLOTS + 5):
        shortfall.add(number, DAY)
    assert path.stat().st_blocks == before.st_blocks
    assert path.stat().st_size == before.st_size
    shortfall.close()


def test_workspaces_beyond_the_slots_share_the_overflow(tmp_path: Path) -> None:
    shortfall = Shortfall(tmp_path)
    for number in range(SLOTS + 9):
        shortfall.add(number + 1, DAY)
    rows = counted(tmp_path)
    assert len(rows) == SLOTS
    assert sum(clicks for _, _, clicks in rows) == shortfall.total == SLOTS + 9
    assert (*OVERFLOW, 10) in rows
    date.fromordinal(OVERFLOW[1])  # a day that can be stored
    shortfall.close()


def test_many_threads_lose_no_count(tmp_path: Path) -> None:
    shortfall = Shortfall(tmp_path)
    threads = [
        Thread(target=lambda: [shortfall.add(1, DAY) for _ in range(200)]) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(tmp_path) == [(1, DAY, 3200)]
    shortfall.close()


def test_counts_survive_kill_9_and_stay_until_they_are_stored(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from linkservice.clicks.shortfall import Shortfall\n"
        "shortfall = Shortfall(Path(sys.argv[1]))\n"
        f"for _ in range(7): shortfall.add(3, {DAY})\n"
        "print('counted', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"counted\n"
        rows = read_all(tmp_path)
        assert forget(tmp_path, rows) == []  # the process lives
        process.send_signal(signal.SIGKILL)
    assert counted(tmp_path) == [(3, DAY, 7)]
    assert forget(tmp_path, []) == []  # not stored yet
    assert forget(tmp_path, rows) == [rows[0].source]
    assert read_all(tmp_path) == []


def test_a_count_that_went_on_after_it_was_stored_is_kept(tmp_path: Path) -> None:
    shortfall = Shortfall(tmp_path)
    shortfall.add(1, DAY)
    stored = read_all(tmp_path)
    shortfall.add(1, DAY)
    shortfall.close()
    assert forget(tmp_path, stored) == []
    assert counted(tmp_path) == [(1, DAY, 2)]
    assert len(forget(tmp_path, read_all(tmp_path))) == 1


def test_a_process_that_missed_nothing_leaves_nothing(tmp_path: Path) -> None:
    Shortfall(tmp_path).close()
    assert len(forget(tmp_path, [])) == 1
    assert list(tmp_path.iterdir()) == []


def test_without_room_it_counts_in_memory_until_there_is_some(tmp_path: Path) -> None:
    in_the_way = tmp_path / "spool"
    in_the_way.write_text("a file where the folder should be")
    shortfall = Shortfall(in_the_way)
    shortfall.add(1, DAY)
    shortfall.add(2, DAY)
    assert not shortfall.persistent
    assert shortfall.total == 2
    in_the_way.unlink()
    shortfall.add(1, DAY)
    assert shortfall.persistent
    assert sorted(counted(in_the_way)) == [(1, DAY, 2), (2, DAY, 1)]
    shortfall.close()


def test_a_disk_error_is_no_exception_and_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shortfall = Shortfall(tmp_path)
    with monkeypatch.context() as patch:

        def refuse(*_: object) -> int:
            raise OSError(5, "Input/output error")

        patch.setattr(os, "pwrite", refuse)
        shortfall.add(1, DAY)
        shortfall.add(2, DAY)
        assert not shortfall.persistent
    shortfall.add(2, DAY)
    assert shortfall.persistent
    assert sorted(counted(tmp_path)) == [(1, DAY, 1), (2, DAY, 2)]
    shortfall.close()


# Python 3.12 and later warn of forks beside threads, which other tests may have left running.
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_counts_for_itself(tmp_path: Path) -> None:
    shortfall = Shortfall(tmp_path)
    shortfall.add(1, DAY)
    child = os.fork()
    if child == 0:
        shortfall.add(1, DAY)
        os._exit(0)
    os.waitpid(child, 0)
    shortfall.add(1, DAY)
    rows = read_all(tmp_path)
    assert sorted(row.clicks for row in rows) == [1, 2]
    assert len({row.source for row in rows}) == 2
    assert len(forget(tmp_path, rows)) == 1  # the child's only
    shortfall.close()


def test_nonsense_in_a_file_is_not_reported(tmp_path: Path) -> None:
    (tmp_path / "unrecorded-0.cnt").write_bytes(b"\xff" * 100)
    (tmp_path / "unrecorded-1.cnt").write_bytes(b"")
    assert read_all(tmp_path) == []


def test_rows_are_plain_tuples() -> None:
    assert Unrecorded("unrecorded-1.cnt", 1, DAY, 2) == ("unrecorded-1.cnt", 1, DAY, 2)


def test_counts_stay_as_long_as_a_backup_may_need_them(tmp_path: Path) -> None:
    shortfall = Shortfall(tmp_path)
    shortfall.add(1, DAY)
    shortfall.close()
    stored = read_all(tmp_path)
    assert forget(tmp_path, stored, kept_seconds=3600) == []
    [path] = tmp_path.glob("unrecorded-*.cnt")
    os.utime(path, (0, time.time() - 3601))
    assert len(forget(tmp_path, stored, kept_seconds=3600)) == 1


def test_the_moment_of_the_last_count_is_told(tmp_path: Path) -> None:
    shortfall = Shortfall(tmp_path)
    assert last_counted(tmp_path) is None
    shortfall.add(1, DAY)
    last = last_counted(tmp_path)
    assert last is not None
    assert abs(time.time() - last) < 60
    shortfall.close()
