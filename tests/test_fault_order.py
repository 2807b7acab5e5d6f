"""On stable storage before the answer: what the system calls of a redirect worker prove.

Each request carries a number that stands in its record and, through the forwarded query, in the
`Location` of its answer. `strace` shows every write, sync and send with its bytes: between the
write of a record and the send of its answer there must be a whole sync of the record's file.
"""

from __future__ import annotations

import re
import shutil
from bisect import bisect
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cast import make_home
from evidence import Trial
from marked import clicking_marked, number_of
from service import running

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.manage import NewLink, create_link

pytestmark = pytest.mark.fault

WRITES = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "sendto", "sendmsg"}
SYNCS = {"fsync", "fdatasync"}

# "123  pwrite64(9, "…", 480, 64) = 480", or its beginning and its end on two lines.
_CALL = re.compile(r"(\d+) +(\w+)\((\d+)(.*)")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)")
_RESULT = re.compile(r"\) += (-?\d+)")
_RECORDED = re.compile(r"(q[a-z]{2})(n\d+\.example)")  # language and referrer, side by side
_ANSWERED = re.compile(r"\?n=(\d+)")


@pytest.fixture
def engine_name() -> str:
    """The redirect does not depend on the database."""
    return "sqlite"


@dataclass(frozen=True, slots=True)
class Call:
    """A system call: at which line of the trace it began and ended, and what it was about."""

    name: str
    fd: int
    text: str
    begun: int
    ended: int
    result: int


def test_every_answer_leaves_after_the_sync_of_its_record(
    settings: Settings, tmp_path: Path, trial: Trial
) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("no strace: install it to see the order of system calls")
    settings = replace(settings, spool_sync="always")
    add_forwarding_link(settings)
    trace = tmp_path / "trace"
    calls = ",".join(sorted(WRITES | SYNCS))
    # -D: the service stays our child, whom the test can stop; the strings are never cut.
    before = [strace, "-D", "-f", "--seccomp-bpf", "-s", "1000000", "-e", f"trace={calls}"]
    most, clients = trial.size(300, 10_000), 16
    with (
        running(
            settings,
            tmp_path,
            roles=("redirect",),
            workers=1,
            before=[*before, "-o", str(trace), "-qq", "-e", "signal=none"],
        ) as service,
        clicking_marked(service.link_port, clients=clients, most=most) as clicks,
    ):
        pass
    # On a slow machine the first clients ask for the link before the worker knows it, and are
    # told to come again: what is not answered is not promised.
    assert clicks.sent == set(range(1, most + 1))
    assert clicks.other.keys() <= {503}
    assert len(clicks.sent - clicks.acknowledged) == clicks.other.total() < clients
    syncs, late = order_of(list(calls_in(trace)))
    assert late == {}
    trial.saw(
        "order of system calls, `SPOOL_SYNC=always`",
        "each of 10,000 answers leaves after the sync of its record",
        f"{len(clicks.acknowledged):,} answers, {syncs:,} syncs, 0 sent before theirs",
    )


def add_forwarding_link(settings: Settings) -> None:
    now = datetime.now(UTC)
    with closing(Database(settings.database_url)) as database, database.transaction() as session:
        home = make_home(session, settings, now=now)
        new = NewLink("https://example.com/", slug="poster", forward_query=True)
        create_link(session, home.actor, settings, new, now)


def calls_in(trace: Path) -> Iterator[Call]:
    """The calls in the order in which they ended."""
    begun: dict[str, tuple[int, str, int, str]] = {}
    with trace.open(errors="replace") as lines:
        for number, line in enumerate(lines):
            if found := _CALL.match(line):
                thread, name, fd, text = found.groups()
                if line.rstrip().endswith("<unfinished ...>"):
                    begun[thread] = (number, name, int(fd), text)
                elif result := _RESULT.search(text):
                    yield Call(name, int(fd), text, number, number, int(result[1]))
            elif found := _RESUMED.match(line):
                thread, _, rest = found.groups()
                if (first := begun.pop(thread, None)) and (result := _RESULT.search(rest)):
                    since, name, fd_number, text = first
                    yield Call(name, fd_number, text + rest, since, number, int(result[1]))


def recorded_in(call: Call) -> list[int]:
    """The numbers of the records that it wrote."""
    numbers = [number_of(host, language) for language, host in _RECORDED.findall(call.text)]
    return [number for number in numbers if number is not None]


def order_of(calls: list[Call]) -> tuple[int, dict[int, str]]:
    """The number of syncs, and of each answer that was sent too early (its number) the reason."""
    written: dict[int, Call] = {}
    for call in calls:
        if call.name in WRITES and call.result > 0:
            written.update((number, call) for number in recorded_in(call))
    syncs = sorted(
        (call.begun, call.ended, call.fd)
        for call in calls
        if call.name in SYNCS and call.result == 0
    )
    late = dict.fromkeys(written, "no answer seen")
    for call in calls:
        answered = map(int, _ANSWERED.findall(call.text)) if call.name in WRITES else ()
        for number in answered:
            late.pop(number, None)
            record = written.get(number)
            if record is None:
                late[number] = "no record"
                continue
            between = syncs[bisect(syncs, (record.ended,)) : bisect(syncs, (call.begun,))]
            if not any(fd == record.fd and ended < call.begun for _, ended, fd in between):
                late[number] = "no sync between record and answer"
    return len(syncs), late
