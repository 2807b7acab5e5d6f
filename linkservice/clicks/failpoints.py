"""Places at which a test lets the ingester die, as `kill -9` or a power cut would let it.

A process that was not told where to die only compares a name with None. It is told by
`LINKSERVICE_TEST_FAILPOINT=NAME:N`: it dies when it passes the place the N-th time.
"""

from __future__ import annotations

import os
import signal
from typing import Literal

Place = Literal[
    "after read",
    "before ledger",
    "after ledger",
    "before visitors",
    "after visitors",
    "before rows",
    "after rows",
    "before roll-ups",
    "after roll-ups",
    "after accepted",
    "before commit",
    "after commit",
    "before facets",
    "after facets",
    "before delete",
    "after delete",
    "after noting the delete",
]

_place, _, _number = os.environ.get("LINKSERVICE_TEST_FAILPOINT", "").rpartition(":")
_armed: str | None = _place or None
_left = int(_number or 0)


def passing(place: Place) -> None:
    """Die here, if it is time; nothing is cleaned up, flushed or told."""
    if _armed is not None and place == _armed:
        _die_in_time()


def arm(place: Place, number: int) -> None:
    """Die when this process passes `place` the `number`-th time from now."""
    global _armed, _left
    _armed, _left = place, number


def _die_in_time() -> None:
    global _left
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
