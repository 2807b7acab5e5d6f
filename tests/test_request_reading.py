"""Requests out of bytes: in whatever pieces they come, and the quick way says what the careful one
says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import hostile
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from linkservice.serve.reading import (
    AT_ONCE,
    BAD_REQUEST,
    HEAD_MOST,
    HEAD_TOO_LONG,
    HEADERS_MOST,
    HEADS_KEPT,
    URL_TOO_LONG,
    WAITING_MOST,
    Heads,
    Reader,
)

HOST = b"Host: go.example.com"


def request(target: bytes = b"/sommer", *lines: bytes, method: bytes = b"GET") -> bytes:
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", HOST, *lines, b"", b""])


def read(*pieces: bytes) -> Reader:
    reader = Reader()
    for piece in pieces:
        reader.feed(piece)
    return reader


def cut_up(data: bytes, places: Sequence[int]) -> list[bytes]:
    ends = sorted({min(place, len(data)) for place in places} | {0, len(data)})
    return [data[begin:end] for begin, end in pairwise(ends)]


def test_what_the_door_gets_of_a_request() -> None:
    lines = (b"User-Agent: M\xc3\xbcller", b"X-Forwarded-For: 1.2.3.4", b"x-forwarded-for: 5.6.7.8")
    (only,) = read(request(b"/a%20b/%C3%BC?x=%20&y#z", *lines)).ready
    assert only.environ == {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/a b/Ã¼",
        "QUERY_STRING": "x=%20&y",
        "HTTP_HOST": "go.example.com",
        "HTTP_USER_AGENT": "Müller",
        "HTTP_X_FORWARDED_FOR": "1.2.3.4,5.6.7.8",
    }
    assert (only.last, only.unread) == (False, False)


def test_a_name_with_an_underscore_passes_for_no_other() -> None:
    (only,) = read(request(b"/", b"X_Forwarded_For: 1.2.3.4")).ready
    assert "HTTP_X_FORWARDED_FOR" not in only.environ


def test_what_is_not_utf_8_hides_nothing_else() -> None:
    (only,) = read(request(b"/", b"X-Forwarded-For: \xff, 203.0.113.9")).ready
    assert only.environ["HTTP_X_FORWARDED_FOR"] == "\ufffd, 203.0.113.9"


@pytest.mark.parametrize("size", [64, 1_448, 100_000])
def test_a_header_without_an_end_is_not_gathered(size: int) -> None:
    reader = read(b"GET / HTTP/1.1\r\nX: ")
    sent = 0
    while reader.refusal is None:
        reader.feed(b"a" * size)
        sent += size
        assert sent < 3 * HEAD_MOST + size
    assert reader.refusal == HEAD_TOO_LONG


def test_so_many_requests_are_made_of_what_came_and_no_more() -> None:
    sent = b"GET / HTTP/1.1\r\n\r\n" * 10_000
    reader = read(sent)
    assert WAITING_MOST <= len(reader.ready) < WAITING_MOST + AT_ONCE // 18
    assert reader.is_full
    taken = 0
    while reader.take() is not None:
        taken += 1
        assert len(reader.ready) < WAITING_MOST + AT_ONCE // 18
    assert taken == 10_000
    assert reader.is_done(0)


@pytest.mark.parametrize(
    ("target", "host", "path", "query"),
    [
        (b"http://other.example/sommer?a=b", "other.example", "/sommer", "a=b"),
        (b"HTTPS://Other.example:8443/q/x", "Other.example:8443", "/q/x", ""),
        (b"http://other.example", "other.example", "/", ""),
    ],
)
def test_the_absolute_form_names_the_host(target: bytes, host: str, path: str, query: str) -> None:
    (only,) = read(request(target)).ready
    named = [only.environ[key] for key in ("HTTP_HOST", "PATH_INFO", "QUERY_STRING")]
    assert named == [host, path, query]


@pytest.mark.parametrize(
    ("data", "unread"),
    [
        (request(b"/", b"Connection: close"), False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", False),
        (request(b"/", b"Connection: Upgrade", b"Upgrade: h2c"), False),
        (request(b"/", b"Content-Length: 3", method=b"POST") + b"abc", True),
        (request(b"/", b"Transfer-Encoding: chunked", method=b"PUT"), True),
        (request(b"/", b"Content-Length: 9", b"Expect: 100-continue", method=b"POST"), True),
    ],
)
def test_with_some_requests_a_connection_ends(data: bytes, unread: bool) -> None:
    reader = read(data + request(b"/smuggled"))
    (only,) = reader.ready
    assert (only.last, only.unread) == (True, unread)
    assert reader.refusal is None
    assert not reader.is_midway


def test_a_body_of_no_bytes_is_none() -> None:
    reader = read(request(b"/a", b"Content-Length: 0", method=b"POST"), request(b"/b"))
    assert [(each.environ["PATH_INFO"], each.last) for each in reader.ready] == [
        ("/a", False),
        ("/b", False),
    ]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request(b"/" + b"a" * HEAD_MOST), URL_TOO_LONG),
        (b"GET /" + b"a" * 2 * HEAD_MOST, URL_TOO_LONG),
        (request(b"/", b"X-Long: " + b"a" * HEAD_MOST), HEAD_TOO_LONG),
        (request(b"/", *[b"X-%d: a" % each for each in range(HEADERS_MOST)]), HEAD_TOO_LONG),
        (request(b"/", HOST), BAD_REQUEST),
        (b"\x16\x03\x01\x02\x00\x01\x00", BAD_REQUEST),
        (b"GET /\r\n\r\n", BAD_REQUEST),
        (b"GET / HTTP/2.0\r\n\r\n", BAD_REQUEST),
    ],
)
def test_what_is_no_request_of_ours_is_refused_for_good(data: bytes, status: str) -> None:
    reader = read(data, request())
    assert reader.refusal == status
    assert not reader.ready
    assert not reader.is_midway


def test_what_came_before_is_answered_yet() -> None:
    reader = read(request(b"/first") + b"garbage\r\n\r\n")
    assert [each.environ["PATH_INFO"] for each in reader.ready] == ["/first"]
    assert reader.refusal == BAD_REQUEST


SENT = st.sampled_from(
    [
        request(),
        request(b"/a?b=c", b"User-Agent: Firefox", b"Content-Length: 0"),
        request(b"/%41", b"Connection: close"),
        request(b"/a", b"Content-Length: 2") + b"ab",
        request(method=b"HEAD"),
        *(each for each in hostile.requests().values() if len(each) < 2_000),
    ]
)


@given(st.lists(SENT, min_size=1, max_size=4), st.lists(st.integers(0, 1_000), max_size=12))
def test_however_it_is_cut_up_it_is_the_same(sent: list[bytes], places: list[int]) -> None:
    data = b"".join(sent)
    whole, pieces = read(data), read(*cut_up(data, places))
    assert (list(pieces.ready), pieces.refusal) == (list(whole.ready), whole.refusal)


LINES = st.lists(
    st.sampled_from(
        [
            b"User-Agent: Firefox",
            b"Accept-Language: de",
            b"Connection: close",
            b"Connection: keep-alive",
            b"Content-Length: 0",
            b"Content-Length: 4",
            b"Host: other.example",
            b"X_Y: z",
            b"Cookie: a=b",
        ]
    ),
    max_size=4,
)
TARGETS = st.binary(max_size=12).map(lambda each: b"/" + each) | st.sampled_from(
    [b"/sommer", b"/q/Sommer", b"/a?b=%20", b"/%41", b"http://x.example/", b"*", b"//x/..", b"/a#b"]
)


@given(TARGETS, TARGETS, LINES, LINES, st.sampled_from([b"GET", b"HEAD"]))
@example(b"/a", b"/b?c=d", [], [], b"GET")
def test_the_quick_way_says_what_the_careful_one_says(
    before: bytes, target: bytes, lines: list[bytes], others: list[bytes], method: bytes
) -> None:
    """Whatever was remembered: a request is taken for a usual one only if it means that."""
    heads = Heads()
    for known in (request(before, *lines), request(before, *others), request(before) * 2):
        reader = read(known)
        if len(reader.ready) == 1 and not reader.is_midway and not reader.refusal:
            heads.remember(known, reader.ready[0])
    data = request(target, *lines, method=method)
    quick = heads.usual(data)
    reader = read(data)
    if quick is not None:
        assert quick.pop("REMOTE_ADDR") == ""
        assert [each.environ for each in reader.ready] == [quick]
        assert not reader.ready[0].last
        assert reader.refusal is None
        assert not reader.is_midway


def test_the_usual_click_is_quick_the_second_time() -> None:
    heads = Heads()
    heads.remember(request(b"/first?a=b", b"DNT: 1"), read(request(b"/first", b"DNT: 1")).ready[0])
    found = heads.usual(request(b"/second?c=d", b"DNT: 1"))
    assert found is not None
    assert (found["PATH_INFO"], found["QUERY_STRING"]) == ("/second", "c=d")
    assert found["HTTP_DNT"] == "1"
    assert heads.usual(request(b"/third", b"DNT: 1")) == {
        **found,
        "PATH_INFO": "/third",
        "QUERY_STRING": "",
    }
    assert heads.usual(request(b"/second", b"DNT: 1") + request()) is None
    assert heads.usual(request(b"/second", b"DNT: 1")[:-2]) is None


@pytest.mark.parametrize(
    "line",
    [
        b"X-Forwarded-For: 1.2.3.4",
        b"X_Forwarded_For: 1.2.3.4",
        b"forwarded: for=1.2.3.4",
        b"CF-Connecting-IP: 1.2.3.4",
        b"Cookie: a=b",
        b"Proxy-Authorization: Basic eA==",
    ],
)
def test_what_one_person_says_is_not_kept(line: bytes) -> None:
    heads = Heads()
    sent = request(b"/", line)
    heads.remember(sent, read(sent).ready[0])
    assert heads.usual(sent) is None


def test_no_address_is_kept() -> None:
    heads = Heads()
    sent = request(b"/sommer")
    (only,) = read(sent).ready
    only.environ["REMOTE_ADDR"] = "203.0.113.77"
    heads.remember(sent, only)
    found = heads.usual(sent)
    assert found is not None
    assert "203.0.113.77" not in found.values()
    found["REMOTE_ADDR"] = "203.0.113.77"
    heads.forget_request(found)
    assert not {"203.0.113.77", "/sommer"} & set(found.values())
    again = heads.usual(sent)
    assert again is not None
    assert again["PATH_INFO"] == "/sommer"


def test_heads_do_not_pile_up() -> None:
    heads = Heads()
    for number in range(2 * HEADS_KEPT + 1):
        sent = request(b"/", b"Referer: %d" % number)
        heads.remember(sent, read(sent).ready[0])
    kept = [heads.usual(request(b"/", b"Referer: %d" % each)) for each in range(2 * HEADS_KEPT)]
    assert sum(each is not None for each in kept) < HEADS_KEPT
    last = request(b"/", b"Referer: %d" % (2 * HEADS_KEPT))
    assert heads.usual(last) is not None
    assert heads.usual(last.replace(b"/ ", b"/" + b"a" * HEAD_MOST + b" ")) is None
    heads.forget()
    assert heads.usual(last) is None


def test_the_table_of_hostile_requests_is_read_without_an_error() -> None:
    for name, data in hostile.requests().items():
        reader = read(data)
        for each in reader.ready:
            assert re.fullmatch(r"[A-Z]+", each.environ["REQUEST_METHOD"]), name
