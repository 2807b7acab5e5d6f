"""Every text a person reads is there in German as well, and none stands bare in a template."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from linkservice.bundled import bundled
from linkservice.web.i18n import TRANSLATIONS
from linkservice.wording import SENTENCES

WEB = Path(TRANSLATIONS).parent
TEMPLATES = sorted((bundled("templates") / "web").rglob("*.html"))
AREAS = sorted((TRANSLATIONS / "de").glob("*.po"))
KEYWORDS = ["_", "gettext", "N_", "ngettext"]

ATTRIBUTES = {"placeholder", "title", "alt", "aria-label", "aria-description", "label"}
"""Attributes whose value people read or hear."""

SAME_IN_ALL = re.compile(
    r"linkservice|https?://\S+|example\.com|CSV|PDF|PNG|SVG|ZIP|#[0-9a-f]{6}|[A-Z]|\d+|ms|mm"
)
"""What may stand bare in a template: it reads alike in every language."""

Messages = dict[str, str | None]
"""English text, with its plural form where it has one."""


def said(found: object) -> tuple[str, str | None]:
    """The text and its plural; "" for what is only known when the page is shown."""
    if isinstance(found, tuple | list):
        one, many, *_ = (*found, None)
        return one or "", many
    return str(found or ""), None


@cache
def used() -> Messages:
    """Every text that code and templates show."""
    messages: Messages = dict.fromkeys(SENTENCES.values())
    options = {"extensions": "jinja2.ext.i18n", "newstyle_gettext": "true"}
    for path in TEMPLATES:
        with path.open("rb") as file:
            for _, _, found, _ in babel_extract(file, KEYWORDS, [], options):
                one, many = said(found)
                messages[one] = many
    for path in sorted(WEB.rglob("*.py")):
        with path.open("rb") as file:
            for _, _, found, _ in extract_python(file, KEYWORDS, [], {}):
                one, many = said(found)
                messages[one] = many
    return {one: many for one, many in messages.items() if one}


@cache
def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="de")


def translations() -> Iterator[tuple[Path, str, str | None, str | tuple[str, ...]]]:
    for path in AREAS:
        for message in catalogue(path):
            if message.id:
                one, many = said(message.id)
                yield path, one, many, message.string


def test_every_text_is_translated() -> None:
    known = {one for _, one, _, string in translations() if all(said(string)[:1]) and string}
    assert sorted(set(used()) - known) == []


def test_no_translation_is_left_over() -> None:
    spare = {f"{path.name}: {one}" for path, one, _, _ in translations() if one not in used()}
    assert sorted(spare) == []


def test_no_text_is_translated_twice() -> None:
    seen: dict[str, str] = {}
    twice = []
    for path, one, _, _ in translations():
        if one in seen:
            twice.append(f"{path.name} and {seen[one]}: {one}")
        seen[one] = path.name
    assert twice == []


def test_translations_have_the_facts_of_their_text() -> None:
    def facts(text: str | None) -> set[str]:
        return set(re.findall(r"%\(\w+\)s|\{\w+\}", text or ""))

    wrong = []
    for path, one, many, string in translations():
        forms = string if isinstance(string, tuple | list) else [string]
        known = facts(one) | facts(many)
        wrong += [f"{path.name}: {form}" for form in forms if not facts(form) <= known]
        if one not in SENTENCES.values():
            # What `%` does with it when the page is shown: it raises for a lone %.
            for form in forms:
                assert form % dict.fromkeys(re.findall(r"%\((\w+)\)s", f"{one}{many}"), "x")
    assert wrong == []


def test_plural_texts_have_both_forms() -> None:
    wrong = []
    for one, many in used().items():
        if many is None:
            continue
        forms = [s for _, o, m, s in translations() if o == one and m == many]
        if not forms or not all(isinstance(s, tuple | list) and all(s) for s in forms):
            wrong.append(one)
    assert wrong == []


class _Bare(HTMLParser):
    """Collects what a person would read or hear of a template without its expressions."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "code", "kbd"):
            self._silent += 1
        self.found += [value for name, value in attributes if name in ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "code", "kbd"):
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)


def bare_texts(path: Path) -> list[str]:
    """Words that stand in the template itself instead of coming from `_()`."""
    environment = jinja2.Environment(extensions=["jinja2.ext.i18n"])
    parts, silent, tag = [], False, ""
    for _, kind, text in environment.lex(path.read_text("utf-8")):
        if kind == "data" and not silent:
            parts.append(text)
        elif kind in ("variable_begin", "block_begin"):
            parts.append("\N{OBJECT REPLACEMENT CHARACTER}")
            tag = kind
        elif kind == "name" and tag == "block_begin":
            silent = text == "trans" or (silent and text not in ("endtrans", "endblock"))
            tag = "block" if text == "block" else ""
        elif kind == "name" and tag == "block":
            # A block of this name holds the name of a class.
            silent, tag = text == "width", ""
    parser = _Bare()
    parser.feed("".join(parts))
    words = (
        re.sub(r"\s+", " ", text).strip(" \N{OBJECT REPLACEMENT CHARACTER}")
        for text in parser.found
    )
    return [
        text
        for text in words
        if '="' not in text and re.search(r"[^\W\d_]{2,}", SAME_IN_ALL.sub("", text))
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_text_stands_bare_in_a_template(path: Path) -> None:
    assert bare_texts(path) == []


def test_a_bare_text_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<p title="Look">{{ name }} has {% trans %}news{% endtrans %}</p>{{ _("Fine") }}'
    )
    assert bare_texts(page) == ["Look", "has"]


def test_views_show_no_text_that_is_not_translated() -> None:
    """Toasts are the texts that views themselves speak."""
    bare = []
    for path in sorted((WEB / "views").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "toast":
                value = node.value
                if isinstance(value, ast.Constant | ast.JoinedStr) and ast.literal_eval(
                    value or ""
                ):
                    bare.append(f"{path.name}:{value.lineno}")
    assert bare == []
