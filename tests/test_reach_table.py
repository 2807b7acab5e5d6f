"""Tables of reach: what is read, what is refused with its line and column, and that entering
a table again adds nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import date

import pytest
from cast import NOW, Home, make_home, make_touchpoint
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Forbidden, Invalid, NotFound
from linkservice.journeys.manage import create_journey
from linkservice.journeys.model import UNITS, Reach
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.reach_cells import read_amount, read_day, read_unit
from linkservice.journeys.reach_import import (
    OneTouchpoint,
    WholeJourney,
    import_reach,
    preview_reach,
    undo_import,
)
from linkservice.journeys.reach_table import MOST_BYTES, MOST_ROWS, TableRow, read_table, read_text
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.workspaces.access import Actor
from linkservice.workspaces.trail import list_trail

MARCH = date(2026, 3, 1)


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


def rows(text: str, *, names_touchpoints: bool = False) -> list[TableRow]:
    found, problems = read_table(text, names_touchpoints=names_touchpoints)
    problems.raise_if_any()
    return found


def values(text: str) -> list[NewReach]:
    return [row.values for row in rows(text)]


def refused(text: str, *, names_touchpoints: bool = False) -> list[tuple[str, str]]:
    """Field and code of every problem, each with a sentence."""
    with pytest.raises(Invalid) as error:
        rows(text, names_touchpoints=names_touchpoints)
    assert all(problem.sentence for problem in error.value.problems)
    return [(problem.field, problem.code) for problem in error.value.problems]


@pytest.mark.parametrize(
    "text",
    [
        "date,until,amount,unit\n2026-03-01,2026-03-14,1200,printed",
        "Datum;bis;Menge;Einheit\r\n01.03.2026;14.03.2026;1.200;gedruckt\r\n",
        "\ufeffVon:\tBis:\tAnzahl:\tEinheit:\n1.3.2026\t14.3.2026\t1 200\tGedruckt\n\n",
        "2026-03-01;2026-03-14;1.200,00;Auflage",
        '2026-03-01,2026-03-14,"1,200",printed',
        "Einheit;Menge;Datum;Bis;;\ngedruckt;1'200;1. 3. 2026;2026-3-14;;",
        "\n \n2026-03-01\t2026-03-14\t1\u202f200\tPRINTED",
    ],
)
def test_a_table_may_be_written_in_many_ways(text: str) -> None:
    assert values(text) == [NewReach(MARCH, 1200, "printed", date(2026, 3, 14))]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01,1200,sent",
        "2026-03-01,2026-03-01,1200,sent",
        "date,amount,unit\n2026-03-01,1200,versendet",
        "date,until,amount,unit\n2026-03-01,,1200,verschickt",
    ],
)
def test_without_a_last_day_reach_is_of_one_day(text: str) -> None:
    assert values(text) == [NewReach(MARCH, 1200, "sent", None)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_read_in_the_encodings_of_spreadsheets(encoding: str) -> None:
    text = "Touchpoint;Datum;Menge;Einheit\nPlakat Köln;01.03.2026;5;Passanten\n"
    (row,) = rows(read_text(text.encode(encoding)), names_touchpoints=True)
    assert (row.line, row.touchpoint) == (2, "Plakat Köln")
    assert row.values == NewReach(MARCH, 5, "passers_by")


@pytest.mark.parametrize("data", [b"\x81\x8d", b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n\x90"])
def test_a_file_that_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid, match="no text"):
        read_text(data)


@pytest.mark.parametrize(
    ("text", "amount", "style"),
    [
        ("7", 7, None),
        ("1200", 1200, None),
        ("1.200", 1200, "german"),
        ("1,200", 1200, "english"),
        ("1.000", 1000, "german"),
        ("1,000", 1000, "english"),
        ("12.345.678", 12345678, "german"),
        ("1.200,00", 1200, "german"),
        ("1200,0", 1200, "german"),
        ("1,200.00", 1200, "english"),
        ("1200.0", 1200, "english"),
        ("1 200 000", 1200000, None),
        ("1’200", 1200, None),
    ],
)
def test_a_whole_number_is_read_in_both_styles(text: str, amount: int, style: str | None) -> None:
    found = read_amount(text)
    assert found is not None
    assert (found.value, found.style) == (amount, style)


@pytest.mark.parametrize(
    "text",
    # At the end: Arabic digits, two numbers, one digit too many to be a number of people.
    [
        *("", "x", "-5", "+5", "1.5", "1,5", "1.20", "0.500", "12.34.567", "1,200,00", "1.200.00"),
        *("1e3", "5 Stück", "٣", "1 2", "1" * 41),
    ],
)
def test_no_other_text_is_a_number_of_people(text: str) -> None:
    assert read_amount(text) is None


@given(st.integers(0, 10**15))
def test_every_number_is_read_back_however_it_is_grouped(number: int) -> None:
    for sign in (",", ".", " ", "'", "\u00a0", ""):
        found = read_amount(f"{number:,}".replace(",", sign))
        assert found is not None
        assert found.value == number


@given(st.dates(date(1000, 1, 1)))
def test_every_day_is_read_back_as_it_is_written_in_both_languages(day: date) -> None:
    assert read_day(day.isoformat()) == day
    assert read_day(f"{day.day}.{day.month}.{day.year:04}") == day


@pytest.mark.parametrize("text", ["3/1/2026", "01.03.26", "2026-02-30", "20260301", "0.1.2026"])
def test_a_day_that_could_be_another_is_none(text: str) -> None:
    assert read_day(text) is None


def test_every_unit_has_words_in_both_languages() -> None:
    german = ("versendet", "gedruckt", "Passanten", "Kontakte", "Aufrufe")
    english = ("sent", "printed", "passers-by", "contacts", "views")
    for words in (german, english, UNITS):
        assert tuple(read_unit(word) for word in words) == UNITS


def test_numbers_of_two_styles_in_one_column_are_refused() -> None:
    text = "2026-03-01;500;sent\n2026-03-02;1.200;sent\n2026-03-03;1,200;sent\n"
    assert refused(text) == [("row 3, amount", "mixed_numbers")]
    with pytest.raises(Invalid, match=r"“1,200” and “1\.200” \(row 2\)"):
        rows(text)


def test_every_wrong_cell_is_named_with_its_line_and_column() -> None:
    text = (
        "Datum;bis;Menge;Einheit\n"
        "2026-03-01;;5;sent\n"
        "\n"
        "31.2.2026;gestern;viele;Kilos\n"
        "2026-03-05;2026-03-01;0;\n"
        ";;;sent\n"
        "1999-12-31;;1;sent\n"
        "2026-03-01;;1;sent;gut\n"
    )
    assert refused(text) == [
        ("row 4, amount", "bad_amount"),
        ("row 4, date", "bad_day"),
        ("row 4, until", "bad_day"),
        ("row 4, unit", "bad_unit"),
        ("row 5, unit", "empty"),
        ("row 5, until", "until_before_date"),
        ("row 5, amount", "out_of_range"),
        ("row 6, amount", "empty"),
        ("row 6, date", "empty"),
        ("row 7, date", "day_out_of_range"),
        ("row 8", "too_many_cells"),
    ]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    text = 'touchpoint,date,amount,unit\n"a\nb",2026-03-01,1,sent\nc,x1,1,sent'
    assert refused(text, names_touchpoints=True) == [("row 4, date", "bad_day")]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", [("table", "table_empty")]),
        (" \n;;\n", [("table", "table_empty")]),
        ("date,amount,unit", [("table", "table_empty")]),
        ("2026-03-01 500 sent", [("row 1", "how_many_columns")]),
        ("a;2026-03-01;;5;sent", [("row 1", "how_many_columns")]),
        ("Datum;Menge", [("row 1, unit", "missing_column")]),
        ("Datum;Tag;Menge;Einheit", [("row 1, date", "repeated_column")]),
        ("Datum;Menge;Einheit;Ort", [("row 1", "unknown_column")]),
        ("Touchpoint;Datum;Menge;Einheit", [("row 1, touchpoint", "table_of_journey")]),
        ('2026-03-01;5;sent\n2026-03-02;5;"sent\n', [("row 2", "bad_quotes")]),
        ("a\0b", [("table", "table_not_text")]),
        ("x" * (MOST_BYTES + 1), [("table", "table_too_large")]),
        ("2026-03-01;5;sent\n" * (MOST_ROWS + 1), [("table", "table_too_long")]),
    ],
)
def test_a_table_without_the_right_shape_is_refused(
    text: str, problems: list[tuple[str, str]]
) -> None:
    assert refused(text) == problems


def test_of_very_many_problems_the_first_fifty_are_told() -> None:
    found = refused("2026-03-01;x5;sent\n" * 60)
    assert found[:2] == [("row 1, amount", "bad_amount"), ("row 2, amount", "bad_amount")]
    assert len(found) == 51
    assert found[50] == ("table", "more_problems")


@given(st.text() | st.lists(st.text("\"';,.\t\n\r\0 0123-Datumsen\ud800"), max_size=5).map("".join))
def test_no_text_raises_anything_but_problems(text: str) -> None:
    for names_touchpoints in (False, True):
        with suppress(Invalid):
            rows(text, names_touchpoints=names_touchpoints)


@given(st.binary())
def test_no_file_raises_anything_but_problems(data: bytes) -> None:
    with suppress(Invalid):
        rows(read_text(data))


def entries(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Reach)) or 0


def test_entering_a_table_again_adds_nothing(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        onto = OneTouchpoint(make_touchpoint(session, ada))
        text = "2026-03-01;;5;sent\n2026-03-01;;5;versendet\n2026-03-02;2026-03-09;7;sent\n"
        add_reach(session, ada.actor, onto.id, NewReach(MARCH, 5, "sent"), NOW)
        plan = preview_reach(session, ada.actor, onto, text)
        assert [each.new for each in plan] == [False, True, True]
        first = import_reach(session, ada.actor, onto, text, NOW)
        assert (first.added, first.unchanged, len(first.ids)) == (2, 1, 2)
        again = import_reach(session, ada.actor, onto, text, NOW)
        assert (again.added, again.unchanged, tuple(again.ids)) == (0, 3, ())
        assert entries(session) == 3


def test_two_who_enter_the_same_table_at_once_enter_it_once(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        onto = OneTouchpoint(make_touchpoint(session, ada))
    text = "".join(f"2026-03-01;{number};sent\n" for number in range(1, 201))
    start, added = threading.Barrier(3), []

    def enter() -> None:
        start.wait(timeout=10)
        with database.transaction() as session:
            added.append(import_reach(session, ada.actor, onto, text, NOW).added)

    threads = [threading.Thread(target=enter) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added) == [0, 0, 200]


def test_an_import_is_undone_without_touching_what_was_there(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        onto = OneTouchpoint(make_touchpoint(session, ada))
        before = add_reach(session, ada.actor, onto.id, NewReach(MARCH, 5, "sent"), NOW).id
        text = "2026-03-01;5;sent\n2026-03-02;7;sent\n"
        ids = import_reach(session, ada.actor, onto, text, NOW).ids
        assert undo_import(session, ada.actor, [*ids, "0", "x", "9" * 30], NOW) == 1
        assert undo_import(session, ada.actor, ids, NOW) == 0
        assert session.scalars(select(Reach.id)).all() == [before]
        with pytest.raises(Invalid, match="At most"):
            undo_import(session, ada.actor, ["1"] * (MOST_ROWS + 1), NOW)


def journey_with(
    session: Session, home: Home, names: Sequence[str]
) -> tuple[WholeJourney, dict[str, int]]:
    """A journey of the template with touchpoints of these names in its first stage."""
    made = create_journey(session, home.actor, "Kauf", NOW, template="standard", locale="de")
    stage_id = str(made.stages[0][0].id)
    ids = {}
    for name in names:
        new = NewTouchpoint(stage_id, name, "poster", "physical", "paid")
        ids[name] = create_touchpoint(session, home.actor, new, NOW).id
    return WholeJourney(str(made.journey.id)), ids


def test_the_table_of_a_journey_names_touchpoints(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        onto, ids = journey_with(session, ada, ["Plakat Köln", "Kasse"])
        text = (
            "Touchpoint;Datum;bis;Menge;Einheit\n"
            "plakat  köln;01.03.2026;;1.200;Passanten\n"
            "Vor dem Kauf / Kasse;01.03.2026;02.03.2026;50;Kontakte\n"
        )
        plan = preview_reach(session, ada.actor, onto, text)
        assert [each.touchpoint.id for each in plan] == list(ids.values())
        assert entries(session) == 0
        import_reach(session, ada.actor, onto, text, NOW)
        found = session.execute(select(Reach.touchpoint_id, Reach.amount, Reach.unit)).all()
        assert set(found) == {
            (ids["Plakat Köln"], 1200, "passers_by"),
            (ids["Kasse"], 50, "contacts"),
        }


def test_of_a_refused_table_nothing_is_entered(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        onto, ids = journey_with(session, ada, ["Plakat", "Kasse", "Flyer"])
        add_reach(session, ada.actor, str(ids["Flyer"]), NewReach(MARCH, 5, "printed"), NOW)
        text = (
            "Plakat,2026-03-01,5,sent\n"
            "Kasse,2026-03-01,5,sent\n"
            "Kiosk,2026-03-01,5,sent\n"
            "Plakat,2026-03-02,5,views\n"
            "Flyer,2026-03-02,5,sent\n"
            "Flyer,2026-13-02,5,printed\n"
        )
        with pytest.raises(Invalid) as error:
            import_reach(session, ada.actor, onto, text, NOW)
        assert [(problem.field, problem.code) for problem in error.value.problems] == [
            ("row 2, touchpoint", "ambiguous_touchpoint"),
            ("row 3, touchpoint", "unknown_touchpoint"),
            ("row 4, unit", "other_unit"),
            ("row 5, unit", "other_unit"),
            ("row 6, date", "bad_day"),
        ]
        assert entries(session) == 1


def test_an_import_is_one_note_in_the_trail(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        onto = OneTouchpoint(make_touchpoint(session, ada, "Poster"))
        ids = import_reach(
            session, ada.actor, onto, "2026-03-01;5;sent\n2026-03-02;5;sent", NOW
        ).ids
        import_reach(session, ada.actor, onto, "2026-03-01;5;sent", NOW)
        undo_import(session, ada.actor, ids, NOW)
        notes = [note for _, note in list_trail(session, ada.actor, before=None, limit=2)]
    assert [(note.action, note.name, dict(note.facts)) for note in notes] == [
        ("reach.import_undone", "", {"deleted": 2}),
        ("reach.imported", "Poster", {"onto": "touchpoint", "added": 2, "unchanged": 0}),
    ]


def test_cleo_and_vera_import_nothing(database: Database, settings: Settings, ada: Home) -> None:
    vera = Actor(ada.workspace_id, "vera", frozenset({"journeys:read"}))
    text = "2026-03-01;5;sent"
    with database.transaction() as session:
        cleo = make_home(session, settings, host="go.cleo.example").actor
        onto = OneTouchpoint(make_touchpoint(session, ada))
        journey, _ = journey_with(session, ada, [])
        ids = import_reach(session, ada.actor, onto, text, NOW).ids
        for place in (onto, journey, OneTouchpoint("\ud800"), WholeJourney("")):
            with pytest.raises(NotFound):
                import_reach(session, cleo, place, text, NOW)
            with pytest.raises(NotFound):
                preview_reach(session, cleo, place, text)
            with pytest.raises(Forbidden):
                import_reach(session, vera, place, text, NOW)
        assert undo_import(session, cleo, ids, NOW) == 0
        with pytest.raises(Forbidden):
            undo_import(session, vera, ids, NOW)
        assert entries(session) == 1


def test_a_full_table_is_entered_at_once(database: Database, ada: Home) -> None:
    text = "".join(f"2026-03-01;{number};sent\n" for number in range(1, MOST_ROWS + 1))
    with database.transaction() as session:
        onto = OneTouchpoint(make_touchpoint(session, ada))
        assert import_reach(session, ada.actor, onto, text, NOW).added == MOST_ROWS
        assert import_reach(session, ada.actor, onto, text, NOW).unchanged == MOST_ROWS
