"""From an empty installation to the first scan in the report, as somebody new walks it."""

from __future__ import annotations

import io
import re
from pathlib import Path
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
import zxingcpp
from browser import Window, fresh_installation, window
from PIL import Image
from playwright.sync_api import Browser, expect
from service import wait_until

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


class Stay(HTTPRedirectHandler):
    """A phone without a net: it learns where a link leads and goes no further."""

    def redirect_request(self, *args: object) -> None:
        """No request."""


def scan(printed: bytes) -> str:
    """What a phone's camera reads from a printed code."""
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(printed)))
    return code.text


def visit(url: str) -> str:
    """Open the link with a phone; where it leads."""
    try:
        build_opener(Stay).open(Request(url, headers={"User-Agent": PHONE}), timeout=10)
    except OSError as answer:
        return str(answer.headers["Location"])  # type: ignore[attr-defined]  # an HTTPError
    raise AssertionError("the link did not redirect")


def press(opened: Window, label: str) -> None:
    opened.page.get_by_role("button", name=label, exact=True).first.click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_from_an_empty_installation_to_the_first_scan(
    chromium: Browser, tmp_path: Path, scripts: bool
) -> None:
    with (
        fresh_installation(tmp_path) as (link, links),
        window(chromium, link.partition("/app/")[0], java_script_enabled=scripts) as opened,
    ):
        page, host = opened.page, links.partition("//")[2]
        # The account
        page.goto(link)
        page.get_by_label("E-mail").fill("anna@morgenrot.example")
        page.get_by_label("Password").fill("a-long-walk-by-the-sea")
        press(opened, "Create account")
        # Three steps, all filled in
        assert opened.place == "/app/welcome"
        expect(page.get_by_label("Name of the workspace")).to_have_value("Morgenrot")
        press(opened, "Continue")
        assert opened.place == "/app/welcome/domain"
        press(opened, "Continue")
        assert opened.place == "/app/welcome/journey"
        press(opened, "Finish")
        # One link and code for each of several touchpoints
        assert opened.place == "/app/links/new"
        page.get_by_label("Destination").fill("https://www.morgenrot.example/tea")
        boxes = page.locator("input[name=touchpoint_ids]")
        assert boxes.count() > 20
        for number in (0, 3, 17):
            boxes.nth(number).check()
        press(opened, "Create")
        assert opened.place == "/app/links"
        rows = page.get_by_role("main").get_by_role("listitem").filter(has=page.get_by_text(host))
        expect(rows).to_have_count(3)
        rows.first.get_by_role("link").filter(has_text=host).first.click()
        # The page of a link, with its code
        assert re.fullmatch(r"/app/links/\d+", opened.place)
        code = page.get_by_role("img", name="QR code of")
        expect(code).to_be_visible()
        assert code.evaluate("(image) => image.complete && image.naturalWidth") > 0
        with page.expect_download() as saved:
            press(opened, "PNG")
        text = scan(Path(saved.value.path()).read_bytes())
        assert text.lower().startswith(f"{links}/q/")
        # A phone, and the report moves
        assert visit(text).startswith("https://www.morgenrot.example/tea")

        def total() -> list[str]:
            page.goto(f"{opened.address}/app/reports")
            return page.get_by_role("row").filter(has_text="Total").inner_text().split()

        # Clicks, scans, visitors
        wait_until(lambda: total() == ["Total", "1", "1", "1"])
        assert opened.troubles == []
        assert opened.foreign() == []
