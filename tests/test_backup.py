"""What was backed up comes back, on either database, and with the spool nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from cast import NOW, Home, make_home, make_link, make_touchpoint
from evidence import Trial
from revisions import NEWEST
from sqlalchemy import func, select, text
from terminal import done, refused, run

from linkservice import backup, schema
from linkservice.backup import back_up, restore
from linkservice.bundled import bundled
from linkservice.clicks.audit import audit
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import LinkDay, Salt
from linkservice.clicks.spool import Spool, node_id
from linkservice.config import Settings, load
from linkservice.database import Database
from linkservice.errors import Failed, Unavailable
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.links.manage import NewLink, create_link
from linkservice.links.model import Link
from linkservice.links.tags import create_tag, delete_tag
from linkservice.lockfile import exclusive
from linkservice.tables import metadata
from linkservice.workspaces.accounts import add_user
from linkservice.workspaces.keys import create_key
from linkservice.workspaces.model import SignInSession, User, Workspace

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
Rows = Mapping[str, list[tuple[object, ...]]]
NEWEST_IN_JSON = f'"{NEWEST}"'.encode()


def quietly(done: int, total: int) -> None:
    """Progress nobody looks at."""


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    """A workspace with something in nearly every table, odd values included."""
    with database.transaction() as session:
        home = make_home(session, settings)
        workspace = session.get_one(Workspace, home.workspace_id)
        workspace.logo = bytes(range(256))
        workspace.name = "Ä 🎈\u2028'\"\\"
        touchpoint = make_touchpoint(session, home)
        reach = NewReach(date(2026, 11, 1), 10**12, "sent", date(2026, 11, 30))
        add_reach(session, home.actor, touchpoint, reach, NOW)
        make_link(session, settings, home, "sommer", touchpoint)
        tagged = NewLink("https://example.com/ü", tags=("Größe", "=1+1"), expires_at=NOW)
        create_link(session, home.actor, settings, tagged, NOW + timedelta(microseconds=1))
        create_key(session, home.actor, "shop", ["links:read"], NOW)
        add_user(session, workspace, "ada@example.com", "owner", NOW)
        session.add(Salt(workspace_id=1, local_date=NOW.date(), salt=b"s" * 32, expires_at=NOW))
        user = session.scalars(select(User)).one()
        session.add(
            SignInSession(
                user_id=user.id, token_hash=b"h" * 32, created_at=NOW, seen_at=NOW, expires_at=NOW
            )
        )
    return home


def click(settings: Settings, home: Home, *visitors: int, link_id: int = 1) -> None:
    """A recorded click of each visitor."""
    spool = Spool(settings.spool_dir, node_id(settings.data_dir), sync="off")
    record = Click(
        time_ms=epoch_ms(NOW),
        link_id=link_id,
        link_version=1,
        domain_id=home.domain_id,
        workspace_id=home.workspace_id,
        network=bytes((84, 150, 1)),
        user_agent=PHONE,
    )
    for visitor in visitors:
        spool.append(encode(replace(record, token=bytes([visitor]) * 16)))
    spool.close()


def ingest(settings: Settings, database: Database) -> None:
    Ingester(settings, database).run_once()


def rows(database: Database) -> Rows:
    """Everything a backup is to hold."""
    with database.reading() as session:
        return {
            table.name: [
                tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))
            ]
            for table in metadata.sorted_tables
            if table.name not in backup.LEFT_OUT
        }


def totals(database: Database) -> tuple[int, int]:
    with database.reading() as session:
        query = select(func.sum(LinkDay.clicks), func.sum(LinkDay.visitors))
        clicks, visitors = session.execute(query).one()
    return int(clicks or 0), int(visitors or 0)


@pytest.fixture
def saved(settings: Settings, database: Database, home: Home, tmp_path: Path) -> Path:
    """A backup with three clicks of two visitors."""
    click(settings, home, 1, 2, 1)
    ingest(settings, database)
    path = tmp_path / "backup.zip"
    back_up(settings, database, path, NOW, quietly)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Settings, Database]]:
    """An empty installation on another machine, without tables, on either database."""
    folder = tmp_path / "elsewhere"
    if request.param == "sqlite":
        settings = load({}, data_dir=folder)
    else:
        new_postgres: Callable[[bool], str] = request.getfixturevalue("new_postgres")
        settings = load({}, data_dir=folder, database_url=new_postgres(False))
    database = Database(settings.database_url)
    yield settings, database
    database.close()


# what comes back


def test_everything_comes_back_on_either_database(
    database: Database, saved: Path, elsewhere: tuple[Settings, Database]
) -> None:
    _, target = elsewhere
    restore(target, saved, replace=False, progress=quietly)
    assert rows(target) == rows(database)
    assert schema.differences(target) == []
    with target.reading() as session:
        assert session.scalar(select(func.count()).select_from(Salt)) == 0
        assert session.scalar(select(func.count()).select_from(SignInSession)) == 0


def test_new_rows_go_on_above_every_id_ever_given_out(
    settings: Settings,
    database: Database,
    home: Home,
    tmp_path: Path,
    elsewhere: tuple[Settings, Database],
) -> None:
    with database.transaction() as session:
        gone = create_tag(session, home.actor, "gone", NOW).id
        delete_tag(session, home.actor, str(gone), NOW)
    path = tmp_path / "b.zip"
    back_up(settings, database, path, NOW, quietly)
    there, target = elsewhere
    restore(target, path, replace=False, progress=quietly)
    with target.transaction() as session:
        assert create_tag(session, home.actor, "new", NOW).id == gone + 1
        assert make_link(session, there, home).id == 3


def test_ids_given_out_after_the_backup_are_not_given_out_again(
    settings: Settings, database: Database, home: Home, saved: Path
) -> None:
    """The spool may hold clicks of a link that the backup does not know."""
    with database.transaction() as session:
        lost = make_link(session, settings, home).id
    restore(database, saved, replace=True, progress=quietly)
    with database.transaction() as session:
        assert make_link(session, settings, home).id == lost + 1


def test_clicks_since_the_backup_are_replayed_from_the_spool(
    settings: Settings, database: Database, home: Home, saved: Path
) -> None:
    click(settings, home, 2, 3)
    ingest(settings, database)
    before, proof = totals(database), audit(settings, database)
    assert before == (5, 3)
    for _ in range(2):
        said = done(settings, "restore", str(saved), "--replace")
        assert "2 clicks replayed" in said
        assert "difference 0" in said
        assert totals(database) == before
        assert audit(settings, database) == proof


def test_the_whole_spool_is_replayed_after_a_backup_without_clicks(
    settings: Settings, database: Database, home: Home, tmp_path: Path
) -> None:
    path = tmp_path / "b.zip"
    back_up(settings, database, path, NOW, quietly)
    click(settings, home, 1, 2, 3, 1)
    ingest(settings, database)
    done(settings, "restore", str(path), "--replace")
    assert totals(database) == (4, 3)
    assert audit(settings, database).difference == 0


def test_clicks_of_a_link_the_backup_does_not_know_are_rejected_and_told(
    settings: Settings, database: Database, home: Home, saved: Path
) -> None:
    with database.transaction() as session:
        lost = make_link(session, settings, home).id
    click(settings, home, 4, link_id=lost)
    said = done(settings, "restore", str(saved), "--replace")
    assert "rejected 1" in said
    assert "difference 0" in said


def test_a_backup_while_clicks_are_ingested_holds_one_moment(
    settings: Settings, database: Database, home: Home, tmp_path: Path
) -> None:
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            click(settings, home, 1, 2, 3)
            ingest(settings, database)

    writer = threading.Thread(target=busy)
    writer.start()
    try:
        paths = [tmp_path / f"{number}.zip" for number in range(4)]
        for path in paths:
            back_up(settings, database, path, NOW, quietly)
    finally:
        stop.set()
        writer.join()
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            days = [json.loads(line) for line in archive.open("tables/link_days.jsonl")]
            clicks = [json.loads(line) for line in archive.open("tables/clicks.jsonl")]
            ledger = [json.loads(line) for line in archive.open("tables/segments.jsonl")]
        columns = [column.name for column in LinkDay.__table__.columns]
        counted = sum(row[columns.index("clicks")] for row in days)
        assert counted == len(clicks) == sum(row[5] for row in ledger)


def test_a_backup_tells_no_secret(settings: Settings, saved: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        names = archive.namelist()
        everything = b"".join(archive.read(name) for name in names)
    assert settings.secret_key.encode() not in everything
    assert not {"tables/salts.jsonl", "tables/sessions.jsonl"} & set(names)
    if not database_is_a_file(settings):
        assert settings.database_url.encode() not in everything
    assert json.loads(zipfile.ZipFile(saved).read("settings.json"))["SPOOL_SYNC"] == "always"
    assert saved.stat().st_mode & 0o077 == 0


def database_is_a_file(settings: Settings) -> bool:
    return settings.database_url.startswith("sqlite")


# what is refused


def test_a_file_that_exists_is_not_overwritten(
    settings: Settings, home: Home, tmp_path: Path
) -> None:
    path = tmp_path / "precious"
    path.write_text("precious")
    assert "choose another name" in refused(settings, "backup", str(path))
    assert path.read_text() == "precious"
    assert "No such file or directory" in refused(settings, "backup", str(tmp_path / "no" / "b"))
    assert "10 rows" not in done(settings, "backup", str(tmp_path / "b.zip"))
    assert not list(tmp_path.glob(".*.tmp"))


def test_an_interrupted_backup_leaves_nothing(
    settings: Settings, database: Database, home: Home, tmp_path: Path
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "backups"
    folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        back_up(settings, database, folder / "b.zip", NOW, interrupt)
    assert list(folder.iterdir()) == []


def test_a_database_with_a_workspace_is_kept(
    settings: Settings, database: Database, saved: Path
) -> None:
    before = rows(database)
    assert "--replace" in refused(settings, "restore", str(saved))
    assert rows(database) == before


def test_a_running_service_is_not_pulled_from_under(
    settings: Settings, database: Database, saved: Path
) -> None:
    before = rows(database)
    for lock in ("serve-web.lock", "serve-redirect.lock", "ingest.lock"):
        with exclusive(settings.data_dir / lock, "serve_running"):
            assert "already" in refused(settings, "restore", str(saved), "--replace")
    assert rows(database) == before


def test_what_is_no_backup_is_refused(
    settings: Settings, database: Database, home: Home, tmp_path: Path
) -> None:
    before = rows(database)
    empty, other = tmp_path / "empty.zip", tmp_path / "other.zip"
    empty.write_bytes(b"")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("manifest.json", "[]")
    for path in (empty, other, Path(__file__)):
        assert "is damaged or no backup" in refused(settings, "restore", str(path), "--replace")
    assert "No such file" in refused(settings, "restore", str(tmp_path / "missing"), "--replace")
    assert "Is a directory" in refused(settings, "restore", str(tmp_path), "--replace")
    assert refused(settings, "restore", "", "--replace")
    assert rows(database) == before


@pytest.mark.wide
def test_every_kind_of_damage_leaves_the_database_alone(
    settings: Settings, database: Database, saved: Path, tmp_path: Path, trial: Trial
) -> None:
    """Bytes flipped, one in turn: refused, or so harmless that all rows come back."""
    before = rows(database)
    data, path = saved.read_bytes(), tmp_path / "damaged.zip"
    step = trial.size(1_499, 293) if database.is_sqlite else trial.size(2_999, 997)
    outcomes = set()
    for position in range(0, len(data), step):
        damaged = bytearray(data)
        damaged[position] ^= 0x55
        path.write_bytes(damaged)
        try:
            restore(database, path, replace=True, progress=quietly)
            outcomes.add("restored")
        except (Failed, Unavailable, OSError):
            outcomes.add("refused")
        assert rows(database) == before
    assert "refused" in outcomes


def test_a_backup_cut_short_is_refused(
    settings: Settings, database: Database, saved: Path, tmp_path: Path
) -> None:
    before = rows(database)
    data, path = saved.read_bytes(), tmp_path / "short.zip"
    for share in (0.1, 0.5, 0.9, 0.99):
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(Failed):
            restore(database, path, replace=True, progress=quietly)
    assert rows(database) == before


def rewritten(source: Path, target: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The backup with its entries changed, each whole and with the right checksum."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


def replaced(entry: str, old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    """A change of one entry."""

    def change(name: str, content: bytes) -> bytes:
        if name != entry:
            return content
        assert old in content
        return content.replace(old, new)

    return change


WRONG = [
    ("tables/links.jsonl", b"\n", b""),
    ("tables/links.jsonl", b'"sommer"', b"7.5"),
    ("tables/links.jsonl", b'"sommer"', b"null"),
    ("tables/links.jsonl", b'"sommer"', b'"som\\u0000mer", 1'),
    ("tables/links.jsonl", b"[1,", b"[99999999999999999999999,"),
    ("tables/links.jsonl", b"[1,", b"[2,"),
    ("tables/links.jsonl", b"[1,", b'{"a":1},['),
    ("tables/links.jsonl", b"+00:00", b""),
    ("tables/links.jsonl", b"2026-11", b"2026-13"),
    ("tables/workspaces.jsonl", b"AAEC", b"A???"),
    ("tables/workspaces.jsonl", b'"de"', b'"xx"'),
    ("tables/members.jsonl", b"[1,", b"[1,7"),
    ("manifest.json", b'"links"', b'"lynx"'),
    ("manifest.json", b'"slug"', b'"slugs"'),
    ("manifest.json", b'"format"', b'"former"'),
    ("manifest.json", b'"rows": 2', b'"rows": 3'),
    ("manifest.json", b'"text"', b'"day"'),
    ("manifest.json", NEWEST_IN_JSON, b"null"),
    ("manifest.json", NEWEST_IN_JSON, b'"9999"'),
    ("manifest.json", b'"format": 1', b'"format": 2'),
    ("manifest.json", b'"created_at": "', b'"created_at": "x'),
    ("manifest.json", b'"numbered_to": {', b'"numbered_to": {"links": "many", "x": '),
]
"""An entry of a backup, and what is there instead of what."""


@pytest.mark.wide
def test_wrong_content_is_refused_and_changes_nothing(
    settings: Settings, database: Database, saved: Path, tmp_path: Path, trial: Trial
) -> None:
    """Every case on one of the databases in turn; `make soak` tries each on both."""
    before = rows(database)
    path = tmp_path / "wrong.zip"
    tried = WRONG if trial.soak else WRONG[database.is_sqlite :: 2]
    for entry, old, new in tried:
        rewritten(saved, path, replaced(entry, old, new))
        told = refused(settings, "restore", str(path), "--replace")
        assert "FILE: " in told, (entry, new)
        assert rows(database) == before, (entry, new)


def test_an_empty_database_stays_empty_after_a_damaged_backup(
    saved: Path, tmp_path: Path, elsewhere: tuple[Settings, Database]
) -> None:
    _, target = elsewhere
    path = rewritten(
        saved,
        tmp_path / "wrong.zip",
        lambda name, content: b"[]\n" if name.endswith("clicks.jsonl") else content,
    )
    with pytest.raises(Failed):
        restore(target, path, replace=False, progress=quietly)
    with target.engine.connect() as connection:
        assert schema.current(connection) == ""


# backups of another age


@pytest.fixture
def newer_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program with one more migration: workspaces have a motto."""
    folder = tmp_path / "migrations"
    shutil.copytree(bundled("migrations"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9001_a_motto.py").write_text(
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        f"revision, down_revision = '9001', '{NEWEST}'\n"
        "branch_labels = depends_on = None\n"
        "def upgrade():\n"
        "    with op.batch_alter_table('workspaces') as table:\n"
        "        table.add_column(sa.Column('motto', sa.Text(), nullable=False,"
        " server_default='new'))\n"
        "def downgrade():\n"
        "    with op.batch_alter_table('workspaces') as table:\n"
        "        table.drop_column('motto')\n"
    )
    monkeypatch.setattr(schema, "bundled", lambda name: folder)


def test_an_older_backup_is_loaded_and_upgraded(
    database: Database, saved: Path, newer_program: None
) -> None:
    before = rows(database)
    schema.upgrade(database)
    restore(database, saved, replace=True, progress=quietly)
    assert rows(database) == before
    with database.engine.connect() as connection:
        assert schema.current(connection) == "9001"
        assert connection.scalar(text("SELECT motto FROM workspaces")) == "new"


def test_a_backup_of_a_newer_program_is_refused(
    settings: Settings, database: Database, saved: Path, tmp_path: Path
) -> None:
    path = rewritten(
        saved,
        tmp_path / "newer.zip",
        lambda name, content: content.replace(NEWEST_IN_JSON, b'"9001"'),
    )
    assert "install a newer linkservice" in refused(settings, "restore", str(path), "--replace")


def test_a_database_of_a_newer_program_is_not_replaced(database: Database, saved: Path) -> None:
    with database.writing_connection() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable, match="newer"):
        restore(database, saved, replace=True, progress=quietly)


def test_an_old_schema_is_not_backed_up(
    settings: Settings, database: Database, home: Home, tmp_path: Path, newer_program: None
) -> None:
    with pytest.raises(Unavailable, match="db upgrade"):
        back_up(settings, database, tmp_path / "b.zip", NOW, quietly)
    assert not (tmp_path / "b.zip").exists()


def test_restoring_needs_no_tables(saved: Path, elsewhere: tuple[Settings, Database]) -> None:
    there, target = elsewhere
    said = done(there, "restore", str(saved))
    assert "0 clicks replayed from the spool" in said
    assert totals(target) == (3, 2)
    with target.reading() as session:
        assert session.scalar(select(func.count()).select_from(Link)) == 2
    assert run(there, "audit").exit_code == 0
    assert os.access(there.data_dir, os.W_OK)
