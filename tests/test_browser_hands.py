"""What hands do: keys, menus, questions, undoing; with scripts and, where it must, without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import PHONE, Site, Window, axe, own_site, window
from playwright.sync_api import Browser, expect


@pytest.fixture(scope="module")
def site(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """These tests change things."""
    with own_site(migrated, tmp_path_factory.mktemp("hands")) as site:
        yield site


@pytest.fixture
def opened(chromium: Browser, site: Site) -> Iterator[Window]:
    """Ada's window."""
    with window(chromium, site.address, site.world.ada.cookie) as opened:
        yield opened
        assert opened.troubles == []
        assert opened.foreign() == []


@pytest.fixture
def without_scripts(chromium: Browser, site: Site) -> Iterator[Window]:
    """Ada's window in a browser that runs no scripts."""
    token = site.world.ada.cookie
    with window(chromium, site.address, token, java_script_enabled=False) as opened:
        yield opened


def link_of(site: Site) -> str:
    return f"/app/links/{site.world.adas.ids['links']}"


def test_the_first_key_skips_to_the_content(opened: Window) -> None:
    opened.open("/app/links")
    skip = opened.page.get_by_role("link", name="Skip to the content")
    opened.page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    opened.page.keyboard.press("Enter")
    expect(opened.page.locator("main")).to_be_focused()


@pytest.mark.parametrize("path", ["/app/", "/app/links", "/app/links/new", "/app/settings"])
def test_whatever_has_the_focus_shows_it(opened: Window, path: str) -> None:
    opened.open(path)
    seen = set()
    for _ in range(30):
        opened.page.keyboard.press("Tab")
        mark = opened.page.evaluate(FOCUS)
        if not mark["there"]:
            break  # behind the last one is the browser itself
        assert mark["marked"], f"{mark['what']} does not show that it has the focus"
        seen.add(mark["what"])
    assert len(seen) > 15


FOCUS = """() => {
  const one = document.activeElement;
  const parts = [one, one.parentElement, one.parentElement?.parentElement].filter(Boolean);
  const look = () => JSON.stringify(parts.map((each) => {
    const { outline, boxShadow, borderColor, backgroundColor, top, left } = getComputedStyle(each);
    return [outline, boxShadow, borderColor, backgroundColor, top, left];
  }));
  const focused = look();
  one.blur();
  const blurred = look();
  one.focus();
  return { there: one !== document.body, marked: focused !== blurred,
    what: one.outerHTML.slice(0, 120) };
}"""


def test_the_palette_opens_by_keys_and_leads_on(opened: Window) -> None:
    opened.open("/app/")
    palette = opened.page.get_by_role("dialog", name="Search")
    opened.page.keyboard.press("Control+k")
    expect(palette).to_be_visible()
    expect(palette.get_by_role("combobox")).to_be_focused()
    opened.page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    opened.page.keyboard.press("Control+k")
    opened.page.keyboard.type("shop4")
    found = palette.get_by_role("option").filter(has_text="shop4")
    expect(found).to_be_visible()
    while found.get_attribute("aria-selected") != "true":
        opened.page.keyboard.press("ArrowDown")
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_url("**/app/links/*")


def test_search_needs_no_scripts(without_scripts: Window) -> None:
    without_scripts.open("/app/")
    field = without_scripts.page.locator("#find")
    field.fill("shop4")
    field.press("Enter")
    assert without_scripts.place == "/app/search"
    expect(without_scripts.page.get_by_role("main").get_by_text("shop4").first).to_be_visible()


def test_a_menu_closes_by_escape_and_gives_the_focus_back(opened: Window) -> None:
    opened.open("/app/")
    language = opened.page.locator("details.menu").filter(has_text="Deutsch").locator("summary")
    language.focus()
    opened.page.keyboard.press("Enter")
    expect(opened.page.get_by_role("button", name="Deutsch")).to_be_visible()
    opened.page.keyboard.press("Escape")
    expect(opened.page.get_by_role("button", name="Deutsch")).to_be_hidden()
    expect(language).to_be_focused()


def test_a_question_closes_by_escape_and_nothing_is_done(opened: Window) -> None:
    opened.open("/app/account")
    question = opened.page.locator("[data-confirm] > summary").first
    question.click()
    dialog = opened.page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    opened.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(question).to_be_focused()
    assert opened.place == "/app/account"


def test_what_was_done_can_be_undone_from_the_toast(opened: Window, site: Site) -> None:
    opened.open(link_of(site))
    opened.page.get_by_role("button", name="Pause").click()
    toast = opened.page.locator("[data-toast]")
    expect(toast).to_contain_text("paused")
    expect(opened.page.get_by_role("button", name="Resume")).to_be_visible()
    toast.get_by_role("button", name="Undo").click()
    expect(opened.page.get_by_role("button", name="Pause")).to_be_visible()


def test_a_deleted_link_comes_back_without_scripts(without_scripts: Window, site: Site) -> None:
    page = without_scripts.page
    without_scripts.open(link_of(site))
    page.locator("summary").filter(has_text="More").first.click()
    page.get_by_role("button", name="Delete").first.click()
    assert without_scripts.place == "/app/links"
    page.locator("[data-toast]").get_by_role("button", name="Undo").click()
    assert without_scripts.place == link_of(site)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


TYPED = {
    "destination": "https://example.com/kept?a=b&c=d#e",
    "title": "A title to be kept, “quoted” & <bracketed>",
    "tags": "one, two",
}


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_what_was_typed_survives_a_refusal(chromium: Browser, site: Site, scripts: bool) -> None:
    token = site.world.ada.cookie
    with window(chromium, site.address, token, java_script_enabled=scripts) as opened:
        page = opened.page
        opened.open("/app/links/new")
        for name, text in TYPED.items():
            page.locator(f"[name={name}]").fill(text)
        page.locator("[name=slug]").fill("api")
        box = page.locator("input[name=touchpoint_ids]").nth(2)
        box.check()
        page.get_by_role("button", name="Create", exact=True).first.click()
        assert opened.place == "/app/links"
        for name, text in TYPED.items():
            expect(page.locator(f"[name={name}]")).to_have_value(text)
        expect(page.locator("input[name=touchpoint_ids]").nth(2)).to_be_checked()
        slug = page.locator("[name=slug]")
        expect(slug).to_have_value("api")
        expect(slug).to_have_attribute("aria-invalid", "true")
        summary = page.locator(".summary")
        expect(summary).to_be_focused()
        summary.get_by_role("link").first.click()
        if scripts:
            expect(slug).to_be_focused()


def test_a_slug_is_checked_while_one_types(opened: Window) -> None:
    opened.open("/app/links/new")
    slug = opened.page.locator("[name=slug]")
    said = opened.page.locator(".check")
    slug.press_sequentially("shop4")
    expect(said).to_contain_text("shop4")
    expect(said).to_have_class("check is-taken")
    slug.press_sequentially("-never-used")
    expect(said).to_have_class("check is-free")


def test_an_address_that_cannot_be_is_put_right(opened: Window) -> None:
    page = opened.page
    assert opened.open("/app/reports?country=Germanyy&device=foo&sort=clicks") == 422
    opened.troubles.clear()  # the console notes that the page is none of 200
    assert axe(page) == []
    expect(page.locator(".summary")).to_be_focused()
    page.get_by_label("Country").select_option("DE")
    page.get_by_label("Device").select_option("desktop")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="Reports")).to_be_visible()
    assert page.url.endswith("/app/reports?sort=clicks&country=DE&device=desktop")


def test_the_language_changes_and_the_page_stays(opened: Window) -> None:
    opened.open("/app/reports?period=7d")
    for name, language in (("Deutsch", "de"), ("English", "en")):
        opened.page.locator("details.menu").filter(has_text="Deutsch").locator("summary").click()
        opened.page.get_by_role("button", name=name).click()
        expect(opened.page.locator("html")).to_have_attribute("lang", language)
        assert opened.page.url.endswith("/app/reports?period=7d")


def test_on_a_phone_everything_is_reached_by_thumb(chromium: Browser, site: Site) -> None:
    """The way through the product, and no target smaller than 24 by 24 pixels (WCAG 2.2)."""
    token = site.world.ada.cookie
    with window(
        chromium, site.address, token, viewport=PHONE, has_touch=True, is_mobile=True
    ) as opened:
        opened.open("/app/")
        for place in ("journeys", "links", "sheets", "reports"):
            opened.page.locator(f".rail-{place} a").tap()
            opened.page.wait_for_url(f"**/app/{place}*")
        opened.open("/app/links")
        small = opened.page.evaluate(SMALL)
        assert small == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_words_of_a_phones_buttons_and_tabs_keep_clear_of_their_borders(
    chromium: Browser, site: Site, language: str
) -> None:
    token = site.world.ada.cookie
    with window(chromium, site.address, token, language, viewport=PHONE) as opened:
        for place in ("journeys", "links", "sheets", "reports", "reports/costs"):
            opened.open(f"/app/{place}")
            for fold in opened.page.locator(".head-fold > summary").all():
                fold.click()
            words = opened.page.evaluate(WORDS)
            assert len(words) >= 5
            tight = [each for each in words if each[1] < (8 if each[3] else 0)]
            assert tight == []
            assert [each for each in words if each[2] > 1 and not each[3]] == []
        assert sum(each[3] for each in words) == 3


WORDS = """() => [...document.querySelectorAll(
    ".rail li span, .head-actions:has(> :nth-child(3):last-child) .button > span")]
  .filter((each) => each.checkVisibility())
  .map((each) => {
    const range = new Range();
    range.selectNodeContents(each);
    const lines = [...range.getClientRects()];
    const { left, right } = each.closest("a, summary, button").getBoundingClientRect();
    const room = lines.flatMap((line) => [line.left - left, right - line.right]);
    return [each.textContent, Math.min(...room), lines.length, !each.closest(".rail")];
  })"""

SMALL = """() => [...document.querySelectorAll("button, summary, input, select, nav a, .button")]
  .filter((each) => each.checkVisibility() && each.type !== "hidden")
  .map((each) => [each.closest("label") || each, each])
  .filter(([box]) => { const r = box.getBoundingClientRect();
    return r.width > 1 && (r.width < 24 || r.height < 24); })
  .map(([, each]) => each.outerHTML.slice(0, 120))"""
