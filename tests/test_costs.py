"""Costs: entered over REST and on pages, and what the report makes of them, to the cent."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from cast import NOW, Home, make_home, make_touchpoint
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest import People, codes, everybody
from rollups import count
from sqlalchemy.orm import Session
from terminal import done

from linkservice.config import Settings
from linkservice.conversions.counts import NewCount, import_counts
from linkservice.conversions.model import Conversion, ConversionDay
from linkservice.database import Database
from linkservice.journeys.campaigns import create_campaign
from linkservice.journeys.costs import NewCost, Subject, add_cost
from linkservice.links.manage import NewLink, create_link
from linkservice.links.model import Link
from linkservice.reports.cost_results import GROUPS, CostReport, CostRow, Costs, to_json
from linkservice.reports.costs import cost_report
from linkservice.reports.exported_csv import plain_lines
from linkservice.reports.exported_findings import costs_table
from linkservice.web import cost_verdicts
from linkservice.web.i18n import speaking
from linkservice.workspaces.access import Actor

people = pytest.fixture(everybody)

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 10)
DAY = {"date": "2025-11-02", "amount": 12050, "currency": "EUR"}


@dataclass
class World:
    """A workspace whose links stand at touchpoints and in campaigns."""

    session: Session
    settings: Settings
    home: Home
    links: dict[tuple[str | None, str | None], Link] = field(default_factory=dict)

    def touchpoint(self, name: str = "Poster") -> str:
        return make_touchpoint(self.session, self.home, name)

    def campaign(self, name: str = "Autumn") -> str:
        return str(create_campaign(self.session, self.home.actor, name, NOW).id)

    def click(
        self, clicks: int, touchpoint: str | None = None, campaign: str | None = None, **more: int
    ) -> None:
        key = touchpoint, campaign
        if key not in self.links:
            new = NewLink("https://example.com/", touchpoint_id=touchpoint, campaign_id=campaign)
            made = create_link(self.session, self.home.actor, self.settings, new, NOW)
            self.links[key] = made.link
        day = FIRST + timedelta(len(more) + clicks % 3)
        count(
            self.session, self.home, self.links[key], day, clicks, touchpoint_id=touchpoint, **more
        )
        self.session.flush()

    def convert(self, event_id: str, link: Link, touchpoint: str, value: int | None = None) -> None:
        """Reported with a click id of that link, on the first day."""
        self.session.add(
            Conversion(
                workspace_id=self.home.workspace_id,
                event_id=event_id,
                occurred_at=NOW,
                local_date=FIRST,
                value=value,
                currency="EUR",
                last_link_id=link.id,
                last_touchpoint_id=int(touchpoint),
                last_clicked_at=NOW,
                recorded_at=NOW,
            )
        )
        self.session.flush()
        key = self.home.workspace_id, FIRST, int(touchpoint), "last"
        day = self.session.get(ConversionDay, key)
        if day is None:
            names = ("workspace_id", "local_date", "touchpoint_id", "attribution")
            day = ConversionDay(**dict(zip(names, key, strict=True)), conversions=0, value=0)
            self.session.add(day)
        day.conversions += 1
        day.value += value or 0

    def spend(
        self, kind: Any, on: str, amount: int, day: date = FIRST, until: date | None = None
    ) -> None:
        new = NewCost(day, amount, "EUR", until)
        add_cost(self.session, self.home.actor, Subject(kind, on), new, NOW)

    def report(self, group: str = "touchpoint", **days: date) -> CostReport:
        period = {"first": FIRST, "last": LAST} | days
        return cost_report(self.session, self.home.actor, group=group, now=NOW, **period)

    def row(self, name: str | None, group: str = "touchpoint", **days: date) -> CostRow:
        (found,) = [row for row in self.report(group, **days).rows if row.name == name]
        return found


@pytest.fixture
def world(settings: Settings, database: Database) -> Iterator[World]:
    with database.transaction() as session:
        yield World(session, settings, make_home(session, settings))


def figures(row: CostRow) -> tuple[int, int | None, float | None]:
    return row.costs.clicks, row.costs.cost, row.costs.cost_per_visitor


def gains(costs: Costs) -> tuple[int | float | None, ...]:
    return (
        *(costs.conversions, costs.conversions_with_value),
        *(costs.value, costs.value_with_cost, costs.return_on_cost),
    )


def test_a_touchpoints_cost_is_set_against_its_visitors(world: World) -> None:
    poster, flyer = world.touchpoint("Poster"), world.touchpoint("Flyer")
    world.click(40, poster, touchpoint_visitors=20, tokenless=5)
    world.click(10, flyer)
    world.spend("touchpoint", poster, 1000)
    row = world.row("Poster")
    assert figures(row) == (40, 1000, 1000 / 25)
    assert row.costs.cost_per_click == 1000 / 40
    assert figures(world.row("Flyer")) == (10, None, None)
    report = world.report()
    assert [row.name for row in report.rows] == ["Poster", "Flyer"]
    # What has no cost is no part of the ratio.
    assert (report.totals.clicks, report.totals.cost_per_visitor) == (50, 1000 / 25)


def test_conversions_cost_what_their_last_click_did(world: World) -> None:
    """Two by a link of the campaign and one by another link; four imported as a sum."""
    poster, autumn = world.touchpoint("Poster"), world.campaign()
    world.click(40, poster)
    world.click(10, poster, autumn)
    for number, campaign in enumerate((autumn, autumn, None)):
        world.convert(f"order {number}", world.links[poster, campaign], poster)
    counts = [NewCount(FIRST, poster, 4, 0)]
    import_counts(world.session, world.home.actor, counts, "till", NOW)
    world.spend("touchpoint", poster, 700)
    costs = world.row("Poster").costs
    assert (costs.conversions, costs.conversions_with_cost) == (7, 7)
    assert costs.cost_per_conversion == 700 / 7
    by_campaign = {row.kind: row.costs for row in world.report("campaign").rows}
    # Whose the sum is of the two, nobody can tell.
    assert {each.conversions for each in by_campaign.values()} == {None}
    assert {each.cost_per_conversion for each in by_campaign.values()} == {None}
    assert {world.report(group).totals.cost_per_conversion for group in GROUPS} == {100.0}


def test_an_imported_sum_is_of_the_only_campaign_of_its_touchpoint(world: World) -> None:
    poster, flyer, autumn = world.touchpoint("Poster"), world.touchpoint("Flyer"), world.campaign()
    world.click(10, poster, autumn)
    world.click(10, flyer)
    counts = [NewCount(FIRST, poster, 4, 0), NewCount(FIRST, flyer, 3, 0)]
    import_counts(world.session, world.home.actor, counts, "till", NOW)
    world.spend("campaign", autumn, 800)
    rows = {row.kind: row.costs for row in world.report("campaign").rows}
    assert (rows["campaign"].conversions, rows["campaign"].cost_per_conversion) == (4, 200.0)
    assert rows["none"].conversions == 3
    # A link without a campaign: the sum may be its own, and the campaign's cost not that sum's.
    world.click(5, poster)
    report = world.report("campaign")
    assert [row.costs.conversions for row in report.rows] == [None, None]
    assert (report.totals.conversions, report.totals.cost_per_conversion) == (7, None)
    costs = world.row("Poster").costs
    assert (costs.conversions, costs.cost_per_conversion) == (4, None)
    assert world.row("Flyer").costs.conversions == 3
    assert report.has_untold


def test_a_value_is_set_against_what_it_cost(world: World) -> None:
    """Two orders by the campaign's link, one of which tells no value; one by another link; and a
    sum of three, at a touchpoint that cost nothing that anybody entered.
    """
    poster, flyer, autumn = world.touchpoint("Poster"), world.touchpoint("Flyer"), world.campaign()
    world.click(40, poster)
    world.click(10, poster, autumn)
    world.click(10, flyer)
    for number, (campaign, value) in enumerate(((autumn, 900), (autumn, None), (None, 600))):
        world.convert(f"order {number}", world.links[poster, campaign], poster, value)
    counts = [NewCount(FIRST, flyer, 3, 200)]
    import_counts(world.session, world.home.actor, counts, "till", NOW)
    world.spend("campaign", autumn, 300)
    assert [gains(row.costs) for row in world.report("campaign").rows] == [
        (2, 1, 900, 900, 3.0),
        (4, 4, 800, None, None),
    ]
    assert gains(world.row("Poster").costs) == (3, 2, 1500, 900, 3.0)
    assert gains(world.row("Flyer").costs) == (3, 3, 200, None, None)
    assert {gains(world.report(group).totals) for group in GROUPS} == {(6, 5, 1700, 900, 3.0)}


def test_a_value_that_nobody_told_is_not_0(world: World) -> None:
    told, untold, unsold, free = (world.touchpoint(name) for name in ("T", "U", "N", "F"))
    for touchpoint in (told, untold, unsold, free):
        world.click(10, touchpoint)
    for touchpoint in (told, untold, unsold):
        world.spend("touchpoint", touchpoint, 50)
    world.spend("touchpoint", free, 0)
    day = FIRST + timedelta(1)
    counts = [NewCount(day, untold, 3), NewCount(day, free, 1, 70)]
    import_counts(world.session, world.home.actor, counts, "till", NOW)
    before = {"first": FIRST, "last": FIRST}
    assert not world.report(**before).is_valued
    import_counts(
        world.session, world.home.actor, [NewCount(FIRST + timedelta(2), told, 2, 75)], "shop", NOW
    )
    rows = {row.name: gains(row.costs) for row in world.report().rows}
    assert rows == {
        "T": (2, 2, 75, 75, 1.5),
        "U": (3, 0, None, None, None),
        "N": (0, 0, 0, 0, 0.0),
        "F": (1, 1, 70, 70, None),
    }
    assert gains(world.report().totals) == (6, 3, 145, 145, 145 / 150)


def test_no_cost_is_never_a_cost_of_nothing(world: World) -> None:
    free, unknown, dear = (world.touchpoint(name) for name in ("Free", "Unknown", "Dear"))
    nobody = world.touchpoint("Nobody")
    for touchpoint in (free, unknown, dear):
        world.click(10, touchpoint)
    world.spend("touchpoint", free, 0)
    world.spend("touchpoint", dear, 50)
    world.spend("touchpoint", nobody, 70)
    rows = world.report().rows
    assert [(row.name, *figures(row)) for row in rows] == [
        ("Dear", 10, 50, 5.0),
        ("Nobody", 0, 70, None),
        ("Free", 10, 0, 0.0),
        ("Unknown", 10, None, None),
    ]


def test_a_campaigns_cost_is_shared_out_by_visitors(world: World) -> None:
    poster, flyer, autumn = world.touchpoint("Poster"), world.touchpoint("Flyer"), world.campaign()
    world.click(60, poster)
    world.click(20, poster, autumn)
    world.click(10, flyer, autumn)
    world.spend("campaign", autumn, 100)
    assert figures(world.row("Poster")) == (80, 67, 67 / 20)
    assert (world.row("Poster").costs.shared_cost, world.row("Poster").costs.clicks_with_cost) == (
        67,
        20,
    )
    assert figures(world.row("Flyer")) == (10, 33, 3.3)
    assert figures(world.row("Autumn", "campaign")) == (30, 100, 100 / 30)
    assert world.row("Autumn", "campaign").costs.shared_cost == 0
    assert world.row(None, "campaign").costs.cost is None


def test_a_touchpoints_cost_is_shared_out_to_campaigns(world: World) -> None:
    poster, autumn = world.touchpoint("Poster"), world.campaign()
    world.click(30, poster)
    world.click(10, poster, autumn)
    world.spend("touchpoint", poster, 1000)
    assert figures(world.row("Autumn", "campaign")) == (10, 250, 25.0)
    assert world.row("Autumn", "campaign").costs.shared_cost == 250
    assert figures(world.row(None, "campaign")) == (30, 750, 25.0)


def test_a_campaign_that_brought_nobody_keeps_its_cost(world: World) -> None:
    autumn = world.campaign()
    world.click(5, world.touchpoint())
    world.spend("campaign", autumn, 500)
    for group in ("touchpoint", "channel", "medium"):
        row = world.row("Autumn", group)
        assert (row.kind, row.id, *figures(row)) == ("campaign", autumn, 0, 500, None)
        assert world.report(group).totals.cost == 500
    assert figures(world.row("Autumn", "campaign")) == (0, 500, None)


def test_links_without_a_touchpoint_are_a_row(world: World) -> None:
    autumn = world.campaign()
    world.click(5, None, autumn)
    world.spend("campaign", autumn, 10)
    row = world.row(None)
    assert (row.kind, row.id, *figures(row)) == ("none", None, 5, 10, 2.0)


def test_of_a_span_only_the_days_of_the_period_count(world: World) -> None:
    poster = world.touchpoint()
    world.spend("touchpoint", poster, 100, FIRST - timedelta(2), FIRST)
    assert world.row("Poster").costs.cost == 34
    before = FIRST - timedelta(1)
    earlier = world.row("Poster", first=FIRST - timedelta(9), last=before).costs.cost
    assert earlier == 66
    world.spend("touchpoint", poster, 7, LAST + timedelta(1))
    assert world.row("Poster").costs.cost == 34


def test_of_a_small_cost_some_days_have_no_whole_cent(world: World) -> None:
    poster, flyer = world.touchpoint(), world.touchpoint("Flyer")
    world.spend("touchpoint", poster, 100, FIRST - timedelta(1), FIRST + timedelta(363))
    world.spend("touchpoint", flyer, 100)
    world.click(3, poster)
    row = world.row("Poster", first=FIRST, last=FIRST)
    assert (row.costs.cost, row.verdicts) == (0, None)
    assert world.row("Flyer", first=FIRST, last=FIRST).verdicts is not None


def test_days_to_come_are_not_paid_for_yet(world: World) -> None:
    poster, today = world.touchpoint(), NOW.date()
    world.spend("touchpoint", poster, 100, today - timedelta(4), today + timedelta(5))
    days = {"first": today - timedelta(9), "last": today + timedelta(9)}
    assert world.row("Poster", **days).costs.cost == 50


def test_another_workspace_pays_for_itself(world: World, settings: Settings) -> None:
    foreign = World(
        world.session, settings, make_home(world.session, settings, host="go.cleo.example")
    )
    poster = foreign.touchpoint("Cleo's")
    foreign.click(5, poster)
    foreign.spend("touchpoint", poster, 10)
    assert world.report().rows == []
    assert world.report().totals.cost is None


places = st.tuples(st.integers(0, 2), st.integers(0, 2))
counted = st.lists(st.tuples(places, st.integers(1, 50), st.integers(0, 50)), max_size=8)
spent = st.lists(
    st.tuples(
        st.sampled_from(["touchpoint", "campaign"]),
        st.integers(0, 1),
        st.integers(0, 10_000),
        st.integers(-5, 12),
        st.integers(0, 9),
    ),
    max_size=8,
)


@hypothesis_settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_grouping_has_the_same_total(
    settings: Settings, database: Database, data: st.DataObject
) -> None:
    """Whatever was clicked and spent: parts sum to totals, totals agree, and the whole is what
    fractions give, to a cent an entry.
    """
    with database.transaction() as session:
        host = f"h{data.draw(st.integers(0, 2**60))}.example"
        world = World(session, settings, make_home(session, settings, host=host))
        touchpoints = [world.touchpoint("A"), world.touchpoint("B"), None]
        campaigns = [world.campaign("X"), world.campaign("Y"), None]
        days: dict[tuple[int, int], int] = {}
        for (t, c), clicks, visitors in data.draw(counted):
            days[t, c] = days.get((t, c), -1) + 1
            key = touchpoints[t], campaigns[c]
            if key not in world.links:
                world.click(0, *key)
            link = world.links[key]
            day = FIRST + timedelta(3 + days[t, c] % 7)
            if days[t, c] < 7:
                count(
                    session,
                    world.home,
                    link,
                    day,
                    clicks,
                    touchpoint_id=key[0],
                    touchpoint_visitors=min(visitors, clicks),
                    visitors=min(visitors, clicks),
                )
        session.flush()
        exact = Fraction(0)
        entries = data.draw(spent)
        for kind, number, amount, start, length in entries:
            of = touchpoints if kind == "touchpoint" else campaigns
            begin = FIRST + timedelta(start)
            until = begin + timedelta(length)
            world.spend(kind, str(of[number]), amount, begin, until if length else None)
            inside = (min(until, LAST) - max(begin, FIRST)).days + 1
            exact += Fraction(amount * max(0, inside), length + 1)
        reports = {group: world.report(group) for group in GROUPS}
        for report in reports.values():
            for name in ("clicks", "visitors", "tokenless", "clicks_with_cost"):
                assert getattr(report.totals, name) == sum(
                    getattr(row.costs, name) for row in report.rows
                )
            assert (report.totals.cost or 0) == sum(row.costs.cost or 0 for row in report.rows)
            assert all(row.costs.shared_cost <= (row.costs.cost or 0) for row in report.rows)
        assert (
            len({(r.totals.clicks, r.totals.cost, r.totals.visitors) for r in reports.values()})
            == 1
        )
        assert abs((reports["touchpoint"].totals.cost or 0) - exact) <= len(entries)
        session.rollback()


def test_a_cost_is_entered_listed_changed_and_deleted(people: People) -> None:
    touchpoint, campaign = subjects(people)
    for path, name in (
        (f"/touchpoints/{touchpoint}/costs", "touchpoint_id"),
        (f"/campaigns/{campaign}/costs", "campaign_id"),
    ):
        day = people.ben.made(path, **DAY)
        span = people.ben.made(path, **{**DAY, "until": "2025-11-09", "amount": 0})
        assert (day[name], day["until"], day["amount"]) == (path.split("/")[2], None, 12050)
        assert {day["touchpoint_id"], day["campaign_id"]} == {path.split("/")[2], None}
        assert people.vera.get(path).json == {"items": [day, span], "next_cursor": None}
        changed = people.ben.patch(f"/costs/{span['id']}", until=None, amount=8.0).json
        assert (changed["until"], changed["amount"]) == (None, 8)
        assert people.ben.delete(f"/costs/{day['id']}").status_code == 204
        assert [each["id"] for each in people.ben.get(path).json["items"]] == [span["id"]]


def test_a_wrong_cost_is_refused(people: People) -> None:
    path = f"/touchpoints/{subjects(people)[0]}/costs"
    wrong = {"date": "2025-11-02", "until": "2025-11-01", "amount": -1, "currency": "XYZ"}
    answer = people.ben.post(path, **wrong)
    assert (answer.status_code, codes(answer)) == (
        422,
        {("until", "until_before_date"), ("amount", "out_of_range"), ("currency", "not_one_of")},
    )
    for amount in (1.5, "1", True, 10**12 + 1, None):
        answer = people.ben.post(path, **{**DAY, "amount": amount})
        assert (answer.status_code, {name for name, _ in codes(answer)}) == (422, {"amount"})
    answer = people.ben.post(path, **{**DAY, "currency": "USD"})
    assert (answer.status_code, codes(answer)) == (409, {("currency", "other_currency")})
    assert "Costs are entered in EUR, and this is USD; convert the amount" in answer.json["detail"]


def test_the_currency_stays_once_a_cost_is_entered(people: People) -> None:
    path = f"/touchpoints/{subjects(people)[0]}/costs"
    assert people.ada.patch("/workspace", currency="CHF", name="Ada").json["currency"] == "CHF"
    assert codes(people.ben.post(path, **DAY)) == {("currency", "other_currency")}
    cost = people.ben.made(path, **{**DAY, "currency": "CHF"})
    answer = people.ada.patch("/workspace", currency="EUR")
    assert (answer.status_code, codes(answer)) == (409, {("currency", "currency_in_use")})
    assert codes(people.ada.patch("/workspace", currency="eur")) == {("currency", "not_one_of")}
    people.ben.delete(f"/costs/{cost['id']}")
    assert people.ada.patch("/workspace", currency="EUR").json["currency"] == "EUR"
    assert people.ben.patch("/workspace", currency="EUR").status_code == 403


def test_costs_go_with_their_campaign_and_stay_with_their_touchpoint(people: People) -> None:
    touchpoint, campaign = subjects(people)
    for path in (f"/touchpoints/{touchpoint}", f"/campaigns/{campaign}"):
        people.ben.made(f"{path}/costs", **DAY)
        assert people.ben.delete(path).status_code == 204
        assert people.ben.get(f"{path}/costs").status_code == 404
    report = people.vera.get("/reports/costs", **{"from": "2025-11-01", "to": "2025-11-10"}).json
    assert [(row["id"], row["deleted"], row["cost"]) for row in report["rows"]] == [
        (touchpoint, True, 12050)
    ]


def test_others_see_and_change_nothing(people: People) -> None:
    touchpoint, campaign = subjects(people)
    cost = people.ada.made(f"/touchpoints/{touchpoint}/costs", **DAY)
    for path in (f"/touchpoints/{touchpoint}/costs", f"/campaigns/{campaign}/costs"):
        assert people.cleo.get(path).status_code == 404
        assert people.cleo.post(path, **DAY).status_code == 404
        assert codes(people.vera.post(path, **DAY)) == {("", "scope_missing")}
    path = f"/costs/{cost['id']}"
    assert people.cleo.get(path).status_code == 404
    assert people.cleo.patch(path, amount=1).status_code == 404
    assert people.cleo.delete(path).status_code == 404
    assert people.vera.delete(path).status_code == 403
    assert people.ada.get(path).json == cost
    assert people.cleo.get("/reports/costs").json["rows"] == []


def test_every_door_tells_the_same(people: People, settings: Settings, database: Database) -> None:
    touchpoint, campaign = subjects(people)
    people.ben.made(f"/touchpoints/{touchpoint}/costs", **DAY)
    people.ben.made(f"/campaigns/{campaign}/costs", **{**DAY, "amount": 99})
    days = ("--from", "2025-11-01", "--to", "2025-11-10")
    with database.reading() as session:
        actor: Actor = people.ada.home.actor
        first, last = date(2025, 11, 1), date(2025, 11, 10)
        report = cost_report(session, actor, first=first, last=last, group="medium", now=NOW)
    answer = people.vera.get(
        "/reports/costs", **{"from": "2025-11-01", "to": "2025-11-10", "group": "medium"}
    ).json
    assert answer == to_json(report)
    assert answer["totals"]["cost"] == 12149
    told = done(settings, "report", "costs", *days, "--group", "medium", "--format", "json")
    assert json.loads(told) == answer
    told = done(settings, "report", "costs", *days, "--group", "medium", "--format", "csv")
    rows = list(csv.reader(io.StringIO(told)))
    lines = plain_lines(costs_table(report))
    assert rows == [[str(c) if c is not None else "" for c in row] for row in lines]
    assert rows[1][rows[0].index("cost")] == "120.50"
    table = done(settings, "report", "costs", *days)
    assert "120.50" in table
    assert "spent on a campaign that brought nobody" in table


def test_a_wrong_question_is_refused(people: People) -> None:
    answer = people.vera.get(
        "/reports/costs", group="moon", to="0001-01-01", **{"from": "2026-01-01"}
    )
    assert codes(answer) == {("group", "not_one_of"), ("to", "period_order")}


def subjects(people: People) -> tuple[str, str]:
    journey = people.ada.made("/journeys", name="Kauf", template="standard")
    campaign = people.ada.made("/campaigns", name="Sommer")
    return journey["stages"][0]["touchpoints"][0]["id"], campaign["id"]


def test_the_dear_one_is_named_by_every_door(world: World) -> None:
    """Four equal ones, one at a fifth of their visitors, one free, one of a campaign."""
    names = ("Poster", "Flyer", "Stand", "Card", "Dear", "Free", "Shared")
    ids = {name: world.touchpoint(name) for name in names}
    for name, touchpoint in ids.items():
        for number in range(3):
            world.click((15 if name == "Dear" else 75) + number, touchpoint)
        if name not in ("Free", "Shared"):
            world.spend("touchpoint", touchpoint, 10_000, FIRST, LAST)
    autumn = world.campaign()
    world.click(9, ids["Shared"], autumn)
    world.spend("campaign", autumn, 500)
    report = world.report()
    rows = {row.name: row for row in report.rows}
    dear = rows["Dear"].verdict_by("cost_per_visitor")
    assert dear is not None
    assert dear.verdict == "worst"
    assert dear.low < (rows["Dear"].costs.cost_per_visitor or 0) < (dear.high or 0)
    assert dear.peers is not None
    assert (dear.peers.count, dear.peers.group) == (4, "workspace")
    assert {name for name, row in rows.items() if row.verdicts is None} == {"Free", "Shared"}
    assert all(row.verdicts is None for row in world.report("channel").rows)
    upwards = cost_report(
        world.session, world.home.actor, first=FIRST, last=LAST, upwards=True, now=NOW
    )
    assert [row.name for row in upwards.rows[:1]] == ["Dear"]
    answer: Any = to_json(report)
    (line,) = [row for row in answer["rows"] if row["name"] == "Dear"]
    told = line["verdicts"]["cost_per_visitor"]
    head, *lines = plain_lines(costs_table(report))
    (cells,) = [dict(zip(map(str, head), row, strict=True)) for row in lines if row[2] == "Dear"]
    assert cells["cost_per_visitor_verdict"] == told["verdict"] == "worst"
    assert float(str(cells["cost_per_visitor_low"])) == pytest.approx(told["low"] / 100)
    assert cells["return_on_cost_verdict"] is None
    with speaking("en"):
        first = cost_verdicts.sentences(report)[0]
        part = cost_verdicts.part(report)
    assert first.startswith("“Dear” costs €")
    assert first.endswith("): save there first.")
    assert part is not None
    assert any(
        "▼ costly visitors\n95%: €" in row.cells[1] for row in part.rows if row.cells[0] == "Dear"
    )
