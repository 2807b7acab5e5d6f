"""What of workspaces is closed with a month; what months tell of links is in `test_spans`."""

from __future__ import annotations

from datetime import date

import pytest
from cast import Home
from closed_scene import (
    APRIL,
    CLOSED_MONTHS,
    DAY,
    JUNE,
    MAY,
    WHOLE_MAY,
    come,
    home,
    idle_until,
    in_small_batches,
)
from sqlalchemy import func, select, text

from linkservice.clicks import months
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import LinkDay, TouchpointMonth
from linkservice.clicks.month_model import MonthDays
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.model import Link
from linkservice.reports.link_sums import sums_of_links
from linkservice.reports.sources import PERSONS

__all__ = ["home", "in_small_batches"]  # the fixtures


def packed_months(database: Database) -> list[date]:
    """The months whose days are packed and current."""
    with database.reading() as session:
        packed = select(MonthDays.month).where(MonthDays.days.is_not(None))
        found = sorted(session.scalars(packed))
        assert found == sorted(session.scalars(packed.where(MonthDays.links.is_not(None))))
        return found


def links_read_from_months(database: Database) -> int:
    """How many clicks of May the packed sums of links hold, as if there were no days."""
    whose = {1: 1, 2: 1, 3: 1}
    with database.writing_connection() as connection:
        (workspace_id,) = connection.scalars(select(LinkDay.workspace_id).distinct())
        connection.execute(text("DELETE FROM link_days"))
    links = select(Link.id)
    with database.reading() as session:
        return sum(
            each.clicks
            for each in sums_of_links(session, PERSONS, workspace_id, WHOLE_MAY, links, whose)
        )


def test_a_month_ends_on_its_last_day() -> None:
    ends = {date(2027, 2, 1): 28, date(2028, 2, 1): 29, date(9999, 12, 1): 31}
    assert {month: months.last_of(month).day for month in ends} == ends


@pytest.mark.usefixtures("in_small_batches")
def test_the_days_of_touchpoints_are_packed_with_their_month(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    CLOSED_MONTHS.close(database)
    assert packed_months(database) == CLOSED_MONTHS.closed(database) == [APRIL, MAY, JUNE]
    come(settings, database, home, 2, [2], CLOSED_MONTHS.late, 20)
    assert packed_months(database) == [APRIL, JUNE]
    CLOSED_MONTHS.close(database)
    assert packed_months(database) == [APRIL, MAY, JUNE]


def test_what_links_had_is_read_from_closed_months(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    CLOSED_MONTHS.close(database)
    with database.reading() as session:
        right = session.scalar(
            select(func.sum(LinkDay.clicks)).where(LinkDay.local_date.between(MAY, JUNE - DAY))
        )
    assert links_read_from_months(database) == right


def test_an_idle_ingester_closes_months(settings: Settings, database: Database, home: Home) -> None:
    come(settings, database, home, 1)
    with database.reading() as session:
        there = sorted(session.scalars(select(TouchpointMonth.month).distinct()))
    assert len(there) == 4  # by now July is over, too
    idle_until(
        Ingester(settings, database), lambda: CLOSED_MONTHS.closed(database) == there, seconds=180
    )
    assert CLOSED_MONTHS.closed(database) == there
    CLOSED_MONTHS.all_are_the_same(database)
