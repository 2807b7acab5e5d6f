"""Reads again what the spool still holds, with what is known today.

A better classifier, newer lists of robots or another country file say something else of
clicks that are already counted. Their rows and roll-ups are put right, a stretch of a
segment at a time, each in a transaction of its own: it may be interrupted anywhere, runs
beside the ingester, and a second run finds nothing to change, since it compares with what
the rows say.

Not changed: what no user agent tells (link, touchpoint, local time, HEAD, own visits), clicks
of suspected scanners, unless they now name themselves, and the agents of those whose names are
counted among others (`clicks/limit.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from linkservice.clicks import amending, facets, ledger
from linkservice.clicks.counted import Counted
from linkservice.clicks.packing import RowId
from linkservice.clicks.place import Places
from linkservice.clicks.placing import Placing
from linkservice.clicks.reading import Reader, Rows, Stretch, Texts
from linkservice.clicks.segment import HEADER_BYTES, segments
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.lockfile import exclusive

STRETCH = 1000
"""Records of one transaction: a few milliseconds of a lock, also where all of them change."""

Progress = Callable[[int, int], None]
"""Is called with the bytes that are read, and with all."""


@dataclass(frozen=True, slots=True)
class Reclassified:
    """How many clicks were read again, and how many of them changed."""

    read: int
    changed: int


def reclassify(settings: Settings, database: Database, progress: Progress) -> Reclassified:
    """Put right all clicks that the spool still holds.

    Raises `Conflict` when another process is at it, `SpoolFailed` when a segment cannot be
    read.
    """
    with exclusive(settings.data_dir / "reclassify.lock", "reclassify_running"):
        return _Again(settings, database).run(progress)


class _Again:
    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._placing = Placing(Places.of(settings), database)
        self._counted = Counted()
        self._texts = Texts()

    def run(self, progress: Progress) -> Reclassified:
        with self._database.reading() as session:
            passed = ledger.entries(session)
        found = [
            (segment, entry.id, entry.position)
            for segment in segments(self._settings.spool_dir)
            if not segment.broken and (entry := passed.get((segment.node, segment.name)))
        ]
        total, done, read, changed = sum(end for _, _, end in found), 0, 0, 0
        for segment, segment_id, end in found:
            reader, at = Reader(segment, HEADER_BYTES, self._texts), HEADER_BYTES
            while at < end:
                stretch = reader.next(STRETCH)
                clicks = self._clicks(stretch, end)
                read += len(clicks)
                changed += self._put_right(segment_id, clicks)
                at = stretch.end
                progress(done + min(at, end), total)
                if stretch.last:
                    break
            done += end
        return Reclassified(read, changed)

    def _clicks(self, stretch: Stretch, end: int) -> Rows:
        """What is said today of the records that the ledger has passed."""
        passed = stretch.records.rows["offset"] < end
        records = replace(stretch.records, rows=stretch.records.rows[passed])
        return self._placing.place(records).clicks

    def _put_right(self, segment_id: int, clicks: Rows) -> int:
        known = {
            (segment_id, position): each
            for position, each in zip(
                clicks["position"].tolist(), amending.known_of(clicks), strict=True
            )
        }
        with self._database.reading() as session:
            rows = amending.stored(session.connection(), sorted(known))
            wanted = amending.differing(rows, known)
        if wanted:
            self._leave_others(rows, known)
            wanted = amending.differing(rows, known)
        if not wanted:
            return 0
        with self._database.reading() as session:
            days = {
                datetime.fromordinal(row.local_day).date()
                for row in rows
                if (row.segment_id, row.position) in wanted
            }
            self._counted.prepare(session, sorted(days))
        facets.add_waiting(self._database)  # or what is taken away might not be there yet
        agents = self._placing.traits_of(row.agent_id for row in rows)
        with self._database.writing_connection() as connection:
            counting = self._counted.within(connection)
            changed = amending.amend(
                connection, {each: known[each] for each in wanted}, agents, counting
            )
        self._counted.remember(counting.added)
        return changed

    def _leave_others(self, rows: Sequence[Row[Any]], known: dict[RowId, amending.Known]) -> None:
        """Let agents be that are counted among others, or would be now: which ones are depends on
        who came before them.
        """
        at = {(row.segment_id, row.position): row for row in rows}
        now = {each: traits.agent_id for each in at if (traits := known[each].traits)}
        others = self._placing.cut_short({*now.values(), *(row.agent_id for row in rows)})
        for each, row in at.items():
            if {now.get(each), row.agent_id} & others:
                kind = amending.kind_of(row)
                known[each] = replace(known[each], traits=None, kind=kind)
