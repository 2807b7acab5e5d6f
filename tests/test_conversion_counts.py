"""Conversions imported as sums: read in several spellings, replaced and never added twice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from cast import NOW, Home, make_home, make_touchpoint
from rest import People, everybody
from sqlalchemy import select
from terminal import run

from linkservice.config import Settings
from linkservice.conversions.counts import (
    ImportedCounts,
    NewCount,
    import_counts,
    read_counts,
)
from linkservice.conversions.model import ConversionCount
from linkservice.database import Database
from linkservice.errors import Forbidden, Invalid
from linkservice.workspaces.access import Actor

people = pytest.fixture(everybody)

MARCH = date(2026, 3, 1)
TABLE = "date,touchpoint,conversions,value\n2026-03-01,Poster,12,1234.50\n2026-03-02,Poster,3,\n"


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


@pytest.fixture
def poster(database: Database, ada: Home) -> str:
    with database.transaction() as session:
        return make_touchpoint(session, ada, "Poster")


def stored(database: Database) -> list[tuple[date, str, int, int]]:
    with database.reading() as session:
        rows = session.scalars(
            select(ConversionCount).order_by(ConversionCount.local_date, ConversionCount.source)
        )
        return [(row.local_date, row.source, row.conversions, row.value) for row in rows]


def enter(database: Database, ada: Home, text: str, source: str = "shop") -> ImportedCounts:
    with database.transaction() as session:
        counts = read_counts(session, ada.actor, text, NOW)
        return import_counts(session, ada.actor, counts, source, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "date,touchpoint,conversions,value\n2026-03-01,Poster,1200,49.90",
        "Datum;Touchpoint;Anzahl;Umsatz\r\n01.03.2026;poster;1.200;49,90\r\n",
        "\ufeffConversions\tTag\tValue\tTouchpoint\n1200\t1.3.2026\t49,90\tAwareness / Poster\n\n",
    ],
)
def test_a_table_may_be_written_in_many_ways(
    database: Database, ada: Home, poster: str, text: str
) -> None:
    with database.reading() as session:
        assert read_counts(session, ada.actor, text, NOW) == [NewCount(MARCH, poster, 1200, 4990)]


def test_the_same_table_again_adds_nothing(database: Database, ada: Home, poster: str) -> None:
    assert enter(database, ada, TABLE) == ImportedCounts(2, 0, 0)
    assert enter(database, ada, TABLE) == ImportedCounts(0, 0, 2)
    assert enter(database, ada, TABLE.replace(",3,", ",4,")) == ImportedCounts(0, 1, 1)
    assert enter(database, ada, TABLE, "till") == ImportedCounts(2, 0, 0)
    assert stored(database) == [
        (MARCH, "shop", 12, 123_450),
        (MARCH, "till", 12, 123_450),
        (date(2026, 3, 2), "shop", 4, 0),
        (date(2026, 3, 2), "till", 3, 0),
    ]


def test_every_wrong_row_is_named_and_nothing_entered(
    database: Database, ada: Home, poster: str
) -> None:
    text = (
        "date,touchpoint,conversions,value\n2026-03-01,Poster,1,1\n3/1/2026,Poster,1,\n"
        "2026-03-01,Flyer,1,\n2026-03-01,Poster,one,\n2026-03-02,Poster,1,much\n"
        "2026-03-01,Poster,2,\n"
    )
    with pytest.raises(Invalid) as error:
        enter(database, ada, text)
    assert [(problem.field, problem.code) for problem in error.value.problems] == [
        ("row 3, date", "not_a_day"),
        ("row 4, touchpoint", "unknown_touchpoint"),
        ("row 5, conversions", "not_a_number"),
        ("row 6, value", "not_an_amount"),
        ("row 7", "row_repeated"),
    ]
    assert all(problem.sentence for problem in error.value.problems)
    assert stored(database) == []


def test_a_day_to_come_is_named_and_nothing_entered(
    database: Database, ada: Home, poster: str
) -> None:
    """Tomorrow has begun in another time zone; the day after it has nowhere."""
    text = "date,touchpoint,conversions\n2026-11-20,Poster,1\n2026-11-21,Poster,2\n"
    wrong = text + "2026-11-22,Poster,3\n2027-03-01,Poster,4\n"
    with pytest.raises(Invalid) as error:
        enter(database, ada, wrong)
    assert [(problem.field, problem.code) for problem in error.value.problems] == [
        ("row 4, date", "day_to_come"),
        ("row 5, date", "day_to_come"),
    ]
    assert error.value.problems[1].sentence.startswith("2027-03-01 is still to come")
    assert stored(database) == []
    assert enter(database, ada, text) == ImportedCounts(2, 0, 0)
    late = [NewCount(date(2026, 11, 22), poster, 1)]
    with database.transaction() as session, pytest.raises(Invalid) as error:
        import_counts(session, ada.actor, late, "shop", NOW)
    assert [each.field for each in error.value.problems] == ["items.0.date"]


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2", "date,touchpoint\n2026-03-01,Poster", TABLE.replace("value", "Wort")]
)
def test_a_table_that_cannot_be_read_is_refused(
    database: Database, ada: Home, poster: str, text: str
) -> None:
    with pytest.raises(Invalid):
        enter(database, ada, text)


def test_vera_may_not(database: Database, ada: Home, poster: str) -> None:
    vera = Actor(ada.workspace_id, "vera", frozenset({"reports:read"}))
    with database.transaction() as session, pytest.raises(Forbidden):
        import_counts(session, vera, [NewCount(MARCH, poster, 1)], "shop", NOW)


def test_by_the_api(database: Database, people: People) -> None:
    with database.transaction() as session:
        poster = make_touchpoint(session, people.ada.home, "Poster")
        theirs = make_touchpoint(session, people.cleo.home, "Poster")
    item = {"date": "2026-03-01", "touchpoint_id": poster, "conversions": 5, "value": 100}
    done = people.ben.made("/conversion-counts", items=[item])
    assert done == {"added": 1, "changed": 0, "unchanged": 0}
    assert people.ben.made("/conversion-counts", items=[item])["unchanged"] == 1
    assert people.vera.post("/conversion-counts", items=[item]).status_code == 403
    foreign = people.ben.post("/conversion-counts", items=[{**item, "touchpoint_id": theirs}])
    assert foreign.status_code == 404
    to_come = people.ben.post("/conversion-counts", items=[{**item, "date": "2926-03-01"}])
    assert to_come.status_code == 422
    assert "still to come" in to_come.text
    twice = people.ben.post("/conversion-counts", items=[item, item])
    assert [each["code"] for each in twice.json["errors"]] == ["item_repeated"]
    query = {"from": "2026-03-01", "to": "2026-03-01"}
    for attribution in ("first", "last"):
        report = people.vera.get("/reports/touchpoints", attribution=attribution, **query).json
        assert (report["totals"]["conversions"], report["totals"]["value"]) == (5, 100)


def test_by_the_command_line(
    database: Database, settings: Settings, ada: Home, poster: str, tmp_path: Path
) -> None:
    file = tmp_path / "march.csv"
    file.write_text(TABLE)
    for told in ("2 added, 0 replaced, 0 as before", "0 added, 0 replaced, 2 as before"):
        result = run(settings, "conversions", "import", str(file), "--source", "shop")
        assert (result.exit_code, told in result.output) == (0, True), result.output
    assert [row[1:] for row in stored(database)] == [("shop", 12, 123_450), ("shop", 3, 0)]
