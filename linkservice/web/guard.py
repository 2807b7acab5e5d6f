"""What protects a browser's session: cookies, the token in every form, the page's policy.

A form is believed when it comes from our own pages (Sec-Fetch-Site, Origin) and carries the
token that belongs to the browser's cookie. Not here: who is signed in (`workspaces/sign_in`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Request, Response

from linkservice.config import Settings
from linkservice.errors import Forbidden, Problem

VISIT_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Cookies:
    """Names and attributes of our cookies: bound to this host alone wherever HTTPS allows it."""

    secure: bool

    @classmethod
    def of(cls, settings: Settings) -> Cookies:
        return cls(secure=settings.base_url.startswith("https://"))

    def name(self, short: str) -> str:
        return f"__Host-{short}" if self.secure else f"linkservice-{short}"

    def get(self, request: Request, short: str) -> str:
        """The cookie's content; "" without one."""
        return request.cookies.get(self.name(short), "")

    def put(self, response: Response, short: str, content: str, seconds: int | None = None) -> None:
        """Let the browser keep it; until it is closed if no time is given."""
        response.set_cookie(
            self.name(short),
            content,
            max_age=seconds,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="Lax",
        )

    def drop(self, response: Response, short: str) -> None:
        """Let the browser forget it."""
        response.delete_cookie(
            self.name(short), path="/", secure=self.secure, httponly=True, samesite="Lax"
        )


def new_token() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def form_token(settings: Settings, cookie: str) -> str:
    """The token of the forms of a browser with that session or visit cookie."""
    digest = hmac.new(settings.secret_key.encode(), b"form\0" + cookie.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")


def require_own_origin(request: Request, settings: Settings) -> None:
    """Raise `Forbidden` for a form that another site's page sent."""
    site = request.headers.get("Sec-Fetch-Site")
    if site not in (None, "same-origin", "none"):
        raise Forbidden(Problem("", "foreign_form"))
    origin = request.headers.get("Origin")
    if origin == "null" and site == "same-origin":
        return  # of a bare page: it tells its address to nobody, so browsers leave the origin out
    own = {request.host, urlsplit(settings.base_url).netloc}
    if origin is not None and _place_of(origin) not in own:
        raise Forbidden(Problem("", "foreign_form"))


def _place_of(origin: str) -> str | None:
    """Host and port of an origin; None for a text that is none."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def is_own_form(settings: Settings, cookie: str, sent: str) -> bool:
    """Whether the token in the form belongs to the browser's cookie."""
    return bool(cookie) and hmac.compare_digest(
        form_token(settings, cookie).encode(), sent.encode("utf-8", "surrogatepass")
    )


def asks_with_one_click(request: Request) -> bool:
    """Whether a mail program asks for its person to get no more letters (RFC 8058)."""
    return request.form.get("List-Unsubscribe") == "One-Click"


def with_policy(response: Response, nonce: str, *, bare: bool = False) -> Response:
    """The headers every page carries; the address of a `bare` one is a secret."""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "no-referrer" if bare else "same-origin"
    if bare:
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    return response
