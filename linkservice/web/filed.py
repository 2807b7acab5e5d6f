"""A report as a file: what a page says it is called, holds and counts, saved in any form.

Decided here: which forms there are for whom asks, and that all are made of the same `Filed`. Not
here: what a report's tables are (`reports/exported…`), which reports there are (the views).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response

from linkservice.fields import Problems
from linkservice.reports.exported import Exported
from linkservice.reports.graph import Graph
from linkservice.reports.paper_table import Part
from linkservice.reports.quadrant_paper import Quadrants
from linkservice.web.counted import Fact
from linkservice.web.exports import FORMATS, USUAL_FORMAT, saved
from linkservice.web.file_names import file_name
from linkservice.web.page import Page
from linkservice.web.papers import paper_of
from linkservice.web.periods import Chosen


@dataclass(frozen=True, slots=True)
class Filed:
    """A report: one of `REPORTS`, on a `subject` or all; `title` is its paper's, `parts` are its
    tables on paper as its page shows them, `finding` says them in a sentence. Its CSV has the first
    table alone, or all of them (`one_table`).
    """

    about: str
    title: str
    found: Exported
    facts: Sequence[Fact]
    parts: Sequence[Part | Graph | Quadrants]
    finding: str = ""
    one_table: bool = True
    subject: str = ""
    subject_id: str = ""

    @property
    def name(self) -> str:
        """What its files are called, without their endings."""
        found = self.found
        return file_name(self.about, found.period, found.filters, self.subject, self.subject_id)


def file_of(page: Page, filed: Filed) -> Response:
    """The file that the query's `format` asks for. Raises `Invalid` (format)."""
    form = format_asked(page)
    return saved(page, filed.found, filed.facts, form, filed.name, one_table=filed.one_table)


def csv_of(page: Page, filed: Filed) -> Response:
    """The CSV, under an address of its own."""
    return saved(page, filed.found, filed.facts, "csv", filed.name, one_table=True)


def paper_file(page: Page, filed: Filed) -> Response:
    """The PDF."""
    data = paper_of(page, filed.title, filed.facts, filed.parts, filed.finding)
    return page.file(data, "application/pdf", f"{filed.name}.pdf")


def format_asked(page: Page) -> str:
    """The kind of file that is asked for. Raises `Invalid` (format)."""
    form = page.query.get("format") or USUAL_FORMAT
    problems = Problems()
    problems.one_of("format", form, tuple(FORMATS))
    problems.raise_if_any()
    return form


def filters_of(chosen: Chosen) -> dict[str, str | None]:
    """What files say they were asked for by, besides the period."""
    return {"scanners": "include" if chosen.suspects else "apart", **chosen.filters.given}
