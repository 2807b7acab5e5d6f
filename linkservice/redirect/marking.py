"""The answer to “don't count this browser”: a page that says so, and the one cookie there is.

Slow lane: imported when the first member asks. Not here: which links may ask for it, and what
the cookie is (`clicks/own`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from linkservice.clicks.own import Deed, cookie, deed_of, mark_query
from linkservice.config import Settings
from linkservice.redirect import pages
from linkservice.redirect.answers import Answer
from linkservice.redirect.hosts import DomainRule

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PRIVACY_PAGE = "/app/settings/privacy"
"""In the app: where such links are handed out."""

_KINDS: dict[Deed | None, pages.MarkKind] = {"on": "own_on", "off": "own_off", None: "own_late"}


def answer(
    settings: Settings, environ: WSGIEnvironment, domain: DomainRule, now: datetime
) -> Answer:
    """Mark the browser or take the mark off, as the signed link says; else change nothing."""
    deed = deed_of(settings, environ.get("QUERY_STRING", ""), domain.id, now)
    undo = f"?{mark_query(settings, domain.id, 'off', now)}" if deed == "on" else ""
    page = pages.show_mark(
        _KINDS[deed],
        domain.brand,
        environ.get("HTTP_ACCEPT_LANGUAGE", ""),
        host=domain.host,
        undo=undo,
        back=settings.base_url + PRIVACY_PAGE,
    )
    if deed is None:
        return page
    marked = ("Set-Cookie", cookie(settings, domain.host, deed))
    return Answer(page.status, (*page.headers, marked), page.body)
