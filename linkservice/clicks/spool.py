"""Recorded means recorded: the one segment this process writes, and its group commit.

Decided here: when a click counts as recorded, how threads share one `fdatasync`, when a
segment ends, and what happens when the disk refuses. Not here: the record (`framing`), the
segment's file (`open_segment`), locks and readers (`segment`), what is counted when recording
fails (`shortfall`).

Group commit: a thread that finds nobody writing writes at once, for itself. Of those who come
meanwhile the first leads: it waits until the batch before its own is finished, takes all who
came along, writes their records with one write and one `fdatasync`, and wakes them. There is
no separate sync thread: handing each batch to one and back costs two more thread switches
than the disk needs.

A batch is recorded as a whole or not at all. When anything fails, its bytes are taken out
of the file before the file's lock ends, and readers do not see what lies behind the lock:
what was reported as not recorded (and counted so) never turns up as a record.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

from linkservice.clicks.ahead import run_ahead
from linkservice.clicks.event import BadRecord
from linkservice.clicks.framing import MAX_BODY, frames
from linkservice.clicks.open_segment import OpenSegment
from linkservice.clicks.segment import (
    HEADER_BYTES,
    NODE_BYTES,
    Segment,
    SpoolFailed,
    commit,
    delete_segment,
    node_id,
    seal_orphans,
    segments,
    write_at,
    write_segment,
)
from linkservice.config import SpoolSync
from linkservice.counters import Histogram

__all__ = [
    "HEADER_BYTES",
    "Segment",
    "Spool",
    "SpoolFailed",
    "SpoolStats",
    "delete_segment",
    "node_id",
    "seal_orphans",
    "segments",
    "write_segment",
]

# With `second`: the sync starts this long after the first unsynced click, and takes a while.
_SYNC_AFTER_SECONDS = 0.5

SYNC_BOUNDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Seconds: a fast disk's `fdatasync` takes the first, one about to fail the last."""


@dataclass(frozen=True, slots=True)
class SpoolStats:
    """Since this process started: bytes and records recorded, syncs made, records refused."""

    bytes: int = 0
    appended: int = 0
    syncs: int = 0
    failed: int = 0


class Spool:
    """Writes this process's records; safe for threads, and across `fork`.

    `sync` decides when `append` returns: `always` after the record is on stable storage,
    `second` and `off` once the operating system has it (and `second` syncs it within a
    second). A segment ends after `segment_bytes` or, at the next `rotate_if_due`, after
    `segment_seconds`. No file is made before the first click.
    """

    def __init__(
        self,
        spool_dir: Path,
        node: bytes,
        sync: SpoolSync = "always",
        segment_bytes: int = 64 * 1024 * 1024,
        segment_seconds: int = 3600,
    ) -> None:
        if len(node) != NODE_BYTES:
            raise ValueError(f"a node id has {NODE_BYTES} bytes, not {len(node)}")
        self._spool_dir = spool_dir
        self._node = node
        self._sync = sync
        self._segment_bytes = segment_bytes
        self._segment_ms = segment_seconds * 1000
        self._closed = False
        self._start_afresh()
        _spools.add(self)

    def _start_afresh(self) -> None:
        self._gate = threading.Lock()  # guards _filling; never held while waiting
        self._writing = threading.Lock()  # guards all below; held for a whole batch
        self._filling: _Batch | None = None
        self._segment: OpenSegment | None = None
        self._condemned: list[OpenSegment] = []
        self._syncer: threading.Thread | None = None
        self._dirty = threading.Event()
        self._stop = threading.Event()
        self._bytes = self._appended = self._syncs = self._failed = 0
        self._sync_times = Histogram(SYNC_BOUNDS)

    @property
    def stats(self) -> SpoolStats:
        """What this process recorded so far."""
        return SpoolStats(self._bytes, self._appended, self._syncs, self._failed)

    @property
    def sync_times(self) -> Histogram:
        """How long the syncs took that clicks waited for, or that came each second."""
        return self._sync_times

    def append(self, body: bytes) -> None:
        """Record one click; returns when it is as durable as `sync` says.

        Raises `SpoolFailed` when it is not recorded (and never will be); the next call
        tries again. Raises `BadRecord` for a body of more than `MAX_BODY` bytes.
        """
        if len(body) > MAX_BODY:
            raise BadRecord(f"a body of {len(body)} bytes")
        # Nobody writes and nobody waits to: then there is no batch to share. Who comes while
        # others wait joins them, or each would have a sync of its own.
        if self._filling is None and self._writing.acquire(blocking=False):
            failure: Exception | str | None = None
            try:
                failure = self._record([body])
            finally:
                self._writing.release()
        else:
            failure = self._record_with_others(body)
        if failure is not None:
            raise SpoolFailed(failure)

    def append_all(self, bodies: list[bytes]) -> None:
        """Record some clicks with one write: all of them, or none. Raises as `append` does."""
        with self._writing:
            failure = self._record(bodies)
        if failure is not None:
            raise SpoolFailed(failure)

    def rotate_if_due(self, now_ms: int) -> None:
        """Seal the segment when it is older than allowed at `now_ms` (UTC epoch ms)."""
        with self._writing:
            self._release_condemned()
            # A clock that was set back makes a segment one of the future: it ends as well.
            if self._segment and abs(now_ms - self._segment.created_ms) >= self._segment_ms:
                self._seal()

    def close(self) -> None:
        """Sync and seal what is open. Later calls of `append` raise `SpoolFailed`.

        Not for signal handlers: it waits for the batch under way, perhaps of the same thread.
        """
        with self._writing:
            self._closed = True
            self._release_condemned()
            if self._segment:
                self._seal()
        self._stop.set()
        self._dirty.set()

    def leave_to_parent(self) -> None:
        """In a forked child: let go of the parent's segment and begin with none.

        The child's copies of the descriptors would keep the parent's lock alive after the
        parent's death, and its locks may be held by threads that exist only there.
        """
        for segment in [self._segment, *self._condemned]:
            if segment:
                segment.close()
        self._start_afresh()

    def _record_with_others(self, body: bytes) -> Exception | str | None:
        with self._gate:
            batch = self._filling
            leads = batch is None
            if batch is None:
                batch = self._filling = _Batch()
            batch.bodies.append(body)
        if leads:
            self._lead(batch)
        else:
            batch.wait()
        return batch.failure

    def _lead(self, batch: _Batch) -> None:
        try:
            with self._writing:
                with self._gate:
                    self._filling = None
                batch.failure = self._record(batch.bodies)
        finally:
            with self._gate:  # an interrupt while waiting must not leave followers behind
                if self._filling is batch:
                    self._filling = None
            batch.finish()

    def _record(self, bodies: list[bytes]) -> Exception | None:
        """Write the records of one batch; why they are not recorded, None when they are."""
        try:
            segment = self._segment
            if segment is None or self._closed:
                segment = self._next()
            start = segment.end
            data = frames(bodies, segment.identity, start)
            if start + len(data) > self._segment_bytes and start > HEADER_BYTES:
                segment = self._next()
                start = segment.end
                data = frames(bodies, segment.identity, start)
            end = start + len(data)
            try:
                if self._sync == "always" and end > segment.ahead:
                    segment.ahead = run_ahead(segment.fd, end, self._segment_bytes)
                write_at(segment.fd, data, start)
                if self._sync == "always":
                    # Measuring costs a batch, not a request, 0.7 µs.
                    started = time.perf_counter()
                    os.fdatasync(segment.fd)
                    self._sync_times.add(time.perf_counter() - started)
                    self._syncs += 1
                commit(segment.fd, start, end)
                segment.end = end
            except BaseException:
                self._take_back()
                raise
        except Exception as error:
            # Whatever stopped it: the leader and its followers must hear the same.
            self._failed += len(bodies)
            return error
        self._bytes += len(data)
        self._appended += len(bodies)
        # Only its lock would cost a microsecond. The syncer clears it before it syncs.
        if self._sync == "second" and not self._dirty.is_set():
            self._dirty.set()
        return None

    def _next(self) -> OpenSegment:
        """End the segment there is, and begin one."""
        if self._closed:
            raise OSError("it is closed")
        self._seal()
        self._release_condemned()
        self._segment = OpenSegment.begin(self._spool_dir, self._node)
        if self._sync == "second" and self._syncer is None:
            self._syncer = threading.Thread(
                target=self._sync_each_second, name="spool-sync", daemon=True
            )
            self._syncer.start()
        return self._segment

    def _seal(self) -> None:
        """End the segment; whatever fails here is mended by `seal_orphans` and by readers."""
        segment, self._segment = self._segment, None
        if segment:
            self._syncs += segment.seal()

    def _take_back(self) -> None:
        """End the segment after a failure, without the failed batch.

        A segment that failed once is not trusted again: after a failed `fdatasync` the
        kernel calls the lost pages clean, and the next one succeeds without them.
        """
        if self._segment:
            self._condemned.append(self._segment)
            self._segment = None
        self._release_condemned()

    def _release_condemned(self) -> None:
        """Seal the segments that failed, once their failed bytes are gone for good.

        Until then, at most as long as this process lives, the lock hides them from readers.
        """
        for segment in list(self._condemned):
            try:
                segment.take_back()
            except OSError:
                continue
            self._condemned.remove(segment)
            segment.seal()

    def _sync_each_second(self) -> None:
        dirty, stop = self._dirty, self._stop
        while True:
            dirty.wait()
            if stop.wait(_SYNC_AFTER_SECONDS):
                return  # close() has synced
            dirty.clear()
            segment = self._segment
            if segment is None:
                continue
            try:
                # By name: the descriptor may be closed, and its number reused, meanwhile.
                fd = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
                started = time.perf_counter()
                try:
                    os.fdatasync(fd)
                finally:
                    os.close(fd)
                with self._writing:
                    self._sync_times.add(time.perf_counter() - started)
                    self._syncs += 1
            except FileNotFoundError:
                continue  # sealing has synced
            except OSError:
                with self._writing:
                    if self._segment is segment:
                        self._seal()


class _Batch:
    """The records that share one write; `failure` says why they are not recorded."""

    __slots__ = ("_unfinished", "bodies", "failure")

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.failure: Exception | str | None = "interrupted"
        self._unfinished = threading.Lock()
        self._unfinished.acquire()

    def wait(self) -> None:
        # Each who passes lets the next one pass: no list of waiters, as an Event keeps.
        with self._unfinished:
            pass

    def finish(self) -> None:
        self._unfinished.release()


_spools: weakref.WeakSet[Spool] = weakref.WeakSet()


def _leave_to_parent() -> None:
    for spool in list(_spools):
        spool.leave_to_parent()


os.register_at_fork(after_in_child=_leave_to_parent)
