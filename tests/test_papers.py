"""A report as PDF: the figures of its page, whose it is, how it was counted, numbered pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from html import unescape
from itertools import groupby

import pypdfium2
import pytest
from people import text_of
from printed import pages
from test_downloads import as_workbook, on_page
from test_pages_reports import Shop, shop
from werkzeug.test import TestResponse

from linkservice.reports.paper import MARGIN, TERM, Paper, make_paper
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.web.figures import KeyFigure
from linkservice.web.guard import Cookies
from linkservice.web.i18n import write_span
from linkservice.web.papers import figures_part
from linkservice.web.printed_tables import MOST_DAYS

__all__ = ["shop"]


def pages_of(shop: Shop, path: str, **query: str) -> list[str]:
    answer = shop.cast.vera.get(path, **query)
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    assert ".pdf" in answer.headers["Content-Disposition"]
    file = pypdfium2.PdfDocument(answer.data)
    assert {round(side / 72 * 25.4) for page in file for side in page.get_size()} == {210, 297}
    return [" ".join(page.get_textpage().get_text_bounded().split()) for page in file]


def test_the_ranking_on_paper_is_that_of_the_page(shop: Shop) -> None:
    pages = pages_of(shop, "/reports/paper", period="90d")
    whole = " ".join(pages)
    for name, cells in on_page(shop.cast.vera.get("/reports", period="90d")).items():
        if name not in ("Strong", "Weak", "C"):
            continue
        figures = cells[:3]
        reach = cells[3].split()[0]
        low_to_high = r"\S+ [\d.,]+–[\d.,]+ "
        line = rf"{name} .{{0,40}}{' '.join(figures)} {reach} {low_to_high}"
        assert re.search(line, whole), (name, whole)
    lead = re.search(
        r"\d+ judged touchpoints: [^.]*\.( No verdicts? [^.]*\.)?",
        text_of(shop.cast.vera.get("/reports")),
    )
    assert lead
    assert f"{lead[0]} best: Strong worst: Weak" in whole
    for words in ("How this was counted", "Europe/Berlin", "both days included"):
        assert words in whole
    for number, text in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in text


def sentences_on(page: TestResponse) -> dict[str, str]:
    """What the page says of each touchpoint, in its order."""
    found = re.findall(
        r'(?s)<tr class="is-[a-z-]+">\s*<th scope="row"><a[^>]*>([^<]*)</a>'
        r'.*?<p class="verdict-words">([^<]*)</p>',
        re.sub(r'<span class="unbroken">([^<]*)</span>', r"\1", page.text),
    )
    told = {name: unescape(" ".join(words.split())) for name, words in found}
    # Other names are made to break things, and paper shows them as it can.
    return {name: words for name, words in told.items() if name.isalpha()}


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sort": "name", "order": "up"},
        {"sort": "clicks", "channel": "poster"},
        {"group": "channel", "sort": "visitors"},
        {"metric": "scans_per_click", "sort": "lead"},
    ],
)
def test_the_paper_prints_what_the_page_says_in_its_order(
    shop: Shop, query: dict[str, str]
) -> None:
    on_screen = sentences_on(shop.cast.vera.get("/reports", period="90d", **query))
    whole = " ".join(pages_of(shop, "/reports/paper", period="90d", **query))
    body = whole.partition("both days included")[2].partition("How this was counted")[0]
    assert on_screen
    places = []
    for name, sentence in on_screen.items():
        line = re.search(rf"(?<!\S){re.escape(name)} (?=.{{0,160}}{re.escape(sentence)})", body)
        assert line, (name, sentence, body)
        places.append(line.start())
    assert places == sorted(places)
    if "sort" in query:
        words = {"name": "Touchpoint", "clicks": "Clicks", "visitors": "Visitors"}
        assert f"Sorted by: {words.get(query['sort'], 'Interval and peers')}" in whole


def test_days_and_origins_of_a_touchpoint(shop: Shop) -> None:
    pages = pages_of(shop, f"/reports/touchpoints/{shop.ids['Strong']}/paper")
    whole = " ".join(pages)
    assert "Germany 90" in whole
    assert "Clicks 2,520" in whole
    assert len(pages) > 1


def test_a_paper_tells_each_figure_once(shop: Shop) -> None:
    """What its first table has no other one repeats, and no head repeats its heading."""
    one = f"/reports/touchpoints/{shop.ids['Strong']}/paper"
    for path in (one, f"/reports/links/{shop.link_id}/paper"):
        for query in ({}, {"country": "DE"}):
            whole = " ".join(pages_of(shop, path, period="90d", **query))
            body, _, explained = whole.partition("How this was counted")
            assert explained
            doubled = re.findall(
                r"(Countries|Devices|Browsers|Systems|Referrers|Languages) \1", body
            )
            assert not doubled
            assert "Totals" not in body
            rest = body.partition("Also counted")[2].partition("Days")[0]
            assert not re.search(r"(?<!\w)(Clicks|Scans|Visitors) [\d,]+", rest)


def test_shares_are_told_as_on_the_page(shop: Shop) -> None:
    """Under the word for one of them: the heading says what they are."""
    whole = " ".join(pages_of(shop, f"/reports/touchpoints/{shop.ids['Strong']}/paper"))
    assert re.search(r"Countries Country Clicks Share Germany 90 \d+% ", whole)


def test_links_are_listed_with_their_titles(shop: Shop) -> None:
    path = f"/reports/touchpoints/{shop.ids['Strong']}"
    (link,) = shop.cast.vera.get(f"{path}/download", format="json").json["links"]
    assert set(link) == {"id", "domain", "slug", "title", "clicks", "scans", "visitors"}
    whole = " ".join(pages_of(shop, f"{path}/paper"))
    told = f"{link['domain']}/{link['slug']} {link['clicks']:,} {link['scans']:,}"
    assert f"{told} {link['visitors']:,}" in whole


def test_nothing_compared_takes_no_column() -> None:
    told = [KeyFigure("clicks", "Clicks", 7, ""), KeyFigure("scans", "Scans", 3, "2 % more")]
    assert [column.head for column in figures_part(told[:1], "").columns] == ["Figure", "Count"]
    assert len(figures_part(told, "").columns) == 3
    gained = Row(("Conversions", "4", ""))
    assert [row.cells for row in figures_part(told[:1], "", gained).rows] == [
        ("Clicks", "7"),
        ("Conversions", "4"),
    ]


def test_a_year_is_printed_by_month(shop: Shop) -> None:
    """Its files have the days, which add up to what is printed."""
    path, query = f"/reports/links/{shop.link_id}", {"period": "12m"}
    days = shop.cast.vera.get(f"{path}/download", **query, format="json").json["days"]
    whole = " ".join(pages_of(shop, f"{path}/paper", **query))
    assert len(days) > MOST_DAYS
    assert "Months Month Clicks Scans Visitors" in whole
    for month, some in groupby(days, key=lambda day: day["date"][:7]):
        these = list(some)
        first, last = (date.fromisoformat(each["date"]) for each in (these[0], these[-1]))
        begun_and_over = first.day == 1 and (last + timedelta(1)).month != last.month
        name = f"{first:%B %Y}" if begun_and_over else write_span(first, last)
        sums = (sum(day[key] for day in these) for key in ("clicks", "scans", "visitors"))
        assert " ".join((name, *(f"{each:,}" for each in sums))) in whole, month


@pytest.mark.parametrize("language", ["de"])
def test_in_german(shop: Shop, language: str) -> None:
    vera = shop.cast.vera
    name = Cookies.of(vera.settings).name("language")
    vera.client.set_cookie(name, language)
    try:
        pages = pages_of(shop, "/reports/paper", metric="clicks_per_day")
    finally:
        vera.client.set_cookie(name, "en")
    whole = " ".join(pages)
    assert "Wie gezählt wurde" in whole
    assert f"Seite 1 von {len(pages)}" in whole
    assert "2.520" in whole


def test_cleo_has_no_paper_of_adas(shop: Shop) -> None:
    path = f"/reports/touchpoints/{shop.ids['Strong']}/paper"
    assert shop.cast.cleo.get(path).status_code == 404
    assert shop.cast.stranger.get("/reports/paper").status_code == 303


def test_files_have_the_period_before(shop: Shop) -> None:
    """Its days add up to what the days that are over are compared with."""
    last = (shop.today - timedelta(days=1)).isoformat()
    query = {"from": (shop.today - timedelta(days=7)).isoformat(), "to": last}
    for place in (
        f"/reports/links/{shop.link_id}",
        f"/reports/touchpoints/{shop.ids['Strong']}",
        "/overview",
    ):
        book = as_workbook(shop, f"{place}/download", **query)
        compared = {name: figures for name, *figures in book["Comparison"][1:]}
        for column, name in enumerate(("Clicks", "Scans", "Visitors"), 1):
            now, before = (
                sum(row[column] for row in book[sheet][1:]) for sheet in ("Days", "Days before")
            )
            assert compared[name] == [now, before], place
        assert compared["Clicks"][1] > 0
        content = shop.cast.vera.get(f"{place}/download", format="json", **query).json
        assert content["change"]["before"]["clicks"] == compared["Clicks"][1]
        assert content["change"]["weeks"] == 1
        told = " ".join(pages_of(shop, f"{place}/paper", **query))
        assert "before" in told.partition("Days")[0]
        assert "“Before” is the same weekdays from" in told


def test_what_has_nothing_before_says_so(shop: Shop) -> None:
    query = {"period": "12m"}
    book = as_workbook(shop, f"/reports/links/{shop.link_id}/download", **query)
    assert "Comparison" not in book
    paper = " ".join(pages_of(shop, f"/reports/links/{shop.link_id}/paper", **query))
    assert "No comparison yet" in paper


def test_rows_grow_and_nothing_is_cut() -> None:
    """Sentences, names, places, heads and notes: each far longer than its column is wide."""

    def words(kind: str) -> str:
        return " ".join(f"{kind}{number}" for number in range(60))

    columns = (Column(words("head"), 0.4), Column("Finding", 0.6))
    row = Row((words("name"), words("finding")), words("place"), said=words("said"))
    part = Part(words("heading"), columns, [row, row], words("note"))
    facts = [(words("term"), words("fact"))]
    paper = Paper("Acme", None, "#123456", "T", [words("lead")], [part], facts, "F", "{page}", "en")
    file = pypdfium2.PdfDocument(make_paper(paper, datetime(2026, 1, 1, tzinfo=UTC)))
    told = " ".join(" ".join(page.get_textpage().get_text_bounded().split()) for page in file)
    assert "…" not in told
    for kind in ("head", "name", "finding", "place", "said", "heading", "note", "fact", "lead"):
        assert f"{kind}59" in told


def test_a_long_term_stands_beside_what_is_said_of_it() -> None:
    facts = [("Andere bezahlte Touchpoints", "Die Zahl " * 40), ("Zuletzt", "Mehr")]
    paper = Paper("Acme", None, "#123456", "T", [], [], facts, "F", "{page}", "de")
    page = pypdfium2.PdfDocument(make_paper(paper, datetime(2026, 1, 1, tzinfo=UTC)))[0]
    middle = (MARGIN + TERM - 1) / 25.4 * 72
    text = page.get_textpage()
    terms, said = (
        text.get_text_bounded(**side).split() for side in ({"right": middle}, {"left": middle})
    )
    assert "Andere bezahlte Touchpoints Zuletzt" in " ".join(terms)
    assert set(said) == {"Die", "Zahl", "Mehr", "1"}  # and the page's number


def made_of(*parts: Part, facts: Sequence[tuple[str, str]] = ()) -> bytes:
    paper = Paper("Acme", None, "#123456", "T", [], parts, facts, "F", "{page}", "de")
    return make_paper(paper, datetime(2026, 1, 1, tzinfo=UTC))


def test_no_word_is_broken_where_another_column_has_room() -> None:
    """Nor an interval, nor what says how certain it is; what is far too long is set smaller."""
    long = "Kundendienstbewertungsbitte"
    columns = (Column("Touchpoint", 0.08), Column("Klicks", 0.3, "number"), Column("Befund", 0.62))
    said = "Davon sind etwa so viele wie sonst üblich da (95\u00a0%: 0,0964–0,1121\u00a0€). " * 5
    (page,) = pages(made_of(Part("H", columns, [Row((long, "12", said))])))
    assert long in page.text
    assert len(re.findall(r"\(95.%:.0,0964–0,1121.€\)", page.text)) == 5
    english = "About as many as usual, and as many as on these weekdays (95%: 0.0964–0.1121). " * 5
    (page,) = pages(made_of(Part("H", columns, [Row((long, "12", english))])))
    assert len(re.findall(r"\(95%:.0.0964–0.1121\)", page.text)) == 5
    narrow, wide = (Column("A", 0.5), Column("B", 0.5)), "Donau" * 11
    (page,) = pages(made_of(Part("H", narrow, [Row((wide, wide))])))
    assert page.text.count(wide) == 2


def test_a_verdict_has_a_sign_that_is_drawn() -> None:
    """Of each verdict its own, whose form says it without colour."""
    columns = (Column("Touchpoint", 0.5), Column("Urteil", 0.5))
    boxes = {}
    for word in ("am besten", "▲ am besten", "▼ am schwächsten", "● wie erwartet"):
        data = made_of(Part("H", columns, [Row(("A", word))]))
        (page,) = pages(data)
        boxes[word] = len(page.shapes)
        assert word.strip("▲▼● ") in page.text
        assert "\ufffd" not in page.text
    bare = boxes.pop("am besten")
    assert set(boxes.values()) == {bare + 1}


@pytest.mark.parametrize("number", range(30, 46))
def test_no_last_page_with_a_line_or_two(number: int) -> None:
    columns = (Column("Touchpoint", 0.5), Column("Klicks", 0.5, "number"))
    rows = [Row((f"Nr. {row}", str(row))) for row in range(number)]
    found = pages(made_of(Part("H", columns, rows), facts=[("Zeitraum", "Mai")]), dpi=30)
    last = max(box.bottom for box, text in found[-1].lines if "Acme" not in text and text != "2")
    assert len(found) == 1 or last > 60, (number, last)
