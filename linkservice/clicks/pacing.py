"""How Python is shared by the thread that writes a batch and the one that works ahead."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TURN_SECONDS = 0.0005
"""How long the one who works ahead may keep Python from the one who writes."""


@contextmanager
def quick_turns() -> Iterator[None]:
    """Let a thread that has waited for Python long enough have it soon.

    The usual 5 ms, between two statements each, would keep the database locked for longer
    than the statements do.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


@contextmanager
def collector_resting() -> Iterator[None]:
    """Let no garbage be looked for while a batch is worked on.

    Its hundred thousand objects hold no cycles; the collector would look at them, and at
    all that is remembered, several times a batch, and once with the database locked.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
