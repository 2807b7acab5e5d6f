"""What the link door answers without a page: a redirect, and the fixed answers.

Headers are tuples, made once. Decided here as well: how an answer looks as bytes (`head`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

HEADS_KEPT = 1_024
"""Heads of pages that are not made anew: whoever tries slugs by the thousand gets one page."""

Headers = tuple[tuple[str, str], ...]


class Answer(NamedTuple):
    """Status line, headers and body of one answer."""

    status: str
    headers: Headers
    body: bytes


def _plain(status: str, text: str, *headers: tuple[str, str]) -> Answer:
    body = text.encode()
    return Answer(
        status,
        (
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),
            *headers,
        ),
        body,
    )


_ALLOW = ("Allow", "GET, HEAD, OPTIONS")
_NOINDEX = ("X-Robots-Tag", "noindex")
_NO_STORE = ("Cache-Control", "no-store")

# A browser that keeps a redirect hides edits and loses clicks, so none may be kept.
_REDIRECT_HEADERS: Headers = (
    ("Cache-Control", "private, no-store"),
    _NOINDEX,
    # Asks for what a frozen user agent no longer tells: the phone's model, the system's version.
    ("Accept-CH", "Sec-CH-UA-Model, Sec-CH-UA-Platform-Version"),
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Length", "0"),
)

HEALTHY = _plain("200 OK", "ok\n", _NO_STORE)
OPTIONS = Answer("204 No Content", (_ALLOW,), b"")
NOT_ALLOWED = _plain("405 Method Not Allowed", "Use GET or HEAD.\n", _ALLOW)
NOT_FOUND = _plain("404 Not Found", "Not found.\n", _NOINDEX, _NO_STORE)

# Crawlers may fetch everything: one that is kept out never sees the noindex header.
ROBOTS_TXT = _plain(
    "200 OK", "User-agent: *\nDisallow:\n", ("Cache-Control", "public, max-age=86400")
)
NO_ICON = Answer("204 No Content", (("Cache-Control", "public, max-age=86400"),), b"")


_FOUND = "302 Found"

_FOUND_HEAD = b"HTTP/1.1 302 Found\r\nlocation: "
_FOUND_TAIL = "\r\n".join(
    ["", *(f"{name.lower()}: {value}" for name, value in _REDIRECT_HEADERS), ""]
).encode()


def redirect(location: str) -> tuple[str, Headers, bytes]:
    """302 to `location`, which is ASCII as every stored destination is.

    An `Answer` without its name, and without the headers all redirects share (`whole`, `head`): one
    is made per request, and this takes a third of the time.
    """
    return _FOUND, (("Location", location),), b""


def whole(status: str, headers: Headers) -> Headers:
    """All headers of an answer; of a redirect, those that all share as well."""
    return (*headers, *_REDIRECT_HEADERS) if status is _FOUND else headers


def head(status: str, headers: Headers, end: bytes) -> bytes:
    """The head of an answer as bytes: status line, headers, and `end`, which closes it.

    Raises ValueError for a text that would end its line.
    """
    if status is _FOUND:  # made by `redirect`, and a thousand times as often as any other
        location = headers[0][1]
        if "\n" in location or "\r" in location:
            raise ValueError("a line end in a Location")
        return b"".join((_FOUND_HEAD, location.encode("latin-1"), _FOUND_TAIL, end))
    return _other_head(status, headers) + end


@lru_cache(maxsize=HEADS_KEPT)
def _other_head(status: str, headers: Headers) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.lower()}: {value}" for name, value in headers)]
    if any("\n" in line or "\r" in line for line in lines):
        raise ValueError("a line end in a header")
    return "\r\n".join([*lines, ""]).encode("latin-1")
