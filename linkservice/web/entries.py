"""Pages of dated entries, the newest first: where the next one begins, as addresses say it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from linkservice.workspaces.access import inside_id

SHOWN_ENTRIES = 12


class Entry(Protocol):
    """Reach or a cost."""

    id: int
    starts_on: dt.date


def before(text: str) -> tuple[dt.date, int] | None:
    """The last entry of the page before: ``2026-03-01_17``; None for a text that is none."""
    day, _, number = text.partition("_")
    found = inside_id(number)
    try:
        return None if found is None else (dt.date.fromisoformat(day), found)
    except ValueError:
        return None


def cursor(entries: Sequence[Entry]) -> str | None:
    """Where the next page begins, if there is one: whoever asked for one more knows."""
    if len(entries) <= SHOWN_ENTRIES:
        return None
    last = entries[SHOWN_ENTRIES - 1]
    return f"{last.starts_on.isoformat()}_{last.id}"
