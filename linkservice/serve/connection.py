"""One connection to the link port: its requests one after the other, and when it ends.

Not here: what bytes are a request (`reading`), what all connections share, how long each may
take (`link_port`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

from linkservice.redirect.answers import head
from linkservice.serve.reading import TOO_LATE, Heads, Reader

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from linkservice.redirect.slow_lane import Found

HEAD_SECONDS = 5.0
"""For a request's head, from its first byte on, and for the first of a connection."""

KEPT_SECONDS = 75.0
"""A connection that says nothing more is kept so long: longer than a proxy does (nginx: 60 s), so
that the proxy ends it, which knows whether it is about to use it."""

LINGER_SECONDS = 2.0
"""How long one that was told the end may go on sending: closed at once, its system would throw
the answer away."""

STUCK_SECONDS = 30.0
"""For an answer, and for a client to take it in."""


class Port(Protocol):
    """What a connection needs of what is behind it; moments are seconds of a slow clock.

    `lines` end the head of every answer, `last_lines` of one with which its connection ends.
    """

    heads: Heads
    now: float
    lines: bytes
    last_lines: bytes
    leaving: bool

    def welcome(self, connection: Connection) -> None: ...
    def farewell(self, connection: Connection) -> None: ...
    def ask(self, connection: Connection, environ: WSGIEnvironment) -> None: ...


class Connection(asyncio.Protocol):
    """Reads requests, has one answered at a time, and writes the answers in order."""

    __slots__ = (
        "_address",
        "_choked",
        "_heard_all",
        "_last",
        "_lingers",
        "_paused",
        "_port",
        "_reader",
        "_shown",
        "_transport",
        "_unread",
        "_write",
        "busy",
        "fresh",
        "since",
    )

    _transport: asyncio.Transport
    _write: Callable[[bytes], Any]

    def __init__(self, port: Port) -> None:
        self._port = port
        self._reader: Reader | None = None
        self._address = ""
        self._choked = self._paused = self._lingers = self._heard_all = False
        self._last = self._unread = False
        self._shown = True
        self.busy = False
        self.fresh = True
        self.since = port.now

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by name
        self._write = self._transport.write
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if peer else ""
        self._port.welcome(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._port.farewell(self)

    def data_received(self, data: bytes) -> None:
        if self._reader is None and not (self.busy or self._choked or self._lingers):
            heads = self._port.heads
            environ = heads.usual(data)
            if environ is not None:
                self._ask(environ)
                heads.forget_request(environ)
                return
        self._read(data)

    def eof_received(self) -> bool:
        """True: it is kept open for the answer under way."""
        self._heard_all = True
        return self.busy or self._choked or (self._reader is not None and self._reader.is_full)

    def pause_writing(self) -> None:
        self._choked = True

    def resume_writing(self) -> None:
        self._choked = False
        if self._reader is not None:
            self._go_on()
        elif self._heard_all and not self.busy:
            self._transport.close()

    # What the port calls.

    def answer(self, found: Found) -> None:
        """Send the answer to the request that was asked last, and go on with the next."""
        self.busy = False
        self.since = self._port.now
        if self._transport.is_closing():
            return
        status, headers, body = found
        last = self._last or self._port.leaving
        sent = head(status, headers, self._port.last_lines if last else self._port.lines)
        self._write(sent + body if body and self._shown else sent)
        if last:
            self._end(linger=self._unread)
        elif self._reader is not None:
            self._go_on()
        elif self._heard_all:
            self._transport.close()

    def tick(self, now: float) -> None:
        """Look whether it has taken too long."""
        age = now - self.since
        if self._lingers:
            if age > LINGER_SECONDS:
                self._transport.abort()
        elif self.busy or self._choked or self._transport.is_closing():
            if age > STUCK_SECONDS:
                self._transport.abort()
        elif self._reader is not None:
            if age > HEAD_SECONDS:
                self._refuse(TOO_LATE)
        elif age > (HEAD_SECONDS if self.fresh else KEPT_SECONDS):
            self._transport.close()

    def leave(self) -> None:
        """End it now, unless an answer is under way, with which it ends."""
        if self._lingers or self._choked:
            self._transport.abort()
        elif not self.busy:
            self._transport.close()

    def abort(self) -> None:
        """End it, whatever it does."""
        self._transport.abort()

    def _read(self, data: bytes) -> None:
        if self._lingers:
            return
        reader = self._reader
        whole = reader is None and not self.busy
        if reader is None:
            reader = self._reader = Reader()
            if not self.busy:
                self.since = self._port.now
        reader.feed(data)
        if reader.is_full and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        only = reader.ready[0] if whole and reader.is_done(1) else None
        self._go_on()
        if only is not None:  # asked by now: what the door noted in it is remembered as well
            self._port.heads.remember(data, only)

    def _go_on(self) -> None:
        """Have the next request answered, if there is one and its turn has come."""
        reader = self._reader
        if reader is None or self.busy or self._choked or self._lingers:
            return
        request = reader.take()
        if self._paused and not reader.is_full:
            self._paused = False
            self._transport.resume_reading()
        if reader.is_done(0):
            self._reader = None
        if request is not None:
            self._last = self._last or request.last
            self._unread = request.unread
            self._ask(request.environ)
        elif reader.refusal:
            self._refuse(reader.refusal)
        elif self._heard_all:
            self._transport.close()

    def _ask(self, environ: WSGIEnvironment) -> None:
        self.busy = True
        self.fresh = False
        self.since = self._port.now
        self._shown = environ["REQUEST_METHOD"] != "HEAD"
        environ["REMOTE_ADDR"] = self._address
        self._port.ask(self, environ)

    def _refuse(self, status: str) -> None:
        text = f"{status[4:]}.\n".encode()
        headers = (("Content-Type", "text/plain"), ("Content-Length", str(len(text))))
        self._write(head(status, headers, self._port.last_lines) + text)
        self._end(linger=True)

    def _end(self, *, linger: bool) -> None:
        self._reader = None
        if linger and self._transport.can_write_eof():
            self._lingers = True
            self.since = self._port.now
            if self._paused:
                self._transport.resume_reading()
            self._transport.write_eof()
        else:
            self._transport.close()
