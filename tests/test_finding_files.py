"""Costs, personas, moments of truth, changes and transitions in every form: page, API, JSON, CSV,
workbook, PDF and shared link agree to the digit.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import openpyxl
import pypdfium2
import pytest
from market import FORMULA, Market, market
from pages import Markup
from people import Browser, text_of
from werkzeug.test import TestResponse

from linkservice.reports.results import METRICS
from linkservice.web import i18n
from linkservice.web.counted import METRIC_WORDS

__all__ = ["market"]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Report:
    """Where a report's forms are, and which figures of the API's answer each of them shows."""

    page: str
    api: str
    file: str
    paper: str
    rows: str
    sheet: str
    asked: dict[str, str]
    share: dict[str, str]


def reports(market: Market) -> dict[str, Report]:
    journey = market.journey_id
    there = f"/reports/journeys/{journey}"
    return {
        "costs": Report(
            *("/reports/costs", "/reports/costs", "/reports/costs/download"),
            *("/reports/costs/paper", "rows", "Costs", {"group": "touchpoint"}),
            share={"about": "costs"},
        ),
        "costs by channel": Report(
            *("/reports/costs", "/reports/costs", "/reports/costs/download"),
            *("/reports/costs/paper", "rows", "Costs", {"group": "channel"}),
            share={"about": "costs", "filters": "group=channel"},
        ),
        "personas": Report(
            *("/reports/personas", "/reports/personas", "/reports/personas/download"),
            *("/reports/personas/paper", "rows", "Personas", {}),
            share={"about": "personas"},
        ),
        "personas by conversions": Report(
            *("/reports/personas", "/reports/personas", "/reports/personas/download"),
            *("/reports/personas/paper", "rows", "Personas"),
            asked={"metric": "conversions_per_click", "attribution": "first"},
            share={
                "about": "personas",
                "metric": "conversions_per_click",
                "filters": "attribution=first",
            },
        ),
        "moments": Report(
            *("/reports/moments", "/reports/moments", "/reports/moments/download"),
            *("/reports/moments/paper", "touchpoints", "Moments of truth", {"journey_id": journey}),
            share={"about": "moments", "subject": journey},
        ),
        "changes": Report(
            *("/", "/reports/changes", "/reports/changes/download"),
            *("", "touchpoints", "What changed", {}),
            share={},
        ),
        "transitions": Report(
            *(there, "/reports/transitions", f"{there}/transitions/download"),
            *(f"{there}/paper", "transitions", "From stage to stage", {"journey_id": journey}),
            share={"about": "journey", "subject": journey},
        ),
    }


NAMES = (
    *("costs", "costs by channel", "personas", "personas by conversions", "moments", "changes"),
    "transitions",
)


def asked_api(market: Market, report: Report) -> Any:
    client = market.cast.vera.client.application.test_client()
    answer = client.get(
        f"/api/v1{report.api}",
        query_string=report.asked,
        headers={"Authorization": f"Bearer {market.key}"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json


def got(who: Browser, path: str, **query: str) -> bytes:
    answer = who.get(path, **query)
    assert answer.status_code == 200, text_of(answer)
    assert "attachment" in answer.headers["Content-Disposition"]
    return answer.data


def as_csv(market: Market, report: Report) -> list[dict[str, str]]:
    data = got(market.cast.vera, report.file, format="csv", **report.asked)
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def sheets(market: Market, report: Report) -> dict[str, list[tuple[Any, ...]]]:
    data = got(market.cast.vera, report.file, format="xlsx", **report.asked)
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {
        sheet.title: [tuple(cell.value for cell in row) for row in sheet.iter_rows()]
        for sheet in book.worksheets
    }


def on_paper(who: Browser, path: str, **query: str) -> str:
    file = pypdfium2.PdfDocument(got(who, path, **query))
    pages = [page.get_textpage().get_text_bounded() for page in file]
    return " ".join(" ".join(pages).split())


def shared_page(market: Market, language: str = "en", **fields: str) -> TestResponse:
    """What whoever has the link reads, after Ben made it for that."""
    until = (market.today + timedelta(days=30)).isoformat()
    usual = {"name": "For the board", "days": "rolling", "expires_at": until}
    made = market.cast.ben.post("/reports/shares", **{**usual, **fields})
    found = re.search(r"/app(/shared/[\w-]{43})", made.text)
    assert found, text_of(made)
    reader = Browser(market.cast.ada.client.application, market.cast.ada.settings)
    answer = reader.get(found[1], language=language)
    assert answer.status_code == 200
    return answer


def figures(name: str, row: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    """A row's figures as people read them, on the page and on paper."""
    if name.startswith("costs"):
        money = ("cost", "cost_per_click", "cost_per_visitor", "cost_per_conversion")
        all_told = [*answer["rows"], answer["totals"]]
        finer = {each for each in money[1:] if any(0 < (told[each] or 0) < 10 for told in all_told)}
        return [
            *(i18n.write_number(row[each]) for each in ("clicks", "visitors")),
            *(
                i18n.write_money(row[each], answer["currency"], finer=each in finer)
                for each in money
                if row[each]
            ),
        ]
    if name.startswith("personas"):
        rates = [row["rate"], row["standardised_rate"], *(cell["rate"] for cell in row["cells"])]
        return [i18n.write_percent(rate, 1) for rate in rates if rate is not None]
    if name == "moments":
        if row["quadrant"] is None:
            return [i18n.write_number(row["visitors"])]
        told = [row[each] for each in ("association", "association_low", "association_high")]
        return [i18n.write_number(round(each, 2) + 0.0, 2) for each in told]
    if name == "changes":
        beside = row[row["window"]] if row["change"] in ("below", "above") else None
        return [i18n.write_number(beside["visitors"])] if beside else []
    return [i18n.write_number(row[each]) for each in ("visitors", "went_on")]


@pytest.mark.parametrize("name", NAMES)
def test_every_form_agrees_to_the_digit(market: Market, name: str) -> None:
    report = reports(market)[name]
    answer = asked_api(market, report)
    content = json.loads(got(market.cast.vera, report.file, format="json", **report.asked))
    assert {key: content[key] for key in answer} == answer
    rows = answer[report.rows]
    assert len(rows) >= 1
    with i18n.speaking("en"):
        shown = text_of(market.cast.vera.get(report.page, **report.asked))
        paper = on_paper(market.cast.vera, report.paper, **report.asked) if report.paper else shown
        shared = text_of(shared_page(market, **report.share)) if report.share else shown
        for row in rows:
            for figure in figures(name, row, answer):
                assert figure in shown, (name, figure)
                assert figure in paper, (name, figure)
                assert figure in shared, (name, figure)
    lines, table = as_csv(market, report), sheets(market, report)
    head, *cells = table[report.sheet]
    assert len(lines) == len(cells)
    # A workbook has the figures of the CSV file, in its order, as numbers.
    for line, row in zip(lines, cells, strict=True):
        values = list(line.values())[: len(head)]
        for text, value in zip(values, row, strict=True):
            if isinstance(value, int | float) and not isinstance(value, bool):
                assert float(text) == value
    for line, told in zip(lines, flat(name, rows, answer), strict=True):
        for column, figure in told.items():
            assert line[column] == figure, (name, column)


def test_costs_say_on_paper_and_shared_what_their_page_says(market: Market) -> None:
    """Who is cheapest, and of which clicks and which money a figure is."""
    vera = market.cast.vera
    for group, about in (("touchpoint", "campaigns"), ("campaign", "touchpoints")):
        shown = text_of(vera.get("/reports/costs", group=group))
        paper = on_paper(vera, "/reports/costs/paper", group=group)
        shared = text_of(shared_page(market, about="costs", filters=f"group={group}"))
        told = re.findall(rf"of this, €[\d,.]+ of {about}", shown)
        told += re.findall(r"of [\d,]+ of [\d,]+ clicks", shown)
        told += re.findall(r"Of what is paid for, .*? each\)\.", shown)
        assert len(told) >= 2
        for words in told:
            assert words in paper, (group, words)
            assert words in shared, (group, words)


def flat(name: str, rows: list[dict[str, Any]], answer: dict[str, Any]) -> list[dict[str, str]]:
    """What the lines of the CSV must hold, made of the API's answer alone."""

    def text(value: Any) -> str:
        return "" if value is None else str(value)

    if name.startswith("costs"):
        plain = ("clicks", "visitors", "tokenless", "clicks_with_cost", "conversions")
        return [
            {
                **{each: text(row[each]) for each in plain},
                "cost": "" if row["cost"] is None else f"{row['cost'] / 100:.2f}",
                "cost_per_click": text(row["cost_per_click"] and row["cost_per_click"] / 100),
                "asked_group": answer["group"],
            }
            for row in rows
        ]
    if name.startswith("personas"):
        plain = ("persona_id", "clicks", "scans", "conversions", "rate")
        return [
            {
                **{each: text(cell[each]) for each in plain},
                "standardised_rate": text(row["standardised_rate"]),
                "other_clicks": text(row["other_clicks"]),
            }
            for row in rows
            for cell in row["cells"]
        ]
    if name == "moments":
        each = ("visitors", "association", "performance_low", "quadrant", "certain")
        return [{key: text(row[key]) for key in each} for row in rows]
    if name == "changes":
        return [
            {
                "change": row["change"],
                "yesterday_visitors": text((row["yesterday"] or {}).get("visitors")),
                "three_days_expected": text((row["three_days"] or {}).get("expected")),
                "days_needed": text(row["days_needed"]),
            }
            for row in rows
        ]
    each = ("from_stage", "visitors", "went_on", "rate", "low", "high", "chance")
    return [{key: text(row[key]) for key in each} for row in rows]


def test_the_market_has_something_to_say(market: Market) -> None:
    """Else the forms would agree about nothing."""
    found = {name: asked_api(market, report) for name, report in reports(market).items()}
    assert found["costs"]["totals"]["cost"] == 120_050 + 9_999
    assert found["costs"]["totals"]["conversions"] == 9
    assert len(found["personas"]["personas"]) == 2
    totals = found["personas by conversions"]["personas"]
    assert sum(persona["conversions"] for persona in totals) == 9
    assert any(row["quadrant"] for row in found["moments"]["touchpoints"])
    assert [row["change"] for row in found["changes"]["touchpoints"]].count("below") == 1
    assert found["transitions"]["weakest"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_file_says_how_it_was_counted_and_runs_nothing(market: Market, name: str) -> None:
    report = reports(market)[name]
    table = sheets(market, report)
    facts = dict(table["How this was counted"][1:])
    assert facts["Time zone"] == "Europe/Berlin"
    assert "both days included" in facts["Period"]
    assert facts["Version"].startswith("linkservice ")
    (line, *_) = as_csv(market, report)
    assert line["asked_time_zone"] == "Europe/Berlin"
    if name not in ("costs by channel", "transitions"):
        assert {row["name"] for row in as_csv(market, report)} >= {f"'{FORMULA}", "Poster"}
        assert FORMULA in {cell for row in table[report.sheet] for cell in row}
    if name != "changes":
        shown = text_of(market.cast.vera.get(report.page, **report.asked))
        for term, text in facts.items():
            if name != "transitions" and term != "Version":
                assert f"{term} {' '.join(text.split())}" in shown, term


CODE = re.compile(r"[a-z][a-z0-9_]*")
"""What a sheet or a column is called by programs; no German head is written so."""


def test_every_head_of_every_workbook_is_a_word(market: Market) -> None:
    vera = market.cast.vera
    pages = [report.page for report in reports(market).values()]
    pages += ["/reports", f"/campaigns/{market.campaign_id}", f"/links/{market.link_id}"]
    pages += [f"/reports/touchpoints/{id}" for id in market.ids.values()]
    asked: list[dict[str, str]]
    asked = [{}, {"group": "stage"}, {"metric": "value_per_reach"}, {"country": "DE"}]
    books: dict[str, bytes] = {}
    vera.client.set_cookie("linkservice-language", "de")
    try:
        for page in dict.fromkeys(pages):
            for more in asked:
                answer = vera.get(page, **more)
                assert answer.status_code < 500, (page, more)
                for link in re.findall(r'href="/app([^"]*download[^"]*)"', answer.text):
                    path, _, query = unescape(link).partition("?")
                    wanted = dict(parse_qsl(query))
                    if wanted.get("format") == "xlsx" and link not in books:
                        books[link] = got(vera, path, **wanted)
    finally:
        vera.client.set_cookie("linkservice-language", "en")
    seen = set()
    for link, data in books.items():
        for sheet in openpyxl.load_workbook(io.BytesIO(data), read_only=True):
            seen.add(sheet.title)
            codes = [each for each in (sheet.title, *next(sheet.values)) if CODE.fullmatch(each)]
            assert not codes, (link, sheet.title)
    # Tables of every kind of report were looked at.
    told = {"Links im Vergleich", "Kosten", "Gruppen", "Phasen", "Personas", "Vergleich", "Länder"}
    assert told <= seen, told - seen


def test_german_files_and_papers_speak_german(market: Market) -> None:
    vera = market.cast.vera
    vera.client.set_cookie("linkservice-language", "de")
    try:
        found = {name: sheets(market, report) for name, report in reports(market).items()}
        papers = {
            name: on_paper(vera, report.paper, **report.asked)
            for name, report in reports(market).items()
            if name in ("costs", "moments", "transitions")
        }
    finally:
        vera.client.set_cookie("linkservice-language", "en")
    assert list(found["costs"]) == ["Kosten", "Summen", "Wie gezählt wurde"]
    assert {row[6] for row in found["changes"]["Was sich verändert hat"][1:]} <= {
        "ungewöhnlich wenige",
        "wie üblich",
    }
    assert {row[1] for row in found["costs by channel"]["Kosten"][1:]} >= {"poster"}
    assert {row[2] for row in found["costs by channel"]["Kosten"][1:]} >= {"Plakat"}
    for name, paper in papers.items():
        assert "Seite 1 von" in paper, name
        assert "Wie gezählt wurde" in paper, name
    assert "1.300,49 € ausgegeben" in papers["costs"]
    assert (
        "der schwächste Übergang" in papers["transitions"] or "schwächste" in papers["transitions"]
    )


def test_pages_offer_every_form(market: Market) -> None:
    for name, report in reports(market).items():
        text = market.cast.vera.get(report.page, **report.asked, period="90d").text
        for form in ("xlsx", "csv", "json"):
            links = re.findall(r'href="([^"]*download[^"]*)"', text)
            wanted = (f"/app{report.file}?", f"format={form}", "period=90d")
            assert any(all(part in link for part in wanted) for link in links), (name, form)
        if report.paper:
            assert f"/app{report.paper}?" in text, name


def test_the_journeys_workbook_has_its_transitions(market: Market) -> None:
    path = f"/reports/journeys/{market.journey_id}/download"
    content = json.loads(got(market.cast.vera, path, format="json"))
    assert content["transitions"]["transitions"][0]["visitors"] == 27 * 81
    book = openpyxl.load_workbook(io.BytesIO(got(market.cast.vera, path, format="xlsx")))
    assert {"Touchpoints", "From stage to stage", "Stages"} < set(book.sheetnames)
    # None of the market's links appends a click id: no clicks are told, rather than none.
    told = {(each["clicks"], each["conversions"]) for each in content["transitions"]["steps"]}
    assert told == {(None, None)}
    head, *rows = book["Stages"].values
    counts = [dict(zip(head, row, strict=True)) for row in rows]
    assert {each["Clicks with a click id"] for each in counts} == {None}
    assert {each["Conversions of these clicks"] for each in counts} == {None}
    assert all(each["Visitors"] for each in counts)


def test_the_map_has_the_shares_of_the_table(market: Market) -> None:
    page = market.cast.vera.get(f"/reports/journeys/{market.journey_id}").text
    on_map = re.findall(r"<strong>([^<]+)</strong> <span class=\"small\">go on", page)
    in_table = re.findall(r'data-label="Share">([^<]+)<', page)
    assert on_map == in_table
    # One of them is small, so that all have a decimal.
    assert all(re.fullmatch(r"\d+\.\d%", each) for each in on_map), on_map


def test_moments_are_shown_by_every_metric_that_the_api_knows(market: Market) -> None:
    for metric in METRICS:
        answer = market.cast.vera.get("/reports/moments", metric=metric)
        assert answer.status_code == 200, metric
        assert METRIC_WORDS[metric] in text_of(answer)


def test_what_a_star_says_among_moments_is_told(market: Market) -> None:
    """Who marks one expects it to matter; the figures may say otherwise, on the same page."""
    told = "Marked as a moment of truth in the journey, as you expect it to be."
    page = market.cast.vera.get("/reports/moments")
    assert told not in text_of(page)
    (number, *_) = re.findall(r"/app/reports/touchpoints/(\d+)", page.text)
    star = f"/touchpoints/{number}/star"
    assert market.cast.ben.post(star, on="1").status_code in (200, 303)
    assert told in text_of(market.cast.vera.get("/reports/moments"))
    market.cast.ben.post(star, on="0")


def test_wrong_formats_and_foreign_journeys_are_refused(market: Market) -> None:
    for name, report in reports(market).items():
        assert market.cast.vera.get(report.file, format="exe").status_code == 422, name
        assert market.cast.stranger.get(report.file).status_code == 303
        answer = market.cast.cleo.get(report.file, format="json", **report.asked)
        assert answer.status_code == 404 or "Poster" not in answer.text, name


@pytest.mark.parametrize("about", ["costs", "personas", "moments", "campaign", "overview"])
def test_a_shared_report_leads_nowhere_and_speaks_both_languages(
    market: Market, about: str
) -> None:
    subject = {"moments": market.journey_id, "campaign": market.campaign_id}.get(about, "")
    for language, words in (("en", "How was this counted?"), ("de", "Wie wurde gezählt?")):
        answer = shared_page(market, language, about=about, subject=subject)
        assert f'lang="{language}"' in answer.text
        assert words in text_of(answer)
        elements = Markup(answer.text).elements
        places = [given["href"] for tag, given in elements if tag == "a"]
        assert [each for each in places if not each.startswith(("#", "?language="))] == []
        assert not [tag for tag, _ in elements if tag in ("script", "form", "iframe")]


def test_a_filtered_and_grouped_ranking_is_shared_as_it_is(market: Market) -> None:
    query = {"verdict": "best", "group": "stage", "metric": "conversions_per_click"}
    ben = market.cast.ben
    page = ben.get("/reports", group="stage", campaign_id=market.campaign_id, sort="clicks")
    form = re.search(r'href="/app(/reports/shares\?[^"]+)"', page.text)
    assert form
    asked = dict(parse_qsl(urlsplit(unescape(form[1])).query))
    assert dict(parse_qsl(asked["filters"])) == {
        "group": "stage",
        "campaign_id": market.campaign_id,
        "sort": "clicks",
    }
    told = text_of(ben.get(unescape(form[1])))
    assert "Its readers see: Touchpoints · Campaign: Autumn · Groups: Stage" in told
    shown = text_of(shared_page(market, about="touchpoints", filters=asked["filters"]))
    assert "Campaign: Autumn · Groups: Stage" in shown
    assert "The 5 shown" in shown
    assert "Touchpoints shown Campaign: Autumn." in shown
    # The sums of the groups, as the page has them.
    sums = re.findall(r"(See|Try|Buy) (?:One touchpoint|2 touchpoints) ([\d,]+)", shown)
    assert len(sums) == 3
    for stage, clicks in sums:
        assert f"{stage} " in text_of(page)
        assert clicks in text_of(page)
    listed = text_of(ben.get("/reports/shares"))
    assert "Touchpoints Campaign: Autumn · Groups: Stage" in listed
    shown = text_of(shared_page(market, about="touchpoints", **query))
    assert "What is compared: Conversions per click" in shown


def test_a_shared_journey_says_where_customers_are_lost(market: Market) -> None:
    fields = {"about": "journey", "subject": market.journey_id}
    words = text_of(shared_page(market, **fields))
    assert "Customers are lost most between “See” and “Try”" in words
    assert "From stage to stage The visitors of a stage on a day" in words


def test_moments_are_drawn_on_paper(market: Market) -> None:
    paper = on_paper(market.cast.vera, "/reports/moments/paper", journey_id=market.journey_id)
    page = text_of(market.cast.vera.get("/reports/moments", journey_id=market.journey_id))
    for words in ("↑ Goes along more with", "→ Does better than its peers"):
        assert words in paper
        assert words in page
    # The drawing names all four, a table only those that hold something.
    for name in ("Strengthen first", "Keep up", "Can wait", "Good enough"):
        assert name in paper
    numbered = re.findall(r"\b(\d)\. (Poster|Flyer|Stand|Window)\b", paper)
    assert len(numbered) >= 3
    assert all(f"{number}. {name}" in page for number, name in numbered)


def test_a_shared_overview_says_what_its_page_says_but_nothing_of_the_members(
    market: Market,
) -> None:
    note = {"date": str(market.today - timedelta(days=3)), "text": "Printer on strike"}
    market.cast.ben.done("/reports/annotations", **note, back="/app/")
    page = market.cast.ben.get("/")
    assert "Printer on strike" in page.text
    shown = shared_page(market, about="overview")
    with_words = re.findall(r'class="verdict-words">([^<]+)<', page.text)
    assert with_words
    assert re.findall(r'class="verdict-words">([^<]+)<', shown.text) == with_words
    figures = [re.findall(r'class="stat-value">([^<]+)<', each.text)[:3] for each in (page, shown)]
    assert figures[0] == figures[1]
    words = text_of(shown)
    assert "Suspected mail scanners" in words
    assert "not among the clicks; other mail scanners give their name" in words
    private = "Printer on strike", "Latest links", "example.com", "Waiting to be counted"
    for each in private:
        assert each not in words
        assert each in text_of(page) or each in page.text


def test_a_filtered_overview_is_shared_as_it_is(market: Market) -> None:
    form = re.search(
        r'href="/app(/reports/shares\?[^"]+)"', market.cast.ben.get("/", source="scan").text
    )
    assert form
    asked = dict(parse_qsl(urlsplit(unescape(form[1])).query))
    assert (asked["about"], asked["filters"]) == ("overview", "source=scan")
    words = text_of(shared_page(market, about="overview", filters=asked["filters"]))
    assert "Scanned or clicked: Scanned" in words
    assert "hold for all clicks, not for these alone" in words
    # The market has roll-ups alone.
    assert "No click of this period meets the filters." in words


def test_the_overview_and_moments_are_saved_as_views(market: Market) -> None:
    ben = market.cast.ben
    place = "/reports/moments"
    for path, asked in (("/", {"source": "scan"}), (place, {"journey_id": market.journey_id})):
        page = ben.get(path, period="7d", **asked)
        given = dict(re.findall(r'name="(about|query)" value="([^"]*)"', page.text))
        shown = ben.done(
            "/reports/views",
            name=f"My {given['about']}",
            **{name: unescape(value) for name, value in given.items()},
        )
        query = dict(parse_qsl(urlsplit(shown.request.full_path).query))
        assert query == {"period": "7d", **asked}
    assert "My moments Moments of truth 7 days" in text_of(ben.get("/reports/views"))


def test_a_filtered_campaign_is_shared_as_it_is(market: Market) -> None:
    fields = {"about": "campaign", "subject": market.campaign_id, "filters": "source=scan"}
    shown = text_of(shared_page(market, **fields))
    page = text_of(market.cast.vera.get(f"/campaigns/{market.campaign_id}", source="scan"))
    clicks = re.search(r"Clicks ([\d,]+)", shown)
    assert clicks
    assert f"Clicks {clicks[1]}" in page
    assert "Scanned or clicked: Scanned" in shown


def test_what_a_page_does_not_know_is_not_shared(market: Market) -> None:
    for about in ("costs", "touchpoints", "link", "moments"):
        query = {"about": about, "filters": "group=moon&country=Germany&stage_id=999"}
        assert market.cast.ben.get("/reports/shares", **query).status_code == 200
    until = (market.today + timedelta(days=30)).isoformat()
    usual = {"name": "A", "days": "rolling", "expires_at": until}
    for fields, status in (
        ({"about": "costs", "filters": "group=moon"}, 422),
        ({"about": "costs", "filters": "country=DE"}, 422),
        ({"about": "personas", "filters": "group=channel"}, 422),
        ({"about": "overview", "filters": "country=Germany"}, 422),
        ({"about": "overview", "filters": "group=channel"}, 422),
        ({"about": "touchpoints", "filters": "kind=gas"}, 422),
        ({"about": "touchpoints", "filters": "order=sideways"}, 422),
        ({"about": "touchpoints", "filters": "persona_id=999"}, 404),
        ({"about": "moments"}, 404),
        ({"about": "moments", "subject": "999"}, 404),
        ({"about": "campaign", "subject": "999"}, 404),
    ):
        answer = market.cast.ben.post("/reports/shares", **usual, **fields)
        assert answer.status_code == status, fields


def test_the_overviews_paper_says_what_its_page_says(market: Market) -> None:
    shown = text_of(market.cast.vera.get("/"))
    paper = on_paper(market.cast.vera, "/overview/paper")
    for word in ("Clicks", "Scans", "Visitors"):
        figure = re.search(rf"{word} ([\d,]+)", shown)
        assert figure
        assert f"{word} {figure[1]}" in paper
    changed = re.search(r"\d+ visitors? on .{1,20}, where [\d.,]+ are usual", shown)
    assert changed
    assert changed[0] in paper
    assert "unusually few" in paper
    assert market.cast.stranger.get("/overview/paper").status_code == 303


def test_the_overviews_files_have_its_days_and_who_stands_out(market: Market) -> None:
    who, path = market.cast.vera, "/overview/download"
    content = json.loads(got(who, path, format="json"))
    lines = got(who, path, format="csv").decode("utf-8-sig").splitlines()
    days = [line for line in csv.DictReader(lines) if line["table"] == "days"]
    assert [int(day["clicks"]) for day in days] == [day["clicks"] for day in content["days"]]
    assert sum(day["clicks"] for day in content["days"]) == content["totals"]["clicks"]
    assert [row["name"] for row in content["touchpoints"]] == ["Poster", "Window"]
    assert "below" in {row["change"] for row in content["changes"]["touchpoints"]}
    book = openpyxl.load_workbook(io.BytesIO(got(who, path, format="xlsx")))
    names = ["Days", "Comparison", "Days before", "Totals", "Touchpoints", "What changed"]
    assert book.sheetnames[:6] == names
    shown = text_of(who.get("/"))
    for fact in content["counted"][:-1]:
        assert f"{fact['term']} {' '.join(fact['text'].split())}" in shown


@pytest.mark.parametrize("filters", ["country=DE", "source=scan&group=stage"])
def test_a_ranking_is_shared_with_filters_of_clicks(market: Market, filters: str) -> None:
    shown = shared_page(market, about="touchpoints", filters=filters)
    words = text_of(shown)
    assert "Country: Germany" in words or "Scanned or clicked: Scanned · Groups: Stage" in words
    page = text_of(market.cast.vera.get("/reports", **dict(parse_qsl(filters))))
    for total in re.findall(r"Total ([\d,]+ [\d,]+ [\d,]+)", words):
        assert f"Total {total}" in page


def test_whose_a_conversion_is_goes_with_a_touchpoints_files_and_share(market: Market) -> None:
    """What the page offers asks for what it shows."""
    path = f"/reports/touchpoints/{market.ids['Poster']}"
    page = market.cast.ben.get(path, attribution="first").text
    links = [unescape(each) for each in re.findall(r'href="/app([^"]+)"', page)]
    files = [each for each in links if f"{path}/download" in each or f"{path}/paper" in each]
    assert len(files) == 4
    assert all("attribution=first" in each for each in files)
    assert any("filters=attribution%3Dfirst" in each for each in links)
    content = json.loads(got(market.cast.vera, f"{path}/download?format=json&attribution=first"))
    assert content["filters"]["attribution"] == "first"
    fields = {"about": "touchpoint", "subject": market.ids["Poster"]}
    shared_page(market, **fields, filters="attribution=first")


def test_the_overviews_files_compare_conversions_and_value(market: Market) -> None:
    """As its page does: nine orders of 19.90 in the last days, none before."""
    last = (market.today - timedelta(days=1)).isoformat()
    query = {"from": (market.today - timedelta(days=7)).isoformat(), "to": last}
    who, path = market.cast.vera, "/overview/download"
    page = text_of(who.get("/", **query))
    assert "9 conversions (none before)" in page
    assert "worth €179.10 (nothing before)" in page
    change = json.loads(got(who, path, format="json", **query))["change"]
    assert (change["now"]["conversions"], change["before"]["conversions"]) == (9, 0)
    assert (change["now"]["value"], change["before"]["value"]) == (17_910, 0)
    lines = got(who, path, format="csv", **query).decode("utf-8-sig").splitlines()
    compared = [line for line in csv.DictReader(lines) if line["table"] == "compared"]
    told = {line["figure"]: (line["now"], line["before"]) for line in compared}
    assert list(told) == ["clicks", "scans", "visitors", "conversions", "value"]
    assert (told["conversions"], told["value"]) == (("9", "0"), ("179.10", "0.00"))
    book = openpyxl.load_workbook(io.BytesIO(got(who, path, format="xlsx", **query)))
    rows = [[cell.value for cell in row] for row in book["Comparison"].iter_rows()]
    assert ["Conversions", 9, 0] in rows
    assert rows[-1][0] == "Value (EUR)"
    assert [float(cell) for cell in rows[-1][1:]] == [179.1, 0.0]


@pytest.mark.parametrize("place", ["/reports", "/reports/journeys/{}"])
def test_a_value_of_nothing_is_told_where_values_are(market: Market, place: str) -> None:
    """Nobody bought by the flyer; what the two with orders are worth is known."""
    who, path = market.cast.vera, place.format(market.journey_id)
    paper = on_paper(who, f"{path}/paper", sort="name") if path == "/reports" else ""
    paper = paper or on_paper(who, f"{path}/paper")
    lines = re.findall(r"(Poster|Flyer|Stand|Window) .{0,12}?[\d,]+ [\d,]+ [\d,]+ (\d+ \S+)", paper)
    assert dict(lines) == {
        "Poster": "7 €139.30",
        "Flyer": "0 €0.00",
        "Stand": "0 €0.00",
        "Window": "2 €39.80",
    }
    if path == "/reports":
        shown = text_of(who.get(path))
        assert re.search(r"Flyer .{0,40} 0 €0\.00", shown)
        assert re.search(r"Poster .{0,40} 7 €139\.30", shown)
        shared = text_of(shared_page(market, about="touchpoints"))
        assert shared.count("0 €0.00") == shown.count("0 €0.00") == 3
