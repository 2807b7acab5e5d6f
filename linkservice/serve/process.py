"""One child process: how it starts, when it may start again, that it dies with its parent.

Not here: which children there are and in which order they stop (`supervisor`).
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

_log = logging.getLogger(__name__)

SETTLED_SECONDS = 30.0
"""A process that lived this long has come through: its next death counts as the first."""

_STDERR = 2
_PR_SET_PDEATHSIG = 1  # prctl(2)
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE_SERVED = 0.5
_LONGEST_PAUSE_FAILED = 5.0
_FAILURES_TO_EXPLAIN = 2
_WATCH_SECONDS = 0.5


def pause_before_restart(deaths: int, served: bool) -> float:
    """Seconds until a process starts again after its `deaths`-th death in a row.

    The first restart is immediate. A process that got as far as serving is needed: killed
    every two seconds, it must be back in time. One that did not will hardly do better soon,
    and its attempts take the processor from those that serve.
    """
    if deaths <= 1:
        return 0.0
    longest = _LONGEST_PAUSE_SERVED if served else _LONGEST_PAUSE_FAILED
    return min(_FIRST_PAUSE * 2.0 ** min(deaths - 2, 10), longest)


class Child:
    """A place that one process fills, again and again. Moments are those of `time.monotonic`."""

    def __init__(
        self, role: str, number: int, environment: Mapping[str, str], listening_fd: int = -1
    ) -> None:
        self.role = role
        self.name = f"{role} {number}"
        self.due: float | None = None
        self._number = number
        self._environment = environment
        self._listening_fd = listening_fd
        self._process: subprocess.Popen[bytes] | None = None
        self._ready_fd = -1
        self._ready = False
        self._started = 0.0
        self._succeeds = False
        self._served_until = float("-inf")
        self._deaths = 0

    @property
    def pid(self) -> int | None:
        """The id of the running process; None while there is none."""
        return None if self._process is None else self._process.pid

    @property
    def ready(self) -> bool:
        """Whether the running process has said that it serves."""
        if self._process is not None and not self._ready:
            with contextlib.suppress(BlockingIOError):
                self._ready = os.read(self._ready_fd, 1) != b""
        return self._ready

    def successor(self) -> Child:
        """Another process for the same place, not started yet."""
        successor = Child(self.role, self._number, self._environment, self._listening_fd)
        successor._succeeds = True
        return successor

    def start(self) -> None:
        """Start the process; when the system refuses, it is due again after a pause."""
        self.due = None
        self._started = time.monotonic()
        try:
            self._process = self._spawned()
        except OSError as error:
            self._plan_restart(f"could not start: {error.strerror}", served=False)
            return
        _log.info("%s started (process %d)", self.name, self._process.pid)

    def ended(self, code: int, *, restart: bool) -> None:
        """Take note that the process has ended with `code` (minus the signal's number)."""
        assert self._process is not None
        served = self.ready
        self._ready = False
        self._process.returncode = code
        self._process = None
        os.close(self._ready_fd)
        if not restart:
            _log.info("%s %s", self.name, _how_it_ended(code))
            return
        now = time.monotonic()
        if now - self._started >= SETTLED_SECONDS:
            self._deaths = 0
        if served:
            self._served_until = now
            self._succeeds = False  # the one it replaced is gone
        # Killed while it starts: that says nothing against it if it served a moment ago.
        self._plan_restart(_how_it_ended(code), now - self._served_until < SETTLED_SECONDS)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one."""
        if self._process is not None:
            # Not reaped yet, so the id is still its own.
            os.kill(self._process.pid, number)

    def _spawned(self) -> subprocess.Popen[bytes]:
        ready_fd, told = os.pipe()
        try:
            os.set_blocking(ready_fd, False)
            # -P: a file in the current folder must not pass for one of our modules.
            command = [sys.executable, "-P", "-m", "linkservice.serve", str(os.getpid()), str(told)]
            command.append(self.role)
            passed = [told]
            if self._listening_fd >= 0:
                command.append(str(self._listening_fd))
                command += ["successor"] if self._succeeds else []
                passed.append(self._listening_fd)
            process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=_STDERR,  # our own output is the addresses and nothing else
                pass_fds=passed,
                # Ctrl-C reaches a whole group, but who stops first is the supervisor's to say.
                process_group=0,
            )
        except OSError:
            os.close(ready_fd)
            raise
        finally:
            os.close(told)
        self._ready_fd = ready_fd
        return process

    def _plan_restart(self, what: str, served: bool) -> None:
        self._deaths += 1
        pause = pause_before_restart(self._deaths, served)
        self.due = time.monotonic() + pause
        again = f"starts again in {pause:.1f} s" if pause else "starts again now"
        _log.warning("%s %s; %s", self.name, what, again)
        if not served and self._deaths >= _FAILURES_TO_EXPLAIN:
            _log.error(
                "%s failed %d times before it could serve; the reason stands above",
                self.name,
                self._deaths,
            )


def allow_open_files(wanted: int) -> None:
    """Let this process and its children have that many files and connections open, if it may.

    The usual soft limit of 1,024 is for programs that use select(2), which we do for a few.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def die_with_parent(parent: int) -> None:
    """Have this process killed as soon as `parent` (a process id) is gone, however it went.

    Without it, workers of a killed supervisor would keep the ports and serve on unwatched.
    Holds for the calling process alone: a process it forks must ask again.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    else:
        threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()
    if os.getppid() != parent:  # it was gone before anyone watched
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by signal {-code} ({signal.strsignal(-code)})"
