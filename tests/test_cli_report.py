"""The report on the command line: a table people read, CSV and JSON that programs read."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from cast import Home, make_home
from snapshot import made_once
from sqlalchemy.orm import Session
from terminal import done, refused

from linkservice.cli.output import bar, fit
from linkservice.cli.report import _change
from linkservice.clicks.kept_rows import note_deletion
from linkservice.clicks.model import DomainDay, LinkDay
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.manage import create_journey
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.results import to_json
from linkservice.workspaces.access import operator
from linkservice.workspaces.accounts import first_workspace

FIRST, LAST = date(2026, 6, 1), date(2026, 6, 28)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PERIOD = ("--from", "2026-06-01", "--to", "2026-06-28")
WIDTH = 100

HOSTILE = "=HYPERLINK(…)"
WIDE = "店頭ポスター" * 20
LONG = "Die sehr lange Beschreibung eines Plakats im Schaufenster " * 3


def fill(session: Session, settings: Settings) -> tuple[Home, str]:
    """Nine posters: one strong, one weak, one new, odd names; the journey's outside id."""
    home = make_home(session, settings, now=LONG_AGO)
    journey = create_journey(session, home.actor, "Einkauf", LONG_AGO).journey
    stage = create_stage(session, home.actor, str(journey.id), "Vor dem Kauf", LONG_AGO)
    plan = [("Stark", 30_000, 100), ("Schwach", 30_000, 20), ("Neu", 20, 0), (HOSTILE, 30_000, 45)]
    plan += [(name, 30_000, 45) for name in (WIDE, LONG, "-1+1", "Ärmel 🎈 \u202eabc", "@x")]
    for number, (name, reach, visitors) in enumerate(plan):
        new = NewTouchpoint(str(stage.id), name, "poster", "physical", "paid")
        touchpoint = create_touchpoint(session, home.actor, new, LONG_AGO)
        entry = NewReach(FIRST, reach, "passers_by", LAST)
        add_reach(session, home.actor, str(touchpoint.id), entry, LONG_AGO)
        count(session, home, number + 1, touchpoint.id, visitors)
    silent = NewTouchpoint(str(stage.id), "Ohne Reichweite", "poster", "physical", "paid")
    create_touchpoint(session, home.actor, silent, LONG_AGO)
    count(session, home, 99, 0, 7)
    session.add(
        DomainDay(
            domain_id=home.domain_id,
            workspace_id=home.workspace_id,
            local_date=FIRST,
            misses=3,
            heads=1,
        )
    )
    return home, str(journey.id)


def count(session: Session, home: Home, link_id: int, touchpoint_id: int, daily: int) -> None:
    """`daily` visitors on every day of the period and one click without a token."""
    days = [FIRST + timedelta(number) for number in range(28)]
    session.add_all(
        LinkDay(
            link_id=link_id,
            local_date=day,
            touchpoint_id=touchpoint_id,
            workspace_id=home.workspace_id,
            clicks=daily + bool(daily),
            scans=daily // 5,
            visitors=daily,
            touchpoint_visitors=daily,
            journey_visitors=daily,
            tokenless=bool(daily),
            robots=1,
            previews=0,
            prefetches=0,
            scanners=0,
            heads=0,
        )
        for day in days
    )


@pytest.fixture
def journey_id(settings: Settings, database: Database) -> str:
    def make() -> str:
        with database.transaction() as session:
            return fill(session, settings)[1]

    return made_once("nine posters", database, make)


def columns(line: str) -> int:
    """How many columns of a terminal a line takes."""
    return sum(
        2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in line
        if unicodedata.category(each) not in ("Mn", "Me", "Cf")
    )


def lines(settings: Settings, *arguments: str) -> list[str]:
    return done(settings, "report", "touchpoints", *PERIOD, *arguments).splitlines()


def line_of(table: Sequence[str], name: str) -> str:
    (found,) = [line for line in table if line.startswith(name)]
    return found


def test_a_filter_shows_fewer_and_changes_no_verdict(settings: Settings, journey_id: str) -> None:
    table = lines(settings, "--verdict", "worst", "--channel", "poster", "--sort", "lead")
    assert line_of(table, "Schwach").endswith("▼ worst")
    assert not [line for line in table if line.startswith(("Stark", "Neu"))]
    told = refused(settings, "report", "touchpoints", "--persona", "7")
    assert told.startswith("linkservice: --persona: There is no persona")
    (title, *_) = done(settings, "report", "moments", "--journey", journey_id).splitlines()
    assert title == "Moments of truth: Einkauf"
    table = done(settings, "report", "moments", *PERIOD, "--journey", journey_id).splitlines()
    assert "missing: six weeks of clicks" in line_of(table, "Stark")


def test_the_table_names_best_and_worst(settings: Settings, journey_id: str) -> None:
    table = lines(settings)
    strong, weak = line_of(table, "Stark"), line_of(table, "Schwach")
    assert strong.endswith("▲ best")
    assert weak.endswith("▼ worst")
    assert "94.3" in strong  # 28 × (100 + 1) visitors of 30,000
    assert line_of(table, "Ohne Reichweite").endswith("no reach")
    assert line_of(table, "Neu").endswith("too early")
    assert table.index(strong) < table.index(weak)
    below = table[table.index(strong) + 1]
    assert "Vor dem Kauf · 30,000 passers-by · 8 peers of the same stage and kind: " in below
    assert (
        "20 passers-by, about 1,000 more of reach needed to tell · 8 peers"
        in table[table.index(line_of(table, "Neu")) + 1]
    )


def test_the_table_sums_to_its_totals(settings: Settings, journey_id: str) -> None:
    table = lines(settings)
    total = line_of(table, "Total").split()
    clicks = 28 * (101 + 21 + 0 + 6 * 46 + 8)
    told = next(line for line in table if "told no visitor apart" in line)
    tokenless = int(told.split()[0].replace(",", ""))
    assert total[1:3] == [f"{clicks:,}", f"{clicks - tokenless:,}"]
    assert "Visitors are counted by day and touchpoint" in "".join(table)
    assert line_of(table, "(links without a touchpoint)").split()[4] == "224"
    assert table[-1] == "Not counted as clicks: robots 280, HEAD requests 1, misses 3."


def test_the_table_fits_whatever_names_there_are(settings: Settings, journey_id: str) -> None:
    metrics = ("clicks_per_day", "value_per_reach", "trend")
    for arguments in ((), *(("--metric", metric) for metric in metrics)):
        table = lines(settings, *arguments)
        assert max(map(columns, table)) <= WIDTH
        assert not {"\u202e", "\x1b"} & set("".join(table))


def test_the_bars_are_to_scale(settings: Settings, journey_id: str) -> None:
    table = lines(settings)
    full = line_of(table, "Stark").count("█")
    assert full == 11
    assert line_of(table, "Schwach").count("█") == int(11 * 21 / 101)


def test_json_is_what_the_api_says(settings: Settings, database: Database, journey_id: str) -> None:
    said = json.loads("\n".join(lines(settings, "--format", "json")))
    with database.reading() as session:
        report = touchpoint_report(
            session,
            operator(first_workspace(session)),
            first=FIRST,
            last=LAST,
            now=datetime.now(UTC),
        )
    assert said == json.loads(json.dumps(to_json(report)))
    assert said["period"] == {
        "from": "2026-06-01",
        "to": "2026-06-28",
        "time_zone": "Europe/Berlin",
    }


def test_csv_runs_no_formula(settings: Settings, journey_id: str) -> None:
    said = done(settings, "report", "touchpoints", *PERIOD, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(said, newline="")))
    names = {row["name"] for row in rows}
    assert {f"'{HOSTILE}", "'-1+1", "'@x", WIDE} <= names
    assert not any(
        cell.startswith(("=", "+", "@")) for row in rows for cell in row.values() if cell
    )
    assert sum(int(row["clicks"]) for row in rows) == 28 * (101 + 21 + 0 + 6 * 46 + 8)


def test_filtered_clicks_are_told_as_far_as_they_are_kept(
    settings: Settings, database: Database, journey_id: str
) -> None:
    """Of these there are sums alone: nothing can be told, and the head says so."""
    with database.transaction() as session:
        note_deletion(session, first_workspace(session).id, date.max.toordinal())
    table = lines(settings, "--device", "mobile", "--country", "de")
    assert "Clicks with country DE, device mobile; none of these days are kept" in table[1]
    assert line_of(table, "Stark").endswith("not judged")
    by_trend = lines(settings, "--device", "mobile", "--metric", "trend")
    assert line_of(by_trend, "Stark").endswith("none before")
    said = json.loads("\n".join(lines(settings, "--device", "mobile", "--format", "json")))
    assert said["filtered"]["single_clicks_from"] is None
    assert {row["clicks"] for row in said["touchpoints"]} == {0}


def test_a_rate_that_hardly_moved_has_no_sign() -> None:
    assert [_change(rate) for rate in (0.996, 1.004, 0.99, 1.5)] == ["0%", "0%", "-1%", "+50%"]


def test_one_journey_and_the_other_metric(settings: Settings, journey_id: str) -> None:
    table = lines(settings, "--journey", journey_id, "--metric", "clicks_per_day")
    assert "a day" in table[2]
    assert "(links without a touchpoint)" not in "\n".join(table)
    assert "101" in line_of(table, "Stark")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "2026-06-02", "--to", "2026-06-01"), "--to: The period ends on 2026-06-01"),
        (("--from", "0001-01-01"), "--from: The period has"),
        (("--country", "Germany"), "--country: “Germany” is"),
        (("--journey", "99"), "--journey: There is no journey “99”"),
        (("--journey", "9" * 999), "--journey: There is no journey"),
        (("--journey", ""), "--journey: There is no journey"),
    ],
)
def test_a_wrong_question_is_refused(
    settings: Settings, journey_id: str, arguments: tuple[str, ...], message: str
) -> None:
    assert message in refused(settings, "report", "touchpoints", *arguments)


def test_the_first_and_the_last_day_there_are(settings: Settings, journey_id: str) -> None:
    for day in ("0001-01-01", "9999-12-31"):
        table = done(settings, "report", "touchpoints", "--from", day, "--to", day)
        assert "Total" in table


def test_an_empty_workspace_has_an_empty_table(settings: Settings, database: Database) -> None:
    with database.transaction() as session:
        make_home(session, settings)
    assert line_of(lines(settings), "Total").split()[1:3] == ["0", "0"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abc", "abc   "),
        ("abcdef", "abcdef"),
        ("abcdefg", "abcde…"),
        ("店頭ポ", "店頭ポ"),
        ("店頭ポス", "店頭… "),
        ("e\u0301tudes", "e\u0301tudes"),
        ("", "      "),
    ],
)
def test_text_is_fitted_by_columns(text: str, shown: str) -> None:
    assert fit(text, 6) == shown
    assert columns(shown) == 6


def test_a_bar_begins_at_nothing_and_ends_at_its_width() -> None:
    assert bar(0, 4) == "    "
    assert bar(1, 4) == "████"
    assert bar(0.5, 4) == "██  "
    assert bar(1 / 32, 4) == "▏   "
