"""What changed, from the roll-ups to every door: the same figures on the overview, the touchpoint's
page, by the API and on the command line; holidays, clocks and links that lead nowhere.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import cast as cast_to

import pytest
from cast import NOW as LONG_AGO
from cast import Home, make_home, make_link, make_touchpoint
from people import Cast, everybody, text_of
from rollups import count
from sqlalchemy.orm import Session
from terminal import done, refused
from werkzeug.test import TestResponse

from linkservice.cells import harmless
from linkservice.clicks.model import SuspectedDay
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Forbidden, Invalid
from linkservice.journeys.touchpoints import delete_touchpoint
from linkservice.links.model import Link
from linkservice.reports.change import HISTORY, WINDOW, Change
from linkservice.reports.changed import Beside, ChangeReport, ChangeRow, change_report
from linkservice.reports.period import Period
from linkservice.reports.results import to_json
from linkservice.reports.tide import tide_of
from linkservice.web.change_sentences import (
    change_sentence,
    heading,
    notes,
    parts,
    tide_sentences,
)
from linkservice.web.i18n import speaking, write_span
from linkservice.workspaces.access import Actor
from linkservice.workspaces.keys import create_key
from linkservice.workspaces.model import Workspace
from linkservice.workspaces.public_holidays import free_days

MADE = datetime(2025, 1, 6, tzinfo=UTC)
LAST = date(2026, 6, 16)  # a Tuesday
NOW = datetime(2026, 6, 17, 10, tzinfo=UTC)
DAYS = HISTORY + WINDOW
LEVELS = (60, 66, 57, 54, 45, 18, 12)

cast = pytest.fixture(everybody)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction() as session:
        yield session


@pytest.fixture
def ada(session: Session, settings: Settings) -> Home:
    return make_home(session, settings, now=MADE)


class Shop:
    """A touchpoint with a link, and clicks by weekday."""

    def __init__(self, session: Session, settings: Settings, home: Home, name: str) -> None:
        self.session, self.home = session, home
        self.id = make_touchpoint(session, home, name, MADE)
        self.link: Link = make_link(session, settings, home, touchpoint_id=self.id, now=MADE)

    def bring(
        self,
        last: date = LAST,
        *,
        days: int = DAYS,
        factor: Callable[[date], float] = lambda day: 1.0,
    ) -> None:
        for number in range(days):
            day = last - timedelta(number)
            usual = LEVELS[day.weekday()] * factor(day)
            # Restless in a way that no chance can make unusual.
            unrest = (number * 13 + int(self.id) * 5) % 11 - 5
            clicks = round(usual + unrest * usual**0.5 / 5)
            count(self.session, self.home, self.link, day, clicks, touchpoint_id=self.id)
        self.session.flush()


def of(report: ChangeReport, shop: Shop) -> ChangeRow:
    row = report.row(shop.id)
    assert row is not None
    return row


def halved(last: date, days: int = 3) -> Callable[[date], float]:
    return lambda day: 0.5 if day > last - timedelta(days) else 1.0


def test_a_loss_is_told_first_and_a_weekday_pattern_is_none(
    session: Session, settings: Settings, ada: Home
) -> None:
    shops = [Shop(session, settings, ada, name) for name in ("Poster", "Flyer", "Box")]
    for shop in shops:
        shop.bring(factor=halved(LAST) if shop is shops[1] else lambda day: 1.0)
    report = change_report(session, ada.actor, now=NOW)
    assert [row.change for row in report.touchpoints] == ["below", "as_usual", "as_usual"]
    row = report.touchpoints[0]
    assert (row.name, row.window) == ("Flyer", "three_days")
    assert row.told is not None
    assert row.told.days == 3
    # Sunday, Monday and Tuesday.
    assert row.told.expected == pytest.approx(12 + 60 + 66, rel=0.15)
    assert row.told.visitors < row.told.low < row.told.expected < row.told.high
    assert (report.period.first, report.period.last) == (date(2026, 6, 14), LAST)


def test_an_earlier_day_can_be_asked_for_but_none_that_is_not_over(
    session: Session, settings: Settings, ada: Home
) -> None:
    shop = Shop(session, settings, ada, "Poster")
    shop.bring(days=DAYS + 30, factor=lambda day: 0.4 if day > LAST - timedelta(4) else 1.0)
    before = change_report(session, ada.actor, last=LAST - timedelta(7), now=NOW)
    assert of(before, shop).change == "as_usual"
    assert of(change_report(session, ada.actor, now=NOW), shop).change == "below"
    for day in (date(2026, 6, 17), date(9999, 12, 31)):
        with pytest.raises(Invalid) as error:
            change_report(session, ada.actor, last=day, now=NOW)
        assert error.value.problems[0].code == "day_not_over"
    with pytest.raises(Invalid) as error:
        change_report(session, ada.actor, last=date(1, 1, 5), now=NOW)
    assert error.value.problems[0].code == "day_too_early"


@pytest.mark.parametrize(
    ("last", "holidays"),
    [
        (date(2025, 10, 5), {date(2025, 10, 3)}),
        (date(2025, 12, 28), {date(2025, 12, 24) + timedelta(n) for n in range(5)}),
        (date(2025, 12, 26), {date(2025, 12, 24) + timedelta(n) for n in range(3)}),
        (date(2026, 4, 7), {date(2026, 4, 3), date(2026, 4, 6)}),
    ],
    ids=["unity", "after christmas", "christmas", "easter"],
)
def test_holidays_of_the_chosen_state_raise_nothing(
    session: Session, settings: Settings, ada: Home, last: date, holidays: set[date]
) -> None:
    shops = [Shop(session, settings, ada, name) for name in ("Poster", "Flyer", "Box", "Mail")]
    for shop in shops:
        shop.bring(last, factor=lambda day: 0.1 if day in holidays else 1.0)
    later = datetime(last.year, last.month, last.day, 12, tzinfo=UTC) + timedelta(1)
    workspace = session.get_one(Workspace, ada.workspace_id)
    workspace.holidays = "DE-NW"
    for ago in range(4):
        report = change_report(session, ada.actor, last=last - timedelta(ago), now=later)
        assert {row.change for row in report.touchpoints} <= {"as_usual", "left_out"}
    report = change_report(session, ada.actor, last=last, now=later)
    assert {each.date for each in report.left_out} == {
        day for day in holidays if day > last - timedelta(WINDOW)
    }
    workspace.holidays = None
    changed = [
        row.change
        for ago in range(4)
        for row in change_report(
            session, ada.actor, last=last - timedelta(ago), now=later
        ).touchpoints
    ]
    assert "below" in changed


@pytest.mark.parametrize(
    ("zone", "now", "yesterday"),
    [
        # Days of 23 and of 25 hours, and an hour after midnight on the day after.
        ("Europe/Berlin", datetime(2026, 3, 29, 22, 30, tzinfo=UTC), date(2026, 3, 29)),
        ("Europe/Berlin", datetime(2026, 10, 25, 23, 30, tzinfo=UTC), date(2026, 10, 25)),
        ("Asia/Kolkata", datetime(2026, 6, 16, 18, 29, tzinfo=UTC), date(2026, 6, 15)),
        ("Asia/Kolkata", datetime(2026, 6, 16, 18, 31, tzinfo=UTC), date(2026, 6, 16)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 13, 31, tzinfo=UTC), date(2026, 4, 4)),
        ("Pacific/Kiritimati", datetime(2026, 6, 16, 10, 30, tzinfo=UTC), date(2026, 6, 16)),
    ],
)
def test_yesterday_is_the_workspaces(
    session: Session, settings: Settings, zone: str, now: datetime, yesterday: date
) -> None:
    home = make_home(session, settings, now=MADE, time_zone=zone)
    shop = Shop(session, settings, home, "Poster")
    shop.bring(yesterday)
    # Today, of which an hour at most has passed.
    count(session, home, shop.link, yesterday + timedelta(1), 1, touchpoint_id=shop.id)
    report = change_report(session, home.actor, now=now)
    assert report.period.last == yesterday
    assert of(report, shop).change == "as_usual"


def test_young_paused_and_deleted_touchpoints_raise_nothing(
    session: Session, settings: Settings, ada: Home
) -> None:
    young, paused, ended, gone, silent, old = (
        Shop(session, settings, ada, name)
        for name in ("young", "paused", "ended", "gone", "silent", "old")
    )
    young.bring(days=10, factor=lambda day: 0.5 ** ((day - LAST).days + 9))
    for shop in (paused, ended, gone, old):
        shop.bring(factor=lambda day: 0.0 if day > LAST - timedelta(3) else 1.0)
    paused.link.active = False
    ended.link.expires_at = NOW - timedelta(days=2)
    old.link.archived_at = NOW - timedelta(days=9)
    delete_touchpoint(session, ada.actor, gone.id, NOW)
    report = change_report(session, ada.actor, now=NOW)
    assert report.row(gone.id) is None
    assert of(report, young).change == "too_early"
    # Ten days, of which the last three are judged: a fortnight is missing.
    assert of(report, young).days_needed == 14
    assert of(report, silent).days_needed == 21
    assert of(report, paused).change == of(report, ended).change == "no_link"
    assert of(report, paused).told is None
    # Archived links go on redirecting.
    assert of(report, old).change == "below"


def test_the_fading_of_a_link_is_usual(session: Session, settings: Settings, ada: Home) -> None:
    shops = [Shop(session, settings, ada, f"Mailing {number}") for number in range(4)]
    for shop in shops:
        shop.bring(days=35, factor=lambda day: 10 * 0.5 ** (((day - LAST).days + 34) / 7))
    report = change_report(session, ada.actor, now=NOW)
    assert {row.change for row in report.touchpoints} == {"as_usual"}


def test_suspected_scanners_count_only_where_asked_for(
    session: Session, settings: Settings, ada: Home
) -> None:
    shop = Shop(session, settings, ada, "Mail")
    shop.bring()
    session.add(
        SuspectedDay(
            link_id=shop.link.id,
            local_date=LAST,
            touchpoint_id=int(shop.id),
            workspace_id=ada.workspace_id,
            clicks=500,
            scans=0,
            visitors=500,
            touchpoint_visitors=500,
            journey_visitors=500,
            tokenless=0,
        )
    )
    session.flush()
    assert of(change_report(session, ada.actor, now=NOW), shop).change == "as_usual"
    with_them = change_report(session, ada.actor, suspects=True, now=NOW)
    assert of(with_them, shop).change == "above"


def test_cleo_sees_nothing_of_adas(session: Session, settings: Settings, ada: Home) -> None:
    Shop(session, settings, ada, "Poster").bring()
    cleo = make_home(session, settings, host="go.cleo.example", now=MADE)
    assert change_report(session, cleo.actor, now=NOW).touchpoints == []
    blind = Actor(ada.workspace_id, "key", frozenset({"links:read"}))
    with pytest.raises(Forbidden, match="reports:read"):
        change_report(session, blind, now=NOW)


def fill(settings: Settings, database: Database, home: Home) -> dict[str, str]:
    """A loss, a gain, a usual, a young and a paused touchpoint up to yesterday; their ids."""
    last = datetime.now(UTC).date() - timedelta(1)
    factors = {"Flyer": halved(last), "=Box": lambda day: 3.0 if day == last else 1.0}
    with database.transaction() as session:
        session.get_one(Workspace, home.workspace_id).time_zone = "UTC"
        found = {}
        for name in ("Poster", "Flyer", "=Box", "Young", "Paused"):
            shop = Shop(session, settings, home, name)
            shop.link.active = name != "Paused"
            days = 9 if name == "Young" else DAYS
            shop.bring(last, days=days, factor=factors.get(name, lambda day: 1.0))
            found[name] = shop.id
        return found


def test_all_doors_tell_the_same(cast: Cast, settings: Settings, database: Database) -> None:
    ids = fill(settings, database, cast.home)
    with database.transaction() as session:
        report = change_report(session, cast.home.actor, now=datetime.now(UTC))
        key = create_key(session, cast.home.actor, "shop", ["reports:read"], LONG_AGO)
    said = {row.name: row.change for row in report.touchpoints}
    assert said == {
        "Flyer": "below",
        "=Box": "above",
        "Poster": "as_usual",
        "Young": "too_early",
        "Paused": "no_link",
    }
    client, headers = cast.ada.client, {"Authorization": f"Bearer {key}"}
    answer = client.get("/api/v1/reports/changes", headers=headers)
    assert answer.json == to_json(report)
    assert json.loads(done(settings, "report", "changes", "--format", "json")) == answer.json
    written = done(settings, "report", "changes", "--format", "csv")
    table = list(csv.DictReader(io.StringIO(written)))
    for row, line in zip(report.touchpoints, table, strict=True):
        assert (line["change"], line["window"]) == (row.change, row.window or "")
        assert line["name"] == harmless(row.name)
        for window in ("yesterday", "three_days"):
            beside = getattr(row, window)
            for name in ("days", "visitors", "expected", "low", "high"):
                told = "" if beside is None else str(getattr(beside, name))
                assert line[f"{window}_{name}"] == told
    shown = done(settings, "report", "changes")
    overview = text_of(cast.ada.get("/"))
    for row in report.touchpoints:
        page = text_of(cast.ada.get(f"/reports/touchpoints/{row.id}"))
        with speaking("en"):
            sentence = change_sentence(row, report)
        assert sentence in page
        assert (sentence in overview) == (row.change in ("below", "above"))
        (line,) = (line for line in shown.splitlines() if line.startswith(row.name))
        if row.told is not None:
            assert f"{row.told.visitors:,} " in line
            assert f"{row.told.low:,}–{row.told.high:,}" in line
    assert "For one touchpoint it is too early to say what is usual." in overview
    assert "One touchpoint has no active link and is not judged." in overview
    # A false discovery rate says nothing of a single report.
    assert "Of the changes named, on average at most one in twenty is chance." in overview
    flyer = report.row(ids["Flyer"])
    assert flyer is not None
    assert flyer.told is not None
    days = write_span(report.period.first, report.period.last, year=False)
    assert f"{flyer.told.visitors} visitors on {days}, where" in overview


def test_the_overview_names_the_holidays_it_leaves_out(
    cast: Cast, settings: Settings, database: Database
) -> None:
    fill(settings, database, cast.home)
    assert "Say whose public holidays you keep" in text_of(cast.ada.get("/"))
    assert "Say whose public holidays you keep" not in text_of(cast.vera.get("/"))
    cast.ada.done("/settings", holidays="DE-NW")
    page = text_of(cast.ada.get("/"))
    assert "Say whose public holidays you keep" not in page
    assert "Public holidays: Germany, North Rhine-Westphalia" in page
    assert ("; none fell on these days." in page) != ("No usual days, so left out:" in page)


def test_of_a_period_that_is_over_it_tells_what_changed_then(
    cast: Cast, settings: Settings, database: Database
) -> None:
    """A report of October that somebody was shown says nothing of November."""
    fill(settings, database, cast.home)
    today = datetime.now(UTC).date()
    last = today - timedelta(days=40)
    past = {"from": str(last - timedelta(days=27)), "to": str(last)}
    page, now = (text_of(cast.ada.get("/", **query)) for query in (past, {}))
    then, yesterday = (
        f"The three days {write_span(day - timedelta(days=2), day)}, the last"
        for day in (last, today - timedelta(days=1))
    )
    assert then in page
    assert yesterday not in page
    assert yesterday in now
    overview = cast.ada.get("/overview/download", **past, format="json").json
    assert overview["changes"]["period"]["to"] == str(last)
    alone = cast.ada.get("/reports/changes/download", **past, format="json").json
    assert alone["period"]["to"] == str(last)
    assert cast.ada.get("/", **{"from": "0001-01-01", "to": "0001-01-20"}).status_code == 200


def test_programs_and_commands_are_told_what_is_wrong(
    cast: Cast, settings: Settings, database: Database
) -> None:
    with database.transaction() as session:
        key = create_key(session, cast.home.actor, "shop", ["reports:read"], LONG_AGO)
    headers = {"Authorization": f"Bearer {key}"}

    def asked(**query: str) -> TestResponse:
        return cast.ada.client.get("/api/v1/reports/changes", headers=headers, query_string=query)

    late = asked(to="2126-01-01")
    assert (late.status_code, late.json["errors"][0]["code"]) == (422, "day_not_over")
    assert asked(to="2025-02-30").status_code == 422
    assert asked(to="2026-01-31", scanners="include").json["period"]["to"] == "2026-01-31"
    assert "is not over yet" in refused(settings, "report", "changes", "--to", "2126-01-01")
    assert cast.ada.client.get("/api/v1/reports/changes").status_code == 401


@pytest.mark.parametrize("locale", ["en", "de"])
def test_left_out_days_are_named_in_the_readers_language(locale: str) -> None:
    days = free_days("DE", date(2026, 12, 24), date(2026, 12, 26))
    period = Period(days[0].date, days[2].date, "Europe/Berlin")
    with speaking(locale):
        (_, note, region) = notes(ChangeReport(period, 0.05, "DE", days, None, []))
    wanted = {
        "en": ("between the years", "Christmas Day", "Germany"),
        "de": ("zwischen den Jahren", "Erster Weihnachtstag", "Deutschland"),
    }[locale]
    assert wanted[0] in note
    assert wanted[1] in note
    assert wanted[2] in region


def risen(last: date, by: float) -> Callable[[date], float]:
    return lambda day: by if day > last - timedelta(WINDOW) else 1.0


def test_where_most_rise_together_that_is_said_first(
    cast: Cast, settings: Settings, database: Database
) -> None:
    """By every door, and what changed is what changed without it."""
    last = datetime.now(UTC).date() - timedelta(1)
    with database.transaction() as session:
        session.get_one(Workspace, cast.home.workspace_id).time_zone = "UTC"
        shops = [Shop(session, settings, cast.home, f"Poster {number}") for number in range(9)]
        for number, shop in enumerate(shops):
            shop.bring(last, factor=risen(last, 0.5 if number == 8 else 2.0))
        report = change_report(session, cast.home.actor, now=datetime.now(UTC))
        key = create_key(session, cast.home.actor, "shop", ["reports:read"], LONG_AGO)
    tide = report.tide
    assert tide is not None
    assert (tide.change, tide.moved, tide.judged, tide.days) == ("above", 8, 9, 3)
    windows = [row.three_days for row in report.touchpoints]
    assert tide.visitors == sum(each.visitors for each in windows if each)
    assert tide.expected == sum(each.expected for each in windows if each)
    assert [row.change for row in report.touchpoints] == ["below", *["above"] * 8]
    headers = {"Authorization": f"Bearer {key}"}
    answer = cast.ada.client.get("/api/v1/reports/changes", headers=headers).json
    assert answer == to_json(report)
    assert answer["tide"]["moved"] == 8
    assert "8 of 9 touchpoints brought more than usual" in done(settings, "report", "changes")
    with speaking("en"):
        first, _ = tide_sentences(report)
        title = heading(report)
    assert re.match(r"All in all \d+% more than usual: [\d,]+ visitors, where", first)
    overview = text_of(cast.ada.get("/"))
    assert overview.index(title) < overview.index(first) < overview.index("unusually few")
    (risen_one,) = report.touchpoints[1:2]
    page = text_of(cast.ada.get(f"/reports/touchpoints/{risen_one.id}"))
    assert "That was general: all touchpoints together brought" in page
    fallen = text_of(cast.ada.get(f"/reports/touchpoints/{report.touchpoints[0].id}"))
    assert "That was general" not in fallen
    with speaking("en"):
        (part,) = parts(report)
    assert part.heading == title
    name, how, sentence = part.rows[0].cells
    assert (name, sentence) == ("All touchpoints together", first)
    assert re.fullmatch(r"\d+% more than usual", how)


def beside(visitors: int, expected: float) -> Beside:
    return Beside(3, visitors, expected, 0, 2 * visitors)


def rows_of(*found: tuple[str, int, float]) -> list[ChangeRow]:
    """Touchpoints by what is said of them, their visitors, and how many are usual."""
    return [
        ChangeRow(
            *("1", "Poster", "Stage", "1", "Journey", "1", "paid", "poster"),
            change=cast_to("Change", change),
            window="three_days",
            yesterday=None,
            three_days=beside(visitors, expected),
            false_discovery_rate=0.01,
            days_needed=None,
        )
        for change, visitors, expected in found
    ]


@pytest.mark.parametrize(
    ("rows", "moved"),
    [
        ([("above", 60, 40.0)] * 2 + [("as_usual", 44, 40.0)] * 4, 6),
        # Five of six on one side are chance in a fifth of all weeks.
        ([("above", 60, 40.0)] * 2 + [("as_usual", 44, 40.0)] * 3 + [("as_usual", 39, 40.0)], 0),
        ([("above", 60, 40.0)] + [("as_usual", 44, 40.0)] * 9, 0),
        ([("above", 60, 40.0)] * 2 + [("as_usual", 40, 39.9)] * 40, 0),
        ([("below", 20, 40.0)] * 3 + [("as_usual", 36, 40.0)] * 7, 10),
        # One large one falls, so together they had fewer: no rise of all.
        ([("above", 60, 40.0)] * 9 + [("below", 200, 600.0)], 0),
        ([], 0),
    ],
)
def test_it_is_general_only_if_chance_would_not_do_it(
    rows: list[tuple[str, int, float]], moved: int
) -> None:
    tide = tide_of(rows_of(*rows))
    assert (0 if tide is None else tide.moved) == moved
