"""Records in a segment: the bytes around a body, and a reader's way through damaged ones.

Decided here: length, CRC and version of a record, and what of a segment's bytes is one. Not
here: what the body says (`event`), which bytes of a file may be read (`segment`).

A record in a segment, little-endian::

    u32 length | u32 crc32 | u8 version | body         length counts version and body

The CRC covers the segment's identity, the record's offset, length, version and body. So a
record's id (node, segment, offset) is part of it without being stored, and no bytes are a
record anywhere but where they were written: neither a block of another file nor a record
forged inside a user agent, whose author cannot know the 64 random bits of the segment.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from linkservice.clicks.event import NUMBERS, VERSION, BadRecord, Click, decode

_HEAD = struct.Struct("<IIB")
PLACE = struct.Struct("<QIB")
"""What of a record's place its CRC covers: offset, length, version."""

FRAME = struct.Struct(_HEAD.format + NUMBERS[VERSION])
"""Length, CRC, version and the numbers of a record of today's version."""

_BEFORE_LENGTH = 8  # length and CRC are not counted in the length

MAX_RECORD = 4096
FRAME_BYTES = _HEAD.size
MAX_BODY = MAX_RECORD - FRAME_BYTES

# Where a length from 1 to MAX_RECORD may stand. It passes over text and over the zeros that
# a crash leaves behind without asking for a CRC at every byte.
_MAYBE_LENGTH = re.compile(rb"(?=(?:[\x01-\xff]\x00|[\x00-\xff][\x01-\x10])\x00\x00)")


def frame(body: bytes, identity: bytes, offset: int, version: int = VERSION) -> bytes:
    """The record to be written at `offset` of the segment `identity`.

    Raises `BadRecord` for a body of more than `MAX_BODY` bytes.
    """
    if len(body) > MAX_BODY:
        raise BadRecord(f"a body of {len(body)} bytes")
    length = len(body) + 1
    return _HEAD.pack(length, _crc(identity, offset, length, version, body), version) + body


def frames(bodies: Iterable[bytes], identity: bytes, offset: int) -> bytes:
    """The records of `bodies`, one behind the other from `offset` on; as `frame` makes them.

    Raises `BadRecord` for a body of more than `MAX_BODY` bytes.
    """
    crc32, of_identity = zlib.crc32, zlib.crc32(identity)
    pack, pack_place = _HEAD.pack, PLACE.pack
    records = []
    for body in bodies:
        if len(body) > MAX_BODY:
            raise BadRecord(f"a body of {len(body)} bytes")
        length = len(body) + 1
        place = pack_place(offset, length, VERSION)
        records.append(pack(length, crc32(body, crc32(place, of_identity)), VERSION))
        records.append(body)
        offset += _BEFORE_LENGTH + length
    return b"".join(records)


@dataclass(frozen=True, slots=True)
class Record:
    """A click, in the bytes from `offset` (its id within the segment) up to `end`."""

    offset: int
    end: int
    click: Click


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record whose CRC is right and whose content is not understood: accepted, rejected."""

    offset: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record, before one that is."""

    offset: int
    end: int


@dataclass(frozen=True, slots=True)
class Torn:
    """Bytes after which no record follows.

    In a segment that still grows, or when only a part of it was passed in, a record may be
    incomplete: read again from `offset`, never from `end`. At the end of a sealed segment
    they are final: a write that a crash cut off, or damage.
    """

    offset: int
    end: int


Found = Record | Unreadable | Damage | Torn


def read_records(data: bytes | memoryview, identity: bytes, start: int) -> Iterator[Found]:
    """All that stands in `data`, in order and without gaps.

    `data` are the bytes of the segment `identity` from offset `start` on, where a record
    begins. Behind damage the reading goes on at the next offset where a whole record
    stands, so one flipped bit costs one record.
    """
    view = memoryview(data)
    at = 0
    while at < len(view):
        end = _record_end(view, at, identity, start)
        if end is None:
            following = _next_record(view, at + 1, identity, start)
            if following is None:
                yield Torn(start + at, start + len(view))
                return
            yield Damage(start + at, start + following)
            at = following
            continue
        yield _found(view, at, end, start)
        at = end


def last_record_end(data: bytes, identity: bytes, start: int) -> int:
    """Where the last whole record that begins in `data` ends; 0 where none does.

    `data` are bytes of the segment `identity` from offset `start` on, where no record need
    begin: a chance find is ruled out by the CRC, which depends on the place.
    """
    view = memoryview(data)
    ends = (
        _record_end(view, each.start(), identity, start) for each in _MAYBE_LENGTH.finditer(view)
    )
    return max((start + end for end in ends if end is not None), default=0)


def _found(view: memoryview, at: int, end: int, start: int) -> Record | Unreadable:
    try:
        click = decode(view[at + FRAME_BYTES : end], view[at + _BEFORE_LENGTH])
    except BadRecord as error:
        return Unreadable(start + at, start + end, str(error))
    return Record(start + at, start + end, click)


def _record_end(view: memoryview, at: int, identity: bytes, start: int) -> int | None:
    """Where the record at `at` ends, or None when no whole record stands there."""
    if len(view) - at < FRAME_BYTES:
        return None
    length, crc, version = _HEAD.unpack_from(view, at)
    end: int = at + _BEFORE_LENGTH + length
    if not 1 <= length <= MAX_RECORD - _BEFORE_LENGTH or end > len(view):
        return None
    body = view[at + FRAME_BYTES : end]
    return end if _crc(identity, start + at, length, version, body) == crc else None


def _next_record(view: memoryview, at: int, identity: bytes, start: int) -> int | None:
    for candidate in _MAYBE_LENGTH.finditer(view, at):
        if _record_end(view, candidate.start(), identity, start) is not None:
            return candidate.start()
    return None


def _crc(identity: bytes, offset: int, length: int, version: int, body: bytes | memoryview) -> int:
    place = PLACE.pack(offset, length, version)
    return zlib.crc32(body, zlib.crc32(place, zlib.crc32(identity)))
