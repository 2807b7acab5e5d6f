"""Segment files: their names, headers and locks, and what of them a reader may believe.

Decided here: how a file comes into the spool whole, who holds it, up to where it may be
read, and what becomes of the files of the dead. Not here: the records (`framing`), the one
segment being written (`open_segment`), which segments are ingested (`ingest`).

A segment is `<time>-<segment id>-<node>.open` while its writer lives and ends in `.sealed`
ever after. Its name and its header both state the identity (node and segment id) that every
CRC depends on: bit rot in the header costs nothing, and a file that fsck put into
lost+found under another name can be put back.

The writer holds a lock (of the open file description: it ends with its last holder, however
that one dies) from the last committed byte to infinity. So the lock says two things at
once: the writer lives, and up to where its promises reach. What it is still writing may yet
be taken back, and a reader that took it for recorded would count it twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from linkservice.clicks.ahead import take_off
from linkservice.clicks.event import MAX_TIME_MS
from linkservice.clicks.framing import frames
from linkservice.errors import Failed, Problem, Unavailable

NODE_BYTES = 16
SEGMENT_ID_BYTES = 8
HEADER_BYTES = 64
QUARANTINE = "quarantine"

# A temporary file this old belongs to nobody: making a file takes milliseconds.
_STALE_SECONDS = 3600

_FORMAT = 1
_MAGIC = b"LNKSPOOL"
_HEADER = struct.Struct("<8sH16s8sQ")
_CRC = struct.Struct("<I")
_FLOCK = struct.Struct("hhqqi4x")  # struct flock of fcntl(2): type, whence, start, length, pid
_NAME = re.compile(r"(\d{8}T\d{6}\.\d{3}-([0-9a-f]{16}))-([0-9a-f]{32})")

State = Literal["live", "orphan", "sealed", "broken"]


class SpoolFailed(Unavailable):
    """The spool could not be written or read; what was to be recorded is not."""

    code = "spool_failed"

    def __init__(self, reason: object) -> None:
        if isinstance(reason, OSError):
            reason = reason.strerror or reason
        super().__init__(
            Problem("", "spool_failed", {"reason": str(reason) or type(reason).__name__})
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment file as it stood when `segments` looked.

    `live`: its writer holds it. `orphan`: its writer died, `seal_orphans` will seal it.
    `sealed`: it never changes again. `broken`: too short for a segment, or neither name nor
    header says whose it is; `seal_orphans` will put it into quarantine, and `identity` is
    empty. `size` is in bytes, the header included, and ends a live one at its last promise.
    """

    path: Path
    name: str
    identity: bytes
    state: State
    size: int

    @property
    def node(self) -> str:
        """The writing node, in hexadecimal; with `name` it is the segment's id."""
        return self.identity[:NODE_BYTES].hex()

    @property
    def live(self) -> bool:
        return self.state == "live"

    @property
    def sealed(self) -> bool:
        return self.state == "sealed"

    @property
    def broken(self) -> bool:
        return self.state == "broken"

    def read(self, start: int = HEADER_BYTES, most: int | None = None) -> bytes:
        """The bytes from `start` up to where the writer's promises reach, now; `most` of them.

        Raises `SpoolFailed` when the file cannot be read.
        """
        try:
            with _opened(self.path) as fd:
                # The lock is asked before the size: without a lock, the size is final.
                committed = held_from(fd)
                end = os.fstat(fd).st_size if committed is None else committed
                if most is not None:
                    end = min(end, start + most)
                if end <= start:
                    return b""
                # A dead writer's last bytes may be in the page cache only. Ingested now and
                # gone after a power cut, they would be in the reports and in no file.
                os.fdatasync(fd)
                return _read(fd, start, end)
        except OSError as error:
            raise SpoolFailed(error) from error


def segments(spool_dir: Path) -> list[Segment]:
    """All segments in the spool, the oldest first; none when there is no spool yet.

    Raises `SpoolFailed` when the folder cannot be read.
    """
    try:
        paths = [spool_dir / name for name in sorted(os.listdir(spool_dir))]
        # By stem, since one that is sealed right now may be listed under both names.
        found = {
            path.stem: segment
            for path in paths
            if path.suffix in (".open", ".sealed") and (segment := _segment(path))
        }
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SpoolFailed(error) from error
    return sorted(found.values(), key=lambda each: each.name)


def seal_orphans(spool_dir: Path) -> list[str]:
    """Seal the segments of dead writers and clear away what is none; the names sealed.

    Raises `SpoolFailed` when a file cannot be renamed.
    """
    sealed = []
    try:
        for segment in segments(spool_dir):
            with contextlib.suppress(FileNotFoundError):  # another one was faster
                if segment.broken:
                    _quarantine(segment.path)
                elif segment.state == "orphan":
                    _seal(segment)
                    sealed.append(segment.name)
        for path in spool_dir.glob(".*.tmp"):
            with contextlib.suppress(FileNotFoundError):
                if _is_stale(path):
                    path.unlink()
        if sealed:
            sync_directory(spool_dir)
    except OSError as error:
        raise SpoolFailed(error) from error
    return sealed


def delete_segment(segment: Segment) -> None:
    """Remove a sealed segment for good; one already gone is fine. Raises `SpoolFailed`."""
    if not segment.sealed:
        raise SpoolFailed("only a sealed segment may be deleted")
    try:
        segment.path.unlink(missing_ok=True)
        sync_directory(segment.path.parent)
    except OSError as error:
        raise SpoolFailed(error) from error


def write_segment(spool_dir: Path, node: bytes, segment_id: bytes, bodies: Iterable[bytes]) -> str:
    """Put a whole sealed segment of `bodies` into the spool; its name.

    The caller decides the id. One that is there already is left alone, so repeating an
    import writes nothing. The name's time is 1970, since it may depend on the id only.
    Raises `SpoolFailed`, and then there is no such segment.
    """
    name = segment_name(0, segment_id)
    path = spool_dir / f"{name}-{node.hex()}.sealed"
    try:
        if not path.exists():
            make_folder(spool_dir)
            content = frames(bodies, node + segment_id, HEADER_BYTES)
            os.close(create(path, header(node, segment_id, 0) + content))
    except OSError as error:
        raise SpoolFailed(error) from error
    return name


def node_id(data_dir: Path) -> bytes:
    """This installation's id of 16 bytes, made at the first call and kept in `data_dir`.

    Raises `SpoolFailed` when it cannot be kept, `Failed` when the file holds no id.
    """
    path = data_dir / "node"
    try:
        if not path.exists():
            temporary = path.with_name(f".node.{os.urandom(4).hex()}.tmp")
            os.close(create(temporary, os.urandom(NODE_BYTES).hex().encode() + b"\n"))
            # A link, unlike a rename, never replaces the id another process just made.
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
            temporary.unlink()
            sync_directory(data_dir)
        text = path.read_text("ascii", "replace").strip()
    except OSError as error:
        raise SpoolFailed(error) from error
    if not re.fullmatch(r"[0-9a-f]{32}", text):
        raise Failed(Problem("", "bad_node_file", {"path": str(path)}))
    return bytes.fromhex(text)


def header(node: bytes, segment_id: bytes, created_ms: int) -> bytes:
    """The first `HEADER_BYTES` of a segment: magic, format, identity, time, CRC, zeros."""
    packed = _HEADER.pack(_MAGIC, _FORMAT, node, segment_id, created_ms)
    return (packed + _CRC.pack(zlib.crc32(packed))).ljust(HEADER_BYTES, b"\0")


def segment_name(created_ms: int, segment_id: bytes) -> str:
    """A name that sorts by time: `20261122T044500.123-9f3a…`."""
    moment = datetime.fromtimestamp(created_ms // 1000, UTC)
    return f"{moment:%Y%m%dT%H%M%S}.{created_ms % 1000:03d}-{segment_id.hex()}"


def create(path: Path, content: bytes, lock_at: int | None = None) -> int:
    """Make `path` appear at once whole, durable and, from byte `lock_at` on, locked.

    Returns the open descriptor. Raises OSError, and then there is no such file.
    """
    # Locked before it can be seen under its name: nobody may take a new file for an orphan.
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if lock_at is not None:
            _set_lock(fd, fcntl.F_WRLCK, lock_at, 0)
        write_at(fd, content, 0)
        os.fsync(fd)
        temporary.rename(path)
        sync_directory(path.parent)
    except BaseException:
        for leftover in (temporary, path):
            with contextlib.suppress(OSError):
                leftover.unlink()
        os.close(fd)
        raise
    return fd


def make_folder(folder: Path) -> None:
    """Make the folder, if it is not there, so that it survives a power cut. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Also where it was there: another process may have made it and not come to this yet.
    sync_directory(folder.parent)


def write_at(fd: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`, however little the system takes at a time."""
    written = os.pwrite(fd, data, offset)
    while written < len(data):
        written += os.pwrite(fd, memoryview(data)[written:], offset + written)


def commit(fd: int, start: int, end: int) -> None:
    """Let readers have the bytes from `start` to `end`; the holder keeps those behind."""
    unlocked = _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, start, end - start, 0)
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, unlocked)


def held_from(fd: int) -> int | None:
    """The offset from which another holds the file, or None when nobody does."""
    asked = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, start, _, _ = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_OFD_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else int(start)


def sync_directory(directory: Path) -> None:
    """Make creations, renames and removals in `directory` survive a power cut."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _set_lock(fd: int, kind: int, start: int, length: int) -> None:
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, start, length, 0))


def _segment(path: Path) -> Segment | None:
    """The segment at `path`; None when it is gone."""
    named = _NAME.fullmatch(path.stem)
    try:
        if named and path.suffix == ".sealed":
            # The week's sealed segments are looked at again and again: no need to open them.
            return _described(path, named[1], named[3] + named[2], None, path.stat().st_size)
        with _opened(path) as fd:
            committed = held_from(fd)
            size = os.fstat(fd).st_size if committed is None else committed
            if named:
                return _described(path, named[1], named[3] + named[2], committed, size)
            name, identity = _from_header(_read(fd, 0, HEADER_BYTES))
            return _described(path, name or path.stem, identity, committed, size)
    except FileNotFoundError:
        return None


def _described(path: Path, name: str, identity: str, committed: int | None, size: int) -> Segment:
    state: State = "sealed" if path.suffix == ".sealed" else "orphan"
    if state == "orphan" and committed is not None:
        state = "live"
    elif not identity or size < HEADER_BYTES:
        state, identity = "broken", ""
    return Segment(path, name, bytes.fromhex(identity), state, size)


def _from_header(first: bytes) -> tuple[str, str]:
    """Name and identity (in hexadecimal) by the header; empty when it is damaged."""
    packed, crc = first[: _HEADER.size], first[_HEADER.size : _HEADER.size + _CRC.size]
    if crc != _CRC.pack(zlib.crc32(packed)):
        return "", ""
    magic, version, node, segment_id, created_ms = _HEADER.unpack(packed)
    if (magic, version) != (_MAGIC, _FORMAT) or created_ms > MAX_TIME_MS:
        return "", ""
    return segment_name(created_ms, segment_id), (node + segment_id).hex()


def _seal(orphan: Segment) -> None:
    fd = os.open(orphan.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        take_off(fd, orphan.identity, HEADER_BYTES)
    finally:
        os.close(fd)
    orphan.path.rename(orphan.path.with_suffix(".sealed"))


def _is_stale(path: Path) -> bool:
    """Whether nobody is making this file; one that is held is made now, whatever the clock says."""
    with path.open("rb") as file:
        age = time.time() - os.fstat(file.fileno()).st_mtime
        return age > _STALE_SECONDS and held_from(file.fileno()) is None


def _quarantine(path: Path) -> None:
    kept = path.parent / QUARANTINE
    make_folder(kept)
    path.rename(kept / f"{path.name}.{os.urandom(4).hex()}")
    sync_directory(kept)
    sync_directory(path.parent)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        # Its writer may have sealed it since it was listed.
        fd = os.open(path.with_suffix(".sealed"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _read(fd: int, start: int, end: int) -> bytes:
    parts = []
    while start < end:
        part = os.pread(fd, end - start, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
    return b"".join(parts)
