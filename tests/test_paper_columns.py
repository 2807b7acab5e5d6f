"""Small tables of a paper stand side by side: all of them, in order, and none upon another."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import combinations

import pypdfium2
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from printed import pages

from linkservice.reports.flow import BETWEEN_COLUMNS, COLUMNS, Flow
from linkservice.reports.paper import Paper, make_paper
from linkservice.reports.paper_table import LAST_TOGETHER, Column, Part, Row

HEADS = (Column("Land", 0.36), Column("Klicks", 0.14, "number"))


def table(number: int, rows: int, *, small: bool = True) -> Part:
    lines = [Row((f"t{number}r{row}e", str(row))) for row in range(rows)]
    return Part(f"H{number}e", HEADS, lines, small=small)


def printed(*parts: Part) -> bytes:
    paper = Paper("Acme", None, "#123456", "T", ["lead"], parts, [("A", "B")], "F", "{page}", "en")
    return make_paper(paper, datetime(2026, 1, 1, tzinfo=UTC))


@settings(max_examples=6, phases=[Phase.explicit, Phase.generate])
@given(st.lists(st.integers(1, 70), min_size=1, max_size=7), st.integers(0, 40))
def test_all_are_there_and_none_is_upon_another(sizes: list[int], before: int) -> None:
    first = [table(99, before, small=False)] if before else []
    small = [table(number, rows) for number, rows in enumerate(sizes)]
    found = pages(printed(*first, *small), dpi=30)
    words = " ".join(page.text for page in found)
    for number, rows in enumerate(sizes):
        told = re.findall(rf"t{number}r\d+e", words)
        assert told == [f"t{number}r{row}e" for row in range(rows)]
    for page in found:
        for (one, _), (other, _) in combinations(page.lines, 2):
            apart = one.right <= other.left or other.right <= one.left
            assert apart or one.bottom <= other.top or other.bottom <= one.top
    one_by_one = [table(number, rows, small=False) for number, rows in enumerate(sizes)]
    assert len(found) <= len(pypdfium2.PdfDocument(printed(*first, *one_by_one)))


@pytest.mark.parametrize("rows", range(30, 60))
def test_no_row_stands_alone_on_the_next_page(rows: int) -> None:
    """Wherever a page ends, as many rows stand on the next one as can be told for a table."""
    told = [
        re.findall(r"t1r\d+e", page.text)
        for page in pages(printed(table(1, rows, small=False)), 30)
    ]
    assert [each for page in told for each in page] == [f"t1r{row}e" for row in range(rows)]
    there = [len(page) for page in told if page]
    assert there[-1] >= LAST_TOGETHER


def test_the_last_ones_reach_down_least() -> None:
    """Two of twelve lines stand beside one another, not one below the other."""
    (page,) = pages(printed(table(1, 12), table(2, 12)), dpi=30)
    tops = {text.split()[0]: box.top for box, text in page.lines if text.startswith("H")}
    lefts = {text.split()[0]: box.left for box, text in page.lines if text.startswith("H")}
    assert tops["H1e"] == pytest.approx(tops["H2e"], abs=0.5)
    assert lefts["H1e"] + 50 < lefts["H2e"]


def test_a_table_whose_words_need_more_has_the_width_of_the_page() -> None:
    long = "einzigartigkeitsnachweis" * 3
    part = Part("H", HEADS, [Row((long, "1"))], small=True)
    (page,) = pages(printed(part, table(2, 3)), dpi=30)
    tops = {text.split()[0]: box.top for box, text in page.lines if text.startswith("H")}
    assert long in page.text
    assert tops["H"] < tops["H2e"]


def test_what_is_higher_than_a_page_begins_on_a_new_one() -> None:
    turned: list[int] = []
    flow = Flow(10, 100, 10, 200, lambda: turned.append(1))
    flow.y = 50
    with flow.columns():
        assert flow.width == (100 - BETWEEN_COLUMNS) / COLUMNS
        assert flow.room(500)
    assert turned == [1]
    assert (flow.y, flow.left, flow.width) == (10, 10, 100)
