"""“Don't count this browser”: the signed links that put the mark on a browser and take it away.

The mark is a cookie with one value for all (`visitor.OWN_COOKIE`), set on a short domain by
nothing but such a link. It is signed and short-lived, so that nobody else can have a customer's
browser left uncounted by sending a link around. Not here: how a marked click is recorded
(`redirect/recorder`), what the browser is shown (`redirect/marking`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Literal

from linkservice.clicks.visitor import OWN_COOKIE
from linkservice.config import Settings
from linkservice.links.addresses import origin

OWN_PATH = "/.well-known/linkservice/own"
"""On every short domain; its first word is reserved, so no link is ever called so."""

VALID = timedelta(minutes=10)
"""How long a signed link works: long enough to open one for each domain."""

KEPT = timedelta(days=400)
"""How long a browser keeps the mark; none keeps a cookie longer."""

Deed = Literal["on", "off"]

_LONGEST_QUERY = 200
_DEEDS: tuple[Deed, ...] = ("on", "off")


def mark_url(settings: Settings, host: str, domain_id: int, deed: Deed, now: datetime) -> str:
    """The link that marks (`on`) whoever opens it on that domain, or takes the mark off."""
    query = mark_query(settings, domain_id, deed, now)
    return f"{origin(settings, host)}{OWN_PATH}?{query}"


def mark_query(settings: Settings, domain_id: int, deed: Deed, now: datetime) -> str:
    """The query of `mark_url`: ``on=1764288000.3q2-7w…``, the second until which it works."""
    until = int((now + VALID).timestamp())
    return f"{deed}={until}.{_signature(settings, domain_id, deed, until)}"


def deed_of(settings: Settings, query: str, domain_id: int, now: datetime) -> Deed | None:
    """What a query of `mark_query` asks for; None if it is not ours, another domain's or late."""
    name, _, token = query[:_LONGEST_QUERY].partition("=")
    text, _, signature = token.partition(".")
    deed = next((each for each in _DEEDS if each == name), None)
    if deed is None or not (text.isascii() and text.isdigit()):
        return None
    until = int(text)
    wanted = _signature(settings, domain_id, deed, until)
    genuine = hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "surrogatepass"))
    return deed if genuine and now.timestamp() <= until else None


def cookie(settings: Settings, host: str, deed: Deed) -> str:
    """The `Set-Cookie` header of the mark on that host, or of its end."""
    seconds = int(KEPT.total_seconds()) if deed == "on" else 0
    secure = "; Secure" if origin(settings, host).startswith("https://") else ""
    return f"{OWN_COOKIE}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def _signature(settings: Settings, domain_id: int, deed: Deed, until: int) -> str:
    message = f"own\0{deed}\0{domain_id}\0{until}".encode()
    digest = hmac.digest(settings.secret_key.encode(), message, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
