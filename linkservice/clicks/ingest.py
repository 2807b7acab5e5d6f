"""The ingester: reads the spool, places each click and writes it, exactly once.

One ingester per data directory (a lock); the ledger makes even two of them harmless.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from linkservice.clicks import (
    amending,
    facets,
    ledger,
    packing,
    retention,
)
from linkservice.clicks.claims import Claims
from linkservice.clicks.counted import Added, Counted
from linkservice.clicks.damage import header_is_sound, set_aside
from linkservice.clicks.devices import load_tables
from linkservice.clicks.failpoints import passing
from linkservice.clicks.idle import Idle, Work
from linkservice.clicks.pacing import collector_resting, quick_turns
from linkservice.clicks.place import Places
from linkservice.clicks.placing import SUSPECTED, Placing, Traits
from linkservice.clicks.reading import Reader, Stretch, Texts
from linkservice.clicks.scanners import Suspects, Suspicion
from linkservice.clicks.segment import HEADER_BYTES, Segment, SpoolFailed, seal_orphans, segments
from linkservice.clicks.tally import Tally
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

LOCK_HOLD_SECONDS = 0.06
"""How long the statements of a batch may keep other writers of a SQLite file waiting, whose turn
is next; the commit comes on top, and what the writer itself needs."""

SMALLEST_BATCH, FIRST_BATCH, LARGEST_BATCH = 4_000, 4_000, 10_000
"""Each batch writes some pages whatever its size: of 2,500 clicks one takes a third longer a
click, of 7,000 the app's writes waited 120 to 153 ms (p99) and of 4,000 107 to 139."""

CACHE_KB = 64 * 1024
"""SQLite's cache while a batch is written: what a day's clicks add to, hours, facets and days."""

CLICKS_IN_LOG = 3_000
"""After so many, SQLite's log is moved into the file: before a commit would have to."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one look at the spool did: records ingested and rejected, damaged stretches."""

    ingested: int = 0
    rejected: int = 0
    damaged: int = 0

    @property
    def idle(self) -> bool:
        return not (self.ingested or self.rejected or self.damaged)

    def __add__(self, other: Pass) -> Pass:
        return Pass(
            self.ingested + other.ingested,
            self.rejected + other.rejected,
            self.damaged + other.damaged,
        )


@dataclass(frozen=True, slots=True)
class _Ready:
    """A batch that waits to be written, and whether it is the last of its segment."""

    prepared: ledger.Prepared
    found: Suspicion
    last: bool


@dataclass(frozen=True, slots=True)
class _Written:
    """What a transaction added to the visitors' keys, and for how long it held the lock."""

    added: Sequence[Added]
    seconds: float


class Ingester:
    """Moves clicks from the spool into the database."""

    def __init__(self, settings: Settings, database: Database, *also: Work) -> None:
        """`also` is what else is to be done bit by bit while nothing waits."""
        load_tables()
        self._settings = settings
        self._database = database
        self._placing = Placing(Places.of(settings), database)
        self._claims = Claims(settings, database)
        self._counted = Counted()
        self._texts = Texts()
        self._suspects = Suspects()
        self._finished: set[bytes] = set()
        self._batch_size = FIRST_BATCH
        self._in_log = 0
        self._put_off = 1
        """Batches whose facets wait to be added; another ingester may have left some."""
        self._kept_house_at = float("-inf")
        self._idle = Idle(database, *also)
        self._tally = Tally(settings.data_dir)
        self._worker = ThreadPoolExecutor(1, "ingest-ahead")  # its thread begins when needed

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
                self._tally.close()
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
                if done.idle:
                    self._idle.some()
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
        total = Pass()
        for segment, position in self._waiting():
            if not self._may_ingest(segment):
                continue
            for done in self._ingest(segment, position):
                total += done
                if progress is not None:
                    progress(done.ingested + done.rejected)
        self._add_facets()
        self._tally.flush()
        retention.take_in_shortfall(self._settings, self._database)
        return total

    def _waiting(self) -> list[tuple[Segment, int]]:
        """The segments that are not finished, and from which byte offset on they wait."""
        spool_dir = self._settings.spool_dir
        found = segments(spool_dir)
        if any(segment.broken or segment.state == "orphan" for segment in found):
            seal_orphans(spool_dir)
            found = segments(spool_dir)
        # A week of finished segments is not asked for at every look.
        self._finished &= {segment.identity for segment in found}
        open_ = [each for each in found if not each.broken and each.identity not in self._finished]
        with self._database.reading() as session:
            self._placing.refresh(session)
            known = ledger.positions(session, open_)
        waiting = []
        for segment in open_:
            position, finished = known.get((segment.node, segment.name), (HEADER_BYTES, False))
            # A file that goes on behind its end was finished by a copy, which was shorter.
            if finished and segment.size <= position:
                if segment.sealed:
                    self._finished.add(segment.identity)
            elif segment.sealed or segment.size > position:
                waiting.append((segment, position))
        return waiting

    def _may_ingest(self, segment: Segment) -> bool:
        """Whether nobody else holds its node: files of others may have been put here."""
        try:
            self._claims.hold(datetime.now(UTC), segment.node)
        except Conflict as error:
            _log.error("segment %s is left alone: %s", segment.name, error)
            return False
        return True

    def _ingest(self, segment: Segment, position: int) -> Iterator[Pass]:
        reader = Reader(segment, position, self._texts)
        ahead: Future[_Ready] | None = None
        while True:
            try:
                with collector_resting():
                    ready = ahead.result() if ahead else self._prepare(segment, reader)
                    # Numbers are worked out while the database, for which Python need not
                    # wait, writes; of a short stretch nothing is left to be worked out.
                    ahead = None
                    if not ready.last:
                        ahead = self._worker.submit(self._prepare, segment, reader)
                    done = self._finish(segment, ready, ahead)
            except SpoolFailed as error:
                # Read again at the next pass; other segments need not wait for it.
                _log.error("segment %s cannot be read: %s", segment.name, error)
                return
            except ledger.Overtaken:
                _log.warning("segment %s is being ingested by another process", segment.name)
                return
            yield done
            if ready.last:
                return

    def _prepare(self, segment: Segment, reader: Reader) -> _Ready:
        """The next batch with all that does not depend on what others have written."""
        stretch = reader.next(self._batch_size)
        passing("after read")
        batch = self._placed(segment, stretch)
        found = self._suspects.watch(
            (segment.node, segment.name), stretch.records, batch.placed.clicks
        )
        batch.placed.clicks["kind"][list(found.here)] = SUSPECTED
        dialect = self._database.engine.dialect.name
        prepared = ledger.Prepared(batch, dialect, facets_wait=not stretch.last)
        return _Ready(prepared, found, stretch.last)

    def _finish(self, segment: Segment, ready: _Ready, ahead: Future[_Ready] | None) -> Pass:
        """Write a batch, while the next one is prepared `ahead`."""
        batch, written = ready.prepared.batch, None
        try:
            if batch.end > batch.start or batch.finished:
                with quick_turns():
                    if self._put_off >= facets.TOGETHER:
                        self._add_facets()
                    written = self._write(segment, ready)
        finally:
            # What both use is changed while only one is at work.
            if ahead:
                wait([ahead])
        if written:
            self._counted.remember(written.added)
            self._suspects.settle(ready.found)
            self._adapt(batch, written.seconds)
            self._tally.add(batch.placed.clicks)
            self._put_off += not ready.last
        self._tally.flush()
        return Pass(batch.ingested, batch.rejected, batch.damaged)

    def _add_facets(self) -> None:
        """Add the facets that were put off, if any may have been."""
        if self._put_off:
            facets.add_waiting(self._database)
            self._put_off = 0

    def _placed(self, segment: Segment, stretch: Stretch) -> ledger.Batch:
        placed = self._placing.place(stretch.records)
        finished = stretch.last and segment.sealed
        damaged = [(each.offset, each.end) for each in stretch.damaged]
        begins = stretch.start == HEADER_BYTES and (stretch.end > HEADER_BYTES or finished)
        if begins and not header_is_sound(segment):
            damaged.insert(0, (0, HEADER_BYTES))
        for start, end in damaged:
            set_aside(segment, start, end)
        batch = ledger.Batch(
            stretch.start,
            stretch.end,
            placed,
            len(stretch.unreadable),
            len(damaged),
            finished,
        )
        if batch.rejected:
            reasons = {each.reason for each in stretch.unreadable}
            if placed.rejected:
                reasons.add("unknown link")
            _log.error(
                "segment %s: %d records are rejected: %s",
                segment.name,
                batch.rejected,
                ", ".join(sorted(reasons)),
            )
        return batch

    def _write(self, segment: Segment, ready: _Ready) -> _Written:
        prepared = ready.prepared
        if prepared.visitors:
            with self._database.reading() as session:
                self._counted.prepare(session, [each.day for each in prepared.visitors])
        if ready.found.before:
            self._add_facets()  # or what is taken away might not be there yet
        before, agents = self._amended(ready.found)
        with self._database.writing_connection() as connection:
            started = time.monotonic()
            if self._database.is_sqlite:
                connection.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KB}")
            now = datetime.now(UTC)
            self._claims.require(connection, segment.node, now)
            counting = self._counted.within(connection)
            prepared.write(connection, segment, counting, now)
            if before:
                amending.amend(connection, before, agents, counting)
            # Without the commit: how long its sync takes does not depend on the size.
            held = time.monotonic() - started
            passing("before commit")
        passing("after commit")
        self._in_log += prepared.batch.ingested
        if self._in_log >= CLICKS_IN_LOG:
            self._database.checkpoint()
            self._in_log = 0
        return _Written(counting.added, held)

    def _amended(
        self, found: Suspicion
    ) -> tuple[dict[packing.RowId, amending.Known], dict[int, Traits]]:
        """What is to be changed of clicks that were counted as persons', and their agents."""
        if not found.before:
            return {}, {}
        with self._database.reading() as session:
            numbers = ledger.ids(session, {made.segment for made in found.before})
            known = {
                (numbers[made.segment], made.position): amending.Known(
                    SUSPECTED, made.token, made.journey_id
                )
                for made in found.before
                if made.segment in numbers
            }
            rows = amending.stored(session.connection(), sorted(known))
        return known, self._placing.traits_of({row.agent_id for row in rows})

    def _adapt(self, batch: ledger.Batch, held: float) -> None:
        """Choose the size of the next batch by how long this one kept others waiting."""
        if not self._database.is_sqlite:
            self._batch_size = LARGEST_BATCH
            return
        size = self._batch_size
        if batch.ingested < size and held <= LOCK_HOLD_SECONDS:
            return  # there was no more: it tells nothing
        wanted = int(max(batch.ingested, SMALLEST_BATCH) * LOCK_HOLD_SECONDS / max(held, 0.001))
        # Half-way each time: one slow commit says little about the next.
        size = (size + min(wanted, 2 * size)) // 2
        self._batch_size = min(max(size, SMALLEST_BATCH), LARGEST_BATCH)

    def _keep_house(self) -> None:
        if time.monotonic() - self._kept_house_at >= HOUSEKEEPING_SECONDS:
            retention.keep_house(self._settings, self._database, datetime.now(UTC))
            self._put_off += 1  # what others left
            self._kept_house_at = time.monotonic()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
