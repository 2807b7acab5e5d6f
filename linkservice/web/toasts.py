"""What was just done, told on the next page: in a signed cookie, so that no table is needed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from flask import Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer

from linkservice.config import Settings
from linkservice.web.guard import Cookies

SECONDS = 120
LONGEST_BYTES = 3_800
"""A browser keeps cookies of up to 4,096 bytes."""


@dataclass(frozen=True, slots=True)
class Toast:
    """A sentence, and the address that takes back what it tells of (a POST), if any does."""

    text: str
    undo: str | None = None
    kind: str = "done"


class Toasts:
    """Puts a toast into an answer and finds it in the next request."""

    def __init__(self, settings: Settings, cookies: Cookies) -> None:
        self._signer = URLSafeTimedSerializer(settings.secret_key, salt="toast")
        self._cookies = cookies

    def put(self, response: Response, toast: Toast) -> None:
        """Let the next page say it; a toast too long for a cookie goes without its undo."""
        content = self._written(toast)
        if len(content) > LONGEST_BYTES:
            content = self._written(Toast(toast.text[:500], None, toast.kind))
        self._cookies.put(response, "toast", content, SECONDS)

    def get(self, request: Request) -> Toast | None:
        """The toast of the page before."""
        content = self._cookies.get(request, "toast")
        if not content:
            return None
        try:
            text, undo, kind = self._signer.loads(content, max_age=SECONDS)
        except (BadData, ValueError, TypeError, zlib.error):
            return None
        return Toast(text, undo, kind)

    def drop(self, response: Response) -> None:
        """It was shown once, that is enough."""
        self._cookies.drop(response, "toast")

    def _written(self, toast: Toast) -> str:
        written = self._signer.dumps([toast.text, toast.undo, toast.kind])
        return written if isinstance(written, str) else written.decode("ascii")
