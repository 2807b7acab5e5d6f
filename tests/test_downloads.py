"""Files of reports: page, JSON, CSV and workbook agree to the digit, in German and in English."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime
from typing import Any

import openpyxl
import pytest
from people import text_of
from test_pages_reports import HOSTILE, Shop, shop
from werkzeug.test import TestResponse

from linkservice.cells import harmless
from linkservice.web.exports import FORMATS

__all__ = ["shop"]

TAGS = re.compile(r"<[^>]+>")
FORMULA = '=HYPERLINK("http://evil.example")'


def paths(shop: Shop) -> dict[str, tuple[str, str]]:
    """A report's page and its file."""
    strong = shop.ids["Strong"]
    return {
        "ranking": ("/reports", "/reports/download"),
        "journey": (
            f"/reports/journeys/{shop.journey_id}",
            f"/reports/journeys/{shop.journey_id}/download",
        ),
        "touchpoint": (
            f"/reports/touchpoints/{strong}",
            f"/reports/touchpoints/{strong}/download",
        ),
        "link": (f"/reports/links/{shop.link_id}", f"/reports/links/{shop.link_id}/download"),
    }


def saved(answer: TestResponse, media_type: str) -> bytes:
    assert answer.status_code == 200, text_of(answer)
    assert answer.mimetype == media_type
    assert "attachment" in answer.headers["Content-Disposition"]
    return answer.data


def as_json(shop: Shop, path: str, **query: Any) -> Any:
    data = saved(shop.cast.vera.get(path, format="json", **query), "application/json")
    return json.loads(data)


def as_csv(shop: Shop, path: str, **query: Any) -> list[dict[str, str]]:
    answer = shop.cast.vera.get(path, format="csv", **query)
    assert answer.content_type == "text/csv; charset=utf-8"
    data = saved(answer, "text/csv")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def as_workbook(shop: Shop, path: str, **query: Any) -> dict[str, list[tuple[Any, ...]]]:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    data = saved(shop.cast.vera.get(path, format="xlsx", **query), kind)
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {
        sheet.title: [tuple(cell.value for cell in row) for row in sheet.iter_rows()]
        for sheet in book.worksheets
    }


def on_page(answer: TestResponse) -> dict[str, list[str]]:
    """The ranking's rows as a reader sees them: name, then clicks, scans, visitors."""
    found = {}
    row = r'(?s)<tr class="is-[a-z-]+">\s*<th scope="row"><a[^>]*>([^<]*)</a>(.*?)</tr>'
    for name, rest in re.findall(row, answer.text):
        cells = re.findall(r'(?s)<td class="figure[^"]*"[^>]*>(.*?)</td>', rest)
        found[name] = [TAGS.sub("", cell).strip() for cell in cells]
    return found


def number(text: str) -> int:
    return int(re.sub(r"[.,]", "", text))


@pytest.mark.parametrize("query", [{}, {"period": "7d", "scanners": "include"}])
def test_page_json_csv_and_workbook_agree(shop: Shop, query: dict[str, str]) -> None:
    page = on_page(shop.cast.vera.get("/reports", **query))
    content = as_json(shop, "/reports/download", **query)
    lines = {line["id"]: line for line in as_csv(shop, "/reports/download", **query)}
    head, *rows = as_workbook(shop, "/reports/download", **query)["Touchpoints"]
    table = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert len(content["touchpoints"]) == len(lines) == len(table) == 8
    for row in content["touchpoints"]:
        line, cells = lines[row["id"] or ""], table[row["id"]]
        for name, title in (("clicks", "Clicks"), ("scans", "Scans"), ("visitors", "Visitors")):
            assert int(line[name]) == cells[title] == row[name]
        for name, title in (("rate", "Rate"), ("low", "Interval, from"), ("high", "Interval, to")):
            told = float(line[name]) if line[name] else None
            assert told == row[name] == cells[title]
        if row["name"] in page:
            clicks, scans, visitors, *_ = page[row["name"]]
            assert list(map(number, (clicks, scans, visitors))) == [
                row[name] for name in ("clicks", "scans", "visitors")
            ]
    assert {"Strong", "Weak", "Bare"} < set(page)
    totals = content["totals"]
    assert sum(row["clicks"] for row in content["touchpoints"]) == totals["clicks"]
    told = dict(as_workbook(shop, "/reports/download", **query)["Totals"][1:])
    assert told["Clicks"] == totals["clicks"]
    assert told["Misses"] == totals["misses"] == 33


def test_a_file_has_the_period_and_the_filters_of_its_page(shop: Shop) -> None:
    query = {"period": "7d", "metric": "clicks_per_day", "journey_id": shop.journey_id}
    content = as_json(shop, "/reports/download", **query)
    assert content["period"]["to"] == shop.today.isoformat()
    asked = {"metric": "clicks_per_day", "journey_id": shop.journey_id, "scanners": "apart"}
    assert content["filters"] == asked
    assert [row["name"] for row in content["touchpoints"]] == ["Strong"]
    (line,) = as_csv(shop, "/reports/download", **query)
    assert line["asked_from"] == content["period"]["from"]
    assert line["asked_time_zone"] == "Europe/Berlin"
    assert line["asked_metric"] == "clicks_per_day"
    facts = dict(as_workbook(shop, "/reports/download", **query)["How this was counted"][1:])
    assert facts["Time zone"] == "Europe/Berlin"
    assert "Clicks a day" in facts["Filters"]
    assert "Journey of Strong" in facts["Filters"]
    answer = shop.cast.vera.get("/reports/download", period="7d")
    days = f"{content['period']['from']}-{content['period']['to']}"
    assert f"touchpoints-{days}.xlsx" in answer.headers["Content-Disposition"]


def test_rows_stand_as_they_are_sorted(shop: Shop) -> None:
    by_name = as_csv(shop, "/reports/download", sort="name")
    names = [line["name"] for line in by_name if line["id"]]
    assert names == sorted(names, key=str.casefold)
    lines = as_csv(shop, "/reports/download", sort="clicks", order="up")
    clicks = [int(line["clicks"]) for line in lines if line["id"]]
    assert clicks == sorted(clicks)


def test_files_hold_the_rows_and_groups_that_are_shown(shop: Shop) -> None:
    query = {"verdict": "worst", "group": "channel"}
    (line,) = as_csv(shop, "/reports/download", **query)
    assert (line["name"], line["group"], line["asked_verdict"]) == ("Weak", "poster", "worst")
    content = as_json(shop, "/reports/download", **query)
    assert [row["name"] for row in content["touchpoints"]] == ["Weak"]
    assert content["shown"]["clicks"] == int(line["clicks"]) < content["totals"]["clicks"]
    (group,) = content["groups"]
    assert (group["key"], group["touchpoint_ids"]) == ("poster", [line["id"]])
    sheets = as_workbook(shop, "/reports/download", **query)
    assert dict(sheets["Touchpoints shown"])["Clicks"] == content["shown"]["clicks"]
    facts = dict(sheets["How this was counted"][1:])
    assert "a filter changes none" in facts["Touchpoints shown"]
    paper = shop.cast.vera.get("/reports/paper", group="channel")
    assert paper.data.startswith(b"%PDF")


@pytest.mark.parametrize("about", ["touchpoint", "link"])
def test_one_thing_agrees_with_its_page_everywhere(shop: Shop, about: str) -> None:
    page, file = paths(shop)[about]
    content = as_json(shop, file, period="7d")
    lines = as_csv(shop, file, period="7d")
    sheets = as_workbook(shop, file, period="7d")
    days = [line for line in lines if line["table"] == "days"]
    assert [line["date"] for line in days] == [day["date"] for day in content["days"]]
    assert [int(line["clicks"]) for line in days] == [day["clicks"] for day in content["days"]]
    for row, day in zip(sheets["Days"][1:], content["days"], strict=True):
        assert isinstance(row[0], datetime)
        assert row[0].date().isoformat() == day["date"]
        assert row[1:] == (day["clicks"], day["scans"], day["visitors"])
    total = sum(day["clicks"] for day in content["days"])
    assert total == content["totals"]["clicks"] == dict(sheets["Totals"][1:])["Clicks"]
    shown = re.search(
        r'(?s)<dt>Clicks</dt><dd class="stat-value">([^<]*)',
        shop.cast.vera.get(page, period="7d").text,
    )
    assert shown
    assert number(shown[1]) == total
    assert content["countries"] == [{"value": "DE", "clicks": 90}]
    assert sheets["Countries"][1] == ("DE", "Germany", 90)
    assert "Cities" not in sheets
    assert "Cities are not known" in dict(sheets["How this was counted"][1:])["Where from"]
    assert next(line for line in lines if line["table"] == "hours")["weekday"] == "1"
    told = [(line["term"], line["text"]) for line in lines if line["table"] == "counted"]
    assert told == sheets["How this was counted"][1:]
    assert told == [(fact["term"], fact["text"]) for fact in content["counted"]]
    assert "counted" not in {line.get("table") for line in as_csv(shop, "/reports/download")}


def test_german_files_speak_german_and_keep_their_numbers(shop: Shop) -> None:
    vera = shop.cast.vera
    vera.client.set_cookie("linkservice-language", "de")
    try:
        german = as_workbook(shop, "/reports/download")
        names = [line["id"] for line in as_csv(shop, "/reports/download")]
        panel = text_of(vera.get("/reports"))
    finally:
        vera.client.set_cookie("linkservice-language", "en")
    english = as_workbook(shop, "/reports/download")
    assert list(german) == ["Touchpoints", "Summen", "Wie gezählt wurde"]
    figures = range(8, 12)
    for one, other in zip(german["Touchpoints"][1:], english["Touchpoints"][1:], strict=True):
        assert [one[place] for place in figures] == [other[place] for place in figures]
    assert len(names) == 8
    assert "Wie wurde gezählt?" in panel
    for _, told in german["Wie gezählt wurde"][1:-1]:
        assert " ".join(told.split()) in panel


def test_the_panel_says_what_the_workbook_says(shop: Shop) -> None:
    for name, (page, file) in paths(shop).items():
        shown = text_of(shop.cast.vera.get(page, period="90d"))
        told = as_workbook(shop, file, period="90d")["How this was counted"][1:]
        assert len(told) >= 5, name
        # The last is the version, with the minute.
        for term, text in told[:-1]:
            assert f"{term} {' '.join(text.split())}" in shown, (name, term)
        assert "linkservice" in told[-1][1]
        assert as_json(shop, file, period="90d")["counted"][0]["text"] == told[0][1]


def test_text_stays_text(shop: Shop) -> None:
    """In a CSV file a mark stands before it; a workbook says of each cell what it is."""
    names = {line["name"] for line in as_csv(shop, "/reports/download")}
    assert HOSTILE in names
    assert harmless(FORMULA).startswith("'=")
    kind = shop.cast.vera.get("/reports/download").data
    cells = [cell for row in openpyxl.load_workbook(io.BytesIO(kind)).worksheets[0] for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "b"}
    assert {cell.value for cell in cells if cell.data_type == "s"} >= {HOSTILE, "Strong"}


def test_wrong_formats_are_refused(shop: Shop) -> None:
    for _, file in paths(shop).values():
        assert shop.cast.vera.get(file, format="exe").status_code == 422


def test_every_report_offers_every_format(shop: Shop) -> None:
    for name, (page, file) in paths(shop).items():
        text = shop.cast.vera.get(page, period="7d", scanners="include").text
        for form in FORMATS:
            wanted = [f"/app{file}?", f"format={form}", "period=7d", "scanners=include"]
            links = re.findall(r'href="([^"]*download[^"]*)"', text)
            assert any(all(part in link for part in wanted) for link in links), (name, form)


def test_cleo_cannot_save_adas_reports(shop: Shop) -> None:
    for name, (_, file) in paths(shop).items():
        answer = shop.cast.cleo.get(file, format="json")
        if name == "ranking":
            assert "Strong" not in answer.text
        else:
            assert answer.status_code == 404
        assert shop.cast.stranger.get(file).status_code == 303
