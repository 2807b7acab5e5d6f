"""Clicks that carry a number, so that each can be found again in the spool and in the database.

The number travels as the host of the referrer and the language, which the record and the click row
keep: each of them alone may have no more values a day than `clicks.limit` lets a link have.
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
from string import ascii_lowercase

from clients import ANSWER_SECONDS, Answers
from service import BROWSER
from sqlalchemy import select
from sqlalchemy.orm import aliased

from linkservice.clicks.model import Click, FacetValue
from linkservice.database import Database

_REFUSED_PAUSE = 0.01
_MARK = re.compile(r"n(\d+)\.example")
_HOSTS = 900
_LETTERS = ascii_lowercase


def marks(number: int) -> dict[str, str]:
    """The fields of a `Click` that tell its number."""
    place, host = divmod(number, _HOSTS)
    first, last = divmod(place, len(_LETTERS))
    return {
        "referrer_host": f"n{host}.example",
        "language": f"q{_LETTERS[first]}{_LETTERS[last]}",
    }


def number_of(host: str, language: str) -> int | None:
    """The number that these marks tell; None where they are none."""
    mark = _MARK.fullmatch(host)
    if not mark:
        return None
    first, last = map(_LETTERS.index, language[1:])
    return (first * len(_LETTERS) + last) * _HOSTS + int(mark[1])


def marked_request(number: int, path: str = "/poster", host: str = "127.0.0.1") -> bytes:
    """A click with that number; its query holds it too, for links that forward it."""
    told = marks(number)
    return (
        f"GET {path}?n={number} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {BROWSER}\r\n"
        f"Referer: https://{told['referrer_host']}/\r\nAccept-Language: {told['language']}\r\n\r\n"
    ).encode()


def numbers_in(database: Database) -> Counter[int]:
    """How often each number stands in the click rows."""
    with database.reading() as session:
        host, language = aliased(FacetValue), aliased(FacetValue)
        found = session.execute(
            select(host.value, language.value)
            .select_from(Click)
            .join(host, Click.referrer_id == host.id)
            .join(language, Click.language_id == language.id)
        )
        numbers = (number_of(*each) for each in found)
        return Counter(number for number in numbers if number is not None)


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
