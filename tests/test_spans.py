"""Closed months and weeks tell what their days tell, whatever is added to the days afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from functools import partial

import numpy as np
import pytest
from cast import Home
from closed_scene import (
    CLOSED_MONTHS,
    CLOSED_WEEKS,
    MAY,
    NOW,
    WHOLE_MAY,
    Closed,
    by_days,
    campaign,
    clicks_in,
    come,
    home,
    in_small_batches,
    one_link_a_step,
    told,
    told_without_rows,
)
from sqlalchemy import func, select, text

from linkservice.clicks import bulk, closed_sums, facets
from linkservice.clicks.model import (
    FACETS,
    LinkDay,
    LinkFacet,
    LinkHour,
    SuspectedFacet,
    SuspectedHour,
)
from linkservice.clicks.reclassify import reclassify
from linkservice.clicks.spans import Closing
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import NotFound
from linkservice.links.manage import delete_link, restore_link
from linkservice.links.model import Link
from linkservice.reports import details
from linkservice.reports.links import LinkReport, campaign_report, link_report
from linkservice.reports.period import Period
from linkservice.reports.sources import _both
from linkservice.reports.touchpoints import TouchpointDetail, touchpoint_detail

__all__ = ["campaign", "home", "in_small_batches", "one_link_a_step"]  # the fixtures


@pytest.fixture(params=[CLOSED_MONTHS, CLOSED_WEEKS], ids=["months", "weeks"])
def closed(request: pytest.FixtureRequest) -> Closed:
    found = request.param
    assert isinstance(found, Closed)
    return found


@pytest.mark.usefixtures("in_small_batches")
def test_what_is_closed_tells_what_its_days_tell(
    settings: Settings, database: Database, home: Home, closed: Closed
) -> None:
    come(settings, database, home, 1)
    closed.close(database)
    assert closed.closed(database) == closed.firsts
    closed.all_are_the_same(database)
    for links in ([1], [2, 3]):
        right = clicks_in(by_days(database, WHOLE_MAY, links))
        assert told_without_rows(database, links) == right > 0


def test_closing_waits_for_some_days(
    settings: Settings, database: Database, home: Home, closed: Closed
) -> None:
    come(settings, database, home, 1, days=(MAY, date(2026, 5, 31)))
    later = closed.too_early + timedelta(hours=2)
    assert closed.close(database, closed.too_early) == 0
    assert closed.close(database, later) > 0
    assert closed.closed(database) == [MAY]
    assert closed.close(database, later) == 0


@pytest.mark.usefixtures("in_small_batches")
def test_late_clicks_reopen_it_for_their_link(
    settings: Settings, database: Database, home: Home, closed: Closed
) -> None:
    come(settings, database, home, 1)
    closed.close(database)
    others = told_without_rows(database, [1, 3])
    come(settings, database, home, 2, [2], closed.late, 20)
    first = closed.spans.first_of(closed.late[0])
    assert closed.reopened(database) == [(first, 2)]
    reopened = Period(first, closed.spans.days_of(first)[-1], "UTC")
    of_may, of_it = (clicks_in(by_days(database, each, [2])) for each in (WHOLE_MAY, reopened))
    assert told_without_rows(database, [2]) == of_may - of_it
    closed.all_are_the_same(database)
    assert told_without_rows(database, [1, 3]) == others, "of these links nothing has changed"
    assert closed.close(database) == closed.steps
    assert closed.reopened(database) == []
    assert told_without_rows(database, [2]) == of_may > 0
    closed.all_are_the_same(database)


def test_a_link_without_clicks_in_it_may_get_some(
    settings: Settings, database: Database, home: Home, closed: Closed
) -> None:
    come(settings, database, home, 1, [1, 2])
    closed.close(database)
    come(settings, database, home, 2, [3])
    assert {link for _, link in closed.reopened(database)} == {3}
    closed.all_are_the_same(database)
    closed.close(database)
    closed.all_are_the_same(database)


def test_facets_that_waited_meanwhile_are_told(
    settings: Settings, database: Database, home: Home, closed: Closed
) -> None:
    come(settings, database, home, 1)
    with database.writing_connection() as connection:
        value = connection.scalar(select(func.min(LinkFacet.value_id)))
        waiting = np.array([[date(2026, 5, 5).toordinal(), 1, value, 3]], np.int64)
        facets.put_off(connection, waiting)
    closed.close(database)
    facets.add_waiting(database)
    assert closed.reopened(database) == [(MAY, 1)]
    closed.all_are_the_same(database)


def test_what_is_reclassified_is_told_as_it_is_now(
    settings: Settings, database: Database, home: Home, closed: Closed
) -> None:
    come(settings, database, home, 1)
    right = by_days(database, closed.periods[0], [1, 2, 3])
    with database.writing_connection() as connection:
        # As if the robots had been taken for persons: 1 is the place of "robot".
        connection.execute(text('UPDATE clicks SET "class" = 0 WHERE "class" = 1'))
        for table in ("link_facets", "link_hours"):
            connection.execute(text(f"UPDATE {table} SET clicks = clicks + 1"))
    closed.close(database)
    assert told(database, closed.periods[0], [1, 2, 3]) != right
    assert reclassify(settings, database, lambda _now, _total: None).changed
    closed.all_are_the_same(database)
    closed.close(database)
    closed.all_are_the_same(database)


def test_suspects_counted_again_are_read_day_by_day(
    settings: Settings, database: Database, home: Home, closed: Closed
) -> None:
    come(settings, database, home, 1)
    closed.close(database)
    with database.writing_connection() as connection:
        day = date(2026, 5, 5).toordinal()
        value = connection.scalar(select(func.min(LinkFacet.value_id)))
        bulk.insert(connection, SuspectedHour, np.array([[day, 1, 7, 5, 0]], np.int64))
        bulk.insert(connection, SuspectedFacet, np.array([[day, 1, value, 5]], np.int64))
    plain = told(database, closed.periods[0], [1])
    assert plain == by_days(database, closed.periods[0], [1])
    with database.reading() as session:
        found = details.of_links(session, _both(), [1], closed.periods[0])
    assert clicks_in(found) == 5 + clicks_in(plain)


@pytest.mark.usefixtures("one_link_a_step")
def test_closing_may_be_stopped_after_each_step(
    settings: Settings, database: Database, home: Home, closed: Closed
) -> None:
    come(settings, database, home, 1)
    closing, steps = Closing(database, closed.spans), 0
    while closing.some(closed.now):
        steps += 1
        if steps == 6:  # between two links of the second month or week
            come(settings, database, home, 2)
        closed.all_are_the_same(database)
    assert steps >= closed.least_steps


def test_a_sum_waits_for_whoever_is_adding_to_its_days(
    settings: Settings, database: Database, home: Home, closed: Closed
) -> None:
    come(settings, database, home, 1)
    late = np.array([[date(2026, 5, 5).toordinal(), 1, 9, 4, 0]], np.int64)
    summing = threading.Thread(target=closed.close, args=(database,))
    with database.writing_connection() as connection:
        bulk.add(connection, LinkHour, late)
        closed_sums.reopen(connection, late[:, 0], late[:, 1])
        summing.start()
        time.sleep(0.3)
        with database.reading() as session:
            assert not session.scalar(select(func.count()).select_from(closed.spans.of_links))
    summing.join()
    closed.all_are_the_same(database)
    assert told_without_rows(database, [1]) >= 4


def test_deleted_links_are_told_as_before(
    settings: Settings, database: Database, home: Home, closed: Closed, campaign: int
) -> None:
    def all_are_the_same(deleted: Collection[int] = ()) -> None:
        closed.all_are_the_same(database)
        for period in closed.periods:
            reports_are_the_same(database, home, campaign, period, deleted)

    come(settings, database, home, 1)
    all_are_the_same()
    with database.transaction() as session:
        delete_link(session, home.actor, "2", closed.now)
    all_are_the_same([2])
    closed.close(database)
    all_are_the_same([2])
    with database.transaction() as session:
        delete_link(session, home.actor, "3", closed.now)
    all_are_the_same([2, 3])
    come(settings, database, home, 2, [2], closed.late, 20)  # from before it was deleted
    assert {link for _, link in closed.reopened(database)} == {2}
    all_are_the_same([2, 3])
    closed.close(database)
    all_are_the_same([2, 3])
    right = clicks_in(by_days(database, WHOLE_MAY, [2, 3]))
    assert told_without_rows(database, [2, 3]) == right > 0
    with database.transaction() as session:
        restore_link(session, home.actor, "2", closed.now)
    all_are_the_same([3])


def reports_are_the_same(
    database: Database, home: Home, campaign: int, period: Period, deleted: Collection[int]
) -> None:
    """Those of a campaign and a touchpoint tell of deleted links, too; these have none."""
    first, last = period.first, period.last
    with database.reading() as session:
        ask = partial(link_report, session, home.actor, first=first, last=last, now=NOW)
        for number in (2, 3):
            if number in deleted:
                with pytest.raises(NotFound):
                    ask(str(number))
            else:
                is_told_by_days(database, ask(str(number)), [number])
        of_campaign = campaign_report(
            session, home.actor, str(campaign), first=first, last=last, now=NOW
        )
        touchpoint_id = str(session.get_one(Link, 2).touchpoint_id)
        of_touchpoint = touchpoint_detail(
            session, home.actor, touchpoint_id, first=first, last=last, now=NOW
        )
    is_told_by_days(database, of_campaign, [2, 3])
    is_told_by_days(database, of_touchpoint, [2, 3])


def is_told_by_days(
    database: Database, found: LinkReport | TouchpointDetail, links: Sequence[int]
) -> None:
    right = by_days(database, found.period, links)
    assert found.hours == right.hours
    assert found.totals.clicks == clicks_in(right)
    people = found.countries, found.devices, found.browsers, found.systems, found.languages
    others = found.referrers, found.robots, found.cities
    assert dict(zip(FACETS, (*people, *others), strict=True)) == right.facets
    if isinstance(found, LinkReport):
        within = LinkDay.link_id.in_(links) & LinkDay.local_date.between(
            found.period.first, found.period.last
        )
        by_day = select(LinkDay.local_date, func.sum(LinkDay.clicks)).where(within)
        with database.reading() as session:
            clicks = dict(session.execute(by_day.group_by(LinkDay.local_date)).all())
        assert [day.clicks for day in found.days] == [
            clicks.get(day, 0) for day in found.period.days()
        ]
