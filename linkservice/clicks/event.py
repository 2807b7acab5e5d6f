"""The click record: what a click is before anybody interprets it, and its form on disk.

Decided here: the fields of a record, their bounds and its body's bytes. Not here: how bodies
stand in a segment and are found again (`framing`), what is kept of an address or who is a
visitor (`visitor`), files and their durability (`segment`, `spool`), what a click counts as
(`ingest`).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple

VERSION = 2
"""What `encode` writes. Version 1, which had no client hints, is read as well."""

MAX_USER_AGENT = 512
MAX_LANGUAGE = 35  # the length RFC 5646 asks implementations to allow for a language tag
MAX_HOST = 253
MAX_HINTS = 128
MAX_ID = 2**63 - 1
MAX_U32 = 2**32 - 1
# End of the year 9998: its local time exists in every zone, whatever the offset.
MAX_TIME_MS = 253_370_764_799_999

NUMBERS = {1: "qQIQQBIBBHBB", 2: "qQIQQBIBBHBBB"}
"""With what the bodies of each version begin, as `struct` writes it."""

_BODIES = {version: struct.Struct("<" + numbers) for version, numbers in NUMBERS.items()}
_BODY = _BODIES[VERSION]


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
    """The body of a record of version `VERSION`, at most `framing.MAX_BODY` bytes."""
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
