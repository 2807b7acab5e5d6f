"""The pages customers see: their words, colours and headers, and that they reflect nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from cast import NOW, Home, make_link, owner_of
from hypothesis import given
from hypothesis import strategies as st
from linkport import Reply, ask

from linkservice.colour import READABLE, contrast, ink_on, readable_on
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.manage import NewLink, change_link, create_link
from linkservice.redirect import pages
from linkservice.redirect.app import LinkDoor, make_application
from linkservice.redirect.hosts import Brand
from linkservice.workspaces.accounts import change_workspace

BRAND = Brand("Müller & Söhne <b>", "de", "#0b5fff", None, None)
COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    return owner_of(database, settings)


@pytest.fixture
def door(database: Database, settings: Settings, ada: Home) -> Iterator[LinkDoor]:
    with database.transaction() as session:
        change_workspace(
            session,
            ada.actor,
            {
                "name": "Müller & Söhne <b>",
                "brand_colour": "#ffd400",
                "imprint_url": "https://ada.example/impressum",
                "privacy_url": 'https://ada.example/?"><script>',
            },
            NOW,
        )
        paused = make_link(session, settings, ada, "paused").id
        change_link(session, ada.actor, settings, str(paused), {"active": False}, NOW)
        new = NewLink(
            "https://shop.example.com/<b>?a=1&b=\"><script>x</script>'",
            slug="sommer",
            forward_query=True,
        )
        create_link(session, ada.actor, settings, new, NOW)
    door = make_application(settings)
    yield door
    door.close()


class Outline(HTMLParser):
    """The elements of a page, their attributes and text."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(reply.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())

    def links(self) -> list[str | None]:
        return [attributes.get("href") for tag, attributes in self.tags if tag == "a"]


def test_every_page_is_harmless(door: LinkDoor) -> None:
    for path in ("/unknown", "/paused", "/", "/sommer+"):
        reply = ask(door, path)
        policy = reply.headers["Content-Security-Policy"]
        (style,) = re.findall(r"<style>(.*?)</style>", reply.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
        assert "frame-ancestors 'none'" in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "private, no-store"
        assert reply.headers["X-Robots-Tag"] == "noindex"
        tags = {tag for tag, _ in Outline(reply).tags}
        assert not tags & {"script", "link", "img", "iframe", "form", "b"}
        assert not any("style" in attributes for _, attributes in Outline(reply).tags)


def test_a_page_carries_the_workspaces_name_colour_and_notices(door: LinkDoor) -> None:
    reply = ask(door, "/unknown")
    page = Outline(reply)
    assert "Müller & Söhne <b>" in page.words
    assert "#ffd400" in reply.text
    assert page.links() == ["https://ada.example/impressum", 'https://ada.example/?"><script>']
    assert {"Impressum", "Datenschutz"} <= set(page.words)


def test_a_page_without_notices_links_nowhere() -> None:
    for kind in ("not_found", "paused", "expired", "root"):
        assert b"<a " not in pages.show(kind, BRAND, "").body


def test_a_preview_shows_where_a_link_leads(door: LinkDoor) -> None:
    reply = ask(door, "/sommer+", QUERY_STRING='x="><img src=y>')
    page = Outline(reply)
    (shown,) = [word for word in page.words if word.startswith("https://")]
    assert shown.startswith("https://shop.example.com/%3Cb%3E?a=1&b=")
    assert shown.endswith("&x=%22%3E%3Cimg%20src=y%3E")
    assert "shop.example.com" in page.words
    (button,) = [each for tag, each in page.tags if tag == "a" and each.get("class") == "action"]
    assert (button["href"], button["rel"]) == (shown, "noreferrer")


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "de"),
        ("en-GB,en;q=0.9", "en"),
        ("de;q=0.4, en;q=0.8", "en"),
        ("fr, de;q=0.5, en;q=0.5", "de"),
        ("fr-CH, it", "de"),
        ("EN", "en"),
        ("en;q=0", "de"),
        ("en;q=nonsense", "de"),
        ("en;q=nan", "de"),
        ("\0;;=,,q=", "de"),
        ("x" * 100_000 + ",en", "de"),
    ],
)
def test_a_page_speaks_the_visitors_language_else_the_workspaces(
    accept: str, language: str
) -> None:
    answer = pages.show("not_found", BRAND, accept)
    assert dict(answer.headers)["Content-Language"] == language
    assert f'<html lang="{language}">'.encode() in answer.body


def test_each_kind_has_its_status_and_its_words_in_both_languages() -> None:
    seen = set()
    for language in ("de", "en"):
        for kind in pages.Kind.__args__:  # type: ignore[attr-defined]  # a Literal's values
            answer = pages.show(kind, BRAND, language, "https://example.com/")
            assert answer.status[:3] in ("200", "404", "410", "503")
            assert ("Retry-After" in dict(answer.headers)) is (kind == "unavailable")
            seen.add(re.findall(rb"<title>.*?</title>", answer.body)[0])
    assert len(seen) == 2 * len(pages.Kind.__args__)  # type: ignore[attr-defined]  # as above


def test_while_nothing_is_known_the_page_is_neutral() -> None:
    answer = pages.show("unavailable", None, "de")
    assert "Einen Moment bitte" in answer.body.decode()


@given(COLOURS)
def test_text_is_readable_whatever_the_brand_colour(colour: str) -> None:
    style = pages._style(colour)
    assert contrast(ink_on(colour), colour) >= READABLE
    for paper in (pages.PAPER_LIGHT, pages.PAPER_DARK):
        tone = readable_on(colour, paper)
        assert contrast(tone, paper) >= READABLE
        assert f"--brand-text: {tone}" in style


def test_a_readable_colour_stays_as_it_is() -> None:
    assert readable_on("#0b5fff", "#ffffff") == "#0b5fff"
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
