"""Clicks that were redirected and not recorded: counted where no disk space is needed.

Decided here: where and how a process counts them, and when a count may be forgotten. Not
here: when a click counts as unrecorded (`spool`), where the counts end up (`ingest`).

Each writing process makes one small file while the disk still has room, its blocks written
with zeros, and from then on only overwrites it: that needs no space, and the page cache
keeps it when the process is killed. Overwriting with `pwrite` instead of through a memory
map costs a microsecond and turns a disk error into an exception instead of a SIGBUS.

Counts are absolute, so storing them twice changes nothing. A file belongs to its process
until the lock says that it died; then it stays until `forget` is told what was stored of it.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import time
import weakref
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import NamedTuple

from linkservice.clicks.event import MAX_ID
from linkservice.clicks.segment import (
    SpoolFailed,
    create,
    held_from,
    make_folder,
    sync_directory,
    write_at,
)

FILE_BYTES = 16 * 1024

# Workspace, day, clicks; padded so that no slot lies across two pages of the page cache.
_SLOT = struct.Struct("<QQQ8x")
SLOTS = FILE_BYTES // _SLOT.size
_LAST_DAY = date.max.toordinal()

# The last slot, shared by all that find no slot of their own: no workspace, the first day.
OVERFLOW = (0, 1)


class Unrecorded(NamedTuple):
    """How many clicks of a workspace's local day (`date.toordinal()`) one process missed."""

    source: str
    workspace_id: int
    day: int
    clicks: int


class Shortfall:
    """Counts this process's unrecorded clicks; safe for threads, and across `fork`.

    Without a file, because the disk was full from the start, it counts in memory, and every
    further `add` tries again to make one; `persistent` tells which. A forked child has no
    file before its first `add`.
    """

    def __init__(self, spool_dir: Path) -> None:
        self._spool_dir = spool_dir
        self._start_afresh()
        with self._lock:
            self._allocate()
        _shortfalls.add(self)

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[int, int], int] = {}
        self._slots: dict[tuple[int, int], int] = {OVERFLOW: SLOTS - 1}
        self._fd: int | None = None
        self._written = True

    @property
    def persistent(self) -> bool:
        """Whether all that was counted survives this process."""
        return self._fd is not None and self._written

    @property
    def total(self) -> int:
        """The clicks counted since this process started."""
        with self._lock:
            return sum(self._counts.values())

    def add(self, workspace_id: int, day_ordinal: int) -> None:
        """Count one click of the workspace's local day. Never raises for want of a disk."""
        with self._lock:
            if self._fd is None:
                self._allocate()
            key = (workspace_id, day_ordinal)
            if key not in self._slots and len(self._slots) < SLOTS:
                self._slots[key] = len(self._slots) - 1
            if key not in self._slots:
                key = OVERFLOW
            self._counts[key] = self._counts.get(key, 0) + 1
            if self._written:
                self._write([key])
            else:
                self._write(list(self._counts))

    def close(self) -> None:
        """Let go of the file; its counts stay in it until they are forgotten."""
        with self._lock:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def leave_to_parent(self) -> None:
        """In a forked child: the counts so far, and their file, are the parent's."""
        if self._fd is not None:
            os.close(self._fd)
        self._start_afresh()

    def _allocate(self) -> None:
        path = self._spool_dir / f"unrecorded-{os.urandom(8).hex()}.cnt"
        with contextlib.suppress(OSError):
            make_folder(self._spool_dir)
            self._fd = create(path, bytes(FILE_BYTES), lock_at=0)
            self._write(list(self._counts))

    def _write(self, keys: list[tuple[int, int]]) -> None:
        if self._fd is None:
            return
        try:
            for key in keys:
                slot = _SLOT.pack(*key, self._counts[key])
                write_at(self._fd, slot, self._slots[key] * _SLOT.size)
            self._written = True
        except OSError:
            self._written = False


def read_all(spool_dir: Path) -> list[Unrecorded]:
    """What all processes, living and dead, counted in this spool; absolute values.

    Raises `SpoolFailed` when the folder or a file cannot be read.
    """
    rows: list[Unrecorded] = []
    try:
        for path in sorted(spool_dir.glob("unrecorded-*.cnt")):
            with contextlib.suppress(FileNotFoundError):  # forgotten meanwhile
                rows.extend(_rows(path.name, path.read_bytes()))
    except OSError as error:
        raise SpoolFailed(error) from error
    return rows


def last_counted(spool_dir: Path) -> float | None:
    """When a click was last counted here (epoch seconds); None where none is.

    Raises `SpoolFailed` when the folder or a file cannot be read.
    """
    moments: list[float] = []
    try:
        for path in spool_dir.glob("unrecorded-*.cnt"):
            with contextlib.suppress(FileNotFoundError):
                if _rows(path.name, path.read_bytes()):
                    moments.append(path.stat().st_mtime)
    except OSError as error:
        raise SpoolFailed(error) from error
    return max(moments, default=None)


def forget(spool_dir: Path, stored: Collection[Unrecorded], kept_seconds: float = 0.0) -> list[str]:
    """Remove the files of dead processes of which every count is in `stored`; their names.

    `stored` are rows of `read_all` that are durably kept elsewhere. Counts stay so many
    seconds longer, as segments do: a database restored from a backup takes them in again. A
    process may have counted on after it was read and before it died: its file stays for the
    next time. Raises `SpoolFailed` when a file cannot be removed.
    """
    kept, forgotten = set(stored), []
    try:
        for path in sorted(spool_dir.glob("unrecorded-*.cnt")):
            with contextlib.suppress(FileNotFoundError):
                if _alive(path):
                    continue
                rows = _rows(path.name, path.read_bytes())
                if rows and time.time() - path.stat().st_mtime < kept_seconds:
                    continue
                if kept.issuperset(rows):
                    path.unlink()
                    forgotten.append(path.name)
        if forgotten:
            sync_directory(spool_dir)
    except OSError as error:
        raise SpoolFailed(error) from error
    return forgotten


def _rows(source: str, data: bytes) -> list[Unrecorded]:
    usable = data[: len(data) - len(data) % _SLOT.size]
    return [
        Unrecorded(source, workspace_id, day, clicks)
        for workspace_id, day, clicks in _SLOT.iter_unpack(usable)
        if workspace_id <= MAX_ID and 1 <= day <= _LAST_DAY and 1 <= clicks <= MAX_ID
    ]


def _alive(path: Path) -> bool:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return held_from(fd) is not None
    finally:
        os.close(fd)


_shortfalls: weakref.WeakSet[Shortfall] = weakref.WeakSet()


def _leave_to_parent() -> None:
    for shortfall in list(_shortfalls):
        shortfall.leave_to_parent()


os.register_at_fork(after_in_child=_leave_to_parent)
