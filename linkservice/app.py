"""Joins the doors: the app (web and API), and for small installations the link door too."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask.globals import request_ctx

from linkservice.api import problems as api_problems
from linkservice.api import service as api_service
from linkservice.bundled import bundled
from linkservice.config import Settings
from linkservice.counters import Counters
from linkservice.database import open_database
from linkservice.links.host import machine, normal_host
from linkservice.sheets.make import Maker
from linkservice.web import problems as web_problems
from linkservice.web import service as web_service
from linkservice.web import status
from linkservice.web.postman import Postman
from linkservice.web.watch import watch

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

APP_WORDS = frozenset({"app", "api", "static", "healthz", "readyz", "metrics"})
"""First words of paths that are the app's even where its host serves links too."""

LARGEST_BODY = 1024 * 1024
"""Bytes of a request body."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # Pages that show or load something say so themselves.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(settings: Settings) -> Flask:
    """The app door. Opens no connection before the first request, so it may be forked."""
    app = Flask("linkservice", template_folder=bundled("templates"), static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of Flask's default provider
    # `//` in a path is a wrong address, not another way to write one.
    app.url_map.merge_slashes = False
    app.logger.setLevel(settings.log_level.upper())
    database = open_database(settings)
    app.extensions["database"] = database  # for whoever has to close it
    # Its thread begins when somebody looks at a sheet that waits.
    app.extensions["sheets"] = Maker(database)
    counters = Counters(settings.data_dir, "web")
    app.extensions["counters"] = counters
    watch(app, counters)
    app.register_error_handler(Exception, _answer_to_error(settings))
    app.register_blueprint(status.pages(settings, database, counters))
    api_service.add_to(app, settings, database)
    web_service.add_to(app, settings, database)
    # Its thread begins where the service's own workers run, not in every process that has an app.
    app.extensions["letters"] = Postman(
        settings, database, app.jinja_env, web_service.addresses(app), counters
    )
    app.after_request(_with_headers(settings))
    return app


def close_app(app: Flask) -> None:
    """Lay down the sheet and the letter in the making, and give the connections back."""
    app.extensions["letters"].close()
    app.extensions["sheets"].close()
    app.extensions["counters"].close()
    app.extensions["database"].close()


class BothDoors:
    """The app and the link door as one WSGI application, told apart by host and path.

    On the host of `BASE_URL`, paths that begin with one of `APP_WORDS` are the app's, and so
    is `/` unless `LINK_URL` has the same host. All else is the link door's, which knows best
    whether a host serves links.
    """

    def __init__(self, settings: Settings) -> None:
        # Web workers of `serve` use `create_app` alone and never need the link door.
        from linkservice.redirect.app import make_application

        self._app = create_app(settings)
        self._link_door = make_application(settings)
        self._place = _place(urlsplit(settings.base_url).netloc)
        shared = self._place == _place(settings.link_host)
        self._words = APP_WORDS if shared else APP_WORDS | {""}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        word = environ.get("PATH_INFO", "").removeprefix("/").partition("/")[0]
        if word in self._words and _place(environ.get("HTTP_HOST", "")) == self._place:
            return self._app(environ, start_response)
        return self._link_door(environ, start_response)

    def close(self) -> None:
        """Seal what is recorded and give the connections back."""
        self._link_door.close()
        close_app(self._app)


def create_wsgi(settings: Settings) -> BothDoors:
    """Both doors for one WSGI server. Opens no connection before the first request."""
    return BothDoors(settings)


def _place(host: str) -> tuple[str, str]:
    """Machine and port of a `Host` header, equal for every way to write the same place."""
    name, bracket, port = normal_host(host).rpartition("]")
    if not bracket:
        name, _, port = port.partition(":")
    return machine(name + bracket), port.removeprefix(":")


def _answer_to_error(settings: Settings) -> Callable[[Exception], Response]:
    """Programs get a problem document, people a page."""

    def answer(error: Exception) -> Response:
        if request_ctx.url_adapter is None:
            # Its Host is no host, so nothing can say where it is, a page's style sheet neither.
            return Response("The Host of this request is none.\n", 400, mimetype="text/plain")
        if request.path.startswith("/api/"):
            return api_problems.answer_to(error)
        return web_problems.answer_to(error, settings)

    return answer


def _with_headers(settings: Settings) -> Callable[[Response], Response]:
    headers = dict(_HEADERS)
    if settings.base_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000"

    def add(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return add
