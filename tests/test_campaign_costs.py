"""What a campaign cost, on its page and in its files: its row of the report on costs by campaign,
to the cent.
"""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pypdfium2
import pytest
from cast import make_touchpoint
from people import Browser, Cast, everybody, text_of
from rollups import count

from linkservice.config import Settings
from linkservice.conversions.counts import NewCount, import_counts
from linkservice.database import Database
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.costs import NewCost, Subject, add_cost
from linkservice.links.manage import LinkChanges, NewLink, change_link, create_link
from linkservice.reports.campaign_costs import costs_of_campaign
from linkservice.reports.cost_results import CostReport, Unpaid
from linkservice.reports.costs import cost_report
from linkservice.reports.period import Period
from linkservice.reports.shares import NewShare, create_share
from linkservice.web.cost_words import times
from linkservice.web.i18n import speaking, write_money

cast = pytest.fixture(everybody)

FIRST, LAST = date(2025, 10, 1), date(2025, 10, 28)
PERIOD = {"from": str(FIRST), "to": str(LAST)}
LATER = datetime(2025, 11, 3, tzinfo=UTC)
CAMPAIGNS = ("Autumn", "Winter", "Sale", "Nobody", "Free", "Moved")


@pytest.fixture
def ids(cast: Cast, settings: Settings, database: Database) -> dict[str, str]:
    """Campaigns: Autumn pays for itself and shares a poster with Winter and others, whom only that
    costs something; Sale has touchpoints of its own, one of them free; Nobody's money brought no
    click; Free has no cost at all. The link of Moved was at the poster when it was clicked.
    """
    home, made = cast.home, {}
    with database.transaction() as session:
        actor = home.actor
        for name in CAMPAIGNS:
            made[name] = str(create_campaign(session, actor, name, LATER).id)
        for name in ("Poster", "Flyer", "Window", "Bag"):
            made[name] = make_touchpoint(session, home, name)

        def link(at: str, campaign: str | None, clicks: int, tokenless: int = 0) -> str:
            new = NewLink(
                "https://example.com/",
                touchpoint_id=made[at],
                campaign_id=made[campaign] if campaign else None,
            )
            created = create_link(session, actor, settings, new, LATER).link
            for day in range(7 if clicks else 0):
                date_ = FIRST + timedelta(day * 3)
                count(
                    session,
                    home,
                    created,
                    date_,
                    clicks + day,
                    touchpoint_id=made[at],
                    tokenless=tokenless,
                )
            return str(created.id)

        link("Poster", "Autumn", 11)
        link("Poster", "Winter", 4)
        link("Poster", None, 23)
        link("Window", "Autumn", 6)
        link("Flyer", "Sale", 9, tokenless=2)
        link("Window", "Sale", 5)
        link("Bag", "Free", 8)
        link("Bag", "Nobody", 0)
        moved = link("Poster", "Moved", 3)
        changes = LinkChanges(touchpoint_id=made["Bag"])
        change_link(session, actor, settings, moved, changes, LATER)
        for kind, name, amount, first, last in (
            ("touchpoint", "Poster", 333_33, FIRST, LAST),
            ("touchpoint", "Flyer", 50_01, FIRST - timedelta(3), LAST),
            ("campaign", "Autumn", 90_01, FIRST, LAST + timedelta(2)),
            ("campaign", "Nobody", 12_34, FIRST, LAST),
        ):
            add_cost(
                session,
                actor,
                Subject(kind, made[name]),  # type: ignore[arg-type]  # of the two there are
                NewCost(first, amount, "EUR", last),
                LATER,
            )
        import_counts(session, actor, [NewCount(FIRST, made["Flyer"], 4, 900_00)], "till", LATER)
        import_counts(session, actor, [NewCount(FIRST, made["Poster"], 3, 0)], "till", LATER)
    return made


def report_of(cast: Cast, database: Database) -> CostReport:
    with database.reading() as session:
        return cost_report(
            session, cast.home.actor, first=FIRST, last=LAST, group="campaign", now=LATER
        )


def in_german(browser: Browser, path: str, **query: str) -> str:
    browser.post("/language", locale="de")
    text = text_of(browser.get(path, **query)).replace("\u00a0", " ")
    browser.post("/language", locale="en")
    return text


def box_of(text: str) -> str:
    """What the page says of costs in the period."""
    _, _, after = text.partition("Costs in this period")
    return after.partition("Costs of all campaigns")[0]


def test_it_is_the_row_of_the_report_or_nothing(
    cast: Cast, database: Database, ids: dict[str, str]
) -> None:
    report = report_of(cast, database)
    rows = {row.name: row for row in report.rows}
    assert rows["Moved"].costs.cost  # its clicks are the poster's, though it is there no more
    with database.reading() as session:
        for name in CAMPAIGNS:
            for period, there in (
                (Period(FIRST, LAST, report.period.time_zone), name != "Free"),
                (Period(FIRST - timedelta(9), FIRST - timedelta(4), "Europe/Berlin"), False),
            ):
                found = costs_of_campaign(
                    session, cast.home.actor, ids[name], period, suspects=False, now=LATER
                )
                assert (found is not None) == there, name
                assert found is None or found.row == rows[name]
    assert rows["Free"].costs.cost is None


def test_the_page_says_what_the_costs_page_says(
    cast: Cast, database: Database, ids: dict[str, str]
) -> None:
    report = report_of(cast, database)
    rows = {row.name: row.costs for row in report.rows}
    listed = text_of(cast.vera.get("/reports/costs", group="campaign", **PERIOD))
    for name in ("Autumn", "Winter", "Sale", "Moved"):
        page = cast.vera.get(f"/campaigns/{ids[name]}", **PERIOD)
        box, costs = box_of(text_of(page)), rows[name]
        assert costs.cost
        assert costs.cost_per_visitor
        with speaking("en"):
            assert f"Cost {write_money(costs.cost, 'EUR')} of this" in box
            each = f"Cost per visitor {write_money(costs.cost_per_visitor, 'EUR')}"
            assert f"{each} counting {costs.visitors_with_cost} visitors" in box
            assert write_money(costs.cost_per_visitor, "EUR") in listed
            assert write_money(costs.cost, "EUR") in listed
            assert f"of this, {write_money(costs.shared_cost, 'EUR')} of touchpoints" in box
        assert "shared out by visitors among the campaigns of their links" in box
        way = f'href="/app/reports/costs?group=campaign&amp;from={FIRST}&amp;to={LAST}"'
        assert way in page.text
    assert "Costs in this period" not in text_of(
        cast.vera.get(f"/campaigns/{ids['Free']}", **PERIOD)
    )


def test_conversions_are_counted_or_it_is_said_why_not(
    cast: Cast, database: Database, ids: dict[str, str]
) -> None:
    rows = {row.name: row.costs for row in report_of(cast, database).rows}
    sale = box_of(text_of(cast.vera.get(f"/campaigns/{ids['Sale']}", **PERIOD)))
    with speaking("en"):
        each = write_money(rows["Sale"].cost_per_conversion or 0, "EUR")
        back = times(rows["Sale"].return_on_cost or 0)
    assert f"Cost per conversion {each} counting 4 conversions" in sale
    assert "Return " + back.replace("\u00a0", " ") in sale
    assert "could not be assigned to a visitor count as one visitor each here" in sale
    for name in ("Autumn", "Winter"):
        box = box_of(text_of(cast.vera.get(f"/campaigns/{ids[name]}", **PERIOD)))
        assert "What a conversion cost cannot be told" in box
        assert "Cost per conversion" not in box
        assert "assigned to a visitor" not in box
    nobody = box_of(text_of(cast.vera.get(f"/campaigns/{ids['Nobody']}", **PERIOD)))
    assert "Nobody came in these days through what it was spent on. Cost €12.34" in nobody
    assert "Cost per visitor" not in nobody


def test_it_is_said_in_german(cast: Cast, ids: dict[str, str]) -> None:
    page = in_german(cast.vera, f"/campaigns/{ids['Sale']}", **PERIOD)
    told = page.partition("Kosten in diesem Zeitraum")[2].partition("Kosten aller Kampagnen")[0]
    assert "Was für Touchpoints ausgegeben wurde, ist nach Besuchern auf die Kampagnen" in told
    assert re.search(r"Kosten \d+,\d\d € davon \d+,\d\d € von Touchpoints", told)
    assert re.search(
        r"Kosten je Besucher \d,\d\d € bei \d+ Besuchern, für \d+ von \d+ Klicks", told
    )
    assert re.search(r"Kosten je Conversion \d+,\d\d € bei 4 Conversions", told)


def sheet_of(cast: Cast, path: str, **query: str) -> list[tuple[Any, ...]]:
    """The lines of costs in a workbook."""
    data = cast.vera.get(path, **PERIOD, **query, format="xlsx").data
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [tuple(cell.value for cell in row) for row in book["Costs"].iter_rows()]


def printed(cast: Cast, path: str, **query: str) -> str:
    paper = pypdfium2.PdfDocument(cast.vera.get(path, **PERIOD, **query).data)
    return " ".join(" ".join(page.get_textpage().get_text_bounded().split()) for page in paper)


def test_its_files_have_the_row_of_the_costs_files(cast: Cast, ids: dict[str, str]) -> None:
    costs = "/reports/costs/download"
    whole = cast.vera.get(costs, **PERIOD, group="campaign", format="json").json
    rows = {row["name"]: row for row in whole["rows"]}
    every = sheet_of(cast, costs, group="campaign")
    for name in ("Autumn", "Sale"):
        path = f"/reports/campaigns/{ids[name]}"
        file = cast.vera.get(f"{path}/download", **PERIOD, format="json").json
        money = {key: whole[key] for key in ("currency", "decimals")}
        assert file["costs"] == money | rows[name]
        heads, row = sheet_of(cast, f"{path}/download")
        assert heads == every[0]
        assert row in every[1:]
        lines = cast.vera.get(f"{path}/download", **PERIOD, format="csv").text
        assert "costs" in lines
        words = printed(cast, f"{path}/paper")
        assert f"Cost €{rows[name]['cost'] / 100:.2f} of this" in words
        assert f"Cost per visitor €{rows[name]['cost_per_visitor'] / 100:.2f}" in words
        assert "What is certain" not in words
    free = f"/reports/campaigns/{ids['Free']}"
    assert "costs" not in cast.vera.get(f"{free}/download", **PERIOD, format="json").json
    assert "Cost per visitor" not in printed(cast, f"{free}/paper")


def test_with_a_filter_it_says_nothing_of_costs(cast: Cast, ids: dict[str, str]) -> None:
    asked = {**PERIOD, "source": "scan"}
    page = text_of(cast.vera.get(f"/campaigns/{ids['Autumn']}", **asked))
    assert "Costs in this period" not in page
    assert "Conversions and costs hold for all clicks" in page
    path = f"/reports/campaigns/{ids['Autumn']}/download"
    assert "costs" not in cast.vera.get(path, **asked, format="json").json


def test_a_shared_report_has_no_costs(cast: Cast, database: Database, ids: dict[str, str]) -> None:
    now = datetime.now(UTC)
    new = NewShare("For the agency", "campaign", ids["Autumn"], now + timedelta(9), FIRST, LAST)
    with database.transaction() as session:
        token = create_share(session, cast.home.actor, new, now)[1]
    guest = cast.ada.client.application.test_client()
    page = guest.get(f"/app/shared/{token}")
    assert "For the agency" in text_of(page)
    assert "Cost per visitor" not in text_of(page)
    paper = pypdfium2.PdfDocument(guest.get(f"/app/shared/{token}?form=pdf").data)
    words = " ".join(page.get_textpage().get_text_bounded() for page in paper)
    assert "Cost per visitor" not in words


def test_days_that_nobody_paid_for_are_told(
    cast: Cast, settings: Settings, database: Database, ids: dict[str, str]
) -> None:
    """A campaign whose cost begins after its clicks: they count, and how many these are is said."""
    actor, home = cast.home.actor, cast.home
    with database.transaction() as session:
        late = str(create_campaign(session, actor, "Late", LATER).id)
        new = NewLink("https://example.com/", touchpoint_id=ids["Bag"], campaign_id=late)
        link = create_link(session, actor, settings, new, LATER).link
        for number in range(7):
            day = FIRST + timedelta(number * 3)
            count(session, home, link, day, 5 + number, touchpoint_id=ids["Bag"], tokenless=1)
        spent = NewCost(FIRST + timedelta(10), 70_00, "EUR", LAST)
        add_cost(session, actor, Subject("campaign", late), spent, LATER)
    rows = {row.name: row for row in report_of(cast, database).rows}
    assert rows["Late"].unpaid == Unpaid(4, 5 + 6 + 7 + 8 + 4)
    assert rows["Nobody"].unpaid == Unpaid(0, 0)
    assert rows["Winter"].unpaid is None  # what it cost was shared out
    said = "On 4 days with visitors no cost is entered; these 30 count all the same."
    assert said in text_of(cast.vera.get(f"/campaigns/{late}", **PERIOD))
    costs = text_of(cast.vera.get("/reports/costs", **PERIOD, group="campaign"))
    assert "4 days without a cost" in costs
    assert "“Late” (30 on 4 days)" in costs
    (told,) = (
        row
        for row in cast.vera.get(
            "/reports/costs/download", **PERIOD, group="campaign", format="json"
        ).json["rows"]
        if row["name"] == "Late"
    )
    assert (told["unpaid_days"], told["unpaid_visitors"]) == (4, 30)
