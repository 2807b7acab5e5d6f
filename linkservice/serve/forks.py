"""A worker in a fork of its own, and another one whenever it dies.

What it needs is imported before, so that the next one starts in a moment. Not here: what it does
(`workers`), what is done about one that dies at once (`process`).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from types import FrameType

SHORTEST_LIFE_SECONDS = 1.0
"""A worker that dies sooner would do it again and again."""


LEAVING_SECONDS = 0.5
"""How long a worker that leaves ends each connection with its next answer. Who clicks less often
has hardly a request on its way just then."""

_ENDING = (signal.SIGTERM, signal.SIGINT)


def keep_forked(work: Callable[[], None], listening_fd: int) -> int:
    """Have a child do `work` until SIGTERM, which it is told as well; the exit code.

    Who dies at once again is left to the supervisor, which waits longer each time.
    """
    keeper = _Keeper(work, listening_fd)
    for number in _ENDING:
        signal.signal(number, keeper.end)
    return keeper.run()


class _Keeper:
    def __init__(self, work: Callable[[], None], listening_fd: int) -> None:
        self._work = work
        self._listening_fd = listening_fd
        self._worker: BaseProcess | None = None
        self._ending = False

    def run(self) -> int:
        while True:
            began = time.monotonic()
            # A signal now would find neither a worker to tell it nor a handler of its own there.
            signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
            if self._ending:
                return 0
            # Python 3.14 would start it from scratch. Nothing has started a thread yet.
            worker = multiprocessing.get_context("fork").Process(target=_work, args=(self._work,))
            worker.start()
            self._worker = worker
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            worker.join()
            if not self._ending and time.monotonic() - began < SHORTEST_LIFE_SECONDS:
                return 1

    def end(self, number: int, frame: FrameType | None) -> None:
        """Someone wants it to end; its worker is told."""
        if not self._ending:
            self._ending = True
            # Or customers would queue up for a service that ends.
            os.close(self._listening_fd)
        if self._worker is not None and self._worker.is_alive():
            self._worker.terminate()


def _work(work: Callable[[], None]) -> None:
    for number in _ENDING:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    work()
