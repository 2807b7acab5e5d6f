"""The click record: what goes in comes out, and damage costs no more than it hit."""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.clicks import event, framing
from linkservice.clicks.event import (
    BadRecord,
    Click,
    Flag,
    Method,
    Source,
    clip,
    decode,
    encode,
)
from linkservice.clicks.framing import (
    Damage,
    Record,
    Torn,
    Unreadable,
    frame,
    frames,
    read_records,
)

IDENTITY = bytes(range(24))
OTHER_SEGMENT = bytes(range(16)) + b"othersgm"
START = 64

ids = st.integers(0, event.MAX_ID)
texts = st.text(max_size=600)
clicks = st.builds(
    Click,
    time_ms=st.integers(0, event.MAX_TIME_MS),
    link_id=ids,
    link_version=st.integers(0, event.MAX_U32),
    domain_id=ids,
    workspace_id=ids,
    source=st.sampled_from(Source),
    method=st.sampled_from(Method),
    miss=st.booleans(),
    network=st.sampled_from([0, 3, 6]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
    token=st.sampled_from([0, 16]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
    user_agent=texts,
    language=texts,
    referrer_host=texts,
    hints=texts,
    flags=st.integers(0, event.MAX_U32),
)


def a_click(number: int, user_agent: str = "Mozilla/5.0 (iPhone) Safari/604.1") -> Click:
    return Click(
        time_ms=1_793_334_444_123 + number,
        link_id=number + 1,
        link_version=3,
        domain_id=2,
        workspace_id=1,
        network=b"\xc0\x00\x02",
        token=bytes([number % 256]) * 16,
        user_agent=user_agent,
        language="de-DE",
        referrer_host="www.example.org",
        flags=Flag.PREFETCH,
    )


def a_segment(count: int) -> tuple[list[Click], bytes, list[int]]:
    """Clicks, their records one behind the other, and where each record begins."""
    written = [a_click(number, "agent " * (number % 7)) for number in range(count)]
    bodies = [encode(click) for click in written]
    data = frames(bodies, IDENTITY, START)
    starts = [START]
    for body in bodies:
        starts.append(starts[-1] + framing.FRAME_BYTES + len(body))
    return written, data, starts


def clicks_in(data: bytes, start: int = START) -> list[Click]:
    return [each.click for each in read_records(data, IDENTITY, start) if isinstance(each, Record)]


@given(clicks)
def test_what_was_encoded_is_decoded(click: Click) -> None:
    body = encode(click)
    assert decode(body) == click
    assert decode(memoryview(body)) == click
    assert len(body) <= framing.MAX_BODY


@given(st.lists(clicks, max_size=5), st.integers(0, 2**40))
def test_records_are_read_back_in_order_without_gaps(written: list[Click], start: int) -> None:
    data = frames(map(encode, written), IDENTITY, start)
    found = list(read_records(data, IDENTITY, start))
    assert [each.click for each in found if isinstance(each, Record)] == written
    ends = [start, *(each.end for each in found)]
    assert [each.offset for each in found] == ends[:-1]
    assert ends[-1] == start + len(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_click_or_a_bad_record(body: bytes) -> None:
    try:
        click = decode(body)
    except BadRecord:
        return
    assert decode(encode(click)) == click


@given(clicks, st.data())
def test_a_changed_body_is_a_click_or_a_bad_record(click: Click, data: st.DataObject) -> None:
    body = bytearray(encode(click))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(body))
    except BadRecord:
        return


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_a_record(data: bytes) -> None:
    found = list(read_records(data, IDENTITY, START))
    assert not [each for each in found if isinstance(each, Record | Unreadable)]
    assert sum(each.end - each.offset for each in found) == len(data)


@given(st.text(max_size=60), st.integers(1, 40))
def test_texts_are_cut_between_characters(text: str, limit: int) -> None:
    kept = clip(text, limit)
    assert len(kept.encode()) <= limit
    whole = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    assert whole.startswith(kept)
    if len(kept) < len(whole):
        assert len((kept + whole[len(kept)]).encode()) > limit


def test_lone_surrogates_and_nul_are_replaced() -> None:
    assert clip("a\ud800b\0c", 35) == "a?b\ufffdc"


def test_a_user_agent_of_any_length_fits() -> None:
    click = Click(time_ms=0, user_agent="€" * 10_000)
    assert click.user_agent == "€" * 170
    assert decode(encode(click)) == click


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_ms": -1},
        {"time_ms": event.MAX_TIME_MS + 1},
        {"link_id": 2**63},
        {"link_version": -1},
        {"flags": 2**32},
        {"network": b"\xc0\x00\x02\x01"},
        {"token": b"short"},
    ],
)
def test_impossible_clicks_cannot_be_made(wrong: dict[str, int]) -> None:
    with pytest.raises(BadRecord):
        Click(**{"time_ms": 0, **wrong})


def test_unknown_flags_are_kept() -> None:
    click = Click(time_ms=0, flags=Flag.IMPORTED | 1 << 30)
    assert decode(encode(click)).flags == Flag.IMPORTED | 1 << 30


def test_the_wire_form_is_the_documented_one() -> None:
    body = encode(a_click(0))
    record = frame(body, IDENTITY, 1000)
    length, crc, version = struct.unpack_from("<IIB", record)
    assert (length, version) == (len(body) + 1, event.VERSION)
    covered = IDENTITY + struct.pack("<QIB", 1000, length, version) + body
    assert crc == zlib.crc32(covered)
    assert record[9:] == body


def test_a_body_beyond_the_bound_is_refused() -> None:
    assert len(frame(bytes(framing.MAX_BODY), IDENTITY, START)) == framing.MAX_RECORD
    with pytest.raises(BadRecord):
        frame(bytes(framing.MAX_BODY + 1), IDENTITY, START)


def test_a_record_of_the_greatest_size_is_found_behind_damage() -> None:
    first = frame(encode(a_click(0)), IDENTITY, START)
    second = frame(bytes(framing.MAX_BODY), IDENTITY, START + len(first))
    data = b"\xff" * len(first) + second
    assert [type(each) for each in read_records(data, IDENTITY, START)] == [Damage, Unreadable]


def test_a_tail_torn_at_any_byte_costs_only_the_torn_record() -> None:
    written, data, starts = a_segment(4)
    for cut in range(len(data)):
        found = list(read_records(data[:cut], IDENTITY, START))
        whole = sum(1 for start in starts[1:] if start <= START + cut)
        torn = [] if START + cut in starts else [Torn(starts[whole], START + cut)]
        assert found[whole:] == torn
        assert [each.click for each in found[:whole]] == written[:whole]


def test_reading_goes_on_where_a_torn_tail_was_completed() -> None:
    written, data, _ = a_segment(3)
    *before, torn = read_records(data[:-5], IDENTITY, START)
    assert isinstance(torn, Torn)
    rest = clicks_in(data[torn.offset - START :], torn.offset)
    assert [each.click for each in before if isinstance(each, Record)] + rest == written


def test_a_tail_of_zeros_is_torn() -> None:
    written, data, starts = a_segment(2)
    found = list(read_records(data + bytes(5000), IDENTITY, START))
    assert found[2:] == [Torn(starts[2], starts[2] + 5000)]
    assert clicks_in(data + bytes(5000)) == written


def test_one_flipped_bit_costs_at_most_the_record_it_hit() -> None:
    written, data, starts = a_segment(12)
    chance = random.Random(20261122)
    for _ in range(600):
        bit = chance.randrange(len(data) * 8)
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        hit = sum(1 for start in starts[1:] if start <= START + bit // 8)
        found = list(read_records(bytes(damaged), IDENTITY, START))
        assert clicks_in(bytes(damaged)) == written[:hit] + written[hit + 1 :]
        kind = Torn if hit == len(written) - 1 else Damage
        assert found[hit] == kind(starts[hit], starts[hit + 1])


def test_every_flipped_bit_of_a_length_costs_one_record() -> None:
    written, data, starts = a_segment(5)
    for bit in range(32):
        damaged = bytearray(data)
        damaged[starts[1] - START + bit // 8] ^= 1 << bit % 8
        assert clicks_in(bytes(damaged)) == written[:1] + written[2:]


def test_many_flips_yield_no_false_record() -> None:
    written, data, starts = a_segment(40)
    chance = random.Random(7)
    for _ in range(60):
        damaged = bytearray(data)
        bits = [chance.randrange(len(data) * 8) for _ in range(10)]
        for bit in bits:
            damaged[bit // 8] ^= 1 << bit % 8
        hits = {sum(1 for start in starts[1:] if start <= START + bit // 8) for bit in bits}
        kept = [click for number, click in enumerate(written) if number not in hits]
        found = clicks_in(bytes(damaged))
        assert all(click in written for click in found)
        assert set(found) >= set(kept)


def test_a_lost_stretch_costs_only_the_records_in_it() -> None:
    written, data, starts = a_segment(60)
    middle = len(data) // 2
    damaged = data[:middle] + bytes(512) + data[middle + 512 :]
    first = sum(1 for start in starts[1:] if start <= START + middle)
    last = sum(1 for start in starts[1:] if start <= START + middle + 511)
    assert clicks_in(damaged) == written[:first] + written[last + 1 :]


def test_a_record_forged_in_a_user_agent_stays_text() -> None:
    """Mallory knows the form, the node and the offset, but not the segment's random id."""
    victim = encode(a_click(0, "x" * 300))
    at = START + framing.FRAME_BYTES + victim.index(b"x" * 300)
    for guess in (bytes(24), IDENTITY[:16] + bytes(8), OTHER_SEGMENT):
        forged = frame(encode(Click(time_ms=1, link_id=666)), guess, at)
        body = victim.replace(b"x" * len(forged), forged, 1)
        data = bytearray(frames([body, encode(a_click(1))], IDENTITY, START))
        assert bytes(forged) in bytes(data)
        data[4] ^= 1  # the outer record no longer counts, the search passes over the forged one
        assert clicks_in(bytes(data)) == [a_click(1)]


def test_a_genuine_inner_record_would_have_been_found() -> None:
    """The counterpart of the test above: with the right identity the search does find it."""
    victim = encode(a_click(0, "x" * 300))
    at = START + framing.FRAME_BYTES + victim.index(b"x" * 300)
    inner = frame(encode(Click(time_ms=1, link_id=666)), IDENTITY, at)
    body = victim.replace(b"x" * len(inner), inner, 1)
    data = bytearray(frames([body, encode(a_click(1))], IDENTITY, START))
    data[4] ^= 1
    assert [click.link_id for click in clicks_in(bytes(data))] == [666, 2]


def test_a_block_of_another_segment_or_place_holds_no_record() -> None:
    _, data, starts = a_segment(5)
    assert not [
        each for each in read_records(data, OTHER_SEGMENT, START) if isinstance(each, Record)
    ]
    moved = data[starts[2] - START :]
    assert [type(each) for each in read_records(moved, IDENTITY, START)] == [Torn]


def test_unknown_versions_and_contents_are_unreadable_not_lost() -> None:
    first = frame(b"from the future", IDENTITY, START, version=3)
    second = frame(b"nonsense", IDENTITY, START + len(first))
    third = frame(encode(a_click(0)), IDENTITY, START + len(first + second))
    found = list(read_records(first + second + third, IDENTITY, START))
    assert [type(each) for each in found] == [Unreadable, Unreadable, Record]
    assert found[0] == Unreadable(START, START + len(first), "version 3")


def test_records_of_the_version_before_hints_are_read() -> None:
    click = replace(a_click(0), hints="")
    # The same numbers and texts, without the last length byte.
    lengths = event._BODY.size
    body = encode(click)
    body = body[: lengths - 1] + body[lengths:]
    record = frame(body, IDENTITY, START, version=1)
    assert clicks_in(record) == [click]


def test_nothing_is_nothing() -> None:
    assert list(read_records(b"", IDENTITY, START)) == []
