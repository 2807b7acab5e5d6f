"""A rolling restart: every process makes room for a new one, and customers notice nothing.

A redirect or web worker goes once its successor serves; both accept from the same socket
meanwhile. Of ingesters there can only be one, so it ends first: clicks wait in the spool. A
successor that does not come to serve ends the restart, and those that serve stay: a program
that was upgraded badly takes nobody along.

Not here: when one is asked for (`signals`), how processes are watched (`supervisor`).
"""

from __future__ import annotations

import logging
import signal
import time
from collections import deque

from linkservice.serve.process import Child

_log = logging.getLogger(__name__)

READY_SECONDS = 60.0
"""How long a successor may take to serve; nobody waits for it meanwhile."""

LEAVE_SECONDS = 5.0
"""How long one that has a successor may take to end."""

_ORDER = {"redirect": 0, "web": 1, "ingest": 2}


class Renewal:
    """Replaces `children`, in place and one after the other, as often as it is asked to."""

    def __init__(self, children: list[Child]) -> None:
        self._children = children
        self._waiting: deque[Child] = deque()
        self._successor: Child | None = None
        self._leaving: Child | None = None
        self._deadline = 0.0

    @property
    def under_way(self) -> bool:
        return bool(self._waiting or self._successor or self._leaving)

    @property
    def passing(self) -> list[Child]:
        """The processes that come or go and are none of the children now."""
        return [child for child in (self._successor, self._leaving) if child is not None]

    def begin(self) -> None:
        """Replace all; those that were replaced since an earlier call once more."""
        _log.info("restarting one process after the other")
        new = [child for child in self._children if child not in self._waiting]
        self._waiting.extend(sorted(new, key=lambda child: _ORDER[child.role]))

    def step(self) -> None:
        """Do what can be done now."""
        now = time.monotonic()
        if self._leaving is not None:
            if now >= self._deadline:
                _log.warning("%s did not end in %.0f s", self._leaving.name, LEAVE_SECONDS)
                self._leaving.send(signal.SIGKILL)
                self._deadline = now + LEAVE_SECONDS
        elif self._successor is not None:
            if self._successor.ready:
                new, self._successor = self._successor, None
                self._hand_over(self._waiting.popleft(), new)
            elif now >= self._deadline:
                self._successor.send(signal.SIGKILL)
        elif self._waiting and self._waiting[0].role == "ingest":
            old = self._waiting.popleft()
            self._hand_over(old, old.successor())
        elif self._waiting:
            self._successor = self._waiting[0].successor()
            self._successor.start()
            self._deadline = now + READY_SECONDS
            if self._successor.pid is None:
                self._give_up(self._successor)

    def ended(self, child: Child, code: int) -> None:
        """Take note that one of `passing` has ended with `code`."""
        child.ended(code, restart=False)
        if child is self._successor:
            self._give_up(child)
            return
        self._leaving = None
        for new in self._children:
            if new.role == "ingest" and new.pid is None and new.due is None:
                new.start()
        self._tell_when_done()

    def _hand_over(self, old: Child, new: Child) -> None:
        self._children[self._children.index(old)] = new
        old.due = None
        if old.pid is None:  # it had died, and its successor is what it waited for
            if new.pid is None:
                new.start()
            self._tell_when_done()
            return
        old.send(signal.SIGTERM)
        self._leaving = old
        self._deadline = time.monotonic() + LEAVE_SECONDS

    def _tell_when_done(self) -> None:
        if not self.under_way:
            _log.info("all processes are new")

    def _give_up(self, successor: Child) -> None:
        _log.error("the new %s did not serve; the others stay as they are", successor.name)
        self._successor = None
        self._waiting.clear()
