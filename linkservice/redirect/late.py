"""Misses by the thousand: counted when they come, written down a moment later, many at a time.

Whoever tries slugs by the thousand is to cost nobody else anything, and a record of its own
(`recorder`) is half of what a miss costs. So of a flood only the number is kept until there are
`AT_ONCE` or a moment has passed; then each gets a record that tells when, of which domain, and
how it came: no browser, no address. A process that is killed loses those it had not written;
whoever found a link is never put off.

Not here: which misses are a flood's (`resolver`), when a moment has passed (`app`).
"""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from linkservice.clicks.event import MISS_BIT, encode_parts, encoded_texts
from linkservice.clicks.spool import Spool, SpoolFailed
from linkservice.counters import Ticker

AT_ONCE = 64
"""Records written together, in a twentieth of a millisecond; of more, redirects would notice."""

_NO_TEXTS = encoded_texts("", "", "", "")


class _Kind(NamedTuple):
    """Misses that only their number tells apart; `bits` are those of the record."""

    workspace_id: int
    domain_id: int
    bits: int


class _Count:
    """How many of a kind came, and how many of them are written."""

    __slots__ = ("came", "written")

    def __init__(self) -> None:
        self.came = Ticker()
        self.written = 0


class Late:
    """The misses of one process that are yet to be written; safe for threads."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        # By what makes a `_Kind`: a plain tuple takes less to make.
        self._counts: dict[tuple[int, int, int], _Count] = {}
        self._writing = threading.Lock()  # guards what is written; adding goes without

    def add(self, workspace_id: int, domain_id: int, bits: int) -> None:
        """One more miss of that domain; `bits` are those of the record (`event`).

        Every so often it writes those that wait; what the disk refuses then goes on waiting.
        """
        key = (workspace_id, domain_id, bits | MISS_BIT)
        # `setdefault` is one step: two threads that meet here have the same count.
        count = self._counts.get(key) or self._counts.setdefault(key, _Count())
        if count.came.tick() % AT_ONCE == 0 and self._writing.acquire(blocking=False):
            try:
                self._write(_Kind(*key), count, time.time_ns() // 1_000_000)
            except SpoolFailed:
                return
            finally:
                self._writing.release()

    def write(self, now_ms: int) -> None:
        """Write all that wait, as of `now_ms`. Raises `SpoolFailed`; the rest then goes on
        waiting."""
        with self._writing:
            for key, count in list(self._counts.items()):
                self._write(_Kind(*key), count, now_ms)

    def _write(self, kind: _Kind, count: _Count, now_ms: int) -> None:
        left = count.came.value() - count.written
        if not left:
            return
        body = encode_parts(
            now_ms, 0, 0, kind.domain_id, kind.workspace_id, kind.bits, 0, b"", b"", _NO_TEXTS
        )
        while left:
            number = min(left, AT_ONCE)
            self._spool.append_all([body] * number)
            count.written += number
            left -= number
