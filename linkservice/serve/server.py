"""granian, on a socket that is open already, and with a way to leave without hanging up.

granian ends by closing every connection that is idle at that moment. A request that was on its
way over one of them then gets no answer. So before that, for a moment, each answer says that
its connection ends with it (`LEAVE`): those that are busy end between two requests, and only
those that say nothing are closed.

Not here: what runs in it (`workers`), who tells it to end and when (`supervisor`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Any

from granian import Granian
from granian._granian import SocketHolder

from linkservice.serve.addresses import BACKLOG

LEAVE = signal.SIGUSR1
"""Tells a worker to end each connection with its next answer. Its handler is the worker's."""

LEAVING_SECONDS = 0.5
"""How long it does so. Who clicks less often has hardly a request on its way just then."""


class Server(Granian):  # type: ignore[misc,valid-type]  # an alias that depends on the platform
    """A granian server for the listening socket `fd`; `options` are granian's own."""

    def __init__(self, fd: int, **options: Any) -> None:
        super().__init__("linkservice", backlog=BACKLOG, **options)  # a name only
        self._listening_fd = fd

    def _init_shared_socket(self) -> None:
        self._ssp = self._sso = None
        self._sfd = self._listening_fd
        self._shd = SocketHolder(self._listening_fd, False, BACKLOG)  # type: ignore[call-arg]  # its stub lacks them

    def _stop_workers(self) -> None:
        staying = [worker for worker in self.wrks if worker.is_alive()]
        for worker in staying:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker._id(), LEAVE)
        if staying:
            time.sleep(LEAVING_SECONDS)
        super()._stop_workers()
