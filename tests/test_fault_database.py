"""The database is locked, slow, silent or away: customers arrive, and no click is lost.

On PostgreSQL the wire to the server does what a server does that is stopped, overloaded or down;
the tables are locked by a session of its own. On SQLite another program holds the write lock.
"""

from __future__ import annotations

import http.client
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cast import make_home, make_link
from clients import clicking_steadily, percentile
from evidence import Trial
from service import BROWSER, running, wait_until
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from wire import Mode, Wire, wire_to

from linkservice.clicks.audit import audit
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.tables import metadata

pytestmark = pytest.mark.fault

CLICKS_A_SECOND = 100
CAUGHT_UP_SECONDS = 60.0
LONGEST_ANSWER_SECONDS = 6.0
"""How long somebody may wait to be told to try again."""

BUSY = 5
"""How many times as long it may take in the quick form: its machine does other work."""

NO_MATTER_SECONDS = 0.02
"""Below it nobody notices, and times that differ by a factor differ by chance."""

NOBODY_WAITS_SECONDS = 1.0

PROMISED = (
    "60 s: cached links 0 failures, p99 ≤ 2 × normal; others 503 with Retry-After, never 404; "
    "all ingested ≤ 60 s after"
)


@dataclass
class Fault:
    """How the database fails, and whether it can still be read."""

    settings: Settings
    begin: Callable[[], AbstractContextManager[None]]
    readable: bool


@dataclass
class Answers:
    """What those were told whose link is not in memory."""

    statuses: list[int] = field(default_factory=list)
    without_retry_after: int = 0
    longest: float = 0.0


@contextmanager
def locked_file(path: str) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def locked_tables(url: str) -> Iterator[None]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    names = ", ".join(table.name for table in metadata.sorted_tables)
    with closing(engine.connect()) as connection:
        while True:
            try:
                connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
                break
            except OperationalError:  # a deadlock with the ingester
                connection.rollback()
        yield
        connection.rollback()
    engine.dispose()


@contextmanager
def bad_wire(wire: Wire, mode: Mode) -> Iterator[None]:
    wire.become(mode)
    yield
    wire.become("well")


FAULTS = ["sqlite locked", *(f"postgresql {how}" for how in ("locked", "slow", "dead", "cut"))]


@pytest.fixture(params=FAULTS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine_name(kind: str) -> str:
    return kind.split()[0]


@pytest.fixture
def fault(kind: str, settings: Settings) -> Iterator[Fault]:
    how = kind.split()[1]
    if kind == "sqlite locked":
        path = settings.database_url.removeprefix("sqlite:///")
        yield Fault(settings, lambda: locked_file(path), readable=True)
    elif how == "locked":
        yield Fault(settings, lambda: locked_tables(settings.database_url), readable=False)
    else:
        with wire_to(settings.database_url) as wire:
            url = wire.url.render_as_string(hide_password=False)
            yield Fault(
                replace(settings, database_url=url),
                lambda: bad_wire(wire, how),  # type: ignore[arg-type]  # one of the modes
                readable=how == "slow",
            )


def test_a_database_in_trouble_stops_no_customer_and_loses_no_click(
    kind: str, fault: Fault, settings: Settings, database: Database, tmp_path: Path, trial: Trial
) -> None:
    seconds = trial.size(1, 60)
    add_links(settings, database, seconds)
    # Without a store of all links, or those nobody asked for before would be redirected as well.
    without = {"LINKSERVICE_LINK_STORE": "0"}
    workers = trial.size(1, 2)
    with running(fault.settings, tmp_path, workers=workers, environment=without) as service:
        warm_up(service.link_port)
        with clicking_steadily(service.link_port, per_second=CLICKS_A_SECOND) as normal:
            time.sleep(trial.size(1, 30) / 2)
        with (
            fault.begin(),
            clicking_steadily(service.link_port, per_second=CLICKS_A_SECOND) as troubled,
        ):
            uncached = asking_for_others(service.link_port, seconds)
        over_at = time.monotonic()
        told = WARM_UPS + normal.acknowledged + troubled.acknowledged
        wait_until(lambda: audit(settings, database).ingested >= told, seconds=CAUGHT_UP_SECONDS)
        caught_up = time.monotonic() - over_at
        assert service.stop() == 0

    for crowd in (normal, troubled):
        assert (crowd.in_doubt, crowd.refused, dict(crowd.other)) == (0, 0, {})
    usual, then = percentile(normal.seconds, 0.99), percentile(troubled.seconds, 0.99)
    # A second is too short, and a machine that runs other tests too busy, to compare them.
    assert then <= (max(2 * usual, NO_MATTER_SECONDS) if trial.soak else NOBODY_WAITS_SECONDS)
    assert set(uncached.statuses) <= ({302, 503} if fault.readable else {503})
    assert uncached.without_retry_after == 0
    assert uncached.longest <= LONGEST_ANSWER_SECONDS * (1 if trial.soak else BUSY)
    checked = audit(settings, database)
    assert (checked.difference, checked.pending, checked.unrecorded) == (0, 0, 0)
    trial.saw(
        f"database {kind.split()[1]} ({kind.split()[0]})",
        PROMISED,
        f"{seconds} s: {troubled.acknowledged:,} cached clicks, 0 failures, p99 "
        f"{then * 1000:.1f} ms (normal {usual * 1000:.1f}); others "
        f"{' and '.join(str(each) for each in sorted(set(uncached.statuses)))} within "
        f"{uncached.longest:.1f} s; all ingested {caught_up:.1f} s after",
    )


WARM_UPS = 40
"""Clicks that bring the link into the memory of both workers."""


def add_links(settings: Settings, database: Database, seconds: int) -> None:
    now = datetime.now(UTC)
    with database.transaction() as session:
        home = make_home(session, settings, now=now)
        make_link(session, settings, home, "poster", now=now)
        for number in range(seconds * 4):
            make_link(session, settings, home, f"other-{number}", now=now)


@pytest.mark.parametrize(
    "kind",
    [
        "sqlite locked",
        "postgresql dead",
        *(
            pytest.param(f"postgresql {how}", marks=pytest.mark.soak)
            for how in ("locked", "slow", "cut")
        ),
    ],
    indirect=True,
)
def test_with_every_link_in_memory_nobody_is_turned_away(
    kind: str, fault: Fault, settings: Settings, database: Database, tmp_path: Path, trial: Trial
) -> None:
    add_links(settings, database, 1)
    with running(fault.settings, tmp_path, workers=trial.size(1, 2)) as service:
        warm_up(service.link_port)
        time.sleep(1)  # every worker knows all links then
        with fault.begin():
            others = asking_for_others(service.link_port, 1)
        assert others.statuses == [302] * 4
        assert service.stop() == 0


def warm_up(port: int) -> None:
    for _ in range(WARM_UPS):
        # Each over a connection of its own, so that every worker gets some.
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request("GET", "/poster", headers={"User-Agent": BROWSER})
            assert connection.getresponse().status == 302


def asking_for_others(port: int, seconds: float) -> Answers:
    """Ask for links that exist and are in no worker's memory, four a second, for so long."""
    answers, asking = Answers(), []
    for number in range(int(seconds * 4)):
        asking.append(threading.Thread(target=_ask, args=(port, f"/other-{number}", answers)))
        asking[-1].start()
        time.sleep(0.25)
    for each in asking:
        each.join()
    return answers


def _ask(port: int, path: str, answers: Answers) -> None:
    began = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=90)) as connection:
        connection.request("GET", path, headers={"User-Agent": BROWSER})
        response = connection.getresponse()
        answers.statuses.append(response.status)
        if response.status == 503 and not response.headers.get("Retry-After"):
            answers.without_retry_after += 1
    answers.longest = max(answers.longest, time.monotonic() - began)
