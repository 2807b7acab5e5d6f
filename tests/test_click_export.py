"""Single clicks are taken away whole, in words, and in little memory however many there are."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice

import openpyxl
import openpyxl.utils.escape
import pytest
from belongings import on_one_engine
from cast import NOW, Home, make_link, make_touchpoint
from people import Cast, everybody, text_of
from sqlalchemy import insert
from sqlalchemy.orm import Session
from terminal import done, refused

from linkservice import long_workbook as long_workbook_module
from linkservice.clicks import export
from linkservice.clicks.dictionary import value_id
from linkservice.clicks.export import BATCH, COLUMNS, Wanted, how_many, select_clicks, written
from linkservice.clicks.ledger_model import LedgerEntry
from linkservice.clicks.model import AgentName, Click, Mark
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Forbidden, NotFound
from linkservice.links.manage import delete_link
from linkservice.long_workbook import long_workbook
from linkservice.workspaces.access import Actor

cast = pytest.fixture(everybody)

DAY = date(2026, 11, 20)
MANY = 20_000
ALL = Wanted()


def fill(
    session: Session,
    home: Home,
    settings: Settings,
    clicks: int,
    days: int = 2,
    slug: str = "sommer",
) -> int:
    """Clicks on a link whose names want care, spread over days and two segments; its id."""
    place = make_touchpoint(session, home, "=HYPERLINK(1)")
    link = make_link(session, settings, home, slug, touchpoint_id=place)
    agent = AgentName(robot="", tag="", device="mobile", browser="Firefox", system="Android")
    known = session.query(AgentName).filter_by(browser="Firefox", system="Android").first()
    if known is None:
        session.add(agent)
    segments = [
        LedgerEntry(
            node=f"n{home.workspace_id}",
            name=f"{slug}-{number}",
            position=0,
            accepted=0,
            ingested=0,
            rejected=0,
            damaged=0,
        )
        for number in range(2)
    ]
    session.add_all(segments)
    session.flush()
    common = {
        "workspace_id": home.workspace_id,
        "domain_id": home.domain_id,
        "link_id": link.id,
        "link_version": 1,
        "touchpoint_id": int(place),
        "agent_id": (known or agent).id,
        "country_id": value_id(session, "country", "DE"),
        "language_id": value_id(session, "language", "de-DE"),
        "referrer_id": value_id(session, "referrer", ""),
        "local_hour": 9,
        "click_class": 0,
    }
    for first in range(0, clicks, 10_000):
        session.execute(
            insert(Click),
            [
                {
                    **common,
                    "segment_id": segments[number % 2].id,
                    "position": number,
                    "time_ms": 1_795_000_000_000 + number,
                    "local_day": (DAY + timedelta(days=number % days)).toordinal(),
                    "flags": Mark.SCAN | Mark.NEW_FOR_LINK if number % 10 == 0 else 0,
                }
                for number in range(first, min(first + 10_000, clicks))
            ],
        )
    return link.id


def lines(database: Database, actor: Actor, wanted: Wanted = ALL) -> Iterator[dict[str, object]]:
    with database.reading() as session:
        found = select_clicks(session, actor, wanted)
    for _, text in written(database, found, "jsonl"):
        yield from map(json.loads, text.splitlines())


def test_every_click_comes_once_in_words(
    cast: Cast, database: Database, settings: Settings
) -> None:
    with database.transaction() as session:
        link_id = fill(session, cast.home, settings, 2 * BATCH + 1)
        fill(session, cast.foreign, settings, 3)
    rows = list(lines(database, cast.home.actor))
    assert len(rows) == len({row["time"] for row in rows}) == 2 * BATCH + 1
    assert [row["date"] for row in rows] == sorted(str(row["date"]) for row in rows)
    first = rows[0]
    assert list(first) == list(COLUMNS)
    assert first["time"] == "2026-11-18T11:06:40.000Z"
    assert (first["date"], first["hour"], first["slug"]) == ("2026-11-20", 9, "sommer")
    assert first["link_id"] == str(link_id)
    assert (first["source"], first["class"], first["new_for_link"]) == ("scan", "person", True)
    assert (first["device"], first["browser"], first["system"]) == ("mobile", "Firefox", "Android")
    assert (first["country"], first["language"], first["referrer"]) == ("DE", "de-DE", None)
    assert sum(row["source"] == "scan" for row in rows) == 401


def test_days_links_and_touchpoints_choose(
    cast: Cast, database: Database, settings: Settings
) -> None:
    with database.transaction() as session:
        one = fill(session, cast.home, settings, 10)
        other = fill(session, cast.home, settings, 6, days=3, slug="winter")
        foreign = fill(session, cast.foreign, settings, 3)
        delete_link(session, cast.home.actor, str(one), NOW)
    actor = cast.home.actor
    assert len(list(lines(database, actor, Wanted(DAY, DAY)))) == 5 + 2
    assert len(list(lines(database, actor, Wanted(first=DAY + timedelta(days=1))))) == 5 + 4
    assert len(list(lines(database, actor, Wanted(link_id=str(one))))) == 10
    rows = list(lines(database, actor, Wanted(link_id=str(other))))
    place = str(rows[0]["touchpoint_id"])
    assert len(list(lines(database, actor, Wanted(touchpoint_id=place)))) == 6
    with database.reading() as session:
        with pytest.raises(NotFound):
            select_clicks(session, actor, Wanted(link_id=str(foreign)))
        with pytest.raises(Forbidden):
            select_clicks(session, Actor(actor.workspace_id, "x", frozenset()), Wanted())
        assert how_many(session, select_clicks(session, actor, Wanted())) == 16


@on_one_engine
def test_many_rows_take_the_memory_of_a_batch(
    cast: Cast, database: Database, settings: Settings
) -> None:
    """And the first rows are there before the last ones are read. (100,000 keep below the same
    bound; tracing them takes half a minute.)
    """
    with database.transaction() as session:
        fill(session, cast.home, settings, MANY, days=5)
    with database.reading() as session:
        found = select_clicks(session, cast.home.actor, Wanted())
    pieces = written(database, found, "csv")
    assert [rows for rows, _ in islice(pieces, 2)] == [0, BATCH]
    tracemalloc.start()
    rest = sum(rows for rows, _ in pieces)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rest + BATCH == MANY
    # All rows at once would be 30 MB.
    assert peak < 10_000_000


def test_members_save_single_clicks(cast: Cast, database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        link_id = fill(session, cast.home, settings, 10)
    asked = {"from": "2026-11-20", "to": "2026-11-20", "link_id": str(link_id)}
    answer = cast.vera.get("/reports/clicks", **asked)
    assert answer.mimetype == "text/csv"
    name = "filename=clicks-2026-11-20-2026-11-20-link-1.csv"
    assert name in answer.headers["Content-Disposition"]
    assert "Content-Length" not in answer.headers
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) == 5
    assert rows[0]["touchpoint"] == "'=HYPERLINK(1)"
    told = cast.vera.get("/reports/clicks", format="jsonl", **asked).text.splitlines()
    assert [json.loads(line)["time"] for line in told] == [row["time"] for row in rows]
    assert json.loads(told[0])["touchpoint"] == "=HYPERLINK(1)"
    assert cast.vera.get("/reports/clicks", format="exe").status_code == 422
    assert cast.cleo.get("/reports/clicks", link_id=str(link_id)).status_code == 404
    assert cast.cleo.get("/reports/clicks", format="jsonl").data == b""
    assert cast.stranger.get("/reports/clicks").status_code == 303


def test_a_workbook_has_the_same_rows(
    cast: Cast, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With moments, days, numbers and flags as such, and no text that is run."""
    with database.transaction() as session:
        fill(session, cast.home, settings, BATCH + 3, days=1)
    asked = {"from": "2026-11-20", "to": "2026-11-20"}
    answer = cast.vera.get("/reports/clicks", format="xlsx", **asked)
    assert answer.mimetype.endswith("spreadsheetml.sheet")
    assert "clicks-2026-11-20-2026-11-20.xlsx" in answer.headers["Content-Disposition"]
    head, *rows = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0].iter_rows()
    assert [cell.value for cell in head] == ["time (UTC)", *COLUMNS[1:]]
    told = list(lines(database, cast.home.actor))
    assert len(rows) == len(told) == BATCH + 3
    for row, line in zip(rows[:: BATCH + 2], told[:: BATCH + 2], strict=True):
        time, day, *others = (cell.value for cell in row)
        assert f"{time.isoformat(timespec='milliseconds')}Z" == line["time"]
        assert (row[0].is_date, day.date().isoformat()) == (True, line["date"])
        assert others == [line[name] for name in COLUMNS[2:]]
    name = rows[0][COLUMNS.index("touchpoint")]
    assert (name.value, name.data_type) == ("=HYPERLINK(1)", "s")
    monkeypatch.setattr(export, "MOST_IN_WORKBOOK", BATCH)
    too_many = cast.vera.get("/reports/clicks", format="xlsx", **asked)
    assert too_many.status_code == 422
    assert "More than 2,000 clicks do not fit on a sheet of Excel" in text_of(too_many)
    assert re.search(r'<option value="csv"', too_many.text)
    assert cast.vera.get("/reports/clicks", **asked).status_code == 200


def test_a_workbook_is_sent_while_it_is_read_and_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = "a_x0041_\x07 <&> \ufffe"
    pieces = long_workbook("A & B", ["x"], iter([[[odd], [None]], [[date(2024, 2, 29)], [1.5]]]))
    sizes = [rows for rows, _ in islice(pieces, 2)]
    assert sizes == [0, 2]
    pieces.close()
    whole = b"".join(
        data for _, data in long_workbook("A & B", ["x"], [[[odd], [None]], [[date(2024, 2, 29)]]])
    )
    book = openpyxl.load_workbook(io.BytesIO(whole))
    assert book.sheetnames == ["A & B"]
    values = [row[0] for row in book.worksheets[0].iter_rows(values_only=True)]
    assert [unescape_spreadsheet(value) for value in values] == [
        *("x", odd, None, datetime.fromisoformat("2024-02-29"))
    ]
    monkeypatch.setattr(long_workbook_module, "MOST_ROWS", 3)
    with pytest.raises(ValueError, match="3 rows"):
        list(long_workbook("A", ["x"], [[[1], [2]], [[3], [4]]]))


def unescape_spreadsheet(value: object) -> object:
    """As Excel reads a text; openpyxl leaves this to its callers."""
    return openpyxl.utils.escape.unescape(value) if isinstance(value, str) else value


def test_nobody_reads_on_and_it_ends(cast: Cast, database: Database, settings: Settings) -> None:
    """Whoever goes away in the middle leaves no transaction behind."""
    with database.transaction() as session:
        fill(session, cast.home, settings, 3 * BATCH)
    answer = cast.vera.get("/reports/clicks", **{"from": "2026-11-01", "to": "2026-11-30"})
    pieces = answer.iter_encoded()
    assert next(iter(pieces))
    answer.close()
    # Writing waits for nobody.
    with database.transaction() as session:
        fill(session, cast.home, settings, 1, slug="other")


def test_the_command_writes_files(cast: Cast, database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        link_id = fill(session, cast.home, settings, 10)
    told = done(settings, "clicks", "export", "--format", "jsonl", "--from", "2026-11-21")
    assert [json.loads(line)["date"] for line in told.splitlines()] == ["2026-11-21"] * 5
    file = settings.data_dir / "clicks.csv"
    assert done(settings, "clicks", "export", "--link", str(link_id), "-o", str(file)) == ""
    assert len(list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))) == 10
    book = settings.data_dir / "clicks.xlsx"
    done(settings, "clicks", "export", "--format", "xlsx", "-o", str(book))
    assert openpyxl.load_workbook(book).worksheets[0].max_row == 11
    refused(settings, "clicks", "export", "--link", "999")
