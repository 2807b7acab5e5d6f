"""Notes on days: who writes them, and that curve, table, files and API tell them alike."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from cast import NOW, make_home, make_link
from people import Cast, everybody, text_of
from rest import People
from rest import everybody as programs
from sqlalchemy import select

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Forbidden, Invalid, NotFound
from linkservice.reports.annotations import (
    NewAnnotation,
    add_annotation,
    annotations_in,
    change_annotation,
    delete_annotation,
    newest_annotations,
    restore_annotation,
)
from linkservice.reports.model import Annotation
from linkservice.reports.period import Period
from linkservice.reports.shares import NewShare, create_share
from linkservice.web.charts import Line, Note, trend
from linkservice.web.charts.flags import flags_of
from linkservice.workspaces.access import SCOPES_OF, Actor

cast = pytest.fixture(everybody)
people = pytest.fixture(programs)

DAY = date(2026, 3, 12)


# The noun


def test_a_note_is_made_changed_deleted_and_back(database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        home, foreign = make_home(session, settings), make_home(session, settings, host="b.example")
        made = add_annotation(session, home.actor, NewAnnotation(DAY, "  Cafe\u0301 "), NOW)
        assert made.text == "Café"
        add_annotation(session, home.actor, NewAnnotation(DAY - timedelta(1), "Fair"), NOW)
        add_annotation(session, foreign.actor, NewAnnotation(DAY, "Another's"), NOW)
        month = Period(date(2026, 3, 1), date(2026, 3, 31), "Europe/Berlin")
        found = annotations_in(session, home.actor, month)
        assert [each.text for each in found] == ["Fair", made.text]
        assert annotations_in(session, home.actor, Period(DAY, DAY, "UTC")) == [made]
        changed = change_annotation(session, home.actor, str(made.id), {"text": "Radio"}, NOW)
        assert (changed.day, changed.text) == (DAY, "Radio")
        gone = delete_annotation(session, home.actor, str(made.id), NOW)
        assert gone == NewAnnotation(DAY, "Radio")
        restore_annotation(session, home.actor, gone, NOW)
        newest = newest_annotations(session, home.actor, offset=0, limit=9)
        assert [each.text for each in newest] == ["Radio", "Fair"]
        with pytest.raises(NotFound):
            delete_annotation(session, foreign.actor, str(newest[0].id), NOW)


@pytest.mark.parametrize(
    ("day", "text", "field"),
    [
        (DAY, "", "text"),
        (DAY, "x" * 81, "text"),
        (DAY, "a\nb", "text"),
        (date(1999, 12, 31), "x", "date"),
    ],
)
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_what_is_no_note_is_refused(
    database: Database, settings: Settings, day: date, text: str, field: str
) -> None:
    with database.transaction() as session:
        home = make_home(session, settings)
        with pytest.raises(Invalid) as error:
            add_annotation(session, home.actor, NewAnnotation(day, text), NOW)
        assert [each.field for each in error.value.problems] == [field]
        viewer = Actor(home.workspace_id, "vera", SCOPES_OF["viewer"])
        with pytest.raises(Forbidden):
            add_annotation(session, viewer, NewAnnotation(DAY, "x"), NOW)


# The curve


def curve(*notes: Note, days: int = 28) -> tuple[str, list[list[str]], list[str]]:
    shown = [DAY + timedelta(number) for number in range(days)]
    chart = trend(
        "trend", "Clicks", shown, [Line("Clicks", [5] * days)], today=shown[-1], notes=notes
    )
    return chart.drawing, [list(row) for row in chart.table.rows], list(chart.table.heads)


def test_the_curve_has_a_number_for_each_note_and_its_words_below() -> None:
    drawing, rows, heads = curve(
        Note(DAY + timedelta(14), "<Radio> & “more”"), Note(DAY, "Newsletter sent")
    )
    assert drawing.count('class="chart-flag"') == 2
    assert '<li value="1">12 Mar: Newsletter sent</li>' in drawing
    assert '<li value="2">26 Mar: &lt;Radio&gt; &amp; “more”</li>' in drawing
    assert "Notes: " in drawing
    assert heads[-1] == "Note"
    assert [row[-1] for row in rows if row[-1]] == ["Newsletter sent", "<Radio> & “more”"]


def test_without_notes_the_curve_is_as_before() -> None:
    drawing, rows, heads = curve()
    assert "chart-flag" not in drawing
    assert "chart-notes" not in drawing
    assert heads == ["Day", "Clicks"]
    assert {len(row) for row in rows} == {2}


def test_days_outside_the_curve_are_left_out_and_close_ones_share_a_number() -> None:
    drawing, _, _ = curve(Note(DAY - timedelta(1), "before"), Note(DAY + timedelta(28), "after"))
    assert "before" not in drawing.partition("chart-flags")[2]
    places = [(0.0, Note(DAY, "a")), (1.0, Note(DAY, "b")), (50.0, Note(DAY, "c"))]
    assert [(each.number, len(each.notes)) for each in flags_of(places)] == [(1, 2), (2, 1)]
    same = [Note(DAY, "one"), Note(DAY, "two")]
    drawing, rows, _ = curve(*same)
    assert '<li value="1">12 Mar: one; 12 Mar: two</li>' in drawing
    assert rows[0][-1] == "one; two"


# The pages and files


def test_a_note_is_written_under_a_curve_and_told_everywhere(
    cast: Cast, database: Database, settings: Settings
) -> None:
    today = datetime.now(UTC).date()
    with database.transaction() as session:
        link = make_link(session, settings, cast.home)
        link_id = str(link.id)
    path = f"/reports/links/{link_id}"
    assert "Note what happened on a day" in text_of(cast.ben.get(path))
    fields = {"date": str(today - timedelta(3)), "text": "Newsletter sent", "back": f"/app{path}"}
    page = cast.ben.done("/reports/annotations", **fields)
    assert page.request.path == f"/app{path}"
    assert "The note is entered." in text_of(page)
    for browser, place in ((cast.vera, path), (cast.vera, f"/links/{link_id}")):
        shown = browser.get(place)
        assert shown.text.count("Newsletter sent") == 3  # description, list, table
    assert "Note what happened on a day" not in text_of(cast.vera.get(path))
    told = json.loads(cast.vera.get(f"{path}/download", format="json").data)
    assert told["annotations"] == [{"date": fields["date"], "text": "Newsletter sent"}]
    lines = cast.vera.get(f"{path}/download", format="csv").data.decode("utf-8-sig")
    noted = [row for row in csv.DictReader(io.StringIO(lines)) if row.get("note")]
    assert [(row["date"], row["note"]) for row in noted] == [(fields["date"], "Newsletter sent")]
    assert "Newsletter sent" not in cast.cleo.get("/reports/annotations").text


def test_guests_of_a_shared_report_see_no_notes(
    cast: Cast, database: Database, settings: Settings
) -> None:
    now = datetime.now(UTC)
    with database.transaction() as session:
        link = make_link(session, settings, cast.home)
        add_annotation(session, cast.home.actor, NewAnnotation(now.date(), "For us"), now)
        new = NewShare("Board", "link", str(link.id), now + timedelta(days=9))
        _, token = create_share(session, cast.home.actor, new, now)
        link_id = link.id
    assert "For us" in cast.vera.get(f"/reports/links/{link_id}").text
    answer = cast.stranger.get(f"/shared/{token}")
    assert answer.status_code == 200
    assert "For us" not in answer.text


def test_notes_are_changed_and_deleted_on_their_page(cast: Cast, database: Database) -> None:
    refused = cast.ben.post("/reports/annotations", date="2026-03-12", text="", back="/app/reports")
    assert refused.status_code == 422
    assert 'value="/app/reports"' in refused.text
    cast.ben.done("/reports/annotations", date="2026-03-12", text="Fair")
    with database.reading() as session:
        number = session.scalars(select(Annotation.id)).one()
    assert 'value="Fair"' in cast.ben.get(f"/reports/annotations/{number}").text
    page = cast.ben.done(f"/reports/annotations/{number}", date="2026-03-13", text="Trade fair")
    assert "13 Mar 2026 Trade fair" in text_of(page)
    page = cast.ben.done(f"/reports/annotations/{number}/delete")
    assert "There is no note yet" in text_of(page)
    undo = "/reports/annotations/restore?date=2026-03-13&text=Trade+fair"
    assert "Trade fair" in text_of(cast.ben.done(undo))
    assert cast.vera.post("/reports/annotations", date="2026-03-12", text="x").status_code == 403


def test_programs_write_and_read_notes(people: People) -> None:
    made = people.ben.made("/annotations", date="2026-03-12", text="Newsletter sent")
    assert made["date"] == "2026-03-12"
    place = f"/annotations/{made['id']}"
    assert people.vera.get("/annotations").json["items"] == [made]
    assert people.vera.patch(place, text="x").status_code == 403
    changed = people.ben.patch(place, date="2026-03-13").json
    assert changed == {**made, "date": "2026-03-13"}
    assert people.cleo.get(place).status_code == 404
    assert people.ben.post("/annotations", date="2026-03-12", text="x" * 81).status_code == 422
    assert people.ben.delete(place).status_code == 204
    assert people.ben.get(place).status_code == 404
