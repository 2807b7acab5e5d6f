"""How many redirects a second: beside nginx, a bare 302 and plain Flask, and with a million links.

`python -m benchmarks.redirect [second always flask million] [--seed N] [--seconds S] [--turns T]`

Ratios are of wall rates on one saturated core, measured in turns. The ratio of CPU seconds per
request stands beside each: on a machine that does other things it is the steadier one.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.load import CONNECTIONS, SERVER_CORE, Outcome, pin, saturate
from benchmarks.stand import Measured, Running, Stand, bare, compared, flask, nginx, service, stand
from benchmarks.table import Options, heading, judged, line, options
from linkservice.counters import summed

MILLION = 1_000_000
FEW = 200
PSS_BAR = 200e6
SYNCS = 200


def second(given: Options) -> None:
    """`SPOOL_SYNC=second` beside nginx and beside a bare 302."""
    heading("Redirect with its click recorded, SPOOL_SYNC=second")
    with stand(FEW, given.seed, spool_sync="second") as here, ExitStack() as stack:
        subjects = {
            "linkservice": stack.enter_context(service(here)),
            "nginx": stack.enter_context(nginx(here)),
            "bare 302": stack.enter_context(bare(here)),
        }
        seen = _measured(given, here, subjects)
    _ratio(seen, "linkservice", "nginx", 0.35)
    _ratio(seen, "linkservice", "bare 302", 0.55)


def always(given: Options) -> None:
    """`SPOOL_SYNC=always` beside nginx, and against the disk's own sync."""
    heading("Redirect on stable storage first, SPOOL_SYNC=always")
    with stand(FEW, given.seed, spool_sync="always") as here, ExitStack() as stack:
        subjects = {
            "linkservice": stack.enter_context(service(here)),
            "nginx": stack.enter_context(nginx(here)),
        }
        sync = sync_ms(here.folder)
        seen = _measured(given, here, subjects)
        port = subjects["linkservice"].port
        alone = saturate(port, here.paths, given.seconds, seed=given.seed, connections=1)
        sync = statistics.median([sync, sync_ms(here.folder)])
    line("one fdatasync, p50", f"{sync:.2f} ms")
    _ratio(seen, "linkservice", "nginx", 0.16)
    judged("p99 at saturation", seen["linkservice"].p99, "≤", max(10.0, 20 * sync), " ms")
    judged("one idle connection, p50", alone.p50, "≤", 2 * sync, " ms")


def plain(given: Options) -> None:
    """Against a Flask view with SQLAlchemy and one COMMIT per click."""
    heading("Against plain Flask with SQLAlchemy and one COMMIT per click")
    with stand(FEW, given.seed, spool_sync="second") as here, ExitStack() as stack:
        subjects = {
            "linkservice": stack.enter_context(service(here)),
            "Flask": stack.enter_context(flask(here)),
        }
        seen = _measured(given, here, subjects)
    _ratio(seen, "linkservice", "Flask", 30.0)


def million(given: Options) -> None:
    """A million links, drawn as links are clicked: the n-th with weight 1/n."""
    heading("1 million links, Zipf (s = 1.0), against 200 links")
    with (
        stand(FEW, given.seed, spool_sync="second") as few,
        stand(MILLION, given.seed, spool_sync="second") as many,
        service(few) as with_few,
        service(many) as with_many,
    ):
        line("links in the database", f"{len(many.paths):,}")
        _zipf(with_few.port, few, 3.0, given.seed)
        began = time.monotonic()
        for turn in range(30):  # until all links are packed, and what is clicked most is ready
            _zipf(with_many.port, many, 3.0, given.seed + turn)
            if turn >= 7 and summed(many.folder)["linkservice_link_store_links"] == MILLION:
                break
        line("links known, under load", f"after {time.monotonic() - began:.0f} s")
        seeds = iter(range(given.seed + 100, given.seed + 1000))

        def ask(name: str, port: int) -> Outcome:
            stood = many if name == "1,000,000 links" else few
            return _zipf(port, stood, given.seconds, next(seeds))

        subjects = {"1,000,000 links": with_many, "200 links": with_few}
        seen = compared(subjects, ask, given.turns)
        _print(seen)
        memory = max(with_many.pss())
    _ratio(seen, "1,000,000 links", "200 links", 0.8)
    judged("PSS of the worker", memory / 1e6, "≤", PSS_BAR / 1e6, " MB")


def sync_ms(folder: Path) -> float:
    """The middle time of an `fdatasync` after an append on that disk, in milliseconds.

    On the worker's core: the disk tells one core that it is done, and another hears it later.
    """
    took = []
    everywhere = os.sched_getaffinity(0)
    pin(SERVER_CORE)
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            os.write(file.fileno(), bytes(300))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(1000 * (time.perf_counter() - began))
    os.sched_setaffinity(0, everywhere)
    return statistics.median(took)


def _zipf(port: int, here: Stand, seconds: float, seed: int) -> Outcome:
    return saturate(port, here.paths, seconds, seed=seed, zipf=True)


def _measured(given: Options, here: Stand, subjects: dict[str, Running]) -> dict[str, Measured]:
    line("links, connections", f"{len(here.paths)}, {CONNECTIONS}")

    def ask(name: str, port: int) -> Outcome:
        return saturate(port, here.paths, given.seconds, seed=given.seed)

    for name, running in subjects.items():  # what is asked first is loaded then
        ask(name, running.port)
    seen = compared(subjects, ask, given.turns)
    _print(seen)
    return seen


def _print(seen: dict[str, Measured]) -> None:
    for name, each in seen.items():
        cpu = f"{1e6 * each.cpu:.1f} µs CPU each"
        times = f"p50 {each.p50:.2f} ms, p99 {each.p99:.2f} ms"
        line(name, f"{each.rate:,.0f}/s, {cpu}, {times}, {each.failed} failed")


def _ratio(seen: dict[str, Measured], one: str, other: str, bar: float) -> None:
    judged(f"{one} ÷ {other}, rate", seen[one].rate / seen[other].rate, "≥", bar)
    line(f"{other} ÷ {one}, CPU each", f"{seen[other].cpu / seen[one].cpu:.3g}")


if __name__ == "__main__":
    options(__doc__, {"second": second, "always": always, "flask": plain, "million": million})
