"""Countries of networks: the built-in data, and `.mmdb` files of both layouts."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import maxminddb
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from linkservice.clicks.geodata import chosen_file
from linkservice.clicks.place import Places
from linkservice.clicks.visitor import cut_network
from linkservice.config import load

IPV4 = cut_network("203.0.113.77")
IPV6 = cut_network("2001:db8:7:8::1")


def maxmind(code: str) -> dict[str, object]:
    return {"country": {"iso_code": code, "geoname_id": 1}, "continent": {"code": "EU"}}


def write(
    path: Path, record: object, *, ip_version: int = 6, kind: str = "GeoLite2-Country"
) -> None:
    """An `.mmdb` file that knows 203.0.113.0/24 and, in version 6, 2001:db8::/32."""
    writer = MMDBWriter(ip_version, kind, ipv4_compatible=ip_version == 6)
    writer.insert_network(IPSet(["203.0.113.0/24"]), record)
    if ip_version == 6:
        writer.insert_network(IPSet(["2001:db8::/32"]), record)
    # Renamed into place, as `geoipupdate` does: an open reader never sees half a file.
    part = path.with_suffix(".part")
    writer.to_db_file(str(part))
    part.replace(path)


def watching(path: Path | str) -> Places:
    """Looks at every call whether the file was replaced, not once a second."""
    return Places(path, look_again_seconds=0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "country.mmdb"


def test_the_built_in_data_knows_countries() -> None:
    places = Places()
    assert places.country(cut_network("8.8.8.8")) == "US"
    assert places.country(cut_network("2003:e0::1")) == "DE"


@pytest.mark.parametrize(
    "network", [b"", b"\1", bytes(16), cut_network("127.0.0.1"), cut_network("10.1.2.3"), IPV6]
)
def test_networks_of_no_country_give_nothing(network: bytes) -> None:
    assert Places().country(network) == ""


_CITY = {
    "city": {"geoname_id": 2950159, "names": {"en": "Berlin", "de": "Berlin"}},
    "continent": {"code": "EU", "geoname_id": 6255148, "names": {"en": "Europe"}},
    "country": {"geoname_id": 2921044, "is_in_european_union": True, "iso_code": "DE"},
    "location": {"accuracy_radius": 20, "latitude": 52.5, "longitude": 13.4, "time_zone": "x"},
    "postal": {"code": "10115"},
    "registered_country": {"geoname_id": 6252001, "iso_code": "US"},
    "subdivisions": [{"geoname_id": 2950157, "iso_code": "BE", "names": {"en": "Land Berlin"}}],
}


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("GeoLite2-City", _CITY),
        ("GeoIP2-City", {**_CITY, "traits": {"is_anycast": True}}),
        (
            "GeoIP2-Enterprise",
            {
                **_CITY,
                "country": {**maxmind("DE")["country"], "confidence": 99},
                "traits": {"user_type": "business", "isp": "Example", "static_ip_score": 1.5},
            },
        ),
        ("GeoIP2-Country", {**maxmind("DE"), "represented_country": {"iso_code": "US"}}),
        ("DBIP-Country-Lite", maxmind("DE")),
        ("DBIP-City-Lite", {**maxmind("DE"), "city": {"names": {"en": "Berlin"}}}),
        (
            "ipinfo lite",
            {"asn": "AS3320", "country": "Germany", "country_code": "DE", "continent_code": "EU"},
        ),
        ("ipinfo generic_country_free_mmdb", {"country": "DE", "country_name": "Germany"}),
        ("iptoasn", {"asn": 3320, "country_code": "DE", "name": "DTAG"}),
        ("flat", {"countryCode": "DE", "city": "Berlin"}),
        ("flat", {"country_iso_code": "de"}),
    ],
)
def test_the_files_of_all_makers_are_read(
    file: Path, kind: str, record: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    write(file, record, kind=kind)
    places = watching(file)
    assert (places.country(IPV4), places.country(IPV6)) == ("DE", "DE")
    assert caplog.records == []


@pytest.mark.parametrize("bits", [24, 28, 32])
@pytest.mark.parametrize("ip_version", [4, 6])
def test_records_of_every_width_are_read(
    file: Path, bits: int, ip_version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_that_width(writer: object) -> None:
        writer.record_size = bits

    monkeypatch.setattr("mmdb_writer.TreeWriter._adjust_record_size", of_that_width)
    write(file, maxmind("DE"), ip_version=ip_version)
    with maxminddb.open_database(file) as reader:
        assert reader.metadata().record_size == bits
    places = watching(file)
    assert places.country(IPV4) == "DE"
    assert places.country(IPV6) == ("DE" if ip_version == 6 else "")
    assert places.country(cut_network("198.51.100.1")) == ""


def test_ipv4_is_found_where_a_tree_keeps_it_as_mapped_ipv6(file: Path) -> None:
    writer = MMDBWriter(6, "any")
    writer.insert_network(IPSet(["::ffff:203.0.113.0/120"]), maxmind("DE"))
    writer.to_db_file(str(file))
    assert watching(file).country(IPV4) == "DE"


@pytest.mark.parametrize(
    "record",
    [
        maxmind("DE"),
        {"country_code": "DE", "country": "Germany"},
        {"country": "DE", "country_name": "Germany"},
        {"country": "de"},
    ],
)
def test_both_layouts_of_files_are_read(file: Path, record: dict[str, object]) -> None:
    write(file, record, kind="any")
    places = watching(file)
    assert places.country(IPV4) == "DE"
    assert places.country(IPV6) == "DE"
    assert places.country(cut_network("198.51.100.1")) == ""


@pytest.mark.parametrize(
    "record",
    [maxmind("EU"), {"country": "Germany"}, {"country_code": 49}, {"country": {}}, "DE", ["DE"]],
)
def test_records_that_name_no_country_give_nothing(file: Path, record: object) -> None:
    write(file, record)
    assert watching(file).country(IPV4) == ""


def test_a_file_of_ipv4_alone_knows_no_ipv6(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(file, maxmind("DE"), ip_version=4)
    places = watching(str(file))
    assert places.country(IPV4) == "DE"
    assert places.country(IPV6) == ""
    assert caplog.records == []


def test_a_replaced_file_is_read_again(file: Path) -> None:
    write(file, maxmind("DE"))
    places = watching(file)
    assert places.country(IPV4) == "DE"
    write(file, maxmind("AT"))
    assert places.country(IPV4) == "AT"


def test_a_file_that_appears_later_is_read(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    places = watching(file)
    assert [places.country(IPV4) for _ in range(3)] == ["", "", ""]
    assert len(caplog.records) == 1
    write(file, maxmind("DE"))
    assert places.country(IPV4) == "DE"


@pytest.mark.parametrize("content", [b"", b"no database", b"\xab\xcd\xefMaxMind.com", bytes(5000)])
def test_a_broken_file_gives_nothing_and_one_warning(
    file: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_bytes(content)
    places = watching(file)
    assert [places.country(IPV4), places.country(IPV6)] == ["", ""]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert str(file) in record.getMessage()


@pytest.mark.parametrize("path", ["/", "bad\0name", "x" * 5000])
def test_a_path_that_is_no_file_is_no_crash(path: str, caplog: pytest.LogCaptureFixture) -> None:
    assert watching(path).country(IPV4) == ""
    assert len(caplog.records) == 1


def test_every_torn_or_overwritten_file_is_survived(file: Path) -> None:
    write(file, maxmind("DE"))
    whole = file.read_bytes()
    for cut in range(0, len(whole), 17):
        file.write_bytes(whole[:cut])
        assert watching(file).country(IPV4) in ("", "DE")
        file.write_bytes(whole[:cut] + b"\xff" * 17 + whole[cut + 17 :])
        assert len(watching(file).country(IPV4)) in (0, 2)


def test_a_damaged_record_gives_nothing_and_one_warning(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(file, maxmind("DE"))
    whole = file.read_bytes()
    # 0x20 with a far target is a pointer out of the file.
    file.write_bytes(whole.replace(b"\x48iso_code", b"\x3f\xff\xff\xff\xffcode"))
    places = watching(file)
    assert [places.country(IPV4), places.country(IPV6)] == ["", ""]
    assert len(caplog.records) == 1


def test_while_a_new_file_is_broken_the_last_good_one_answers(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(file, maxmind("DE"))
    places = watching(file)
    assert places.country(IPV4) == "DE"
    file.write_bytes(b"half a copy")
    os.utime(file, ns=(1, 1))
    assert [places.country(IPV4), places.country(IPV6)] == ["DE", "DE"]
    assert len(caplog.records) == 1
    write(file, maxmind("AT"))
    assert places.country(IPV4) == "AT"


def test_a_file_overwritten_in_place_is_read_again(file: Path, tmp_path: Path) -> None:
    write(file, maxmind("DE"))
    places = watching(file)
    assert places.country(IPV4) == "DE"
    write(tmp_path / "new.mmdb", maxmind("AT"))
    whole = (tmp_path / "new.mmdb").read_bytes()
    with file.open("r+b") as target:  # the same inode, as `cp` does
        target.write(whole[:100])
        target.flush()
        assert places.country(IPV4) in ("DE", "")
        target.write(whole[100:])
    os.utime(file, ns=(2, 2))
    assert places.country(IPV4) == "AT"


def test_the_file_is_looked_at_once_a_second_not_for_every_click(file: Path) -> None:
    write(file, maxmind("DE"))
    places = Places(file, look_again_seconds=3600)
    assert places.country(IPV4) == "DE"
    write(file, maxmind("AT"))
    assert places.country(IPV4) == "DE"


def test_what_was_fetched_is_used_until_the_settings_name_a_file(
    tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load({}, data_dir=tmp_path / "data")
    places = Places.of(settings)
    assert places.country(cut_network("8.8.8.8")) == "US"  # built in
    assert caplog.records == []
    fetched = chosen_file(settings).path
    fetched.parent.mkdir()
    write(fetched, maxmind("DE"))
    assert Places.of(settings).country(IPV4) == "DE"
    write(file, maxmind("AT"))
    assert Places.of(replace(settings, geoip_db=str(file))).country(IPV4) == "AT"
