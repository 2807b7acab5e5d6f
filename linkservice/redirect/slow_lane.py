"""What of a request's story may take a while: pages for people, and what asks the database.

A step of it is a `Later`: called by a thread that may wait, it finds the answer. The pages'
templates are imported when the first one is shown. Not here: what the pages say (`pages`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from linkservice.config import Settings
from linkservice.redirect import answers
from linkservice.redirect.answers import Answer, Headers
from linkservice.redirect.hosts import Brand, DomainRule
from linkservice.redirect.recorder import Entries

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from linkservice.redirect.pages import Kind

Found: TypeAlias = tuple[str, Headers, bytes]
"""An `Answer`, with or without its name."""

Later: TypeAlias = Callable[[Entries], Found]
"""Finds the answer, and adds what is to be recorded to the entries."""

LANGUAGES_KEPT, LONGEST_LANGUAGE = 200, 200
"""Accept-Language headers, and characters of one, by which a page is kept."""


def page(
    kind: Kind, environ: WSGIEnvironment, domain: DomainRule | None, location: str = ""
) -> Later:
    """A page for a person."""
    brand = domain.brand if domain else None
    return partial(_shown, kind, brand, environ.get("HTTP_ACCEPT_LANGUAGE", ""), location)


def not_found(environ: WSGIEnvironment, domain: DomainRule) -> Found | Later:
    """For a slug nobody has: the domain's page for that, or ours, which is kept for those who
    try slugs by the thousand."""
    if domain.not_found_redirect:
        return answers.redirect(domain.not_found_redirect)
    language = environ.get("HTTP_ACCEPT_LANGUAGE", "")
    return domain.not_found.get(language) or partial(_no_such_link, domain, language)


def mark(settings: Settings, environ: WSGIEnvironment, domain: DomainRule) -> Later:
    """A member asks that this browser be counted, or not."""
    return partial(_marked, settings, environ.copy(), domain)


def _shown(
    kind: Kind, brand: Brand | None, accept_language: str, location: str, entries: Entries
) -> Answer:
    from linkservice.redirect import pages

    return pages.show(kind, brand, accept_language, location)


def _no_such_link(domain: DomainRule, language: str, entries: Entries) -> Answer:
    page = _shown("not_found", domain.brand, language, "", entries)
    if len(domain.not_found) < LANGUAGES_KEPT and len(language) <= LONGEST_LANGUAGE:
        domain.not_found[language] = page
    return page


def _marked(
    settings: Settings, environ: WSGIEnvironment, domain: DomainRule, entries: Entries
) -> Answer:
    from linkservice.redirect import marking

    return marking.answer(settings, environ, domain, datetime.now(UTC))
