"""On paper: whose report it is, which days, how it was counted, and the number of each page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from browser import Site, own_site, window
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def site(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with own_site(migrated, tmp_path_factory.mktemp("print")) as site:
        yield site


def printed(chromium: Browser, site: Site, path: str, token: str) -> tuple[list[str], set[int]]:
    """The words of each page, and how wide and high the pages are, in millimetres."""
    with window(chromium, site.address, token, "en") as opened:
        assert opened.open(path) == 200
        data = opened.page.pdf(prefer_css_page_size=True)
    file = pypdfium2.PdfDocument(data)
    pages = [page.get_textpage().get_text_bounded() for page in file]
    sizes = {round(side / 72 * 25.4) for page in file for side in page.get_size()}
    return [" ".join(text.split()) for text in pages], sizes


@pytest.mark.parametrize("about", ["ranking", "journey", "touchpoint", "link", "shared"])
def test_a_report_stands_for_itself_on_paper(chromium: Browser, site: Site, about: str) -> None:
    ids = site.world.adas.ids
    path = {
        "ranking": "/app/reports",
        "journey": f"/app/reports/journeys/{ids['journeys']}",
        "touchpoint": f"/app/reports/touchpoints/{ids['touchpoints']}",
        "link": f"/app/reports/links/{ids['links']}",
        "shared": f"/app/shared/{site.world.tokens['shared']}",
    }[about]
    token = "" if about == "shared" else site.world.ada.cookie
    pages, sizes = printed(chromium, site, path, token)
    whole = " ".join(pages)
    assert sizes == {210, 297}
    assert "ADASECRET workspace" in pages[0]
    assert "How was this counted?" in whole
    assert "both days included" in whole
    assert "Europe/Berlin" in whole
    for number, text in enumerate(pages, 1):
        assert f"{number} / {len(pages)}" in text
    # What can only be clicked is not there.
    for words in ("Download", "Share report", "Deutsch", "Settings"):
        assert words not in whole, words


def test_a_sign_of_the_overview_names_its_touchpoint_on_paper(
    chromium: Browser, site: Site
) -> None:
    """On the screen it has room for the sign alone; on paper nobody can point at it."""
    with window(chromium, site.address, site.world.ada.cookie, "de") as opened:
        assert opened.open("/app/") == 200
        names = opened.page.locator(".strip-name")
        assert names.count()
        assert not names.first.is_visible()
        opened.page.emulate_media(media="print")
        for name in names.all():
            assert name.is_visible()
        wraps = opened.page.eval_on_selector_all(
            ".strip-stage h3, .strip-name",
            "all => all.map(each => getComputedStyle(each).overflowWrap)",
        )
        assert set(wraps) == {"break-word"}


def test_how_it_was_counted_leaves_no_line_for_a_last_page(chromium: Browser, site: Site) -> None:
    """It moves on as a whole, with its heading."""
    path = f"/app/reports/journeys/{site.world.adas.ids['journeys']}"
    pages, _ = printed(chromium, site, path, site.world.ada.cookie)
    (there,) = [text for text in pages if "How was this counted?" in text]
    assert "Europe/Berlin" in there


def test_all_that_changed_is_on_paper(chromium: Browser, site: Site) -> None:
    """Also what has to be opened on the screen; of lists of values only their first."""
    with window(chromium, site.address, site.world.ada.cookie, "en") as opened:
        assert opened.open("/app/") == 200
        opened.page.evaluate(
            """for (const [name, words] of [["facet-more on-paper", "SEVENTH"],
                ["facet-more", "RARE"]])
              document.querySelector("main").insertAdjacentHTML("beforeend",
                `<details class="${name}"><summary>MORE</summary><p>${words}</p></details>`)"""
        )
        file = pypdfium2.PdfDocument(opened.page.pdf(prefer_css_page_size=True))
    whole = " ".join(page.get_textpage().get_text_bounded() for page in file)
    assert "SEVENTH" in whole
    assert "MORE" not in whole
    assert "RARE" not in whole
    template = (Path(__file__).parents[1] / "templates/web/reports/_overview.html").read_text()
    assert 'class="facet-more on-paper"' in template
