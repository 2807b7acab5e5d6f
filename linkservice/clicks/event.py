"""The click record: what a click is before anybody interprets it, and its form on disk.

Decided here: the fields of a record, their bounds, its bytes, and how a reader finds its
way through damaged ones. Not here: what is kept of an address or who is a visitor
(`visitor`), files and their durability (`segment`, `spool`), what a click counts as (`ingest`).

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
from enum import IntEnum, IntFlag
from typing import NamedTuple

VERSION = 2
"""What `encode` writes. Version 1, which had no client hints, is read as well."""

MAX_RECORD = 4096
MAX_USER_AGENT = 512
MAX_LANGUAGE = 35  # the length RFC 5646 asks implementations to allow for a language tag
MAX_HOST = 253
MAX_HINTS = 128
MAX_ID = 2**63 - 1
MAX_U32 = 2**32 - 1
# End of the year 9998: its local time exists in every zone, whatever the offset.
MAX_TIME_MS = 253_370_764_799_999

_HEAD = struct.Struct("<IIB")
PLACE = struct.Struct("<QIB")
"""What of a record's place its CRC covers: offset, length, version."""

_NUMBERS = {1: "qQIQQBIBBHBB", 2: "qQIQQBIBBHBBB"}
_BODIES = {version: struct.Struct("<" + numbers) for version, numbers in _NUMBERS.items()}
_BODY = _BODIES[VERSION]
FRAME = struct.Struct(_HEAD.format + _NUMBERS[VERSION])
"""Length, CRC, version and the numbers of a record of today's version."""

_BEFORE_LENGTH = 8  # length and CRC are not counted in the length

FRAME_BYTES = _HEAD.size
MAX_BODY = MAX_RECORD - FRAME_BYTES

# Where a length from 1 to MAX_RECORD may stand. It passes over text and over the zeros that
# a crash leaves behind without asking for a CRC at every byte.
_MAYBE_LENGTH = re.compile(rb"(?=(?:[\x01-\xff]\x00|[\x00-\xff][\x01-\x10])\x00\x00)")


class BadRecord(ValueError):
    """A click that no record may hold, or bytes that no click was written as."""


class Source(IntEnum):
    """How the visitor came: through the short URL or through its QR code."""

    CLICK = 0
    SCAN = 1


class Method(IntEnum):
    """The request's method."""

    GET = 0
    HEAD = 1


class Flag(IntFlag):
    """Bits of `Click.flags`. Unknown ones are kept: a newer writer may know more."""

    PREFETCH = 1  # the browser said it only prefetches
    PRIVACY = 2  # Sec-GPC or DNT: the click carries no visitor token
    IMPORTED = 4  # written by `clicks import`
    PREVIEW_PAGE = 8  # the `+` page was shown instead of a redirect
    OWN = 16  # a member's own visit: marked browser or listed network


SCAN_BIT, HEAD_BIT, MISS_BIT = 1, 2, 4
"""What a record says in single bits: `Click.source`, `.method` and `.miss`."""

KNOWN_BITS = SCAN_BIT | HEAD_BIT | MISS_BIT
_TEXT_BOUNDS = (MAX_USER_AGENT, MAX_LANGUAGE, MAX_HOST, MAX_HINTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """One request to the link door, as it is recorded.

    `time_ms` is UTC in milliseconds of the Unix epoch; `link_id` 0 means no live link (a
    miss). `network` is the address already cut: 3 bytes (IPv4 /24), 6 bytes (IPv6 /48) or
    none. `token` is 16 bytes or, for a tokenless click, none. `hints` are the client hints
    that were sent (`visitor.client_hints`). The texts are cut to their bounds in UTF-8 bytes
    at a character's boundary. Raises `BadRecord` for numbers out of range and for lengths a
    network or token cannot have, so that every Click can be written.
    """

    time_ms: int
    link_id: int = 0
    link_version: int = 0
    domain_id: int = 0
    workspace_id: int = 0
    source: Source = Source.CLICK
    method: Method = Method.GET
    miss: bool = False
    network: bytes = b""
    token: bytes = b""
    user_agent: str = ""
    language: str = ""
    referrer_host: str = ""
    hints: str = ""
    flags: int = 0

    def __post_init__(self) -> None:
        if not (
            0 <= self.time_ms <= MAX_TIME_MS
            and 0 <= self.link_id <= MAX_ID
            and 0 <= self.link_version <= MAX_U32
            and 0 <= self.domain_id <= MAX_ID
            and 0 <= self.workspace_id <= MAX_ID
            and 0 <= self.flags <= MAX_U32
            and len(self.network) in (0, 3, 6)
            and len(self.token) in (0, 16)
        ):
            raise BadRecord("a number, network or token is out of range")
        object.__setattr__(self, "user_agent", clip(self.user_agent, MAX_USER_AGENT))
        object.__setattr__(self, "language", clip(self.language, MAX_LANGUAGE))
        object.__setattr__(self, "referrer_host", clip(self.referrer_host, MAX_HOST))
        object.__setattr__(self, "hints", clip(self.hints, MAX_HINTS))


def clip(text: str, limit: int) -> str:
    """`text` cut to `limit` bytes of UTF-8 at a character's boundary.

    Lone surrogates become `?`. NUL becomes U+FFFD, since a PostgreSQL text cannot hold it.
    """
    if "\0" in text:
        text = text[:limit].replace("\0", "\ufffd")
    if text.isascii():
        return text[:limit]
    return text[:limit].encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


class Texts(NamedTuple):
    """The texts of a record as they are written: a browser sends the same ones every time."""

    agent: int
    language: int
    host: int
    hints: int
    joined: bytes


def encoded_texts(user_agent: str, language: str, referrer_host: str, hints: str) -> Texts:
    """The texts, cut to their bounds; the numbers of `Texts` are their lengths in bytes."""
    agent = clip(user_agent, MAX_USER_AGENT).encode()
    spoken = clip(language, MAX_LANGUAGE).encode()
    host = clip(referrer_host, MAX_HOST).encode()
    hinted = clip(hints, MAX_HINTS).encode()
    joined = b"".join((agent, spoken, host, hinted))
    return Texts(len(agent), len(spoken), len(host), len(hinted), joined)


def bits_of(click: Click) -> int:
    """What a record says of the click in single bits."""
    return (
        (SCAN_BIT if click.source == Source.SCAN else 0)
        | (HEAD_BIT if click.method == Method.HEAD else 0)
        | (MISS_BIT if click.miss else 0)
    )


def encode(click: Click) -> bytes:
    """The body of a record of version `VERSION`, at most `MAX_BODY` bytes."""
    return encode_parts(
        click.time_ms,
        click.link_id,
        click.link_version,
        click.domain_id,
        click.workspace_id,
        bits_of(click),
        click.flags,
        click.network,
        click.token,
        encoded_texts(click.user_agent, click.language, click.referrer_host, click.hints),
    )


def encode_parts(
    time_ms: int,
    link_id: int,
    link_version: int,
    domain_id: int,
    workspace_id: int,
    bits: int,
    flags: int,
    network: bytes,
    token: bytes,
    texts: Texts,
) -> bytes:
    """As `encode`, of values that a `Click` may have; the hot lane makes none to be written.

    Raises `BadRecord` for a number that does not fit.
    """
    agent, language, host, hints, joined = texts
    try:
        numbers = _BODY.pack(
            time_ms,
            link_id,
            link_version,
            domain_id,
            workspace_id,
            bits,
            flags,
            len(network),
            len(token),
            agent,
            language,
            host,
            hints,
        )
    except struct.error as error:
        raise BadRecord(str(error)) from None
    return b"".join((numbers, network, token, joined))


def decode(body: bytes | memoryview, version: int = VERSION) -> Click:
    """The click that was written as `body` of that version.

    Raises `BadRecord` for any other bytes.
    """
    form = _BODIES.get(version)
    if form is None:
        raise BadRecord(f"version {version}")
    if len(body) < form.size:
        raise BadRecord("too short")
    time_ms, link_id, link_version, domain_id, workspace_id, bits, flags, *lengths = (
        form.unpack_from(body)
    )
    if bits & ~KNOWN_BITS:
        raise BadRecord("unknown bits")
    if len(body) != form.size + sum(lengths):
        raise BadRecord("lengths do not add up")
    if any(length > most for length, most in zip(lengths[2:], _TEXT_BOUNDS, strict=False)):
        raise BadRecord("a text is too long")
    parts, at = [], form.size
    for length in lengths:
        parts.append(bytes(body[at : at + length]))
        at += length
    try:
        agent, language, host, *hints = (part.decode() for part in parts[2:])
    except UnicodeDecodeError:
        raise BadRecord("a text is not UTF-8") from None
    return Click(
        time_ms=time_ms,
        link_id=link_id,
        link_version=link_version,
        domain_id=domain_id,
        workspace_id=workspace_id,
        source=Source.SCAN if bits & SCAN_BIT else Source.CLICK,
        method=Method.HEAD if bits & HEAD_BIT else Method.GET,
        miss=bool(bits & MISS_BIT),
        network=parts[0],
        token=parts[1],
        user_agent=agent,
        language=language,
        referrer_host=host,
        hints=hints[0] if hints else "",
        flags=flags,
    )


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
