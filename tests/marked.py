"""Clicks that carry a number, so that each can be found again in the spool and in the database.

The number travels as the host of the referrer, which the record and the click row keep.
"""

from __future__ import annotations

import itertools
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from clients import ANSWER_SECONDS, Answers
from service import BROWSER
from sqlalchemy import select

from linkservice.clicks.model import Click, FacetValue
from linkservice.database import Database

_REFUSED_PAUSE = 0.01
_MARK = re.compile(r"n(\d+)\.example")


def referrer(number: int) -> str:
    """The host that marks a click."""
    return f"n{number}.example"


def marked_request(number: int, path: str = "/poster", host: str = "127.0.0.1") -> bytes:
    """A click with that number; its query holds it too, for links that forward it."""
    return (
        f"GET {path}?n={number} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {BROWSER}\r\n"
        f"Referer: https://{referrer(number)}/\r\n\r\n"
    ).encode()


def numbers_in(database: Database) -> Counter[int]:
    """How often each number stands in the click rows."""
    with database.reading() as session:
        found = session.scalars(
            select(FacetValue.value).join(Click, Click.referrer_id == FacetValue.id)
        )
        return Counter(int(mark[1]) for each in found if (mark := _MARK.fullmatch(each)))


class Marked:
    """The numbers sent, those whose 302 has arrived, and all other answers by status."""

    def __init__(self) -> None:
        self.sent: set[int] = set()
        self.acknowledged: set[int] = set()
        self.other: Counter[int] = Counter()


@contextmanager
def clicking_marked(
    port: int,
    *,
    clients: int = 8,
    path: str = "/poster",
    host: str = "127.0.0.1",
    most: int = 10**9,
    told: Callable[[int], None] = lambda number: None,
) -> Iterator[Marked]:
    """Clicks one after the other in each client, `most` in all; `told` hears of each 302."""
    marked, stopped, numbers = Marked(), threading.Event(), itertools.count(1)

    def click() -> None:
        while not stopped.is_set():
            with closing(socket.socket()) as link:
                link.settimeout(ANSWER_SECONDS)
                try:
                    link.connect(("127.0.0.1", port))
                    while not stopped.is_set() and (number := next(numbers)) <= most:
                        marked.sent.add(number)
                        link.sendall(marked_request(number, path, host))
                        status = _status(link)
                        if status != 302:
                            marked.other[status] += 1
                            continue
                        marked.acknowledged.add(number)
                        told(number)
                    return
                except OSError:
                    time.sleep(_REFUSED_PAUSE)

    crew = [threading.Thread(target=click, daemon=True) for _ in range(clients)]
    for client in crew:
        client.start()
    try:
        yield marked
        if most < 10**9:
            for client in crew:
                client.join()
    finally:
        stopped.set()
        for client in crew:
            client.join()


def _status(link: socket.socket) -> int:
    answers = Answers()
    while data := link.recv(65536):
        if found := answers.feed(data):
            return found[0][0]
    raise ConnectionResetError
