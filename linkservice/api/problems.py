"""Every error as `application/problem+json` (RFC 9457), whoever raised it.

Not here: the sentences (`wording`) and which error a rule raises (the nouns).
"""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, current_app, request
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from werkzeug.exceptions import HTTPException

from linkservice.api.values import Answer
from linkservice.errors import (
    Invalid,
    LinkServiceError,
    Problem,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"

_HTTP_CODES = {
    404: ("not_found", "no_such_page"),
    405: ("method_not_allowed", "method_not_allowed"),
    413: ("too_large", "too_large"),
    415: ("unsupported_media_type", "not_json"),
}

_WANTED = {
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "day": "a day such as 2026-03-29",
}


class FieldProblem(Answer):
    """What is wrong with a field ("" for the whole request): a stable code and a sentence."""

    field: str
    code: str
    message: str


class ProblemDocument(Answer):
    """An error (RFC 9457); programs go by `code`, people read `detail`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem]


class Malformed(LinkServiceError):
    """The body is no JSON document."""

    code = "malformed"
    status = 400


def answer_to(error: Exception) -> Response:
    """The answer to any error."""
    if isinstance(error, LinkServiceError):
        return of_error(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, PoolExhausted):
        return _of_absence(error)
    if isinstance(error, DBAPIError):
        return _of_database(error)
    return _of_failure(error)


def of_error(error: LinkServiceError) -> Response:
    """The answer to an error raised on purpose."""
    response = answer(error.status, error.code, *error.problems)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="linkservice"'
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def answer(status: int, code: str, *problems: Problem) -> Response:
    """The problem document; `detail` joins the sentences of all problems."""
    document = ProblemDocument(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=" ".join(map(str, problems)),
        code=code,
        errors=[
            FieldProblem(field=problem.field, code=problem.code, message=problem.sentence)
            for problem in problems
        ],
    )
    return Response(document.model_dump_json(), status, content_type=MEDIA_TYPE)


def invalid(error: ValidationError) -> Invalid:
    """What pydantic found, as problems of the fields."""
    return Invalid(*(_problem(found) for found in error.errors(include_url=False)))


def _problem(found: ErrorDetails) -> Problem:
    field = ".".join(str(part) for part in found["loc"])
    facts = found.get("ctx", {})
    match found["type"]:
        case "missing":
            return Problem(field, "field_missing")
        case "extra_forbidden":
            return Problem(field[:80], "unknown_field")
        case "click_id_or_ids":
            return Problem("click_id", "click_id_or_ids")
        case "moment":
            return Problem(field, "bad_time")
        case "string_too_short":
            return Problem(field, "empty")
        case "string_too_long":
            length = len(str(found["input"]))
            return Problem(field, "too_long", {"longest": facts["max_length"], "length": length})
        case "literal_error":
            allowed = str(facts["expected"]).replace(" or ", ", ").replace("'", "")
            return Problem(field, "not_one_of", {"allowed": allowed})
        case "too_long":
            return Problem(field, "too_many", {"most": facts["max_length"]})
        case "too_short":
            return Problem(field, "too_few", {"least": facts["min_length"]})
        case "greater_than_equal":
            return Problem(field, "too_small", {"least": facts["ge"]})
        case "less_than_equal":
            return Problem(field, "too_big", {"most": facts["le"]})
        case "string_pattern_mismatch":  # all other patterns are the nouns' to check
            return Problem(field, "bad_cursor")
        case kind:
            return Problem(field, "wrong_type", {"wanted": _WANTED.get(kind, "of another type")})


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    code, sentence_code = _HTTP_CODES.get(status, ("bad_request", "bad_request"))
    facts: dict[str, object] = {
        "method": request.method,
        "allowed": ", ".join(sorted(getattr(error, "valid_methods", None) or [])),
        "most": f"{request.max_content_length or 0:,}",
    }
    response = answer(status, code, Problem("", sentence_code, facts))
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


def _of_database(error: DBAPIError) -> Response:
    # A busy, stopped or missing database says so in many ways; none is the caller's fault.
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return _of_absence(error)
    return _of_failure(error)


def _of_absence(error: Exception) -> Response:
    # Only the kind of error: its text may hold values of the statement.
    current_app.logger.error("the database cannot be reached: %s", type(error).__name__)
    return of_error(Unavailable(Problem("", "database_away")))


def _of_failure(error: Exception) -> Response:
    current_app.logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return answer(500, "failed", Problem("", "failed"))
