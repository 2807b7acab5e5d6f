"""Every error as a page that helps: what happened, and where to go from here.

Not here: the sentences (`wording`, translated by `i18n`), errors of the API (`api/problems`),
and refused forms, which are shown again by the door.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, current_app, render_template, request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from werkzeug.exceptions import HTTPException

from linkservice.config import Settings
from linkservice.errors import LinkServiceError, Problem, TooManyRequests, Unavailable
from linkservice.web import i18n
from linkservice.web.guard import Cookies, new_token, with_policy
from linkservice.web.i18n import N_

_TITLES = {
    400: N_("The request cannot be understood"),
    401: N_("You are not signed in"),
    403: N_("This is not open to you"),
    404: N_("There is nothing here"),
    405: N_("This address takes no such request"),
    409: N_("That is not possible now"),
    413: N_("That was too large"),
    422: N_("Something in the request is wrong"),
    429: N_("Too many attempts"),
    500: N_("Something went wrong on our side"),
    503: N_("The service is not ready"),
}
_DRAWINGS = {403: "locked", 401: "locked", 404: "lost", 405: "lost", 503: "maintenance"}


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """What the layout asks of a page, for nobody in particular: the database may be away."""

    locale: str
    nonce: str
    section: str = ""
    user: None = None
    workspace: None = None
    toast: None = None


def answer_to(error: Exception, settings: Settings) -> Response:
    """The page for `error`, whoever raised it."""
    response = _page(*_told(error), settings)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
    return response


def _told(error: Exception) -> tuple[int, Sequence[Problem]]:
    """The status of an error and the problems worth telling."""
    if isinstance(error, LinkServiceError):
        return error.status, [_for_people(problem) for problem in error.problems]
    if isinstance(error, HTTPException):
        return error.code or 500, ()
    away = isinstance(error, OperationalError | InterfaceError | PoolExhausted)
    if away or (isinstance(error, DBAPIError) and error.connection_invalidated):
        # Only the kind of error: its text may hold values of the statement.
        current_app.logger.error("the database cannot be reached: %s", type(error).__name__)
        return 503, Unavailable(Problem("", "database_away")).problems
    current_app.logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return 500, (Problem("", "failed"),)


def _for_people(problem: Problem) -> Problem:
    """Who has a page before them has a role; scopes and keys are the API's."""
    return Problem("", "role_too_small") if problem.code == "scope_missing" else problem


def _page(status: int, problems: Sequence[Problem], settings: Settings) -> Response:
    cookies = Cookies.of(settings)
    locale = i18n.choose_locale(
        cookies.get(request, "language"),
        accept_language=request.headers.get("Accept-Language", ""),
    )
    page = ProblemPage(locale, new_token())
    with i18n.speaking(locale):
        known = status if status in _TITLES else 400 if status < 500 else 500
        text = render_template(
            "web/problem.html",
            page=page,
            status=status,
            # Who never signed in may be the reader of a shared report, without an account.
            is_member=bool(cookies.get(request, "session")),
            title=i18n.gettext(_TITLES[known]),
            drawing=_DRAWINGS.get(known, "broken"),
            sentences=[i18n.sentence(problem) for problem in problems],
        )
    response = Response(text, status, content_type="text/html; charset=utf-8")
    return with_policy(response, page.nonce)
