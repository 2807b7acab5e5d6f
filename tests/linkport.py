"""Asks the link port without a socket, and reads back what it recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from sqlalchemy import text

from linkservice.clicks.event import Click
from linkservice.clicks.framing import Record, read_records
from linkservice.clicks.segment import HEADER_BYTES, segments
from linkservice.database import Database
from linkservice.redirect.app import LinkDoor

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
ADDRESS = "203.0.113.77"


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: str
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> int:
        return int(self.status[:3])

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(door: LinkDoor, path: str, method: str = "GET", **variables: str) -> Reply:
    """One request, through wsgiref's judge of what WSGI allows; variables as `HTTP_HOST`."""
    return _reply(validator(door), _environ(path, method, variables))


def ask_rudely(door: LinkDoor, path: str, method: str = "GET", **variables: str) -> Reply:
    """One request that no well-behaved server would pass on."""
    return _reply(door, _environ(path, method, variables))


def ask_as_the_port(door: LinkDoor, path: str, **variables: str) -> Reply:
    """One GET as our server asks: what takes longer finds nothing of the request any more."""
    environ, entries = _environ(path, "GET", variables), list[Any]()
    found = door.begin(environ, entries)
    environ.clear()
    status, headers, body = found(entries) if callable(found) else found
    door.write(entries)
    return Reply(status, dict(headers), body)


def recorded(spool_dir: Path) -> list[Click]:
    """Every record in the spool."""
    return [
        found.click
        for segment in segments(spool_dir)
        for found in read_records(segment.read(), segment.identity, HEADER_BYTES)
        if isinstance(found, Record)
    ]


@contextmanager
def database_away(database: Database) -> Iterator[None]:
    """A database that answers every question of the link port with an error."""
    tables = ("changes", "links", "domains", "salts")
    _rename(database, [(name, f"{name}_away") for name in tables])
    try:
        yield
    finally:
        _rename(database, [(f"{name}_away", name) for name in tables])


def _rename(database: Database, names: list[tuple[str, str]]) -> None:
    with database.writing_connection() as connection:
        for old, new in names:
            connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def _environ(path: str, method: str, variables: dict[str, str]) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "HTTP_HOST": "127.0.0.1:8001",
        "HTTP_USER_AGENT": PHONE,
        "REMOTE_ADDR": ADDRESS,
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    setup_testing_defaults(environ)
    environ.update({"REQUEST_METHOD": method, "PATH_INFO": path, "SCRIPT_NAME": ""})
    environ.update(variables)
    return environ


def _reply(application: Any, environ: dict[str, Any]) -> Reply:
    given: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        given.append((status, headers))
        return lambda data: None

    answer = application(environ, start_response)
    try:
        body = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    status, headers = given[0]
    assert len({name for name, _ in headers}) == len(headers), "a header stands twice"
    return Reply(status, dict(headers), body)
