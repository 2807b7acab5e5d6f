"""Costs on pages: entered with a touchpoint or a campaign, taken back, read in the report."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import fields, replace
from datetime import date
from html import unescape

import pytest
from cast import make_link, make_touchpoint
from people import Browser, Cast, everybody, text_of
from rollups import count
from test_pages_journeys import new_journey, new_stage, new_touchpoint, number_in, undo

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.reports.arranged import EVERYTHING, Arranged, Selection, together
from linkservice.reports.cost_judging import By, CostPeers, CostVerdict
from linkservice.reports.cost_results import CostReport, CostRow, Costs, Gained
from linkservice.reports.exported_csv import plain_lines
from linkservice.reports.exported_findings import costs_table
from linkservice.reports.period import Period
from linkservice.reports.ranking import Verdict
from linkservice.reports.results import Metric, TouchpointReport, TouchpointRow, TouchpointTotals
from linkservice.web import cost_badges, cost_lines, cost_verdicts, cost_words, counted
from linkservice.web.exports import sheets_of
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


def test_what_was_paid_for_stands_first_and_all_without_a_cost_in_one_line(
    cast: Cast, database: Database, settings: Settings
) -> None:
    ids = {}
    with database.transaction() as session:
        for name, clicks in (("Poster", 4), ("Receipt", 5), ("Chat", 6), ("Window", 7)):
            ids[name] = make_touchpoint(session, cast.home, name)
            link = make_link(session, settings, cast.home, touchpoint_id=ids[name])
            day = date(2025, 11, 2)
            count(session, cast.home, link, day, clicks, touchpoint_id=ids[name])
    cast.ben.done(f"/touchpoints/{ids['Receipt']}/costs", **{**DAY, "amount": "0"})
    assert "without a cost entered" in text_of(cast.ben.get("/reports/costs", **PERIOD))
    cast.ben.done(f"/touchpoints/{ids['Poster']}/costs", **DAY)
    page = cast.ben.get("/reports/costs", **PERIOD)
    order = (
        r"Poster .*Free of charge .*Receipt .* 2 without a cost entered 13 13 not entered"
        r".*Window .* 7 7 Enter a cost .*Chat .* 6 6 Enter a cost .*Total 22 22 "
    )
    assert re.search(order, text_of(page))
    assert f'href="/app/touchpoints/{ids["Window"]}/costs/new"' in page.text
    assert "Enter a cost" not in text_of(cast.vera.get("/reports/costs", **PERIOD))
    answer = cast.vera.get("/reports/costs.csv", **PERIOD)
    rows = csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")))
    assert [row["name"] for row in rows] == ["Poster", "Receipt", "Window", "Chat"]


def test_a_line_leads_to_its_report_on_these_days_and_apart_to_its_costs(
    cast: Cast, poster: str
) -> None:
    campaign = new_campaign(cast.ben)
    for place in (f"/touchpoints/{poster}", f"/campaigns/{campaign}"):
        cast.ben.done(f"{place}/costs", **DAY)
    days = "from=2025-11-01&amp;to=2025-11-10"
    for kind, group, place, where in (
        ("touchpoints", "touchpoint", f"/app/touchpoints/{poster}#costs", ""),
        ("campaigns", "campaign", f"/app/campaigns/{campaign}#costs", "#report"),
    ):
        page = cast.ben.get("/reports/costs", group=group, **PERIOD)
        number = poster if kind == "touchpoints" else campaign
        report = "reports/touchpoints" if kind == "touchpoints" else kind
        assert f'<a href="/app/{report}/{number}?{days}{where}">' in page.text
        assert f'href="{place}">Edit<' in page.text
        assert "#costs" not in cast.vera.get("/reports/costs", group=group, **PERIOD).text
    named = re.search(
        r'<th scope="row"><a href="/app(/reports[^"]+)">Poster</a>',
        cast.ben.get("/reports/costs", **PERIOD).text,
    )
    assert named
    told = text_of(cast.ben.get(unescape(named[1])))
    assert "1–10 Nov 2025" in told
    cast.ben.done(f"/touchpoints/{poster}/delete")
    page = cast.ben.get("/reports/costs", **PERIOD)
    assert f'href="/app/reports/touchpoints/{poster}?' in page.text
    assert f'href="/app/touchpoints/{poster}#costs"' not in page.text


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
    costs = Costs(
        clicks=9, visitors=4, tokenless=5, cost=90, clicks_with_cost=9, tokenless_with_cost=5
    )
    row = CostRow(
        kind="touchpoint", id="1", name="Flyer", costs=replace(costs, visitors_with_cost=9)
    )
    found = CostReport(period, "touchpoint", "EUR", costs, [row])
    free = CostRow(kind="touchpoint", id="2", name="Window", costs=replace(costs, cost=None))
    with speaking("de"):
        told = cost_lines.unknown(replace(found, rows=[row, free]))
        assert told[0].startswith("5 Klicks ließen sich keinem Besucher zuordnen: Die Browser")
        assert told[0].endswith("zählen in Raten aber als je ein Besucher. Zu tun ist nichts.")
    whole = "Klicks ließen sich keinem Besucher zuordnen: Die Browser"
    with speaking("de"):
        every = replace(costs, tokenless=12)
        (told, *_) = cost_lines.unknown(replace(found, totals=every, rows=[row, free]))
        assert told.startswith(f"12 {whole}")
        assert "Zu 5 davon sind Kosten eingetragen; sie zählen dort als je ein Besucher." in told


def test_clicks_without_a_token_are_the_same_number_in_a_ranking_and_its_totals() -> None:
    rows = [
        TouchpointRow(clicks=9, scans=0, visitors=8, tokenless=1, rate=0.1, per="sent"),
        TouchpointRow(clicks=9, scans=0, visitors=7, tokenless=2),
        TouchpointRow(clicks=9, scans=0, visitors=6, tokenless=3, rate=0.1, per="visitor"),
    ]
    flyer = Selection(channel="flyer")

    def said(metric: Metric, total: int, *, chosen: Selection = EVERYTHING) -> str:
        totals = replace(_nobody(), tokenless=total)
        period = Period(date(2025, 11, 1), date(2025, 11, 10), "UTC")
        found = TouchpointReport(period, metric, "last", "EUR", totals, rows)
        seen = Arranged(chosen, None, rows, None, [], together(rows, metric))
        return counted.without_token_in_rates(found, seen)

    with speaking("en"):
        assert said("visitors_per_reach", 4).startswith("4 clicks could not be assigned")
        assert "They are in no figure of visitors, but count" in said("visitors_per_reach", 4)
        assert said("visitors_per_reach", 1190) == (
            "1,190 clicks could not be assigned to visitors: their browsers ask not to be "
            "followed, or visitors were not being counted. They are in no figure of visitors. "
            "4 of them are at touchpoints that have a rate, and count as one visitor each there. "
            "Nothing needs to be done."
        )
        assert "6 clicks could not" in said("value_per_reach", 6)
        assert "3 of them are at touchpoints that" in said("value_per_reach", 6)
        assert "4 of them are at touchpoints shown here" in said(
            "visitors_per_reach", 6, chosen=flyer
        )
        assert said("clicks_per_day", 6) == ""


def _nobody() -> TouchpointTotals:
    return TouchpointTotals(**{each.name: 0 for each in fields(TouchpointTotals)})


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
        (note,) = (each for each in cost_lines.unknown(found) if each.startswith("* "))
        assert "entered with campaigns and shared out by visitors: “Ads”. It costs" in note
        many = [_row(f"Ads {number}", 100, 9_000, 5_000, 0) for number in range(6)]
        (note,) = cost_lines.unknown(replace(found, group="campaign", rows=many))
        assert "entered with touchpoints" in note
        assert "“Ads 0”, “Ads 1”, “Ads 2”, “Ads 3”, 2 more." in note
        alone = CostReport(period, "touchpoint", "EUR", Costs(), rows[1:])
        assert cost_words.compared(alone) == ""


def _judged(name: str, by: By, verdict: Verdict, more: dict[By, Verdict] | None = None) -> CostRow:
    row = _row(name, 100, 1_000, 0, 500)
    said = {
        each: CostVerdict(word, 2.0, 30.0, CostPeers("stage", 3, 5.0), None)
        for each, word in {by: verdict, **(more or {})}.items()
    }
    return replace(row, verdicts=said)


def _told(*rows: CostRow, sort: By = "cost_per_visitor") -> list[str]:
    period = Period(date(2025, 11, 1), date(2025, 11, 10), "UTC")
    all_of = Gained(1, 1, 600)
    totals = Costs(is_valued=True, cost=1_000, visitors_with_cost=150, gained_with_cost=all_of)
    found = CostReport(period, "touchpoint", "EUR", totals, rows, sort)
    with speaking("en"):
        return cost_verdicts.sentences(found)


def test_the_report_begins_with_what_to_stop_paying_for() -> None:
    dear = _judged("Dear", "cost_per_visitor", "worst")
    other = _judged("Other", "cost_per_visitor", "worst")
    cheap = _judged("Cheap", "cost_per_visitor", "best", {"return_on_cost": "worst"})
    first, second, *_ = _told(dear, other, cheap)
    assert first == (
        "“Dear” costs €0.1000 per visitor, 2 times as much as others that are paid for (95%: "
        "€0.0200–0.3000): save there first. Then at “Other”: as certainly dearer than others."
    )
    assert second == "Visitors are certainly cheaper than usual through “Cheap”."


def test_nobody_is_told_to_save_where_dear_visitors_buy() -> None:
    rich = _judged("Rich", "cost_per_visitor", "worst", {"return_on_cost": "best"})
    (told, *_) = _told(rich)
    assert told.endswith(
        "Its return, though, is among the best (0.50\u00a0× its cost): no reason to stop "
        "paying for it."
    )
    fair = _judged("Fair", "cost_per_visitor", "worst", {"return_on_cost": "as_expected"})
    for median, better in ((0.4, True), (0.6, False)):
        verdicts = dict(fair.verdicts or {})
        peers = CostPeers("stage", 3, median)
        verdicts["return_on_cost"] = replace(verdicts["return_on_cost"], peers=peers)
        (told, *_) = _told(replace(fair, verdicts=verdicts))
        assert told.endswith("save there first.") != better
        assert ("its cost): save elsewhere first." in told) == better
    poor = _judged("Poor", "return_on_cost", "worst")
    assert _told(rich, poor)[0].startswith("“Poor” brings back 0.50\u00a0× its cost")


def test_nothing_certain_is_said_so() -> None:
    equal = _judged("Equal", "cost_per_visitor", "as_expected")
    told = _told(equal)
    assert told[0].startswith("Of no touchpoint is it certain that it is dearer")
    gone = replace(_judged("Gone", "cost_per_visitor", "worst"), deleted=True)
    assert _told(equal, gone)[0] == told[0]
    alone = _row("Alone", 100, 1_000, 0, 500)
    assert "cannot be told: it takes 4" in _told(alone)[0]


@pytest.mark.parametrize(
    ("more", "currency", "english", "german"),
    [
        (3_387, "EUR", "€34", "34\u00a0€"),
        (338, "EUR", "€3.40", "3,40\u00a0€"),
        (121_345, "EUR", "€1,200", "1.200\u00a0€"),
        (7, "EUR", "€0.07", "0,07\u00a0€"),
        (3_387, "JPY", "JP¥3,400", "3.400\u00a0¥"),
    ],
)
def test_an_amount_that_is_missing_is_rounded_and_written_so(
    more: int, currency: str, english: str, german: str
) -> None:
    row = _judged("Early", "cost_per_visitor", "too_early")
    verdict = CostVerdict("too_early", 2.0, 30.0, CostPeers("stage", 3, 5.0), more)
    dear = replace(row, costs=replace(row.costs, cost=1_000_000))
    period = Period(date(2025, 11, 1), date(2025, 11, 10), "UTC")
    found = CostReport(period, "touchpoint", currency, Costs(), [dear])
    with speaking("en"):
        assert (
            cost_verdicts.missing_words(dear, verdict, found)
            == f"about {english} more needed to tell"
        )
    with speaking("de"):
        assert (
            cost_verdicts.missing_words(dear, verdict, found)
            == f"zum Urteilen fehlen etwa {german}"
        )


def test_nobody_came_for_it_is_said_without_an_upper_end() -> None:
    row = _judged("Empty", "cost_per_visitor", "worst")
    costs = replace(row.costs, visitors_with_cost=0)
    verdict = CostVerdict("worst", 20.0, None, CostPeers("stage", 3, 5.0), None)
    empty = replace(row, costs=costs, verdicts={"cost_per_visitor": verdict})
    assert _told(empty)[0] == (
        "“Empty” cost €10.00 and brought nobody, where others that are paid for usually cost "
        "€0.0500 per visitor: save there first."
    )
    period = Period(date(2025, 11, 1), date(2025, 11, 10), "UTC")
    found = CostReport(period, "touchpoint", "EUR", Costs(), [empty])
    with speaking("de"):
        assert cost_verdicts.interval_words("cost_per_visitor", verdict, found) == "ab 0,20\u00a0€"
        closed = replace(verdict, high=310.0)
        words = cost_verdicts.interval_words("cost_per_visitor", closed, found)
        assert words == "0,20–3,10\u00a0€"


def test_costs_are_sorted_from_their_heads(cast: Cast, poster: str) -> None:
    cast.ben.done(f"/touchpoints/{poster}/costs", **DAY)
    page = cast.ben.get("/reports/costs", sort="cost_per_visitor", order="up", **PERIOD)
    assert 'aria-sort="descending"' in page.text
    page = cast.ben.get("/reports/costs", **PERIOD)
    assert 'aria-sort="ascending"' in page.text
    assert "order=up" in page.text


@pytest.mark.parametrize(
    ("by", "best", "worst"),
    [
        ("cost_per_visitor", "cheap visitors", "costly visitors"),
        ("cost_per_conversion", "cheap conversions", "costly conversions"),
        ("return_on_cost", "high return", "low return"),
    ],
)
def test_a_badge_says_what_it_judges(by: By, best: str, worst: str) -> None:
    """Costly visitors may have the best return: "worst" alone would say it of the touchpoint."""
    told: list[tuple[Verdict, str]] = [
        ("best", best),
        ("worst", worst),
        ("as_expected", "as expected"),
    ]
    for verdict, wanted in told:
        row = _judged("Poster", by, verdict)
        said = (row.verdicts or {})[by]
        with speaking("en"):
            assert cost_badges.badge_word(row, by, said) == wanted
        with speaking("de"):
            assert "am schwächsten" not in cost_badges.badge_word(row, by, said)
    head, line = _file_of(_judged("Poster", by, "worst"))
    cells = dict(zip(head, line, strict=True))
    assert cells[f"{by}_verdict"] == "worst"
    with speaking("en"):
        (sheet,) = sheets_of([costs_table(_found(_judged("Poster", by, "worst")))])
    assert worst in sheet.rows[0]


def test_what_is_missing_for_a_verdict_is_said_alike_on_pages_and_in_files() -> None:
    early = _judged("Early", "return_on_cost", "too_early")
    wanted = (
        (400, "too_little_spent", 4.0, "too little spent yet"),
        (900_000, "difference_too_small", None, "difference too small"),
    )
    for more, code, needed, words in wanted:
        verdict = CostVerdict("too_early", 20.0, 40.0, CostPeers("stage", 3, 5.0), more)
        row = replace(early, verdicts={"return_on_cost": verdict})
        head, line = _file_of(row)
        cells = dict(zip(head, line, strict=True))
        assert cells["return_on_cost_reason"] == code
        told = cells["return_on_cost_more_cost_needed"]
        assert (None if told is None else float(str(told))) == needed
        assert cells["cost_per_visitor_reason"] is None
        with speaking("en"):
            assert cost_badges.badge_word(row, "return_on_cost", verdict) == words
            (sheet,) = sheets_of([costs_table(_found(row))])
            missing = cost_verdicts.missing_words(row, verdict, _found(row))
        in_words = dict(zip(sheet.heads, sheet.rows[0], strict=True))
        assert in_words["Return: why no verdict yet"] == words
        assert in_words["Return: verdict"] == "no verdict yet"
        assert missing == ("about €4 more needed to tell" if needed else "")


def _found(row: CostRow) -> CostReport:
    period = Period(date(2025, 11, 1), date(2025, 11, 10), "UTC")
    return CostReport(period, "touchpoint", "EUR", Costs(is_valued=True), [row])


def _file_of(row: CostRow) -> tuple[list[str], list[object]]:
    head, line = plain_lines(costs_table(_found(row)))
    return [str(name) for name in head], list(line)


def test_returns_of_a_column_have_the_same_decimals() -> None:
    rows = [_row("A", 100, 1_000, 0, 143_000), _row("B", 100, 1_000, 0, 2_240)]
    period = Period(date(2025, 11, 1), date(2025, 11, 10), "UTC")
    found = CostReport(period, "touchpoint", "EUR", Costs(is_valued=True), rows)
    fine = cost_words.return_decimals(found)
    with speaking("de"):
        told = [cost_words.return_words(row.costs, fine) for row in rows]
        worth = cost_words.parts(found)[1]
        verdict = CostVerdict("as_expected", 7.04, 13.3, None, None)
        interval = cost_verdicts.interval_words("return_on_cost", verdict, found)
        alone = cost_verdicts.interval_words("return_on_cost", replace(verdict, low=0.0), found)
    assert told == ["143,0\u00a0×", "2,2\u00a0×"]
    assert [row.cells[-1] for row in worth.rows[:2]] == told
    assert (interval, alone) == ("7,0–13,3\u00a0×", "0–13\u00a0×")
