"""Curves on paper: the points of the page's chart, told by strokes and names."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pypdfium2
import pytest
from pypdfium2 import raw

from linkservice.reports.graph import Graph
from linkservice.reports.paper import Paper, make_paper
from linkservice.reports.paper_table import Column, Part, Row
from linkservice.web.charts import Line, Note, printed_trend

TODAY = date(2026, 11, 28)


def days(count: int) -> list[date]:
    return [TODAY - timedelta(days=count - 1 - number) for number in range(count)]


def printed(graph: Graph, colour: str = "#0b5fff") -> pypdfium2.PdfDocument:
    row = Row(("A", "1"), said="A sentence.")
    columns = (Column("Name", 0.5), Column("Figure", 0.5, "number"))
    paper = Paper(
        *("Shop", None, colour, "Report", ["Lead"], [graph, Part("Table", columns, [row])]),
        facts=[("Term", "Text")],
        facts_heading="Facts",
        numbering="Page {page} of {pages}",
        language="en",
    )
    return pypdfium2.PdfDocument(make_paper(paper, datetime(2026, 11, 28, tzinfo=UTC)))


def text_on(document: pypdfium2.PdfDocument) -> str:
    return " ".join(" ".join(page.get_textpage().get_text_bounded().split()) for page in document)


def test_points_are_shares_and_what_is_not_over_is_open() -> None:
    values = [0, 10, 20, 40, 5]
    graph = printed_trend(
        "Clicks",
        days(5),
        [Line("Clicks", values)],
        today=TODAY,
        before=Line("Clicks before", [20, 20, 20, 20, 20]),
        notes=[Note(TODAY, "Fair"), Note(TODAY - timedelta(days=40), "Long ago")],
    )
    now, before = graph.strokes
    top = 40 / now.points[3][1]
    assert [point[0] for point in now.points] == [0, 0.25, 0.5, 0.75, 1]
    assert [point[1] * top for point in now.points] == pytest.approx(values)
    assert (now.first_open, now.last_open) == (False, True)
    assert (before.look, before.last_open, len(before.points)) == ("before", False, 5)
    assert dict(graph.values)[1.0] == "40"
    assert (graph.notes, graph.told) == ([1.0], ["1 28 Nov: Fair"])


def test_a_year_is_told_by_weeks_and_a_day_alone_stands_in_the_middle() -> None:
    graph = printed_trend("Clicks", days(365), [Line("Clicks", [1] * 365)], today=TODAY)
    (stroke,) = graph.strokes
    assert graph.unit == "Per week · Dotted: not over yet, or only partly in these days"
    assert 52 <= len(stroke.points) <= 54
    alone = printed_trend("Clicks", [TODAY], [Line("Clicks", [7])], today=TODAY)
    assert [point[0] for point in alone.strokes[0].points] == [0.5]
    assert printed(alone)


@pytest.mark.parametrize("colour", ["#0b5fff", "#ffff00"])
def test_a_curve_is_drawn_as_lines_with_its_names(colour: str) -> None:
    """In a colour that paper shows, whatever the brand."""
    lines = [Line(name, [value] * 28) for name, value in (("A", 5), ("B", 5), ("C", 0))]
    graph = printed_trend("Curve", days(28), lines, today=TODAY)
    document = printed(graph, colour)
    text = text_on(document)
    for words in ("Curve", "Per day", "A", "B", "C", "9 Nov"):
        assert words in text
    paths = [each for each in document[0].get_objects() if each.type == raw.FPDF_PAGEOBJ_PATH]
    assert len(paths) > 3 * 27
    assert "A sentence." in text


def test_names_of_lines_near_nothing_stand_above_the_dates() -> None:
    names = ("Clicks", "Scans", "Visitors")
    lines = [Line(name, [40, *[value] * 6]) for value, name in enumerate(names)]
    last = Line("Clicks before", [0] * 7)
    graph = printed_trend("Curve", days(7), lines, today=TODAY, before=last)
    assert graph.dates[-1] == (1.0, "28 Nov")
    page = printed(graph)[0].get_textpage()
    boxes = {}
    for words in (*names, "Clicks before", "28 Nov"):
        found = page.search(words).get_next()
        assert found
        corners = [page.get_charbox(found[0] + place) for place in range(found[1])]
        boxes[words] = min(box[1] for box in corners), max(box[3] for box in corners)
    _, top_of_date = boxes.pop("28 Nov")
    told = sorted(boxes.values())
    assert told[0][0] >= top_of_date
    for (_, top), (bottom, _) in pairwise(told):
        assert top <= bottom
