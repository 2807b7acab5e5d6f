"""What the link door answers without a page: a redirect, and the fixed answers.

Headers are tuples, made once; `app` hands every request a list of its own.
"""

from __future__ import annotations

from typing import NamedTuple

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


def redirect(location: str) -> tuple[str, Headers, bytes]:
    """302 to `location`, which is ASCII as every stored destination is.

    An `Answer` without its name: one is made per request, and a plain tuple takes half the time.
    """
    return "302 Found", (("Location", location), *_REDIRECT_HEADERS), b""
