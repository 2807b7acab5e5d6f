"""Health and readiness: what is looked at, and the reasons that are given."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from linkservice import schema
from linkservice.app import create_app
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.spool import Spool, node_id, write_segment
from linkservice.config import Settings, load
from linkservice.database import Database
from linkservice.readiness import LONGEST_WAIT_SECONDS, check_all

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    app = create_app(settings)
    yield app.test_client()
    app.extensions["database"].close()


def reasons(client: FlaskClient) -> dict[str, str]:
    """The details of the failed checks."""
    answer = client.get("/readyz")
    failed = {each["name"]: each["detail"] for each in answer.json["checks"] if not each["ok"]}
    assert (answer.status_code, answer.json["status"]) == (
        (503, "not_ready") if failed else (200, "ready")
    )
    return failed


def recorded(settings: Settings, at: datetime) -> None:
    spool = Spool(settings.spool_dir, node_id(settings.data_dir))
    spool.append(encode(Click(time_ms=epoch_ms(at))))
    spool.close()


def test_a_new_service_is_healthy_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert [each["name"] for each in client.get("/readyz").json["checks"]] == [
        "database",
        "schema",
        "spool",
        "ingest",
        "recording",
    ]
    assert reasons(client) == {}


def test_the_start_leads_to_the_app(client: FlaskClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.location) == (303, "/app/")


def test_clicks_that_wait_too_long_mean_that_nobody_ingests(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    now = datetime.now(UTC)
    recorded(settings, now - timedelta(seconds=3))
    assert reasons(client) == {}
    [_, _, _, ingest, _] = check_all(settings, database, now)
    assert (ingest.ok, ingest.detail) == (True, "the oldest click waits 3 s")
    [_, _, _, ingest, _] = check_all(
        settings, database, now + timedelta(seconds=LONGEST_WAIT_SECONDS + 1)
    )
    assert not ingest.ok
    assert "start the ingester" in ingest.detail
    Ingester(settings, database).run_once()
    [_, _, _, ingest, _] = check_all(settings, database, now + timedelta(days=1))
    assert (ingest.ok, ingest.detail) == (True, "no click waits")


def test_clicks_of_long_ago_that_are_imported_wait_since_their_import(
    settings: Settings, database: Database
) -> None:
    old = encode(Click(time_ms=epoch_ms(datetime(2020, 1, 1, tzinfo=UTC))))
    write_segment(settings.spool_dir, node_id(settings.data_dir), b"12345678", [old])
    now = datetime.now(UTC)
    assert check_all(settings, database, now)[3].ok
    assert not check_all(settings, database, now + timedelta(hours=1))[3].ok


def test_a_missing_schema_is_a_reason(empty_url: str, settings: Settings) -> None:
    app = create_app(load({}, data_dir=settings.data_dir, database_url=empty_url))
    found = reasons(app.test_client())
    assert "linkservice db upgrade" in found["schema"]
    schema.upgrade(app.extensions["database"])
    assert reasons(app.test_client()) == {}
    app.extensions["database"].close()


def test_a_database_that_is_away_is_a_reason(client: FlaskClient, settings: Settings) -> None:
    path = settings.data_dir / "linkservice.db"
    path.rename(path.with_suffix(".away"))
    path.mkdir()
    found = reasons(client)
    assert found.keys() == {"database", "schema", "ingest"}
    assert str(settings.data_dir) not in "".join(found.values())


def test_a_spool_that_is_no_folder_is_a_reason(client: FlaskClient, settings: Settings) -> None:
    Path(settings.spool_dir).write_text("not a folder")
    assert "spool" in reasons(client)
