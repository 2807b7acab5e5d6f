"""The cast as programs: everyone has a key and calls the REST door with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cast import NOW, Home, make_home
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from linkservice.app import create_app
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.workspaces.keys import create_key

PROBLEM = "application/problem+json"


class Caller:
    """Someone with a key; `get` and the like take paths below `/api/v1`."""

    def __init__(self, client: FlaskClient, key: str, home: Home) -> None:
        self.client = client
        self.key = key
        self.home = home

    def call(self, method: str, path: str, **arguments: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", **arguments.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **arguments)

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.call("GET", path, query_string=query)

    def post(self, path: str, **body: Any) -> TestResponse:
        return self.call("POST", path, json=body)

    def patch(self, path: str, **body: Any) -> TestResponse:
        return self.call("PATCH", path, json=body)

    def delete(self, path: str) -> TestResponse:
        return self.call("DELETE", path)

    def made(self, path: str, **body: Any) -> dict[str, Any]:
        """What a POST made, after a look at what every POST promises."""
        answer = self.post(path, **body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json
        if "id" in found:
            location = answer.headers["Location"]
            assert self.get(location.removeprefix("/api/v1")).json == found
        return found


@dataclass(frozen=True)
class People:
    """Ada owns her workspace, Ben edits in it, Vera views it, Cleo is a stranger."""

    ada: Caller
    ben: Caller
    vera: Caller
    cleo: Caller


EDITS = (
    *("links:read", "links:write", "journeys:read", "journeys:write"),
    *("reports:read", "conversions:write"),
)
VIEWS = ("links:read", "journeys:read", "reports:read")


def everybody(settings: Settings, database: Database) -> Iterator[People]:
    """A fixture where a module says ``people = pytest.fixture(everybody)``."""
    with database.transaction() as session:
        home = make_home(session, settings)
        foreign = make_home(session, settings, host="go.cleo.example")
        keys = []
        for owner, scopes in ((home, ()), (home, EDITS), (home, VIEWS), (foreign, ())):
            keys.append(create_key(session, owner.actor, "program", scopes, NOW))
    app = create_app(settings)
    client = app.test_client()
    ada, ben, vera, cleo = keys
    yield People(
        Caller(client, ada, home),
        Caller(client, ben, home),
        Caller(client, vera, home),
        Caller(client, cleo, foreign),
    )
    app.extensions["database"].close()


def codes(answer: TestResponse) -> set[tuple[str, str]]:
    """Field and code of every problem, after a look at what every error promises."""
    document = answer.json
    assert answer.content_type == PROBLEM
    assert document.keys() == {"type", "title", "status", "detail", "code", "errors"}
    assert document["status"] == answer.status_code >= 400
    assert document["title"]
    assert document["detail"]
    for error in document["errors"]:
        assert error.keys() == {"field", "code", "message"}
        assert error["message"] in document["detail"]
    return {(error["field"], error["code"]) for error in document["errors"]}
