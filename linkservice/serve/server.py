"""granian, on a socket that is open already, and with a way to leave without hanging up.

granian ends by closing every connection that is idle at that moment, and every one it has just
accepted. A request that was on its way over one of them then gets no answer. So before that
(`LEAVE`) it accepts no more, and for a moment each answer says that its connection ends with it:
those that are busy end between two requests, and only those that say nothing are closed.

A worker that dies is replaced by another fork; granian by itself would take two deaths within
some seconds for a reason to end.

Not here: what runs in it (`workers`), who tells it to end and when (`supervisor`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from granian import Granian
from granian._granian import SocketHolder

from linkservice.serve.addresses import BACKLOG
from linkservice.serve.forks import LEAVING_SECONDS, SHORTEST_LIFE_SECONDS

LEAVE = signal.SIGUSR1
"""Tells a worker to accept no more and to end each connection with its next answer; see
`on_leave`."""


class Server(Granian):  # type: ignore[misc,valid-type]  # an alias that depends on the platform
    """A granian server for the listening socket `fd`; `options` are granian's own."""

    def __init__(self, fd: int, **options: Any) -> None:
        super().__init__("linkservice", backlog=BACKLOG, **options)  # a name only
        self._listening_fd = fd

    def _init_shared_socket(self) -> None:
        self._ssp = self._sso = None
        self._sfd = self._listening_fd
        self._shd = SocketHolder(
            self._listening_fd,
            False,
            BACKLOG,
        )  # type: ignore[call-arg]  # its stub lacks them

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        """Fork a new worker whenever it dies: in a moment, as all it needs is imported here.

        Who dies at once again is left to the supervisor, which waits longer each time.
        """
        while True:
            began = time.monotonic()
            self.main_loop_interrupt.wait()
            if self.interrupt_signal or time.monotonic() - began < SHORTEST_LIFE_SECONDS:
                return
            self.main_loop_interrupt.clear()
            self.interrupt_children.clear()
            self._respawn_workers([0], spawn_target, target_loader)

    def _stop_workers(self) -> None:
        # Or customers would queue up for a service that ends.
        stop_accepting(self._listening_fd)
        staying = [worker for worker in self.wrks if worker.is_alive()]
        for worker in staying:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker._id(), LEAVE)
        if staying:
            time.sleep(LEAVING_SECONDS)
        super()._stop_workers()


def on_leave(fd: int, leave: Callable[[], None]) -> None:
    """In a worker: what to do at `LEAVE`, besides accepting no more from the socket `fd`."""

    def handle(number: int, frame: FrameType | None) -> None:
        stop_accepting(fd)
        leave()

    signal.signal(LEAVE, handle)


def stop_accepting(fd: int) -> None:
    """Exchange the listening socket in this process for one that nobody connects to.

    granian cannot be told to stop accepting and to go on answering. What accepts does not
    notice: it finds nobody waiting. Other processes go on with the socket.
    """
    if sys.platform != "linux":
        return
    listening = os.fstat(fd).st_ino
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind("")  # an address the system makes up; no file
        nobody.listen()
        nobody.setblocking(False)
        for each in map(int, os.listdir("/proc/self/fd")):
            with contextlib.suppress(OSError):  # the one that listed them is gone
                found = os.fstat(each)
                if stat.S_ISSOCK(found.st_mode) and found.st_ino == listening:
                    os.dup2(nobody.fileno(), each, inheritable=False)
