"""What a touchpoint cost, on its page: the figures and verdicts of the report on costs, to the
digit.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pypdfium2
import pytest
from cast import make_link, make_touchpoint
from people import Cast, everybody, text_of
from rollups import count

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.costs import NewCost, Subject, add_cost
from linkservice.reports.cost_results import Unpaid
from linkservice.reports.costs import cost_report
from linkservice.reports.period import Period
from linkservice.reports.touchpoint_costs import costs_of_touchpoint
from linkservice.web import cost_verdicts
from linkservice.web.i18n import speaking, write_money

cast = pytest.fixture(everybody)

FIRST, LAST = date(2025, 10, 1), date(2025, 10, 28)
PERIOD = {"from": str(FIRST), "to": str(LAST)}
LATER = datetime(2025, 11, 3, tzinfo=UTC)
SPENT = {"Poster": 400_00, "Flyer": 120_00, "Mail": 110_00, "Chat": 100_00, "Ads": 130_00}


@pytest.fixture
def ids(cast: Cast, settings: Settings, database: Database) -> dict[str, str]:
    """Five that are paid for by themselves, one by a campaign for the most part, and a free one."""
    found = {}
    with database.transaction() as session:
        actor = cast.home.actor
        campaign = create_campaign(session, actor, "Autumn", LATER)
        for name in (*SPENT, "Window", "Bag"):
            found[name] = make_touchpoint(session, cast.home, name)
            link = make_link(session, settings, cast.home, touchpoint_id=found[name])
            if name == "Window":
                link.campaign_id = campaign.id
            for number in range(28):
                clicks = 20 + (number * 7 + len(name)) % 5
                day = FIRST + timedelta(number)
                count(session, cast.home, link, day, clicks, touchpoint_id=found[name])
        for name, amount in SPENT.items():
            cost = NewCost(FIRST, amount, "EUR", LAST)
            add_cost(session, actor, Subject("touchpoint", found[name]), cost, LATER)
        cost = NewCost(FIRST, 90_00, "EUR", LAST)
        add_cost(session, actor, Subject("campaign", str(campaign.id)), cost, LATER)
    return found


def test_the_page_says_what_the_costs_page_says(
    cast: Cast, database: Database, ids: dict[str, str]
) -> None:
    with database.reading() as session:
        report = cost_report(session, cast.home.actor, first=FIRST, last=LAST, now=LATER)
    rows = {row.name: row for row in report.rows}
    poster = rows["Poster"].verdict_by("cost_per_visitor")
    assert poster is not None
    assert poster.verdict == "worst"
    costs_page = text_of(cast.vera.get("/reports/costs", **PERIOD))
    for name in SPENT:
        page = cast.vera.get(f"/reports/touchpoints/{ids[name]}", **PERIOD)
        told, row = text_of(page), rows[name]
        with speaking("en"):
            figures = [write_money(row.costs.cost or 0, "EUR")]
            figures.append(write_money(row.costs.cost_per_visitor or 0, "EUR"))
            verdict = row.verdict_by("cost_per_visitor")
            assert verdict is not None
            sure = cost_verdicts.interval_words("cost_per_visitor", verdict, report)
        for figure in (*figures, sure):
            assert figure in told
            assert figure in costs_page
        assert ("“Poster” costs €0.65 per visitor" in told) == (name == "Poster")
        assert f'href="/app/reports/costs?from={FIRST}&amp;to={LAST}"' in page.text
    with speaking("en"):
        dear = cost_verdicts.advice(report).split(":")[0]
    assert dear in text_of(cast.vera.get(f"/reports/touchpoints/{ids['Poster']}", **PERIOD))


@pytest.fixture
def early(cast: Cast, settings: Settings, database: Database, ids: dict[str, str]) -> date:
    """Some days before the costs of October, on two of which the poster had 60 visitors."""
    first = date(2025, 9, 28)
    with database.transaction() as session:
        link = make_link(session, settings, cast.home, touchpoint_id=ids["Poster"])
        for number in range(2):
            day = first + timedelta(number)
            count(session, cast.home, link, day, 30, touchpoint_id=ids["Poster"])
    return first


def test_days_without_a_cost_are_told(cast: Cast, ids: dict[str, str], early: date) -> None:
    """Visitors of all days count, as in the report; that some had no cost is said wherever."""
    page = f"/reports/touchpoints/{ids['Poster']}"
    missing = "On 2 days with visitors no cost is entered; these 60 count all the same."
    longer = {"from": str(early), "to": str(LAST)}
    assert missing in text_of(cast.vera.get(page, **longer))
    assert "no cost is entered" not in text_of(cast.vera.get(page, **PERIOD))
    shared_out = text_of(cast.vera.get(f"/reports/touchpoints/{ids['Window']}", **longer))
    assert "no cost is entered;" not in shared_out
    costs = text_of(cast.vera.get("/reports/costs", **longer))
    assert "2 days without a cost" in costs
    assert "count all the same: “Poster” (60 on 2 days). If these were paid for, too" in costs
    assert "count all the same: “" not in text_of(cast.vera.get("/reports/costs", **PERIOD))
    paper = pypdfium2.PdfDocument(cast.vera.get("/reports/costs/paper", **longer).data)
    words = " ".join(" ".join(page.get_textpage().get_text_bounded().split()) for page in paper)
    assert "“Poster” (60 on 2 days)" in words


def test_files_say_how_many_days_had_no_cost(cast: Cast, ids: dict[str, str], early: date) -> None:
    longer = {"from": str(early), "to": str(LAST)}
    told = cast.vera.get("/reports/costs/download", **longer, format="json").json
    rows = {row["name"]: (row["unpaid_days"], row["unpaid_visitors"]) for row in told["rows"]}
    assert rows["Poster"] == (2, 60)
    assert set(rows.values()) == {(2, 60), (0, 0), (None, None)}
    assert rows["Window"] == rows["Bag"] == (None, None)
    data = cast.vera.get("/reports/costs/download", **longer, format="csv").text
    (line,) = (line for line in csv.DictReader(io.StringIO(data)) if line["name"] == "Poster")
    assert (line["unpaid_days"], line["unpaid_visitors"]) == ("2", "60")


def test_a_cost_of_a_single_day_is_for_whoever_comes_from_then_on(
    cast: Cast, database: Database, ids: dict[str, str], early: date
) -> None:
    """A print run is paid once; who came before it was not paid for by it."""
    number = int(ids["Poster"])
    with database.transaction() as session:
        once = NewCost(early + timedelta(1), 5_000, "EUR")
        add_cost(session, cast.home.actor, Subject("touchpoint", ids["Poster"]), once, LATER)
    with database.reading() as session:
        report = cost_report(session, cast.home.actor, first=early, last=LAST, now=LATER)
    (row,) = (row for row in report.rows if row.id == str(number))
    assert row.unpaid == Unpaid(1, 30)


def sheet_of(cast: Cast, path: str) -> list[tuple[Any, ...]]:
    """The lines of costs in a workbook."""
    data = cast.vera.get(path, **PERIOD, format="xlsx").data
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [tuple(cell.value for cell in row) for row in book["Costs"].iter_rows()]


def test_its_files_have_the_row_of_the_costs_files(cast: Cast, ids: dict[str, str]) -> None:
    whole = cast.vera.get("/reports/costs/download", **PERIOD, format="json").json
    rows = {row["name"]: row for row in whole["rows"]}
    for name in ("Poster", "Window"):
        path = f"/reports/touchpoints/{ids[name]}"
        file = cast.vera.get(f"{path}/download", **PERIOD, format="json").json
        money = {key: whole[key] for key in ("currency", "decimals")}
        assert file["costs"] == money | rows[name]
        heads, row = sheet_of(cast, f"{path}/download")
        every = sheet_of(cast, "/reports/costs/download")
        assert heads == every[0]
        assert row in every[1:]
        paper = pypdfium2.PdfDocument(cast.vera.get(f"{path}/paper", **PERIOD).data)
        words = " ".join(" ".join(page.get_textpage().get_text_bounded().split()) for page in paper)
        assert "Costs" in words
        assert f"Cost per visitor €{rows[name]['cost_per_visitor'] / 100:.2f}"[:24] in words
        assert ("“Poster” costs €0.65 per visitor" in words) == (name == "Poster")
    free = f"/reports/touchpoints/{ids['Bag']}"
    assert "costs" not in cast.vera.get(f"{free}/download", **PERIOD, format="json").json
    assert cast.vera.get(f"{free}/paper", **PERIOD).status_code == 200


def test_what_was_shared_out_and_what_nobody_entered_is_said(
    cast: Cast, ids: dict[str, str]
) -> None:
    window = text_of(cast.vera.get(f"/reports/touchpoints/{ids['Window']}", **PERIOD))
    assert "€90.00 of this, €90.00 of campaigns" in window
    assert "Most of this was spent on campaigns and shared out by visitors" in window
    bag = cast.ben.get(f"/reports/touchpoints/{ids['Bag']}", **PERIOD)
    assert "No cost is entered for these days. Enter a cost" in text_of(bag)
    assert f"/app/touchpoints/{ids['Bag']}/costs/new" in bag.text
    unpaid = text_of(cast.vera.get(f"/reports/touchpoints/{ids['Bag']}", **PERIOD))
    assert "No cost is entered for these days." in unpaid
    assert "Enter a cost" not in unpaid
    costs = text_of(cast.vera.get("/reports/costs", **PERIOD))
    assert "Window * mostly shared out" in costs
    assert "entered with campaigns and shared out by visitors: “Window”." in costs


def test_only_who_may_have_cost_something_asks_all_others(
    cast: Cast, database: Database, ids: dict[str, str]
) -> None:
    """The row is the report's own; days without any cost ask for no report."""
    with database.reading() as session:
        report = cost_report(session, cast.home.actor, first=FIRST, last=LAST, now=LATER)
        rows = {row.id: row for row in report.rows}
        for each in ids.values():
            period = Period(FIRST, LAST, report.period.time_zone)
            found = costs_of_touchpoint(
                session, cast.home.actor, each, period, suspects=False, now=LATER
            )
            assert (None if found is None else found[1]) == (
                rows[each] if rows[each].costs.cost is not None else None
            )
        before = Period(FIRST - timedelta(9), FIRST - timedelta(1), report.period.time_zone)
        asked = costs_of_touchpoint(
            session, cast.home.actor, ids["Poster"], before, suspects=False, now=LATER
        )
        assert asked is None


def test_how_costs_are_counted_is_told_where_they_are(cast: Cast, ids: dict[str, str]) -> None:
    """On the page, in its files and on its paper; not of a touchpoint nothing was spent on."""
    told = ("spread evenly over its days", "Cost per click and per visitor are of those")
    judged = "Touchpoints at least half of whose cost was entered with them"
    for name, wanted, certain in (("Poster", True, True), ("Window", True, False)):
        path = f"/reports/touchpoints/{ids[name]}"
        file: Any = cast.vera.get(f"{path}/download", **PERIOD, format="json").json
        counted = " ".join(fact["text"] for fact in file["counted"])
        paper = pypdfium2.PdfDocument(cast.vera.get(f"{path}/paper", **PERIOD).data)
        printed = " ".join(page.get_textpage().get_text_bounded() for page in paper)
        for text in (
            text_of(cast.vera.get(path, **PERIOD)),
            counted,
            " ".join(printed.split()),
        ):
            assert [each in text for each in told] == [wanted, wanted]
            assert (judged in text) == certain
            assert "The cheapest visitors stand first" not in text
    free = f"/reports/touchpoints/{ids['Bag']}"
    assert told[0] not in text_of(cast.vera.get(free, **PERIOD))
    assert "The cheapest visitors stand first" in text_of(cast.vera.get("/reports/costs", **PERIOD))
    by_return = cast.vera.get("/reports/costs", sort="return_on_cost", **PERIOD)
    assert "The cheapest visitors stand first" not in text_of(by_return)
