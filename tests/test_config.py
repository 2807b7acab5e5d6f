"""Settings: parsed once, wrong ones named, secrets kept from requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from linkservice.config import PREFIX, load, take_secret
from linkservice.errors import Invalid


@pytest.mark.parametrize(
    ("given", "origin", "host"),
    [
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001", "127.0.0.1:8001"),
        ("https://Go.Marke.DE:443/", "https://go.marke.de", "go.marke.de"),
        ("https://straße.example", "https://xn--strae-oqa.example", "xn--strae-oqa.example"),
        ("http://[::1]:8001", "http://[::1]:8001", "[::1]:8001"),
    ],
)
def test_an_address_is_read_as_browsers_read_it(
    tmp_path: Path, given: str, origin: str, host: str
) -> None:
    settings = load({PREFIX + "LINK_URL": given}, data_dir=tmp_path)
    assert (settings.link_url, settings.link_host) == (origin, host)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LINK_URL", "go.marke.de"),
        ("LINK_URL", "https://go.marke.de/path"),
        ("LINK_URL", "https://ada:secret@go.marke.de"),
        ("BASE_URL", "ftp://go.marke.de"),
        ("BASE_URL", "http://:80"),
        ("SPOOL_SYNC", "sometimes"),
        ("TRUSTED_HOPS", "-1"),
        ("TRUSTED_HOPS", "two"),
        ("LINK_CACHE", "0"),
        ("LOG_LEVEL", "loud"),
        ("GEOIP_DB", "a\0b"),
    ],
)
def test_a_wrong_setting_is_named_with_the_remedy(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Invalid, match=f"{PREFIX}{name}.*; give "):
        load({PREFIX + name: value}, data_dir=tmp_path)


def test_an_unknown_setting_is_refused_since_it_would_do_nothing(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"LINKSERVICE_SPOOLSYNC: .*linkservice settings"):
        load({"LINKSERVICE_SPOOLSYNC": "always"}, data_dir=tmp_path)


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as error:
        load({PREFIX + "DATABASE_URL": "secret\0"}, data_dir=tmp_path)
    assert "secret" not in str(error.value)


def test_the_secret_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    first = load({}, data_dir=tmp_path).secret_key
    assert len(first) > 40
    assert load({}, data_dir=tmp_path).secret_key == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_secret_key_leaves_the_environment_and_stays_the_same(tmp_path: Path) -> None:
    environ = {PREFIX + "SECRET_KEY": "from outside"}
    settings = load(environ, data_dir=tmp_path)
    take_secret(environ, settings)
    assert environ == {}
    assert load(environ, data_dir=tmp_path).secret_key == "from outside"
