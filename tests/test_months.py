"""Closed months tell what their days tell, whatever is added to the days afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import numpy as np
import pytest
from cast import Home, make_home, make_link, make_touchpoint
from sqlalchemy import func, select, text

from linkservice.clicks import bulk, facets, ingest, months
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import LinkDay, LinkFacet, LinkHour, TouchpointDay, TouchpointMonth
from linkservice.clicks.month_model import ClosedMonth, LinkMonth, MonthDays
from linkservice.clicks.reclassify import reclassify
from linkservice.clicks.segment import write_segment
from linkservice.clicks.spool import node_id
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.model import Link
from linkservice.reports import details
from linkservice.reports.days import Count, days_of_closed_months, days_of_touchpoints
from linkservice.reports.details import Details
from linkservice.reports.link_sums import sums_of_links
from linkservice.reports.period import Period
from linkservice.reports.sources import PERSONS

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
DAY = timedelta(days=1)
NOW = datetime(2026, 7, 20, 9, 30, tzinfo=UTC)
"""May and June are to be closed by then."""

PERIODS = (
    Period(MAY, date(2026, 6, 30), "UTC"),
    Period(date(2026, 4, 20), date(2026, 7, 10), "UTC"),
    Period(date(2026, 5, 2), date(2026, 6, 30), "UTC"),
    Period(date(2026, 5, 10), date(2026, 5, 20), "UTC"),
)
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        home = make_home(session, settings)
        touchpoint = make_touchpoint(session, home)
        for number in range(3):
            make_link(session, settings, home, f"link-{number}", touchpoint if number else None)
        return home


@pytest.fixture
def in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_BATCH", "SMALLEST_BATCH", "LARGEST_BATCH"):
        monkeypatch.setattr(ingest, name, 7)


def come(
    settings: Settings,
    database: Database,
    home: Home,
    seed: int,
    links: Sequence[int] = (1, 2, 3),
    days: tuple[date, date] = (date(2026, 4, 15), date(2026, 7, 15)),
    clicks: int = 60,
) -> None:
    """Clicks at random moments of these days, ingested."""
    rng = random.Random(seed)
    first, last = (epoch_ms(datetime(day.year, day.month, day.day, tzinfo=UTC)) for day in days)
    plain = Click(
        time_ms=0,
        link_version=1,
        domain_id=home.domain_id,
        workspace_id=home.workspace_id,
        network=bytes((84, 150, 1)),
        language="de",
    )
    made = [
        replace(
            plain,
            time_ms=rng.randint(first, last),
            link_id=rng.choice(links),
            user_agent=rng.choice(BROWSERS),
            referrer_host=rng.choice(("news.example", "")),
        )
        for _ in range(clicks)
    ]
    write_segment(
        settings.spool_dir, node_id(settings.data_dir), rng.randbytes(8), map(encode, made)
    )
    Ingester(settings, database).run_once()


def close(database: Database, now: datetime = NOW) -> int:
    """Close all there is to close; in how many steps."""
    closing, steps = months.Closing(database), 0
    while closing.some(now):
        steps += 1
    return steps


def by_months(database: Database, period: Period, links: Sequence[int]) -> Details:
    with database.reading() as session:
        return details.of_links(session, PERSONS, links, period)


def by_days(database: Database, period: Period, links: Sequence[int]) -> Details:
    with database.reading() as session:
        chosen = (
            rows.link_id.in_(links) & rows.local_date.between(period.first, period.last)
            for rows in (LinkHour, LinkFacet)
        )
        return details.of_rows(session, PERSONS, *chosen)


def both_tell_the_same(
    database: Database,
    periods: Sequence[Period] = PERIODS,
    choices: Sequence[Sequence[int]] = ((1,), (2, 3), (1, 2, 3)),
) -> None:
    for period in periods:
        for links in choices:
            told = by_months(database, period, links)
            assert told == by_days(database, period, links)
            assert sum(hour.clicks for hour in told.hours) > 0
        days_are_the_same(database, period)
        sums_are_the_same(database, period)


def days_are_the_same(database: Database, period: Period) -> None:
    """Packed days of touchpoints are those of the roll-up."""
    with database.reading() as session:
        rows = session.scalars(
            select(TouchpointDay).where(TouchpointDay.local_date.between(period.first, period.last))
        ).all()
        assert rows
        for count in get_args(Count):
            right: dict[int, list[int]] = {}
            for row in rows:
                counts = right.setdefault(row.touchpoint_id, [0] * len(period))
                counts[period.number(row.local_date)] = counted(row, count)
            found = days_of_touchpoints(session, PERSONS, rows[0].workspace_id, period, count)
            some = {key: days for key, days in right.items() if any(days)}
            assert {key: days.tolist() for key, days in found.items()} == some
        closed, stretches = days_of_closed_months(session, PERSONS, rows[0].workspace_id, period)
        beside = [
            day for day in period.days() if any(first <= day <= last for first, last in stretches)
        ]
        summed: dict[date, tuple[int, ...]] = {}
        for row in rows:
            if row.local_date not in beside:
                visitors = row.touchpoint_visitors if row.touchpoint_id else row.visitors
                sums = summed.get(row.local_date, (0, 0, 0))
                each = row.clicks, row.scans, visitors
                summed[row.local_date] = tuple(map(sum, zip(sums, each, strict=True)))
        assert {day: (of.clicks, of.scans, of.visitors) for day, of in closed.items()} == summed
        assert set(beside) | set(closed) >= {row.local_date for row in rows}


def sums_are_the_same(database: Database, period: Period) -> None:
    """Packed sums of links are those of their days; links 1 and 2 are one's, 3 another's."""
    whose = {1: 7, 2: 7, 3: 8}
    right: dict[tuple[int, int], list[int]] = {}
    with database.reading() as session:
        rows = session.scalars(
            select(LinkDay).where(LinkDay.local_date.between(period.first, period.last))
        ).all()
        for row in rows:
            visitors = row.touchpoint_visitors if row.touchpoint_id else row.visitors
            sums = right.setdefault((whose[row.link_id], row.touchpoint_id), [0] * 4)
            for place, count in enumerate((row.clicks, row.scans, visitors, row.tokenless)):
                sums[place] += count
        links = select(Link.id).where(Link.id.in_(list(whose)))
        found = sums_of_links(session, PERSONS, rows[0].workspace_id, period, links, whose)
        assert {(each.whose, each.touchpoint_id): list(each[2:]) for each in found} == right
        third = links.where(Link.id == 3)
        alone = sums_of_links(session, PERSONS, rows[0].workspace_id, period, third, {3: 8})
        assert {key: of for key, of in right.items() if key[0] == 8} == {
            (each.whose, each.touchpoint_id): list(each[2:]) for each in alone
        }


def counted(row: TouchpointDay, count: Count) -> int:
    if count == "visitors":
        return row.tokenless + (row.touchpoint_visitors if row.touchpoint_id else row.visitors)
    return {"clicks": row.clicks, "scans": row.scans, "tokenless": row.tokenless}[count]


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
    period = Period(MAY, JUNE - timedelta(days=1), "UTC")
    with database.writing_connection() as connection:
        (workspace_id,) = connection.scalars(select(LinkDay.workspace_id).distinct())
        connection.execute(text("DELETE FROM link_days"))
    links = select(Link.id)
    with database.reading() as session:
        return sum(
            each.clicks
            for each in sums_of_links(session, PERSONS, workspace_id, period, links, whose)
        )


def read_from_months(database: Database, link: int) -> int:
    """How many clicks of May the sums hold, as if there were no days."""
    with database.writing_connection() as connection:
        rows = connection.execute(select(LinkHour.__table__)).all()
        connection.execute(text("DELETE FROM link_hours"))
    told = by_months(database, Period(MAY, JUNE - timedelta(days=1), "UTC"), [link])
    with database.writing_connection() as connection:
        numbers = np.array([[row[0].toordinal(), *row[1:]] for row in rows], np.int64)
        bulk.insert(connection, LinkHour, numbers)
    return sum(hour.clicks for hour in told.hours)


@pytest.mark.usefixtures("in_small_batches")
def test_closed_months_tell_what_their_days_tell(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    close(database)
    with database.reading() as session:
        closed = session.scalars(select(ClosedMonth.month).where(ClosedMonth.whole)).all()
    assert sorted(closed) == packed_months(database) == [date(2026, 4, 1), MAY, JUNE]
    assert read_from_months(database, 1) > 0
    both_tell_the_same(database)


def test_what_links_had_is_read_from_closed_months(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    close(database)
    with database.reading() as session:
        right = session.scalar(
            select(func.sum(LinkDay.clicks)).where(LinkDay.local_date.between(MAY, JUNE - DAY))
        )
    assert links_read_from_months(database) == right


@pytest.mark.usefixtures("in_small_batches")
def test_a_late_click_reopens_the_month_of_its_link(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    close(database)
    come(settings, database, home, 2, [2], (MAY, date(2026, 5, 31)), 20)
    with database.reading() as session:
        reopened = select(LinkMonth.month, LinkMonth.link_id).where(LinkMonth.hours.is_(None))
        assert [tuple(row) for row in session.execute(reopened)] == [(MAY, 2)]
    assert read_from_months(database, 2) == 0
    assert packed_months(database) == [date(2026, 4, 1), JUNE]
    both_tell_the_same(database)
    assert close(database) == 2  # the link, and the days of its touchpoint
    assert read_from_months(database, 2) > 0
    both_tell_the_same(database)


def test_facets_that_waited_meanwhile_are_told(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    with database.writing_connection() as connection:
        value = connection.scalar(select(func.min(LinkFacet.value_id)))
        waiting = np.array([[date(2026, 5, 5).toordinal(), 1, value, 3]], np.int64)
        facets.put_off(connection, waiting)
    close(database)
    facets.add_waiting(database)
    both_tell_the_same(database)


def test_a_link_that_had_no_clicks_in_a_closed_month_may_get_some(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1, [1, 2])
    close(database)
    come(settings, database, home, 2, [3])
    both_tell_the_same(database)
    close(database)
    both_tell_the_same(database)


def test_what_is_reclassified_in_a_closed_month_is_told_as_it_is_now(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    right = by_days(database, PERIODS[0], [1, 2, 3])
    with database.writing_connection() as connection:
        # As if the robots had been taken for persons: 1 is the place of "robot".
        connection.execute(text('UPDATE clicks SET "class" = 0 WHERE "class" = 1'))
        for table in ("link_facets", "link_hours"):
            connection.execute(text(f"UPDATE {table} SET clicks = clicks + 1"))
    close(database)
    assert by_months(database, PERIODS[0], [1, 2, 3]) != right
    assert reclassify(settings, database, lambda _now, _total: None).changed
    both_tell_the_same(database)
    close(database)
    both_tell_the_same(database)


def test_closing_may_be_stopped_after_each_step(
    settings: Settings, database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "FIRST_LINKS", 1)
    monkeypatch.setattr(months, "MOST_LINKS", 1)
    come(settings, database, home, 1)
    closing, steps = months.Closing(database), 0
    while closing.some(NOW):
        steps += 1
        both_tell_the_same(database, PERIODS[:1], [(1, 2, 3)])
        if steps == 6:  # between two links of May
            come(settings, database, home, 2)
    assert steps > 12


def test_a_month_is_closed_a_week_after_its_end(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1, days=(MAY, date(2026, 5, 31)))
    assert close(database, datetime(2026, 6, 7, 12, tzinfo=UTC)) == 0
    assert close(database, datetime(2026, 6, 8, 12, tzinfo=UTC)) > 0
    assert close(database, datetime(2026, 6, 8, 12, tzinfo=UTC)) == 0


def test_a_sum_waits_for_whoever_is_adding_to_its_days(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    late = np.array([[date(2026, 5, 5).toordinal(), 1, 9, 4, 0]], np.int64)
    summing = threading.Thread(target=close, args=(database,))
    with database.writing_connection() as connection:
        bulk.add(connection, LinkHour, late)
        months.reopen(connection, late[:, 0], late[:, 1])
        summing.start()
        time.sleep(0.3)
        with database.reading() as session:
            assert not session.scalar(select(func.count()).select_from(LinkMonth))
    summing.join()
    both_tell_the_same(database)
    assert read_from_months(database, 1) >= 4


def test_an_idle_ingester_closes_months(settings: Settings, database: Database, home: Home) -> None:
    come(settings, database, home, 1)
    stop = threading.Event()
    running = threading.Thread(target=Ingester(settings, database).run, args=(stop,))
    running.start()
    until = time.monotonic() + 180
    closed = select(func.count()).select_from(ClosedMonth).where(ClosedMonth.whole)
    try:
        while time.monotonic() < until:
            with database.reading() as session:
                there = select(func.count(TouchpointMonth.month.distinct()))
                if session.scalar(closed) == session.scalar(there):
                    break
            time.sleep(0.05)
    finally:
        stop.set()
        running.join()
    with database.reading() as session:
        assert session.scalar(closed) == 4  # by now July is over, too
    both_tell_the_same(database)
