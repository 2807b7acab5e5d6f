"""From the bytes of a request to a validated value, strictly.

Decided here: what is a JSON document (UTF-8, no key twice, no NaN, no lone surrogate,
no bottomless nesting) and what a query string may hold. Not here: what the fields mean.
"""

from __future__ import annotations

import json
import threading
from typing import NoReturn, TypeVar

from flask import Request
from pydantic import ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from linkservice.api.problems import Malformed, invalid
from linkservice.api.values import Given
from linkservice.errors import Invalid, Problem, Unavailable

Sent = TypeVar("Sent", bound=Given)

BODIES_AT_ONCE = 16
"""Half of a web worker's threads. The server waits for a body for ever; whoever sends half of
one may hold as many threads as this, and the others go on answering."""

WAIT_SECONDS = 2.0

_readers = threading.BoundedSemaphore(BODIES_AT_ONCE)


def from_json(request: Request, model: type[Sent]) -> Sent:
    """The body as `model`.

    Raises `UnsupportedMediaType`, `RequestEntityTooLarge`, `Malformed`, `Invalid`,
    `Unavailable` while too many bodies are under way.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType()
    if not _readers.acquire(timeout=WAIT_SECONDS):
        raise Unavailable(Problem("", "too_many_bodies"))
    try:
        data = request.get_data(cache=False)
    finally:
        _readers.release()
    document = _parsed(data)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise invalid(error) from None


def from_query(request: Request, model: type[Sent]) -> Sent:
    """The query string as `model`. Raises `Invalid`, also for a parameter given twice."""
    lists = request.args.to_dict(flat=False)
    repeated = [name for name, values in lists.items() if len(values) > 1]
    if repeated:
        raise Invalid(*(Problem(name[:80], "repeated_field") for name in repeated))
    try:
        return model.model_validate({name: values[0] for name, values in lists.items()})
    except ValidationError as error:
        raise invalid(error) from None


def _parsed(data: bytes) -> object:
    try:
        document = json.loads(
            data.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_no_number
        )
        # A lone surrogate is an escape that means no character: it cannot be written again.
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        _refuse("it holds bytes or escapes that are no text")
    except RecursionError:
        _refuse("it is nested too deeply")
    except json.JSONDecodeError as error:
        _refuse(f"{error.msg[:1].lower()}{error.msg[1:]} at character {error.pos}")
    except ValueError as error:
        _refuse(str(error) if isinstance(error, _Refused) else "a number in it is too long")
    return document


class _Refused(ValueError):
    """Valid by the grammar of JSON, yet nothing one can rely on."""


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Refused("an object in it has the same key twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise _Refused(f"{name} is no JSON number")


def _refuse(why: str) -> NoReturn:
    raise Malformed(Problem("", "malformed_json", {"why": why})) from None
