"""The style sheet and the script: all files of a kind joined, named by what is in them.

A changed file gets a new address, so browsers may keep each for a year.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import NotFound

STATIC = Path(__file__).parent / "static"
A_YEAR = 365 * 24 * 3600

_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent, plain and packed."""

    data: bytes
    packed: bytes
    media_type: str

    @property
    def mark(self) -> str:
        """What its address changes with."""
        return hashlib.sha256(self.data).hexdigest()[:12]


@cache
def assets() -> dict[str, Asset]:
    """Every asset by its name: `app.css`, `app.js`, and the pictures."""
    found = {
        "app.css": _joined("css"),
        "app.js": _joined("js"),
    }
    for path in sorted(STATIC.glob("*.svg")):
        found[path.name] = _asset(path.read_bytes(), path.suffix)
    return found


def address(name: str) -> str:
    """Where a page finds the asset."""
    return url_for("static.asset", name=name, v=assets()[name].mark)


def pages() -> Blueprint:
    """What answers under `/static`; needs no sign-in."""
    blueprint = Blueprint("static", __name__, url_prefix="/static")

    @blueprint.get("/<name>")
    def asset(name: str) -> Response:
        found = assets().get(name)
        if found is None:
            raise NotFound
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        answer = Response(found.packed if packed else found.data, content_type=found.media_type)
        if packed:
            answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Vary"] = "Accept-Encoding"
        # An address with another mark is of another version: it must not be kept as this one.
        known = request.args.get("v") == found.mark
        answer.headers["Cache-Control"] = (
            f"public, max-age={A_YEAR}, immutable" if known else "no-cache"
        )
        return answer

    return blueprint


def _joined(kind: str) -> Asset:
    parts = [path.read_text("utf-8") for path in sorted((STATIC / kind).glob(f"*.{kind}"))]
    return _asset("\n".join(parts).encode(), f".{kind}")


def _asset(data: bytes, suffix: str) -> Asset:
    return Asset(data, gzip.compress(data, mtime=0), _KINDS[suffix])
