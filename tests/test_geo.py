"""`linkservice geo`: fetching MaxMind's file, and what is told of the data in use."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from maxmind import ACCOUNT, EDITION, KEY, MaxMind, archive, country_file, not_gzip, serving
from terminal import done, refused, run

from linkservice.clicks import maxmind
from linkservice.clicks.geodata import chosen_file
from linkservice.clicks.place import Places
from linkservice.clicks.visitor import cut_network
from linkservice.config import Settings, load
from linkservice.doctor import stores

HERE = cut_network("203.0.113.7")


@pytest.fixture
def shop() -> Iterator[MaxMind]:
    """MaxMind, with a file of today."""
    with serving() as given:
        yield given


@pytest.fixture
def on_sqlite(tmp_path: Path, migrated: Path) -> Settings:
    """For what does not depend on the kind of database: one is enough."""
    folder = tmp_path / "lite"
    folder.mkdir()
    (folder / "linkservice.db").write_bytes(migrated.read_bytes())
    return load({}, data_dir=folder)


@pytest.fixture
def account(on_sqlite: Settings) -> Settings:
    return replace(on_sqlite, maxmind_account_id=ACCOUNT, maxmind_license_key=KEY)


def environ(shop: MaxMind, **more: str) -> dict[str, str]:
    return {
        "LINKSERVICE_TEST_MAXMIND": shop.url,
        "LINKSERVICE_MAXMIND_ACCOUNT_ID": ACCOUNT,
        "LINKSERVICE_MAXMIND_LICENSE_KEY": KEY,
        **more,
    }


def quiet(_done: int, _total: int) -> None:
    """No progress."""


def test_ada_fetches_the_file_and_it_is_used(
    on_sqlite: Settings, shop: MaxMind, tmp_path: Path
) -> None:
    assert done(on_sqlite, "geo", "status").startswith("source  built-in registry data (iptocc ")
    shop.keeps(archive(country_file(tmp_path / "new", "DE")))
    told = done(on_sqlite, "geo", "update", **environ(shop))
    assert re.search(r"geo/GeoLite2-Country\.mmdb is now GeoLite2-Country of \d{4}-", told)
    assert Places.of(on_sqlite).country(HERE) == "DE"
    path = f"/geoip/databases/{EDITION}/download?suffix=tar.gz"
    assert shop.asked == [path, path + ".sha256"]
    assert shop.agents[0].startswith("linkservice/")
    status = done(on_sqlite, "geo", "status")
    assert "age     0 days" in status
    assert "https://www.maxmind.com" in status
    assert stores.geography(on_sqlite, datetime.now(UTC)).detail.startswith(str(on_sqlite.data_dir))


def test_nothing_is_fetched_while_nothing_is_newer(
    account: Settings, shop: MaxMind, tmp_path: Path
) -> None:
    shop.keeps(archive(country_file(tmp_path / "new", "DE")))
    assert maxmind.update(account, quiet, shop.url).changed
    asked = len(shop.asked)
    assert not maxmind.update(account, quiet, shop.url).changed
    assert len(shop.asked) == asked + 1
    shop.keeps(archive(country_file(tmp_path / "new", "AT")))
    assert maxmind.update(account, quiet, shop.url).changed
    assert Places.of(account).country(HERE) == "AT"


def test_the_host_that_keeps_the_files_is_not_told_the_key(
    account: Settings, shop: MaxMind, tmp_path: Path
) -> None:
    shop.keeps(archive(country_file(tmp_path / "new", "DE")))
    with serving(MaxMind(shop.archive, shop.sum), "127.0.0.2") as store:
        shop.elsewhere = store.url
        assert maxmind.update(account, quiet, shop.url).changed
        assert store.told_key == [False]
    assert shop.told_key == [True, True]


def test_a_file_of_the_settings_is_replaced_if_it_is_that_edition(
    account: Settings, shop: MaxMind, tmp_path: Path
) -> None:
    shop.keeps(archive(country_file(tmp_path / "new", "DE")))
    mine = tmp_path / "mine.mmdb"
    given = replace(account, geoip_db=str(mine))
    assert maxmind.update(given, quiet, shop.url).file.path == mine
    country_file(mine, "AT", kind="ipinfo lite")
    why = refused(account, "geo", "update", **environ(shop, LINKSERVICE_GEOIP_DB=str(mine)))
    assert "ipinfo lite" in why
    assert Places(mine).country(HERE) == "AT"


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "refuses the account number or the licence key"),
        (403, "does not give GeoLite2-Country to this account"),
        (404, "does not give GeoLite2-Country to this account"),
        (429, "too often today; try again tomorrow"),
        (500, "cannot be reached (it answered 500)"),
    ],
)
def test_what_maxmind_refuses_is_told(
    on_sqlite: Settings, shop: MaxMind, status: int, sentence: str
) -> None:
    shop.status = status
    why = refused(on_sqlite, "geo", "update", **environ(shop))
    assert sentence in why
    assert KEY not in why


def test_a_wrong_key_and_none_are_told(on_sqlite: Settings, shop: MaxMind) -> None:
    given = environ(shop, LINKSERVICE_MAXMIND_LICENSE_KEY="another")
    assert "licence key" in refused(on_sqlite, "geo", "update", **given)
    assert "LINKSERVICE_MAXMIND_ACCOUNT_ID" in refused(on_sqlite, "geo", "update")
    assert "LINKSERVICE_MAXMIND_LICENSE_KEY" in done(on_sqlite, "settings", **environ(shop))
    assert KEY not in done(on_sqlite, "settings", **environ(shop))


def test_without_a_network_the_old_file_stays(
    account: Settings, shop: MaxMind, tmp_path: Path
) -> None:
    with serving() as gone:
        pass
    why = refused(account, "geo", "update", **environ(gone))
    assert "cannot be reached" in why
    assert list(chosen_file(account).path.parent.iterdir()) == []


@pytest.mark.parametrize(
    "what", ["short", "sum", "tar", "gzip", "empty", "torn", "kind", "folder", "no file"]
)
def test_a_damaged_archive_leaves_the_old_file(
    on_sqlite: Settings, shop: MaxMind, tmp_path: Path, what: str
) -> None:
    good = country_file(tmp_path / "new", "DE")
    shop.keeps(archive(good))
    done(on_sqlite, "geo", "update", **environ(shop))
    packed = archive(country_file(tmp_path / "new", "AT"))
    damaged = {
        "tar": b"\x1f\x8b nonsense",
        "gzip": not_gzip(packed),
        "empty": archive(b""),
        "torn": archive(good[: len(good) // 2]),
        "kind": archive(country_file(tmp_path / "new", "AT", kind="GeoLite2-ASN")),
        "folder": archive(good, name=f"{EDITION}/{EDITION}.txt"),
        "no file": b"",
    }
    shop.keeps(damaged.get(what, packed))
    shop.short = 20 if what == "short" else 0
    if what == "sum":
        shop.sum = "0" * 64
    result = run(on_sqlite, "geo", "update", **environ(shop))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the old file stays" in result.stderr
    assert Places.of(on_sqlite).country(HERE) == "DE"
    assert os.listdir(chosen_file(on_sqlite).path.parent) == [f"{EDITION}.mmdb"]


def test_an_archive_cannot_write_beside_its_place(
    account: Settings, shop: MaxMind, tmp_path: Path
) -> None:
    shop.keeps(archive(country_file(tmp_path / "new", "DE"), name="../../../escaped.mmdb"))
    assert maxmind.update(account, quiet, shop.url).changed
    assert [path.name for path in account.data_dir.rglob("*.mmdb")] == [f"{EDITION}.mmdb"]


def test_status_tells_of_a_file_that_cannot_be_read(on_sqlite: Settings, tmp_path: Path) -> None:
    (tmp_path / "geo.mmdb").write_bytes(b"no database")
    given = {"LINKSERVICE_GEOIP_DB": str(tmp_path / "geo.mmdb")}
    assert "geo.mmdb cannot be read" in refused(on_sqlite, "geo", "status", **given)


def test_progress_is_told(account: Settings, shop: MaxMind, tmp_path: Path) -> None:
    shop.keeps(archive(country_file(tmp_path / "new", "DE")))
    seen: list[tuple[int, int]] = []
    maxmind.update(account, lambda now, total: seen.append((now, total)), shop.url)
    assert seen[-1] == (len(shop.archive), len(shop.archive))
