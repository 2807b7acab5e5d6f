"""What every call of the REST door has in common: keys, bodies, pages, errors, headers."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cast import NOW
from flask import Flask
from rest import People, codes, everybody
from sqlalchemy import text

from linkservice import schema
from linkservice.app import LARGEST_BODY, create_app
from linkservice.config import Settings, load
from linkservice.database import Database
from linkservice.workspaces.keys import create_key
from linkservice.workspaces.model import ApiKey

people = pytest.fixture(everybody)
# Both databases are proved by the nouns' own tests; this is about the door.
pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


NO_KEYS = [None, "", "Bearer", "Bearer  ", "Basic YTpi", "bearer lsk_wrong", "Bearer ü"]


def test_without_a_key_nothing_is_answered(people: People) -> None:
    for authorization in NO_KEYS:
        headers = {} if authorization is None else {"Authorization": authorization}
        for path in ("/api/v1/links", "/api/v1/workspace", "/api/v1/reports/touchpoints"):
            answer = people.ada.client.get(path, headers=headers)
            assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert codes(answer) <= {("", "key_missing"), ("", "key_unknown")}


def test_a_revoked_or_expired_key_is_refused(people: People, database: Database) -> None:
    with database.transaction() as session:
        ada, yesterday = people.ada.home.actor, NOW - timedelta(1)
        people.ben.key = create_key(session, ada, "old", (), NOW - timedelta(2), yesterday)
        people.vera.key = create_key(session, ada, "lost", (), NOW)
        session.query(ApiKey).filter(ApiKey.name == "lost").update({"revoked_at": NOW})
    assert codes(people.ben.get("/links")) == {("", "key_expired")}
    assert codes(people.vera.get("/links")) == {("", "key_revoked")}


NO_JSON = [
    b"",
    b"{",
    b"\xff\xfe",
    b'{"name": "\xff"}',
    b'{"name": "\\ud800"}',
    b'{"name": NaN}',
    b'{"name": -Infinity}',
    b'{"name": "a", "name": "b"}',
    b'{"name": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "{„name“: 1}".encode(),
    b'\xef\xbb\xbf{"name": "a"}',
]


def test_what_is_no_json_document_is_malformed(people: People) -> None:
    for body in NO_JSON:
        answer = people.ben.call(
            "POST", "/journeys", data=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json["code"]) == (400, "malformed")
        assert codes(answer) == {("", "malformed_json")}


OTHER_SHAPES = [b"[]", b'"x"', b"null", b"3", b"1e400", b'{"name": null}']


def test_json_of_another_shape_is_invalid(people: People) -> None:
    for body in OTHER_SHAPES:
        answer = people.ben.call(
            "POST", "/journeys", data=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json["code"]) == (422, "invalid")


OTHER_TYPES = ["text/plain", "application/x-www-form-urlencoded", ""]


def test_other_media_types_are_refused(people: People) -> None:
    for media_type in OTHER_TYPES:
        answer = people.ben.call(
            "POST", "/journeys", data=b'{"name": "x"}', headers={"Content-Type": media_type}
        )
        assert (answer.status_code, codes(answer)) == (415, {("", "not_json")})


def test_a_charset_does_no_harm(people: People) -> None:
    answer = people.ben.call(
        "POST",
        "/journeys",
        data=b'{"name": "x"}',
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert answer.status_code == 201


def test_large_bodies_are_refused(people: People) -> None:
    for size, status in ((LARGEST_BODY, 422), (LARGEST_BODY + 1, 413)):
        body = json.dumps({"name": "x" * size})[: size - 2] + '"}'
        answer = people.ben.call(
            "POST", "/journeys", data=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status
        codes(answer)


def test_unknown_and_repeated_query_parameters_are_refused(people: People) -> None:
    assert codes(people.ben.get("/links", colour="red")) == {("colour", "unknown_field")}
    answer = people.ben.call("GET", "/links?limit=1&limit=2")
    assert codes(answer) == {("limit", "repeated_field")}
    answer = people.ben.call("POST", "/journeys?dry=1", json={"name": "x"})
    assert codes(answer) == {("dry", "unknown_field")}
    assert people.ben.call("DELETE", "/links/1?force=1").status_code == 422


NO_LIMITS = ["0", "201", "-1", "1.0", "x", "", " 1", "١", "9" * 30]


def test_limits_lie_between_1_and_200(people: People) -> None:
    for limit in NO_LIMITS:
        answer = people.ben.get("/links", limit=limit)
        assert (answer.status_code, {field for field, _ in codes(answer)}) == (422, {"limit"})


NO_CURSORS = ["x", "", "-1", "f" * 16, "1 "]


def test_made_up_cursors_are_refused(people: People) -> None:
    for cursor in NO_CURSORS:
        assert codes(people.ben.get("/tags", cursor=cursor)) == {("cursor", "bad_cursor")}
        assert people.ben.get("/tags", cursor="f" * 15).json == {"items": [], "next_cursor": None}


NO_IDS = ["0", "01", "-1", "1.0", "x", "9" * 19, "9" * 40, "١", "%00", "a%20b", "%ff"]


def test_what_is_no_id_is_not_found(people: People) -> None:
    for outside_id in NO_IDS:
        answer = people.ben.call("GET", f"/links/{outside_id}")
        assert answer.status_code == 404
        codes(answer)


def test_flasks_own_errors_are_problems_too(people: People) -> None:
    answer = people.ben.get("/nothing")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    codes(answer)
    answer = people.ben.call("DELETE", "/links")
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert set(answer.allow) == {"GET", "HEAD", "OPTIONS", "POST"}
    codes(answer)
    assert people.ben.call("GET", "//links").status_code == 404


def test_scopes_are_asked_before_the_body(people: People) -> None:
    answer = people.vera.call("POST", "/links", data=b"{")
    assert codes(answer) == {("", "scope_missing")}


def test_every_answer_carries_the_security_headers(people: People) -> None:
    for path in ("/links", "/nothing", "/docs", "/openapi.json"):
        headers = people.ben.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert people.ben.get("/links").headers["Cache-Control"] == "no-store"


def test_head_and_options_are_answered(people: People) -> None:
    answer = people.ben.call("HEAD", "/links")
    assert (answer.status_code, answer.data) == (200, b"")
    assert set(people.ben.call("OPTIONS", "/links").allow) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_a_missing_schema_is_said_until_it_is_there(empty_url: str, settings: Settings) -> None:
    app = create_app(load({}, data_dir=settings.data_dir, database_url=empty_url))
    client = app.test_client()
    answer = client.get("/api/v1/links")
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert codes(answer) == {("", "schema_missing")}
    assert "linkservice db upgrade" in answer.json["detail"]
    schema.upgrade(app.extensions["database"])
    assert client.get("/api/v1/links").status_code == 401
    app.extensions["database"].close()


def test_a_newer_schema_is_said(settings: Settings, database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'of tomorrow'"))
    app = create_app(settings)
    answer = app.test_client().get("/api/v1/links")
    assert (answer.status_code, codes(answer)) == (503, {("", "schema_newer")})
    app.extensions["database"].close()


def test_a_database_that_is_away_is_no_failure_of_the_caller(
    people: People, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    assert people.ben.get("/links").status_code == 200
    path = settings.data_dir / "linkservice.db"
    path.rename(path.with_suffix(".away"))
    path.mkdir()
    app: Flask = people.ben.client.application
    app.extensions["database"].engine.dispose()
    answer = people.ben.get("/links")
    assert (answer.status_code, codes(answer)) == (503, {("", "database_away")})
    assert people.ben.key not in caplog.text
