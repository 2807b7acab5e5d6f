"""Closed weeks tell what their days tell, whatever is added to the days afterwards."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime

import numpy as np
import pytest
from cast import Home
from sqlalchemy import func, select, text
from test_months import DAY, JUNE, MAY, by_days, by_months, close, come, home

from linkservice.clicks import bulk, facets, months, weeks
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import LinkFacet, LinkHour, SuspectedFacet, SuspectedHour
from linkservice.clicks.month_model import ClosedWeek, LinkWeek
from linkservice.clicks.reclassify import reclassify
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.reports import details
from linkservice.reports.period import Period
from linkservice.reports.sources import _both

__all__ = ["home"]  # the fixture

NOW = datetime(2026, 6, 5, 9, 30, tzinfo=UTC)
"""May is over, and is not closed yet; April is to be."""

WEEKS = [MAY + days * DAY for days in (0, 7, 14, 21, 28)]
PERIODS = (
    Period(MAY, JUNE - DAY, "UTC"),
    Period(date(2026, 4, 20), date(2026, 6, 3), "UTC"),
    Period(date(2026, 5, 7), date(2026, 5, 29), "UTC"),
    Period(date(2026, 5, 10), date(2026, 5, 12), "UTC"),
)


def close_weeks(database: Database, now: datetime = NOW) -> int:
    """Close all there is to close; in how many steps."""
    closing, steps = weeks.Closing(database), 0
    while closing.some(now):
        steps += 1
    return steps


def closed_weeks(database: Database) -> list[date]:
    with database.reading() as session:
        return sorted(session.scalars(select(ClosedWeek.week).where(ClosedWeek.whole)))


def reopened(database: Database) -> list[tuple[date, int]]:
    with database.reading() as session:
        rows = session.execute(
            select(LinkWeek.week, LinkWeek.link_id).where(LinkWeek.hours.is_(None))
        )
        return sorted((week, link_id) for week, link_id in rows)


def all_are_the_same(database: Database) -> None:
    for period in PERIODS:
        for links in ([1], [2, 3], [1, 2, 3]):
            assert by_months(database, period, links) == by_days(database, period, links)


def read_without_rows(database: Database, links: list[int]) -> int:
    """How many clicks of May are told when its rows are gone, which come back afterwards."""
    with database.writing_connection() as connection:
        rows = connection.execute(select(LinkHour.__table__)).all()
        connection.execute(text("DELETE FROM link_hours"))
    told = by_months(database, PERIODS[0], links)
    with database.writing_connection() as connection:
        numbers = np.array([[row[0].toordinal(), *row[1:]] for row in rows], np.int64)
        bulk.insert(connection, LinkHour, numbers)
    return sum(hour.clicks for hour in told.hours)


def test_each_day_is_of_one_week_of_its_month() -> None:
    for first in (date(2026, 2, 1), date(2028, 2, 1), MAY, JUNE):
        found = [day for days in map(weeks.days_of, _weeks_of(first)) for day in days]
        assert found == [first + number * DAY for number in range(months.last_of(first).day)]
        assert all(day in weeks.days_of(weeks.week_of(day)) for day in found)


def test_the_last_week_of_all_time_ends() -> None:
    assert weeks.days_of(weeks.week_of(date.max)) == [date(9999, 12, day) for day in (29, 30, 31)]


def _weeks_of(month: date) -> list[date]:
    days = (month + number * DAY for number in range(months.last_of(month).day))
    return sorted({weeks.week_of(day) for day in days})


def test_closed_weeks_tell_what_their_days_tell(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    close_weeks(database)
    assert closed_weeks(database) == WEEKS
    all_are_the_same(database)
    hours = by_days(database, PERIODS[0], [2, 3]).hours
    right = sum(hour.clicks for hour in hours)
    assert read_without_rows(database, [2, 3]) == right > 0


def test_a_week_is_closed_two_days_after_its_end(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1, days=(MAY, date(2026, 5, 31)))
    assert close_weeks(database, datetime(2026, 5, 8, 23, tzinfo=UTC)) == 0
    assert close_weeks(database, datetime(2026, 5, 9, 1, tzinfo=UTC)) > 0
    assert closed_weeks(database) == WEEKS[:1]
    assert close_weeks(database, datetime(2026, 5, 9, 1, tzinfo=UTC)) == 0


def test_a_late_click_reopens_the_week_of_its_link(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    close_weeks(database)
    before = read_without_rows(database, [1, 3])
    come(settings, database, home, 2, [2], (date(2026, 5, 16), date(2026, 5, 19)), 20)
    assert reopened(database) == [(WEEKS[2], 2)]
    all_are_the_same(database)
    assert read_without_rows(database, [1, 3]) == before, "of these links nothing has changed"
    assert close_weeks(database) == 1
    assert reopened(database) == []
    all_are_the_same(database)


def test_a_link_without_clicks_in_a_closed_week_may_get_some(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1, [1, 2])
    close_weeks(database)
    come(settings, database, home, 2, [3])
    assert {link for _, link in reopened(database)} == {3}
    all_are_the_same(database)
    close_weeks(database)
    all_are_the_same(database)


def test_facets_that_waited_meanwhile_are_told(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    with database.writing_connection() as connection:
        value = connection.scalar(select(func.min(LinkFacet.value_id)))
        waiting = np.array([[date(2026, 5, 5).toordinal(), 1, value, 3]], np.int64)
        facets.put_off(connection, waiting)
    close_weeks(database)
    facets.add_waiting(database)
    assert reopened(database) == [(MAY, 1)]
    all_are_the_same(database)


def test_what_is_reclassified_is_told_as_it_is_now(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    right = by_days(database, PERIODS[0], [1, 2, 3])
    with database.writing_connection() as connection:
        # As if the robots had been taken for persons: 1 is the place of "robot".
        connection.execute(text('UPDATE clicks SET "class" = 0 WHERE "class" = 1'))
        for table in ("link_facets", "link_hours"):
            connection.execute(text(f"UPDATE {table} SET clicks = clicks + 1"))
    close_weeks(database)
    assert by_months(database, PERIODS[0], [1, 2, 3]) != right
    assert reclassify(settings, database, lambda _now, _total: None).changed
    all_are_the_same(database)
    close_weeks(database)
    all_are_the_same(database)


def test_suspects_counted_again_are_read_day_by_day(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    close_weeks(database)
    with database.writing_connection() as connection:
        day = date(2026, 5, 5).toordinal()
        value = connection.scalar(select(func.min(LinkFacet.value_id)))
        bulk.insert(connection, SuspectedHour, np.array([[day, 1, 7, 5, 0]], np.int64))
        bulk.insert(connection, SuspectedFacet, np.array([[day, 1, value, 5]], np.int64))
    plain = by_months(database, PERIODS[0], [1])
    assert plain == by_days(database, PERIODS[0], [1])
    with database.reading() as session:
        found = details.of_links(session, _both(), [1], PERIODS[0])
    assert sum(each.clicks for each in found.hours) == 5 + sum(each.clicks for each in plain.hours)


def test_closing_may_be_stopped_after_each_step(
    settings: Settings, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "FIRST_LINKS", 1)
    monkeypatch.setattr(months, "MOST_LINKS", 1)
    come(settings, database, home, 1)
    closing, steps = weeks.Closing(database), 0
    while closing.some(NOW):
        steps += 1
        if steps == 6:  # between two links of the second week
            come(settings, database, home, 2)
        all_are_the_same(database)
    assert steps >= 4 * len(WEEKS)


def test_weeks_of_a_closed_month_are_deleted(
    settings: Settings, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "FIRST_LINKS", 1)
    monkeypatch.setattr(months, "MOST_LINKS", 1)
    come(settings, database, home, 1)
    close_weeks(database)
    later = datetime(2026, 6, 9, 1, tzinfo=UTC)
    closing = weeks.Closing(database)
    while closing.some(later):
        pass
    assert set(WEEKS) < set(closed_weeks(database)), "May is not closed yet"
    close(database, later)
    steps = 0
    while closing.some(later):
        steps += 1
        if steps == 2:
            come(settings, database, home, 2, days=(MAY, JUNE - DAY))
        all_are_the_same(database)
    assert steps > len(WEEKS)
    assert closed_weeks(database) == [JUNE]
    with database.reading() as session:
        assert set(session.scalars(select(LinkWeek.week))) <= {JUNE}
    all_are_the_same(database)


def test_a_sum_waits_for_whoever_is_adding_to_its_days(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    late = np.array([[date(2026, 5, 5).toordinal(), 1, 9, 4, 0]], np.int64)
    summing = threading.Thread(target=close_weeks, args=(database,))
    with database.writing_connection() as connection:
        bulk.add(connection, LinkHour, late)
        weeks.reopen(connection, late[:, 0], late[:, 1])
        summing.start()
        time.sleep(0.3)
        with database.reading() as session:
            assert not session.scalar(select(func.count()).select_from(LinkWeek))
    summing.join()
    all_are_the_same(database)
    assert read_without_rows(database, [1]) >= 4


def test_an_idle_ingester_closes_weeks(settings: Settings, database: Database, home: Home) -> None:
    today = datetime.now(UTC).date()
    over = list(weeks._over(datetime.now(UTC)))
    first = months.first_open(datetime.now(UTC))
    come(settings, database, home, 1, days=(first, today))
    stop = threading.Event()
    running = threading.Thread(target=Ingester(settings, database).run, args=(stop,))
    running.start()
    until = time.monotonic() + 60
    try:
        while closed_weeks(database) != over and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        stop.set()
        running.join()
    assert closed_weeks(database) == over
