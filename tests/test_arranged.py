"""The ranking filtered, grouped and sorted: what is kept, what may be said of a group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from cast import NOW, Home, make_home, make_link, make_touchpoint
from rollups import count
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Invalid, NotFound
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.model import Stage, Touchpoint
from linkservice.journeys.personas import create_persona, set_journey_personas
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.links.personas import set_link_personas
from linkservice.reports.arranged import (
    EVERYTHING,
    SORTS,
    Arranged,
    Selection,
    arranged,
    in_groups,
    in_order,
    together,
)
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.ranking import Peers
from linkservice.reports.results import TouchpointReport, TouchpointRow

TODAY = date(2026, 11, 20)


def row(name: str, clicks: int, **fields: Any) -> TouchpointRow:
    counts = {"scans": 0, "visitors": clicks, "tokenless": 0}
    return TouchpointRow(**{"id": name, "name": name, "clicks": clicks, **counts, **fields})


FLYER = row("Flyer", 30, reach=1000, unit="printed", rate=0.03, channel="flyer")
POSTER = row("Poster", 20, reach=500, unit="printed", rate=0.04, channel="poster")
MAIL = row("Mail", 50, reach=100, unit="sent", rate=0.5, channel="email", tokenless=5)
BARE = row("Bare", 0, channel="poster")
UNREACHED = row("Unreached", 7, channel="poster")


def test_counts_add_up_and_a_rate_is_that_of_the_sums() -> None:
    both = together([FLYER, POSTER, BARE], "visitors_per_reach")
    assert (both.touchpoints, both.clicks, both.visitors) == (3, 50, 50)
    assert (both.reach, both.unit) == (1500, "printed")
    assert both.rate == pytest.approx(50 / 1500)


@pytest.mark.parametrize("other", [MAIL, UNREACHED])
def test_mixed_units_and_missing_reach_have_no_common_rate(other: TouchpointRow) -> None:
    mixed = together([FLYER, other], "visitors_per_reach")
    assert mixed.rate is None
    assert mixed.clicks == FLYER.clicks + other.clicks
    assert mixed.reach == (None if other is MAIL else 1000)


def test_clicks_without_a_token_count_in_a_common_rate_as_in_its_own() -> None:
    assert together([MAIL], "visitors_per_reach").rate == pytest.approx(55 / 100)


def test_conversions_per_click_are_of_the_sums_and_clicks_a_day_are_not_summed() -> None:
    rows = [replace(FLYER, conversions=3), replace(MAIL, conversions=1)]
    assert together(rows, "conversions_per_click").rate == pytest.approx(4 / 80)
    assert together(rows, "clicks_per_day").rate is None
    assert together([], "conversions_per_click").rate is None


def test_groups_hold_each_row_once_and_add_up_to_all() -> None:
    keys: Mapping[str, Collection[str]] = {"Flyer": ["7"], "Poster": ["7", "9"], "Mail": ["9"]}
    rows = [FLYER, POSTER, MAIL, BARE]
    found = in_groups(
        rows,
        lambda each: keys.get(each.id or "", ()),
        {"9": "Winter", "7": "Autumn"},
        "clicks_per_day",
    )
    told = [(group.name, group.membership, [each.name for each in group.rows]) for group in found]
    assert told == [
        ("Winter", "one", ["Mail"]),
        ("Autumn", "one", ["Flyer"]),
        (None, "several", ["Poster"]),
        (None, "none", ["Bare"]),
    ]
    assert sum(group.together.clicks for group in found) == sum(each.clicks for each in rows)


def test_every_column_sorts_both_ways_and_what_has_no_figure_stands_last() -> None:
    peers = Peers("stage", 4, 0.02)
    rows = [UNREACHED, replace(FLYER, peers=peers), replace(MAIL, peers=replace(peers, mean=1.0))]
    for sort in SORTS:
        down, up = in_order(rows, sort), in_order(rows, sort, reverse=True)
        assert (
            {each.id for each in down} == {each.id for each in up} == {"Unreached", "Flyer", "Mail"}
        )
        if sort in ("reach", "rate", "lead"):
            assert down[-1] is up[-1] is UNREACHED
    assert [each.name for each in in_order(rows, "clicks")] == ["Mail", "Flyer", "Unreached"]
    assert [each.name for each in in_order(rows, "name")] == ["Flyer", "Mail", "Unreached"]
    # Half a mail is worth more than three flyers in a hundred only to who compares units.
    assert [each.name for each in in_order(rows, "lead")] == ["Flyer", "Mail", "Unreached"]
    assert in_order(rows, None) == rows


@dataclass(frozen=True)
class Fair:
    """Touchpoints with campaigns and personas, and the report on them."""

    session: Session
    home: Home
    report: TouchpointReport
    campaigns: tuple[str, str]
    personas: tuple[str, str]

    def seen(self, selection: Selection = EVERYTHING, **asked: Any) -> Arranged:
        return arranged(self.session, self.home.actor, self.report, selection=selection, **asked)

    def names(self, **wanted: str) -> list[str | None]:
        return [each.name for each in self.seen(Selection(**wanted)).rows]


@pytest.fixture
def fair(settings: Settings, database: Database) -> Iterator[Fair]:
    with database.transaction() as session:
        home = make_home(session, settings)
        campaigns = [create_campaign(session, home.actor, name, NOW) for name in ("A", "B")]
        personas = [create_persona(session, home.actor, name, NOW) for name in ("Gamer", "Gran")]
        visitors = {"Strong": 400, "Weak": 20, "C": 200, "D": 200, "E": 200}
        for name, number in visitors.items():
            place = make_touchpoint(session, home, name)
            link = make_link(session, settings, home, touchpoint_id=place)
            add_reach(session, home.actor, place, NewReach(TODAY, 10_000, "printed", TODAY), NOW)
            for past in range(4):
                day = TODAY - timedelta(days=past)
                count(session, home, link, day, number // 4, touchpoint_id=place)
            if name in ("Strong", "Weak"):
                link.campaign_id = campaigns[0].id
            if name == "Weak":
                other = make_link(session, settings, home, touchpoint_id=place)
                other.campaign_id = campaigns[1].id
            if name in ("C", "D"):
                stage = session.get_one(Touchpoint, int(place)).stage_id
                journey = str(session.get_one(Stage, stage).journey_id)
                set_journey_personas(session, home.actor, journey, [str(personas[0].id)], NOW)
            if name == "D":
                set_link_personas(session, home.actor, str(link.id), [str(personas[1].id)], NOW)
        loose = make_link(session, settings, home)
        count(session, home, loose, TODAY, 9)
        session.flush()
        report = touchpoint_report(
            session, home.actor, first=TODAY - timedelta(days=3), last=TODAY, now=NOW
        )
        first, second = (str(each.id) for each in campaigns)
        gamer, gran = (str(each.id) for each in personas)
        yield Fair(session, home, report, (first, second), (gamer, gran))


def test_a_filter_keeps_rows_and_changes_no_verdict(fair: Fair) -> None:
    before = {each.id: each for each in fair.report.touchpoints}
    assert {"best", "worst"} <= {each.verdict for each in before.values()}
    assert fair.names(verdict="worst") == ["Weak"]
    assert fair.names(campaign_id=fair.campaigns[0]) == ["Strong", "Weak"]
    assert fair.names(campaign_id=fair.campaigns[1]) == ["Weak"]
    # D's link names a persona of its own, so its journey's does not count.
    assert fair.names(persona_id=fair.personas[0]) == ["C"]
    assert fair.names(persona_id=fair.personas[1]) == ["D"]
    assert fair.names(channel="flyer", kind="physical") == []
    assert len(fair.names(medium="paid")) == 5
    seen = fair.seen(Selection(verdict="worst"))
    assert all(each == before[each.id] for each in seen.rows)
    assert seen.loose is None
    assert seen.together.clicks == 20


def test_groups_and_the_links_without_a_touchpoint_add_up_to_the_totals(fair: Fair) -> None:
    for group in ("stage", "channel", "kind", "medium", "campaign", "persona"):
        seen = fair.seen(group=group)
        assert seen.loose is not None
        clicks = sum(each.together.clicks for each in seen.groups) + seen.loose.clicks
        assert clicks == fair.report.totals.clicks
        assert sorted(each.id or "" for each in seen.all_rows) == sorted(
            each.id or "" for each in fair.report.touchpoints
        )
    told = [(each.name, each.membership) for each in fair.seen(group="campaign").groups]
    assert told == [("A", "one"), (None, "several"), (None, "none")]


def test_what_is_no_filter_is_refused(fair: Fair) -> None:
    with pytest.raises(Invalid) as refused:
        fair.seen(Selection(kind="large", medium="free", verdict="good"), group="day", sort="id")
    fields = [problem.field for problem in refused.value.problems]
    assert fields == ["kind", "medium", "verdict", "group", "sort"]
    for name in ("stage_id", "campaign_id", "persona_id"):
        with pytest.raises(NotFound) as missing:
            fair.seen(Selection(**{name: "999999"}))
        assert missing.value.problems[0].field == name
