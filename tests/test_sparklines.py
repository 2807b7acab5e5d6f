"""The clicks of the last month, day by day, of links and touchpoints."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from cast import Home, make_home, make_link, make_touchpoint
from sqlalchemy import update

from linkservice.clicks.model import LinkDay
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Forbidden
from linkservice.reports.sparklines import DAYS, last_days, link_series, touchpoint_series
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace

EVENING = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
"""In Berlin it is the 21st already."""

TODAY = date(2026, 11, 21)


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


def counted(home: Home, link_id: int, day: date, clicks: int, touchpoint_id: int = 0) -> LinkDay:
    others = (
        "scans visitors touchpoint_visitors journey_visitors tokenless robots previews prefetches "
        "scanners heads own"
    )
    return LinkDay(
        link_id=link_id,
        local_date=day,
        touchpoint_id=touchpoint_id,
        workspace_id=home.workspace_id,
        clicks=clicks,
        **dict.fromkeys(others.split(), 0),
    )


def test_the_days_are_the_workspaces_own(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        period = last_days(session, ada.actor, EVENING)
        assert (period.last, len(period)) == (TODAY, DAYS)
        session.execute(update(Workspace).values(time_zone="America/New_York"))
        session.expire_all()
        assert last_days(session, ada.actor, EVENING).last == date(2026, 11, 20)


def test_a_link_has_a_number_for_each_day(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        busy, quiet = (make_link(session, settings, ada).id for _ in range(2))
        place = int(make_touchpoint(session, ada))
        session.add_all(
            [
                counted(ada, busy, TODAY, 2),
                counted(ada, busy, TODAY, 3, place),  # moved to a touchpoint on this day
                counted(ada, busy, TODAY - timedelta(days=29), 7),
                counted(ada, busy, TODAY - timedelta(days=30), 99),
                counted(ada, busy, TODAY + timedelta(days=1), 99),
            ]
        )
        session.flush()
        series = link_series(session, ada.actor, [busy, quiet], EVENING)
        assert series == {busy: [7, *[0] * 28, 5], quiet: [0] * DAYS}
        assert link_series(session, ada.actor, [], EVENING) == {}


def test_a_click_is_its_touchpoints_of_then(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        first, second, silent = (
            int(make_touchpoint(session, ada, name)) for name in ("A", "B", "C")
        )
        links = [make_link(session, settings, ada, touchpoint_id=str(first)).id for _ in range(2)]
        session.add_all(
            [
                counted(ada, links[0], TODAY, 1, first),
                counted(ada, links[1], TODAY, 2, first),
                counted(ada, links[1], TODAY - timedelta(days=1), 4, second),
                counted(ada, links[1], TODAY, 0, silent),
                counted(ada, links[0], TODAY, 8),
            ]
        )
        session.flush()
        assert touchpoint_series(session, ada.actor, EVENING) == {
            first: [*[0] * 29, 3],
            second: [*[0] * 28, 4, 0],
            0: [*[0] * 29, 8],
        }


def test_cleo_sees_no_clicks_of_ada(database: Database, settings: Settings, ada: Home) -> None:
    with database.transaction() as session:
        cleo = make_home(session, settings, host="go.cleo.example")
        link_id = make_link(session, settings, ada).id
        session.add(counted(ada, link_id, TODAY, 5))
        session.flush()
        assert link_series(session, cleo.actor, [link_id], EVENING) == {link_id: [0] * DAYS}
        assert touchpoint_series(session, cleo.actor, EVENING) == {}


def test_clicks_are_for_who_may_read_reports(database: Database, ada: Home) -> None:
    actor = Actor(ada.workspace_id, "someone", frozenset({"links:read"}))
    with database.reading() as session:
        with pytest.raises(Forbidden):
            link_series(session, actor, [], EVENING)
        with pytest.raises(Forbidden):
            touchpoint_series(session, actor, EVENING)
