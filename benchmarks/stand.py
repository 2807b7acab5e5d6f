"""What is measured, and what it is measured against: each started, pinned and stopped here.

`Stand` is a data directory with links in a database. `Running` is a process (with its
children) on the server's core; `redirect_worker`, `nginx`, `bare` and `flask` start the four
that are compared. Rates are walls, so a busy machine spoils them: the CPU seconds of the
processes are there to check them by, and `compared` measures in turns, so that drift cancels.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import bindparam, text

from benchmarks.load import SERVER_CORE, Outcome, pin, require
from linkservice import schema
from linkservice.config import PREFIX, Settings, load
from linkservice.database import Database, UtcDateTime, open_database
from linkservice.links.home import first_home
from linkservice.links.model import Domain

ROOT = Path(__file__).parents[1]
START_SECONDS = 30.0
BEFORE, AFTER = "https://www.example.com/offers/", "?utm_source=poster"
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Stand:
    """A data directory of its own, with `paths` of links that redirect."""

    settings: Settings
    paths: Sequence[str]

    @property
    def folder(self) -> Path:
        return self.settings.data_dir


@contextmanager
def stand(links: int, seed: int, **settings: str) -> Iterator[Stand]:
    """A new SQLite installation with so many links; removed afterwards.

    `settings` are given by field name. The folder lies where TMPDIR says: put it on the
    disk to be measured, since a `tmpfs` knows no `fdatasync`.
    """
    folder = Path(mkdtemp(prefix="linkservice-benchmark-"))
    try:
        made = load({}, data_dir=folder, **settings)
        database = open_database(made)
        schema.upgrade(database)
        paths = fill(database, made, links, seed)
        database.close()
        yield Stand(made, paths)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fill(database: Database, settings: Settings, links: int, seed: int) -> list[str]:
    """Put `links` links, each with its version, into an empty default domain; their paths."""
    rng, now = random.Random(seed), datetime.now(UTC)
    with database.transaction() as session:
        workspace, _ = first_home(session, settings, now)
        home = {"workspace": workspace.id, "domain": session.query(Domain.id).scalar()}
    slugs: dict[str, None] = {}
    while len(slugs) < links:
        slugs["".join(rng.choices(_ALPHABET, k=7))] = None
    with database.writing_connection() as connection:
        connection.exec_driver_sql("CREATE TEMP TABLE made (id INTEGER PRIMARY KEY, slug TEXT)")
        made = [{"id": number, "slug": slug} for number, slug in enumerate(slugs, 1)]
        connection.execute(text("INSERT INTO made VALUES (:id, :slug)"), made)
        moment = bindparam("now", now, UtcDateTime())
        connection.execute(text(_LINKS).bindparams(moment), home)
        connection.execute(text(_VERSIONS).bindparams(moment))
        connection.exec_driver_sql("DROP TABLE made")
    return ["/" + slug for slug in slugs]


_LINKS = f"""
INSERT INTO links (id, workspace_id, domain_id, slug, slug_key, destination, title, name_key,
                   forward_query, active, version, created_at, updated_at)
SELECT id, :workspace, :domain, slug, slug, '{BEFORE}' || slug || '{AFTER}', slug, slug,
       false, true, 1, :now, :now
FROM made
"""

_VERSIONS = f"""
INSERT INTO link_versions (link_id, version, destination, active, changed_at, changed_by)
SELECT id, 1, '{BEFORE}' || slug || '{AFTER}', true, :now, 'benchmark' FROM made
"""


def destination(slug: str) -> str:
    """Where a measured link leads."""
    return BEFORE + slug + AFTER


class Running:
    """A server process with its children, on the server's core."""

    def __init__(
        self, command: Sequence[str], port: int, environ: dict[str, str], app_port: int = 0
    ) -> None:
        self.port = port
        self.app_port = app_port
        # Its log is looked at only when it does not start.
        self._log = Path(mkdtemp(prefix="linkservice-benchmark-")) / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: pin(SERVER_CORE),
            )

    def wait(self, path: str = "/healthz") -> float:
        """Ask until something answers; the seconds it took."""
        began = time.perf_counter()
        while not status(self.port, path):
            if self._process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                sys.exit(f"it does not start:\n{self._log.read_text()}")
            time.sleep(0.002)
        return time.perf_counter() - began

    def pids(self) -> list[int]:
        """The process and all its descendants."""
        found = [self._process.pid]
        for pid in found:
            with suppress(OSError):
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                found += map(int, children)
        return found

    def children(self) -> list[int]:
        """The processes it started itself: of a supervisor, the workers."""
        pid = self._process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def cpu(self) -> float:
        """The CPU seconds, user and system, they used so far."""
        ticks = 0
        for pid in self.pids():
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / _TICKS

    def pss(self) -> list[int]:
        """The proportional set size of each process, in bytes."""
        sizes = []
        for pid in self.pids():
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            sizes.append(1024 * int(rollup.partition("\nPss:")[2].split()[0]))
        return sizes

    def stop(self) -> None:
        """SIGTERM; SIGKILL after ten seconds."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._log.parent, ignore_errors=True)


def status(port: int, path: str = "/") -> int:
    """The status a GET is answered with; 0 when nobody answers."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        answer = connection.recv(64)
        return int(answer[9:12]) if answer.startswith(b"HTTP/") else 0
    return 0


@contextmanager
def service(
    stand: Stand, roles: str = "redirect", workers: int = 1, wait: bool = True
) -> Iterator[Running]:
    """`linkservice serve` with these roles; its link port is `.port`."""
    port, link_port = free_port(), free_port()
    command = [sys.executable, "-m", "linkservice", "serve", "--roles", roles]
    command += ["--workers", str(workers), "--port", str(port), "--link-port", str(link_port)]
    environ = {**_environ(), **environment(stand.settings)}
    with _stopped(Running(command, link_port, environ, port)) as running:
        if wait:
            running.wait()
        yield running


def environment(settings: Settings) -> dict[str, str]:
    """The settings as a child process reads them."""
    return {
        PREFIX + "DATA_DIR": str(settings.data_dir),
        PREFIX + "SPOOL_SYNC": settings.spool_sync,
        PREFIX + "LINK_CACHE": str(settings.link_cache),
        PREFIX + "LINK_STORE": str(settings.link_store),
    }


@contextmanager
def nginx(stand: Stand) -> Iterator[Running]:
    """The canary: one worker, a `map` of all slugs, `return 302`, an unbuffered access log."""
    require("nginx")
    port, folder = free_port(), stand.folder / "nginx"
    folder.mkdir(exist_ok=True)
    entries = (f'"{path}" "{destination(path[1:])}";\n' for path in stand.paths)
    (folder / "map").write_text("".join(entries))
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port))
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with _stopped(Running([*command, "-e", str(folder / "error")], port, _environ())) as running:
        running.wait("/")
        yield running


_NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error; user root;
events {{ worker_connections 4096; }}
http {{
  access_log {folder}/access; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map_hash_max_size 262144; map_hash_bucket_size 128;
  map $uri $to {{ default ""; include {folder}/map; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ if ($to = "") {{ return 404; }} return 302 $to; }}
  }}
}}
"""


@contextmanager
def bare(stand: Stand) -> Iterator[Running]:
    """A constant 302 and nothing else, on the same server with the same settings."""
    with _program(stand, "benchmarks.bare") as running:
        yield running


@contextmanager
def flask(stand: Stand) -> Iterator[Running]:
    """A plain Flask view: SQLAlchemy looks the link up, one COMMIT keeps the click."""
    with _program(stand, "benchmarks.plain_flask") as running:
        yield running


@contextmanager
def _program(stand: Stand, module: str) -> Iterator[Running]:
    port = free_port()
    environ = {**_environ(), **environment(stand.settings)}
    command = [sys.executable, "-m", module, str(port)]
    with _stopped(Running(command, port, environ)) as running:
        running.wait(stand.paths[0])
        yield running


@contextmanager
def _stopped(running: Running) -> Iterator[Running]:
    try:
        yield running
    finally:
        running.stop()


@dataclass(frozen=True)
class Measured:
    """The middle rate of several turns (per second), and CPU seconds per request."""

    rate: float
    cpu: float
    p50: float
    p99: float
    failed: int


def compared(
    subjects: dict[str, Running], ask: Callable[[str, int], Outcome], turns: int
) -> dict[str, Measured]:
    """Measure all subjects in turns: A B C, A B C, … `ask(name, port)` is one turn of one."""
    seen: dict[str, list[tuple[Outcome, float]]] = {name: [] for name in subjects}
    for _ in range(turns):
        for name, running in subjects.items():
            before = running.cpu()
            outcome = ask(name, running.port)
            seen[name].append((outcome, (running.cpu() - before) / outcome.requests))
    return {
        name: Measured(
            rate=statistics.median(outcome.rate for outcome, _ in turn),
            cpu=statistics.median(cpu for _, cpu in turn),
            p50=statistics.median(outcome.p50 for outcome, _ in turn),
            p99=statistics.median(outcome.p99 for outcome, _ in turn),
            failed=sum(outcome.failed + outcome.refused for outcome, _ in turn),
        )
        for name, turn in seen.items()
    }


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _environ() -> dict[str, str]:
    """Ours without its settings; the program itself is found wherever it is started."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**kept, "PYTHONPATH": f"{ROOT}:{kept.get('PYTHONPATH', '')}"}
