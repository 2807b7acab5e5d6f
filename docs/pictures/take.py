"""Takes the README's pictures and those of every page from the demonstration: `make pictures`.

`docs/pages.md` is written with them: a page that is not in `PAGES` is not in the tour.

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

PAGES = {
    "Reports": {
        "Overview": "/",
        "Touchpoints ranked": "/reports",
        "Touchpoints by channel": "/reports?group=channel",
        "Journey map, coloured by verdicts": "/reports/journeys/1",
        "One touchpoint": "/reports/touchpoints/1",
        "One link": "/links/3",
        "One link, filtered": "/reports/links/3?country=DE",
        "One campaign": "/campaigns/4",
        "Costs": "/reports/costs",
        "Personas": "/reports/personas",
        "Moments of truth": "/reports/moments",
        "Live": "/reports/live",
        "Saved views": "/reports/views",
        "Notes on dates": "/reports/annotations",
        "Shared reports": "/reports/shares",
        "Import conversions": "/reports/conversions",
    },
    "Links and codes": {
        "Links": "/links",
        "New link": "/links/new",
        "Change a link": "/links/3/edit",
        "Tags": "/tags",
        "Campaigns": "/campaigns",
        "Sheets of codes": "/sheets",
        "New sheet": "/sheets/new",
        "Search": "/search?q=poster",
    },
    "Journeys": {
        "Journeys": "/journeys",
        "Map of a journey": "/journeys/1",
        "A touchpoint with its reach and costs": "/touchpoints/1",
        "Reach of many touchpoints at once": "/journeys/1/reach",
        "Personas of the workspace": "/personas",
    },
    "Settings": {
        "Account": "/account",
        "Reports by e-mail": "/account/letters",
        "The letter of the week": "/account/letters/preview",
        "Workspace": "/settings",
        "Domains": "/settings/domains",
        "Members": "/settings/members",
        "Keys": "/settings/keys",
        "Privacy": "/settings/privacy",
        "Texts for your privacy notice": "/settings/privacy/texts",
        "Trail": "/settings/trail",
    },
}
"""Every page one goes to, by the name it has in the tour; forms of one field are left out."""

LOOKS = {
    "Overview, German": ("/", "de-DE", "light", 1280),
    "Touchpoints ranked, dark": ("/reports", "en-GB", "dark", 1280),
    "Journey map on a phone, German, dark": ("/reports/journeys/1", "de-DE", "dark", 390),
    "One link on a phone": ("/links/3", "en-GB", "light", 390),
}
"""The same pages otherwise: language, scheme, width in px."""


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
    speak(page, "en")  # the README is in English, and so are its pictures
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


def tour(browser: Browser, state: Path) -> None:
    """Take every page, and write the list of them."""
    folder = HERE / "pages"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    lines = ["# Every page", "", "Taken from the demonstration by `make pictures`.", ""]
    desk = browser.new_context(storage_state=state, viewport={"width": 1280, "height": 860})
    for chapter, pages in PAGES.items():
        lines += [f"## {chapter}", ""]
        for title, path in pages.items():
            lines += _shown(desk.new_page(), path, title)
        print(f"{chapter}: {len(pages)} pages", flush=True)
    lines += ["## In other lights", ""]
    for title, (path, locale, scheme, width) in LOOKS.items():
        page = browser.new_context(
            storage_state=state,
            viewport={"width": width, "height": 860},
            color_scheme="dark" if scheme == "dark" else "light",
        ).new_page()
        speak(page, locale[:2])
        lines += _shown(page, path, title)
    (HERE.parent / "pages.md").write_text("\n".join(lines), encoding="utf-8")


def _shown(page: Page, path: str, title: str) -> list[str]:
    name = "pages/" + re.sub("[^a-z]+", "-", title.lower())
    take(page, f"/app{path}", name)
    page.close()
    return [f"**{title}** `{path}`", "", f"![{title}](pictures/{name}.png)", ""]


def speak(page: Page, language: str) -> None:
    """Change the language of the session."""
    page.goto(f"{BASE}/app/")
    page.evaluate(f"document.querySelector('button[name=locale][value={language}]').click()")
    page.wait_for_selector(f"html[lang={language}]")


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
        tour(browser, state)
        browser.close()


if __name__ == "__main__":
    main()
