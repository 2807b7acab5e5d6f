"""What a process counts, in a small file of its own that any other process can sum up.

Decided here: what counting costs, where the counts are kept, and that no total ever goes
backwards when a process ends. Not here: what is counted (whoever does the work), what the
figures are called outside and what they mean (`metrics`).

A customer's request pays one `Ticker.tick()` per count, some 50 ns (prometheus_client's `inc`
takes 0.9 µs here, in its mode for several processes 1.6 µs). At most once a second the process
writes all its counts over those in its file: 16 KiB that are allocated at its start, so that a
full disk does not stop it. A process that is killed loses what it counted since: these are
figures to watch a service by; the exact ones are the ledger's (`clicks/audit`).

The files of processes that ended are folded into one kept total, by whoever sums up or starts
next. A name says what becomes of a figure: totals (`_total`, `_count`, `_sum`, `_bucket`) are
added up for ever, anything else is a state of the living: of `…_longest_…` the largest, of
others the sum.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import struct
import threading
import time
import weakref
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from linkservice import lockfile

FLUSH_SECONDS = 1.0
"""Between two writes of a process's counts."""

_NAME_BYTES = 120
_SLOT = struct.Struct(f"<{_NAME_BYTES}sd")
_SLOTS = 128
_TOTALS = ("_total", "_count", "_sum", "_bucket")
_KEPT = "kept.json"


class Ticker:
    """Counts events of any number of threads, without a lock.

    One step of `itertools.count` cannot be torn apart by another thread, which `+= 1` can.
    """

    __slots__ = ("_looks", "tick")

    def __init__(self) -> None:
        self.tick = itertools.count().__next__
        self._looks = 0

    def value(self) -> int:
        """How many ticks there were; for one thread at a time."""
        # Looking takes a step as well.
        self._looks += 1
        return self.tick() - self._looks + 1


class Histogram:
    """Durations in seconds by size; whoever measures sees to it that only one thread adds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = self._longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one more; half a microsecond."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds
        if seconds > self._longest:
            self._longest = seconds

    def figures(self, name: str) -> dict[str, float]:
        """As Prometheus has them: each bucket holds the smaller ones too."""
        reached = list(itertools.accumulate(self._counts))
        ends = [f"{bound:g}" for bound in self._bounds] + ["+Inf"]
        found = {
            f'{name}_bucket{{le="{end}"}}': float(count)
            for end, count in zip(ends, reached, strict=True)
        }
        return found | {f"{name}_sum": self._sum, f"{name}_count": float(reached[-1])}

    @property
    def longest(self) -> float:
        """The longest of all, in seconds."""
        return self._longest


class Counters:
    """What this process counts, and its file; safe for threads, and across `fork`.

    Its file appears at the first `flush`, so a parent that only forks has none.
    """

    def __init__(self, data_dir: Path, role: str) -> None:
        self._folder = data_dir / "counters"
        self._role = role
        self._sources: list[Callable[[], Mapping[str, float]]] = []
        self._start_afresh()
        _all.add(self)

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._added: dict[str, float] = defaultdict(float)
        self._fd: int | None = None
        self._started = time.time()
        self._flushed_at = float("-inf")

    def follow(self, figures: Callable[[], Mapping[str, float]]) -> None:
        """Have `figures` asked at each flush, by one thread at a time."""
        self._sources.append(figures)

    def add(self, name: str, amount: float = 1.0) -> None:
        """Add to a total that nobody else keeps; half a microsecond."""
        with self._lock:
            self._added[name] += amount

    def flush(self, *, due: bool = False) -> None:
        """Write all counts to the file; with `due` only if that was not done this second.

        Never raises for want of a disk: the next flush tries again.
        """
        with self._lock:
            if due and time.monotonic() - self._flushed_at < FLUSH_SECONDS:
                return
            self._flushed_at = time.monotonic()
            content = _packed(self._figures())
            with contextlib.suppress(OSError):
                if self._fd is None:
                    self._fd = self._created()
                _write(self._fd, content)

    def close(self) -> None:
        """Write the last counts and let go of the file, which is then folded in."""
        self.flush()
        with self._lock:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def leave_to_parent(self) -> None:
        """In a forked child: the counts so far, and their file, are the parent's."""
        if self._fd is not None:
            os.close(self._fd)
        self._start_afresh()

    def __del__(self) -> None:
        # A door that nobody closed, as in tests: its file is a dead process's from now on.
        if self._fd is not None:
            os.close(self._fd)

    def _figures(self) -> dict[str, float]:
        process = f'{{role="{self._role}",pid="{os.getpid()}"}}'
        found = {f"linkservice_process_start_time_seconds{process}": self._started}
        found.update(self._added)
        for source in self._sources:
            found.update(source())
        return found

    def _created(self) -> int:
        # Under the lock of those who sum up: they never see a file that is not yet locked.
        with _alone(self._folder):
            with contextlib.suppress(OSError):
                # Where nobody asks for the sum, a worker that dies again and again would fill
                # the disk with what it left.
                _summed(self._folder)
            path = self._folder / f"{self._role}-{os.getpid()}-{os.urandom(4).hex()}.cnt"
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                _write(fd, bytes(_SLOT.size * _SLOTS))
            except OSError:
                os.close(fd)
                path.unlink()
                raise
            return fd


def summed(data_dir: Path) -> dict[str, float]:
    """All that was ever counted in this data directory, and the state of its living processes.

    Raises OSError when the folder cannot be read.
    """
    folder = data_dir / "counters"
    with _alone(folder):
        return _summed(folder)


def is_total(name: str) -> bool:
    """Whether the figure outlives the process that counted it."""
    return name.partition("{")[0].endswith(_TOTALS)


def _summed(folder: Path) -> dict[str, float]:
    """As `summed`, for who holds the folder's lock; folds in what the dead left."""
    found: dict[str, float] = defaultdict(float)
    kept, folded = _kept(folder)
    dead = []
    for path in sorted(folder.glob("*.cnt")):
        if path.name in folded:
            continue
        # Asked before it is read: what a dead process wrote last must be what is kept of it.
        alive = _alive(path)
        if not alive:
            dead.append(path)
        for name, value in _unpacked(path.read_bytes()).items():
            if is_total(name):
                (found if alive else kept)[name] += value
            elif alive:
                found[name] = _together(name, found[name], value)
    for name, value in kept.items():
        found[name] += value
    with contextlib.suppress(OSError):  # a full disk: the next one folds
        _fold(folder, kept, dead)
    return dict(found)


def _together(name: str, one: float, other: float) -> float:
    return max(one, other) if "_longest_" in name else one + other


def _kept(folder: Path) -> tuple[defaultdict[str, float], set[str]]:
    """The totals of processes that ended, and the files they were read from."""
    totals: defaultdict[str, float] = defaultdict(float)
    try:
        kept = json.loads((folder / _KEPT).read_bytes())
        totals.update(kept["totals"])
        return totals, set(kept["folded"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return totals, set()


def _fold(folder: Path, kept: Mapping[str, float], dead: Sequence[Path]) -> None:
    """Keep the totals, then remove the files; the names say what a crash left between the two."""
    if not dead:
        return
    temporary = folder / f".{_KEPT}.tmp"
    _, before = _kept(folder)
    folded = [path.name for path in dead]
    folded += [name for name in before if (folder / name).exists()]
    temporary.write_text(json.dumps({"totals": kept, "folded": folded}))
    temporary.rename(folder / _KEPT)
    for name in folded:
        (folder / name).unlink(missing_ok=True)


def _write(fd: int, data: bytes) -> None:
    """From the beginning of the file, all of it: on a full disk the system takes less at a time."""
    done = 0
    while done < len(data):
        done += os.pwrite(fd, data[done:], done)


def _packed(figures: Mapping[str, float]) -> bytes:
    if len(figures) > _SLOTS or any(len(name) > _NAME_BYTES for name in figures):
        raise ValueError(f"more than {_SLOTS} figures, or a name of more than {_NAME_BYTES} bytes")
    return b"".join(_SLOT.pack(name.encode(), value) for name, value in figures.items())


def _unpacked(data: bytes) -> dict[str, float]:
    usable = data[: len(data) - len(data) % _SLOT.size]
    slots = _SLOT.iter_unpack(usable)
    return {
        name.rstrip(b"\0").decode("ascii", "replace"): value for name, value in slots if name[0]
    }


def _alive(path: Path) -> bool:
    """Whether the process that writes the file runs: its lock ends with it, however it dies."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = lockfile.hold(folder / "lock")
    try:
        yield
    finally:
        lockfile.release(handle)


_all: weakref.WeakSet[Counters] = weakref.WeakSet()


def _leave_to_parent() -> None:
    for counters in list(_all):
        counters.leave_to_parent()


os.register_at_fork(after_in_child=_leave_to_parent)
