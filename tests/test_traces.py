"""The search for addresses finds them; else the test that none is written would prove nothing."""

from __future__ import annotations

import ipaddress
import random
import zipfile
from pathlib import Path

import pytest
from traces import Hunt, everything_written

V4 = ipaddress.ip_address("203.0.113.77")
V6 = ipaddress.ip_address("2001:db8:7:0:8000::9")
NOISE = random.Random(1).randbytes(999)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (b"203.0.113.77", V4),
        (b"1.203.0.113.77", V4),
        (b"ip-203-0-113-77.example", V4),
        (b"ip=203%2E0.113.77", V4),
        (b"3405803853", V4),
        (b"2001:db8:7:0:8000::9", V6),
        (b"[2001:0DB8:0007:0000:8000:0000:0000:0009]:80", V6),
        (b"2001%3Adb8%3A7%3A0%3A8000%3A%3A9", V6),
        (V6.packed.hex().encode(), V6),
        (V6.packed, V6),
        (V6.packed[::-1], V6),
    ],
)
def test_an_address_is_found_however_it_is_written(written: bytes, address: object) -> None:
    hunt = Hunt([V4, V6])
    hunt.search(NOISE + b" " + written + b" " + NOISE)
    assert hunt.found.certain == {str(address)}


@pytest.mark.parametrize("written", [V4.packed, V4.packed[::-1]])
def test_a_packed_ipv4_address_is_found_apart(written: bytes) -> None:
    for before in range(8):
        hunt = Hunt([V4, V6])
        hunt.search(bytes(before) + written + NOISE)
        assert (hunt.found.certain, hunt.found.packed) == (set(), {str(V4)})


def test_nothing_is_found_where_nothing_is() -> None:
    hunt = Hunt([V4, V6])
    hunt.search(NOISE + b"203.0.113.78 203.0.113.0/24 2001:db8:7::/48 12:34:56 18.5.1")
    assert not hunt.found.certain
    assert not hunt.found.packed


def test_zip_files_are_looked_into(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside", str(V4))
    hunt = Hunt([V4])
    for _, data in everything_written(tmp_path):
        hunt.search(data)
    assert hunt.found.certain == {str(V4)}
