"""Reports say exactly what the roll-ups hold, of one's own workspace, and parts sum to totals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollups import COUNTERS
from sqlalchemy.orm import Session

from linkservice.clicks.dictionary import value_id
from linkservice.clicks.ledger_model import Unrecorded
from linkservice.clicks.model import DomainDay, LinkDay, LinkFacet, LinkHour
from linkservice.database import Database
from linkservice.errors import Forbidden, Invalid, NotFound
from linkservice.journeys.manage import create_journey
from linkservice.journeys.model import Touchpoint
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint, delete_touchpoint
from linkservice.links.model import Domain, Link
from linkservice.reports.links import link_report
from linkservice.reports.period import Period
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.results import (
    LinkReport,
    TouchpointReport,
    TouchpointRow,
    rows_for_csv,
    to_json,
)
from linkservice.workspaces.access import Actor, operator
from linkservice.workspaces.accounts import create_workspace

NOW = datetime(2026, 6, 15, 10, tzinfo=UTC)  # a Monday
FIRST, LAST = date(2026, 6, 1), date(2026, 6, 10)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """A workspace with one journey, and what tests put into it."""

    session: Session
    actor: Actor
    stage_id: str
    journey_id: str
    links: list[Link] = field(default_factory=list)

    def touchpoint(
        self,
        name: str = "Poster",
        *,
        stage_id: str | None = None,
        made: datetime = LONG_AGO,
        target_rate: float | None = None,
    ) -> Touchpoint:
        new = NewTouchpoint(
            stage_id or self.stage_id, name, "poster", "physical", "paid", False, target_rate
        )
        return create_touchpoint(self.session, self.actor, new, made)

    def reach(
        self, touchpoint: Touchpoint, day: date, amount: int, until: date | None = None
    ) -> None:
        new = NewReach(day, amount, "printed", until)
        add_reach(self.session, self.actor, str(touchpoint.id), new, NOW)

    def link(self) -> Link:
        """A link; only reports of the link itself read this row."""
        number = len(self.links)
        link = Link(
            workspace_id=self.actor.workspace_id,
            domain_id=self.session.query(Domain.id).filter_by(host=self.actor.name).scalar(),
            slug=f"l{number}",
            slug_key=f"l{number}",
            destination="https://example.com/",
            title="",
            forward_query=False,
            active=True,
            version=1,
            created_at=LONG_AGO,
            updated_at=LONG_AGO,
        )
        self.session.add(link)
        self.session.flush()
        self.links.append(link)
        return link

    def count(
        self, link_id: int, day: date, touchpoint: Touchpoint | None = None, **counts: int
    ) -> None:
        """A row of link_days; what is not named is 0."""
        columns = dict.fromkeys(COUNTERS, 0)
        self.session.add(
            LinkDay(
                link_id=link_id,
                local_date=day,
                touchpoint_id=touchpoint.id if touchpoint else 0,
                workspace_id=self.actor.workspace_id,
                **(columns | counts),
            )
        )
        self.session.flush()

    def report(
        self,
        first: date | None = FIRST,
        last: date | None = LAST,
        *,
        journey_id: str | None = None,
        metric: str = "visitors_per_reach",
    ) -> TouchpointReport:
        return touchpoint_report(
            self.session,
            self.actor,
            first=first,
            last=last,
            journey_id=journey_id,
            metric=metric,
            now=NOW,
        )

    def row(
        self,
        touchpoint: Touchpoint,
        *,
        journey_id: str | None = None,
        metric: str = "visitors_per_reach",
    ) -> TouchpointRow:
        rows = self.report(journey_id=journey_id, metric=metric).touchpoints
        (row,) = [row for row in rows if row.id == str(touchpoint.id)]
        return row


def new_world(session: Session, name: str, time_zone: str = "Europe/Berlin") -> World:
    workspace = create_workspace(session, LONG_AGO, name=name, time_zone=time_zone)
    actor = Actor(workspace.id, f"{name}.example", operator(workspace).scopes)
    session.add(Domain(workspace_id=workspace.id, host=actor.name, created_at=LONG_AGO))
    journey = create_journey(session, actor, f"{name}'s journey", LONG_AGO).journey
    stage = create_stage(session, actor, str(journey.id), "Awareness", NOW)
    return World(session, actor, str(stage.id), str(journey.id))


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction() as session:
        yield session


@pytest.fixture
def ada(session: Session) -> World:
    return new_world(session, "ada")


@pytest.fixture
def cleo(session: Session) -> World:
    return new_world(session, "cleo")


def test_every_figure_is_the_sum_of_its_days_and_links(ada: World, cleo: World) -> None:
    poster, flyer = ada.touchpoint("Poster"), ada.touchpoint("Flyer")
    ada.reach(poster, FIRST, 1000)
    ada.count(
        1,
        FIRST,
        poster,
        clicks=30,
        scans=20,
        visitors=25,
        touchpoint_visitors=24,
        journey_visitors=20,
        tokenless=2,
        robots=7,
        previews=1,
        prefetches=2,
        scanners=3,
        heads=4,
    )
    ada.count(
        1, LAST, poster, clicks=5, scans=5, visitors=4, touchpoint_visitors=4, journey_visitors=4
    )
    ada.count(2, LAST, poster, clicks=3, visitors=3, touchpoint_visitors=1, journey_visitors=1)
    ada.count(
        2,
        LAST,
        None,
        clicks=9,
        scans=1,
        visitors=8,
        touchpoint_visitors=99,
        journey_visitors=99,
        tokenless=1,
        robots=10,
    )
    for outside in (FIRST - timedelta(1), LAST + timedelta(1)):
        ada.count(1, outside, poster, clicks=500, visitors=500, touchpoint_visitors=500)
    theirs = cleo.touchpoint()
    cleo.count(3, FIRST, theirs, clicks=700, visitors=700, touchpoint_visitors=700)
    workspace_id = ada.actor.workspace_id
    ada.session.add_all(
        [
            DomainDay(domain_id=1, local_date=LAST, workspace_id=workspace_id, misses=6, heads=2),
            DomainDay(domain_id=2, local_date=LAST, workspace_id=workspace_id, misses=1, heads=0),
            DomainDay(
                domain_id=3,
                local_date=LAST,
                workspace_id=cleo.actor.workspace_id,
                misses=50,
                heads=50,
            ),
            Unrecorded(source="a", workspace_id=workspace_id, local_date=FIRST, clicks=2),
            Unrecorded(source="b", workspace_id=workspace_id, local_date=FIRST, clicks=3),
            Unrecorded(
                source="b", workspace_id=cleo.actor.workspace_id, local_date=FIRST, clicks=9
            ),
        ]
    )
    ada.session.flush()
    report = ada.report()
    assert report.period == Period(FIRST, LAST, "Europe/Berlin")
    assert asdict(report.totals) == {
        "clicks": 47,
        "scans": 26,
        "visitors": 37,
        "journey_visitors": 25,
        "tokenless": 3,
        "robots": 17,
        "previews": 1,
        "prefetches": 2,
        "scanners": 3,
        "suspected": 0,
        "heads": 6,
        "own": 0,
        "misses": 7,
        "unrecorded": 5,
        "conversions": 0,
        "value": 0,
    }
    first, second, third = report.touchpoints
    assert (first.name, first.stage, first.journey, first.kind, first.channel) == (
        "Poster",
        "Awareness",
        "ada's journey",
        "physical",
        "poster",
    )
    assert (first.clicks, first.scans, first.visitors, first.tokenless) == (38, 25, 29, 2)
    assert (first.reach, first.unit, first.rate) == (1000, "printed", 0.031)
    assert (first.verdict, first.peers) == ("no_peers", None)
    assert (second.id, second.name, second.clicks) == (str(flyer.id), "Flyer", 0)
    assert (second.reach, second.unit, second.rate) == (0, None, None)
    assert second.verdict == "no_reach"
    assert (third.id, third.name, third.verdict) == (None, None, "no_reach")
    assert (third.clicks, third.scans, third.visitors, third.tokenless) == (9, 1, 8, 1)


def test_cleo_sees_nothing_of_adas(ada: World, cleo: World) -> None:
    poster, link = ada.touchpoint(), ada.link()
    ada.reach(poster, FIRST, 100)
    ada.count(link.id, FIRST, poster, clicks=4, visitors=4, touchpoint_visitors=4)
    ada.count(link.id, FIRST, None, clicks=4, visitors=4)
    report = cleo.report()
    assert report.touchpoints == []
    assert set(asdict(report.totals).values()) == {0}
    with pytest.raises(NotFound, match="journey_id"):
        cleo.report(journey_id=ada.journey_id)
    for missing in (str(link.id), "0", "x", "9" * 30, ""):
        with pytest.raises(NotFound):
            link_report(cleo.session, cleo.actor, missing, first=None, last=None, now=NOW)


def test_a_key_without_the_scope_reads_no_report(ada: World) -> None:
    reader = Actor(ada.actor.workspace_id, "key", frozenset({"links:read", "journeys:read"}))
    with pytest.raises(Forbidden, match="reports:read"):
        touchpoint_report(ada.session, reader, first=None, last=None, now=NOW)
    with pytest.raises(Forbidden, match="reports:read"):
        link_report(ada.session, reader, "1", first=None, last=None, now=NOW)


def test_all_wrong_fields_are_named_at_once(ada: World) -> None:
    with pytest.raises(Invalid) as caught:
        ada.report(LAST, FIRST, metric="visitors\0")
    assert [problem.field for problem in caught.value.problems] == ["metric", "to"]


def test_reach_with_a_span_counts_as_far_as_it_lies_in_the_period(ada: World) -> None:
    poster = ada.touchpoint()
    ada.reach(poster, date(2026, 5, 27), 100, until=date(2026, 6, 5))  # 5 of its 10 days
    ada.reach(poster, date(2026, 6, 8), 70, until=date(2026, 6, 14))  # 3 of 7
    ada.reach(poster, date(2026, 1, 1), 3650, until=date(2026, 12, 31))  # 10 of 365
    ada.reach(poster, date(2026, 6, 10), 3)
    ada.reach(poster, date(2026, 6, 11), 1_000_000)
    ada.reach(poster, date(2026, 5, 1), 1_000_000, until=date(2026, 5, 31))
    ada.count(1, FIRST, poster, clicks=20, touchpoint_visitors=16, tokenless=4)
    row = ada.row(poster)
    assert row.reach == 50 + 30 + 100 + 3
    assert isinstance(row.reach, int)
    assert row.rate == 20 / 183
    ada.reach(poster, date(2026, 6, 9), 10, until=date(2026, 6, 11))  # 2 of 3
    assert ada.row(poster).reach == pytest.approx(183 + 20 / 3, rel=1e-15)


def test_reach_of_days_to_come_does_not_count_yet(ada: World) -> None:
    poster = ada.touchpoint()
    ada.reach(poster, date(2026, 6, 6), 200, until=date(2026, 6, 25))  # 10 of 20 days are past
    ada.count(1, date(2026, 6, 15), poster, clicks=10, touchpoint_visitors=10)
    (row,) = ada.report(date(2026, 6, 1), date(2026, 6, 30)).touchpoints
    assert (row.reach, row.rate) == (100, 0.1)
    for metric in ("visitors_per_reach", "clicks_per_day"):
        ahead = ada.report(date(2026, 6, 20), date(2026, 6, 24), metric=metric)
        (row,) = ahead.touchpoints
        assert (row.reach, row.rate, row.verdict) == (0, None, "no_reach")


def test_a_touchpoint_without_reach_in_the_period_keeps_its_unit(ada: World) -> None:
    poster = ada.touchpoint()
    ada.reach(poster, date(2026, 3, 1), 100)
    row = ada.row(poster)
    assert (row.reach, row.unit, row.rate, row.verdict) == (0, "printed", None, "no_reach")


def test_a_deleted_touchpoint_is_there_if_it_was_clicked(ada: World) -> None:
    clicked, crawled, silent = (ada.touchpoint(name) for name in ("clicked", "crawled", "silent"))
    ada.reach(clicked, FIRST, 10)
    ada.count(1, FIRST, clicked, clicks=2, touchpoint_visitors=2)
    ada.count(2, FIRST, crawled, robots=5)
    for touchpoint in (clicked, crawled, silent):
        delete_touchpoint(ada.session, ada.actor, str(touchpoint.id), NOW)
    for report in (ada.report(), ada.report(journey_id=ada.journey_id)):
        assert [(row.name, row.clicks, row.rate, row.deleted) for row in report.touchpoints] == [
            ("clicked", 2, 0.2, True)
        ]
        assert (report.totals.clicks, report.totals.robots) == (2, 5)


def test_the_default_period_ends_on_the_workspaces_today(session: Session) -> None:
    kiri = new_world(session, "kiri", "Pacific/Kiritimati")
    poster = kiri.touchpoint()
    kiri.count(1, date(2026, 6, 16), poster, clicks=1)
    kiri.count(1, date(2026, 6, 17), poster, clicks=10)
    kiri.count(1, date(2026, 5, 20), poster, clicks=100)
    kiri.count(1, date(2026, 5, 19), poster, clicks=1000)
    report = kiri.report(None, None)  # 15 June, 10:00 UTC, is midnight there
    assert report.period == Period(date(2026, 5, 20), date(2026, 6, 16), "Pacific/Kiritimati")
    assert report.totals.clicks == 101


def test_a_journeys_report_holds_its_rows_and_what_belongs_to_no_journey_is_left_out(
    ada: World,
) -> None:
    other = create_journey(ada.session, ada.actor, "Other", LONG_AGO).journey
    stage = create_stage(ada.session, ada.actor, str(other.id), "Service", NOW)
    poster, chat = ada.touchpoint("Poster"), ada.touchpoint("Chat", stage_id=str(stage.id))
    ada.count(1, FIRST, poster, clicks=3, visitors=3, touchpoint_visitors=2, journey_visitors=1)
    ada.count(1, FIRST, chat, clicks=5, visitors=4, touchpoint_visitors=4, journey_visitors=4)
    ada.count(1, FIRST, None, clicks=7, visitors=7, heads=1)
    workspace_id = ada.actor.workspace_id
    ada.session.add(
        DomainDay(domain_id=1, local_date=LAST, workspace_id=workspace_id, misses=6, heads=2)
    )
    ada.session.flush()
    report = ada.report(journey_id=str(other.id))
    assert [row.name for row in report.touchpoints] == ["Chat"]
    totals = report.totals
    assert (totals.clicks, totals.visitors, totals.journey_visitors) == (5, 4, 4)
    assert (totals.misses, totals.heads, totals.unrecorded) == (0, 0, 0)
    assert ada.report().totals.clicks == 15


def _four_journeys(ada: World) -> list[Touchpoint]:
    """Four journeys with one touchpoint each, the last one far below the others."""
    touchpoints = []
    for number, visitors in enumerate((500, 510, 490, 20)):
        journey = create_journey(ada.session, ada.actor, f"J{number}", LONG_AGO).journey
        stage = create_stage(ada.session, ada.actor, str(journey.id), "Stage", NOW)
        touchpoint = ada.touchpoint(f"T{number}", stage_id=str(stage.id))
        ada.reach(touchpoint, FIRST, 10_000, until=LAST)
        for day in range(10):
            each = visitors // 10
            ada.count(
                number + 1,
                FIRST + timedelta(day),
                touchpoint,
                clicks=each,
                touchpoint_visitors=each,
            )
        touchpoints.append(touchpoint)
    return touchpoints


def test_a_verdict_is_the_same_in_the_report_of_the_journey_alone(ada: World) -> None:
    *_, last = _four_journeys(ada)
    everywhere = ada.row(last)
    assert everywhere.verdict == "worst"
    assert everywhere.peers is not None
    assert (everywhere.peers.group, everywhere.peers.count) == ("workspace", 3)
    assert everywhere.low is not None
    assert everywhere.high is not None
    assert 0 < everywhere.low < everywhere.high < everywhere.peers.mean
    assert ada.row(last, journey_id=str(everywhere.journey_id)) == everywhere


def test_rows_stand_by_falling_rate_with_the_judged_ones_first(ada: World) -> None:
    _four_journeys(ada)
    early = ada.touchpoint("little reach")
    ada.reach(early, FIRST, 20)
    ada.count(20, FIRST, early, clicks=1, touchpoint_visitors=1)
    quiet, loud = ada.touchpoint("no reach, quiet"), ada.touchpoint("no reach, loud")
    ada.count(21, FIRST, quiet, clicks=1, touchpoint_visitors=1)
    ada.count(22, FIRST, loud, clicks=1000, touchpoint_visitors=1000)
    ada.count(23, FIRST, None, clicks=5000, visitors=5000)
    rows = ada.report().touchpoints
    assert [row.name for row in rows] == [
        "T1",
        "T0",
        "T2",
        "T3",
        "little reach",
        "no reach, loud",
        "no reach, quiet",
        None,
    ]
    assert [rows[0].verdict, rows[3].verdict, rows[4].verdict] == ["best", "worst", "too_early"]


def test_tokenless_clicks_weigh_as_much_as_visitors(ada: World) -> None:
    open_handed, private = ada.touchpoint("open-handed"), ada.touchpoint("private")
    for touchpoint, counts in (
        (open_handed, {"touchpoint_visitors": 30}),
        (private, {"touchpoint_visitors": 10, "tokenless": 20}),
    ):
        ada.reach(touchpoint, FIRST, 1000)
        ada.count(touchpoint.id, FIRST, touchpoint, clicks=40, **counts)
    first, second = ada.row(open_handed), ada.row(private)
    assert (first.rate, first.low, first.high) == (second.rate, second.low, second.high)
    assert (second.visitors, second.tokenless, second.rate) == (10, 20, 0.03)


def test_clicks_per_day_counts_the_days_a_touchpoint_was_live(ada: World) -> None:
    made = datetime(2026, 6, 6, 22, 30, tzinfo=UTC)  # the 7th in Berlin
    old, young = ada.touchpoint("old"), ada.touchpoint("young", made=made)
    imported, gone = ada.touchpoint("imported", made=made), ada.touchpoint("gone")
    printed = ada.touchpoint("printed")
    ada.reach(old, FIRST, 1000)
    for number, touchpoint in enumerate((old, young)):
        ada.count(number, date(2026, 6, 9), touchpoint, clicks=20, visitors=4, scans=5)
    ada.count(2, date(2026, 6, 3), imported, clicks=16)
    ada.count(3, date(2026, 6, 1), gone, clicks=9)
    ada.count(4, date(2026, 6, 8), printed, clicks=8)
    deleted = datetime(2026, 6, 3, 12, tzinfo=UTC)
    for touchpoint in (gone, printed):
        delete_touchpoint(ada.session, ada.actor, str(touchpoint.id), deleted)
    report = ada.report(metric="clicks_per_day")
    assert report.metric == "clicks_per_day"
    assert {row.name: row.rate for row in report.touchpoints} == {
        "old": 20 / 10,  # all ten days
        "young": 20 / 4,  # from the 7th
        "imported": 16 / 8,  # from its first click on the 3rd
        "gone": 9 / 3,  # to the 3rd
        "printed": 8 / 8,  # to its last click on the 8th
    }
    assert ada.row(old, metric="clicks_per_day").reach == 1000
    into_the_future = ada.report(date(2026, 6, 6), date(2026, 6, 30), metric="clicks_per_day")
    assert [row.rate for row in into_the_future.touchpoints if row.name == "old"] == [20 / 10]


def test_a_target_rate_is_one_of_reach_and_judges_no_clicks_per_day(ada: World) -> None:
    poster = ada.touchpoint(target_rate=0.5)
    ada.reach(poster, FIRST, 1000)
    ada.count(1, FIRST, poster, clicks=10, touchpoint_visitors=10)
    by_reach = ada.row(poster)
    assert by_reach.peers is not None
    assert (by_reach.peers.group, by_reach.peers.mean) == ("target", 0.5)
    assert by_reach.verdict == "worst"
    assert ada.row(poster, metric="clicks_per_day").verdict == "no_peers"


def test_a_link_report_shows_every_day_and_its_totals(ada: World) -> None:
    poster, link, other = ada.touchpoint(), ada.link(), ada.link()
    ada.count(
        link.id,
        FIRST,
        poster,
        clicks=8,
        scans=3,
        visitors=5,
        touchpoint_visitors=1,
        tokenless=2,
        robots=1,
        previews=2,
        prefetches=3,
        scanners=4,
        heads=5,
    )
    ada.count(link.id, FIRST, None, clicks=2, scans=1, visitors=1)  # moved on that day
    ada.count(link.id, LAST, None, clicks=1, visitors=1)
    ada.count(link.id, LAST + timedelta(1), None, clicks=100)
    ada.count(other.id, FIRST, poster, clicks=50, visitors=50)
    report = _link_report(ada, link)
    assert asdict(report.totals) == {
        "clicks": 11,
        "scans": 4,
        "visitors": 7,
        "tokenless": 2,
        "robots": 1,
        "previews": 2,
        "prefetches": 3,
        "scanners": 4,
        "suspected": 0,
        "heads": 5,
        "own": 0,
    }
    days = [(day.clicks, day.scans, day.visitors) for day in report.days]
    assert days == [(10, 4, 6), *[(0, 0, 0)] * 8, (1, 0, 1)]
    assert [day.date for day in report.days] == Period(FIRST, LAST, "UTC").days()


def test_the_hours_of_the_week_begin_on_monday(ada: World) -> None:
    link, other = ada.link(), ada.link()
    monday, sunday = date(2026, 6, 1), date(2026, 6, 7)
    for link_id, day, hour, clicks in (
        (link.id, monday, 0, 3),
        (link.id, monday + timedelta(7), 0, 4),
        (link.id, sunday, 23, 5),
        (link.id, date(2026, 5, 31), 23, 100),
        (other.id, monday, 0, 100),
    ):
        ada.session.add(
            LinkHour(link_id=link_id, local_date=day, local_hour=hour, clicks=clicks, scans=1)
        )
    ada.session.flush()
    hours = _link_report(ada, link).hours
    assert [(each.weekday, each.hour) for each in hours] == [
        (weekday, hour) for weekday in range(1, 8) for hour in range(24)
    ]
    assert {(each.weekday, each.hour): each.clicks for each in hours if each.clicks} == {
        (1, 0): 7,
        (7, 23): 5,
    }


def test_facets_fall_by_clicks_and_name_what_is_empty(ada: World) -> None:
    link, other = ada.link(), ada.link()
    ada.count(link.id, FIRST, None, clicks=10)
    for link_id, day, facet, value, clicks in (
        (link.id, FIRST, "country", "DE", 3),
        (link.id, LAST, "country", "DE", 1),
        (link.id, LAST, "country", "CH", 3),
        (link.id, LAST, "country", "AT", 3),
        (link.id, LAST + timedelta(1), "country", "AT", 100),
        (other.id, LAST, "country", "AT", 100),
        (link.id, FIRST, "device", "", 6),
        (link.id, FIRST, "device", "unknown", 4),
        (link.id, FIRST, "referrer", "", 9),
        (link.id, FIRST, "referrer", "news.example", 1),
        (link.id, FIRST, "language", "", 10),
        (link.id, FIRST, "browser", "Firefox", 10),
        (link.id, FIRST, "system", "Linux", 10),
        (link.id, FIRST, "robot", "Googlebot", 7),
    ):
        ada.session.add(
            LinkFacet(
                link_id=link_id,
                local_date=day,
                value_id=value_id(ada.session, facet, value),
                clicks=clicks,
            )
        )
    ada.session.flush()
    report = _link_report(ada, link)
    assert [(each.value, each.clicks) for each in report.countries] == [
        ("DE", 4),
        ("AT", 3),
        ("CH", 3),
    ]
    assert [(each.value, each.clicks) for each in report.devices] == [("unknown", 10)]
    assert [(each.value, each.clicks) for each in report.referrers] == [
        ("direct", 9),
        ("news.example", 1),
    ]
    assert [(each.value, each.clicks) for each in report.robots] == [("Googlebot", 7)]
    for values in (
        report.countries,
        report.devices,
        report.browsers,
        report.systems,
        report.languages,
        report.referrers,
    ):
        assert sum(each.clicks for each in values) == report.totals.clicks


def test_json_has_the_names_of_the_contract(ada: World) -> None:
    poster, link = ada.touchpoint(target_rate=0.5), ada.link()
    ada.reach(poster, FIRST, 100)
    ada.count(link.id, FIRST, poster, clicks=10, visitors=9, touchpoint_visitors=9)
    ada.count(link.id, FIRST, None, clicks=1, visitors=1)
    report = to_json(ada.report())
    assert list(report) == [
        "period",
        "metric",
        "attribution",
        "currency",
        "totals",
        "touchpoints",
        "filtered",
    ]
    assert report["period"] == {
        "from": "2026-06-01",
        "to": "2026-06-10",
        "time_zone": "Europe/Berlin",
    }
    contract = (
        "id name stage journey kind clicks scans visitors tokenless reach unit rate low high "
        "verdict peers more_reach_needed conversions value"
    )
    rows = report["touchpoints"]
    assert isinstance(rows, list)
    first, last = rows
    assert isinstance(first, dict)
    assert isinstance(last, dict)
    assert set(contract.split()) <= set(first)
    assert set(first) == set(last)
    assert first["id"] == str(poster.id)
    assert first["peers"] == {"group": "target", "count": 0, "mean": 0.5}
    assert (last["id"], last["peers"], last["clicks"]) == (None, None, 1)
    of_link = to_json(_link_report(ada, link))
    assert list(of_link) == [
        "id",
        "period",
        "totals",
        "days",
        "hours",
        "countries",
        "cities",
        "devices",
        "browsers",
        "systems",
        "languages",
        "referrers",
        "robots",
        "conversions",
        "value",
        "currency",
    ]
    days, hours = of_link["days"], of_link["hours"]
    assert isinstance(days, list)
    assert isinstance(hours, list)
    assert days[0] == {"date": "2026-06-01", "clicks": 11, "scans": 0, "visitors": 10}
    assert hours[0] == {"weekday": 1, "hour": 0, "clicks": 0}


def test_csv_has_a_line_per_touchpoint_or_day_and_no_formulas(ada: World) -> None:
    poster, link = ada.touchpoint("=HYPERLINK(1)", target_rate=0.5), ada.link()
    ada.reach(poster, FIRST, 100)
    ada.count(link.id, FIRST, poster, clicks=10, visitors=9, touchpoint_visitors=9)
    ada.count(link.id, FIRST, None, clicks=1, visitors=1)
    head, first, last = (list(line) for line in rows_for_csv(ada.report()))
    named = dict(zip(map(str, head), first, strict=True))
    assert named["name"] == "'=HYPERLINK(1)"
    assert named["rate"] == 0.09
    assert [named[f"peers_{part}"] for part in ("group", "count", "mean")] == ["target", 0, 0.5]
    assert len(last) == len(head)
    days = list(rows_for_csv(_link_report(ada, link)))
    assert days[:2] == [["date", "clicks", "scans", "visitors"], ["2026-06-01", 11, 0, 10]]
    assert len(days) == 11


ROW = st.fixed_dictionaries(
    {"touchpoint": st.integers(0, 4), "link": st.integers(1, 3), "day": st.integers(-2, 12)}
    | {counter: st.integers(0, 50) for counter in COUNTERS}
)


@pytest.fixture(scope="module")
def sqlite(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("reports") / "linkservice.db"
    shutil.copy(migrated, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@settings(max_examples=20)
@given(
    st.lists(ROW, max_size=12, unique_by=lambda row: (row["touchpoint"], row["link"], row["day"])),
    st.sampled_from(["visitors_per_reach", "clicks_per_day"]),
)
def test_parts_sum_to_totals_whatever_was_counted(
    sqlite: Database, counted: list[dict[str, int]], metric: str
) -> None:
    with Session(sqlite.engine.execution_options(writes=True)) as session:
        ada = new_world(session, "ada")
        other = create_journey(session, ada.actor, "Other", LONG_AGO).journey
        stage = str(create_stage(session, ada.actor, str(other.id), "Service", NOW).id)
        touchpoints = [None] + [
            ada.touchpoint(f"T{number}", stage_id=stage if number > 2 else None)
            for number in range(1, 5)
        ]
        for row in counted:
            columns = {counter: row[counter] for counter in COUNTERS}
            day = FIRST + timedelta(row["day"])
            ada.count(row["link"], day, touchpoints[row["touchpoint"]], **columns)
        whole = ada.report(metric=metric)
        parts = [
            ada.report(metric=metric, journey_id=each) for each in (ada.journey_id, str(other.id))
        ]
        session.rollback()
    inside = [row for row in counted if 0 <= row["day"] < 10]
    for name in (
        "clicks",
        "scans",
        "tokenless",
        "robots",
        "previews",
        "prefetches",
        "scanners",
        "heads",
        "own",
    ):
        assert getattr(whole.totals, name) == sum(row[name] for row in inside)
    assert whole.totals.visitors == sum(
        row["touchpoint_visitors" if row["touchpoint"] else "visitors"] for row in inside
    )
    assert whole.totals.journey_visitors == sum(
        row["journey_visitors"] for row in inside if row["touchpoint"]
    )
    for report in (whole, *parts):
        for name in ("clicks", "scans", "visitors", "tokenless"):
            column = [getattr(row, name) for row in report.touchpoints]
            assert sum(column) == getattr(report.totals, name)
    assert sorted(str(row.id) for part in parts for row in part.touchpoints) == sorted(
        str(row.id) for row in whole.touchpoints if row.id
    )


def _link_report(world: World, link: Link) -> LinkReport:
    return link_report(world.session, world.actor, str(link.id), first=FIRST, last=LAST, now=NOW)


def test_more_visitors_than_reach_is_said_of_the_touchpoint_alone(ada: World) -> None:
    poster, flyer = ada.touchpoint("Poster"), ada.touchpoint("Flyer")
    ada.reach(poster, FIRST, 20)
    ada.reach(flyer, FIRST, 25)
    ada.count(1, FIRST, poster, clicks=30, touchpoint_visitors=25)
    ada.count(2, FIRST, flyer, clicks=30, touchpoint_visitors=25)
    assert ada.row(poster).exceeds_reach
    assert not ada.row(flyer).exceeds_reach
    assert ada.row(poster).rate == 25 / 20
