"""Closed months tell of a link, and of a campaign's, what their days tell."""

from __future__ import annotations

from dataclasses import fields
from datetime import date

from cast import Home
from closed_scene import (
    CLOSED_MONTHS,
    DAY,
    MAY,
    NOW,
    WHOLE_MAY,
    by_days,
    campaign,
    clicks_in,
    come,
    home,
)
from sqlalchemy import delete, event, func, select, text

from linkservice.clicks.model import LinkDay, LinkFacet, LinkHour
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.model import Campaign
from linkservice.links.model import Link
from linkservice.reports import details
from linkservice.reports.links import Counted, campaign_report, counted
from linkservice.reports.period import Period
from linkservice.reports.results import Day, LinkTotals
from linkservice.reports.sources import PERSONS, Sources
from linkservice.workspaces.access import SCOPES, Actor

__all__ = ["campaign", "home"]  # the fixtures

NAMES = [field.name for field in fields(LinkTotals) if field.name != "suspected"]


def told(database: Database, model: type[Link | Campaign], number: int, period: Period) -> Counted:
    with database.reading() as session:
        return counted(session, PERSONS, session.get_one(model, number), period)


def right(database: Database, links: list[int], period: Period) -> Counted:
    """What the days sum up to."""
    within = LinkDay.link_id.in_(links) & LinkDay.local_date.between(period.first, period.last)
    sums = [func.coalesce(func.sum(getattr(LinkDay, name)), 0) for name in NAMES]
    by_day = select(LinkDay.local_date, *sums[:3]).where(within).group_by(LinkDay.local_date)
    with database.reading() as session:
        days = {day: Day(day, *counts) for day, *counts in session.execute(by_day)}
        totals = session.execute(select(*sums).where(within)).one()
    return Counted(days, dict(zip(NAMES, totals, strict=True)))


def all_are_the_same(database: Database, campaign: int) -> None:
    for period in CLOSED_MONTHS.periods:
        for number in (1, 2, 3):
            assert told(database, Link, number, period) == right(database, [number], period)
        found = told(database, Campaign, campaign, period)
        assert found == right(database, [2, 3], period)
        assert found.totals["clicks"] > 0
        assert found.totals["robots"] > 0


def test_closed_months_tell_of_links_what_their_days_tell(
    settings: Settings, database: Database, home: Home, campaign: int
) -> None:
    come(settings, database, home, 1)
    assert NAMES[:3] == ["clicks", "scans", "visitors"]
    CLOSED_MONTHS.close(database)
    all_are_the_same(database, campaign)
    before = right(database, [2, 3], WHOLE_MAY)
    with database.writing_connection() as connection:
        connection.execute(text("DELETE FROM link_days"))
    assert told(database, Campaign, campaign, WHOLE_MAY) == before, "not read from the months"


def test_of_most_of_a_closed_month_the_days_left_out_are_read(
    settings: Settings, database: Database, home: Home
) -> None:
    come(settings, database, home, 1)
    CLOSED_MONTHS.close(database)
    most = Period(MAY + DAY, date(2026, 5, 30), "UTC")
    right = by_days(database, most, [1, 2, 3])
    assert clicks_in(right) < clicks_in(by_days(database, WHOLE_MAY, [1, 2, 3]))
    with database.writing_connection() as connection:
        for rows in (LinkHour, LinkFacet):
            within = rows.local_date.between(most.first, most.last)
            connection.execute(delete(rows).where(within))
    with database.reading() as session:
        assert details.of_links(session, PERSONS, [1, 2, 3], most) == right


def test_days_of_a_link_that_change_reopen_its_month(
    settings: Settings, database: Database, home: Home, campaign: int
) -> None:
    come(settings, database, home, 1)
    CLOSED_MONTHS.close(database)
    come(settings, database, home, 2, [2], (MAY, date(2026, 5, 31)), 20)
    all_are_the_same(database, campaign)
    CLOSED_MONTHS.close(database)
    all_are_the_same(database, campaign)


def test_months_are_not_read_with_what_only_may_be_clicks(
    settings: Settings, database: Database, home: Home, campaign: int
) -> None:
    come(settings, database, home, 1)
    CLOSED_MONTHS.close(database)
    both = Sources(PERSONS.touchpoints, PERSONS.days, PERSONS.hours, PERSONS.facets)
    with database.writing_connection() as connection:
        connection.execute(text("DELETE FROM link_days"))
    assert right(database, [2, 3], CLOSED_MONTHS.periods[0]).days == {}
    with database.reading() as session:
        found = counted(
            session, both, session.get_one(Campaign, campaign), CLOSED_MONTHS.periods[0]
        )
    assert found.days == {}


def test_a_campaigns_months_are_read_once(
    settings: Settings, database: Database, home: Home, campaign: int
) -> None:
    come(settings, database, home, 1)
    CLOSED_MONTHS.close(database)
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if "FROM link_months" in statement:
            asked.append(statement)

    actor = Actor(home.workspace_id, "test", frozenset(SCOPES))
    first, last = CLOSED_MONTHS.periods[0].first, CLOSED_MONTHS.periods[0].last
    with database.reading() as session:
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            campaign_report(session, actor, str(campaign), first=first, last=last, now=NOW)
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
    assert len(asked) == 2  # whether any is reopened, and what they hold
