"""The ingester: reads the spool, places each click and writes it, exactly once.

One ingester per data directory (a lock); the ledger makes even two of them harmless.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from linkservice.clicks import ledger, retention
from linkservice.clicks.claims import Claims
from linkservice.clicks.damage import header_is_sound, set_aside
from linkservice.clicks.event import Damage, Found, Record, Torn, Unreadable, read_records
from linkservice.clicks.place import Places
from linkservice.clicks.placing import Placing
from linkservice.clicks.rollup import PlacedClick
from linkservice.clicks.segment import HEADER_BYTES, Segment, SpoolFailed, seal_orphans, segments
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict
from linkservice.lockfile import exclusive

_log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.2
"""Between two looks at an idle spool; a click shows in the reports within a second."""

LONGEST_PAUSE_SECONDS = 5.0
"""Between two tries while the database or the spool is away."""

HOUSEKEEPING_SECONDS = 60.0

LOCK_HOLD_SECONDS = 0.05
"""How long a batch may keep other writers of a SQLite file waiting."""

SMALLEST_BATCH, FIRST_BATCH, LARGEST_BATCH = 50, 500, 5000


@dataclass(frozen=True, slots=True)
class Pass:
    """What one look at the spool did: records ingested and rejected, damaged stretches."""

    ingested: int = 0
    rejected: int = 0
    damaged: int = 0

    @property
    def idle(self) -> bool:
        return not (self.ingested or self.rejected or self.damaged)


class Ingester:
    """Moves clicks from the spool into the database."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._placing = Placing(Places.of(settings))
        self._claims = Claims(settings, database)
        self._batch_size = FIRST_BATCH
        self._kept_house_at = float("-inf")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold this data directory's ingest lock and its node.

        Raises `Conflict` when another process has the lock, or another place the node.
        """
        with exclusive(self._settings.data_dir / "ingest.lock", "ingest_running"):
            # A database that is away is waited for later, in `run`.
            with suppress(SQLAlchemyError):
                self._claims.hold(datetime.now(UTC))
            try:
                yield
            finally:
                with suppress(SQLAlchemyError):
                    self._claims.give_back()

    def run(self, stop: threading.Event) -> None:
        """Ingest until `stop` is set, then once more, so that nothing waits for the next start.

        A database or spool that is away is tried again with growing pauses. Raises `Conflict`
        when another place has taken the node.
        """
        pause = PAUSE_SECONDS
        while not stop.is_set():
            try:
                self._keep_house()
                done = self.run_once()
                pause = PAUSE_SECONDS
            except (SQLAlchemyError, SpoolFailed) as error:
                _log.error("ingest waits %.1f s: %s", pause, _first_line(error))
                stop.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            if done.idle:
                stop.wait(PAUSE_SECONDS)
        try:
            self.run_once()
        except (SQLAlchemyError, SpoolFailed) as error:
            _log.error("what is left in the spool waits for the next start: %s", _first_line(error))

    def run_once(self, progress: Callable[[int], None] | None = None) -> Pass:
        """Ingest everything that is recorded now; calls `progress` with each batch's records.

        Raises `Conflict` when another place holds the node, `SpoolFailed`, SQLAlchemyError.
        """
        self._claims.hold(datetime.now(UTC))
        seal_orphans(self._settings.spool_dir)
        with self._database.reading() as session:
            self._placing.refresh(session)
            known = {
                key: (entry.position, entry.finished_at is not None)
                for key, entry in ledger.entries(session).items()
            }
        total = Pass()
        for segment in segments(self._settings.spool_dir):
            position, finished = known.get((segment.node, segment.name), (HEADER_BYTES, False))
            if segment.broken or finished or not self._may_ingest(segment):
                continue
            for batch in self._ingest(segment, position):
                count = len(batch.clicks)
                total = Pass(
                    total.ingested + count,
                    total.rejected + batch.rejected,
                    total.damaged + batch.damaged,
                )
                if progress is not None:
                    progress(count + batch.rejected)
        retention.take_in_shortfall(self._settings, self._database)
        return total

    def _may_ingest(self, segment: Segment) -> bool:
        """Whether nobody else holds its node: files of others may have been put here."""
        try:
            self._claims.hold(datetime.now(UTC), segment.node)
        except Conflict as error:
            _log.error("segment %s is left alone: %s", segment.name, error)
            return False
        return True

    def _ingest(self, segment: Segment, position: int) -> Iterator[ledger.Batch]:
        try:
            data = segment.read(position)
        except SpoolFailed as error:
            # Read again at the next pass; other segments need not wait for it.
            _log.error("segment %s cannot be read: %s", segment.name, error)
            return
        records = read_records(data, segment.identity, position)
        for found, last in self._batches(records):
            finished = last and segment.sealed
            batch = self._placed(segment, position, found, finished)
            if batch.end == position and not finished:
                return
            try:
                self._write(segment, batch)
            except ledger.Overtaken:
                _log.warning("segment %s is being ingested by another process", segment.name)
                return
            position = batch.end
            yield batch

    def _batches(self, records: Iterator[Found]) -> Iterator[tuple[list[Found], bool]]:
        """Stretches of the current batch size, and whether nothing follows."""
        found: list[Found] = []
        for each in records:
            if len(found) >= self._batch_size:
                yield found, False
                found = []
            found.append(each)
        yield found, True

    def _placed(
        self, segment: Segment, start: int, found: list[Found], finished: bool
    ) -> ledger.Batch:
        records = [each for each in found if isinstance(each, Record)]
        if records:
            with self._database.reading() as session:
                self._placing.learn(session, records)
        clicks: list[PlacedClick] = []
        rejected = damaged = 0
        reasons: set[str] = set()
        end = start
        if start == HEADER_BYTES and not header_is_sound(segment):
            damaged += 1
            set_aside(segment, 0, HEADER_BYTES)
        for each in found:
            if isinstance(each, Torn) and not finished:
                break  # its writer may still complete it
            end = each.end
            if isinstance(each, Damage | Torn):
                damaged += 1
                set_aside(segment, each.offset, end)
                continue
            click = self._placing.place(each) if isinstance(each, Record) else None
            if click is None:
                rejected += 1
                reasons.add(each.reason if isinstance(each, Unreadable) else "unknown link")
            else:
                clicks.append(click)
        if rejected:
            why = ", ".join(sorted(reasons))
            _log.error("segment %s: %d records are rejected: %s", segment.name, rejected, why)
        return ledger.Batch(start, end, clicks, rejected, damaged, finished)

    def _write(self, segment: Segment, batch: ledger.Batch) -> None:
        with self._database.writing_connection() as connection:
            started = time.monotonic()
            now = datetime.now(UTC)
            self._claims.require(connection, segment.node, now)
            ledger.write(connection, segment, batch, now)
            held = time.monotonic() - started
        wanted = int(self._batch_size * LOCK_HOLD_SECONDS / max(held, 0.001))
        # Half-way each time: one slow commit says little about the next.
        self._batch_size = min(max((self._batch_size + wanted) // 2, SMALLEST_BATCH), LARGEST_BATCH)

    def _keep_house(self) -> None:
        if time.monotonic() - self._kept_house_at >= HOUSEKEEPING_SECONDS:
            retention.keep_house(self._settings, self._database, datetime.now(UTC))
            self._kept_house_at = time.monotonic()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
