"""Reports in a real browser: what stands where, and what folds away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from browser import PHONE, Site, Window, window
from playwright.sync_api import Browser, Locator, expect

from linkservice.reports.presets import days_of


@pytest.fixture(params=["en", "de"])
def speaking_either(
    chromium: Browser, site: Site, request: pytest.FixtureRequest
) -> Iterator[Window]:
    """A window of Ada's, in one language, then in the other."""
    with window(chromium, site.address, site.world.ada.cookie, request.param) as opened:
        yield opened


def top(of: Locator) -> float:
    box = of.bounding_box()
    assert box
    return box["y"]


def bottom(of: Locator) -> float:
    box = of.bounding_box()
    assert box
    return box["y"] + box["height"]


def test_filters_stand_in_a_line_with_other_controls(speaking_either: Window) -> None:
    page = speaking_either.page
    lines = {"/app/": ".period", "/app/?country=DE": ".period", "/app/reports": ".controls-form"}
    for path, beside in lines.items():
        speaking_either.open(path)
        button = page.locator(".arrange-form > summary")
        other = page.locator(beside).first
        assert top(other) - 4 <= top(button) < bottom(other), path
        own = page.locator(".period-own")
        assert top(own) < bottom(page.locator(".period > .segment")), "one line of periods"
        button.click()
        form = page.locator(".arrange-form > form")
        assert top(form) >= bottom(other), "open, it has a line of its own"


def test_on_a_tablet_nothing_stands_alone_in_its_line(speaking_either: Window) -> None:
    page = speaking_either.page
    page.set_viewport_size({"width": 768, "height": 1024})
    speaking_either.open("/app/")
    own, button = page.locator(".period-own"), page.locator(".arrange-form > summary")
    assert top(own) - 4 <= top(button) < bottom(own)
    assert top(own) >= bottom(page.locator(".period > .segment"))
    figures = page.locator("#figures .stat").all()
    assert [top(each) == top(figures[0]) for each in figures] == [True, True, False, False]


def test_last_week_is_a_click_and_this_week_two(opened: Window) -> None:
    page = opened.page
    opened.open("/app/reports?metric=clicks_per_day")
    page.get_by_role("link", name="Last week").click()
    expect(page).to_have_url(f"{opened.address}/app/reports?period=last_week&metric=clicks_per_day")
    expect(page.get_by_role("link", name="Last week")).to_have_attribute("aria-current", "true")
    own = page.locator(".period-own > summary")
    expect(own).to_have_text("Other days")
    own.click()
    page.get_by_role("link", name="This week").click()
    expect(own).to_have_text("This week")
    expect(own).to_have_attribute("aria-current", "true")


def test_arrows_belong_to_a_field_that_knows_them(opened: Window) -> None:
    opened.open("/app/reports")
    opened.page.locator(".period-own > summary").click()
    day = opened.page.get_by_label("From", exact=True)
    before = day.input_value()
    day.focus()
    opened.page.keyboard.press("ArrowUp")
    expect(day).to_be_focused()
    assert day.input_value() != before


@pytest.mark.parametrize("scripts", [True, False])
def test_of_the_days_of_a_share_those_that_count_are_in_sight(
    chromium: Browser, site: Site, scripts: bool
) -> None:
    token = site.world.ada.cookie
    with window(chromium, site.address, token, java_script_enabled=scripts) as opened:
        page = opened.page
        opened.open("/app/reports?period=last_week")
        page.get_by_role("link", name="Share report").click()
        which, first = page.locator("#f-period"), page.locator("#f-from")
        expect(which).to_have_value("last_week")
        expect(first).to_be_hidden()
        page.get_by_label("Fixed days").check()
        expect(which).to_be_hidden()
        monday, _ = days_of("last_week", datetime.now(UTC).date())
        expect(first).to_have_value(str(monday))
        first.fill("2026-03-02")
        page.get_by_label("Rolling days").check()
        expect(first).to_be_hidden()
        page.get_by_label("Fixed days").check()
        expect(first).to_have_value("2026-03-02")


@pytest.fixture
def opened(chromium: Browser, site: Site) -> Iterator[Window]:
    with window(chromium, site.address, site.world.ada.cookie) as opened:
        yield opened


def test_an_interval_of_costs_stands_on_one_line(speaking_either: Window) -> None:
    """With what it is of in the head of its column; on a phone, where there is none, beside it."""
    page = speaking_either.page
    speaking_either.open("/app/reports/costs")
    intervals = page.locator(".cost-table td [class*='sure-']")
    assert intervals.count() > 0
    for each in intervals.all():
        assert each.evaluate(LINES) == 1
    expect(page.locator(".level-head").first).to_contain_text("95")
    inner, outer = page.locator(".cost-table table"), page.locator(".cost-table .table-frame")
    wide = "(each) => each.scrollWidth"
    assert inner.evaluate(wide) <= outer.evaluate("(each) => each.clientWidth")
    page.set_viewport_size(PHONE)
    rate = page.locator(".cost-table tbody td.rate:has([class*='sure-'])").first
    expect(rate).to_contain_text("95")
    assert rate.locator("[class*='sure-']").evaluate(LINES) == 1


LINES = """(each) => {
  const range = new Range();
  range.selectNodeContents(each);
  const shown = [...range.getClientRects()].filter(({ width }) => width > 1);
  return new Set(shown.map(({ bottom }) => Math.round(bottom / 4))).size;
}"""
"""How many lines of text an element takes."""


@pytest.fixture
def on_a_phone(chromium: Browser, site: Site) -> Iterator[Window]:
    token = site.world.ada.cookie
    with window(chromium, site.address, token, viewport=PHONE) as opened:
        yield opened


@pytest.mark.parametrize(
    "path",
    [
        "/app/",
        "/app/?country=DE",
        "/app/reports",
        "/app/reports/costs",
        "/app/reports/personas",
        "/app/reports/moments",
        "/app/reports/journeys/{journeys}",
        "/app/reports/touchpoints/{touchpoints}",
        "/app/reports/touchpoints/{touchpoints}?country=DE",
        "/app/links/{links}",
    ],
)
def test_a_phone_has_what_is_done_with_a_report_behind_one_button(
    on_a_phone: Window, site: Site, path: str
) -> None:
    page = on_a_phone.page
    on_a_phone.open(path.format(**site.world.adas.ids))
    fold = page.locator("[data-fold]")
    button, actions = fold.locator("summary"), page.locator("[data-fold] + .head-actions")
    expect(actions).to_be_hidden()
    heading = fold.locator("xpath=preceding-sibling::*").locator("xpath=self::h2|h1").last
    assert top(heading) < bottom(button)
    assert top(button) < bottom(heading), "beside the heading"
    button.press("Enter")
    expect(actions).to_be_visible()
    assert top(actions) >= bottom(button)
    page.keyboard.press("Tab")
    expect(actions.locator("summary, a, button").first).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.keyboard.press("Escape")
    expect(actions).to_be_hidden()
    expect(button).to_be_focused()


def test_folded_buttons_fold_again(on_a_phone: Window) -> None:
    page = on_a_phone.page
    on_a_phone.open("/app/reports")
    button, actions = page.locator("[data-fold] > summary"), page.locator(".head-actions")
    button.click()
    download = actions.locator("summary", has_text="Download")
    download.click()
    expect(actions.get_by_role("link", name="PDF")).to_be_visible()
    page.keyboard.press("Escape")
    expect(actions.get_by_role("link", name="PDF")).to_be_hidden()
    expect(download).to_be_focused()
    expect(actions).to_be_visible()
    page.keyboard.press("Escape")
    expect(actions).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    page.get_by_role("heading", name="Reports").click()
    expect(actions).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    page.locator(".fold > summary").click()
    expect(actions).to_be_hidden()
    expect(page.locator(".fold > summary")).to_be_focused()


def test_folded_buttons_need_no_script(chromium: Browser, site: Site) -> None:
    options = {"viewport": PHONE, "java_script_enabled": False}
    with window(chromium, site.address, site.world.ada.cookie, **options) as opened:
        opened.open("/app/")
        actions = opened.page.locator(".head-actions")
        expect(actions).to_be_hidden()
        opened.page.locator("[data-fold] > summary").click()
        expect(actions).to_be_visible()
