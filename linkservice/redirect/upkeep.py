"""What a redirect worker does beside answering: a thread that keeps its memory current.

Decided here: how often it looks at the change feed, and what is done in the same turn: what a flood
left to write, old segments, counters. Not here: how requests are answered (`app`), what is in
memory and how it is read (`resolver`), what is written (`recorder`).
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from linkservice.counters import Counters
from linkservice.redirect.recorder import Recorder
from linkservice.redirect.resolver import Resolver

# The door's: whoever reads its log knows it by this name, and this thread has none of its own.
_log = logging.getLogger("linkservice.redirect.app")

FOLLOW_SECONDS = 0.25
"""Between two looks at the change feed: an edit is live within a second."""

READ_ON_SECONDS = 0.02
"""The same while there are links it does not know yet."""

FIRST_LOOK_SECONDS = 5.0
"""How long the first requests of a worker wait for what it reads when it starts."""

ROTATE_SECONDS = 10.0
"""Between two looks whether the spool's segment is old enough to be sealed."""


class Upkeep:
    """The thread of one process; safe for threads, but not across `fork`."""

    def __init__(self, resolver: Resolver, recorder: Recorder, counters: Counters) -> None:
        self._resolver = resolver
        self._recorder = recorder
        self._counters = counters
        self._beginning = threading.Lock()
        self._thread: threading.Thread | None = None
        self._first_look = threading.Event()
        self._stop = threading.Event()

    def begin(self) -> None:
        """Start the thread, in the process that serves, and wait until it has looked once."""
        with self._beginning:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._keep_current, name="redirect-follower", daemon=True
                )
                self._thread.start()
        self._first_look.wait(FIRST_LOOK_SECONDS)

    def end(self) -> None:
        """End the thread, if there is one."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(FIRST_LOOK_SECONDS)

    def _keep_current(self) -> None:
        stop, resolver = self._stop, self._resolver
        away = False
        rotate_at = time.monotonic() + ROTATE_SECONDS
        while not stop.is_set():
            try:
                resolver.catch_up(datetime.now(UTC))
                self._first_look.set()  # nobody need wait for the links that are read ahead
                more = resolver.read_ahead()
                if away:
                    _log.warning("the database answers again")
                away = False
            except Exception as error:  # whatever it is: without this thread no edit is seen
                if not away:
                    reason = str(error.__cause__ or error).partition("\n")[0]
                    _log.error("only links in memory are redirected: %s", reason)
                away = True
                more = False
                self._first_look.set()
            now_ms = time.time_ns() // 1_000_000
            self._recorder.write_late(now_ms)
            if time.monotonic() >= rotate_at:
                rotate_at = time.monotonic() + ROTATE_SECONDS
                self._recorder.rotate_if_due(now_ms)
            self._counters.flush(due=True)
            stop.wait(READ_ON_SECONDS if more else FOLLOW_SECONDS)
