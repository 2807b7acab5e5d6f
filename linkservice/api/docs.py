"""The OpenAPI document and a page that shows it, served from here alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from flask import Blueprint, Response, abort, render_template

from linkservice.api.door import PREFIX, Operation
from linkservice.api.openapi import document
from linkservice.bundled import bundled

# Swagger UI writes style attributes and draws its icons from data URLs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_SWAGGER = files("flask_openapi3_swagger") / "templates" / "swagger"
_ASSETS = {
    "swagger-ui.css": (_SWAGGER / "css" / "swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": (_SWAGGER / "js" / "swagger-ui-bundle.js", "text/javascript"),
    "swagger.svg": (_SWAGGER / "images" / "swagger.svg", "image/svg+xml"),
    "start.js": (bundled("templates") / "api" / "start.js", "text/javascript"),
}


def pages(operations: Sequence[Operation]) -> Blueprint:
    """`openapi.json` and `docs` under `PREFIX`; both need no key."""
    blueprint = Blueprint("docs", __name__, url_prefix=PREFIX)

    @cache
    def written() -> str:
        return json.dumps(document(operations))

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        return Response(written(), content_type="application/json")

    @blueprint.get("/docs")
    def docs() -> Response:
        response = Response(render_template("api/docs.html"), content_type="text/html")
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    @blueprint.get("/docs/<name>")
    def asset(name: str) -> Response:
        if name not in _ASSETS:
            abort(404)
        file, media_type = _ASSETS[name]
        response = Response(file.read_bytes(), content_type=media_type)
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response

    return blueprint
