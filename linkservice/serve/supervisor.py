"""The supervisor: starts, watches and stops the processes. One thread, no database connection.

Decided here: which processes there are, when the service counts as ready, in which order it
stops. Not here: pauses between restarts (`process`), ports (`addresses`), what the processes
do (`workers`).
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack

from linkservice import config, lockfile
from linkservice.config import PREFIX, SETTINGS, Settings
from linkservice.errors import Invalid, Problem, Unavailable
from linkservice.logs import log_to_stderr
from linkservice.serve.addresses import Address, announcement, lan_address, resolve
from linkservice.serve.process import Child, allow_open_files
from linkservice.serve.renewal import Renewal
from linkservice.serve.signals import Signals, caught

_log = logging.getLogger(__name__)

ROLES = ("redirect", "web", "ingest")

REDIRECT_WORKERS = 2
"""One answers thousands of customers a second; two, so that one may die."""

WEB_WORKERS = 2
"""While one computes a report or is restarted, the other one shows pages."""

MOST_WORKERS = 64

DRAIN_ORDER = (("redirect", "web"), ("ingest",))
"""The ingester last, so that the clicks of the others' last requests are in the reports."""

DRAIN_SECONDS = 3.0
"""For each of these steps; both stay below the ten seconds of most service managers."""

KILLED_SECONDS = 0.3
"""For what had to be killed; only a disk that hangs can keep it."""

OPEN_FILES = 16_384
"""Twice what a worker holds at once (`workers.BACKPRESSURE`)."""

READY_SECONDS = 30.0
"""After which a service that is not ready says so; it goes on trying."""

_POLL_SECONDS = 0.05


def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    link_port: int = 8001,
    workers: int = REDIRECT_WORKERS,
    roles: Collection[str] = ROLES,
    schema_checked: bool = False,
    last_line: str = "",
) -> int:
    """Run the service until SIGTERM or SIGINT; the exit code. SIGHUP restarts all processes,
    one after the other, with nobody left waiting.

    Prints the addresses, and `last_line` below them, once every role answers. `workers` is
    the number of redirect workers. `schema_checked`: the caller has just upgraded it.
    Raises `Invalid` (wrong argument), `Conflict` (role or port taken), `Unavailable`
    (database or schema not ready) or `Failed` (port forbidden) before anything is started.
    """
    _check(port, link_port, workers, roles)
    log_to_stderr(settings)
    ip = resolve(host)
    addresses = [
        Address("web", ip, port, settings.base_url),
        Address("redirect", ip, link_port, settings.link_url),
    ]
    addresses = [each for each in addresses if each.role in roles]
    with ExitStack() as stack:
        for role in sorted(roles):
            lock = settings.data_dir / f"serve-{role}.lock"
            stack.enter_context(lockfile.exclusive(lock, "serve_running"))
        listeners = [stack.enter_context(each.listening()) for each in addresses]
        if not schema_checked:
            require_schema(settings)
        # Kept in the data directory from here on, where the children find it.
        config.take_secret(os.environ, settings)
        allow_open_files(OPEN_FILES)
        sockets = dict(zip(addresses, listeners, strict=True))
        children = _children(settings, sockets, workers, roles)
        return _Supervisor(children, sockets, last_line).run()


class _Supervisor:
    def __init__(
        self, children: list[Child], sockets: Mapping[Address, socket.socket], last_line: str
    ) -> None:
        self._children = children
        self._renewal = Renewal(children)
        self._sockets = sockets
        self._last_line = last_line
        self._started = time.monotonic()
        self._announced = self._complained = False

    def run(self) -> int:
        with caught() as signals:
            for child in self._children:
                child.start()
            while not signals.stop:
                self._reap(restart=True)
                for child in self._children:
                    if child.due is not None and child.due <= time.monotonic():
                        child.start()
                if not self._announced:
                    self._announce_when_ready()
                if signals.renew:
                    signals.renew = False
                    self._renewal.begin()
                self._renewal.step()
                signals.wait(self._seconds_to_next())
            self._drain(signals)
        return 0

    def _seconds_to_next(self) -> float | None:
        due = [child.due for child in self._children if child.due is not None]
        pause = max(min(due) - time.monotonic(), 0.0) if due else None
        if self._announced and not self._renewal.under_way:
            return pause
        return _POLL_SECONDS if pause is None else min(pause, _POLL_SECONDS)

    def _reap(self, *, restart: bool) -> None:
        by_pid = {child.pid: child for child in self._children}
        while True:
            try:
                # Any child: as process 1 of a container it inherits the orphans of others.
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            if child := by_pid.get(pid):
                child.ended(code, restart=restart)
            for child in self._renewal.passing:
                if child.pid == pid:
                    self._renewal.ended(child, code)

    def _announce_when_ready(self) -> None:
        seconds = time.monotonic() - self._started
        if all(child.ready for child in self._children) and all(
            address.answers() for address in self._sockets
        ):
            _log.info("ready after %.1f s", seconds)
            for line in [*announcement(list(self._sockets), lan_address()), self._last_line]:
                if line:
                    print(line, flush=True)
            self._announced = True
        elif seconds > READY_SECONDS and not self._complained:
            waiting = [child.name for child in self._children if not child.ready]
            _log.error("not ready after %.0f s: %s", seconds, ", ".join(waiting) or "no answer")
            self._complained = True

    def _drain(self, signals: Signals) -> None:
        _log.info("stopping")
        # Nobody new is let in once the last worker is gone: a customer had better be refused,
        # so that a proxy asks elsewhere, than wait for nobody.
        for listener in self._sockets.values():
            listener.close()
        everyone = [*self._children, *self._renewal.passing]
        for roles in DRAIN_ORDER:
            ending = [child for child in everyone if child.role in roles]
            for child in ending:
                child.send(signal.SIGTERM)
            if not self._await(ending, DRAIN_SECONDS, signals):
                for child in ending:
                    if child.pid is not None:
                        _log.warning("%s did not end in %.0f s", child.name, DRAIN_SECONDS)
                        child.send(signal.SIGKILL)
                self._await(ending, KILLED_SECONDS, signals)
        _log.info("stopped")

    def _await(self, ending: Sequence[Child], seconds: float, signals: Signals) -> bool:
        """Whether all of them ended within that time."""
        deadline = time.monotonic() + seconds
        while True:
            self._reap(restart=False)
            left = deadline - time.monotonic()
            if all(child.pid is None for child in ending):
                return True
            if left <= 0:
                return False
            signals.wait(left)


def _check(port: int, link_port: int, workers: int, roles: Collection[str]) -> None:
    problems = []
    for field, value in (("port", port), ("link_port", link_port)):
        if not 1 <= value <= 65535:
            problems.append(Problem(field, "out_of_range", {"low": 1, "high": 65535}))
    if port == link_port:
        problems.append(Problem("link_port", "same_port", {"port": port}))
    if not 1 <= workers <= MOST_WORKERS:
        problems.append(Problem("workers", "out_of_range", {"low": 1, "high": MOST_WORKERS}))
    if not roles or not set(roles) <= set(ROLES):
        problems.append(Problem("roles", "not_one_of", {"allowed": ", ".join(ROLES)}))
    if problems:
        raise Invalid(*problems)


def require_schema(settings: Settings) -> None:
    """Look once and close again; imported here, since the rest needs no database.

    Raises `Unavailable` when the database does not answer or has another schema.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from linkservice.database import open_database
    from linkservice.schema import require_current

    database = open_database(settings)
    try:
        require_current(database)
    except SQLAlchemyError as error:
        reason = str(error).partition("\n")[0]
        raise Unavailable(Problem("", "database_unreachable", {"reason": reason})) from None
    finally:
        database.close()


def _children(
    settings: Settings,
    sockets: Mapping[Address, socket.socket],
    workers: int,
    roles: Collection[str],
) -> list[Child]:
    environment = _environment(os.environ, settings)
    children = []
    for address, listener in sockets.items():
        count = WEB_WORKERS if address.role == "web" else workers
        children += [
            Child(address.role, number, environment, listener.fileno())
            for number in range(1, count + 1)
        ]
    if "ingest" in roles:
        children.append(Child("ingest", 1, environment))
    return children


def _environment(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """`environ` with exactly these settings, however they were given to us."""
    given = {
        PREFIX + setting.name: str(getattr(settings, setting.name.lower()))
        for setting in SETTINGS
        if setting.name != "SECRET_KEY"
    }
    return {**environ, **given}
