"""Days of a workspace, journey, touchpoint or link beside the same weekdays before; the report
of one touchpoint; what is still missing before anything can be judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cast import Home, make_home, make_link, make_touchpoint
from rollups import count, tell
from sqlalchemy.orm import Session

from linkservice.clicks.dictionary import value_id
from linkservice.clicks.model import FACETS, SuspectedDay, SuspectedFacet, SuspectedHour
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Forbidden, NotFound
from linkservice.journeys.model import Journey, Touchpoint
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.touchpoints import delete_touchpoint
from linkservice.links.manage import change_link
from linkservice.reports.beginning import first_lack
from linkservice.reports.period import Period
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.touchpoints import TouchpointDetail, peers_of, touchpoint_detail
from linkservice.reports.trend import Counts, Trend, todays_counts, total, trend_of
from linkservice.workspaces.access import Actor

NOW = datetime(2026, 6, 17, 10, tzinfo=UTC)  # a Wednesday
TODAY = date(2026, 6, 17)
MADE = datetime(2026, 1, 5, tzinfo=UTC)
ZONE = "Europe/Berlin"


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction() as session:
        yield session


@pytest.fixture
def ada(session: Session, settings: Settings) -> Home:
    return make_home(session, settings, now=MADE)


def week(last: date = TODAY) -> Period:
    return Period(last - timedelta(days=6), last, ZONE)


def test_a_day_stands_beside_the_same_weekday_before(
    session: Session, settings: Settings, ada: Home
) -> None:
    link = make_link(session, settings, ada, now=MADE)
    for number in range(60):
        count(session, ada, link, TODAY - timedelta(days=number), number)
    for days, weeks in ((1, 1), (6, 1), (7, 1), (8, 2), (20, 3), (28, 4)):
        period = Period(TODAY - timedelta(days=days - 1), TODAY, ZONE)
        trend = trend_of(session, ada.actor, None, period, NOW)
        assert trend.weeks == weeks
        for day, before in zip(trend.days, trend.before, strict=True):
            assert before.date == day.date - timedelta(weeks=weeks)
            assert before.clicks == day.clicks + 7 * weeks


def test_today_is_no_part_of_a_change(session: Session, settings: Settings, ada: Home) -> None:
    link = make_link(session, settings, ada, now=MADE)
    for number in range(14):
        count(session, ada, link, TODAY - timedelta(days=number), 10, scans=4)
    trend = trend_of(session, ada.actor, None, week(), NOW)
    assert trend.total == Counts(70, 28, 70)
    assert trend.change is not None
    assert (trend.change.now, trend.change.before) == (Counts(60, 24, 60), Counts(60, 24, 60))
    over = trend_of(session, ada.actor, None, week(TODAY - timedelta(days=1)), NOW)
    assert over.before == ()
    only_today = trend_of(session, ada.actor, None, Period(TODAY, TODAY, ZONE), NOW)
    assert only_today.change is None
    assert todays_counts(session, ada.actor, ZONE, NOW) == Counts(10, 4, 10)


def test_nothing_is_compared_with_days_before_recording_began(
    session: Session, settings: Settings, ada: Home
) -> None:
    link = make_link(session, settings, ada, now=MADE)
    count(session, ada, link, TODAY - timedelta(days=12), 10)
    for counted in (None, link):
        assert trend_of(session, ada.actor, counted, week(), NOW).change is None
    count(session, ada, link, TODAY - timedelta(days=13), 10)
    for counted in (None, link):
        assert trend_of(session, ada.actor, counted, week(), NOW).change is not None
    dawn = Period(date(1, 1, 2), date(1, 1, 5), ZONE)
    assert trend_of(session, ada.actor, None, dawn, NOW).before == ()


def test_each_part_has_its_own_days(session: Session, settings: Settings, ada: Home) -> None:
    poster, flyer = (make_touchpoint(session, ada, name, MADE) for name in ("Poster", "Flyer"))
    link = make_link(session, settings, ada, now=MADE)
    count(session, ada, link, TODAY, 5, touchpoint_id=poster, visitors=9, touchpoint_visitors=4)
    count(session, ada, link, TODAY, 7, touchpoint_id=flyer, touchpoint_visitors=6)
    count(session, ada, link, TODAY, 2, visitors=1)

    def today(trend: Trend) -> Counts:
        assert [day.date for day in trend.days] == week().days()
        return total(trend.days[-1:])

    found = session.get_one(Touchpoint, int(poster))
    journey = session.query(Journey).filter_by(name="Journey of Poster").one()
    of = {
        None: Counts(14, 0, 11),
        found: Counts(5, 0, 4),
        journey: Counts(5, 0, 4),
        link: Counts(14, 0, 17),
    }
    for counted, counts in of.items():
        assert today(trend_of(session, ada.actor, counted, week(), NOW)) == counts
    report = touchpoint_report(session, ada.actor, first=TODAY, last=TODAY, now=NOW)
    assert (report.totals.clicks, report.totals.visitors) == (14, 11)


def test_cleo_counts_nothing_of_adas(session: Session, settings: Settings, ada: Home) -> None:
    cleo = make_home(session, settings, host="go.cleo.example", now=MADE)
    poster = make_touchpoint(session, ada, now=MADE)
    link = make_link(session, settings, ada, touchpoint_id=poster, now=MADE)
    count(session, ada, link, TODAY, 5, touchpoint_id=poster)
    for counted in (None, link, session.get_one(Touchpoint, int(poster))):
        assert total(trend_of(session, cleo.actor, counted, week(), NOW).days) == Counts(0, 0, 0)
    assert todays_counts(session, cleo.actor, ZONE, NOW) == Counts(0, 0, 0)
    with pytest.raises(NotFound):
        detail(session, cleo, poster)
    blind = Actor(ada.workspace_id, "key", frozenset({"links:read"}))
    for ask in (
        lambda: trend_of(session, blind, None, week(), NOW),
        lambda: todays_counts(session, blind, ZONE, NOW),
        lambda: first_lack(session, blind),
        lambda: detail(session, replace(ada, actor=blind), poster),
    ):
        with pytest.raises(Forbidden, match="reports:read"):
            ask()


def detail(
    session: Session, home: Home, touchpoint_id: str, *, suspects: bool = False
) -> TouchpointDetail:
    first, last = week().first, week().last
    return touchpoint_detail(
        session, home.actor, touchpoint_id, first=first, last=last, suspects=suspects, now=NOW
    )


def test_a_touchpoints_hours_and_facets_are_those_of_its_links(
    session: Session, settings: Settings, ada: Home
) -> None:
    poster, flyer = (make_touchpoint(session, ada, name, MADE) for name in ("Poster", "Flyer"))
    mine, theirs = (
        make_link(session, settings, ada, touchpoint_id=each, now=MADE) for each in (poster, flyer)
    )
    count(session, ada, mine, TODAY, 5, touchpoint_id=poster, scans=3, robots=2)
    tell(session, mine, TODAY, 9, 5, country="DE", referrer="")
    count(session, ada, theirs, TODAY, 70, touchpoint_id=flyer)
    tell(session, theirs, TODAY, 9, 70, country="AT")
    found = detail(session, ada, poster)
    assert (found.totals.clicks, found.totals.scans, found.totals.robots) == (5, 3, 2)
    assert [(hour.weekday, hour.hour, hour.clicks) for hour in found.hours if hour.clicks] == [
        (3, 9, 5)
    ]
    assert len(found.hours) == 7 * 24
    assert [(each.value, each.clicks) for each in found.countries] == [("DE", 5)]
    assert [(each.value, each.clicks) for each in found.referrers] == [("direct", 5)]
    assert found.undivided == 0
    assert [(share.link.id, share.clicks, share.scans) for share in found.links] == [
        (mine.id, 5, 3)
    ]


def test_a_day_a_link_shared_is_told_of_neither_touchpoint(
    session: Session, settings: Settings, ada: Home
) -> None:
    poster, flyer = (make_touchpoint(session, ada, name, MADE) for name in ("Poster", "Flyer"))
    link = make_link(session, settings, ada, touchpoint_id=poster, now=MADE)
    change_link(session, ada.actor, settings, str(link.id), {"touchpoint_id": flyer}, NOW)
    yesterday = TODAY - timedelta(days=1)
    count(session, ada, link, yesterday, 3, touchpoint_id=poster)
    tell(session, link, yesterday, 9, 3, **dict.fromkeys(set(FACETS) - {"robot"}, "x"))
    count(session, ada, link, TODAY, 4, touchpoint_id=poster)
    count(session, ada, link, TODAY, 6, touchpoint_id=flyer)
    tell(session, link, TODAY, 9, 10, **dict.fromkeys(set(FACETS) - {"robot"}, "x"))
    found = detail(session, ada, poster)
    assert (found.totals.clicks, found.undivided) == (7, 4)
    facets = (
        found.countries,
        found.devices,
        found.browsers,
        found.systems,
        found.languages,
        found.referrers,
    )
    for facet in facets:
        assert sum(each.clicks for each in facet) == found.totals.clicks - found.undivided
    assert sum(hour.clicks for hour in found.hours) == 3
    assert [(share.link.id, share.clicks) for share in found.links] == [(link.id, 7)]


def test_what_suspects_alone_clicked_elsewhere_is_not_the_touchpoints(
    session: Session, settings: Settings, ada: Home
) -> None:
    poster, flyer = (make_touchpoint(session, ada, name, MADE) for name in ("Poster", "Flyer"))
    link = make_link(session, settings, ada, touchpoint_id=poster, now=MADE)
    change_link(session, ada.actor, settings, str(link.id), {"touchpoint_id": flyer}, NOW)
    days = [TODAY - timedelta(days=number) for number in (2, 1, 0)]
    count(session, ada, link, days[0], 5, touchpoint_id=poster)
    tell(session, link, days[0], 9, 5, country="DE")
    count(session, ada, link, days[1], 1, touchpoint_id=flyer)
    tell(session, link, days[1], 9, 1, country="DE")
    session.add(
        SuspectedDay(
            link_id=link.id, local_date=days[2], touchpoint_id=int(flyer), clicks=7, scans=0,
            workspace_id=ada.workspace_id, visitors=1, touchpoint_visitors=1, journey_visitors=1,
            tokenless=0,
        )
    )  # fmt: skip
    key = {"link_id": link.id, "local_date": days[2], "clicks": 7}
    value = value_id(session, "country", "DE")
    session.add_all(
        (
            SuspectedHour(**key, local_hour=9, scans=0),
            SuspectedFacet(**key, value_id=value),
        )
    )
    found = detail(session, ada, poster, suspects=True)
    assert (found.totals.clicks, found.undivided) == (5, 0)
    assert sum(hour.clicks for hour in found.hours) == 5
    assert [(each.value, each.clicks) for each in found.countries] == [("DE", 5)]


def test_a_deleted_touchpoint_has_a_report_while_it_has_clicks(
    session: Session, settings: Settings, ada: Home
) -> None:
    poster = make_touchpoint(session, ada, now=MADE)
    link = make_link(session, settings, ada, touchpoint_id=poster, now=MADE)
    count(session, ada, link, TODAY, 3, touchpoint_id=poster)
    delete_touchpoint(session, ada.actor, poster, NOW)
    assert detail(session, ada, poster).row.deleted
    with pytest.raises(NotFound):
        touchpoint_detail(
            session,
            ada.actor,
            poster,
            first=week().first - timedelta(days=30),
            last=week().first - timedelta(days=20),
            now=NOW,
        )
    for missing in ("0", "x", "9" * 30, "", "１"):
        with pytest.raises(NotFound):
            detail(session, ada, missing)


def test_peers_are_the_rows_the_verdict_speaks_of(
    session: Session, settings: Settings, ada: Home
) -> None:
    ids = [make_touchpoint(session, ada, f"Poster {number}", MADE) for number in range(5)]
    for number, touchpoint_id in enumerate(ids):
        link = make_link(session, settings, ada, touchpoint_id=touchpoint_id, now=MADE)
        unit = "printed" if number else "sent"
        add_reach(session, ada.actor, touchpoint_id, NewReach(TODAY, 1000, unit), NOW)
        count(session, ada, link, TODAY, 30 + number, touchpoint_id=touchpoint_id)
    rows = touchpoint_report(session, ada.actor, first=TODAY, last=TODAY, now=NOW).touchpoints
    compared = 0
    for row in rows:
        others = peers_of(row, rows)
        assert len(others) == (row.peers.count if row.peers else 0)
        assert row.id not in {other.id for other in others}
        compared += bool(others)
    assert compared == 4


def test_what_is_missing_is_told_one_after_the_other(
    session: Session, settings: Settings, ada: Home
) -> None:
    assert first_lack(session, ada.actor) == "touchpoint"
    poster = make_touchpoint(session, ada, now=MADE)
    assert first_lack(session, ada.actor) == "link"
    link = make_link(session, settings, ada, touchpoint_id=poster, now=MADE)
    count(session, ada, link, TODAY - timedelta(days=1), 0, robots=4)
    assert first_lack(session, ada.actor) == "click"
    count(session, ada, link, TODAY, 1, touchpoint_id=poster)
    assert first_lack(session, ada.actor) == "reach"
    add_reach(session, ada.actor, poster, NewReach(TODAY, 10, "printed"), NOW)
    assert first_lack(session, ada.actor) is None
