"""Counts of many processes: summed up, never going backwards, whatever ends in between."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from linkservice.counters import Counters, Histogram, Ticker, is_total, summed

ASKED = 'linkservice_redirect_requests_total{outcome="redirect"}'
LINKS = "linkservice_link_cache_links"
LONGEST = "linkservice_spool_sync_longest_seconds"

_COUNTING = """
import sys
from pathlib import Path
from linkservice.counters import Counters

counters = Counters(Path(sys.argv[1]), "redirect")
counters.add("a_total", float(sys.argv[2]))
counters.flush()
print("counted", flush=True)
sys.stdin.read()
"""


def counting(folder: Path, figures: dict[str, float], role: str = "redirect") -> Counters:
    """A process's counters (of this one, but with a file of their own), flushed."""
    counters = Counters(folder, role)
    counters.follow(lambda: figures)
    counters.flush()
    return counters


def test_no_tick_is_lost_between_threads() -> None:
    ticker = Ticker()

    def tick() -> None:
        for _ in range(20_000):
            ticker.tick()

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    looks = [ticker.value() for _ in range(100)]
    for thread in threads:
        thread.join()
    assert looks == sorted(looks)
    assert [ticker.value(), ticker.value()] == [80_000, 80_000]


def test_a_histograms_buckets_hold_the_smaller_ones_too() -> None:
    times = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        times.add(seconds)
    assert times.longest == 7.0
    assert times.figures("x_seconds") == {
        'x_seconds_bucket{le="0.1"}': 2.0,
        'x_seconds_bucket{le="1"}': 3.0,
        'x_seconds_bucket{le="+Inf"}': 4.0,
        "x_seconds_sum": 7.65,
        "x_seconds_count": 4.0,
    }


def test_living_processes_are_summed(tmp_path: Path) -> None:
    one = counting(tmp_path, {ASKED: 3.0, LINKS: 10.0, LONGEST: 0.5})
    other = counting(tmp_path, {ASKED: 4.0, LINKS: 20.0, LONGEST: 0.25}, "web")
    found = summed(tmp_path)
    assert (found[ASKED], found[LINKS], found[LONGEST]) == (7.0, 30.0, 0.5)
    started = [name for name in found if name.startswith("linkservice_process_start_time")]
    assert len(started) == 2
    one.close()
    other.close()


def test_a_process_that_ended_leaves_its_totals_and_nothing_else(tmp_path: Path) -> None:
    counting(tmp_path, {ASKED: 3.0, LINKS: 10.0, LONGEST: 0.5}).close()
    living = counting(tmp_path, {ASKED: 4.0})
    for _ in range(3):
        assert summed(tmp_path)[ASKED] == 7.0
    assert LINKS not in summed(tmp_path)
    assert LONGEST not in summed(tmp_path)
    assert len(list((tmp_path / "counters").glob("*.cnt"))) == 1
    living.close()
    assert summed(tmp_path) == {ASKED: 7.0}
    assert list((tmp_path / "counters").glob("*.cnt")) == []


def test_what_the_dead_left_does_not_pile_up_where_nobody_asks(tmp_path: Path) -> None:
    for _ in range(5):
        counting(tmp_path, {ASKED: 1.0}).close()
    assert len(list((tmp_path / "counters").glob("*.cnt"))) == 1
    assert summed(tmp_path) == {ASKED: 5.0}


def test_killed_processes_keep_what_they_had_written(tmp_path: Path) -> None:
    before = 0.0
    for number in (1, 2, 3):
        process = subprocess.Popen(
            [sys.executable, "-c", _COUNTING, str(tmp_path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "counted\n"
        before += number
        assert summed(tmp_path)["a_total"] == before
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert summed(tmp_path)["a_total"] == before


def test_a_crash_between_keeping_and_removing_counts_nothing_twice(tmp_path: Path) -> None:
    counting(tmp_path, {ASKED: 3.0}).close()
    [path] = (tmp_path / "counters").glob("*.cnt")
    content = path.read_bytes()
    assert summed(tmp_path)[ASKED] == 3.0
    path.write_bytes(content)
    assert summed(tmp_path)[ASKED] == 3.0
    counting(tmp_path, {ASKED: 1.0}).close()
    assert [summed(tmp_path)[ASKED], summed(tmp_path)[ASKED]] == [4.0, 4.0]
    assert not path.exists()


def test_a_full_disk_stops_neither_counting_nor_the_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters = Counters(tmp_path, "redirect")
    (tmp_path / "counters").write_text("not a folder")
    counters.add("a_total", 2.0)
    counters.flush()
    (tmp_path / "counters").unlink()
    counters.flush()
    assert summed(tmp_path)["a_total"] == 2.0
    counters.close()
    # A file that could not be allocated is not left behind.
    full = Counters(tmp_path, "redirect")
    full.add("b_total")
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", _no_room)
        for _ in range(3):
            full.flush()
    assert list((tmp_path / "counters").glob("*.cnt")) == []
    full.flush()
    assert summed(tmp_path)["b_total"] == 1.0
    full.close()
    # What cannot be kept is read again the next time.
    monkeypatch.setattr(Path, "rename", _refuse)
    assert [summed(tmp_path)["a_total"], summed(tmp_path)["a_total"]] == [2.0, 2.0]


def _no_room(fd: int, data: bytes, offset: int) -> int:
    raise OSError(errno.ENOSPC, "no room")


def _refuse(path: Path, target: Path) -> Path:
    raise OSError("no room")


def test_a_forked_child_begins_anew(tmp_path: Path) -> None:
    counters = Counters(tmp_path, "web")
    counters.add("a_total", 5.0)
    counters.flush()
    child = os.fork()
    if child == 0:
        counters.add("a_total", 1.0)
        counters.flush()
        os._exit(0)
    os.waitpid(child, 0)
    assert summed(tmp_path)["a_total"] == 6.0
    counters.close()


# Python 3.12 and later warn of forks beside threads.
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_child_forked_while_the_folder_is_locked_waits_for_nobody(tmp_path: Path) -> None:
    ended = threading.Event()

    def lock_again_and_again() -> None:
        while not ended.is_set():
            counters = Counters(tmp_path, "redirect")
            counters.flush()
            counters.close()

    thread = threading.Thread(target=lock_again_and_again)
    thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                signal.alarm(10)
                Counters(tmp_path, "web").flush()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        ended.set()
        thread.join()


def test_counts_are_written_at_most_once_a_second_where_that_is_asked(tmp_path: Path) -> None:
    counters = Counters(tmp_path, "redirect")
    counters.flush(due=True)
    counters.add("a_total")
    counters.flush(due=True)
    assert "a_total" not in summed(tmp_path)
    counters.flush()
    assert summed(tmp_path)["a_total"] == 1.0
    counters.close()


def test_names_say_what_outlives_a_process() -> None:
    assert is_total('x_total{a="b"}')
    assert is_total('x_seconds_bucket{le="1"}')
    assert not is_total(LINKS)


def test_what_finds_no_room_in_the_file_is_refused(tmp_path: Path) -> None:
    counters = Counters(tmp_path, "web")
    counters.add("x" * 121)
    with pytest.raises(ValueError, match="figures"):
        counters.flush()
