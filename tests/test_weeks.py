"""Which days are a week, and how long closed ones are there; what they tell is in `test_spans`."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from cast import Home
from closed_scene import (
    CLOSED_MONTHS,
    CLOSED_WEEKS,
    DAY,
    JUNE,
    MAY,
    come,
    home,
    idle_until,
    one_link_a_step,
)
from sqlalchemy import select

from linkservice.clicks import months, weeks
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.month_model import LinkWeek
from linkservice.clicks.spans import Closing
from linkservice.config import Settings
from linkservice.database import Database

__all__ = ["home", "one_link_a_step"]  # the fixtures


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


@pytest.mark.usefixtures("one_link_a_step")
def test_weeks_of_a_closed_month_are_deleted(
    settings: Settings, database: Database, home: Home
) -> None:
    of_may = set(CLOSED_WEEKS.firsts)
    come(settings, database, home, 1)
    CLOSED_WEEKS.close(database)
    later = datetime(2026, 6, 9, 1, tzinfo=UTC)
    CLOSED_WEEKS.close(database, later)
    assert of_may < set(CLOSED_WEEKS.closed(database)), "May is not closed yet"
    CLOSED_MONTHS.close(database, later)
    closing, steps = Closing(database, weeks.WEEKS), 0
    while closing.some(later):
        steps += 1
        if steps == 2:
            come(settings, database, home, 2, days=(MAY, JUNE - DAY))
        CLOSED_WEEKS.all_are_the_same(database)
    assert steps > len(of_may)
    assert CLOSED_WEEKS.closed(database) == [JUNE]
    with database.reading() as session:
        assert set(session.scalars(select(LinkWeek.first))) <= {JUNE}
    CLOSED_WEEKS.all_are_the_same(database)


def test_an_idle_ingester_closes_weeks(settings: Settings, database: Database, home: Home) -> None:
    today = datetime.now(UTC).date()
    over = list(weeks._over(datetime.now(UTC)))
    first = months.first_open(datetime.now(UTC))
    come(settings, database, home, 1, days=(first, today))
    idle_until(Ingester(settings, database), lambda: CLOSED_WEEKS.closed(database) == over)
    assert CLOSED_WEEKS.closed(database) == over
