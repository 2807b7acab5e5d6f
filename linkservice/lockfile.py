"""A lock that only one process of the machine holds, and that ends with it, however it dies.

A child that is forked meanwhile has a copy of the descriptor, and a lock lasts as long as one
copy is open: so each is let go of by name. A child that wants the same lock would otherwise wait
for itself, for ever.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linkservice.errors import Conflict, Problem


def hold(path: Path) -> int:
    """Wait for the lock `path`; the descriptor that `release` takes. Raises `OSError`."""
    # One of its own for each who asks: so flock also queues threads of one process.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except BaseException:
        os.close(handle)
        raise
    return handle


def release(handle: int) -> None:
    """Let go of what `hold` returned, also for children that have a copy of it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


@contextmanager
def exclusive(path: Path, code: str) -> Iterator[None]:
    """Hold the lock `path`; raises `Conflict(code)` at once when another process has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
        os.close(handle)
        raise Conflict(Problem("", code, {"path": path, "pid": owner or "?"})) from None
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        release(handle)
