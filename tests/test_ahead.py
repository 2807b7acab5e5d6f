"""Zeros ahead of the records: no reader ever meets them, however the writer ended."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.clicks.ahead import AHEAD_BYTES
from linkservice.clicks.event import Click, encode
from linkservice.clicks.framing import MAX_BODY, MAX_RECORD, Record, frames, read_records
from linkservice.clicks.segment import (
    HEADER_BYTES,
    create,
    header,
    seal_orphans,
    segment_name,
    segments,
)
from linkservice.clicks.spool import Spool

NODE = bytes(range(16))
SEGMENT_ID = b"segmntid"
IDENTITY = NODE + SEGMENT_ID

# Many end in zeros: a click without token and texts does, and so may a token.
bodies = st.lists(
    st.one_of(
        st.builds(encode, st.builds(Click, time_ms=st.just(1), link_id=st.integers(0, 2**40))),
        st.binary(min_size=1, max_size=40).map(lambda tail: tail.ljust(60, b"\0")),
        st.just(bytes(MAX_BODY)),
    ),
    max_size=5,
)
zeros = st.sampled_from(
    [0, 1, 7, MAX_RECORD, MAX_RECORD + 1, AHEAD_BYTES - 1, AHEAD_BYTES, AHEAD_BYTES + 9]
)


def left_behind(folder: Path, content: bytes) -> None:
    """A segment of a writer that died, with `content` behind its header."""
    path = folder / f"{segment_name(1, SEGMENT_ID)}-{NODE.hex()}.open"
    os.close(create(path, header(NODE, SEGMENT_ID, 1) + content))


@given(bodies, st.integers(0, 30), zeros)
def test_zeros_behind_the_records_are_taken_off_and_nothing_else(
    written: list[bytes], torn: int, ahead: int
) -> None:
    records = frames(written, IDENTITY, HEADER_BYTES)
    # What was begun and not finished: it stays, but for the zeros it may end with.
    begun = frames([b"x" * 50], IDENTITY, HEADER_BYTES + len(records))[:torn]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        left_behind(folder, records + begun + bytes(ahead))
        [sealed] = seal_orphans(folder)
        [segment] = segments(folder)
        assert (segment.name, segment.sealed) == (sealed, True)
        kept = segment.read()
    if not torn:
        assert kept == records
    elif ahead:
        assert kept == (records + begun).rstrip(b"\0").ljust(len(records), b"\0")
    found = [(each.offset, each.end) for each in read_records(kept, IDENTITY, HEADER_BYTES)]
    assert len(found) == len(written) + (len(kept) > len(records))


@pytest.mark.parametrize("sync", ["always", "second", "off"])
def test_a_segment_that_ends_in_order_ends_with_its_last_record(tmp_path: Path, sync: str) -> None:
    spool = Spool(tmp_path, NODE, sync=sync)  # type: ignore[arg-type]  # its values, in turn
    body = encode(Click(time_ms=1, link_id=1))
    spool.append(body)
    [segment] = segments(tmp_path)
    ahead = segment.path.stat().st_size - segment.size
    assert (ahead > 0) == (sync == "always"), "zeros serve those who sync before each answer"
    assert segment.read() == frames([body], segment.identity, HEADER_BYTES)
    spool.close()
    [segment] = segments(tmp_path)
    assert (segment.sealed, segment.size) == (True, HEADER_BYTES + len(segment.read()))
    assert segment.size == segment.path.stat().st_size


def test_zeros_end_where_their_segment_does(tmp_path: Path) -> None:
    body = encode(Click(time_ms=1, link_id=1))
    room = HEADER_BYTES + 3 * len(frames([body], IDENTITY, HEADER_BYTES))
    spool = Spool(tmp_path, NODE, segment_bytes=room)
    sizes = []
    for _ in range(4):
        spool.append(body)
        sizes.append([each.stat().st_size for each in sorted(tmp_path.glob("*.sealed"))])
        [live] = tmp_path.glob("*.open")
        assert live.stat().st_size == room
    spool.close()
    assert sizes == [[], [], [], [room]]


def test_a_disk_without_room_for_zeros_takes_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite

    def no_room(fd: int, data: bytes, offset: int) -> int:
        if len(data) == AHEAD_BYTES:
            raise OSError(28, "No space left on device")
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", no_room)
    spool = Spool(tmp_path, NODE)
    for number in range(3):
        spool.append(encode(Click(time_ms=1, link_id=number)))
    spool.close()
    [segment] = segments(tmp_path)
    found = list(read_records(segment.read(), segment.identity, HEADER_BYTES))
    assert [type(each) for each in found] == [Record] * 3


def test_a_segment_whose_zeros_stay_is_left_to_be_sealed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, NODE)
    spool.append(encode(Click(time_ms=1, link_id=1)))
    with monkeypatch.context() as patch:

        def refused(fd: int, length: int) -> None:
            raise OSError(5, "Input/output error")

        patch.setattr(os, "ftruncate", refused)
        spool.close()
    [orphan] = segments(tmp_path)
    assert orphan.state == "orphan"
    seal_orphans(tmp_path)
    [segment] = segments(tmp_path)
    [found] = read_records(segment.read(), segment.identity, HEADER_BYTES)
    assert isinstance(found, Record)
