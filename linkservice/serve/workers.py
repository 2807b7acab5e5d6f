"""What runs inside the child processes.

A redirect or web worker is a process that only watches, and the one that is forked from it and
answers: redirects in an event loop of our own (`link_port`), pages in granian. Of several workers
granian would give up all when one dies; ours are restarted one by one.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, MutableMapping
from functools import partial
from multiprocessing.util import Finalize
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeAlias

from linkservice.config import PREFIX, SETTINGS, Settings, load
from linkservice.errors import LinkServiceError
from linkservice.logs import log_to_stderr
from linkservice.serve.process import die_with_parent

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger(__name__)

WEB_THREADS = 32
"""More than the bodies read at once (`api/body`): slow senders leave some for all others."""

STANDS_BACK = 5
"""How much nicer (nice(2)) reports and ingestion are than the customers' half second: on a busy
core a redirect gets three times their share, and its turn at once."""

Thresholds: TypeAlias = tuple[int, int, int]
"""Objects, then rounds, between two searches for cyclic garbage; Python's own are 700, 10, 10."""

GC_OF_REDIRECTS: Thresholds = (50_000, 20, 20)
"""A redirect makes no such garbage. What else there is (pages, the follower of changes) makes
little, and is collected all the same."""

GC_OF_PAGES: Thresholds = (10_000, 5, 5)
"""Nearly all that a page makes goes without a search when the page is sent. The rest waits until
there are so many objects more: that is a few MB, and what was in use at a search may wait for 25 of
them. With a hundred a process took 35 MB more at its most, and 3 % less time.
"""

BACKPRESSURE = 8192
"""Connections a worker holds at once: idle and dripping ones must not crowd out the others."""

FILES_BESIDE = 256
"""What a worker has open besides: its spool, the database, modules being imported."""

HEADER_TIMEOUT_MS = 5_000


def run_redirect(settings: Settings, ready_fd: int, listening_fd: int) -> int:
    """Serve the link door on the socket until SIGTERM; the exit code."""
    # Before the worker is forked: a next one need not import it again. It starts no thread.
    import linkservice.redirect.app
    import linkservice.serve.link_port  # noqa: F401  # both for `_redirect`
    from linkservice.serve.forks import keep_forked

    return keep_forked(partial(_redirect, ready_fd, listening_fd), listening_fd)


def run_web(settings: Settings, ready_fd: int, listening_fd: int) -> int:
    """Serve the app door on the socket until SIGTERM; the exit code."""
    os.nice(STANDS_BACK)
    return serve_wsgi(partial(_app_door, ready_fd, listening_fd), listening_fd, WEB_THREADS)


def run_ingest(settings: Settings, ready_fd: int) -> int:
    """Ingest until SIGTERM, then what is left; the exit code."""
    os.nice(STANDS_BACK)
    from sqlalchemy.exc import SQLAlchemyError

    from linkservice.clicks.ingest import Ingester
    from linkservice.conversions.months import Closing
    from linkservice.database import open_database

    stop = threading.Event()
    _on_sigterm(stop)
    database = open_database(settings)
    try:
        ingester = Ingester(settings, database, Closing(database).some)
        with ingester.alone():
            _tell_ready(ready_fd)
            ingester.run(stop)
    except (LinkServiceError, SQLAlchemyError) as error:
        # Nothing is lost: what is not ingested stays in the spool.
        _log.error("the ingester stopped: %s", str(error).partition("\n")[0])
        return 1
    finally:
        database.close()
    return 0


def take_settings(environ: MutableMapping[str, str]) -> Settings:
    """The settings, taken out of `environ`: granian copies all of it into every request."""
    settings = load(environ)
    for setting in SETTINGS:
        environ.pop(PREFIX + setting.name, None)
    return settings


def serve_wsgi(make_door: Callable[[], WSGIApplication], listening_fd: int, threads: int) -> int:
    """Serve an application on the socket until SIGTERM; the exit code."""
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    from linkservice.serve.server import LEAVE, Server

    # Until a worker says what it does about it, it must not die of it.
    signal.signal(LEAVE, signal.SIG_IGN)
    if sys.platform == "linux":
        # Python 3.14 would start the worker from scratch, without the descriptor to tell
        # readiness by. Nothing has started a thread yet, so forking is safe.
        multiprocessing.set_start_method("fork")
    server = Server(
        listening_fd,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=threads,
        http=HTTPModes.http1,
        websockets=False,
        backpressure=_connections_at_once(),
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS),
        respawn_failed_workers=False,
        # Its warnings are about numbers that were chosen on purpose.
        log_level=LogLevels.error,
        # Through the root logger, to stderr as everything.
        log_dictconfig={"handlers": {}, "formatters": {}, "loggers": {"_granian": {}}},
    )
    server.serve(target_loader=make_door, wrap_loader=False)
    return 0


def _redirect(ready_fd: int, listening_fd: int) -> None:
    """In the forked worker."""
    from linkservice.redirect.app import make_application
    from linkservice.serve.link_port import serve_port

    door = make_application(_settings_of_worker("redirect"))
    collect_seldom(GC_OF_REDIRECTS)
    try:
        with socket.socket(fileno=listening_fd) as listener:
            serve_port(door, listener, _connections_at_once(), partial(_tell_ready, ready_fd))
    finally:
        door.close()  # seals the spool segment


def collect_seldom(thresholds: Thresholds) -> None:
    """Spare customers and readers most of the search for cyclic garbage, from now on.

    What is loaded by now stays as long as the process, and is not looked at again: an application
    imports all that it needs when it is made.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*thresholds)


def keep_memory_small() -> bool:
    """Have glibc give back what pages no longer need, from now on; whether it is this C library.

    All threads share two arenas: left alone, nearly each gets one of its own, and keeps what its
    largest page took. Whenever Python has looked for garbage, every few pages of the app, the free
    ones of memory are given back, which takes one to two milliseconds: a third of the process.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return False

    def give_back(phase: str, found: dict[str, int]) -> None:
        if phase == "stop":
            libc.malloc_trim(0)

    gc.callbacks.append(give_back)
    return bool(libc.mallopt(_M_ARENA_MAX, 2))


_M_ARENA_MAX = -8
"""Of glibc's malloc.h."""


def _app_door(ready_fd: int, listening_fd: int) -> WSGIApplication:
    from linkservice.app import close_app, create_app
    from linkservice.serve.server import on_leave

    door = create_app(_settings_of_worker("web"))
    # Another worker then goes on with a sheet at once.
    Finalize(None, close_app, args=(door,), exitpriority=0)
    door.extensions["letters"].start()
    farewell = _Farewell(door)
    on_leave(listening_fd, farewell.leave)
    collect_seldom(GC_OF_PAGES)
    keep_memory_small()
    _tell_ready(ready_fd)
    return farewell


class _Farewell:
    """A door, and once it has been told to leave, one that ends each connection."""

    def __init__(self, door: WSGIApplication) -> None:
        self._door = door
        self._leaving = False

    def leave(self) -> None:
        self._leaving = True

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self._leaving:
            return self._door(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, [*headers, ("Connection", "close")], *error)

        return self._door(environ, start)


def _connections_at_once() -> int:
    """How many a worker may hold: accepting more than it may open would fail again and again."""
    may_open, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(min(BACKPRESSURE, may_open - FILES_BESIDE), 1)


def _settings_of_worker(role: str) -> Settings:
    parent = multiprocessing.parent_process()
    assert parent is not None
    assert parent.pid is not None
    die_with_parent(parent.pid)
    settings = take_settings(os.environ)
    log_to_stderr(settings, role)
    return settings


def _on_sigterm(stop: threading.Event) -> None:
    def set_stop(number: int, frame: FrameType | None) -> None:
        # In a thread of its own: the interrupted code may hold the event's lock.
        threading.Thread(target=stop.set, name="stop").start()

    signal.signal(signal.SIGTERM, set_stop)


def _tell_ready(ready_fd: int) -> None:
    os.write(ready_fd, b"+")
    os.close(ready_fd)
