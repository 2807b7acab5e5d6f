"""The link port's server: one thread for all connections, a few for what may wait.

What comes in one turn of the event loop (uvloop) is answered together, as far as the door wants
that: it says what it answers and what is to be recorded, all records are written at once, and with
`SPOOL_SYNC=always` share one sync; only then the answers leave. No thread is woken for a redirect.

Not here: one connection (`connection`), what bytes are a request (`reading`), what is answered
(`redirect/app`), who starts it (`workers`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import TYPE_CHECKING, Protocol

import uvloop

from linkservice.redirect.answers import Answer
from linkservice.serve.addresses import BACKLOG
from linkservice.serve.connection import Connection
from linkservice.serve.forks import LEAVING_SECONDS
from linkservice.serve.reading import Heads

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from linkservice.redirect.recorder import Entries
    from linkservice.redirect.slow_lane import Found, Later

_log = logging.getLogger(__name__)

THREADS = 4
"""More than wait for the database at once (`redirect/resolver`): one is left for pages."""

LAST_SECONDS = 2.0
"""How long it waits, after `LEAVING_SECONDS`, for answers under way."""

TICK_SECONDS = 1.0

FORGET_SECONDS = 3_600.0
"""Between two moments in which known headers are forgotten: what somebody's browser said once is
not to stay in memory until the service ends."""

SHED = 20
"""Where there is no room for one more, every so-manieth connection goes: those silent longest."""

_ENDING = (signal.SIGTERM, signal.SIGINT)

_FAILED = Answer(
    "500 Internal Server Error",
    (("Content-Type", "text/plain"), ("Content-Length", "0"), ("Cache-Control", "no-store")),
    b"",
)


class Door(Protocol):
    """What is behind the port; see `redirect/app`.

    `together` is how many requests it wants to have recorded with one write, at most. `begin`
    keeps nothing of `environ` but copies: the next request is told in the same dictionary.
    """

    together: int

    def begin(self, environ: WSGIEnvironment, entries: Entries) -> Found | Later: ...
    def write(self, entries: Entries) -> None: ...


def serve_port(
    door: Door, listener: socket.socket, most: int, when_ready: Callable[[], None]
) -> None:
    """Answer what comes to the socket until SIGTERM; at most `most` connections at once."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_LinkPort(door, most).serve(listener, when_ready))


class _LinkPort:
    def __init__(self, door: Door, most: int) -> None:
        self.heads = Heads()
        self.leaving = False
        self._begin, self._write, self._together = door.begin, door.write, door.together
        self._most = most
        self._connections: set[Connection] = set()
        self._entries: Entries = []
        self._answers: list[tuple[Connection, Found]] = []
        self._due = self._answering = False
        self._threads = ThreadPoolExecutor(THREADS, "redirect-slow")
        self._keep_time()
        self._forget_at = self.now + FORGET_SECONDS

    async def serve(self, listener: socket.socket, when_ready: Callable[[], None]) -> None:
        """Until SIGTERM; and then until those who are being answered have their answers."""
        self._loop = asyncio.get_running_loop()
        ending = asyncio.Event()
        for number in _ENDING:
            # Not the loop's handlers: between taking one away and ignoring the signal, which being
            # told once more must not do anything after, the process would end by it.
            signal.signal(number, lambda *_: self._loop.call_soon_threadsafe(ending.set))
        accepting = await self._loop.create_server(
            lambda: Connection(self), sock=listener, backlog=BACKLOG
        )
        ticking = self._loop.create_task(self._tick())
        when_ready()
        await ending.wait()
        accepting.close()
        self.leaving = True
        await asyncio.sleep(LEAVING_SECONDS)
        for connection in list(self._connections):
            connection.leave()
        deadline = time.monotonic() + LAST_SECONDS
        while any(each.busy for each in self._connections) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)  # what was written just now leaves
        ticking.cancel()
        for connection in list(self._connections):
            connection.abort()
        self._threads.shutdown(wait=False, cancel_futures=True)
        for number in _ENDING:  # being told again must not end it before it has closed its spool
            signal.signal(number, signal.SIG_IGN)

    # What a connection calls.

    def welcome(self, connection: Connection) -> None:
        """One more."""
        if len(self._connections) >= self._most:
            self._make_room()
        if len(self._connections) < self._most:
            self._connections.add(connection)
        else:
            connection.abort()

    def farewell(self, connection: Connection) -> None:
        """One less."""
        self._connections.discard(connection)

    def ask(self, connection: Connection, environ: WSGIEnvironment) -> None:
        """Have the request answered: with all others of this turn, or by a thread."""
        try:
            found = self._begin(environ, self._entries)
        except Exception:
            _log.exception("a request could not be answered")
            found = _FAILED
        if not self._due:
            self._due = True
            self._loop.call_soon(self._answer)
        if callable(found):  # what is to be recorded of it so far is recorded with the others
            self._threads.submit(self._find, connection, found)
        else:
            self._answers.append((connection, found))
            # Who does not wait asks again while an answer is sent: later, or this never ends.
            if len(self._answers) >= self._together and not self._answering:
                self._answer()

    def _answer(self) -> None:
        """Record what came in this turn so far, and send the answers."""
        self._due = False
        answers, self._answers = self._answers, []
        entries, self._entries = self._entries, []
        if entries:
            self._record(entries)
        self._answering = True
        for connection, found in answers:
            try:  # as `_send`, which is a call more
                connection.answer(found)
            except Exception:  # all others of this turn have their answers
                _give_up(connection)
        self._answering = False

    def _send(self, connection: Connection, found: Found) -> None:
        try:
            connection.answer(found)
        except Exception:
            _give_up(connection)

    def _record(self, entries: Entries) -> None:
        try:
            self._write(entries)
        except Exception:  # a defect of ours is no reason to keep a customer
            _log.exception("%d requests could not be recorded", len(entries))

    def _find(self, connection: Connection, later: Later) -> None:
        """In a thread: what takes a while."""
        if connection not in self._connections:
            return  # it left while others were asked for
        entries: Entries = []
        try:
            found = later(entries)
        except Exception:
            _log.exception("a request could not be answered")
            found = _FAILED
        if entries:
            self._record(entries)
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._send, connection, found)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._keep_time()
            if self.now >= self._forget_at:
                self._forget_at = self.now + FORGET_SECONDS
                self.heads.forget()
            for connection in list(self._connections):
                try:
                    connection.tick(self.now)
                except Exception:  # the others' time is watched all the same
                    _log.exception("a connection could not be looked at")
                    connection.abort()

    def _keep_time(self) -> None:
        self.now = time.monotonic()
        date = f"date: {formatdate(usegmt=True)}\r\n".encode()
        self.lines, self.last_lines = date + b"\r\n", date + b"connection: close\r\n\r\n"

    def _make_room(self) -> None:
        waiting = [each for each in self._connections if not each.busy]
        waiting.sort(key=lambda each: each.since)
        for connection in waiting[: max(1, self._most // SHED)]:
            connection.abort()
            self._connections.discard(connection)


def _give_up(connection: Connection) -> None:
    """Its answer cannot be sent; for an `except`."""
    _log.exception("an answer could not be sent")
    connection.abort()
