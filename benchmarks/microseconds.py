"""Where the microseconds of a redirect go, step by step, inside one thread of one process.

`python -m benchmarks.microseconds [--seed N]`

Every step is timed by itself with the values a browser's click has; CPU time, the best of some
repetitions. "The whole story" is what the server calls; what it costs more than the steps is
what binds them. The server's own share (sockets, event loop) is what `benchmarks.redirect`
measures as a bare 302. Records are written together, as many as came in one turn of the loop:
here `TOGETHER`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.load import AGENTS, LANGUAGES, REFERRERS, heads
from benchmarks.redirect import FEW, sync_ms
from benchmarks.stand import Stand, stand
from benchmarks.table import Options, heading, line, options
from linkservice.clicks.event import Texts, encode_parts, encoded_texts
from linkservice.clicks.spool import Spool, node_id
from linkservice.clicks.visitor import Pseudonyms, cut, encoded_agent, packed_address
from linkservice.links.destination import decide
from linkservice.links.slug import parse_path
from linkservice.redirect.answers import head, redirect
from linkservice.redirect.app import LinkDoor, make_application
from linkservice.redirect.recorder import HEADERS, Entries, Said
from linkservice.serve.reading import Heads, Reader

CALLS, REPEATED = 10_000, 7
TOGETHER = 16
ADDRESS = "203.0.113.77"
SALT = bytes(range(32))


def microseconds(call: Callable[[], object]) -> float:
    """CPU time of one call, the best of some rounds."""
    best = float("inf")
    for _ in range(REPEATED):
        began = time.thread_time()
        for _ in range(CALLS):
            call()
        best = min(best, time.thread_time() - began)
    return 1e6 * best / CALLS


def run(given: Options) -> None:
    """The steps, then the whole."""
    with stand(FEW, given.seed, spool_sync="second") as here:
        door = make_application(here.settings)
        environ = _environ(here.paths[0])
        door(environ, _ignored)  # from here on the link is in memory
        heading("A redirect, step by step (µs of CPU; a call of nothing is taken off)")
        nothing = microseconds(lambda: None)
        for what, call in _steps(here, door).items():
            line(what, f"{microseconds(call) - nothing:.2f}")
        heading("The whole story")
        line("a click, from environ to 302, alone", f"{microseconds(_asked(door, environ)):.2f}")
        together = microseconds(_asked_together(door, environ)) / TOGETHER
        line(f"the same, {TOGETHER} together", f"{together:.2f}")
        scan = _environ("/Q" + here.paths[0].upper())
        line("a scan", f"{microseconds(_asked(door, scan)):.2f}")
        miss = _environ("/nobodys-slug")
        line("a miss, with its page", f"{microseconds(_asked(door, miss)):.2f}")
        line("one fdatasync of this disk", f"{1000 * sync_ms(here.folder):.0f}")
        door.close()


def _steps(here: Stand, door: LinkDoor) -> dict[str, Callable[[], object]]:
    resolver, path, now_ms = door._resolver, here.paths[0], time.time_ns() // 1_000_000
    environ = _environ(path)
    host = environ["HTTP_HOST"]
    link = resolver.link(1, path[1:])
    assert link is not None
    texts = encoded_texts(AGENTS[0], "de", "example.org", "")
    agent, packed = encoded_agent(AGENTS[0]), packed_address(ADDRESS)
    said = {tuple(map(environ.get, HEADERS)): Said(0, agent, texts)}
    pseudonyms = Pseudonyms(SALT, 1)
    token = pseudonyms.token(packed, agent)
    body = _body(now_ms, packed, token, texts)
    spool = Spool(here.folder / "steps", node_id(here.folder), "second")
    spool.append(body)
    data, known = _bytes(path), Heads()
    known.remember(data, _read(data).ready[0])
    status, headers, _ = redirect(link.destination)
    return {
        "reading a usual request": lambda: known.usual(data),
        "reading another one (llhttp)": lambda: _read(data),
        "parsing the path": lambda: parse_path(path),
        "the host's domain": lambda: resolver.domain(host),
        "the link in memory": lambda: resolver.link(1, path[1:]),
        "decision": lambda: decide(link, now_ms),
        "the day's salt": lambda: resolver.pseudonyms(1, now_ms),
        "what the browser says": lambda: said.get(tuple(map(environ.get, HEADERS))),
        "the address, cut": lambda: cut(packed_address(ADDRESS)),
        "the visitor's token": lambda: pseudonyms.token(packed, agent),
        "the record's bytes": lambda: _body(now_ms, packed, token, texts),
        "CRC, write, promise, alone": lambda: spool.append(body),
        f"the same of {TOGETHER} together": lambda: spool.append_all([body] * TOGETHER),
        "the answer": lambda: redirect(link.destination),
        "its bytes": lambda: head(status, headers, b"\r\n"),
    }


def _bytes(path: str) -> bytes:
    lines = heads("127.0.0.1:8001")[0].replace("|", "\r\n")
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n\r\n".encode()


def _read(data: bytes) -> Reader:
    reader = Reader()
    reader.feed(data)
    return reader


def _body(now_ms: int, packed: bytes, token: bytes, texts: Texts) -> bytes:
    return encode_parts(now_ms, 1, 1, 1, 1, 0, 0, cut(packed), token, texts)


def _asked(door: LinkDoor, environ: dict[str, str]) -> Callable[[], object]:
    return lambda: door(environ, _ignored)


def _asked_together(door: LinkDoor, environ: dict[str, str]) -> Callable[[], object]:
    def call() -> None:
        entries: Entries = []
        for _ in range(TOGETHER):
            door.begin(environ, entries)
        door.write(entries)

    return call


def _ignored(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
    pass


def _environ(path: str) -> dict[str, str]:
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": ADDRESS,
        "HTTP_HOST": "127.0.0.1:8001",
        "HTTP_USER_AGENT": AGENTS[0],
        "HTTP_ACCEPT_LANGUAGE": LANGUAGES[0],
        "HTTP_REFERER": REFERRERS[0],
    }


if __name__ == "__main__":
    options(__doc__, {"steps": run})
