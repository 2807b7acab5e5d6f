"""The REST door: parse, call one function of a noun, present. It holds no rules.

An `Operation` says once what a call is (path, scope, what it takes and answers); Flask's
routes and the OpenAPI document are both made from it. Not here: the calls themselves (a
module per noun), the document (`openapi`), errors (`problems`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar, cast

from flask import Blueprint, Response, request
from pydantic import Field
from sqlalchemy.orm import Session
from werkzeug.routing import BaseConverter

from linkservice import schema
from linkservice.api.body import from_json, from_query
from linkservice.api.values import WHOLE_IN_QUERY, Answer, Given, described
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Problem, Unauthenticated
from linkservice.workspaces import keys
from linkservice.workspaces.access import Actor, actor_of_key, live_key
from linkservice.workspaces.model import Owned

PREFIX = "/api/v1"
Method = Literal["GET", "POST", "PATCH", "DELETE"]
Takes = TypeVar("Takes", bound=Given)
Item = TypeVar("Item", bound=Answer)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler needs: an open session, who asks, and the id in the path ("" if none).
    `database` is for what is read after the answer has begun.
    """

    session: Session
    actor: Actor
    settings: Settings
    now: datetime
    id: str
    database: Database


@dataclass(frozen=True, slots=True)
class File:
    """An answer that is no JSON; `headers` are its own ones."""

    data: bytes
    media_type: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Lines:
    """An answer that is sent while it is made."""

    pieces: Iterable[str]
    media_type: str


@dataclass(frozen=True, slots=True)
class Repeated(Generic[Item]):
    """The answer to a POST that found what it would have made: 200 instead of 201."""

    answer: Item


Outcome: TypeAlias = Answer | File | Lines | Repeated[Any] | None
Handler = Callable[[Call, Takes], Outcome]


class Nothing(Given):
    """Neither body nor query parameters."""


class Page(Given):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=200), WHOLE_IN_QUERY] = 50
    # The id of the last item seen, in hexadecimal: 15 digits stay below 2^63.
    cursor: Annotated[str, Field(pattern=r"^[0-9a-f]{1,15}$")] | None = None

    @property
    def after(self) -> int | None:
        """The id of the last item of the page before."""
        return None if self.cursor is None else int(self.cursor, 16)


class Listed(Answer, Generic[Item]):
    """A page of a list; `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: Annotated[str | None, described(description="Send it back as `cursor`.")]


def listed(
    page: Page,
    fetch: Callable[[int | None, int], Sequence[Row]],
    present: Callable[[Row], Item],
    row_id: Callable[[Row], int],
) -> Listed[Item]:
    """One page: `fetch(after, limit)` is asked for one row more than is shown."""
    rows = fetch(page.after, page.limit + 1)
    shown = rows[: page.limit]
    cursor = f"{row_id(shown[-1]):x}" if len(rows) > len(shown) else None
    return Listed(items=[present(row) for row in shown], next_cursor=cursor)


def id_of(row: Owned) -> int:
    """The number behind the row's id."""
    return row.id


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the REST door.

    `takes` is the body of a POST or PATCH and the query of a GET; `answers` an answer model,
    or the media type of a `File` or of `Lines`; `refers` says that fields name other rows (404),
    `conflicts` that the state of the data may forbid it (409), `repeatable` that the same again is
    answered with what is there (200).
    """

    method: Method
    path: str
    scope: str
    summary: str
    takes: type[Given]
    answers: type[Answer] | str | None
    status: int
    tag: str
    refers: bool
    conflicts: bool
    repeatable: bool
    handler: Handler[Given]

    @property
    def has_body(self) -> bool:
        return self.method in ("POST", "PATCH")

    @property
    def is_picture(self) -> bool:
        return isinstance(self.answers, str) and self.answers.startswith("image/")

    @property
    def has_id(self) -> bool:
        return "{id}" in self.path

    @property
    def name(self) -> str:
        """The operation's id: ``create_link``."""
        return self.handler.__name__

    def place_of(self, new_id: str) -> str:
        """The path of what a POST to this path made: ``/api/v1/reach/7``."""
        return f"{PREFIX}/{self.path.rpartition('/')[2]}/{new_id}"


class Calls:
    """The calls of one noun; `tag` is its heading in the document."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.operations: list[Operation] = []

    def call(
        self,
        method: Method,
        path: str,
        *,
        scope: str,
        answers: type[Answer] | str | None = None,
        takes: type[Takes] | None = None,
        refers: bool = False,
        conflicts: bool = False,
        repeatable: bool = False,
    ) -> Callable[[Handler[Takes]], Handler[Takes]]:
        """Declare a call; the first line of the handler's docstring is its summary."""
        status = {"POST": 201, "DELETE": 204}.get(method, 200)

        def declare(handler: Handler[Takes]) -> Handler[Takes]:
            self.operations.append(
                Operation(
                    method=method,
                    path=path,
                    scope=scope,
                    summary=(handler.__doc__ or "").partition("\n")[0],
                    takes=takes or Nothing,
                    answers=answers,
                    status=status,
                    tag=self.tag,
                    refers=refers,
                    conflicts=conflicts,
                    repeatable=repeatable,
                    handler=cast("Handler[Given]", handler),
                )
            )
            return handler

        return declare


class IdConverter(BaseConverter):
    """An id in a path; `bulk` is a call of its own, not a link that might be deleted."""

    regex = "(?!bulk$)[^/]+"


class Door:
    """Answers the declared calls against one database."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._schema_is_right = False

    def routes(self, operations: Sequence[Operation]) -> Blueprint:
        """A blueprint that answers `operations` under `PREFIX`."""
        blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
        for operation in operations:
            blueprint.add_url_rule(
                operation.path.replace("{id}", "<id:id>"),
                endpoint=operation.name,
                view_func=self._view(operation),
                methods=[operation.method],
            )
        return blueprint

    def _view(self, operation: Operation) -> Callable[..., Response]:
        # Flask passes the path's id by its name, whatever shadows the built-in.
        def view(id: str = "") -> Response:
            return self._answer(operation, id)

        return view

    def _answer(self, operation: Operation, outside_id: str) -> Response:
        self._require_schema()
        now = datetime.now(UTC)
        with self._database.reading() as session:
            key = live_key(session, _key(), now)
            actor = actor_of_key(key)
            # Before the body is looked at: who may not call it learns nothing of its fields.
            actor.require(operation.scope)
        keys.note_use(self._database, key, now)
        if operation.has_body:
            from_query(request, Nothing)
            given = from_json(request, operation.takes)
        else:
            given = from_query(request, operation.takes)
        reads = operation.method == "GET"
        with self._database.reading() if reads else self._database.transaction() as session:
            call = Call(session, actor, self._settings, now, outside_id, self._database)
            return _response(operation, operation.handler(call, given))

    def _require_schema(self) -> None:
        """Once it was right it stays so: migrations run while the service is stopped."""
        if not self._schema_is_right:
            schema.require_current(self._database)
            self._schema_is_right = True


def _key() -> str:
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        raise Unauthenticated(Problem("", "key_missing"))
    return key.strip()


def _response(operation: Operation, answer: Outcome) -> Response:
    status = operation.status
    if isinstance(answer, Repeated):
        status, answer = 200, cast(Answer, answer.answer)
    if isinstance(answer, File):
        response = Response(answer.data, content_type=answer.media_type)
        response.headers.update(answer.headers)
        response.headers["Cache-Control"] = "private, no-cache"
        response.set_etag(hashlib.sha256(answer.data).hexdigest()[:32])
        response.make_conditional(request)
        return response
    if isinstance(answer, Lines):
        response = Response(answer.pieces, content_type=answer.media_type)
    elif answer is None:
        response = Response(status=status)
        del response.headers["Content-Type"]
    else:
        data = answer.model_dump_json(by_alias=True)
        response = Response(data, status, content_type="application/json")
        new_id = getattr(answer, "id", None)
        if status == 201 and new_id is not None:
            response.headers["Location"] = operation.place_of(new_id)
    response.headers["Cache-Control"] = "no-store"
    return response
