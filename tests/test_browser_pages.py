"""Every page in a real browser: accessible, quiet, light, from one host, at any width."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from belongings import pages
from browser import DESKTOP, PHONE, Site, Window, axe, window
from evidence import Trial
from pages import Markup
from people import Browser as Visitor
from playwright.sync_api import Browser

from linkservice.web.door import PUBLIC, Declared

COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What another colour scheme can change."""

TABLET = {"width": 768, "height": 1024}

HEAVIEST = 100_000
"""Bytes of a page with its style sheet, script and pictures, packed."""


def shown_pages(site: Site) -> Iterator[tuple[Declared, str]]:
    """Every page that is looked at (not files, not what scripts ask), with its path."""
    for declared in pages("GET"):
        path = site.world.path(declared, site.world.adas)
        answer = visitor(site, declared).get(path)
        answer.get_data()
        download = "attachment" in answer.headers.get("Content-Disposition", "")
        if answer.mimetype == "text/html" and not download and answer.status_code == 200:
            yield declared, f"/app{path}"


def visitor(site: Site, declared: Declared) -> Visitor:
    return site.world.stranger if declared.scope is PUBLIC else site.world.ada


def look(window: Window, path: str, scheme: str, whole: bool) -> list[str]:
    """Open a page in one scheme, then, if `whole`, show it in the other, then narrower."""
    page = window.page
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme=scheme)
    status = window.open(path)
    wrong = [] if status == 200 else [str(status)]
    # To look for turned pages it loads the one style sheet again, which all pages have.
    wrong += axe(page, preload=whole)
    if whole:
        page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
        wrong += [f"in the other scheme: {each}" for each in axe(page, **COLOURS)]
    wrong += [f"looks as if it did nothing: {each}" for each in plain_summaries(window)]
    for size in (TABLET, PHONE):
        page.set_viewport_size(size)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > size["width"]:
            wrong.append(f"{width} px wide on {size['width']}: {too_wide(window)}")
        wrong += [f"broken on {size['width']} px: {each}" for each in broken_intervals(window)]
    wrong += [f"out of sight on a phone: {each}" for each in out_of_sight(window)]
    wrong += window.troubles
    window.troubles.clear()
    return [f"{path}: {each}" for each in wrong]


def too_wide(window: Window) -> str:
    """The elements that reach out of a narrow window, but for what scrolls by itself."""
    return str(
        window.page.evaluate(
            """() => [...document.body.querySelectorAll("*")]
              .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
              .filter((each) => {
                for (let box = each.parentElement; box; box = box.parentElement)
                  if (box !== document.body && getComputedStyle(box).overflowX !== "visible")
                    return false;
                return true;
              })
              .slice(0, 5).map((each) => each.outerHTML.slice(0, 120))"""
        )
    )


def broken_intervals(window: Window) -> list[str]:
    """Intervals ("36–47") whose ends stand on two lines."""
    found: list[str] = window.page.evaluate(
        """() => {
          const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const broken = [], range = new Range();
          for (let text; text = texts.nextNode(); )
            for (const { 0: interval, index } of text.data.matchAll(/\\d[^ \\n]*–[^ \\n]*\\d/g)) {
              range.setStart(text, index);
              range.setEnd(text, index + interval.length);
              const tops = [...range.getClientRects()].map((each) => Math.round(each.top));
              if (new Set(tops).size > 1) broken.push(interval);
            }
          return broken;
        }"""
    )
    return found


def plain_summaries(window: Window) -> list[str]:
    """What unfolds something, but has no mark, line or frame that tells so."""
    found: list[str] = window.page.evaluate(
        """() => [...document.querySelectorAll("summary")]
          .filter((each) => each.checkVisibility())
          .filter((each) => {
            const { textDecorationLine, borderTopWidth } = getComputedStyle(each);
            const mark = each.querySelector("svg, img") ??
              ["normal", "none"].every((no) => getComputedStyle(each, "::before").content !== no);
            return !mark && textDecorationLine === "none" && borderTopWidth === "0px";
          })
          .map((each) => each.innerText)"""
    )
    return found


def out_of_sight(window: Window) -> list[str]:
    """What is chosen in a strip of pages or choices, and would have to be looked for."""
    found: list[str] = window.page.evaluate(
        """() => [...document.querySelectorAll(":is(.subnav, .segment) [aria-current]")]
          .filter((each) => each.checkVisibility())
          .filter((each) => {
            const { left, right } = each.getBoundingClientRect();
            return left < 0 || right > innerWidth;
          })
          .map((each) => each.textContent)"""
    )
    return found


@pytest.mark.wide
@pytest.mark.parametrize(("nth", "language", "scheme"), [(0, "en", "light"), (1, "de", "dark")])
def test_every_page_is_accessible_quiet_and_fits(
    chromium: Browser, site: Site, trial: Trial, nth: int, language: str, scheme: str
) -> None:
    """axe finds nothing; no error, no refusal of the policy, no foreign host, nothing wider than
    a phone.

    Every other page is opened in German and dark; `make soak` opens all of them both ways, and
    looks at the colours of the other scheme as well.
    """
    wrong: list[str] = []
    languages = set()
    targets = list(shown_pages(site))
    assert len(targets) > 20
    targets = targets if trial.soak else targets[nth::2]
    for public in (False, True):
        token = "" if public else site.world.ada.cookie
        with window(chromium, site.address, token, language) as opened:
            for declared, path in targets:
                if (declared.scope is PUBLIC) == public:
                    wrong += look(opened, path, scheme, trial.soak)
                    languages.add(opened.page.get_attribute("html", "lang"))
            wrong += [f"asked {url}" for url in opened.foreign()]
    assert not wrong, "\n".join(wrong)
    assert languages == {language}


def test_every_page_is_light(site: Site) -> None:
    """With all it loads, as a browser gets it the first time."""
    heavy = []
    for declared, path in shown_pages(site):
        client = visitor(site, declared).client
        text = client.get(path).text
        parts = {path: len(gzip.compress(text.encode()))}
        for tag, given in Markup(text).elements:
            place = given.get("src") or (given.get("href", "") if tag == "link" else "")
            if place.startswith("/"):
                answer = client.get(place, headers={"Accept-Encoding": "gzip"})
                assert answer.status_code == 200, place
                parts[place] = len(answer.get_data())
        if sum(parts.values()) > HEAVIEST:
            heavy.append(f"{path}: {parts}")
    assert not heavy, "\n".join(heavy)
