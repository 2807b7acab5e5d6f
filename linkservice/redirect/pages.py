"""The pages customers see instead of a redirect. Slow lane: imported when the first is shown.

Decided here: what they say, in which language, and the headers that keep them harmless. Not
here: when one is shown (`app`), how they look (`templates/redirect`).

Nothing of a request is shown but the destination on a preview, and a page without it is made
once per workspace and language: whoever tries slugs costs little.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from linkservice.bundled import bundled
from linkservice.colour import ink_on, readable_on
from linkservice.redirect.answers import Answer
from linkservice.redirect.hosts import Brand

Kind = Literal["not_found", "paused", "expired", "unavailable", "root", "preview"]
MarkKind = Literal["own_on", "own_off", "own_late"]
"""What a member is shown who asked that this browser be counted, or not (`marking`)."""

RETRY_AFTER_SECONDS = 5

PAPER_LIGHT, PAPER_DARK = "#fafafa", "#131416"
"""The grounds of the two colour schemes."""

LONGEST_HEADER = 1000
"""Characters of Accept-Language that are read."""

_STATUS: dict[Kind | MarkKind, str] = {
    "not_found": "404 Not Found",
    "paused": "410 Gone",
    "expired": "410 Gone",
    "unavailable": "503 Service Unavailable",
    "root": "200 OK",
    "preview": "200 OK",
    "own_on": "200 OK",
    "own_off": "200 OK",
    "own_late": "410 Gone",
}

_NEUTRAL = Brand("", "en", "#4b5563", None, None)
"""Shown while the database has not told us yet whose host it is."""

_TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "not_found.title": "There is no link here",
        "not_found.text": "Please check the spelling of the address, or scan the code again.",
        "paused.title": "This link is no longer active",
        "paused.text": "It led somewhere once and has been switched off.",
        "expired.title": "This link has expired",
        "expired.text": "It was valid for a limited time, and that time is over.",
        "unavailable.title": "One moment, please",
        "unavailable.text": "The link cannot be opened right now. "
        "Please try again in a few seconds.",
        "unavailable.action": "Try again",
        "root.title": "Short links",
        "root.text": "Short links begin at this address. To follow one, "
        "enter it in full or scan its code.",
        "preview.title": "Preview",
        "preview.leads_to": "This link leads to",
        "preview.whole": "The whole address",
        "preview.text": "You are seeing a preview. Looking at it is not counted as a click.",
        "preview.action": "Open the page",
        "own_on.title": "This browser is not counted on {host}",
        "own_on.text": "What you open there appears in the reports under “own visits”. It stays "
        "so for 400 days, or until you delete the cookies of this host or take it back.",
        "own_off.title": "This browser is counted on {host}",
        "own_off.text": "What you open there counts as a click again, as it does for everybody.",
        "own_late.title": "This link no longer works",
        "own_late.text": "It works for ten minutes and on one host only. Nothing was changed; "
        "get a new one in linkservice, under “Privacy”.",
        "own.undo": "Count this browser again",
        "own.back": "Back to linkservice",
        "imprint": "Imprint",
        "privacy": "Privacy notice",
    },
    "de": {
        "not_found.title": "Hier gibt es keinen Link",
        "not_found.text": "Bitte prüfen Sie die Schreibweise der Adresse, "
        "oder scannen Sie den Code noch einmal.",
        "paused.title": "Dieser Link ist nicht mehr aktiv",
        "paused.text": "Er hat einmal ans Ziel geführt und wurde abgeschaltet.",
        "expired.title": "Dieser Link ist abgelaufen",
        "expired.text": "Er galt für begrenzte Zeit, und diese Zeit ist vorbei.",
        "unavailable.title": "Einen Moment bitte",
        "unavailable.text": "Der Link lässt sich gerade nicht öffnen. "
        "Bitte versuchen Sie es in einigen Sekunden noch einmal.",
        "unavailable.action": "Noch einmal versuchen",
        "root.title": "Kurz-URLs",
        "root.text": "Unter dieser Adresse beginnen Kurz-URLs. Um einer zu folgen, "
        "geben Sie sie vollständig ein oder scannen Sie ihren Code.",
        "preview.title": "Vorschau",
        "preview.leads_to": "Dieser Link führt zu",
        "preview.whole": "Die vollständige Adresse",
        "preview.text": "Sie sehen eine Vorschau. Sie zählt nicht als Klick.",
        "preview.action": "Seite öffnen",
        "own_on.title": "Dieser Browser wird auf {host} nicht gezählt",
        "own_on.text": "Was Sie dort aufrufen, steht in den Berichten unter „Eigene Besuche“. "
        "Das gilt 400 Tage lang, oder bis Sie die Cookies dieser Adresse löschen oder es "
        "zurücknehmen.",
        "own_off.title": "Dieser Browser wird auf {host} gezählt",
        "own_off.text": "Was Sie dort aufrufen, zählt wieder als Klick, wie bei allen anderen.",
        "own_late.title": "Dieser Link gilt nicht mehr",
        "own_late.text": "Er gilt zehn Minuten lang und nur für eine Domain. Es wurde nichts "
        "geändert; einen neuen erhalten Sie in linkservice unter „Datenschutz“.",
        "own.undo": "Diesen Browser wieder zählen",
        "own.back": "Zurück zu linkservice",
        "imprint": "Impressum",
        "privacy": "Datenschutz",
    },
}

_templates = Environment(
    loader=FileSystemLoader(bundled("templates") / "redirect"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def show(kind: Kind, brand: Brand | None, accept_language: str, location: str = "") -> Answer:
    """The page of that kind, in the brand's colours and the visitor's language.

    `brand` is None while it is unknown; `location` is where a previewed link leads.
    """
    brand = brand or _NEUTRAL
    language = _language(accept_language[:LONGEST_HEADER], brand.locale)
    if kind == "preview":
        host = urlsplit(location).netloc
        return _made(kind, brand, language, "preview.html", location=location, host=host)
    return _kept(kind, brand, language)


def show_mark(
    kind: MarkKind, brand: Brand, accept_language: str, *, host: str, undo: str, back: str
) -> Answer:
    """The page for a member who opened a signed link; `undo` is the link that takes it back."""
    language = _language(accept_language, brand.locale)
    return _made(kind, brand, language, "own.html", host=host, undo=undo, back=back)


@lru_cache(maxsize=1024)
def _kept(kind: Kind, brand: Brand, language: str) -> Answer:
    return _made(kind, brand, language, "message.html")


def _made(
    kind: Kind | MarkKind, brand: Brand, language: str, template: str, **facts: str
) -> Answer:
    style = _style(brand.colour)
    texts = {
        name: text.replace("{host}", facts.get("host", ""))
        for name, text in _TEXTS[language].items()
    }
    page = _templates.get_template(template)
    body = page.render(
        kind=kind, brand=brand, language=language, texts=texts, style=style, **facts
    ).encode()
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Content-Language", language),
        ("Content-Security-Policy", _policy(style)),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Robots-Tag", "noindex"),
        ("Cache-Control", "private, no-store"),
    ]
    if kind == "unavailable":
        headers.append(("Retry-After", str(RETRY_AFTER_SECONDS)))
    return Answer(_STATUS[kind], tuple(headers), body)


@lru_cache(maxsize=256)
def _style(colour: str) -> str:
    """The style sheet for a brand colour, readable in both colour schemes."""
    return _templates.get_template("style.css").render(
        brand=colour,
        ink=ink_on(colour),
        light=PAPER_LIGHT,
        dark=PAPER_DARK,
        brand_on_light=readable_on(colour, PAPER_LIGHT),
        brand_on_dark=readable_on(colour, PAPER_DARK),
    )


def _policy(style: str) -> str:
    """Nothing may be loaded, run, framed or sent; the one style sheet is named by its hash."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@lru_cache(maxsize=1024)
def _language(accept_language: str, fallback: str) -> str:
    """The language of ours that the visitor likes best (RFC 9110, section 12.5.4)."""
    best, best_weight = fallback, 0.0
    for part in accept_language.split(","):
        tag, _, parameter = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if language in _TEXTS and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name == "q" else 0.0
    except ValueError:
        return 0.0
