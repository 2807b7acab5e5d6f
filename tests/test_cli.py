"""The commands do what the contract says, and refuse wrong input in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click
import pytest
import zxingcpp
from cast import NOW, Home, make_link, make_touchpoint, owner_of
from PIL import Image
from revisions import NEWEST
from service import wait_until
from sqlalchemy import func, select
from terminal import done, refused, run

from linkservice.cli import addresses, main
from linkservice.cli.door import now
from linkservice.clicks.event import Click, encode
from linkservice.clicks.model import LinkDay, Salt
from linkservice.clicks.spool import Spool, node_id
from linkservice.config import SETTINGS, Settings, load
from linkservice.database import Database
from linkservice.errors import NotFound
from linkservice.links.domains import follow_link_url
from linkservice.links.model import Domain, Link
from linkservice.lockfile import exclusive
from linkservice.workspaces.access import actor_of_key, live_key
from linkservice.workspaces.model import ApiKey, Member, User, Workspace
from linkservice.workspaces.one_time import look_at_setup, use_password


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    return owner_of(database, settings)


@pytest.fixture
def fresh(empty_url: str, tmp_path: Path) -> Settings:
    """Settings of an installation nobody has used: no tables, no files."""
    return load({}, data_dir=tmp_path / "new", database_url=empty_url)


@pytest.fixture
def on_sqlite(tmp_path: Path, migrated: Path) -> Settings:
    """For what does not depend on the kind of database: one is enough."""
    folder = tmp_path / "lite"
    folder.mkdir()
    (folder / "linkservice.db").write_bytes(migrated.read_bytes())
    return load({}, data_dir=folder)


@pytest.fixture
def files(on_sqlite: Settings) -> Iterator[Database]:
    """The database of `on_sqlite`, with a workspace and the link `sommer`."""
    database = Database(on_sqlite.database_url)
    home = owner_of(database, on_sqlite)
    with database.transaction() as session:
        make_link(session, on_sqlite, home, "sommer")
    yield database
    database.close()


def count(database: Database, model: type) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


# keys and users


def test_the_first_key_makes_tables_workspace_and_domain(fresh: Settings) -> None:
    result = run(fresh, "key", "add", "shop")
    assert result.exit_code == 0
    key = result.stdout.removesuffix("\n")
    assert key.startswith("lsk_")
    assert "127.0.0.1:8001" in result.stderr
    database = Database(fresh.database_url)
    with database.reading() as session:
        actor = actor_of_key(live_key(session, key, NOW))
        assert (actor.name, actor.scopes) == ("key shop", {"admin"})
        assert [each.host for each in session.scalars(select(Domain))] == ["127.0.0.1:8001"]
    run(fresh, "key", "add", "another")
    assert (count(database, Workspace), count(database, ApiKey)) == (1, 2)
    database.close()


@pytest.mark.parametrize(
    ("link_url", "host"),
    [
        ("https://go.example.com", "go.example.com"),
        ("http://8.8.8.8:8001", "8.8.8.8:8001"),
        ("https://go.märke.de", "go.xn--mrke-loa.de"),
        ("https://go.example.com:443", "go.example.com"),
    ],
)
def test_the_first_domain_is_the_host_of_link_url(
    fresh: Settings, link_url: str, host: str
) -> None:
    done(fresh, "key", "add", "shop", LINKSERVICE_LINK_URL=link_url)
    database = Database(fresh.database_url)
    with database.reading() as session:
        assert session.scalars(select(Domain.host)).all() == [host]
    database.close()


def test_a_link_url_that_is_no_host_is_refused_before_anything_is_made(fresh: Settings) -> None:
    result = run(fresh, "key", "add", "shop", LINKSERVICE_LINK_URL="http://-_-")
    assert result.exit_code == 1
    assert "LINKSERVICE_LINK_URL: This is no host name" in result.stderr
    database = Database(fresh.database_url)
    assert (count(database, Workspace), count(database, ApiKey)) == (0, 0)
    database.close()


def test_a_key_has_the_scopes_it_was_given(
    settings: Settings, database: Database, home: Home
) -> None:
    key = done(
        settings, "key", "add", "x", "--scope", "links:read", "--scope", "reports:read"
    ).strip()
    with database.reading() as session:
        assert actor_of_key(live_key(session, key, NOW)).scopes == {"links:read", "reports:read"}


def test_a_wrong_key_is_not_made(on_sqlite: Settings, files: Database) -> None:
    assert "--scope: This must be one of: links:read" in refused(
        on_sqlite, "key", "add", "x", "--scope", "root"
    )
    assert "NAME: This must not be empty" in refused(on_sqlite, "key", "add", "")
    assert "NAME: At most 100 characters" in refused(on_sqlite, "key", "add", "x" * 101)
    assert "NAME: The character U+0007" in refused(on_sqlite, "key", "add", "x\a")
    assert "UTF-8" in refused(on_sqlite, "key", "add", "\udcff", code=2)
    assert count(files, ApiKey) == 0


def test_a_user_becomes_a_member_once(settings: Settings, database: Database, home: Home) -> None:
    assert "ada@example.com is now owner" in done(settings, "user", "add", "ada@example.com")
    done(settings, "user", "add", "ben@example.com", "--role", "editor")
    assert "EMAIL: ada@example.com is already a member" in refused(
        settings, "user", "add", "Ada@example.com"
    )
    assert "EMAIL: Not an e-mail address" in refused(settings, "user", "add", "ada")
    assert "--role" in refused(settings, "user", "add", "x@y.de", "--role", "king", code=2)
    assert (count(database, User), count(database, Member)) == (2, 2)


def test_a_new_person_gets_a_link_to_choose_a_password(fresh: Settings) -> None:
    """In a new data directory too: no set-up link is needed then."""
    said = done(fresh, "user", "add", "Ada@example.com", LINKSERVICE_BASE_URL="https://a.example")
    link = said.splitlines()[1]
    assert link.startswith("https://a.example/app/password/")
    assert "ada@example.com  owner of “linkservice”  no password yet" in done(fresh, "user", "list")
    again = done(fresh, "user", "link", " ADA@example.com").strip()
    database = Database(fresh.database_url)
    use_password(database, fresh, link.rpartition("/")[2], "a-long-walk-by-the-sea", now())
    assert again.startswith("http://127.0.0.1:8000/app/password/")
    with pytest.raises(NotFound):  # it went with the first one
        use_password(database, fresh, again.rpartition("/")[2], "a-long-walk-by-the-sea", now())
    assert done(fresh, "user", "list") == "ada@example.com  owner of “linkservice”\n"
    assert "EMAIL: Nobody has the address “cleo@example.com”" in refused(
        fresh, "user", "link", "cleo@example.com"
    )
    database.close()


def test_keys_are_listed_and_revoked(settings: Settings, database: Database, home: Home) -> None:
    for name in ("shop", "till", "till"):
        done(settings, "key", "add", name, "--scope", "links:read")
    listed = done(settings, "key", "list").splitlines()
    assert [line.split("  ") for line in listed] == [
        [number, name, "links:read", "never used", "live"]
        for number, name in (("3", "till"), ("2", "till"), ("1", "shop"))
    ]
    assert "“shop” (1) works no more" in done(settings, "key", "revoke", "shop")
    assert "Several keys are called “till”; name one by its id: 2, 3" in refused(
        settings, "key", "revoke", "till"
    )
    done(settings, "key", "revoke", "3")
    done(settings, "key", "revoke", "till")
    assert "There is no key “till”" in refused(settings, "key", "revoke", "till")
    assert done(settings, "key", "list").count("revoked") == 3


# links


def test_a_link_is_made_and_its_short_url_printed(
    settings: Settings, database: Database, home: Home
) -> None:
    with database.transaction() as session:
        touchpoint = make_touchpoint(session, home)
    said = done(
        settings,
        *("link", "add", "https://example.com/ü", "--slug", "Herbst"),
        *("--touchpoint", touchpoint, "--title", "Plakat", "--domain", home.host),
    )
    assert said == "http://127.0.0.1:8001/Herbst\n"
    with database.reading() as session:
        link = session.scalars(select(Link)).one()
        assert (link.slug, link.title, str(link.touchpoint_id)) == ("Herbst", "Plakat", touchpoint)
        assert link.destination == "https://example.com/%C3%BC"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ftp://example.com",), "URL: A link leads to web pages"),
        (("",), "URL: The destination is empty"),
        (("https://example.com/" + "x" * 3000,), "URL: The destination has"),
        (("https://example.com", "--slug", "q"), "--slug: The slug “q” is reserved"),
        (("https://example.com", "--slug", "a b"), "--slug: A slug cannot hold"),
        (("https://example.com", "--slug", ""), "--slug: The slug is empty"),
        (("https://example.com", "--slug", "x" * 65), "--slug: The slug has 65 characters"),
        (("https://example.com", "--slug", "SOMMER"), "--slug: The slug “sommer” is already"),
        (("https://example.com", "--touchpoint", "99"), "--touchpoint: There is no touchpoint"),
        (("https://example.com", "--touchpoint", "x" * 9000), "--touchpoint: There is no"),
        (("https://example.com", "--domain", "other.example"), "--domain: The workspace has no"),
        (("https://example.com", "--domain", "a/b"), "--domain: Write the host alone"),
        (("https://example.com", "--title", "x" * 201), "--title: At most 200"),
        (("https://example.com", "--title", "a\nb"), "--title: The character U+000A"),
    ],
)
def test_a_wrong_link_is_not_made(
    on_sqlite: Settings,
    files: Database,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    told = refused(on_sqlite, "link", "add", *arguments)
    assert message.lower() in told.lower()
    assert count(files, Link) == 1


@pytest.mark.parametrize("option", ["--slug", "--touchpoint", "--domain", "--title"])
def test_bytes_that_are_no_utf8_are_refused(
    on_sqlite: Settings, files: Database, option: str
) -> None:
    told = refused(on_sqlite, "link", "add", "https://example.com", option, "\udc80", code=2)
    assert option in told
    assert "UTF-8" in told


def test_links_come_from_stdin_in_order(settings: Settings, database: Database, home: Home) -> None:
    lines = b"https://example.com/1\r\n\n  https://example.com/2  \nhttps://example.com/3"
    urls = done(settings, "link", "add", "-", "--title", "Serie", stdin=lines).split()
    assert len(set(urls)) == 3
    with database.reading() as session:
        links = session.scalars(select(Link).order_by(Link.id)).all()
    assert [url.rpartition("/")[2] for url in urls] == [link.slug for link in links]
    assert [link.destination[-1] for link in links] == ["1", "2", "3"]


def test_one_wrong_line_of_stdin_makes_no_link(on_sqlite: Settings, files: Database) -> None:
    told = refused(
        on_sqlite,
        *("link", "add", "-"),
        stdin=b"https://example.com\nftp://x\n\nhttps://a.de/\0\nhttps://\xff.de\n",
    )
    assert "line 2: A link leads" in told
    assert "line 4: " in told
    assert "line 5: " in told
    assert "URL: The destination is empty" in refused(on_sqlite, "link", "add", "-", stdin=b"\n")
    assert "line 1: The destination has more than" in refused(
        on_sqlite, "link", "add", "-", stdin=b"x" * 200_000
    )
    assert "--title: At most" in refused(
        on_sqlite, "link", "add", "-", "--title", "x" * 300, stdin=b"https://a.de\nhttps://b.de"
    )
    assert "--slug: One slug cannot serve" in refused(
        on_sqlite, "link", "add", "-", "--slug", "x", stdin=b"https://a.de\nhttps://b.de"
    )
    assert "line 5001: At most 5,000" in refused(
        on_sqlite, "link", "add", "-", stdin=b"https://a.de\n" * 5001
    )
    assert count(files, Link) == 1  # the one that was there


def test_without_a_workspace_the_next_command_is_named(settings: Settings) -> None:
    assert "linkservice key add NAME" in refused(settings, "link", "add", "https://example.com")


def test_without_tables_the_next_command_is_named(fresh: Settings) -> None:
    for arguments in (("link", "add", "https://a.de"), ("audit",), ("report", "touchpoints")):
        assert "linkservice db upgrade" in refused(fresh, *arguments)


# QR codes


def test_a_qr_code_is_written_as_png_svg_and_pdf(
    on_sqlite: Settings, files: Database, tmp_path: Path
) -> None:
    picture, drawing = tmp_path / "code.PNG", tmp_path / "code.svg"
    picture.write_text("an older file")
    done(on_sqlite, "qr", "Sommer", "-o", str(picture), "--size-mm", "30", "--dpi", "600")
    (code,) = zxingcpp.read_barcodes(Image.open(picture))
    assert code.text == "HTTP://127.0.0.1:8001/Q/SOMMER"
    said = done(on_sqlite, "qr", "sommer", "-o", str(drawing), "--size-mm", "40")
    assert "40 mm wide" in said
    assert 'width="40mm"' in drawing.read_text()
    page = tmp_path / "code.pdf"
    said = done(on_sqlite, "qr", "sommer", "-o", str(page), "--size-mm", "40")
    assert "40 mm wide" in said
    assert b"/MediaBox [0 0 113.39 113.39]" in page.read_bytes()
    done(on_sqlite, "qr", "sommer", "-o", str(picture), "--module-px", "3")
    assert {"code.PNG", "code.svg", "code.pdf"} <= {path.name for path in tmp_path.iterdir()}
    assert not list(tmp_path.glob(".linkservice*"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("sommer", "-o", "x.gif"), 2, ".png, .svg or .pdf"),
        (("sommer",), 2, "--output"),
        (("sommer", "-o", "x.svg", "--dpi", "300"), 2, "--dpi"),
        (("sommer", "-o", "x.png", "--size-mm", "wide"), 2, "--size-mm"),
        (("sommer", "-o", "x.png", "--size-mm", "nan"), 1, "--size-mm"),
        (("sommer", "-o", "x.png", "--size-mm", "-1"), 1, "--size-mm"),
        (("sommer", "-o", "x.png", "--dpi", "1"), 1, "--dpi"),
        (("sommer", "-o", "x.png", "--dpi", "9" * 30), 1, "--dpi"),
        (("sommer", "-o", "x.png", "--module-px", "0"), 1, "--module-px"),
        (("sommer", "-o", "x.png", "--module-px", "3", "--size-mm", "30"), 1, "--module-px"),
        (("winter", "-o", "x.png"), 1, "SLUG: There is no link “winter”"),
        (("x" * 100_000, "-o", "x.png"), 1, "SLUG: There is no link"),
        (("\udcff", "-o", "x.png"), 2, "UTF-8"),
        (("sommer", "-o", "x.png", "--domain", "a.example"), 1, "--domain"),
        (("sommer", "-o", "missing/x.png"), 1, "missing/x.png: No such file or directory"),
    ],
)
def test_a_wrong_qr_code_is_not_written(
    on_sqlite: Settings,
    files: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert message in refused(on_sqlite, "qr", *arguments, code=code)
    assert sorted(tmp_path.iterdir()) == before


# the pipeline


def click_on(settings: Settings, database: Database, seconds_ago: int = 0) -> None:
    """One recorded click of a person on the newest link."""
    with database.reading() as session:
        link = session.scalars(select(Link).order_by(Link.id.desc())).first()
        assert link is not None
        record = Click(
            time_ms=time.time_ns() // 1_000_000 - seconds_ago * 1000,
            link_id=link.id,
            link_version=1,
            domain_id=link.domain_id,
            workspace_id=link.workspace_id,
            user_agent="Mozilla/5.0 (Windows NT 10.0; rv:143.0) Gecko/20100101 Firefox/143.0",
        )
    spool = Spool(settings.spool_dir, node_id(settings.data_dir), sync="off")
    spool.append(encode(record))
    spool.close()


def test_audit_before_and_after_ingest(settings: Settings, database: Database, home: Home) -> None:
    with database.transaction() as session:
        make_link(session, settings, home)
    click_on(settings, database)
    keys = ["accepted", "ingested", "rejected", "pending", "unrecorded", "damaged", "difference"]
    told = json.loads(done(settings, "audit", "--format", "json"))
    assert [told[key] for key in keys] == [1, 0, 0, 1, 0, 0, 0]
    assert (told["first_difference"], told["differences"]) == (None, [])
    assert "1 clicks ingested" in done(settings, "ingest", "--once")
    table = done(settings, "audit")
    assert [line.split() for line in table.splitlines()] == [
        [name, number] for name, number in zip(keys, ["1", "1", *"00000"], strict=True)
    ]


def test_audit_fails_when_a_click_is_missing(on_sqlite: Settings, files: Database) -> None:
    click_on(on_sqlite, files)
    done(on_sqlite, "ingest", "--once")
    with files.transaction() as session:
        session.scalars(select(LinkDay)).one().clicks = 0
    result = run(on_sqlite, "audit", "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)["difference"]) == (1, 1)


def test_ingesting_once_deletes_what_was_kept_long_enough(
    on_sqlite: Settings, files: Database
) -> None:
    """From a timer, too, no salt outlives its day."""
    with files.transaction() as session:
        workspace = session.scalars(select(Workspace)).one()
        over = now() - timedelta(days=2)
        session.add(
            Salt(workspace_id=workspace.id, local_date=over.date(), salt=b"x" * 32, expires_at=over)
        )
    done(on_sqlite, "ingest", "--once")
    with files.reading() as session:
        assert session.scalar(select(func.min(Salt.expires_at))) > now()


def test_ingest_is_refused_beside_a_running_one(on_sqlite: Settings, files: Database) -> None:
    with exclusive(on_sqlite.data_dir / "ingest.lock", "ingest_running"):
        assert "already ingests" in refused(on_sqlite, "ingest", "--once")


# tables and settings


def test_tables_go_up_and_down(fresh: Settings) -> None:
    assert "db upgrade" in refused(fresh, "db", "check")
    assert NEWEST in done(fresh, "db", "upgrade")
    assert "current" in done(fresh, "db", "check")
    for revision in ("nowhere", "", ":", "0001:base", "+9", "-9", "base:head", "x" * 999, "a@b"):
        told = run(fresh, "db", "downgrade", "--", revision)
        assert told.exit_code == 1, revision
        assert told.stderr.count("\n") == 1
    assert "current" in done(fresh, "db", "check")
    assert "base" in done(fresh, "db", "downgrade", "base")
    assert "db upgrade" in refused(fresh, "db", "check")


def test_settings_lists_all_and_no_secret(on_sqlite: Settings) -> None:
    said = done(on_sqlite, "settings", LINKSERVICE_SECRET_KEY="hush-hush")
    assert [
        setting.name for setting in SETTINGS if f"LINKSERVICE_{setting.name}  " not in said
    ] == []
    assert "hush-hush" not in said
    assert on_sqlite.database_url not in said
    assert str(on_sqlite.data_dir) in said


def test_a_wrong_setting_is_named(on_sqlite: Settings) -> None:
    assert "LINKSERVICE_SPOOL_SYNC: “often” does not fit" in refused(
        on_sqlite, "settings", LINKSERVICE_SPOOL_SYNC="often"
    )
    assert "LINKSERVICE_SPOOL_SNYC: There is no such setting" in refused(
        on_sqlite, "settings", LINKSERVICE_SPOOL_SNYC="off"
    )
    assert "LINKSERVICE_DATABASE_URL" in refused(
        on_sqlite, "audit", LINKSERVICE_DATABASE_URL="mysql://x"
    )


def test_a_database_that_is_away_is_one_line(on_sqlite: Settings, tmp_path: Path) -> None:
    away = f"sqlite:///{tmp_path}/no/such/folder.db"
    assert "LINKSERVICE_DATABASE_URL" in refused(on_sqlite, "audit", LINKSERVICE_DATABASE_URL=away)
    unused = "postgresql://nobody@127.0.0.1:1/none"
    assert "refused" in refused(on_sqlite, "audit", LINKSERVICE_DATABASE_URL=unused)


def test_a_data_directory_that_cannot_be_made_is_named(on_sqlite: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = refused(on_sqlite, "audit", "--data-dir", str(tmp_path / "file" / "x"))
    assert f"{tmp_path}/file/x: Not a directory" in told


def test_the_data_directory_may_be_named_before_or_behind(fresh: Settings, tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "elsewhere")
    done(fresh, "--data-dir", elsewhere, "key", "add", "x", LINKSERVICE_DATABASE_URL="")
    said = done(fresh, "audit", "--data-dir", elsewhere, LINKSERVICE_DATABASE_URL="")
    assert said.startswith("accepted")
    assert (tmp_path / "elsewhere" / "linkservice.db").exists()


# doctor


def test_doctor_finds_nothing_wrong(settings: Settings, home: Home) -> None:
    settings.data_dir.chmod(0o700)
    lines = done(settings, "doctor").splitlines()
    assert {line.split()[0] for line in lines} == {"ok"}, lines
    assert [line.split()[1] for line in lines] == [
        *("settings", "addresses", "proxies", "metrics", "secret", "folder", "disk", "files"),
        *("database", "schema", "spool", "ingest", "recording", "room", "clock", "sync"),
        *("segments", "countries", "node", "ingester", "salts", "rejected", "letters"),
        *("domains", "mail"),
    ]


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"LINKSERVICE_GEOIP_DB": "/nowhere.mmdb"}, "correct LINKSERVICE_GEOIP_DB"),
        ({"LINKSERVICE_TRUSTED_HOPS": "-1"}, "LINKSERVICE_TRUSTED_HOPS"),
        ({"LINKSERVICE_DATABASE_URL": "nonsense"}, "LINKSERVICE_DATABASE_URL"),
        ({"LINKSERVICE_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, "database"),
    ],
)
def test_doctor_says_what_is_wrong(
    on_sqlite: Settings, files: Database, environ: dict[str, str], problem: str
) -> None:
    result = run(on_sqlite, "doctor", **environ)
    assert result.exit_code == 1
    wrong = [line for line in result.stdout.splitlines() if line.startswith("problem")]
    assert wrong
    assert problem in wrong[0]


def test_doctor_misses_tables_and_a_workspace(settings: Settings, fresh: Settings) -> None:
    assert "or `linkservice key add NAME`" in run(settings, "doctor").stdout
    assert "linkservice db upgrade" in run(fresh, "doctor").stdout


def test_doctor_misses_salts_and_an_ingester(on_sqlite: Settings, files: Database) -> None:
    with exclusive(on_sqlite.data_dir / "ingest.lock", "ingest_running"):
        told = run(on_sqlite, "doctor")
        assert (told.exit_code, "none for today in linkservice" in told.stdout) == (1, True)
    click_on(on_sqlite, files, seconds_ago=3600)
    assert "start the ingester" in run(on_sqlite, "doctor").stdout


# where the service is reached


def test_addresses_follow_the_ports_unless_the_environment_says_otherwise() -> None:
    assert addresses.from_options("127.0.0.1", 1, 2, {}) == {
        "base_url": "http://127.0.0.1:1",
        "link_url": "http://127.0.0.1:2",
    }
    assert addresses.from_options("0.0.0.0", 1, 2, {})["link_url"] == "http://127.0.0.1:2"
    assert addresses.from_options("::", 1, 2, {})["link_url"] == "http://127.0.0.1:2"
    assert addresses.from_options("::1", 1, 2, {})["link_url"] == "http://[::1]:2"
    assert addresses.from_options("10.0.0.7", 1, 2, {"LINKSERVICE_LINK_URL": "https://go.de"}) == {
        "base_url": "http://10.0.0.7:1"
    }


def test_short_urls_lead_to_where_the_service_was_last_started(
    on_sqlite: Settings, files: Database
) -> None:
    served = load({}, data_dir=on_sqlite.data_dir, link_url="http://127.0.0.1:9001")
    addresses.remember(served)
    with files.transaction() as session:
        assert follow_link_url(session, served, NOW) == "127.0.0.1:9001"
        assert follow_link_url(session, served, NOW) is None
    add = ("link", "add", "https://example.com")
    assert done(on_sqlite, *add, "--slug", "a") == "http://127.0.0.1:9001/a\n"
    elsewhere = done(on_sqlite, *add, "--slug", "b", LINKSERVICE_LINK_URL="https://go.de")
    assert elsewhere.endswith("/b\n")
    (on_sqlite.data_dir / addresses.FILE).write_text("no json")
    assert done(on_sqlite, *add, "--slug", "c").endswith("/c\n")


def test_a_name_that_may_be_printed_never_follows(on_sqlite: Settings, files: Database) -> None:
    named = load({}, data_dir=on_sqlite.data_dir, link_url="https://go.example.com")
    with files.transaction() as session:
        assert follow_link_url(session, named, NOW) == "go.example.com"
        assert follow_link_url(session, on_sqlite, NOW) is None
        assert session.scalars(select(Domain.host)).all() == ["go.example.com"]


# usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("serv",), "No such command 'serv'"),
        (("audit", "--format", "xml"), "--format"),
        (("audit", "--what"), "--what"),
        (("key", "add"), "NAME"),
        (("link", "add", "a", "b"), "extra argument"),
        (("serve", "--port", "x"), "--port"),
        (("serve", "--port", "70000"), "--port"),
        (("serve", "--link-port", "0"), "--link-port"),
        (("serve", "--workers", "many"), "--workers"),
        (("report", "touchpoints", "--from", "2026-02-30"), "2026-11-22"),
        (("report", "touchpoints", "--to", "tomorrow"), "2026-11-22"),
        (("report", "touchpoints", "--metric", "clicks"), "--metric"),
        (("clicks", "import"), "FILE"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    on_sqlite: Settings, arguments: tuple[str, ...], message: str
) -> None:
    told = refused(on_sqlite, *arguments, code=2)
    assert message in told
    assert "--help`" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--host", "not a host"), "--host: “not a host”"),
        (("--port", "8001"), "--link-port: Links and the app cannot share port 8001"),
        (("--workers", "0"), "--workers"),
        (("--roles", "cook"), "Name some of redirect, web, ingest"),
        (("--roles", ""), "Name some of redirect, web, ingest"),
        (("--roles", "\udcff"), "--roles"),
    ],
)
def test_serve_refuses_what_it_cannot_do(
    fresh: Settings, arguments: tuple[str, ...], message: str
) -> None:
    result = run(fresh, "serve", *arguments, LINKSERVICE_DATABASE_URL="")
    assert result.exit_code in (1, 2)
    assert message in result.stderr.splitlines()[-1]


def test_serve_does_not_make_tables_in_a_database_of_its_own(fresh: Settings) -> None:
    assert "linkservice db upgrade" in refused(fresh, "serve", "--port", "1", "--link-port", "2")


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that does something, as it is typed."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name)


EVERY_COMMAND = tuple(leaves(main))
WITHOUT_TABLES = {
    *("demo", "key add", "user add", "db upgrade", "db downgrade", "settings", "doctor"),
    *("metrics", "backup", "restore", "node renew", "geo status", "geo update"),
}
"""What makes the tables, or does without them."""
ARGUMENTS = {
    "key revoke": ("1",),
    "user link": ("ada@example.com",),
    "link add": ("https://example.com",),
    "qr": ("sommer", "-o", "qr.png"),
    "report transitions": ("1",),
    "clicks import": ("-",),
    "conversions import": (__file__,),
}


def test_help_is_there_for_every_command(on_sqlite: Settings) -> None:
    for command in EVERY_COMMAND:
        assert "--data-dir" in done(on_sqlite, *command, "--help"), command
    assert "..." not in done(on_sqlite, "--help").partition("Commands:")[2]
    assert run(on_sqlite).exit_code == 2


def test_every_command_without_tables_names_the_next_one(tmp_path: Path) -> None:
    empty = load({}, data_dir=tmp_path / "empty")
    mail = {"LINKSERVICE_SMTP_URL": "smtp://127.0.0.1:1", "LINKSERVICE_MAIL_FROM": "a@example.com"}
    for command in EVERY_COMMAND:
        if (name := " ".join(command)) not in WITHOUT_TABLES:
            port = ("--port", "1", "--link-port", "2") if name == "serve" else ()
            given = {"LINKSERVICE_DATABASE_URL": empty.database_url, **mail}
            said = refused(empty, *command, *ARGUMENTS.get(name, ()), *port, **given)
            assert "linkservice db upgrade" in said, command


def test_whoever_reads_in_the_wrong_folder_leaves_nothing_there(
    on_sqlite: Settings, tmp_path: Path
) -> None:
    wrong, missing = tmp_path / "wrong", tmp_path / "missing"
    wrong.mkdir()
    reading = [each for each in EVERY_COMMAND if each[0] == "report" or each[-1] == "list"]
    for command in (*reading, ("clicks", "export"), ("db", "check"), ("qr",)):
        arguments = (*command, *ARGUMENTS.get(" ".join(command), ()))
        for folder in (wrong, missing):
            told = refused(
                on_sqlite, *arguments, "--data-dir", str(folder), LINKSERVICE_DATABASE_URL=""
            )
            assert "linkservice db upgrade" in told, command
    assert not list(wrong.iterdir())
    assert not missing.exists()


# as programs of their own


def start(settings: Settings, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    """`python -m linkservice` in a process of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("LINKSERVICE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "linkservice", *arguments, "--data-dir", str(settings.data_dir)],
        env={**env, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_help_waits_for_nothing_heavy() -> None:
    code = (
        "import sys; from linkservice.cli import main\n"
        "heavy = {'sqlalchemy', 'alembic', 'flask', 'PIL', 'scipy', 'numpy', 'qrcode', 'granian'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_serve_remembers_where_it_is_reached(on_sqlite: Settings) -> None:
    done(on_sqlite, "key", "add", "x")
    ports = ("--port", "18730", "--link-port", "18731")
    service = start(on_sqlite, "serve", "--roles", "ingest", *ports)
    try:
        assert service.stdout is not None
        lines = [service.stdout.readline(), service.stdout.readline()]
        assert "Ingesting." in lines[0]
        assert (
            f"linkservice link add https://example.com --data-dir {on_sqlite.data_dir}" in lines[1]
        )
        said = done(on_sqlite, "link", "add", "https://example.com", "--slug", "a")
        assert said == "http://127.0.0.1:18731/a\n"
        assert "already" in refused(on_sqlite, "serve", "--roles", "ingest")
        assert "already serves" in refused(on_sqlite, "restore", "x.zip")
        assert done(on_sqlite, "link", "add", "https://a.de", "--slug", "b").endswith(":18731/b\n")
    finally:
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=60)
    assert service.returncode == 0


def steps(settings: Settings) -> list[str]:
    """What the service says is to be done, once it answers: to set it up and what follows."""
    service = start(settings, "serve", "--roles", "web", "--port", "18732")
    assert service.stdout is not None
    try:
        first = next(line for line in service.stdout if line.startswith("Set up: "))
    finally:
        service.send_signal(signal.SIGTERM)
        rest = service.stdout.read()
        service.communicate(timeout=60)
    return (first + rest).splitlines()


def test_a_new_installation_prints_the_link_to_set_it_up(on_sqlite: Settings) -> None:
    [line] = steps(on_sqlite)
    place, _, token = line.rpartition("/")
    assert place == "Set up: http://127.0.0.1:18732/app/setup"
    database = Database(on_sqlite.database_url)
    with database.reading() as session:
        look_at_setup(session, token, now())
    database.close()
    done(on_sqlite, "key", "add", "x")
    [first, then] = steps(on_sqlite)
    assert first.startswith(f"{place}/")
    assert first != line
    assert "link add https://example.com" in then


def test_bytes_in_argv_that_are_no_utf8(on_sqlite: Settings) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "linkservice", "link", "add", "https://a.de", "--slug", b"\xff"],
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr.count(b"\n")) == (2, b"", 1)


def test_ingest_stops_at_sigterm(on_sqlite: Settings) -> None:
    process = start(on_sqlite, "ingest")
    lock = on_sqlite.data_dir / "ingest.lock"
    wait_until(lambda: lock.exists() and lock.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_colour_only_on_a_terminal(on_sqlite: Settings) -> None:
    def told_on_a_terminal(**environ: str) -> bytes:
        ours, theirs = os.openpty()
        command = [sys.executable, "-m", "linkservice", "doctor"]
        subprocess.run(
            [*command, "--data-dir", str(on_sqlite.data_dir)],
            stdout=theirs,
            check=False,
            env={**os.environ, **environ},
        )
        os.close(theirs)
        told = os.read(ours, 100_000)
        os.close(ours)
        return told

    assert b"\x1b[" in told_on_a_terminal()
    assert b"\x1b[" not in told_on_a_terminal(NO_COLOR="1")
    assert "\x1b[" not in run(on_sqlite, "doctor").stdout
