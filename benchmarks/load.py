"""Two ways to load a link port: as fast as it answers (wrk), and at a rate that does not yield.

`saturate` keeps connections busy: a closed loop, for rates. `offer` sends at the moments of a
Poisson process whatever the server does: an open loop, for latencies. It counts a request's
time from the moment it was due, not from when it could be sent, so a server that stalls
cannot hide the wait of those who stood in line (coordinated omission).

Both run on the core `GENERATOR_CORE`; what they load belongs on another one.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SERVER_CORE, GENERATOR_CORE = 0, 1
CONNECTIONS = 64
"""Kept open; those of the open loop before its clock starts. Where all are waited for, a request
that is due waits for a free one, and that counts."""

_WANTED, _SEEN = struct.Struct("=diI"), struct.Struct("=dii")
"""As `openloop.c` has them."""

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

# Paths are one text and where each begins: a table of a million of them is walked by Lua's garbage
# collector in one go, and wrk then asked nothing for 60 ms, ever again.
_LUA = """
local file, heads = io.open("%(folder)s/paths", "rb"), {}
local paths, n = file:read("*a"), 0
for _ in paths:gmatch("\\n") do n = n + 1 end
local begins, at = require("ffi").new("uint32_t[?]", n + 1), 1
for number = 0, n do
  begins[number] = at
  at = (paths:find("\\n", at, true) or 0) + 1
end
local function path_of(number) return paths:sub(begins[number - 1], begins[number] - 2) end
for line in io.lines("%(folder)s/heads") do
  heads[#heads + 1] = " HTTP/1.1\\r\\n" .. line:gsub("|", "\\r\\n") .. "\\r\\n\\r\\n"
end
math.randomseed(%(seed)d)
local random, skewed, missing = math.random, %(zipf)s, %(missing)s
local alphabet = "abcdefghjkmnpqrstuvwxyz"
local function unknown()
  local word = {}
  for place = 1, 12 do local at = random(#alphabet); word[place] = alphabet:sub(at, at) end
  return "/" .. table.concat(word)
end
request = function()
  local path
  if missing then path = unknown()
  elseif skewed then path = path_of(math.floor(n ^ random())) else path = path_of(random(n)) end
  return "GET " .. path .. heads[random(#heads)]
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

    Runs in a process of its own (`openloop.c`), and returns when every answer has come, or 10 s
    after the last request. With `gentle` it leaves time of its core to others: it sleeps between
    two looks, and sees answers up to a tenth of a millisecond late.
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
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        plan, seen = folder / "plan", folder / "seen"
        with plan.open("wb") as file:
            for due, stream, request in _planned(
                streams, seconds, random.Random(seed), host or f"127.0.0.1:{port}"
            ):
                file.write(_WANTED.pack(due, stream, len(request)) + request)
        process = subprocess.Popen(
            [_open_loop(), str(port), plan, seen, str(CONNECTIONS), str(int(gentle))],
            preexec_fn=lambda: pin(GENERATOR_CORE),
        )
        try:
            yield outcomes
            if process.wait():
                raise RuntimeError("the load ended early; its reason stands above")
            outcomes.update(_outcomes(streams, seconds, seen.read_bytes()))
        finally:
            process.kill()
            process.wait()


@cache
def _open_loop() -> Path:
    """The program that sends: in Python it would take as long a request as the server does.

    Compiled once a process, at whose end it goes.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        sys.exit("not found: a C compiler. On Debian: apt-get install gcc libc6-dev")
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    atexit.register(shutil.rmtree, folder)
    program = folder / "openloop"
    source = Path(__file__).with_name("openloop.c")
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return program


def _outcomes(streams: Sequence[Stream], seconds: float, seen: bytes) -> dict[str, Outcome]:
    took: list[list[float]] = [[] for _ in streams]
    refused, failed = [0] * len(streams), [0] * len(streams)
    for waited, stream, status in _SEEN.iter_unpack(seen):
        if waited < 0:
            failed[stream] += 1
            continue
        took[stream].append(1000 * waited)
        refused[stream] += status >= 400
    found = {}
    for stream, each in enumerate(streams):
        times = sorted(took[stream]) or [0.0]
        found[each.name] = Outcome(
            requests=len(took[stream]),
            seconds=seconds,
            p50=times[len(times) // 2],
            p99=times[min(len(times) - 1, int(len(times) * 0.99))],
            refused=refused[stream],
            failed=failed[stream],
            most=times[-1],
        )
    return found


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
