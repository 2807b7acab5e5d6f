"""Requests no honest client sends, as bytes, and connections that say little or nothing."""

from __future__ import annotations

import contextlib
import random
import re
import resource
import selectors
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

ANSWER_SECONDS = 10.0

_HOST = b"Host: 127.0.0.1\r\n"
_END = b"\r\n"


def requests() -> dict[str, bytes]:
    """By what is wrong with them. Each is one request, or what passes for one."""
    return {
        "100 kB of headers": _get(b"/poster", *[b"X-%d: %s" % (n, b"a" * 990) for n in range(100)]),
        "one header of 100 kB": _get(b"/poster", b"X-Long: " + b"a" * 100_000),
        "a thousand headers": _get(b"/poster", *[b"X-%d: a" % n for n in range(1_000)]),
        "a URL of 64 kB": _get(b"/" + b"a" * 65_536),
        "a query of 64 kB": _get(b"/poster?" + b"a" * 65_536),
        "a URL of 1 MB": _get(b"/" + b"a" * 1_000_000),
        "a host of 64 kB": b"GET / HTTP/1.1\r\nHost: " + b"a" * 65_536 + _END * 2,
        "raw 0xFF in the path": _get(b"/\xff\xfe"),
        "raw 0xFF in the query": _get(b"/poster?\xff=\xff"),
        "raw 0xFF in headers": _get(b"/poster", b"User-Agent: \xff\xfe", b"Referer: \xff"),
        "raw 0xFF in the host": b"GET /poster HTTP/1.1\r\nHost: \xff\xfe" + _END * 2,
        "%00": _get(b"/%00"),
        "%00 behind a slug": _get(b"/poster%00"),
        "%0a": _get(b"/poster%0aSet-Cookie:%20a=b"),
        "%0d%0a in the query": _get(b"/poster?%0d%0aSet-Cookie:%20a=b"),
        "a bare %": _get(b"/%"),
        "%ff": _get(b"/%ff%fe"),
        "%u0000": _get(b"/%u0000"),
        "a raw NUL": _get(b"/\0"),
        "a raw NUL in a header": _get(b"/poster", b"User-Agent: a\0b"),
        "dots": _get(b"/../../etc/passwd"),
        "encoded dots": _get(b"/%2e%2e/%2e%2e/etc/passwd"),
        "two lengths": _get(b"/poster", b"Content-Length: 0", b"Content-Length: 5") + b"hello",
        "a list of lengths": _get(b"/poster", b"Content-Length: 5, 5") + b"hello",
        "a negative length": _get(b"/poster", b"Content-Length: -1"),
        "an endless length": _get(b"/poster", b"Content-Length: 99999999999999999999"),
        "a length and chunks": _get(b"/poster", b"Content-Length: 4", b"Transfer-Encoding: chunked")
        + b"0\r\n\r\n",
        "chunks, in disguise": _get(b"/poster", b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
        "chunks twice": _get(
            b"/poster", b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"
        )
        + b"0\r\n\r\n",
        "a chunk of no size": _get(b"/poster", b"Transfer-Encoding: chunked") + b"zz\r\n\r\n",
        "a chunk of endless size": _get(b"/poster", b"Transfer-Encoding: chunked")
        + b"ffffffffffffffffff\r\n",
        "a folded header": b"GET /poster HTTP/1.1\r\n" + _HOST + b"X-A: a\r\n b\r\n" + _END,
        "a space before the colon": _get(b"/poster", b"X-A : a"),
        "a header without a name": _get(b"/poster", b": a"),
        "no host": b"GET /poster HTTP/1.1\r\n\r\n",
        "a host without a name": b"GET /poster HTTP/1.1\r\nHost: a..b" + _END * 2,
        "a host of one long label": b"GET / HTTP/1.1\r\nHost: " + b"a" * 70 + _END * 2,
        "half an address": b"GET /poster HTTP/1.1\r\nHost: [::1" + _END * 2,
        "two hosts": _get(b"/poster", b"Host: example.com"),
        "absolute form": _get(b"http://127.0.0.1/poster"),
        "absolute form of another host": _get(b"http://evil.example/poster"),
        "absolute form, no path": _get(b"http://127.0.0.1"),
        "authority form": b"CONNECT example.com:443 HTTP/1.1\r\n" + _HOST + _END,
        "authority form of GET": _get(b"example.com:443"),
        "asterisk form": b"OPTIONS * HTTP/1.1\r\n" + _HOST + _END,
        "asterisk form of GET": _get(b"*"),
        "no path": b"GET HTTP/1.1\r\n" + _HOST + _END,
        "a method nobody knows": b"BREW /poster HTTP/1.1\r\n" + _HOST + _END,
        "a method of 10 kB": b"A" * 10_000 + b" /poster HTTP/1.1\r\n" + _HOST + _END,
        "TRACE": b"TRACE /poster HTTP/1.1\r\n" + _HOST + _END,
        "HTTP/0.9": b"GET /poster\r\n",
        "HTTP/1.0": b"GET /poster HTTP/1.0\r\n\r\n",
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/9.9": b"GET /poster HTTP/9.9\r\n" + _HOST + _END,
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
        "line ends without CR": b"GET /poster HTTP/1.1\nHost: 127.0.0.1\n\n",
        "nothing but line ends": _END * 1_000,
        "a body nobody asked for": _get(b"/poster", b"Content-Length: 100000") + b"a" * 100_000,
        "a body that never comes": _get(b"/poster", b"Content-Length: 10"),
        "an upgrade": _get(b"/poster", b"Connection: Upgrade", b"Upgrade: websocket"),
        "an expectation": _get(b"/poster", b"Expect: 100-continue", b"Content-Length: 5"),
        "an unknown expectation": _get(b"/poster", b"Expect: tea"),
        "a hundred addresses": _get(
            b"/poster", b"X-Forwarded-For: " + b", ".join([b"1.2.3.4"] * 100), b'Forwarded: for="['
        ),
        "a cookie of 60 kB": _get(b"/poster", b"Cookie: " + b"a=" + b"b" * 60_000),
        "languages without end": _get(b"/poster", b"Accept-Language: " + b"de;q=0.1," * 6_000),
        "a range": _get(b"/poster", b"Range: bytes=0-0,-1,5-4"),
    }


def mutated(rng: random.Random) -> bytes:
    """An honest request of which a few bytes are not."""
    sent = bytearray(_get(b"/poster?a=b", b"User-Agent: Firefox", b"Content-Length: 0"))
    for _ in range(rng.randint(1, 4)):
        position = rng.randrange(len(sent))
        match rng.randrange(4):
            case 0:
                sent[position] = rng.randrange(256)
            case 1:
                sent.insert(position, rng.randrange(256))
            case 2:
                del sent[position : position + rng.randint(1, 8)]
            case 3:
                sent[position:position] = sent[position : position + rng.randint(1, 40)]
    return bytes(sent)


def answers(port: int, sent: bytes) -> list[int]:
    """The statuses of all that comes back until the server hangs up or says no more."""
    received = b""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)) as client:
        with contextlib.suppress(OSError):  # refused before all of it was sent
            client.sendall(sent)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
            while data := client.recv(65536):
                received += data
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", received)]


class SlowClients(threading.Thread):
    """Connections that are open and get nothing done; those that are closed come again.

    Of four one says nothing, one sends a request byte by byte, one stops in the middle of its
    headers, and one has its answer and stays.
    """

    def __init__(self, ports: Sequence[int], number: int, rng: random.Random) -> None:
        super().__init__(daemon=True, name="slow clients")
        self.closed = 0
        self._ports = ports
        self._number = number
        self._rng = rng
        self._stopped = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._drips: dict[socket.socket, int] = {}

    def run(self) -> None:
        with self._selector:
            for number in range(self._number):
                self._open(number)
            while not self._stopped.wait(0.05):
                for key, _ in self._selector.select(0):
                    self._hear(key)
                for client in self._rng.sample(list(self._drips), len(self._drips) // 20):
                    self._drip(client)
            for key in list(self._selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]  # a socket

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _open(self, number: int) -> None:
        try:
            address = ("127.0.0.1", self._ports[number % len(self._ports)])
            client = socket.create_connection(address)
        except OSError:  # the service has ended
            return
        client.setblocking(False)
        self._selector.register(client, selectors.EVENT_READ, number)
        match number % 4:
            case 1:
                self._drips[client] = 0
            case 2:
                client.send(_SLOW[:40])
            case 3:
                client.send(_SLOW)

    def _hear(self, key: selectors.SelectorKey) -> None:
        client, number = key.fileobj, key.data
        assert isinstance(client, socket.socket)
        with contextlib.suppress(OSError):
            if client.recv(65536):
                return
        self.closed += 1
        self._selector.unregister(client)
        self._drips.pop(client, None)
        client.close()
        self._open(number)

    def _drip(self, client: socket.socket) -> None:
        sent = self._drips[client]
        with contextlib.suppress(OSError):  # heard of at the next look
            client.send(_SLOW[sent : sent + 1])
        self._drips[client] = (sent + 1) % len(_SLOW)


@contextmanager
def slow_clients(ports: Sequence[int], number: int, rng: random.Random) -> Iterator[SlowClients]:
    """So many of them, until the block ends."""
    _allow_open_files(number + 1_000)
    clients = SlowClients(ports, number, rng)
    clients.start()
    try:
        yield clients
    finally:
        clients.stop()


def _allow_open_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


def _get(target: bytes, *lines: bytes) -> bytes:
    return (
        b"GET " + target + b" HTTP/1.1\r\n" + _HOST + b"".join(each + _END for each in lines) + _END
    )


_SLOW = _get(b"/healthz", b"User-Agent: Mozilla/5.0 (Slow; Slower; Slowest)")
