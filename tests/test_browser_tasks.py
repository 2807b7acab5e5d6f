"""What a marketer asks, counted in clicks from the page after the sign-in: at most three each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Literal

import pytest
from browser import PHONE, Window, axe, empty_settings, serving, window
from cast import Home, make_home
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from rollups import count
from sqlalchemy.orm import Session

from linkservice.app import create_app
from linkservice.clicks.model import StageDay
from linkservice.config import Settings, load
from linkservice.conversions.counts import NewCount, import_counts
from linkservice.database import Database
from linkservice.journeys.costs import NewCost, Subject, add_cost
from linkservice.journeys.manage import create_journey
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.links.manage import NewLink, create_link
from linkservice.reports.period import day_of
from linkservice.workspaces.accounts import add_user
from linkservice.workspaces.model import User, Workspace
from linkservice.workspaces.one_time import sign_in_link

MOST_CLICKS = 3
DAYS = 28
REACH = 1_000
"""A day, of every touchpoint."""

PLACES = {
    "Awareness": ("poster", "physical", "paid", "printed"),
    "Consideration": ("email", "digital", "owned", "sent"),
}
VISITORS = {
    "Awareness": {"Poster A": 30, "Poster B": 31, "Poster in the car park": 8, "Poster D": 29},
    "Consideration": {"Newsletter": 60, "Invitation": 30, "Reminder": 31, "Voucher": 29},
}
"""A day: one poster does badly, the newsletter well."""

CENTS = {
    "Poster A": 90_000,
    "Poster B": 70_000,
    "Poster in the car park": 80_000,
    "Newsletter": 9_000,
}
GOING_ON = {("Awareness", "Consideration"): 30, ("Consideration", "Purchase"): 4}
"""Of a hundred visitors a day."""


@dataclass(frozen=True)
class Shop:
    """A served shop, and its owner."""

    address: str
    database: Database
    owner_id: int


@pytest.fixture(scope="module")
def shop(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    settings = empty_settings(migrated, tmp_path_factory.mktemp("tasks"))
    database = Database(settings.database_url)
    now = datetime.now(UTC)
    with database.transaction() as session:
        home = make_home(session, settings, now=now - timedelta(days=90))
        open_shop(session, settings, home, now)
        workspace = session.get_one(Workspace, home.workspace_id)
        workspace.demonstration = True
        workspace.set_up_at = now
        owner_id = add_user(session, workspace, "ada@example.com", "owner", now).user_id
    with serving(lambda url: create_app(load({}, data_dir=settings.data_dir, base_url=url))) as url:
        yield Shop(url, database, owner_id)
    database.close()


def open_shop(session: Session, settings: Settings, home: Home, now: datetime) -> None:
    made, today = now - timedelta(days=80), day_of(now, "Europe/Berlin")
    first = today - timedelta(days=DAYS - 1)
    journey = create_journey(session, home.actor, "Shop", made).journey
    stages = {
        name: create_stage(session, home.actor, str(journey.id), name, made).id
        for name in ("Awareness", "Consideration", "Purchase")
    }
    for stage, visitors in VISITORS.items():
        channel, kind, medium, unit = PLACES[stage]
        for name, daily in visitors.items():
            new = NewTouchpoint(str(stages[stage]), name, channel, kind, medium)
            place = str(create_touchpoint(session, home.actor, new, made).id)
            span = NewReach(first, REACH * DAYS, unit, today)
            add_reach(session, home.actor, place, span, now)
            link = create_link(
                session,
                home.actor,
                settings,
                NewLink(f"https://example.com/{daily}", touchpoint_id=place),
                made,
            ).link
            for number in range(60):
                day = today - timedelta(days=number)
                count(session, home, link, day, daily, touchpoint_id=place)
            if name in CENTS:
                cost = NewCost(first, CENTS[name], "EUR", today)
                add_cost(session, home.actor, Subject("touchpoint", place), cost, now)
            if name == "Newsletter":
                sold = [NewCount(today - timedelta(days=2), place, 70, 420_000)]
                import_counts(session, home.actor, sold, "Till", now)
    for number in range(DAYS):
        follow(session, home, first + timedelta(days=number), stages)


def follow(session: Session, home: Home, day: date, stages: dict[str, int]) -> None:
    """A day of the visitors of stages."""
    there = {(name, name): 100 for name in stages}
    for (one, other), visitors in (there | GOING_ON).items():
        row = StageDay(local_date=day, stage_id=stages[one], other_id=stages[other])
        row.workspace_id, row.visitors = home.workspace_id, visitors
        session.add(row)


class Marketer:
    """Somebody who is signed in, begins at the overview, and whose clicks are counted."""

    def __init__(self, opened: Window) -> None:
        self.page: Page = opened.page
        opened.open("/app/")
        self.clicks = 0

    def click(self, name: str) -> Marketer:
        self.page.locator("a, summary", has_text=name).locator("visible=true").first.click()
        self.clicks += 1
        return self

    def finds(self, *words: str, at: str = "main") -> Locator:
        """What is asked stands there, after at most three clicks."""
        place = self.page.locator(at).first
        for each in words:
            expect(place).to_contain_text(each)
        assert self.clicks <= MOST_CLICKS
        return place


def test_a_marketer_is_told_within_three_clicks(chromium: Browser, shop: Shop) -> None:
    with window(chromium, shop.address) as opened:
        sign_in(opened, shop)
        # Which poster should we stop printing?
        asking = Marketer(opened)
        asking.finds("Poster in the car park", "▼worst", at="#outstanding")
        asking.click("Poster in the car park").finds("fewer than comparable", at=".verdict-card")
        # Which channel is the cheapest per visitor?
        asking = Marketer(opened).click("Reports").click("Costs").click("Channel")
        asking.finds("cheapest through “E-mail”", "dearest through “Poster”", at=".finding")
        # Which paid touchpoint should we stop paying for?
        asking = Marketer(opened).click("Reports").click("Costs")
        asking.finds("“Poster in the car park” costs €3.57", "save there first", at=".finding")
        # Did the newsletter work?
        asking = Marketer(opened).click("Reports")
        asking.finds("▲best Newsletter", at=".outstanding-names")
        asking.click("Newsletter").finds("times as many as comparable", at=".verdict-card")
        asking.finds("Conversions", "70", "€4,200.00", at="#conversions")
        lose_customers(opened)


def test_so_is_one_with_a_phone_and_without_scripts(chromium: Browser, shop: Shop) -> None:
    with window(chromium, shop.address, viewport=PHONE, java_script_enabled=False) as opened:
        sign_in(opened, shop)
        lose_customers(opened)
        figures_of_a_row(Marketer(opened).click("Reports"))
        what_is_chosen_in_one_line(opened)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("width", [360, 390])
def test_a_phones_first_screen_has_figures_and_its_buttons_behind_one(
    chromium: Browser, shop: Shop, width: int, language: str
) -> None:
    size = {"width": width, "height": PHONE["height"]}
    with window(chromium, shop.address, language=language, viewport=size) as opened:
        sign_in(opened, shop)
        page = opened.page
        for path in ("/app/reports/costs", "/app/reports"):
            opened.open(path)
            rate = page.locator(".ranking tbody td.rate").first
            below = page.locator(".rail").bounding_box()
            there = rate.bounding_box()
            assert below is not None
            assert there is not None
            assert there["y"] + there["height"] <= below["y"], path
            actions = page.locator(".head-actions")
            expect(actions).to_be_hidden()
            page.locator(".head-fold > summary").press("Enter")
            expect(actions).to_be_in_viewport(ratio=1)
            assert axe(page) == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_an_interval_of_costs_stands_on_one_line_with_its_certainty(
    chromium: Browser, shop: Shop, language: str
) -> None:
    with window(chromium, shop.address, language=language, viewport=PHONE) as opened:
        sign_in(opened, shop)
        opened.open("/app/reports/costs")
        lines = opened.page.locator(".cost-table td.rate > [class*=sure-]").evaluate_all(LINES)
        assert lines
        assert set(lines) == {1}
        assert opened.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


LINES = """(parts) => parts.map((each) => {
  const range = new Range();
  range.selectNodeContents(each);
  const lines = [...range.getClientRects()].filter((line) => line.width > 2);
  return new Set(lines.map((line) => Math.round(line.bottom))).size;
})"""
"""On how many lines the text of each element stands."""


def test_the_heads_of_costs_stand_on_one_line_each_above_its_column(
    chromium: Browser, shop: Shop
) -> None:
    with window(chromium, shop.address) as opened:
        sign_in(opened, shop)
        opened.open("/app/reports/costs")
        heads = opened.page.evaluate(EDGES, ".cost-table thead th.figure")
        cells = opened.page.evaluate(EDGES, ".cost-table tfoot td.figure")
    assert len(heads) == len(cells) == 9
    assert {bottom for _, bottom in heads} == {heads[0][1]}
    [mismatched] = [
        number
        for number, pair in enumerate(zip(heads, cells, strict=True))
        if pair[0][0] != pair[1][0]
    ]
    assert mismatched == 4  # what the table is sorted by has an arrow behind it


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/app/reports/costs", "/app/reports"])
def test_a_table_that_goes_on_beyond_its_frame_shows_where(
    chromium: Browser, shop: Shop, path: str, scheme: Literal["light", "dark"]
) -> None:
    narrow = {"width": 768, "height": 1600}
    with window(chromium, shop.address, viewport=narrow, color_scheme=scheme) as opened:
        sign_in(opened, shop)
        opened.open(path)
        frame = opened.page.locator(".ranking .table-frame")
        frame.focus()  # arrow keys move what has the focus
        assert frame.get_attribute("aria-label")
        assert frame.evaluate("(it) => it.scrollWidth > it.clientWidth")
        assert faded(frame) == (False, True)
        frame.evaluate("(it) => { it.scrollLeft = it.scrollWidth; }")
        assert faded(frame) == (True, False)
        frame.evaluate("(it) => { it.scrollLeft = 60; }")
        assert faded(frame) == (True, True)


def faded(frame: Locator) -> tuple[bool, bool]:
    """Whether the left and the right edge of a frame differ from its middle, beside the words."""
    picture = Image.open(BytesIO(frame.screenshot())).convert("RGB")
    places = (picture.width // 2, 6, picture.width - 7)
    ground, left, right = (
        Counter(picture.getpixel((place, y)) for y in range(20, 320)).most_common(1)[0][0]
        for place in places
    )
    return left != ground, right != ground


EDGES = """(heads) => [...document.querySelectorAll(heads)].map((each) => {
  const range = new Range();
  range.selectNodeContents(each.querySelector("a")?.firstChild ?? each);
  const lines = [...range.getClientRects()].filter((line) => line.width);
  const farthest = (edge) => Math.round(Math.max(...lines.map((line) => line[edge])));
  return ["right", "bottom"].map(farthest);
})"""
"""The right and the lower edge of the text in each element."""


def lose_customers(opened: Window) -> None:
    """Where do we lose customers? It stands above the map, in sight at once."""
    asking = Marketer(opened).click("Reports").click("Journey map")
    lost = asking.finds("between “Consideration” and “Purchase”: 4.0%", at=".finding")
    expect(lost).to_be_in_viewport()


def sign_in(opened: Window, shop: Shop) -> None:
    with shop.database.transaction() as session:
        owner = session.get_one(User, shop.owner_id)
        token = sign_in_link(session, owner, datetime.now(UTC))
    opened.open(f"/app/sign-in/{token}")
    opened.page.click("main button[type=submit]")
    expect(opened.page).to_have_url(f"{shop.address}/app/")


def what_is_chosen_in_one_line(opened: Window) -> None:
    """Controls stand behind it, so that figures begin on the first screen; a key opens it."""
    page = opened.page
    presets = page.get_by_role("navigation", name="Period")
    expect(presets).to_be_hidden()
    expect(page.get_by_text("Filter and group")).to_be_hidden()
    line = page.locator(".fold > summary")
    expect(line).to_contain_text("28 days · Visitors per reach")
    expect(page.locator("#ranking tbody").first).to_be_in_viewport()
    line.press("Enter")
    expect(page.get_by_text("Filter and group")).to_be_visible()
    presets.get_by_role("link", name="90 days").click()
    expect(line).to_contain_text("90 days")
    expect(presets).to_be_hidden()


def figures_of_a_row(asking: Marketer) -> None:
    """On a phone a row shows its figures when it is asked for them, without scripts."""
    row = asking.page.locator("#ranking tbody tr", has_text="Poster B")
    figure = row.locator("td[data-label=Clicks]")
    expect(figure).to_be_hidden()
    row.locator("summary").click()
    expect(figure).to_contain_text("868")
    expect(
        asking.page.locator("#ranking tbody td[data-label=Clicks] >> visible=true")
    ).to_have_count(1)
