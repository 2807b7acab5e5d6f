"""What stands in the spool and is not ingested yet: how much, and since when.

Decided here: when a click counts as waiting, and since when. Not here: from when on that is
too long (`readiness`), who ingests it (`ingest`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from linkservice.clicks import ledger
from linkservice.clicks.calendar import moment
from linkservice.clicks.framing import Record, read_records
from linkservice.clicks.segment import HEADER_BYTES, Segment, segments

_ENOUGH_BYTES = 16 * 1024
_IMPORTED = "1970"  # as `write_segment` names what it puts into the spool


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: its bytes, and when the oldest of it was recorded; None when nothing waits."""

    bytes: int
    since: datetime | None

    def seconds(self, now: datetime) -> float:
        """How long the oldest click waits; 0 when none does."""
        return 0.0 if self.since is None else max(0.0, (now - self.since).total_seconds())


def backlog(spool_dir: Path, session: Session) -> Backlog:
    """What of this spool the ledger has not passed. Raises `SpoolFailed`, `SQLAlchemyError`."""
    found = segments(spool_dir)
    known = ledger.positions(session, found)
    size, since = 0, []
    for segment in found:
        position, finished = known.get((segment.node, segment.name), (HEADER_BYTES, False))
        if segment.broken or finished or segment.size <= position:
            continue
        size += segment.size - position
        if (written := _waiting_since(segment, position)) is not None:
            since.append(written)
    return Backlog(size, min(since, default=None))


def _waiting_since(segment: Segment, position: int) -> datetime | None:
    """When the first record behind the ledger's position was written."""
    try:
        with segment.path.open("rb") as file:
            file.seek(position)
            data = file.read(min(_ENOUGH_BYTES, segment.size - position))
            written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
    except OSError:
        return None  # sealed or deleted meanwhile: someone is ingesting
    first = next(iter(read_records(data, segment.identity, position)), None)
    # What was clicked elsewhere long ago waits only since its file was written.
    if not isinstance(first, Record) or segment.name.startswith(_IMPORTED):
        return written
    return moment(first.click.time_ms)
