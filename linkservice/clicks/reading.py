"""A segment's records in bounded pieces, decoded in bulk: ten times as quick as one by one.

The quick way takes what is whole, of today's version and says nothing new; at anything else
`event.read_records` decides, so that damage, old versions and odd contents have one
interpretation only. Not here: what a record is (`event`), what becomes of it (`placing`).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

from linkservice.clicks.event import (
    FRAME,
    HEAD_BIT,
    KNOWN_BITS,
    MAX_ID,
    MAX_RECORD,
    MAX_TIME_MS,
    MISS_BIT,
    PLACE,
    SCAN_BIT,
    VERSION,
    BadRecord,
    Click,
    Damage,
    Method,
    Record,
    Source,
    Torn,
    Unreadable,
    decode,
    read_records,
)
from linkservice.clicks.segment import Segment

PIECE_BYTES = 1 << 20
"""Read at once: enough for thousands of records, and a backlog of any size fits in memory."""

MOST_TEXTS = 50_000
"""Texts of each sort that are remembered: people share a few thousand."""


class Sent(NamedTuple):
    """What a browser, or whatever it was, said of itself."""

    user_agent: str
    hints: str


class Came(NamedTuple):
    """What was said of the person: the language, and the host of the page left behind."""

    language: str
    referrer_host: str


class Recorded(NamedTuple):
    """A record as ingest takes it: the numbers of `event.Click`, in the order of its bytes.

    `offset` is its id within the segment, `bits` tell scans, HEAD requests and misses.
    """

    offset: int
    time_ms: int
    link_id: int
    link_version: int
    domain_id: int
    workspace_id: int
    bits: int
    flags: int
    network: bytes
    token: bytes
    sent: Sent
    came: Came

    @property
    def scan(self) -> bool:
        return bool(self.bits & SCAN_BIT)

    @property
    def head(self) -> bool:
        return bool(self.bits & HEAD_BIT)

    @property
    def miss(self) -> bool:
        return bool(self.bits & MISS_BIT)


@dataclass(slots=True)
class Stretch:
    """What stands between two byte offsets of a segment, in its order.

    `unreadable` are records that were accepted and cannot be understood, `damaged` bytes that
    are no record; `last` says that nothing was behind it.
    """

    start: int
    end: int
    records: list[Recorded] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    damaged: list[Damage | Torn] = field(default_factory=list)
    last: bool = False


class Reader:
    """Reads on from a position of a segment, up to where its writer's promises reach."""

    def __init__(
        self, segment: Segment, position: int, texts: Texts, piece: int = PIECE_BYTES
    ) -> None:
        self._segment = segment
        self._piece = piece
        self._texts = texts
        self._start = position  # of the buffer, in the segment
        self._buffer = b""
        self._at = 0  # within the buffer
        self._ended = False

    def next(self, most: int) -> Stretch:
        """The next stretch, of about `most` records. Raises `SpoolFailed`.

        Of a segment that is sealed the last stretch holds everything up to its end. In one
        that still grows, a record may be incomplete: it is left for the next reader.
        """
        stretch = Stretch(self._start + self._at, self._start + self._at)
        while len(stretch.records) < most:
            if self._at == len(self._buffer) and not self._read_on(self._piece):
                stretch.last = True
                break
            self._decode(stretch, most)
            if len(stretch.records) < most and not self._careful(stretch):
                stretch.last = True
                break
        stretch.end = self._start + self._at
        return stretch

    def _decode(self, stretch: Stretch, most: int) -> None:
        wanted = most - len(stretch.records)
        self._at = decode_run(
            self._buffer,
            self._at,
            self._segment.identity,
            self._start,
            wanted,
            self._texts,
            stretch.records,
        )

    def _careful(self, stretch: Stretch) -> bool:
        """Take what the quick way left; whether anything may follow."""
        rest = memoryview(self._buffer)[self._at :]
        here = self._start + self._at
        found = next(read_records(rest, self._segment.identity, here), None)
        if found is None:
            return True
        if isinstance(found, Torn):
            # Half of it may only not have been read yet.
            if self._read_on(max(self._piece, len(rest))):
                return True
            if not self._segment.sealed:
                return False  # its writer may still complete it
            stretch.damaged.append(found)
        elif isinstance(found, Damage):
            stretch.damaged.append(found)
        elif isinstance(found, Unreadable):
            stretch.unreadable.append(found)
        else:
            stretch.records.append(_recorded(found))
        self._at = found.end - self._start
        return True

    def _read_on(self, size: int) -> bool:
        """Put up to `size` more bytes behind what is left; whether there were any."""
        if self._ended:
            return False
        rest = self._buffer[self._at :]
        self._start += self._at
        more = self._segment.read(self._start + len(rest), size)
        self._ended = len(more) < size
        self._buffer, self._at = rest + more, 0
        return bool(more)


class Texts:
    """Remembers, by their bytes, texts that `event.decode` has found in order.

    Agents and origins apart: together nearly every record would have texts of its own.
    """

    def __init__(self) -> None:
        self.sent: dict[tuple[bytes, bytes], Sent] = {}
        self.came: dict[tuple[int, bytes], Came] = {}

    def understood(
        self, agent: tuple[bytes, bytes], origin: tuple[int, bytes], click: Click
    ) -> tuple[Sent, Came]:
        """Remember that these bytes were decoded as the texts of `click`."""
        for known in (self.sent, self.came):
            if len(known) >= MOST_TEXTS:
                known.clear()
        sent = self.sent[agent] = _sent(click)
        came = self.came[origin] = _came(click)
        return sent, came


def decode_run(
    data: bytes,
    at: int,
    identity: bytes,
    start: int,
    most: int,
    texts: Texts,
    records: list[Recorded],
) -> int:
    """Append up to `most` records of `data` from `at` on; where the next one begins.

    `data` are the bytes of the segment `identity` from offset `start` on. It stops before
    the first record that is not beyond doubt, and leaves that to `read_records`.
    """
    # Local names: this loop runs for every click.
    unpack, pack, crc32, frame = FRAME.unpack_from, PLACE.pack, zlib.crc32, FRAME.size
    sent_as, came_as = texts.sent.get, texts.came.get
    add, view = records.append, memoryview(data)
    seed, size = crc32(identity), len(data)
    for _ in range(most):
        if at + frame > size:
            break
        (
            length, crc, version, time_ms, link_id, link_version, domain_id, workspace_id, bits,
            flags, networks, tokens, agents, languages, hosts, hints,
        ) = unpack(data, at)  # fmt: skip
        end = at + 8 + length
        network = at + frame
        token = network + networks
        text = token + tokens
        if (
            version != VERSION
            or end > size
            or length > MAX_RECORD - 8
            or text + agents + languages + hosts + hints != end
            or bits > KNOWN_BITS
            or crc32(view[at + 9 : end], crc32(pack(start + at, length, version), seed)) != crc
            or not _in_bounds(time_ms, link_id, domain_id, workspace_id, networks, tokens)
        ):
            break
        language, hint = text + agents, end - hints
        agent = data[text:language], data[hint:end]
        origin = languages, data[language:hint]
        sent, came = sent_as(agent), came_as(origin)
        if sent is None or came is None:
            try:
                click = decode(view[at + 9 : end], version)
            except BadRecord:
                break
            sent, came = texts.understood(agent, origin, click)
        add(
            Recorded(
                start + at, time_ms, link_id, link_version, domain_id, workspace_id, bits, flags,
                data[network:token], data[token:text], sent, came,
            )
        )  # fmt: skip
        at = end
    return at


def _in_bounds(
    time_ms: int, link_id: int, domain_id: int, workspace_id: int, network: int, token: int
) -> bool:
    return (
        0 <= time_ms <= MAX_TIME_MS
        and link_id <= MAX_ID
        and domain_id <= MAX_ID
        and workspace_id <= MAX_ID
        and network in (0, 3, 6)
        and token in (0, 16)
    )


def _recorded(record: Record) -> Recorded:
    click = record.click
    bits = (
        (SCAN_BIT if click.source == Source.SCAN else 0)
        | (HEAD_BIT if click.method == Method.HEAD else 0)
        | (MISS_BIT if click.miss else 0)
    )
    return Recorded(
        record.offset,
        click.time_ms,
        click.link_id,
        click.link_version,
        click.domain_id,
        click.workspace_id,
        bits,
        click.flags,
        click.network,
        click.token,
        _sent(click),
        _came(click),
    )


def _sent(click: Click) -> Sent:
    return Sent(click.user_agent, click.hints)


def _came(click: Click) -> Came:
    return Came(click.language, click.referrer_host)
