"""A link port with a door of a few paths: `python ported.py LISTENING_FD MOST`.

`/now` is answered at once, `/later` by a thread that takes a while, `/recorded` once a slow disk
has it, `/large` with a megabyte, `/broken` by an error; all else says what was asked. Says `ready`
when it serves, and in the end how many entries each write had.
"""

from __future__ import annotations

import socket
import sys
import time
from typing import Any

from linkservice.redirect.answers import Answer, redirect
from linkservice.serve import connection
from linkservice.serve.link_port import serve_port

LATER_SECONDS, RECORD_SECONDS = 0.2, 0.05
HEAD_SECONDS, STUCK_SECONDS, KEPT_SECONDS = 1.5, 3.0, 6.0
MEGABYTE = 1_000_000
TOGETHER = 8


def text(what: str) -> Answer:
    body = what.encode()
    return Answer("200 OK", (("Content-Length", str(len(body))),), body)


class Door:
    """Knows no database."""

    def __init__(self) -> None:
        self.together = TOGETHER
        self.written: list[int] = []

    def begin(self, environ: dict[str, Any], entries: list[Any]) -> Any:
        match environ["PATH_INFO"]:
            case "/now":
                return redirect("https://example.com/")
            case "/later":
                return self._later
            case "/slow":
                return self._slow
            case "/recorded":
                entries.append(environ["REMOTE_ADDR"])
                return text("recorded")
            case "/missed":
                entries.append("missed")
                return self._later
            case "/large":
                return text("a" * MEGABYTE)
            case "/broken":
                raise RuntimeError("on purpose")
            case "/broken-later":
                return self._broken
            case "/unsendable":
                return redirect("https://example.com/\n")
            case "/unrecorded":
                entries.append(None)
                return text("unrecorded")
            case path:
                return text(f"{environ['REQUEST_METHOD']} {path}")

    def write(self, entries: list[Any]) -> None:
        if None in entries:
            raise RuntimeError("on purpose")
        time.sleep(RECORD_SECONDS)
        self.written.append(len(entries))

    def _later(self, entries: list[Any]) -> Answer:
        time.sleep(LATER_SECONDS)
        entries.append("later")
        return text("later")

    def _slow(self, entries: list[Any]) -> Answer:
        time.sleep(5 * LATER_SECONDS)
        return text("slow")

    def _broken(self, entries: list[Any]) -> Answer:
        raise RuntimeError("on purpose")


if __name__ == "__main__":
    # So that nobody waits for what takes seconds.
    connection.HEAD_SECONDS = connection.LINGER_SECONDS = HEAD_SECONDS
    connection.STUCK_SECONDS = STUCK_SECONDS
    connection.KEPT_SECONDS = KEPT_SECONDS
    door = Door()
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        serve_port(door, listener, int(sys.argv[2]), lambda: print("ready", flush=True))
    print(door.written)
