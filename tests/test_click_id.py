"""Click ids: what is signed is read again, all else is not; and where they stand in an address."""

from __future__ import annotations

import base64
import hmac
import struct
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.conversions.click_id import Clicked, ClickIds, appended

OURS, THEIRS = ClickIds("a secret"), ClickIds("another secret")
MOMENT = datetime(2026, 11, 20, 12, 0, 7, tzinfo=UTC)
MOMENT_MS = int(MOMENT.timestamp()) * 1000 + 999
OF_ONE_MOMENT = MOMENT.replace(microsecond=999_000)


@given(link_id=st.integers(1, 2**63 - 1), version=st.integers(1, 2**32 - 1))
def test_what_is_signed_is_read_again(link_id: int, version: int) -> None:
    text = OURS.make(link_id, version, MOMENT_MS)
    assert OURS.read(text) == Clicked(link_id, version, OF_ONE_MOMENT)
    assert len(text) == 44
    assert parse_qsl(f"lsid={text}") == [("lsid", text)]


def test_an_older_id_tells_the_second() -> None:
    body = struct.pack(">BQIII", 1, 7, 3, MOMENT_MS // 1000, 2**32 - 1)
    key = hmac.digest(b"a secret", b"click id", "sha256")
    signed = body + hmac.digest(key, body, "sha256")[:12]
    assert OURS.read(base64.urlsafe_b64encode(signed).decode()) == Clicked(7, 3, MOMENT)


def test_two_clicks_of_one_moment_have_two_ids() -> None:
    assert len({OURS.make(7, 1, MOMENT_MS) for _ in range(50)}) == 50


def test_another_installations_id_is_none() -> None:
    assert OURS.read(THEIRS.make(7, 1, MOMENT_MS)) is None


def test_every_changed_byte_is_noticed() -> None:
    raw = base64.urlsafe_b64decode(OURS.make(7, 1, MOMENT_MS))
    for place in range(len(raw)):
        forged = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert OURS.read(base64.urlsafe_b64encode(forged).decode()) is None


@given(text=st.text(max_size=60) | st.text("AZaz09-_+/=\n ", min_size=43, max_size=45))
def test_any_other_text_is_none(text: str) -> None:
    assert OURS.read(text) is None


def test_an_id_with_something_around_it_is_none() -> None:
    text = OURS.make(7, 1, MOMENT_MS)
    for wrong in (f"{text}\n", f" {text}", f"{text}=", text[:-1], text.upper(), f"{text}{text}"):
        assert OURS.read(wrong) is None


@pytest.mark.parametrize(
    ("location", "wanted"),
    [
        ("https://a.de/", "https://a.de/?lsid=X"),
        ("https://a.de", "https://a.de?lsid=X"),
        ("https://a.de/?b=1#c?d", "https://a.de/?b=1&lsid=X#c?d"),
        ("https://a.de/?", "https://a.de/?lsid=X"),
        ("https://a.de/#c", "https://a.de/?lsid=X#c"),
        ("https://a.de/?lsid=old&b=%20&ls%69d=older", "https://a.de/?b=%20&lsid=X"),
        ("https://a.de/?lsid_=1&b", "https://a.de/?lsid_=1&b&lsid=X"),
    ],
)
def test_it_is_the_last_parameter(location: str, wanted: str) -> None:
    assert appended(location, "X") == wanted


@given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
def test_all_other_parameters_stay(query: str) -> None:
    location = f"https://a.de/p?{query}"
    before = parse_qsl(urlsplit(location).query, keep_blank_values=True)
    after = parse_qsl(urlsplit(appended(location, "X")).query, keep_blank_values=True)
    assert after == [*(pair for pair in before if pair[0] != "lsid"), ("lsid", "X")]
