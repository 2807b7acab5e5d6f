"""Packed days tell what links had on them, whatever is added to the days afterwards."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from cast import Home
from closed_scene import (
    BROWSERS,
    CLOSED_MONTHS,
    DAY,
    JUNE,
    MAY,
    WHOLE_MAY,
    come,
    home,
    idle_until,
    sums_are_the_same,
)
from sqlalchemy import Connection, func, select, text

from linkservice.clicks import bulk, closed_sums, day_links
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import LinkDay
from linkservice.clicks.month_model import DayLinks
from linkservice.clicks.reclassify import reclassify
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.model import Link
from linkservice.reports.link_sums import sums_of_links
from linkservice.reports.period import Period
from linkservice.reports.sources import PERSONS

__all__ = ["home"]  # the fixture

NOW = datetime(2026, 7, 16, 3, 30, tzinfo=UTC)
"""All days that have clicks are over by then; June is not closed by a month's rule."""

PERIODS = (
    WHOLE_MAY,
    Period(date(2026, 4, 20), date(2026, 7, 10), "UTC"),
    Period(date(2026, 5, 10), date(2026, 5, 12), "UTC"),
    Period(date(2026, 4, 1), date(2026, 7, 31), "UTC"),
)


def pack(database: Database, now: datetime = NOW) -> int:
    """Pack all days there are to pack; how many."""
    closing, days = day_links.Closing(database), 0
    while closing.some(now):
        days += 1
    return days


def packed_days(database: Database) -> set[date]:
    with database.reading() as session:
        packed = select(DayLinks.local_date).where(DayLinks.links.is_not(None))
        return set(session.scalars(packed))


def days_with_rows(database: Database) -> set[date]:
    with database.reading() as session:
        return set(session.scalars(select(LinkDay.local_date)))


def all_are_the_same(database: Database) -> None:
    for period in PERIODS:
        sums_are_the_same(database, period)


def read_from_days(database: Database) -> int:
    """How many clicks packed days hold, as if there were no rows."""
    whose = {1: 1, 2: 1, 3: 1}
    with database.writing_connection() as connection:
        (workspace_id,) = connection.scalars(select(LinkDay.workspace_id).distinct())
        connection.execute(text("DELETE FROM link_days"))
    with database.reading() as session:
        found = sums_of_links(session, PERSONS, workspace_id, PERIODS[-1], select(Link.id), whose)
        return sum(each.clicks for each in found)


def test_packed_days_tell_what_rows_tell(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    assert pack(database) == len(days_with_rows(database)) > 30
    assert packed_days(database) == days_with_rows(database)
    all_are_the_same(database)
    with database.reading() as session:
        right = session.scalar(select(func.sum(LinkDay.clicks)))
    assert read_from_days(database) == right


def test_packed_days_stand_beside_closed_months(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    CLOSED_MONTHS.close(database, NOW)
    pack(database)
    all_are_the_same(database)


def test_a_day_is_packed_an_hour_after_its_end(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1, days=(MAY + DAY, MAY + 2 * DAY))
    assert days_with_rows(database) == {MAY + DAY, MAY + 2 * DAY}  # in Berlin
    over = datetime(2026, 5, 2, 22, tzinfo=UTC)
    assert pack(database, over + timedelta(minutes=59)) == 0
    assert pack(database, over + timedelta(minutes=61)) == 1
    assert packed_days(database) == {MAY + DAY}
    assert pack(database, over + timedelta(days=9)) == 1
    assert pack(database, over + timedelta(days=9)) == 0


def test_a_late_click_reopens_its_day(settings: Settings, database: Database, home: Home) -> None:
    come(settings, database, home, 1)
    pack(database)
    late, going = {MAY, MAY + DAY}, {date(2026, 7, 18), date(2026, 7, 19)}
    come(settings, database, home, 2, [2], (min(late), max(late)), 20)
    come(settings, database, home, 3, [3], (min(going), max(going)), 20)
    assert days_with_rows(database) - packed_days(database) == late | going
    all_are_the_same(database)
    assert pack(database) == len(late)
    all_are_the_same(database)
    assert pack(database, NOW + timedelta(days=9)) == len(going)


def test_a_day_that_had_no_clicks_may_get_some(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1, days=(MAY, MAY + DAY))
    come(settings, database, home, 2, days=(JUNE, JUNE + DAY))
    pack(database)
    come(settings, database, home, 3, days=(MAY + 9 * DAY, MAY + 10 * DAY))
    sums_are_the_same(database, PERIODS[0])
    assert pack(database) == 2
    sums_are_the_same(database, PERIODS[0])


def test_what_is_reclassified_is_told_as_it_is_now(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    with database.writing_connection() as connection:
        # As if the robots had been taken for persons: 1 is the place of "robot".
        connection.execute(text('UPDATE clicks SET "class" = 0 WHERE "class" = 1'))
        connection.execute(text("UPDATE link_days SET clicks = clicks + 1"))
    assert any("bot" in each for each in BROWSERS)
    pack(database)
    packed = packed_days(database)
    assert reclassify(settings, database, lambda _now, _total: None).changed
    assert packed_days(database) < packed
    all_are_the_same(database)
    pack(database)
    all_are_the_same(database)


def test_days_that_are_for_the_most_part_of_other_links_are_read_by_row(
    settings: Settings, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    come(settings, database, home, 1)
    pack(database)
    monkeypatch.setattr("linkservice.reports.link_sums._OTHERS", 0)
    all_are_the_same(database)
    assert read_from_days(database) == 0


def test_packing_waits_for_whoever_is_adding_to_a_day(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    day = min(days_with_rows(database))
    late = np.zeros((1, len(bulk.columns(LinkDay))), np.int64)
    late[0, :5] = 1, day.toordinal(), 0, home.workspace_id, 4
    packing = threading.Thread(target=pack, args=(database,))
    with database.writing_connection() as connection:
        bulk.add(connection, LinkDay, late)
        closed_sums.reopen(connection, late[:, 1], late[:, 0], late[:, 3])
        packing.start()
        time.sleep(0.3)
        assert not packed_days(database)
    packing.join()
    assert day in packed_days(database)
    all_are_the_same(database)


def test_a_day_that_changes_while_it_is_read_is_packed_again(
    settings: Settings, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    come(settings, database, home, 1, days=(MAY, MAY + DAY))
    read = day_links.packed_links.packed_day

    def read_and_change(connection: Connection, workspace_id: int, day: date) -> bytes:
        found = read(connection, workspace_id, day)
        monkeypatch.undo()
        come(settings, database, home, 2, days=(MAY, MAY + DAY))
        return found

    monkeypatch.setattr(day_links.packed_links, "packed_day", read_and_change)
    closing = day_links.Closing(database)
    assert closing.some(NOW)
    assert not packed_days(database)
    sums_are_the_same(database, PERIODS[0])
    assert closing.some(NOW)
    assert packed_days(database) == {MAY}
    sums_are_the_same(database, PERIODS[0])


def test_an_idle_ingester_packs_days(settings: Settings, database: Database, home: Home) -> None:
    come(settings, database, home, 1)
    ingester = Ingester(settings, database)
    idle_until(ingester, lambda: packed_days(database) == days_with_rows(database))
    assert packed_days(database) == days_with_rows(database)
    all_are_the_same(database)
