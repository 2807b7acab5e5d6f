"""A segment's records in bounded pieces, decoded in bulk: ten times as quick as one by one.

The quick way takes what is whole, of today's version and says nothing new; at anything else
`framing.read_records` decides, so that damage, old versions and odd contents have one
interpretation only. Not here: what a record is (`framing`), what becomes of it (`placing`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from linkservice.clicks.event import (
    KNOWN_BITS,
    MAX_ID,
    MAX_TIME_MS,
    VERSION,
    BadRecord,
    Click,
    bits_of,
    decode,
)
from linkservice.clicks.framing import (
    FRAME,
    FRAME_BYTES,
    MAX_RECORD,
    PLACE,
    Damage,
    Torn,
    Unreadable,
    read_records,
)
from linkservice.clicks.grouping import Ints
from linkservice.clicks.segment import Segment
from linkservice.clicks.visitor import TOKEN_BYTES, packed_network

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


RECORD = np.dtype(
    [
        *((name, np.int64) for name in ("offset", "time_ms", "link_id", "link_version")),
        *((name, np.int64) for name in ("domain_id", "workspace_id", "bits", "flags")),
        *((name, np.int64) for name in ("network", "agent", "origin")),
        ("token", np.uint64, 2),
        ("tokenless", np.bool_),
    ]
)
"""A record as ingest takes it: what `event.Click` says, as numbers.

`offset` is its id within the segment, `bits` tell scans, HEAD requests and misses, `network`
is `visitor.packed_network`, `agent` and `origin` are places in `Records`.
"""

Rows: TypeAlias = NDArray[np.void]
"""An array of rows that have named columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Records in their order, as columns: a batch of thousands is then worked on at once."""

    rows: Rows
    agents: Sequence[Sent]
    origins: Sequence[Came]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(slots=True)
class Stretch:
    """What stands between two byte offsets of a segment, in its order.

    `unreadable` are records that were accepted and cannot be understood, `damaged` bytes that
    are no record; `last` says that nothing was behind it.
    """

    start: int
    end: int
    records: Records
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
        self._texts.forget_if_full()
        begins = self._start + self._at
        stretch = Stretch(begins, begins, Records(_NONE, self._texts.agents, self._texts.origins))
        parts, wanted = [_NONE], most
        while wanted > 0:
            if self._at == len(self._buffer) and not self._read_on(self._piece):
                stretch.last = True
                break
            quickly = self._decode(wanted)
            parts.append(quickly)
            wanted -= len(quickly)
            if wanted > 0:
                found = self._careful(stretch)
                if found is None:
                    stretch.last = True
                    break
                parts.append(found)
                wanted -= len(found)
        stretch.records = replace(stretch.records, rows=np.concatenate(parts))
        stretch.end = self._start + self._at
        return stretch

    def _decode(self, most: int) -> Rows:
        rows, self._at = decode_run(
            self._buffer, self._at, self._segment.identity, self._start, most, self._texts
        )
        return rows

    def _careful(self, stretch: Stretch) -> Rows | None:
        """Take what the quick way left; None when nothing can follow."""
        rest = memoryview(self._buffer)[self._at :]
        here = self._start + self._at
        found, rows = next(read_records(rest, self._segment.identity, here), None), _NONE
        if found is None:
            return rows
        if isinstance(found, Torn):
            # Half of it may only not have been read yet.
            if self._read_on(max(self._piece, len(rest))):
                return rows
            if not self._segment.sealed:
                return None  # its writer may still complete it
            stretch.damaged.append(found)
        elif isinstance(found, Damage):
            stretch.damaged.append(found)
        elif isinstance(found, Unreadable):
            stretch.unreadable.append(found)
        else:
            rows = row_of(found.offset, found.click, self._texts)
        self._at = found.end - self._start
        return rows

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
        self._begin()

    def forget_if_full(self) -> None:
        """Begin anew, with other lists, when too many are remembered."""
        if max(len(self.agents), len(self.origins)) >= MOST_TEXTS:
            self._begin()

    def _begin(self) -> None:
        self.agents: list[Sent] = []
        self.origins: list[Came] = []
        self.of_agent: dict[tuple[bytes, bytes], int] = {}
        self.of_origin: dict[tuple[int, bytes], int] = {}

    def place(
        self, agent: tuple[bytes, bytes], origin: tuple[int, bytes], click: Click
    ) -> tuple[int, int]:
        """The places of the texts of `click`, whose bytes these are."""
        return (
            _numbered(self.of_agent, agent, self.agents, Sent(click.user_agent, click.hints)),
            _numbered(
                self.of_origin, origin, self.origins, Came(click.language, click.referrer_host)
            ),
        )


def decode_run(
    data: bytes, start: int, identity: bytes, offset: int, most: int, texts: Texts
) -> tuple[Rows, int]:
    """Up to `most` records of `data` from `start` on, and where the next one begins.

    `data` are the bytes of the segment `identity` from `offset` on. It stops before the first
    record that is not beyond doubt, and leaves that to `read_records`.
    """
    begins = np.array(_frames(data, start, identity, offset, most), np.int64)
    if len(begins) < 2:
        return _NONE, start
    begins, ends = begins[:-1], begins[1:]
    raw = np.frombuffer(data, np.uint8)
    frames = _bytes_at(raw, begins, _FRAME.itemsize).view(_FRAME)[:, 0]
    network_at = begins + _FRAME.itemsize
    token_at = network_at + frames["networks"]
    agent_at = token_at + frames["tokens"]
    language_at = agent_at + frames["agents"]
    host_at = language_at + frames["languages"]
    hints_at = host_at + frames["hosts"]
    in_order = (hints_at + frames["hints"] == ends) & _in_bounds(frames)
    number = len(ends) if in_order.all() else int(np.argmin(in_order))
    spans = zip(
        agent_at[:number].tolist(),
        language_at[:number].tolist(),
        host_at[:number].tolist(),
        hints_at[:number].tolist(),
        ends[:number].tolist(),
        strict=True,
    )
    agents, origins = _texts(data, spans, begins, texts)
    number = len(agents)
    rows = np.empty(number, RECORD)
    frames = frames[:number]
    rows["offset"] = begins[:number] + offset
    for name in (*_SAME, "bits"):
        rows[name] = frames[name]
    rows["network"] = _networks(_bytes_at(raw, network_at[:number], 6), frames["networks"])
    rows["token"] = _bytes_at(raw, token_at[:number], TOKEN_BYTES).view("<u8")
    rows["tokenless"] = frames["tokens"] == 0
    rows["agent"], rows["origin"] = agents, origins
    return rows, int(ends[number - 1]) if number else start


def row_of(offset: int, click: Click, texts: Texts) -> Rows:
    """One row, of a click that was read the careful way."""
    language = click.language.encode()
    agent, origin = texts.place(
        (click.user_agent.encode(), click.hints.encode()),
        (len(language), language + click.referrer_host.encode()),
        click,
    )
    row = np.zeros(1, RECORD)
    row["offset"] = offset
    row["bits"] = bits_of(click)
    for name in _SAME:
        row[name] = getattr(click, name)
    row["network"] = packed_network(click.network)
    row["agent"], row["origin"] = agent, origin
    row["tokenless"] = not click.token
    if click.token:
        row["token"] = np.frombuffer(click.token, "<u8")
    return row


_NONE = np.empty(0, RECORD)
_SAME = ("time_ms", "link_id", "link_version", "domain_id", "workspace_id", "flags")

_FRAME = np.dtype(
    [
        *(("length", "<u4"), ("crc", "<u4"), ("version", "u1"), ("time_ms", "<i8")),
        *(("link_id", "<u8"), ("link_version", "<u4"), ("domain_id", "<u8")),
        *(("workspace_id", "<u8"), ("bits", "u1"), ("flags", "<u4"), ("networks", "u1")),
        *(("tokens", "u1"), ("agents", "<u2"), ("languages", "u1"), ("hosts", "u1")),
        ("hints", "u1"),
    ]
)
"""`framing.FRAME`, by name."""

_SHORTEST = FRAME.size - 8  # length and CRC are not counted in the length


def _frames(data: bytes, at: int, identity: bytes, offset: int, most: int) -> list[int]:
    """Where up to `most` whole records of today's version begin, and where the last one ends."""
    # Local names: this loop runs for every click.
    unpack, pack, crc32 = _LENGTH_AND_CRC.unpack_from, PLACE.pack, zlib.crc32
    seed, view, size = crc32(identity), memoryview(data), len(data)
    found = [at]
    for _ in range(most):
        if at + FRAME.size > size:
            break
        length, crc = unpack(data, at)
        end = at + 8 + length
        if (
            not _SHORTEST <= length <= MAX_RECORD - 8
            or end > size
            or crc32(view[at + 9 : end], crc32(pack(offset + at, length, VERSION), seed)) != crc
            or data[at + 8] != VERSION
        ):
            break
        found.append(end)
        at = end
    return found


_LENGTH_AND_CRC = struct.Struct("<II")


def _bytes_at(raw: NDArray[np.uint8], places: Ints, number: int) -> NDArray[np.uint8]:
    """So many bytes from each place on; behind the end the last one again."""
    return raw.take(places[:, np.newaxis] + np.arange(number), mode="clip")


def _in_bounds(frames: Rows) -> NDArray[np.bool_]:
    good = (frames["time_ms"] >= 0) & (frames["time_ms"] <= MAX_TIME_MS)
    for name in ("link_id", "domain_id", "workspace_id"):
        good &= frames[name] <= MAX_ID
    good &= frames["bits"] <= KNOWN_BITS
    good &= np.isin(frames["networks"], (0, 3, 6))
    return good & np.isin(frames["tokens"], (0, TOKEN_BYTES))


def _texts(
    data: bytes,
    spans: Iterable[tuple[int, int, int, int, int]],
    begins: Ints,
    texts: Texts,
) -> tuple[list[int], list[int]]:
    """The places of agents and origins, up to the first that are not in order.

    `spans` are where each record's agent, language, host and hints begin, and where it ends.
    """
    of_agent, of_origin = texts.of_agent.get, texts.of_origin.get
    agents, origins = list[int](), list[int]()
    for agent_at, language_at, host_at, hints_at, end in spans:
        by_agent = data[agent_at:language_at], data[hints_at:end]
        by_origin = host_at - language_at, data[language_at:hints_at]
        agent, origin = of_agent(by_agent), of_origin(by_origin)
        if agent is None or origin is None:
            begin = int(begins[len(agents)])
            try:
                click = decode(memoryview(data)[begin + FRAME_BYTES : end])
            except BadRecord:
                break
            agent, origin = texts.place(by_agent, by_origin, click)
        agents.append(agent)
        origins.append(origin)
    return agents, origins


_Key = TypeVar("_Key")
_Text = TypeVar("_Text")


def _numbered(known: dict[_Key, int], key: _Key, all_: list[_Text], text: _Text) -> int:
    number = known.get(key)
    if number is None:
        number = known[key] = len(all_)
        all_.append(text)
    return number


def _networks(raw: NDArray[np.uint8], lengths: NDArray[np.uint8]) -> Ints:
    """As `packed_network`, of six bytes each of which so many count."""
    found = lengths.astype(np.int64)
    for place in range(6):
        found = found << 8 | np.where(place < lengths, raw[:, place], 0)
    return found
