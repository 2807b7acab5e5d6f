"""A constant 302, served as the link door is: `python -m benchmarks.bare PORT`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from linkservice.config import load
from linkservice.redirect.answers import redirect
from linkservice.serve.addresses import Address
from linkservice.serve.workers import serve_redirect

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

STATUS, HEADERS, _ = redirect("https://www.example.com/offers/23456ab?utm_source=poster")


def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[Any]:
    """The least a WSGI application can do."""
    start_response(STATUS, list(HEADERS))
    return []


if __name__ == "__main__":
    with Address("redirect", "127.0.0.1", int(sys.argv[1]), "").listening() as listener:
        serve_redirect(lambda: application, load(os.environ), listener.fileno())
