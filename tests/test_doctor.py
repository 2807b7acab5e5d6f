"""The doctor: each thing that is wrong is a line that says what to do."""

from __future__ import annotations

import json
import resource
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cast import NOW, owner_of
from mailserver import CERTIFICATE, mail_server
from sqlalchemy import update
from terminal import done, run

from linkservice.clicks.claims import LEASE, Claims
from linkservice.clicks.segment import QUARANTINE
from linkservice.config import Settings, load
from linkservice.database import Database
from linkservice.doctor import machine, network, stores
from linkservice.readiness import Check
from linkservice.reports.letters import choose_letters
from linkservice.reports.model import LetterSubscription
from linkservice.workspaces.accounts import add_user
from linkservice.workspaces.model import Workspace

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@contextmanager
def answering(body: str, status: int = 200, *, tls: bool = False) -> Iterator[str]:
    """A server that says `body` at every address, until the end; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            """Nothing: the test says what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def told(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in machine.checks(settings)}


@pytest.mark.parametrize(
    ("environ", "name", "ok", "todo"),
    [
        ({"BASE_URL": "http://app.example.com"}, "addresses", True, "https in LINKSERVICE_BASE"),
        ({"LINK_URL": "http://go.example.com"}, "addresses", True, "https in LINKSERVICE_LINK"),
        ({"LINK_URL": "https://go.example.com"}, "addresses", True, "set LINKSERVICE_BASE_URL"),
        ({"LINK_URL": "https://go.example.com"}, "proxies", False, "LINKSERVICE_TRUSTED_HOPS"),
        ({"TRUSTED_HOPS": "9"}, "proxies", True, "too high"),
        ({"SECRET_KEY": "short"}, "secret", False, "LINKSERVICE_SECRET_KEY"),
        ({"METRICS_TOKEN": "short"}, "metrics", True, "LINKSERVICE_METRICS_TOKEN"),
    ],
)
def test_settings_that_do_not_fit_together_are_told(
    settings: Settings, environ: dict[str, str], name: str, ok: bool, todo: str
) -> None:
    given = {f"LINKSERVICE_{key}": value for key, value in environ.items()}
    check = told(load(given, data_dir=settings.data_dir))[name]
    assert (check.ok, check.ok and check.degraded) == (ok, ok)
    assert todo in check.detail


def test_a_whole_configuration_is_fine(settings: Settings) -> None:
    settings.data_dir.chmod(0o700)
    given = {
        "LINKSERVICE_BASE_URL": "https://app.example.com",
        "LINKSERVICE_LINK_URL": "https://go.example.com",
        "LINKSERVICE_TRUSTED_HOPS": "1",
        "LINKSERVICE_METRICS_TOKEN": "x" * 32,
    }
    checks = told(load(given, data_dir=settings.data_dir)).values()
    assert [check for check in checks if check.degraded or not check.ok] == []


def test_what_others_may_read_is_told(settings: Settings) -> None:
    settings.data_dir.chmod(0o755)
    (settings.data_dir / "secret_key").chmod(0o644)
    found = told(settings)
    assert not found["secret"].ok
    assert f"chmod 600 {settings.data_dir / 'secret_key'}" in found["secret"].detail
    assert found["folder"].degraded
    assert f"chmod 700 {settings.data_dir}" in found["folder"].detail


def test_a_small_limit_of_files_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 256))
    assert "LimitNOFILE" in told(settings)["files"].detail


def test_the_database_is_measured(settings: Settings, database: Database) -> None:
    check = stores.database(settings, database)
    assert check.ok
    assert "SQLite 3." in check.detail
    assert " MB, answers in " in check.detail


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda file: file.write_bytes(b"x" * 8192), "linkservice restore FILE"),
        (lambda file: file.mkdir(), "may read and write"),
    ],
)
def test_a_file_that_is_no_database_is_told(
    settings: Settings, made: Callable[[Path], object], told: str
) -> None:
    file = settings.data_dir / "broken.db"
    made(file)
    broken = replace(settings, database_url=f"sqlite:///{file}")
    result = run(broken, "doctor", "--no-network", "--format", "json")
    found = {each["name"]: each for each in json.loads(result.stdout)["checks"]}
    assert result.exit_code == 1
    assert str(file) in found["database"]["detail"]
    assert told in found["database"]["detail"]


@pytest.mark.parametrize(
    ("there", "url"), [(False, ""), (False, "postgresql://links@127.0.0.1:1/links"), (True, "")]
)
def test_a_wrong_folder_is_told_and_left_as_it_is(
    engine_name: str, tmp_path: Path, there: bool, url: str
) -> None:
    folder = tmp_path / "nowhere"
    if there:
        folder.mkdir()
    result = run(load({}, make=False, data_dir=folder), "doctor", LINKSERVICE_DATABASE_URL=url)
    assert result.exit_code == 1
    assert f"{folder}" in result.stdout
    assert "set LINKSERVICE_DATA_DIR" in result.stdout
    assert sorted(tmp_path.rglob("*")) == [folder] * there


def test_a_server_that_does_not_answer_is_told(settings: Settings) -> None:
    url = "postgresql://links:hunter2-x@127.0.0.1:1/links"
    result = run(replace(settings, database_url=url), "doctor", "--no-network")
    line = next(each for each in result.stdout.splitlines() if "  database " in each)
    assert result.exit_code == 1
    assert "refused" in line
    assert "LINKSERVICE_DATABASE_URL" in line
    assert "hunter2-x" not in result.output


def test_the_disk_is_measured_and_left_as_it_was(settings: Settings) -> None:
    before = sorted(settings.data_dir.iterdir())
    assert " ms" in stores.sync(settings).detail
    assert sorted(settings.data_dir.iterdir()) == before
    nowhere = replace(settings, data_dir=settings.data_dir / "nowhere")
    assert not stores.sync(nowhere).ok


def test_files_in_quarantine_are_told(settings: Settings) -> None:
    folder = settings.spool_dir / QUARANTINE
    folder.mkdir(parents=True)
    (folder / "strange").write_text("?")
    check = stores.segments_kept(settings, NOW)
    assert check.degraded
    assert str(folder) in check.detail


def test_an_old_country_file_is_told(settings: Settings, tmp_path: Path) -> None:
    from mmdb_writer import MMDBWriter

    MMDBWriter(4, "Test").to_db_file(str(tmp_path / "geo.mmdb"))
    given = replace(settings, geoip_db=str(tmp_path / "geo.mmdb"))
    assert not stores.geography(given, datetime.now(UTC)).degraded
    check = stores.geography(given, datetime.now(UTC) + timedelta(days=100))
    assert (check.ok, check.degraded) == (True, True)


def test_a_host_must_lead_to_its_port(settings: Settings) -> None:
    with answering("ok\n") as url:
        assert network.reached("go", url, "ok", "link port").ok
        assert not network.reached("app", url, '"status":"ok"', "app port").ok
    with answering('{"status":"ok"}\n') as url:
        assert network.reached("app", url, '"status":"ok"', "app port").ok
    with answering("", 301) as url:
        check = network.reached("go", url, "ok", "link port")
        assert (check.ok, "status 301" in check.detail) == (False, True)
    refused = network.reached("go", url, "ok", "link port")
    assert (refused.ok, "does not answer" in refused.detail) == (False, True)
    unknown = network.reached("go", "http://a..b", "ok", "link port")
    assert (unknown.ok, "DNS" in unknown.detail) == (False, True)


def test_a_certificate_nobody_trusts_is_told(settings: Settings) -> None:
    with answering("ok\n", tls=True) as url:
        check = network.reached("go", url, "ok", "link port")
    assert (check.ok, "certificate" in check.detail) == (False, True)


def test_who_never_answers_keeps_nobody_waiting(settings: Settings) -> None:
    forever = threading.Event()

    def silent() -> Check:
        forever.wait()
        return Check("silent", True, "")

    started = time.monotonic()
    questions = {"silent": silent, "quick": lambda: Check("quick", True, "here")}
    checks = list(network.together(questions, 0.2))
    forever.set()
    assert [(check.name, check.ok) for check in checks] == [("silent", False), ("quick", True)]
    assert time.monotonic() - started < 5


def test_a_mail_server_is_signed_in_to(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with mail_server(tls="starttls") as given:
        url = given.url.replace("://", "://ada:secret@")
        checks = list(network.checks(replace(settings, smtp_url=url), []))
        assert ("mail", True) in [(check.name, check.ok) for check in checks]
    assert given.passwords == [("ada", "secret")]
    assert given.letters == []
    checks = list(network.checks(replace(settings, smtp_url=url), []))
    [refused] = [check for check in checks if check.name == "mail"]
    assert (refused.ok, "secret" in refused.detail) == (False, False)


def test_programs_read_it_too_and_no_host_is_asked_where_that_is_wanted(
    settings: Settings, database: Database
) -> None:
    owner_of(database, settings)
    found = json.loads(done(settings, "doctor", "--format", "json", "--no-network"))
    assert found["ok"] is True
    assert {"name", "status", "detail"} == set(found["checks"][0])
    names = [each["name"] for each in found["checks"]]
    assert "mail" not in names
    assert "domains" not in names
    result = run(settings, "doctor", "--format", "json", LINKSERVICE_TRUSTED_HOPS="many")
    assert (result.exit_code, json.loads(result.stdout)["ok"]) == (1, False)


def test_an_installation_nobody_set_up_yet_is_no_problem(
    settings: Settings, database: Database
) -> None:
    checks = {each.name: each for each in stores.contents(settings, database, NOW)}
    assert checks["workspace"].ok
    assert "set-up link" in checks["workspace"].detail
    assert "ok       workspace" in done(settings, "doctor", "--no-network")


def test_a_copied_data_directory_is_named(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    # Its database is elsewhere, so both directories may ingest into it.
    one, other = (replace(settings, data_dir=tmp_path / name) for name in ("one", "other"))
    one.data_dir.mkdir()
    assert stores.node(one, database, NOW).ok
    Claims(one, database).hold(NOW)
    shutil.copytree(one.data_dir, other.data_dir)
    assert stores.node(one, database, NOW).ok
    check = stores.node(other, database, NOW)
    assert (check.ok, "linkservice node renew" in check.detail) == (False, True)
    assert stores.node(other, database, NOW + 2 * LEASE).ok


def test_letters_that_do_not_go_out_are_told(settings: Settings, database: Database) -> None:
    def told(settings: Settings, now: datetime) -> Check:
        (found,) = (c for c in stores.contents(settings, database, now) if c.name == "letters")
        return found

    home = owner_of(database, settings)
    assert told(settings, NOW).detail == "nobody asked for reports by e-mail"
    with database.transaction() as session:
        workspace = session.get_one(Workspace, home.workspace_id)
        member = add_user(session, workspace, "ada@example.com", "owner", NOW)
        choose_letters(session, member, "weekly", NOW)
    assert "SMTP_URL" in told(settings, NOW).detail
    sending = replace(settings, smtp_url="smtp://127.0.0.1:25")
    assert told(sending, NOW) == Check(
        "letters", True, "1 asked for reports by e-mail, the next one goes out on 2026-11-23"
    )
    late = told(sending, NOW + timedelta(days=9))
    assert late.degraded
    assert "letters send" in late.detail
    with database.transaction() as session:
        session.execute(update(LetterSubscription).values(tries=2))
    assert "tried again" in told(sending, NOW).detail
