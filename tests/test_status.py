"""Health and readiness: what is looked at, and the reasons that are given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from linkservice import schema
from linkservice.app import create_app
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.ledger_model import LedgerEntry
from linkservice.clicks.shortfall import Shortfall
from linkservice.clicks.spool import Spool, node_id, write_segment
from linkservice.config import Settings, load
from linkservice.database import Database
from linkservice.readiness import LONGEST_WAIT_SECONDS, Check, check_all

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


def found(settings: Settings, database: Database, now: datetime) -> dict[str, Check]:
    return {check.name: check for check in check_all(settings, database, now)}


def recorded(settings: Settings, at: datetime) -> None:
    spool = Spool(settings.spool_dir, node_id(settings.data_dir))
    spool.append(encode(Click(time_ms=epoch_ms(at))))
    spool.close()


def test_a_new_service_is_healthy_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert [each["name"] for each in client.get("/readyz").json["checks"]] == [
        *("process", "database", "schema", "spool"),
        *("ingest", "recording", "room", "clock"),
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
    ingest = found(settings, database, now)["ingest"]
    assert (ingest.ok, ingest.detail) == (True, "the oldest click waits 3 s")
    ingest = found(settings, database, now + timedelta(seconds=LONGEST_WAIT_SECONDS + 1))["ingest"]
    assert not ingest.ok
    assert "start the ingester" in ingest.detail
    Ingester(settings, database).run_once()
    ingest = found(settings, database, now + timedelta(days=1))["ingest"]
    assert (ingest.ok, ingest.detail) == (True, "no click waits")


def test_clicks_of_long_ago_that_are_imported_wait_since_their_import(
    settings: Settings, database: Database
) -> None:
    old = encode(Click(time_ms=epoch_ms(datetime(2020, 1, 1, tzinfo=UTC))))
    write_segment(settings.spool_dir, node_id(settings.data_dir), b"12345678", [old])
    now = datetime.now(UTC)
    assert found(settings, database, now)["ingest"].ok
    assert not found(settings, database, now + timedelta(hours=1))["ingest"].ok


def test_a_missing_schema_is_a_reason(empty_url: str, settings: Settings) -> None:
    app = create_app(load({}, data_dir=settings.data_dir, database_url=empty_url))
    assert "linkservice db upgrade" in reasons(app.test_client())["schema"]
    schema.upgrade(app.extensions["database"])
    assert reasons(app.test_client()) == {}
    app.extensions["database"].close()


def test_a_database_that_is_away_is_a_reason(client: FlaskClient, settings: Settings) -> None:
    path = settings.data_dir / "linkservice.db"
    path.rename(path.with_suffix(".away"))
    path.mkdir()
    told = reasons(client)
    assert told.keys() == {"database", "schema", "ingest"}
    assert str(settings.data_dir) not in "".join(told.values())


def test_a_spool_that_is_no_folder_is_a_reason(client: FlaskClient, settings: Settings) -> None:
    Path(settings.spool_dir).write_text("not a folder")
    assert "spool" in reasons(client)


def test_what_works_and_needs_looking_after_is_degraded_and_answers_200(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    shortfall = Shortfall(settings.spool_dir)
    shortfall.add(1, datetime.now(UTC).toordinal())
    shortfall.close()
    [file] = settings.spool_dir.glob("unrecorded-*.cnt")
    hour_ago = datetime.now(UTC).timestamp() - 3600
    os.utime(file, (hour_ago, hour_ago))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    [recording] = [each for each in answer.json["checks"] if each["degraded"]]
    assert (recording["name"], recording["ok"]) == ("recording", True)
    assert "1 were not" in recording["detail"]
    now = datetime.now(UTC)
    assert not found(settings, database, now + timedelta(days=2))["recording"].degraded


def test_a_clock_that_went_back_is_told(settings: Settings, database: Database) -> None:
    now = datetime.now(UTC)
    assert found(settings, database, now)["clock"].detail.startswith(f"{now:%Y-%m-%d %H:%M}")
    assert found(settings, database, datetime(2020, 1, 1, tzinfo=UTC))["clock"].degraded
    recorded(settings, now)
    Ingester(settings, database).run_once()
    with database.transaction() as session:
        session.scalars(select(LedgerEntry)).one().finished_at = now + timedelta(hours=1)
    clock = found(settings, database, now)["clock"]
    assert (clock.ok, clock.degraded, "NTP" in clock.detail) == (True, True, True)
