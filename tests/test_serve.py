"""The processes of a running service: start, stop, restart, and who may not start."""

from __future__ import annotations

import ctypes
import errno
import gc
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cast import make_home, make_link
from clients import clicking, clicking_steadily
from counted import assert_each_counted_once
from service import Service, alive, free_ports, running, wait_until
from sqlalchemy import func, select, text

from linkservice import lockfile
from linkservice.clicks.model import LinkDay
from linkservice.config import Settings, load
from linkservice.database import Database
from linkservice.errors import Conflict, Failed, Invalid, Unavailable
from linkservice.serve import serve
from linkservice.serve.addresses import Address, announcement
from linkservice.serve.forks import SHORTEST_LIFE_SECONDS
from linkservice.serve.process import pause_before_restart
from linkservice.serve.signals import caught
from linkservice.serve.workers import GC_OF_PAGES, collect_seldom, take_settings


@pytest.fixture
def engine_name() -> str:
    """Processes do not depend on the database; `test_fault_killed` runs them on both."""
    return "sqlite"


@pytest.fixture
def ready(settings: Settings) -> Settings:
    """Settings of a database with the link `poster`."""
    add_poster(settings)
    return settings


@pytest.fixture(scope="module")
def lasting_settings(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Like `ready`, for `lasting`."""
    data_dir = tmp_path_factory.mktemp("data")
    shutil.copy(migrated, data_dir / "linkservice.db")
    settings = load({}, data_dir=data_dir)
    add_poster(settings)
    return settings


@pytest.fixture(scope="module")
def lasting(
    lasting_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A running service without the ingester; it outlives what the tests do to it."""
    folder = tmp_path_factory.mktemp("output")
    with running(lasting_settings, folder, roles=("redirect", "web")) as service:
        yield service


def add_poster(settings: Settings) -> None:
    now = datetime.now(UTC)
    with closing(Database(settings.database_url)) as database, database.transaction() as session:
        make_link(session, settings, make_home(session, settings, now=now), "poster", now=now)


def clicks_in_reports(settings: Settings) -> int:
    with closing(Database(settings.database_url)) as database, database.reading() as session:
        return session.scalar(select(func.sum(LinkDay.clicks))) or 0


def test_both_addresses_answer_and_are_printed_with_the_last_line(lasting: Service) -> None:
    assert lasting.get("/healthz", lasting.port) == 200
    assert lasting.get("/healthz", lasting.link_port) == 200
    printed = lasting.output.read_text()
    assert f"App:   http://127.0.0.1:{lasting.port}" in printed
    assert f"Links: http://127.0.0.1:{lasting.link_port}" in printed
    assert "--host 0.0.0.0" in printed
    assert printed.endswith("Next: type something.\n")


def test_roles_may_be_split_over_services_but_not_doubled(
    lasting: Service, lasting_settings: Settings, tmp_path: Path
) -> None:
    with running(lasting_settings, tmp_path, roles=("ingest",)) as ingesting:
        assert [*ingesting.descendants().values()] == ["ingest"]
        before = clicks_in_reports(lasting_settings)
        assert lasting.get("/poster") == 302
        wait_until(lambda: clicks_in_reports(lasting_settings) == before + 1)
        second = Service(lasting_settings, tmp_path, roles=("web",))
        assert second.exit_code() == 1
        assert f"process {lasting.pid}" in second.log.read_text()
        assert second.output.read_text() == ""
        ingesting.send(signal.SIGINT)  # Ctrl-C
        assert ingesting.exit_code() == 0


def test_a_second_service_on_the_port_is_refused_even_with_its_own_data(
    lasting: Service, migrated: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(migrated, other / "linklasting.db")
    second = Service(load({}, data_dir=other), tmp_path, ports=(lasting.port, lasting.link_port))
    assert second.exit_code() == 1
    said = second.log.read_text()
    assert f"Port {lasting.link_port}" in said
    assert "--link-port" in said
    assert lasting.get("/poster") == 302


def test_a_port_is_one_services_from_the_start_and_free_at_its_end() -> None:
    address = Address("web", "127.0.0.1", free_ports()[0], "")
    with (
        address.listening(),
        pytest.raises(Conflict, match=f"Port {address.port} .* --port"),
        address.listening(),
    ):
        pass
    with address.listening() as listener, socket.create_connection(listener.getsockname()) as one:
        accepted, _ = listener.accept()
        accepted.close()  # by the server first: the port then lingers for a minute
        assert one.recv(1) == b""
    with address.listening():
        pass


@pytest.mark.parametrize("level", ["worker", "main"])
def test_a_killed_redirect_worker_is_replaced_while_the_other_one_serves(
    lasting: Service, level: str
) -> None:
    wait_until(lambda: len(lasting.workers("redirect")) == 2)
    time.sleep(SHORTEST_LIFE_SECONDS)
    mains, workers = lasting.processes("redirect"), lasting.workers("redirect")
    killed = workers[0] if level == "worker" else mains[0]
    os.kill(killed, signal.SIGKILL)
    # Who is being served by the dying one is cut off; whoever comes after its end is not.
    wait_until(lambda: sum(map(alive, workers)) == 1 and not alive(killed))
    assert lasting.get("/poster") == 302
    wait_until(
        lambda: (
            len(lasting.workers("redirect")) == 2
            and len(set(lasting.workers("redirect")) - set(workers)) == 1
        )
    )
    # The main process of a dead worker forks another one, which takes no time.
    assert (lasting.processes("redirect") == mains) == (level == "worker")
    assert all(map(alive, lasting.descendants())), "a zombie was not collected"


def test_who_redirects_goes_before_reports_and_ingestion(ready: Settings, tmp_path: Path) -> None:
    with running(ready, tmp_path, roles=("redirect", "web", "ingest")) as service:
        nice = {
            role: {os.getpriority(os.PRIO_PROCESS, each) for each in service.processes(role)}
            for role in ("redirect", "web", "ingest")
        }
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert nice == {"redirect": {own}, "web": {own + 5}, "ingest": {own + 5}}


def test_who_comes_while_no_worker_lives_is_served_by_the_next(lasting: Service) -> None:
    wait_until(lambda: len(lasting.workers("redirect")) == 2)
    victims = [*lasting.processes("redirect"), *lasting.workers("redirect")]
    for process in victims:
        with suppress(ProcessLookupError):  # a worker goes with its main process, maybe already
            os.kill(process, signal.SIGKILL)
    wait_until(lambda: not any(map(alive, victims)))
    with clicking(lasting.link_port, clients=1, depth=1) as crowd:
        wait_until(lambda: crowd.acknowledged)
    assert (crowd.in_doubt, crowd.refused, crowd.other) == (0, 0, {})


def test_a_hangup_restarts_every_process_and_refuses_nobody(
    ready: Settings, database: Database, tmp_path: Path
) -> None:
    with running(ready, tmp_path, roles=("redirect", "web", "ingest"), workers=1) as service:
        before = service.descendants()
        with clicking_steadily(service.link_port, per_connection=10_000) as crowd:
            service.send(signal.SIGHUP)
            wait_until(lambda: "all processes are new" in service.log.read_text())
        assert (crowd.in_doubt, crowd.refused, crowd.other) == (0, 0, {})
        assert len(service.descendants()) == len(before)
        assert not set(service.descendants()) & set(before)
        assert service.stop() == 0
    assert_each_counted_once(ready, database, crowd)


def test_a_hangup_of_a_closed_terminal_ends_the_service() -> None:
    master, terminal = pty.openpty()
    stdin = os.dup(0)
    try:
        os.dup2(terminal, 0)
        with caught() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert (signals.renew, signals.stop) == (True, False)
            os.close(master)
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.stop
    finally:
        os.dup2(stdin, 0)
        os.close(stdin)
        os.close(terminal)


def test_a_program_that_no_longer_fits_leaves_the_old_processes_serving(
    ready: Settings, database: Database, tmp_path: Path
) -> None:
    with running(ready, tmp_path, roles=("redirect",)) as service:
        before = service.descendants()
        node = ready.data_dir / "node"
        node.rename(tmp_path / "node")
        node.write_text("what a broken upgrade left behind")
        service.send(signal.SIGHUP)
        wait_until(lambda: service.log.read_text().count("did not serve") == 1)
        (tmp_path / "node").rename(node)
        with database.writing_connection() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        service.send(signal.SIGHUP)
        wait_until(lambda: service.log.read_text().count("did not serve") == 2)
        assert "linkservice db upgrade" in service.log.read_text()
        assert service.descendants() == before
        assert service.get("/poster") == 302
        assert service.stop() == 0


def test_a_process_that_cannot_start_is_tried_again_and_explained(
    ready: Settings, tmp_path: Path
) -> None:
    with lockfile.exclusive(ready.data_dir / "ingest.lock", "ingest_running"):
        service = Service(ready, tmp_path, roles=("ingest",))
        wait_until(lambda: "before it could serve" in service.log.read_text())
    try:
        assert "already ingests this data directory" in service.log.read_text()
        service.wait_until_ready()
        assert service.stop() == 0
    finally:
        service.end()


def test_a_database_without_tables_is_refused_before_anything_starts(tmp_path: Path) -> None:
    settings = load({}, data_dir=tmp_path / "empty")
    port, link_port = free_ports()
    with pytest.raises(Unavailable, match="linkservice db upgrade"):
        serve(settings, port=port, link_port=link_port)


def test_a_database_that_is_away_is_refused_with_the_setting(tmp_path: Path) -> None:
    port, link_port = free_ports()
    url = f"postgresql://nobody@127.0.0.1:{port}/none"
    settings = load({}, data_dir=tmp_path, database_url=url)
    with pytest.raises(Unavailable, match="LINKSERVICE_DATABASE_URL"):
        serve(settings, roles=("redirect",), link_port=link_port)


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        ({"port": 0, "link_port": 70000}, ["port", "link_port"]),
        ({"port": 8000, "link_port": 8000}, ["link_port"]),
        ({"workers": 0}, ["workers"]),
        ({"roles": ["redirect", "coffee"]}, ["roles"]),
        ({"roles": []}, ["roles"]),
        ({"host": "no such\0host"}, ["host"]),
    ],
)
def test_wrong_arguments_are_named(
    settings: Settings, arguments: dict[str, object], fields: list[str]
) -> None:
    with pytest.raises(Invalid) as caught:
        serve(settings, **arguments)  # type: ignore[arg-type]  # wrong on purpose
    assert [problem.field for problem in caught.value.problems] == fields
    assert str(caught.value)


def test_a_port_the_user_may_not_have_is_refused_with_the_reason() -> None:
    denied = PermissionError(errno.EACCES, "Permission denied")
    error = Address("redirect", "127.0.0.1", 80, "").explained(denied)
    assert isinstance(error, Failed)
    assert "--link-port" in str(error)


def test_a_service_open_to_the_network_tells_the_phone_where_to_go() -> None:
    addresses = [
        Address("web", "0.0.0.0", 8000, "https://app.example.com"),
        Address("redirect", "0.0.0.0", 8001, "http://127.0.0.1:8001"),
    ]
    assert announcement(addresses, "192.168.1.20") == [
        "App:   http://127.0.0.1:8000 (public: https://app.example.com)",
        "Links: http://127.0.0.1:8001",
        "Phone: http://192.168.1.20:8000 http://192.168.1.20:8001",
        "       Codes hold http://127.0.0.1:8001; for a phone to follow them start with "
        "LINKSERVICE_LINK_URL=http://192.168.1.20:8001",
    ]


def test_links_of_a_public_host_need_no_way_for_the_phone() -> None:
    for ip in ("127.0.0.1", "0.0.0.0"):
        addresses = [
            Address("web", ip, 8000, "http://127.0.0.1:8000"),
            Address("redirect", ip, 8001, "https://go.example.com"),
        ]
        assert announcement(addresses, "192.168.1.20") == [
            "App:   http://127.0.0.1:8000",
            "Links: http://127.0.0.1:8001 (public: https://go.example.com)",
        ]


def test_pauses_grow_only_for_what_never_served() -> None:
    served = [pause_before_restart(deaths, True) for deaths in range(1, 50)]
    failed = [pause_before_restart(deaths, False) for deaths in range(1, 50)]
    assert served[0] == failed[0] == 0
    assert served == sorted(served)
    assert failed == sorted(failed)
    assert max(served) == 0.5
    assert max(failed) == 5


def test_cyclic_garbage_goes_though_it_is_seldom_looked_for() -> None:
    class Knot:
        def __init__(self) -> None:
            self.itself = self

    usual = gc.get_threshold()
    try:
        collect_seldom(GC_OF_PAGES)
        assert gc.get_freeze_count() > 0
        knots = [weakref.ref(Knot()) for _ in range(2 * GC_OF_PAGES[0])]
        assert sum(knot() is not None for knot in knots) <= GC_OF_PAGES[0]
    finally:
        gc.unfreeze()
        gc.set_threshold(*usual)


ALLOCATING = """
import ctypes, os, threading
from linkservice.serve.workers import keep_memory_small
assert {first}() is not False
together = threading.Barrier(8)
def allocate():
    together.wait()
    kept = [bytes(1000) for _ in range(1000)]
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
[each.start() for each in threads]
[each.join() for each in threads]
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(file := libc.fdopen(1, b"w")))
libc.fflush(ctypes.c_void_p(file))
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="not glibc")
def test_threads_share_what_they_allocate_from() -> None:
    arenas = {}
    for first in ("keep_memory_small", "dict"):
        told = subprocess.run(
            [sys.executable, "-c", ALLOCATING.format(first=first)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        arenas[first] = told.count("<heap nr=")
    assert arenas["keep_memory_small"] <= 2 < arenas["dict"]


def test_no_request_carries_a_setting(tmp_path: Path) -> None:
    environ = {"LINKSERVICE_DATA_DIR": str(tmp_path), "LINKSERVICE_SECRET_KEY": "k", "PATH": "/bin"}
    assert take_settings(environ).secret_key == "k"
    assert environ == {"PATH": "/bin"}
