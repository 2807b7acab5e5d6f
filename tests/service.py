"""A running service as an outside program sees it: addresses, processes, exit code, output."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from linkservice.config import PREFIX, Settings

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

SECONDS = 180.0
"""How long anything may take before a test gives up; far more than it does."""

_NOTHING: Mapping[str, str] = {}

_PROGRAM = """
import os, sys
from linkservice.config import load
from linkservice.errors import LinkServiceError
from linkservice.serve import serve

port, link_port, workers, *roles = sys.argv[1:]
try:
    sys.exit(
        serve(
            load(os.environ),
            port=int(port),
            link_port=int(link_port),
            workers=int(workers),
            roles=roles,
            last_line="Next: type something.",
        )
    )
except LinkServiceError as error:
    sys.exit(str(error))
"""


class Service:
    """A supervisor process and what it started."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        *,
        roles: Sequence[str] = ("redirect", "ingest"),
        workers: int = 2,
        ports: tuple[int, int] | None = None,
        environment: Mapping[str, str] = _NOTHING,
        before: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.port, self.link_port = ports or free_ports()
        self.output = folder / f"output-{time.monotonic_ns()}.txt"
        self.log = self.output.with_suffix(".log")
        given = {key: each for key, each in os.environ.items() if not key.startswith(PREFIX)}
        given[PREFIX + "DATA_DIR"] = str(settings.data_dir)
        given[PREFIX + "DATABASE_URL"] = settings.database_url
        given[PREFIX + "SPOOL_SYNC"] = settings.spool_sync
        given[PREFIX + "SECRET_KEY"] = "a secret nobody may read"
        arguments = [str(self.port), str(self.link_port), str(workers), *roles]
        with self.output.open("w") as output, self.log.open("w") as log:
            self._process = subprocess.Popen(
                [*before, sys.executable, "-c", _PROGRAM, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                env={**given, **environment},
                pass_fds=pass_fds,
            )
        self.pid = self._process.pid

    def wait_until_ready(self) -> None:
        wait_until(lambda: "Next:" in self.output.read_text(), self._story)

    def descendants(self) -> dict[int, str]:
        """The process ids of children and grandchildren, with their roles."""
        found: dict[int, str] = {}
        generation = [self.pid]
        while generation:
            generation = [child for pid in generation for child in _children_of(pid)]
            found.update({pid: _role_of(pid) for pid in generation})
        return found

    def processes(self, role: str) -> list[int]:
        """The supervisor's own children of that role."""
        return [pid for pid in _children_of(self.pid) if _role_of(pid) == role]

    def workers(self, role: str) -> list[int]:
        """The processes that answer requests: children of granian's main processes."""
        return [worker for main in self.processes(role) for worker in _children_of(main)]

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for the end of the supervisor."""
        try:
            return self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(self._story()) from None

    def stop(self) -> int:
        """SIGTERM, as a service manager does; the exit code."""
        self.send(signal.SIGTERM)
        return self.exit_code()

    def get(self, path: str, port: int | None = None) -> int | None:
        """The status of a GET as a browser sends it; None when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.link_port, timeout=5)
        with closing(connection):
            try:
                connection.request("GET", path, headers={"User-Agent": BROWSER})
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return None

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        self._process.kill()
        self._process.wait()

    def _story(self) -> str:
        return self.output.read_text() + self.log.read_text()


@contextmanager
def running(
    settings: Settings,
    folder: Path,
    *,
    roles: Sequence[str] = ("redirect", "ingest"),
    workers: int = 2,
    ports: tuple[int, int] | None = None,
    environment: Mapping[str, str] = _NOTHING,
    before: Sequence[str] = (),
) -> Iterator[Service]:
    """A service that is ready; killed afterwards, if it is still there.

    `environment` is added to its own; `before` is the command that runs it, as `strace` does.
    """
    service = Service(
        settings,
        folder,
        roles=roles,
        workers=workers,
        ports=ports,
        environment=environment,
        before=before,
    )
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.end()


def wait_until(
    condition: Callable[[], object], story: Callable[[], str] = str, seconds: float = SECONDS
) -> None:
    """Poll until it holds; less often after a while, as who asks takes time from who works."""
    deadline, pause = time.monotonic() + seconds, 0.02
    while not condition():
        assert time.monotonic() < deadline, story()
        time.sleep(pause)
        pause = min(pause * 1.2, 0.1)


def free_ports() -> tuple[int, int]:
    """Two ports nobody listens on now."""
    with closing(socket.socket()) as first, closing(socket.socket()) as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _children_of(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _role_of(pid: int) -> str:
    """`redirect`, `web` or `ingest`, from the command line that is also a worker's."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return next((role for role in ("redirect", "web", "ingest") if role.encode() in words), "")
