"""Takes the README's pictures from the demonstration: `make pictures`.

Needs Chromium. Serves the demonstration from a folder of its own, signs in by the link it
prints, and ends it afterwards.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
PORT, LINK_PORT = 8460, 8461
BASE = f"http://127.0.0.1:{PORT}"
COLOURS = 128
"""Of a picture's palette: enough for flat areas, and a fifth of the bytes."""


@contextmanager
def demonstration(folder: Path) -> Iterator[str]:
    """The demonstration, served; its sign-in link."""
    command = [Path(sys.executable).with_name("linkservice"), "demo", "--data-dir", folder]
    ports = ["--port", str(PORT), "--link-port", str(LINK_PORT)]
    process = subprocess.Popen(
        [*map(str, command), *ports], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            found = re.search(r"Sign in: (\S+)", line)
            if found:
                yield found[1]
                return
        raise SystemExit("the demonstration did not start")
    finally:
        process.terminate()
        process.wait()


def sign_in(browser: Browser, link: str, state: Path) -> None:
    """Use the link up, and keep the session for all pictures."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{BASE}/app/")
    # The README is in English, and so are its pictures.
    page.evaluate("document.querySelector('button[name=locale][value=en]').click()")
    page.wait_for_selector("html[lang=en]")
    context.storage_state(path=state)
    context.close()


def take(page: Page, path: str, name: str) -> None:
    """What the window shows of a page."""
    page.goto(BASE + path)
    page.screenshot(path=HERE / f"{name}.png")
    keep_small(HERE / f"{name}.png")


def take_sheet(page: Page) -> None:
    """Ask for a sheet, wait until it is made, and draw its first page."""
    page.goto(f"{BASE}/app/sheets/new")
    page.click("main form[method=post] button[type=submit]")
    page.wait_for_selector("a[href$='/file']", timeout=60_000)
    with page.expect_download() as download:
        page.click("a[href$='/file']")
    with pypdfium2.PdfDocument(download.value.path()) as document:
        document[0].render(scale=100 / 72).to_pil().save(HERE / "sheet.png")
    keep_small(HERE / "sheet.png")


def keep_small(path: Path) -> None:
    """Write the picture again with a palette."""
    picture = Image.open(path).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        tempfile.TemporaryDirectory() as folder,
        demonstration(Path(folder)) as link,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        state = Path(folder) / "state.json"
        sign_in(browser, link, state)
        window = {"width": 1280, "height": 860}
        desk = browser.new_context(storage_state=state, viewport=window).new_page()
        take(desk, "/app/reports", "report")
        take(desk, "/app/links/3", "link")
        take(desk, "/app/reports/journeys/1", "journey")
        take_sheet(desk)
        phone = browser.new_context(
            storage_state=state,
            viewport={"width": 390, "height": 844},
            color_scheme="dark",
            device_scale_factor=2,
        ).new_page()
        take(phone, "/app/", "phone")
        browser.close()


if __name__ == "__main__":
    main()
