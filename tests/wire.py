"""A wire to a database server that can be slow, go dead or be cut, while the server is well."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import make_url

Mode = Literal["well", "slow", "dead", "cut"]

SLOW_SECONDS = 0.5
"""How long the slow wire keeps everything back."""


class Wire:
    """Forwards connections to the server of `url`; `url` of the wire itself leads through it.

    `slow`: every packet comes late. `dead`: connections stay and nothing comes through, as from
    a server that was stopped. `cut`: connections are reset and new ones refused, as from a
    server that is down.
    """

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._mode: Mode = "well"
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        query = {key: each for key, each in self._target.query.items() if key != "host"}
        self.url = self._target.set(host="127.0.0.1", port=self._port, query=query)
        self._listen()

    def become(self, mode: Mode) -> None:
        """From now on."""
        before, self._mode = self._mode, mode
        if mode == "cut":
            self.close()
        elif before == "cut":
            self._listen()

    def close(self) -> None:
        """Nobody listens, and who was connected is no more."""
        listener, self._listener = self._listener, None
        for each in [listener, *self._open]:
            if each is not None:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
        self._open = []

    def _listen(self) -> None:
        listener = self._listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(64)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = self._reach()
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(one, other), daemon=True).start()

    def _reach(self) -> socket.socket:
        host = str(self._target.query.get("host") or self._target.host or "127.0.0.1")
        port = self._target.port or 5432
        if host.startswith("/"):
            far = socket.socket(socket.AF_UNIX)
            far.connect(f"{host}/.s.PGSQL.{port}")
            return far
        return socket.create_connection((host, port))

    def _forward(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                while self._mode == "dead":
                    time.sleep(0.02)
                if self._mode == "slow":
                    time.sleep(SLOW_SECONDS)
                other.sendall(data)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire_to(url: str) -> Iterator[Wire]:
    """A wire that is well."""
    wire = Wire(url)
    try:
        yield wire
    finally:
        wire.become("cut")
