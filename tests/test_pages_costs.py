"""Costs on pages: entered with a touchpoint or a campaign, taken back, read in the report."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date

import pytest
from people import Browser, Cast, everybody, text_of
from test_pages_journeys import new_journey, new_stage, new_touchpoint, number_in, undo

from linkservice.reports.cost_results import CostReport, CostRow, Costs, Gained
from linkservice.reports.period import Period
from linkservice.reports.results import TouchpointRow
from linkservice.web import cost_words, counted
from linkservice.web.i18n import speaking

cast = pytest.fixture(everybody)

DAY = {"date": "2025-11-02", "until": "", "amount": "1.200,50"}
PERIOD = {"from": "2025-11-01", "to": "2025-11-10"}


@pytest.fixture
def poster(cast: Cast) -> str:
    journey = new_journey(cast.ben)
    return new_touchpoint(cast.ben, new_stage(cast.ben, journey, "Before"), name="Poster")


def new_campaign(who: Browser) -> str:
    who.done("/campaigns", name="Autumn")
    return number_in(who.get("/campaigns"), r'href="/app/campaigns/')


def test_ben_enters_changes_and_deletes_a_cost_and_takes_it_back(cast: Cast, poster: str) -> None:
    for place in (f"/touchpoints/{poster}", f"/campaigns/{new_campaign(cast.ben)}"):
        assert "Enter a cost" in text_of(cast.ben.get(place))
        assert 'name="amount"' in cast.ben.get(f"{place}/costs/new").text
        page = cast.ben.done(f"{place}/costs", **DAY)
        assert "The cost is entered." in text_of(page)
        assert "€1,200.50 in all" in text_of(page)
        cost = number_in(page, r'href="/app/costs/')
        form = cast.ben.get(f"/costs/{cost}").text
        assert 'value="1200.50"' in form
        page = cast.ben.done(f"/costs/{cost}", **{**DAY, "amount": "0", "until": "2025-11-09"})
        assert "2–9 Nov 2025 €0.00" in text_of(page)
        page = cast.ben.done(f"/costs/{cost}/delete")
        assert "€" not in text_of(cast.ben.get(place))
        page = undo(cast.ben, page)
        assert "The cost is back." in text_of(page)
        assert "2–9 Nov 2025 €0.00" in text_of(page)
        assert "Enter a cost" not in text_of(cast.vera.get(place))


def test_what_is_no_amount_is_asked_for_again(cast: Cast, poster: str) -> None:
    answer = cast.ben.post(f"/touchpoints/{poster}/costs", **{**DAY, "amount": "many", "date": ""})
    assert answer.status_code == 422
    told = text_of(answer)
    assert "This is no amount; write it as 120.50." in told
    assert "Day: This must not be empty." in told
    assert 'value="many"' in answer.text
    answer = cast.ben.post(f"/touchpoints/{poster}/costs", **{**DAY, "until": "2025-11-01"})
    assert "The last day lies before the first" in text_of(answer)


def test_many_costs_come_in_pages(cast: Cast, poster: str) -> None:
    for day in range(1, 15):
        cast.ben.done(f"/touchpoints/{poster}/costs", date=f"2025-10-{day:02}", amount=str(day))
    page = cast.ben.get(f"/touchpoints/{poster}")
    assert "14 Oct 2025" in text_of(page)
    assert " 2 Oct 2025" not in text_of(page)
    (more,) = re.findall(r'rel="next" href="/app([^"#]+)', page.text)
    assert " 2 Oct 2025" in text_of(cast.ben.get(more))


def test_the_report_says_what_is_known_and_what_is_not(cast: Cast, poster: str) -> None:
    assert "nothing was clicked and nothing was spent" in text_of(
        cast.vera.get("/reports/costs", **PERIOD)
    )
    cast.ben.done(f"/touchpoints/{poster}/costs", **DAY)
    cast.ben.done(f"/campaigns/{new_campaign(cast.ben)}/costs", **{**DAY, "amount": "99"})
    told = text_of(cast.vera.get("/reports/costs", **PERIOD))
    assert "€1,299.50 spent, and nobody came" in told
    assert "Campaign that brought nobody in these days" in told
    told = text_of(cast.vera.get("/reports/costs", group="campaign", **PERIOD))
    assert "Without a campaign" in told
    assert "of this, €1,200.50 of touchpoints" in told
    told = text_of(cast.vera.get("/reports/costs", group="moon", **PERIOD))
    assert "€1,299.50 spent" in told
    answer = cast.vera.get("/reports/costs.csv", group="channel", **PERIOD)
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert [(row["name"], row["cost"]) for row in rows] == [
        ("email", "1200.50"),
        ("Autumn", "99.00"),
    ]


def test_the_report_speaks_german(cast: Cast, poster: str) -> None:
    cast.ben.done(f"/touchpoints/{poster}/costs", **DAY)
    cast.ben.done("/language", locale="de")
    told = text_of(cast.ben.get("/reports/costs", group="medium", **PERIOD))
    assert "1.200,50 € ausgegeben" in told
    assert "eigen" in told


def test_the_currency_is_chosen_before_the_first_cost(cast: Cast, poster: str) -> None:
    assert cast.ada.post("/settings/currency", currency="CHF").status_code == 303
    page = cast.ben.done(f"/touchpoints/{poster}/costs", **DAY)
    assert "CHF 1,200.50 in all" in text_of(page)
    answer = cast.ada.post("/settings/currency", currency="EUR")
    assert answer.status_code == 409
    assert "Costs are entered in CHF already (1)" in text_of(answer)
    assert cast.ben.post("/settings/currency", currency="EUR").status_code == 403


def _row(name: str, visitors: int, cost: int, shared: int, value: int) -> CostRow:
    gained = Gained(1, 1, value)
    return CostRow(
        kind="touchpoint",
        id=name,
        name=name,
        costs=Costs(
            clicks=visitors,
            visitors=visitors,
            cost=cost,
            shared_cost=shared,
            clicks_with_cost=visitors,
            visitors_with_cost=visitors,
            gained=gained,
            gained_with_cost=gained,
            is_valued=True,
        ),
    )


def test_what_has_no_column_is_said_once() -> None:
    period = Period(date(2025, 11, 1), date(2025, 11, 10), "UTC")
    costs = Costs(clicks=9, visitors=4, tokenless=5, cost=90, clicks_with_cost=9)
    row = CostRow(
        kind="touchpoint", id="1", name="Flyer", costs=replace(costs, visitors_with_cost=9)
    )
    found = CostReport(period, "touchpoint", "EUR", costs, [row])
    free = CostRow(kind="touchpoint", id="2", name="Window", costs=replace(costs, cost=None))
    with speaking("de"):
        told = cost_words.unknown(replace(found, rows=[row, free]))
        assert told[0] == "5 Klicks ohne Kennung zählen in Raten als je ein Besucher."
    rows = [
        TouchpointRow(clicks=9, scans=0, visitors=8, tokenless=1, rate=0.1, per="sent"),
        TouchpointRow(clicks=9, scans=0, visitors=7, tokenless=2),
        TouchpointRow(clicks=9, scans=0, visitors=6, tokenless=3, rate=0.1, per="visitor"),
    ]
    with speaking("en"):
        said = "clicks without a token count as one visitor each in rates."
        assert counted.without_token_in_rates("visitors_per_reach", rows) == f"4 {said}"
        assert counted.without_token_in_rates("value_per_reach", rows) == f"3 {said}"
        assert counted.without_token_in_rates("visitors_per_reach", rows[:1]) == (
            "One click without a token counts as one visitor in rates."
        )
        assert counted.without_token_in_rates("clicks_per_day", rows) == ""


def test_money_of_a_campaign_makes_nobody_dear() -> None:
    period = Period(date(2025, 11, 1), date(2025, 11, 10), "UTC")
    rows = [
        _row("Flyer", 100, 1_000, 0, 500),
        _row("Window", 100, 3_000, 1_500, 9_000),
        _row("Ads", 100, 9_000, 5_000, 0),
    ]
    found = CostReport(period, "touchpoint", "EUR", Costs(is_valued=True), rows)
    with speaking("en"):
        assert cost_words.compared(found) == (
            "Of what is paid for, visitors are cheapest through “Flyer” (€0.10 each) and dearest "
            "through “Window” (€0.30 each). The return is lowest through “Flyer” (0.50\u00a0× the "
            "cost) and highest through “Window” (3.0\u00a0×)."
        )
        assert any(
            "shared out by visitors are left out" in each for each in cost_words.unknown(found)
        )
        alone = CostReport(period, "touchpoint", "EUR", Costs(), rows[1:])
        assert cost_words.compared(alone) == ""
