"""The one segment that is being written: how it begins, how far it reaches, how it ends.

Decided here: that a segment without records leaves no file. Not here: when a segment begins and
ends, what is written into it and when (`spool`), files, locks and readers (`segment`).
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from linkservice.clicks.segment import (
    HEADER_BYTES,
    SEGMENT_ID_BYTES,
    create,
    header,
    make_folder,
    segment_name,
    sync_directory,
)


class OpenSegment:
    """The file being written, committed up to `end`, with zeros up to `ahead` if there is room."""

    __slots__ = ("ahead", "created_ms", "end", "fd", "identity", "path")

    def __init__(self, fd: int, path: Path, identity: bytes, created_ms: int) -> None:
        self.fd = fd
        self.path = path
        self.identity = identity
        self.created_ms = created_ms
        self.end = self.ahead = HEADER_BYTES

    @classmethod
    def begin(cls, spool_dir: Path, node: bytes) -> OpenSegment:
        """A new one in the folder, which is made if it is not there. Raises OSError."""
        created_ms = time.time_ns() // 1_000_000
        segment_id = os.urandom(SEGMENT_ID_BYTES)
        name = f"{segment_name(created_ms, segment_id)}-{node.hex()}.open"
        path = spool_dir / name
        make_folder(spool_dir)
        fd = create(path, header(node, segment_id, created_ms), lock_at=HEADER_BYTES)
        return cls(fd, path, node + segment_id, created_ms)

    def take_back(self) -> None:
        """Let what lies behind `end` be gone for good. Raises OSError where that is not sure."""
        os.ftruncate(self.fd, self.end)
        os.fdatasync(self.fd)

    def seal(self) -> int:
        """Sync, rename and close; without records, remove. The number of syncs made."""
        synced = 0
        with contextlib.suppress(OSError):
            if self.end > HEADER_BYTES:
                if self.ahead > self.end:
                    os.ftruncate(self.fd, self.end)
                with contextlib.suppress(OSError):
                    os.fdatasync(self.fd)
                    synced = 1
                self.path.rename(self.path.with_suffix(".sealed"))
            else:
                self.path.unlink()
            sync_directory(self.path.parent)
        self.close()
        return synced

    def close(self) -> None:
        """Let go of it as it stands; its lock ends with its last holder."""
        with contextlib.suppress(OSError):
            os.close(self.fd)
