"""Tables of reach: pasted or uploaded for a touchpoint or a whole journey.

A table is shown as it was understood before anything is entered; what is wrong with it stands
row by row beside what was pasted. Not here: how it is read (`journeys/reach_table.py`), and
single entries (`reach.py`).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import Response

from linkservice.cells import harmless
from linkservice.errors import Invalid, Problem
from linkservice.journeys import manage, touchpoints
from linkservice.journeys import reach as reaches
from linkservice.journeys.manage import JourneyMap
from linkservice.journeys.model import UNITS
from linkservice.journeys.reach import ReachSummary
from linkservice.journeys.reach_import import (
    OneTouchpoint,
    Onto,
    WholeJourney,
    import_reach,
    preview_reach,
    undo_import,
)
from linkservice.journeys.reach_table import MOST_ROWS, read_text
from linkservice.web import fieldwords
from linkservice.web.door import Pages
from linkservice.web.forms import Form
from linkservice.web.i18n import N_, gettext, ngettext, sentence, spoken
from linkservice.web.page import Page, address

PAGES = Pages("journeys")

TABLE_BYTES = 6 * 1024 * 1024
"""Of a request that brings a table: a browser sends a sign as up to nine bytes."""

SHOWN_ROWS = 200
"""Rows of a preview."""

LONGEST_LINE = 160
"""Characters of a pasted line that are shown beside its problem."""

COLUMN_WORDS = {
    "touchpoint": N_("Touchpoint"),
    "date": N_("Date"),
    "until": N_("Until"),
    "amount": N_("Amount"),
    "unit": N_("Unit"),
    "conversions": N_("Conversions"),
    "value": N_("Value"),
}
"""What the columns of a table are called, in words that its reader understands."""

REACH_COLUMNS = ("touchpoint", "date", "until", "amount", "unit")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a table is entered for: a touchpoint or a whole journey, and the way back to it."""

    onto: Onto
    name: str
    back: str
    check: str
    enter: str
    template: str | None = None

    @property
    def names_touchpoints(self) -> bool:
        return isinstance(self.onto, WholeJourney)


@PAGES.get("/touchpoints/<id>/reach/table", scope="journeys:write")
def touchpoint_table(page: Page, id: str) -> Response:
    """Paste or upload the reach of a touchpoint."""
    return _table(page, _touchpoint(page, id))


@PAGES.post(
    "/touchpoints/<id>/reach/check",
    scope="journeys:write",
    again=touchpoint_table,
    most_bytes=TABLE_BYTES,
    own_transactions=True,
)
def check_touchpoint_table(page: Page, id: str) -> Response:
    """Show how the table is understood; with `again`, the form with it once more."""
    if page.form.checked("again"):
        return touchpoint_table(page, id)
    return _preview(page, _touchpoint(page, id))


@PAGES.post(
    "/touchpoints/<id>/reach/table",
    scope="journeys:write",
    again=touchpoint_table,
    most_bytes=TABLE_BYTES,
)
def enter_touchpoint_table(page: Page, id: str) -> Response:
    """Enter it."""
    return _enter(page, OneTouchpoint(id), "touchpoint", touchpoint_id=id)


@PAGES.get("/journeys/<id>/reach", scope="journeys:write")
def reach_import(page: Page, id: str) -> Response:
    """Paste or upload the reach of a whole journey; and how much each touchpoint has."""
    found = manage.journey_map(page.session, page.actor, id)
    ids = [one.id for _, ones in found.stages for one in ones]
    summaries = reaches.reach_summaries(page.session, page.actor, ids)
    return _table(page, _journey(page, id), found, summaries)


@PAGES.post(
    "/journeys/<id>/reach/check",
    scope="journeys:write",
    again=reach_import,
    most_bytes=TABLE_BYTES,
    own_transactions=True,
)
def check_journey_table(page: Page, id: str) -> Response:
    """Show how the table is understood; with `again`, the form with it once more."""
    if page.form.checked("again"):
        return reach_import(page, id)
    return _preview(page, _journey(page, id))


@PAGES.post(
    "/journeys/<id>/reach", scope="journeys:write", again=reach_import, most_bytes=TABLE_BYTES
)
def enter_journey_table(page: Page, id: str) -> Response:
    """Enter it."""
    return _enter(page, WholeJourney(id), "reach_import", journey_id=id)


@PAGES.post("/reach/undo", scope="journeys:write")
def undo_reach_import(page: Page) -> Response:
    """Delete the entries an import added."""
    count = undo_import(page.session, page.actor, spelt_out(page.query.get("ids", "")), page.now)
    toast = ngettext("%(num)s entry is removed.", "%(num)s entries are removed.", count)
    if "touchpoint_id" in page.query:
        return page.go("touchpoint", id=page.query["touchpoint_id"], toast=toast)
    return page.go("reach_import", id=page.query.get("journey_id", "0"), toast=toast)


@PAGES.get("/journeys/<id>/reach.csv", scope="journeys:write")
def reach_template(page: Page, id: str) -> Response:
    """A table to be filled in: a row for each touchpoint, with its unit where it has one."""
    found = manage.journey_map(page.session, page.actor, id)
    text = io.StringIO()
    # What spreadsheets of the language open by themselves.
    writer = csv.writer(text, delimiter=";" if spoken() == "de" else ",")
    writer.writerow([gettext(COLUMN_WORDS[column]) for column in REACH_COLUMNS])
    names = _spreadsheet_names(found)
    summaries = reaches.reach_summaries(page.session, page.actor, list(names))
    for touchpoint_id, name in names.items():
        summary = summaries.get(touchpoint_id)
        unit = gettext(fieldwords.UNITS[summary.unit]) if summary else ""
        writer.writerow([name, "", "", "", unit])
    data = text.getvalue().encode("utf-8-sig")
    return page.file(data, "text/csv", f"{gettext('reach')}-{id}.csv")


@dataclass(frozen=True, slots=True)
class Told:
    """A problem of a table: its row and column, in words, and the line as it was pasted."""

    row: int | None
    column: str
    sentence: str
    line: str


def told(found: Sequence[Problem], text: str) -> list[Told]:
    """The problems of a table, row by row."""
    lines = re.split(r"\r\n|\r|\n", text)

    def one(problem: Problem) -> Told:
        row, column = problem.params.get("row"), str(problem.params.get("column", ""))
        if not isinstance(row, int):
            return Told(None, "", sentence(_worded(problem)), "")
        line = lines[row - 1] if row <= len(lines) else ""
        word = gettext(COLUMN_WORDS[column]) if column in COLUMN_WORDS else ""
        return Told(row, word, sentence(_worded(problem)), line[:LONGEST_LINE])

    return [one(problem) for problem in found]


def brief(ids: Sequence[str]) -> str:
    """Ids with those that follow each other joined, so that an address holds thousands:
    ``17-2016.2020``.
    """
    spans: list[tuple[int, int]] = []
    for number in sorted(map(int, ids)):
        if spans and spans[-1][1] == number - 1:
            spans[-1] = spans[-1][0], number
        else:
            spans.append((number, number))
    return ".".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def spelt_out(text: str) -> list[str]:
    """The ids of `brief`. Raises `Invalid` for any other text."""
    ids: list[str] = []
    for part in text.split("."):
        if not re.fullmatch(r"[0-9]{1,18}(-[0-9]{1,18})?", part):
            raise Invalid(Problem("ids", "not_a_number"))
        first, _, last = part.partition("-")
        span = range(int(first), int(last or first) + 1)
        if len(ids) + len(span) > MOST_ROWS:
            raise Invalid(Problem("ids", "too_many", {"most": MOST_ROWS}))
        ids += map(str, span)
    return ids


def _touchpoint(page: Page, id: str) -> Subject:
    found = touchpoints.one_touchpoint(page.session, page.actor, id)
    return Subject(
        OneTouchpoint(id),
        found.name,
        address("touchpoint", id=id),
        address("check_touchpoint_table", id=id),
        address("enter_touchpoint_table", id=id),
    )


def _journey(page: Page, id: str) -> Subject:
    found = manage.journey_map(page.session, page.actor, id)
    return Subject(
        WholeJourney(id),
        found.journey.name,
        address("journey", id=id),
        address("check_journey_table", id=id),
        address("enter_journey_table", id=id),
        address("reach_template", id=id),
    )


def _table(
    page: Page,
    subject: Subject,
    found: JourneyMap | None = None,
    summaries: Mapping[int, ReachSummary] | None = None,
) -> Response:
    """The page of a table: to be filled in, or with what is wrong with it."""
    text = _kept_text(page.form)
    return page.render(
        "journeys/table.html",
        subject=subject,
        text=text,
        told=told(page.form.found, text),
        plan=None,
        units=fieldwords.UNITS,
        found=found,
        summaries=summaries or {},
    )


def _preview(page: Page, subject: Subject) -> Response:
    text = table_text(page.form)
    plan = preview_reach(page.session, page.actor, subject.onto, text)
    return page.render(
        "journeys/table.html",
        subject=subject,
        text=text,
        told=[],
        plan=plan[:SHOWN_ROWS],
        rows=len(plan),
        new=sum(each.new for each in plan),
        units=fieldwords.UNITS,
        found=None,
        summaries={},
    )


def _enter(page: Page, onto: Onto, endpoint: str, **of: str) -> Response:
    done = import_reach(page.session, page.actor, onto, table_text(page.form), page.now)
    toast = ngettext("%(num)s entry is added.", "%(num)s entries are added.", done.added)
    if not done.added:
        return page.go(endpoint, id=onto.id, toast=gettext("All of it was entered already."))
    undo = address("undo_reach_import", ids=brief(done.ids), **of)
    return page.go(endpoint, id=onto.id, toast=toast, undo=undo)


def table_text(form: Form) -> str:
    """The table: of the file if one was sent, else as it was pasted. Raises `Invalid`."""
    file = form.files.get("file")
    if file is None or not file.filename:
        return form.text("table")
    file.stream.seek(0)
    return read_text(file.stream.read())


def _kept_text(form: Form) -> str:
    """What stands in the field when the form is shown again; "" for a file that is no text."""
    try:
        return table_text(form).replace("\0", "")
    except Invalid:
        return ""


def _worded(problem: Problem) -> Problem:
    """The problem with columns and units in the words of the page."""
    params = dict(problem.params)
    if params.get("unit") in UNITS:
        params["unit"] = gettext(fieldwords.UNITS[str(params["unit"])])
    if "allowed" in params:
        names = str(params["allowed"]).split(", ")
        params["allowed"] = ", ".join(
            gettext(COLUMN_WORDS[name]) if name in COLUMN_WORDS else name for name in names
        )
    return replace(problem, params=params)


def _spreadsheet_names(found: JourneyMap) -> dict[int, str]:
    """What a row of the table calls each touchpoint: its name, behind its stage's where several
    are called so, or where a spreadsheet would run it as a formula.
    """
    every = [(stage, one) for stage, ones in found.stages for one in ones]
    count = Counter(one.name.casefold() for _, one in every)
    return {
        one.id: one.name
        if count[one.name.casefold()] == 1 and harmless(one.name) == one.name
        else harmless(f"{stage.name} / {one.name}")
        for stage, one in every
    }
