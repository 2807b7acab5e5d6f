"""Zeros ahead of the records: what makes an `fdatasync` cheap, and how they are told from records.

A file that grows needs its new size and its new blocks in the file system's journal at every
sync. Where zeros stand already, a sync is one write of the data: two thirds of the time and of
the processor's. So a writer that syncs before each answer lets its segment run ahead.

Decided here: how far, and where the records of a file end that its writer left with zeros
behind them. Not here: when records are written and promised (`spool`); who seals what the
dead left (`segment`). No reader meets the zeros: while the writer lives they stand behind its
lock, and whoever seals takes them off before.
"""

from __future__ import annotations

import contextlib
import os

from linkservice.clicks.framing import MAX_RECORD, last_record_end

AHEAD_BYTES = 64 * 1024
"""Some 500 records: the write that puts zeros there takes a quarter of a millisecond longer. With
four times as many it is a whole one, which the slowest of a hundred clicks then wait for."""

_ZEROS = bytes(AHEAD_BYTES)


def run_ahead(fd: int, end: int, most: int) -> int:
    """Put zeros behind `end`, where no record stands; the offset up to which not to ask again.

    None stand behind `most`, where the segment ends. A disk that has no room for them may still
    have it for records: then there are none.
    """
    ahead = min(end + AHEAD_BYTES, max(end, most))
    with contextlib.suppress(OSError):
        # A part will do: what is missing costs time and nothing else.
        os.pwrite(fd, _ZEROS[: ahead - end], end)
    return ahead


def take_off(fd: int, identity: bytes, begin: int) -> None:
    """Cut off the zeros behind the last record of a dead writer's file, durably.

    `begin` is where the first record may stand. What is neither a record nor zero stays, for
    the reader to report. Raises OSError.
    """
    size = os.fstat(fd).st_size
    written = _last_written(fd, begin, size)
    if written == size:
        return
    # Its own last bytes may be zeros as well: only the records themselves say where they end.
    start = max(begin, written - MAX_RECORD)
    around = os.pread(fd, written + MAX_RECORD - start, start)
    os.ftruncate(fd, max(written, last_record_end(around, identity, start)))
    os.fsync(fd)


def _last_written(fd: int, begin: int, size: int) -> int:
    """The offset behind the last byte that is not zero; `begin` where there is none."""
    end = size
    while end > begin:
        start = max(begin, end - AHEAD_BYTES)
        kept = len(os.pread(fd, end - start, start).rstrip(b"\0"))
        if kept:
            return start + kept
        end = start
    return begin
