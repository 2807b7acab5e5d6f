"""Whatever is typed into any field or address: no server error, nothing of it becomes markup.

The fields are those the pages show and those their views ask for, so a new one is tried too.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest
from belongings import Noted, World, everything, kinds_in, pages
from pages import FoundForm, Map, Markup, explore, filled, place_of, send
from people import Browser
from werkzeug.test import TestResponse

from linkservice.web.door import PUBLIC, Declared
from linkservice.web.guard import form_token

world = pytest.fixture(everything)

PRODUCT = "62710561"
"""What `7919*7919` comes to, if anybody computes it."""

SCRIPT = "<script>alert(7919)</script>"
PICTURE = "\"'><img src=x onerror=alert(7919)>"
COMPUTED = "{{7919*7919}}${7919*7919}#{7919*7919}{%print(7919*7919)%}"

HOSTILE: dict[str, str | bytes] = {
    "a script": SCRIPT,
    "a picture that breaks out of an attribute": PICTURE,
    "a comment and a closing tag": "--></title></textarea></select><svg/onload=alert(7919)>",
    "an address that is a script": "javascript:alert(7919)//https://example.com/",
    "a template": COMPUTED,
    "formats": "%s %(x)s %n {0} {x} {0.__class__} %%",
    "SQL": "'; DROP TABLE links; -- \" OR 1=1",
    "NUL": "a\0b",
    "half a character": b"a\xed\xa0\x80b",
    "bytes of no text": b"\xff\xfe\x80\xc0\xaf",
    "a text that runs backwards": "\u202egpj.exe\u2066\u200b\ufeff",
    "emoji and composed letters": "👩‍👩‍👧‍👦 é́́ ǆ ﷽ \U0010ffff",
    "control characters": "a\r\nX-Evil: 1\x0b\x1b[31m\x7f\u2028",
    "a very long text": "ä" * 10_000,
    "a negative number": "-1",
    "a huge number": "9" * 400,
    "a number beyond 64 bits": str(2**63),
    "a number that is none": "NaN",
    "an infinite number": "1e999",
    "other digits": "١٢٣",
    "a path": "../../../../etc/passwd",
    "a formula": "=cmd|'/c calc'!A0",
    "another formula": "@SUM(1+1)*cmd",
    "an impossible day": "2026-02-31",
    "a day before all time": "0001-01-01",
    "a day after all time": "9999-12-31",
    "nothing": "",
    "blanks": " \t \u00a0 ",
    "brackets": "[]{}()<>\\|^~`",
}
EVERYTHING = f"{PICTURE}{SCRIPT}{COMPUTED}%s%(x)s{{0}}';--\u202e"
"""What is dangerous as text, in a name short enough to be kept."""

SEVERAL = ("a script", "NUL", "half a character", "a number beyond 64 bits", "a very long text")
"""For what is tried one field at a time."""


def encoded(pairs: Iterable[tuple[str, str | bytes]]) -> bytes:
    """As a browser would send it, if it sent such bytes."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()


def post(
    browser: Browser, place: str, pairs: Iterable[tuple[str, str | bytes]]
) -> TestResponse:
    """Send bytes as they are, with the token they need."""
    token = form_token(browser.settings, browser._cookie)
    return browser.client.post(
        f"/app{place}",
        data=encoded([*pairs, ("csrf", token)]),
        content_type="application/x-www-form-urlencoded",
    )


def harm(answer: TestResponse) -> Iterator[str]:
    """What an answer does that no answer may."""
    if answer.status_code >= 500:
        yield str(answer.status_code)
    if "X-Evil" in answer.headers:
        yield "a header of their own"
    if answer.mimetype != "text/html":
        return
    text = answer.text
    if PRODUCT in text or PRODUCT in str(answer.headers):
        yield "computes what was typed"
    for raw in (SCRIPT, "<img src=x", "<svg/onload"):
        if raw in text:
            yield f"unescaped {raw}"
    for tag, given in Markup(text).elements:
        for name, value in given.items():
            if name.startswith("on"):
                yield f"a handler: <{tag} {name}>"
            bare = re.sub(r"[\s\x00-\x1f]", "", value).lower()
            if name in ("href", "src", "action", "formaction") and bare.startswith("javascript:"):
                yield f"a script as {name} of <{tag}>"


def at_once(form: FoundForm, value: str | bytes) -> list[tuple[str, str | bytes]]:
    return [(name, value) for name in form.names]


def one_by_one(
    form: FoundForm, good: Sequence[tuple[str, str]], values: Iterable[str | bytes]
) -> Iterator[list[tuple[str, str | bytes]]]:
    """The form as it should be, but for one field."""
    for name in form.names:
        for value in values:
            rest: list[tuple[str, str | bytes]] = [pair for pair in good if pair[0] != name]
            yield [*rest, (name, value)]


def everybody_who(world: World, declared: Declared) -> Browser:
    return world.stranger if declared.scope is PUBLIC else world.another_browser_of_ada()


def form_of(found: Map, declared: Declared) -> FoundForm:
    """The fields a page shows and those its view asked for when it was tried."""
    return found.form(declared.name)


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_field_of_any_form_does_harm(world: World, kind: str, engine_name: str) -> None:
    found = explore(world, world.ada, world.adas)
    wrong = []
    for declared in pages("POST"):
        browser = everybody_who(world, declared)
        form = form_of(found, declared)
        answer = post(browser, world.path(declared, world.adas), at_once(form, HOSTILE[kind]))
        wrong += [f"{declared.path}: {each}" for each in harm(answer)]
    assert not wrong, "\n".join(wrong)
