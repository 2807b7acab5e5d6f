"""The cast in front of their browsers: signed in, filling in forms, reading pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

from cast import Home, make_home
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.test import TestResponse

from linkservice.app import close_app, create_app
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.web.guard import Cookies, form_token
from linkservice.workspaces import sessions
from linkservice.workspaces.accounts import add_user
from linkservice.workspaces.model import User, Workspace

PASSWORD = "a-long-walk-by-the-sea"


class Compiled(BytecodeCache):
    """Templates are compiled once for all tests of a process, not once for each application."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


class Browser:
    """Somebody's browser; `get` and `post` take paths below `/app`."""

    def __init__(self, app: Flask, settings: Settings, token: str = "", home: Home | None = None):
        self.client = app.test_client()
        self.settings = settings
        self.home = home
        self._cookies = Cookies.of(settings)
        name = self._cookies.name("session" if token else "visit")
        self.client.set_cookie(name, token or "visit-of-a-stranger")
        self.client.set_cookie(self._cookies.name("language"), "en")

    @property
    def cookie(self) -> str:
        """The cookie the tokens of this browser's forms belong to, as it is now."""
        names = (self._cookies.name("session"), self._cookies.name("visit"))
        kept = (self.client.get_cookie(name) for name in names)
        return next((cookie.value for cookie in kept if cookie), "")

    def get(self, path: str, **query: Any) -> TestResponse:
        """A page; redirects are not followed."""
        return self.client.get(f"/app{path}", query_string=query or None)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """A form as a browser sends it, with its token."""
        token = form_token(self.settings, self.cookie)
        return self.client.post(
            f"/app{path}",
            data={"csrf": token, **fields},
            headers={"Sec-Fetch-Site": "same-origin"},
            content_type="multipart/form-data" if _has_file(fields) else None,
        )

    def done(self, path: str, **fields: Any) -> TestResponse:
        """A form that is accepted; the page it leads to."""
        answer = self.post(path, **fields)
        assert answer.status_code == 303, text_of(answer)
        return self.client.get(answer.headers["Location"])


@dataclass(frozen=True)
class Cast:
    """Ada owns her workspace, Ben edits in it, Vera views it, Cleo owns another one; a
    stranger has no account.
    """

    ada: Browser
    ben: Browser
    vera: Browser
    cleo: Browser
    stranger: Browser
    home: Home
    foreign: Home


def everybody(settings: Settings, database: Database) -> Iterator[Cast]:
    """A fixture where a module says ``cast = pytest.fixture(everybody)``."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        home = make_home(session, settings)
        foreign = make_home(session, settings, host="go.cleo.example")
        tokens = []
        for name, owner, role in (
            ("ada", home, "owner"),
            ("ben", home, "editor"),
            ("vera", home, "viewer"),
            ("cleo", foreign, "owner"),
        ):
            workspace = session.get_one(Workspace, owner.workspace_id)
            workspace.set_up_at = now
            member = add_user(session, workspace, f"{name}@example.com", role, now)
            user = session.get_one(User, member.user_id)
            tokens.append(sessions.start(session, user, "Firefox, Linux", now))
    app = create_app(settings)
    app.jinja_env.bytecode_cache = COMPILED
    ada, ben, vera, cleo = tokens
    yield Cast(
        Browser(app, settings, ada, home),
        Browser(app, settings, ben, home),
        Browser(app, settings, vera, home),
        Browser(app, settings, cleo, foreign),
        Browser(app, settings),
        home,
        foreign,
    )
    close_app(app)


def text_of(answer: TestResponse) -> str:
    """What a person reads on the page."""
    body = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", answer.text)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).strip()


def _has_file(fields: dict[str, Any]) -> bool:
    return any(isinstance(value, tuple) for value in fields.values())
