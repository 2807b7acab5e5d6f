"""A real browser in front of the real app: served on a port of its own, with a shop's data in it.

Where no Chromium is installed these tests are skipped; on a machine that says it tests for
others (`CI` in the environment) they fail instead.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from belongings import World, everything
from cast import Home
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from service import free_ports, wait_until
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from linkservice.clicks.dictionary import value_id
from linkservice.clicks.model import LinkDay, LinkFacet, LinkHour
from linkservice.config import PREFIX, Settings, load
from linkservice.database import Database
from linkservice.journeys.costs import NewCost, Subject, add_cost
from linkservice.journeys.manage import create_journey
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.links.manage import NewLink, create_link
from linkservice.links.model import Link

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}

PATIENCE_MS = 15_000
"""A page of ours is there within a second, where nothing else is done."""

expect.set_options(timeout=PATIENCE_MS)

DAYS = 44
"""Enough for moments of truth."""

RATES = (0.031, 0.029, 0.033, 0.030, 0.09, 0.006)
"""Visitors per unit of reach of the shop's touchpoints: one is clearly best, one worst."""


class Quiet(WSGIRequestHandler):
    """Writes no log of requests."""

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Nothing."""


@contextmanager
def launched() -> Iterator[Browser]:
    """The system's Chromium."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        reason = "no Chromium is installed: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def serving(make_app: Callable[[str], Flask]) -> Iterator[str]:
    """Serves what `make_app` makes of the address it gets; that address."""
    server = make_server("127.0.0.1", 0, Flask("nothing"), threaded=True, request_handler=Quiet)
    address = f"http://127.0.0.1:{server.server_port}"
    server.app = make_app(address)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Site:
    """A served app with Ada's shop in it."""

    address: str
    world: World


@contextmanager
def own_site(migrated: Path, folder: Path) -> Iterator[Site]:
    """A site with a shop's data."""
    settings = empty_settings(migrated, folder)
    database = Database(settings.database_url)
    worlds = everything(settings, database)
    world = next(worlds)
    with database.transaction() as session:
        shop = furnish_shop(session, settings, world.adas.home, datetime.now(UTC))
    adas = replace(world.adas, ids={**world.adas.ids, **shop})

    def make_app(address: str) -> Flask:
        return world.app

    try:
        with serving(make_app) as address:
            yield Site(address, replace(world, adas=adas))
    finally:
        next(worlds, None)
        database.close()


def empty_settings(migrated: Path, folder: Path) -> Settings:
    """Settings with a data directory of their own and a migrated SQLite database."""
    folder.mkdir(exist_ok=True)
    shutil.copy(migrated, folder / "linkservice.db")
    return load({}, data_dir=folder)


@dataclass
class Window:
    """A page in a context of its own, and everything that went wrong in it."""

    page: Page
    address: str
    troubles: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, path: str) -> int:
        """Go there; the status of the answer."""
        answer = self.page.goto(f"{self.address}{path}")
        assert answer is not None
        return answer.status

    @property
    def place(self) -> str:
        """The path of the page that is shown."""
        return urlsplit(self.page.url).path

    def foreign(self) -> list[str]:
        """What was asked of other hosts."""
        own = urlsplit(self.address).netloc
        return [url for url in self.asked if urlsplit(url).netloc not in ("", own)]


@contextmanager
def window(
    chromium: Browser, address: str, token: str = "", language: str = "en", **options: Any
) -> Iterator[Window]:
    """A new browser window; signed in with a session's token."""
    # Colours that fade from one to another are neither, while axe looks at them.
    usual = {"viewport": DESKTOP, "locale": "en-GB", "reduced_motion": "reduce"}
    context: BrowserContext = chromium.new_context(**{**usual, **options})
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([{"name": "linkservice-language", "value": language, "url": address}])
    if token:
        context.add_cookies([{"name": "linkservice-session", "value": token, "url": address}])
    opened = Window(context.new_page(), address)
    watch(opened)
    try:
        yield opened
    finally:
        context.close()


def watch(opened: Window) -> None:
    """Note errors of scripts, refusals of the content policy and every request."""
    page = opened.page
    page.on(
        "console",
        lambda message: (
            opened.troubles.append(f"{message.type}: {message.text}")
            if message.type in ("error", "warning")
            else None
        ),
    )
    page.on("pageerror", lambda error: opened.troubles.append(f"error: {error}"))
    page.on(
        "requestfailed",
        # What is saved as a file, or left for another page, is not a failure.
        lambda asked: (
            opened.troubles.append(f"failed: {asked.url}: {asked.failure}")
            if asked.failure != "net::ERR_ABORTED"
            else None
        ),
    )
    page.on("request", lambda asked: opened.asked.append(asked.url))


def axe(page: Page, **options: Any) -> list[str]:
    """What axe finds wrong on the page as it is now, one line a place."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    chosen = json.dumps({"resultTypes": ["violations"], **options})
    found = page.evaluate(f"axe.run({chosen}).then((found) => found.violations)")
    return [
        f"{violation['id']}: {' '.join(node['target'])}: {node['html'][:160]}"
        for violation in found
        for node in violation["nodes"]
    ]


def furnish_shop(session: Session, settings: Settings, home: Home, now: datetime) -> dict[str, str]:
    """The standard journey with links, reach, costs and six weeks of clicks; ids as in `Estate`."""
    journey = create_journey(
        session, home.actor, "Shop", now - timedelta(DAYS), template="standard", locale="en"
    )
    touchpoints = [one for _, ones in journey.stages for one in ones][: len(RATES)]
    links = []
    first = (now - timedelta(DAYS - 1)).date()
    for number, (touchpoint, rate) in enumerate(zip(touchpoints, RATES, strict=True)):
        new = NewLink(
            f"https://shop.example/landing/{number}",
            slug=f"shop{number}",
            title=touchpoint.name,
            touchpoint_id=str(touchpoint.id),
        )
        link = create_link(session, home.actor, settings, new, now - timedelta(DAYS)).link
        reach = NewReach(first, 700 * DAYS, "sent", now.date())
        add_reach(session, home.actor, str(touchpoint.id), reach, now)
        spent = NewCost(first, 98_765, "EUR", now.date())
        add_cost(session, home.actor, Subject("touchpoint", str(touchpoint.id)), spent, now)
        _click(session, home, link, rate, first)
        links.append(link)
    best = RATES.index(max(RATES))
    return {
        "journeys": str(journey.journey.id),
        "touchpoints": str(touchpoints[best].id),
        "links": str(links[best].id),
    }


def _click(session: Session, home: Home, link: Link, rate: float, first: Any) -> None:
    """Roll-ups as they would be, had so many clicked."""
    for day in range(DAYS):
        clicks = round(700 * rate * (0.8 + 0.1 * (day % 5)))
        date = first + timedelta(day)
        session.add(
            LinkDay(
                link_id=link.id,
                local_date=date,
                touchpoint_id=link.touchpoint_id,
                workspace_id=home.workspace_id,
                clicks=clicks,
                scans=clicks // 2,
                visitors=clicks,
                touchpoint_visitors=clicks,
                journey_visitors=clicks,
                tokenless=0,
                robots=1,
                previews=2,
                prefetches=0,
                scanners=0,
                heads=0,
            )
        )
        session.add(
            LinkHour(
                link_id=link.id,
                local_date=date,
                local_hour=8 + day % 12,
                clicks=clicks,
                scans=clicks // 2,
            )
        )
        for facet, value in FACETS:
            facet_row = LinkFacet(
                link_id=link.id,
                local_date=date,
                value_id=value_id(session, facet, value),
                clicks=clicks,
            )
            session.add(facet_row)
    session.flush()


FACETS = (
    ("country", "DE"),
    ("device", "mobile"),
    ("browser", "Firefox"),
    ("system", "Android"),
    ("language", "de"),
    ("referrer", "news.example"),
    ("robot", "Googlebot"),
)


@contextmanager
def fresh_installation(folder: Path) -> Iterator[tuple[str, str]]:
    """`linkservice serve` on an empty data directory: the set-up link it printed, and the
    address of its link door.
    """
    port, link_port = free_ports()
    environment = {key: each for key, each in os.environ.items() if not key.startswith(PREFIX)}
    environment[PREFIX + "DATA_DIR"] = str(folder)
    environment[PREFIX + "BASE_URL"] = f"http://127.0.0.1:{port}"
    environment[PREFIX + "LINK_URL"] = links = f"http://127.0.0.1:{link_port}"
    command = [sys.executable, "-m", "linkservice", "serve", "--workers", "1"]
    command += ["--port", str(port), "--link-port", str(link_port)]
    output = folder / "output.txt"
    with output.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
    try:
        wait_until(lambda: "/app/setup/" in output.read_text(), output.read_text, 60)
        wait_until(
            lambda: answers(f"{links}/healthz") and answers(f"http://127.0.0.1:{port}/healthz")
        )
        found = re.search(r"http://\S+/app/setup/\S+", output.read_text())
        assert found
        yield found[0], links
    finally:
        process.terminate()
        process.wait(60)


def answers(url: str) -> bool:
    """Whether somebody serves there already."""
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
