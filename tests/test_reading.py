"""Reading in bulk and in pieces gives what reading one by one gives, whatever happened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import given
from hypothesis import strategies as st
from test_event import IDENTITY, a_click, clicks

from linkservice.clicks import framing
from linkservice.clicks.event import (
    HEAD_BIT,
    MISS_BIT,
    SCAN_BIT,
    Click,
    Method,
    Source,
    encode,
)
from linkservice.clicks.framing import Record, Torn, read_records
from linkservice.clicks.reading import Reader, Records, Stretch, Texts
from linkservice.clicks.segment import (
    HEADER_BYTES,
    Segment,
    commit,
    create,
    header,
    segment_name,
    segments,
    write_at,
    write_segment,
)
from linkservice.clicks.visitor import unpacked_network

few = st.lists(
    clicks | st.integers(0, 20).map(lambda number: a_click(number, f"agent {number % 3}")),
    max_size=12,
)


def a_segment(folder: Path, bodies: Sequence[bytes], data: bytes | None = None) -> Segment:
    """A sealed segment of these records, in a folder of its own, or of other bytes instead."""
    spool_dir = Path(mkdtemp(dir=folder))
    write_segment(spool_dir, IDENTITY[:16], IDENTITY[16:], bodies)
    (segment,) = segments(spool_dir)
    if data is not None:
        with segment.path.open("r+b") as file:
            file.seek(HEADER_BYTES)
            file.write(data)
            file.truncate()
    return segment


def in_bulk(segment: Segment, most: int = 5, piece: int = 1 << 20) -> list[Stretch]:
    """All stretches of a segment."""
    reader, found = Reader(segment, HEADER_BYTES, Texts(), piece), []
    while not found or not found[-1].last:
        found.append(reader.next(most))
    return found


def clicks_of(records: Records) -> list[tuple[int, Click]]:
    """Offsets and clicks, from the columns."""
    return [
        (
            int(row["offset"]),
            Click(
                source=Source.SCAN if row["bits"] & SCAN_BIT else Source.CLICK,
                method=Method.HEAD if row["bits"] & HEAD_BIT else Method.GET,
                miss=bool(row["bits"] & MISS_BIT),
                network=unpacked_network(int(row["network"])),
                token=b"" if row["tokenless"] else row["token"].tobytes(),
                **records.agents[row["agent"]]._asdict(),
                **records.origins[row["origin"]]._asdict(),
                **{name: int(row[name]) for name in NUMBERS},
            ),
        )
        for row in records.rows
    ]


NUMBERS = ("time_ms", "link_id", "link_version", "domain_id", "workspace_id", "flags")


def one_by_one(segment: Segment) -> tuple[list[tuple[int, Click]], list[object], list[object]]:
    """Records, unreadable ones and damage, by the careful way alone."""
    found = list(read_records(segment.read(), segment.identity, HEADER_BYTES))
    records = [(each.offset, each.click) for each in found if isinstance(each, Record)]
    unreadable = [each for each in found if isinstance(each, framing.Unreadable)]
    damaged = [each for each in found if isinstance(each, framing.Damage | Torn)]
    return records, unreadable, damaged  # type: ignore[return-value]  # lists of parts


def assert_same(segment: Segment, piece: int) -> None:
    stretches = in_bulk(segment, piece=piece)
    records, unreadable, damaged = one_by_one(segment)
    assert [each for stretch in stretches for each in clicks_of(stretch.records)] == records
    assert [each for stretch in stretches for each in stretch.unreadable] == unreadable
    assert [each for stretch in stretches for each in stretch.damaged] == damaged
    ends = [HEADER_BYTES, *(stretch.end for stretch in stretches)]
    assert [stretch.start for stretch in stretches] == ends[:-1]
    assert ends[-1] == segment.path.stat().st_size


@given(written=few, piece=st.sampled_from((64, 500, 1 << 20)))
def test_whole_records_are_read_alike(tmp_path: Path, written: list[Click], piece: int) -> None:
    segment = a_segment(tmp_path, [encode(click) for click in written])
    assert_same(segment, piece)
    (first, *_) = in_bulk(segment, most=1000)
    assert len(first.records) == len(written)


@given(
    written=few,
    piece=st.sampled_from((64, 500, 1 << 20)),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=4),
    cut=st.integers(0, 40),
    blank=st.integers(0, 200),
)
def test_damaged_records_are_read_alike(
    tmp_path: Path,
    written: list[Click],
    piece: int,
    flips: list[tuple[float, int]],
    cut: int,
    blank: int,
) -> None:
    bodies = [encode(click) for click in written]
    data = bytearray(framing.frames(bodies, IDENTITY, HEADER_BYTES))
    for place, bit in flips:
        if data:
            data[int(place * len(data))] ^= 1 << bit
    del data[len(data) - cut :]
    middle = len(data) // 2
    data[middle : middle + blank] = bytes(min(blank, len(data) - middle))
    assert_same(a_segment(tmp_path, bodies, bytes(data)), piece)


@given(bodies=st.lists(st.binary(max_size=120), max_size=4), version=st.integers(1, 3))
def test_odd_contents_are_read_alike(tmp_path: Path, bodies: list[bytes], version: int) -> None:
    """With right CRCs, but written by another program: accepted, and mostly not understood."""
    data, at = b"", HEADER_BYTES
    for body in [encode(a_click(1)), *bodies, encode(a_click(2))]:
        record = framing.frame(body, IDENTITY, at, version)
        data, at = data + record, at + len(record)
    assert_same(a_segment(tmp_path, [], data), 1 << 20)


def test_numbers_out_of_range_are_left_to_the_careful_way(tmp_path: Path) -> None:
    """Each field that a Click would refuse, written by force."""
    plain = encode(a_click(1))
    odd = [
        plain[:field] + b"\xff" * 8 + plain[field + 8 :]
        for field in (0, 8, 20, 28)  # time, link, domain, workspace
    ]
    data, at = b"", HEADER_BYTES
    for body in odd:
        record = framing.frame(body, IDENTITY, at)
        data, at = data + record, at + len(record)
    segment = a_segment(tmp_path, [], data)
    assert_same(segment, 1 << 20)
    assert len(one_by_one(segment)[1]) == len(odd)


def test_the_bits_say_what_the_click_said(tmp_path: Path) -> None:
    kinds = [
        replace(a_click(1), source=source, method=method, miss=miss)
        for source in Source
        for method in Method
        for miss in (False, True)
    ]
    (stretch,) = in_bulk(a_segment(tmp_path, [encode(click) for click in kinds]), most=1000)
    assert [click for _, click in clicks_of(stretch.records)] == kinds


def test_a_record_that_is_still_being_written_waits(tmp_path: Path) -> None:
    """Of a live segment only what its writer promised is read, and half a record is no damage."""
    first = framing.frames([encode(a_click(1))], IDENTITY, HEADER_BYTES)
    both = framing.frames([encode(a_click(1)), encode(a_click(2))], IDENTITY, HEADER_BYTES)
    with live_segment(tmp_path, both[:-20]) as segment:
        assert segment.live
        stretch = Reader(segment, HEADER_BYTES, Texts()).next(10)
    assert (len(stretch.records), stretch.damaged, stretch.last) == (1, [], True)
    assert stretch.end == HEADER_BYTES + len(first)


@contextmanager
def live_segment(folder: Path, data: bytes) -> Iterator[Segment]:
    """A segment whose writer lives and has promised these bytes."""
    node, segment_id = IDENTITY[:16], IDENTITY[16:]
    path = folder / f"{segment_name(1, segment_id)}-{node.hex()}.open"
    fd = create(path, header(node, segment_id, 1), HEADER_BYTES)
    try:
        write_at(fd, data, HEADER_BYTES)
        commit(fd, HEADER_BYTES, len(data) + HEADER_BYTES)
        yield segments(folder)[0]
    finally:
        os.close(fd)
