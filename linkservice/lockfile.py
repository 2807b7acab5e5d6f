"""A lock that only one process of the machine holds, and that ends with it, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linkservice.errors import Conflict, Problem


@contextmanager
def exclusive(path: Path, code: str) -> Iterator[None]:
    """Hold the lock `path`; raises `Conflict(code)` at once when another process has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
            raise Conflict(Problem("", code, {"path": path, "pid": owner or "?"})) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
