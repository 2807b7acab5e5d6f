"""Two ways to load a link port: as fast as it answers (wrk), and at a rate that does not yield.

`saturate` keeps connections busy: a closed loop, for rates. `offer` sends at the moments of a
Poisson process whatever the server does: an open loop, for latencies. It counts a request's
time from the moment it was due, not from when it could be sent, so a server that stalls
cannot hide the wait of those who stood in line (coordinated omission).

Both run on the core `GENERATOR_CORE`; what they load belongs on another one.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import random
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE, GENERATOR_CORE = 0, 1
CONNECTIONS = 64
OPEN_CONNECTIONS = 1024
"""Of the open loop, opened before its clock starts. Where all are waited for, a request that is due
waits for a free one, and that counts."""

NAP_SECONDS = 0.00005
"""The system makes a tenth of a millisecond of it."""

AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Safari/605.1.15",
)
LANGUAGES = ("de-DE,de;q=0.9,en;q=0.8", "en-GB,en;q=0.9", "fr-CH,fr;q=0.8", "de")
REFERRERS = ("https://www.example.org/news/autumn", "https://shop.example.net/", "")

_LUA = """
local paths, heads = {}, {}
for line in io.lines("%(folder)s/paths") do paths[#paths + 1] = line end
for line in io.lines("%(folder)s/heads") do heads[#heads + 1] = line end
math.randomseed(%(seed)d)
local random, n, skewed, missing = math.random, #paths, %(zipf)s, %(missing)s
local alphabet = "abcdefghjkmnpqrstuvwxyz"
local function unknown()
  local word = {}
  for place = 1, 12 do local at = random(#alphabet); word[place] = alphabet:sub(at, at) end
  return "/" .. table.concat(word)
end
request = function()
  local path
  if missing then path = unknown()
  elseif skewed then path = paths[math.floor(n ^ random())] else path = paths[random(n)] end
  local head = heads[random(#heads)]:gsub("|", "\\r\\n")
  return "GET " .. path .. " HTTP/1.1\\r\\n" .. head .. "\\r\\n\\r\\n"
end
done = function(summary, latency)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"requests": %%d, "seconds": %%f, "p50": %%f, "p99": %%f, "refused": %%d, "failed": %%d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"""


@dataclass(frozen=True)
class Outcome:
    """What a load saw; times in milliseconds. `refused` are answers of 400 and above."""

    requests: int
    seconds: float
    p50: float
    p99: float
    refused: int
    failed: int
    most: float = 0.0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Stream:
    """Requests that arrive at random moments, `rate` a second on the average.

    `paths` are drawn evenly; without any, every request asks for a slug nobody has.
    """

    name: str
    rate: float
    paths: Sequence[str] = ()


def require(*programs: str) -> None:
    """Exit with what to install where one of these programs is not there."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/usr/local/bin"
    missing = [each for each in programs if not shutil.which(each, path=path)]
    if missing:
        sys.exit(f"not found: {', '.join(missing)}. On Debian: apt-get install {' '.join(missing)}")
    os.environ["PATH"] = path


def pin(core: int) -> None:
    """Keep this process, and what it starts, on one core; harmless where there is none."""
    if core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {core})


def heads(host: str) -> list[str]:
    """Request headers as browsers send them, lines joined by `|`: agents × languages × origins."""
    made = []
    for agent in AGENTS:
        for language in LANGUAGES:
            for referrer in REFERRERS:
                lines = [f"Host: {host}", f"User-Agent: {agent}", f"Accept-Language: {language}"]
                lines += [f"Referer: {referrer}"] if referrer else []
                made.append("|".join(lines))
    return made


def saturate(
    port: int,
    paths: Sequence[str],
    seconds: float,
    *,
    seed: int,
    connections: int = CONNECTIONS,
    zipf: bool = False,
    host: str = "",
) -> Outcome:
    """Ask as fast as the answers come. With `zipf`, the n-th path is drawn with weight 1/n."""
    require("wrk")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        (Path(folder) / "paths").write_text("\n".join(paths) + "\n")
        (Path(folder) / "heads").write_text("\n".join(heads(host or f"127.0.0.1:{port}")) + "\n")
        script = Path(folder) / "load.lua"
        script.write_text(
            _LUA
            % {
                "folder": folder,
                "seed": seed,
                "zipf": str(zipf).lower(),
                "missing": str(not paths).lower(),
            }
        )
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}", "--latency"]
        finished = subprocess.run(
            [*command, "-s", str(script), f"http://127.0.0.1:{port}/"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
            preexec_fn=lambda: pin(GENERATOR_CORE),
        )
    return Outcome(**json.loads(finished.stderr[finished.stderr.index("{") :]))


def offer(
    port: int,
    streams: Sequence[Stream],
    seconds: float,
    *,
    seed: int,
    host: str = "",
    gentle: bool = False,
) -> dict[str, Outcome]:
    """Send the streams at their rates, however long the answers take; what each one saw.

    Runs in a process of its own, and returns when every answer has come, or 10 s after the
    last request. With `gentle` it leaves time of its core to others: it sleeps between two
    looks, and sees answers up to a tenth of a millisecond late.
    """
    with offering(port, streams, seconds, seed=seed, host=host, gentle=gentle) as outcomes:
        pass
    return outcomes


@contextmanager
def offering(
    port: int,
    streams: Sequence[Stream],
    seconds: float,
    *,
    seed: int,
    host: str = "",
    gentle: bool = False,
) -> Iterator[dict[str, Outcome]]:
    """As `offer`, while the body of the `with` does something else.

    The yielded dictionary is filled when the body has ended and the load is over.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    arguments = (sender, port, streams, seconds, seed, host or f"127.0.0.1:{port}", gentle)
    process = context.Process(target=_offer, args=arguments, daemon=True)
    process.start()
    sender.close()
    outcomes: dict[str, Outcome] = {}
    try:
        yield outcomes
        outcomes.update(receiver.recv())
    finally:
        process.kill()
        process.join()


def _offer(
    sender: multiprocessing.connection.Connection,
    port: int,
    streams: Sequence[Stream],
    seconds: float,
    seed: int,
    host: str,
    gentle: bool,
) -> None:
    pin(GENERATOR_CORE)
    gc.disable()
    sender.send(_OpenLoop(port, streams, seconds, random.Random(seed), host, gentle).run())


class _OpenLoop:
    """One thread that polls: it sends what is due and takes what has come."""

    def __init__(
        self,
        port: int,
        streams: Sequence[Stream],
        seconds: float,
        rng: random.Random,
        host: str,
        gentle: bool,
    ) -> None:
        self._port = port
        self._gentle = gentle
        self._streams = streams
        self._seconds = seconds
        self._plan = _planned(streams, seconds, rng, host)
        self._poll = select.epoll()
        self._idle: deque[socket.socket] = deque()
        # By descriptor: the connection, and the stream and due moment of what it waits for.
        self._busy: dict[int, tuple[socket.socket, int, float]] = {}
        self._took: list[list[float]] = [[] for _ in streams]
        self._refused = [0 for _ in streams]
        self._failed = [0 for _ in streams]

    def run(self) -> dict[str, Outcome]:
        for _ in range(OPEN_CONNECTIONS):
            self._idle.append(self._connect())
        begin = time.perf_counter()
        for due, stream, request in self._plan:
            due += begin
            while time.perf_counter() < due:
                self._take()
                if self._gentle:
                    time.sleep(NAP_SECONDS)
            while not self._idle:
                if not self._busy:  # the server has closed all
                    self._idle.append(self._connect())
                self._take()
            self._send(self._idle.pop(), due, stream, request)
        give_up = time.perf_counter() + 10.0
        while self._busy and time.perf_counter() < give_up:
            self._take()
        for _, stream, _ in self._busy.values():
            self._failed[stream] += 1
        return {each.name: self._outcome(at) for at, each in enumerate(self._streams)}

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Until the server has taken it in, which is not what is measured, it answers nothing.
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(4096)
        connection.setblocking(False)
        self._poll.register(connection.fileno(), select.EPOLLIN)
        return connection

    def _send(self, connection: socket.socket, due: float, stream: int, request: bytes) -> None:
        self._busy[connection.fileno()] = (connection, stream, due)
        try:
            connection.send(request)
        except OSError:
            self._drop(connection.fileno())

    def _take(self) -> None:
        for fd, _ in self._poll.poll(0):
            found = self._busy.get(fd)
            if found is None:  # an idle connection that the server closed
                self._forget(next(each for each in self._idle if each.fileno() == fd))
                continue
            connection, stream, due = found
            try:
                answer = connection.recv(65536)
            except OSError:
                answer = b""
            if not answer:
                self._drop(fd)
                continue
            # Every answer of a link port fits into one segment of the loopback.
            self._took[stream].append(time.perf_counter() - due)
            if answer[9:12] >= b"400":
                self._refused[stream] += 1
            del self._busy[fd]
            self._idle.append(connection)

    def _drop(self, fd: int) -> None:
        connection, stream, _ = self._busy.pop(fd)
        self._failed[stream] += 1
        self._close(connection)

    def _forget(self, connection: socket.socket) -> None:
        self._idle.remove(connection)
        self._close(connection)

    def _close(self, connection: socket.socket) -> None:
        self._poll.unregister(connection.fileno())
        connection.close()

    def _outcome(self, stream: int) -> Outcome:
        took = sorted(self._took[stream]) or [0.0]
        return Outcome(
            requests=len(self._took[stream]),
            seconds=self._seconds,
            p50=1000 * took[len(took) // 2],
            p99=1000 * took[min(len(took) - 1, int(len(took) * 0.99))],
            refused=self._refused[stream],
            failed=self._failed[stream],
            most=1000 * took[-1],
        )


def _planned(
    streams: Sequence[Stream], seconds: float, rng: random.Random, host: str
) -> list[tuple[float, int, bytes]]:
    """Every request of the run, made before it begins: when, of which stream, its bytes."""
    tails = [each.replace("|", "\r\n") + "\r\n\r\n" for each in heads(host)]
    plan = []
    for number, stream in enumerate(streams):
        due = rng.expovariate(stream.rate)
        while due < seconds:
            path = rng.choice(stream.paths) if stream.paths else _unknown(rng)
            plan.append((due, number, f"GET {path} HTTP/1.1\r\n{rng.choice(tails)}".encode()))
            due += rng.expovariate(stream.rate)
    return sorted(plan)


def _unknown(rng: random.Random) -> str:
    return "/" + "".join(rng.choices("abcdefghjkmnpqrstuvwxyz", k=12))
