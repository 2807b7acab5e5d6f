"""Damaged bytes of the spool: found in headers, set aside for people, kept for a while.

Nothing is dropped silently: a stretch that is no record is counted in the ledger and copied
into the quarantine, under a name that says where it stood. Not here: what is a record
(`framing`), files that are no segment at all (`segment.seal_orphans`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.segment import (
    HEADER_BYTES,
    NODE_BYTES,
    QUARANTINE,
    Segment,
    SpoolFailed,
    create,
    header,
    make_folder,
)

_log = logging.getLogger(__name__)

_TIME = re.compile(r"(\d{8}T\d{6})\.(\d{3})-")


def header_is_sound(segment: Segment) -> bool:
    """Whether the header is what the name says; costs one read of 64 bytes.

    A damaged one harms nobody, since the name states the same, but the disk needs looking
    after. Raises `SpoolFailed` when the file cannot be read.
    """
    named = _TIME.match(segment.name)
    if named is None:
        return False
    second = datetime.strptime(named[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    node, segment_id = segment.identity[:NODE_BYTES], segment.identity[NODE_BYTES:]
    expected = header(node, segment_id, epoch_ms(second) + int(named[2]))
    return _bytes(segment, 0, HEADER_BYTES) == expected


def set_aside(segment: Segment, start: int, end: int) -> None:
    """Copy the bytes from `start` to `end` into the quarantine, unless they are there already.

    Where that fails it is only logged: the segment itself is kept for some days, and what is
    behind the damage must not wait for room on the disk.
    """
    _log.error("segment %s: bytes %d–%d are damaged", segment.name, start, end)
    folder = segment.path.parent / QUARANTINE
    path = folder / f"{segment.name}-{segment.node}.bytes-{start}-{end}.damaged"
    try:
        if not path.exists():
            make_folder(folder)
            os.close(create(path, _bytes(segment, start, end)))
    except (OSError, SpoolFailed) as error:
        _log.error("segment %s: the damaged bytes cannot be set aside: %s", segment.name, error)


def forget_old(spool_dir: Path, kept_seconds: float) -> None:
    """Remove what was set aside longer ago: addresses' networks and tokens are in it as well.

    Raises `SpoolFailed` when a file cannot be removed.
    """
    try:
        for path in (spool_dir / QUARANTINE).glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > kept_seconds:
                    path.unlink()
    except OSError as error:
        raise SpoolFailed(error) from error


def _bytes(segment: Segment, start: int, end: int) -> bytes:
    sealed = segment.path.with_suffix(".sealed")
    for path in (segment.path, sealed):
        try:
            with path.open("rb") as file:
                file.seek(start)
                return file.read(end - start)
        except FileNotFoundError:
            continue  # sealed since it was listed
        except OSError as error:
            raise SpoolFailed(error) from error
    raise SpoolFailed("it is gone")
