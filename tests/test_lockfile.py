"""Locks of one process of the machine: let go of by name, whatever a child has a copy of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from linkservice.errors import Conflict
from linkservice.lockfile import exclusive, hold, release

pytestmark = pytest.mark.filterwarnings(
    # Python 3.12 and later warn of forks beside threads, which other tests may have left running.
    "ignore:This process.*is multi-threaded:DeprecationWarning"
)


@contextmanager
def child() -> Iterator[None]:
    """A forked child, with copies of all that is open, that lives until the block ends."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    try:
        yield
    finally:
        os.close(writing)
        os.waitpid(pid, 0)


def test_what_was_released_is_free_though_a_child_has_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    handle = hold(path)
    with child():
        release(handle)
        with exclusive(path, "serve_running"):
            forked = child()
            forked.__enter__()
        try:
            with exclusive(path, "serve_running"):
                pass
        finally:
            forked.__exit__(None, None, None)


def test_what_is_held_belongs_to_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    handle = hold(path)
    with pytest.raises(Conflict):
        exclusive(path, "serve_running").__enter__()
    release(handle)
    with exclusive(path, "serve_running"), pytest.raises(Conflict) as refused:
        exclusive(path, "serve_running").__enter__()
    assert refused.value.problems[0].params["pid"] == str(os.getpid())
