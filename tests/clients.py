"""Clients of the link port that count what they were told: many clicks, or a steady few.

A click is *acknowledged* once its whole 302 has arrived. It is *in doubt* when it was sent and
no whole answer came: it may or may not have been recorded, and nobody was promised anything.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import multiprocessing
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

from service import BROWSER

ANSWER_SECONDS = 30.0
"""How long a client waits for an answer before the click is in doubt."""

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_REFUSED_PAUSE = 0.005


def request(path: str, *, host: str = "127.0.0.1", agent: str = BROWSER) -> bytes:
    """The bytes of a GET over a connection that is kept."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\n\r\n".encode()


class Answers:
    """Cuts a stream of bytes into answers; knows no bodies but those with a Content-Length."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bool]]:
        """Of each answer that is complete now: its status, and whether it ends the connection."""
        self._rest += data
        found = []
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            head = self._rest[:end]
            length = _LENGTH.search(head)
            end += 4 + (int(length[1]) if length else 0)
            if len(self._rest) < end:
                break
            status = _STATUS.match(head)
            assert status, head
            found.append((int(status[1]), b"\r\nconnection: close" in head.lower()))
            self._rest = self._rest[end:]
        return found


class Tally:
    """What one client saw. `refused` counts connections that were not made, `other` the answers
    but 302 by status; `seconds` are the times of single answers where they were taken, and
    `longest_gap` is the longest time between two answers.
    """

    def __init__(self) -> None:
        self.acknowledged = 0
        self.in_doubt = 0
        self.refused = 0
        self.other: Counter[int] = Counter()
        self.seconds: list[float] = []
        self.longest_gap = 0.0

    def note(self, statuses: Sequence[int]) -> None:
        clicks = sum(status == 302 for status in statuses)
        self.acknowledged += clicks
        if clicks < len(statuses):
            self.other.update(status for status in statuses if status != 302)


class Crowd:
    """Several clients at work."""

    def __init__(self, clients: Sequence[_Client], stopped: threading.Event) -> None:
        self._clients = clients
        self._stopped = stopped

    @property
    def acknowledged(self) -> int:
        return sum(client.tally.acknowledged for client in self._clients)

    @property
    def in_doubt(self) -> int:
        return sum(client.tally.in_doubt for client in self._clients)

    @property
    def refused(self) -> int:
        return sum(client.tally.refused for client in self._clients)

    @property
    def other(self) -> Counter[int]:
        """Answers that were not 302, by status."""
        return sum((client.tally.other for client in self._clients), Counter())

    @property
    def seconds(self) -> list[float]:
        """How long each answer took, the quickest first; of paced clients only."""
        return sorted(each for client in self._clients for each in client.tally.seconds)

    @property
    def longest_gap(self) -> float:
        """The longest time any client spent without an answer, in seconds."""
        return max(client.tally.longest_gap for client in self._clients)

    def stop(self) -> None:
        """No more clicks; returns when the last answer has arrived."""
        self._stopped.set()
        for client in self._clients:
            client.join()


@dataclass(frozen=True)
class _Manner:
    """How a client clicks: `depth` clicks at once, `per_connection` over one connection, and
    turns that begin `pace` seconds apart, or at once after each other (0).
    """

    depth: int
    per_connection: int
    pace: float
    host: str


class _Client(threading.Thread):
    """Clicks in its manner. With a pace it is not put off by late answers: its next turn is due
    when it is due, and the time of a click counts from there.
    """

    def __init__(
        self, port: int, next_path: Callable[[], str], stopped: threading.Event, manner: _Manner
    ) -> None:
        super().__init__(daemon=True, name="client")
        self.tally = Tally()
        self._port = port
        self._next_path = next_path
        self._stopped = stopped
        self._manner = manner
        self._due = self._answered = time.monotonic()

    def run(self) -> None:
        while not self._stopped.is_set():
            with closing(socket.socket()) as connection:
                connection.settimeout(ANSWER_SECONDS)
                try:
                    connection.connect(("127.0.0.1", self._port))
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                except OSError:
                    self.tally.refused += 1
                    time.sleep(_REFUSED_PAUSE)
                    continue
                self._use(connection)

    def _use(self, connection: socket.socket) -> None:
        answers = Answers()
        for _ in range(max(self._manner.per_connection // self._manner.depth, 1)):
            if self._manner.pace:
                self._stopped.wait(self._due - time.monotonic())
            if self._stopped.is_set() or not self._turn(connection, answers):
                return

    def _turn(self, connection: socket.socket, answers: Answers) -> bool:
        """The clicks of one turn; whether the connection goes on."""
        missing = depth = self._manner.depth
        goes_on = True
        with contextlib.suppress(OSError):
            connection.sendall(
                b"".join(request(self._next_path(), host=self._manner.host) for _ in range(depth))
            )
            while missing and goes_on:
                data = connection.recv(65536)
                found = answers.feed(data)
                self.tally.note([status for status, _ in found])
                missing -= len(found)
                goes_on = bool(data) and not any(ends for _, ends in found)
        self.tally.in_doubt += missing
        now = time.monotonic()
        if missing < depth:
            self.tally.longest_gap = max(self.tally.longest_gap, now - self._answered)
            self._answered = now
        if self._manner.pace:
            if not missing:
                self.tally.seconds.append(now - self._due)
            self._due += self._manner.pace
        return goes_on and not missing


@contextmanager
def clicking(
    port: int,
    paths: Sequence[str] = ("/poster",),
    *,
    clients: int = 4,
    depth: int = 8,
    per_connection: int = 200,
    host: str = "127.0.0.1",
) -> Iterator[Crowd]:
    """As many clicks as the machine gives, until the block ends or `stop()`."""
    with _at_work(port, paths, clients, _Manner(depth, per_connection, 0.0, host)) as crowd:
        yield crowd


@contextmanager
def clicking_steadily(
    port: int,
    paths: Sequence[str] = ("/poster",),
    *,
    per_second: float = 200.0,
    clients: int = 4,
    per_connection: int = 50,
    host: str = "127.0.0.1",
) -> Iterator[Crowd]:
    """`per_second` clicks by all clients together; `seconds` has how long each one took."""
    manner = _Manner(1, per_connection, clients / per_second, host)
    with _at_work(port, paths, clients, manner) as crowd:
        yield crowd


@dataclass
class Report:
    """What a crowd in a process of its own saw, once it has ended."""

    seconds: list[float]
    in_doubt: int
    refused: int
    other: dict[int, int]


@contextmanager
def clicking_apart(port: int, *, per_second: float, clients: int) -> Iterator[list[Report]]:
    """As `clicking_steadily`, in a process of its own; its report is there after the block.

    What is measured must not wait for Python while this process does hard work.
    """
    context = multiprocessing.get_context("spawn")
    stop, begun = context.Event(), context.Event()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_click, args=(port, per_second, clients, begun, stop, sender))
    process.start()
    assert begun.wait(ANSWER_SECONDS)
    reports: list[Report] = []
    try:
        yield reports
    finally:
        stop.set()
        reports.append(receiver.recv())
        process.join()


def _click(
    port: int, per_second: float, clients: int, begun: Event, stop: Event, sender: Connection
) -> None:
    with clicking_steadily(port, per_second=per_second, clients=clients) as crowd:
        begun.set()
        stop.wait()
    sender.send(Report(crowd.seconds, crowd.in_doubt, crowd.refused, dict(crowd.other)))


@contextmanager
def _at_work(port: int, paths: Sequence[str], clients: int, manner: _Manner) -> Iterator[Crowd]:
    stopped = threading.Event()
    crew = [_Client(port, _in_turn(paths, number), stopped, manner) for number in range(clients)]
    crowd = Crowd(crew, stopped)
    for client in crew:
        client.start()
    try:
        yield crowd
    finally:
        crowd.stop()


def _in_turn(paths: Sequence[str], number: int) -> Callable[[], str]:
    """Each path after the other; every client begins elsewhere."""
    around = itertools.cycle([*paths[number % len(paths) :], *paths[: number % len(paths)]])
    return lambda: next(around)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value that `share` (0…1) of them do not exceed."""
    return sorted_values[max(math.ceil(share * len(sorted_values)) - 1, 0)]
