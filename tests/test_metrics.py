"""`/metrics`: what it says, to whom, and that it answers whatever is away."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cast import make_link, owner_of
from flask.testing import FlaskClient
from linkport import ask
from service import wait_until
from terminal import done

from linkservice.app import close_app, create_app
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.segment import node_id
from linkservice.clicks.spool import Spool
from linkservice.config import Settings, load
from linkservice.database import Database
from linkservice.metrics import METRICS, text
from linkservice.redirect.app import make_application

PAGE = Path(__file__).parents[1] / "docs" / "operations.md"
SAMPLE = re.compile(r'([a-z_]+)(\{[a-z]+="[^"{}\\]*"(?:,[a-z]+="[^"{}\\]*")*\})? (\S+)')


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    app = create_app(settings)
    yield app.test_client()
    close_app(app)


def parsed(told: str) -> dict[str, float]:
    """The samples; every line must be one, or say help or type."""
    found = {}
    for line in told.splitlines():
        if line.startswith("# "):
            assert re.fullmatch(r"# (HELP linkservice_\w+ .+|TYPE linkservice_\w+ \w+)", line)
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        name = sample[1] + (sample[2] or "")
        assert name not in found
        found[name] = float(sample[3])
    assert told.endswith("\n")
    return found


def figures(
    settings: Settings, database: Database, now: datetime | None = None
) -> dict[str, float]:
    return parsed(text(settings, database, now or datetime.now(UTC)))


def test_what_the_processes_did_is_told(
    settings: Settings, database: Database, client: FlaskClient
) -> None:
    home = owner_of(database, settings)
    with database.transaction() as session:
        make_link(session, settings, home, "sommer")
    door = make_application(settings)
    for path in ("/sommer", "/sommer", "/none"):
        ask(door, path)
    door.close()
    Ingester(settings, database).run_once()
    assert client.get("/api/v1/links").status_code == 401
    found = parsed(client.get("/metrics").text)
    assert found['linkservice_redirect_requests_total{outcome="redirect"}'] == 2
    assert found['linkservice_redirect_requests_total{outcome="miss"}'] == 1
    assert found["linkservice_spool_records_total"] == 3
    assert found['linkservice_ledger_records_total{result="ingested"}'] == 3
    assert found['linkservice_clicks_ingested_total{class="person"}'] == 2
    assert found['linkservice_clicks_ingested_total{class="miss"}'] == 1
    assert found['linkservice_clicks_ingested_total{class="robot"}'] == 0
    assert found['linkservice_spool_segments{state="sealed"}'] == 1
    assert found['linkservice_web_requests_total{door="api",status="4xx"}'] == 1
    assert found["linkservice_web_request_seconds_count"] == 1
    assert found["linkservice_ingest_pending_bytes"] == 0
    assert found["linkservice_database_up"] == 1
    assert found["linkservice_disk_free_bytes"] > 0
    assert [name for name in found if name.startswith("linkservice_build_info")]
    # Asked again, its own request is one of them.
    again = parsed(client.get("/metrics").text)
    assert again['linkservice_web_requests_total{door="other",status="2xx"}'] == 1


def test_clicks_that_wait_are_a_lag(settings: Settings, database: Database) -> None:
    now = datetime.now(UTC)
    spool = Spool(settings.spool_dir, node_id(settings.data_dir))
    spool.append(encode(Click(time_ms=epoch_ms(now - timedelta(seconds=90)))))
    found = figures(settings, database, now)
    assert round(found["linkservice_ingest_lag_seconds"]) == 90
    assert found["linkservice_ingest_pending_bytes"] > 0
    assert found['linkservice_spool_segments{state="live"}'] == 1
    spool.close()
    Ingester(settings, database).run_once()
    found = figures(settings, database, now)
    assert found["linkservice_ingest_lag_seconds"] == 0
    assert found['linkservice_ledger_records_total{result="rejected"}'] == 1


def test_it_answers_without_database_spool_and_counters(tmp_path: Path) -> None:
    for url in ("postgresql://x@127.0.0.1:1/x", f"sqlite:///{tmp_path / 'none.db'}"):
        settings = load({}, data_dir=tmp_path, database_url=url)
        settings.spool_dir.write_text("not a folder")
        (tmp_path / "counters").write_text("not a folder")
        app = create_app(settings)
        answer = app.test_client().get("/metrics")
        assert answer.status_code == 200
        assert parsed(answer.text)["linkservice_database_up"] == 0
        close_app(app)
        settings.spool_dir.unlink()
        (tmp_path / "counters").unlink()
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("peer", "status"),
    [
        *(("127.0.0.1", 200), ("::1", 200), ("10.1.2.3", 200), ("::ffff:192.168.1.5", 200)),
        *(("8.8.8.8", 404), ("2a00:1450:4001::1", 404), ("::ffff:8.8.8.8", 404), ("", 404)),
    ],
)
def test_without_a_token_only_who_is_near_may_read(
    client: FlaskClient, peer: str, status: int
) -> None:
    near = {"REMOTE_ADDR": peer}
    assert client.get("/metrics", environ_base=near).status_code == status
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        answer = client.get("/metrics", environ_base=near, headers={header: "127.0.0.1"})
        assert answer.status_code == 404


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_with_a_token_only_who_sends_it_may_read(settings: Settings) -> None:
    app = create_app(load({"LINKSERVICE_METRICS_TOKEN": "s3cret"}, data_dir=settings.data_dir))
    client = app.test_client()
    for given in (None, "", "Bearer", "Bearer wrong", "Basic s3cret", "Bearer s3cret ü"):
        answer = client.get("/metrics", headers={"Authorization": given} if given else {})
        assert (answer.status_code, answer.content_type) == (401, "text/plain; charset=utf-8")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    far = {"REMOTE_ADDR": "8.8.8.8"}
    sent = {"Authorization": "Bearer s3cret", "X-Forwarded-For": "1.1.1.1"}
    assert client.get("/metrics", environ_base=far, headers=sent).status_code == 200
    close_app(app)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_the_link_port_has_none(settings: Settings, database: Database) -> None:
    owner_of(database, settings)
    door = make_application(settings)
    assert ask(door, "/metrics").code == 404
    door.close()


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_the_command_prints_the_same(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    told = parsed(done(settings, "metrics"))
    assert told["linkservice_database_up"] == 1
    file = tmp_path / "linkservice.prom"
    assert done(settings, "metrics", "-o", str(file)) == ""
    assert parsed(file.read_text()).keys() == told.keys()
    assert os.listdir(tmp_path).count("linkservice.prom") == 1


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_the_page_documents_what_is_told(
    settings: Settings, database: Database, client: FlaskClient
) -> None:
    owner_of(database, settings)
    door = make_application(settings)
    ask(door, "/none")
    ingester = Ingester(settings, database)
    ingester.run_once()
    wait_until(lambda: "linkservice_link_cache_links 0" in client.get("/metrics").text)
    page = PAGE.read_text()
    rows = [f"| `{each.name}` | {each.type} | {each.help} |" for each in METRICS]
    assert "\n".join(rows) in page
    told = client.get("/metrics").text
    door.close()
    assert re.findall(r"# TYPE (\w+) (\w+)", told) == [(each.name, each.type) for each in METRICS]
    # Each has figures, and no figure lacks its family.
    families = {name.partition("{")[0] for name in parsed(told)}
    assert {re.sub(r"(_seconds)_(bucket|sum|count)$", r"\1", name) for name in families} == {
        each.name for each in METRICS
    }
    alarmed = re.findall(r"\blinkservice_\w+", page.partition("## Alarms")[2])
    assert {name.removesuffix("_bucket") for name in alarmed} <= {each.name for each in METRICS}
