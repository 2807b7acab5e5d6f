"""Value per reach and trend in reports: what they count, and against what."""

from __future__ import annotations

from datetime import date, timedelta

from test_conversion_reports import report, reported
from test_reports import FIRST, World, ada, session
from test_reports import NOW as THEN

from linkservice.journeys.model import Touchpoint
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.results import TouchpointReport, TouchpointRow

__all__ = ["ada", "session"]

BEFORE = FIRST - timedelta(weeks=2)
"""The first of the ten days that ten days from `FIRST` on are compared with."""


def came(of: World, touchpoint: Touchpoint, day: date, visitors: int) -> None:
    counts = dict.fromkeys(("clicks", "visitors", "touchpoint_visitors"), visitors)
    of.count(of.link().id, day, touchpoint, **counts)


def rows_of(found: TouchpointReport) -> dict[str | None, TouchpointRow]:
    return {row.name: row for row in found.touchpoints}


def test_value_is_set_against_reach_or_where_none_is_known_visitors(ada: World) -> None:
    for number in range(10):
        place = ada.touchpoint(f"T{number}")
        came(ada, place, FIRST, 400)
        if number < 5:
            ada.reach(place, FIRST, 1_000)
        weak = number in (3, 8)
        reported(ada, place, conversions=10 if weak else 100, value=5_000 if weak else 50_000)
    ada.touchpoint("Idle")
    rows = rows_of(report(ada, metric="value_per_reach"))
    assert (rows["T1"].rate, rows["T1"].per) == (50.0, "printed")
    assert (rows["T9"].rate, rows["T9"].per) == (125.0, "visitor")
    assert {name for name, row in rows.items() if row.verdict == "worst"} == {"T3", "T8"}
    assert rows["T1"].peers == rows["T2"].peers
    assert {row.peers.count for row in rows.values() if row.peers} == {4}, "units are kept apart"
    assert rows["T3"].low is not None
    assert rows["T3"].high is not None
    assert rows["T3"].low < 5.0 < rows["T3"].high
    assert (rows["Idle"].rate, rows["Idle"].verdict) == (None, "no_reach")


def test_a_trend_is_this_period_against_the_same_weekdays_before(ada: World) -> None:
    for number in range(6):
        place = ada.touchpoint(f"T{number}")
        came(ada, place, BEFORE, 200)
        came(ada, place, BEFORE - timedelta(days=1), 5_000)  # of no day that is compared
        came(ada, place, FIRST, 40 if number == 3 else 160)
    new = ada.touchpoint("New")
    came(ada, new, FIRST, 160)
    rows = rows_of(report(ada, metric="trend"))
    assert {row.rate for row in rows.values()} == {0.8, 0.2, None}
    assert {name: row.verdict for name, row in rows.items() if row.verdict == "worst"} == {
        "T3": "worst"
    }
    assert rows["T0"].per == "day"
    assert rows["New"].verdict == "no_reach"


def test_a_trend_of_reach_is_that_of_rates_and_never_beside_days(ada: World) -> None:
    places = [ada.touchpoint(f"T{number}") for number in range(9)]
    for number, place in enumerate(places):
        came(ada, place, BEFORE, 200)
        came(ada, place, FIRST, 200)
        if number < 4:
            ada.reach(place, BEFORE, 1_000)
            ada.reach(place, FIRST, 2_000 if number else 1_000)
    rows = rows_of(report(ada, metric="trend"))
    assert [rows[f"T{number}"].rate for number in (0, 1, 8)] == [1.0, 0.5, 1.0]
    assert {rows[f"T{number}"].per for number in range(4)} == {"printed"}
    assert {row.peers.count for row in rows.values() if row.peers} == {3, 4}


def test_today_is_no_part_of_a_trend(ada: World) -> None:
    today = THEN.date()
    for number in range(4):
        place = ada.touchpoint(f"T{number}")
        for day in (today - timedelta(days=1), today):
            came(ada, place, day - timedelta(days=7), 50)
        came(ada, place, today - timedelta(days=1), 50)

    def trend_from(first: date) -> set[float | None]:
        found = touchpoint_report(
            ada.session, ada.actor, first=first, last=today, metric="trend", now=THEN
        )
        return {row.rate for row in found.touchpoints}

    assert trend_from(today - timedelta(days=6)) == {1.0}
    assert trend_from(today) == {None}


def test_the_calendar_may_begin_within_the_period_before(ada: World) -> None:
    came(ada, ada.touchpoint(), FIRST, 5)
    found = touchpoint_report(
        ada.session,
        ada.actor,
        first=date.min,
        last=date.min + timedelta(days=8),
        metric="trend",
        now=THEN,
    )
    assert [row.verdict for row in found.touchpoints] == ["no_reach"]
