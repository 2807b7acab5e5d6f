"""Where customers are lost between stages: the weakest transition, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from cast import NOW, Home, make_home, make_link
from rollups import count
from sqlalchemy.orm import Session

from linkservice.clicks.model import StageDay
from linkservice.config import Settings
from linkservice.conversions.model import Conversion
from linkservice.database import Database
from linkservice.errors import Forbidden, Invalid, NotFound
from linkservice.journeys.manage import create_journey
from linkservice.journeys.model import Journey, Stage
from linkservice.journeys.stages import change_stage, create_stage, delete_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.links.manage import delete_link
from linkservice.links.model import Link
from linkservice.reports.transitions import TransitionReport, transition_report
from linkservice.reports.weakest import Weakest, estimates, weakest
from linkservice.web import transition_words
from linkservice.web.i18n import speaking
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace

FIRST, YESTERDAY = date(2026, 10, 24), date(2026, 11, 19)
NAMES = ("Awareness", "Consideration", "Purchase", "After it")


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction() as session:
        yield session


@pytest.fixture
def home(session: Session, settings: Settings) -> Home:
    return make_home(session, settings)


@pytest.fixture
def journey(session: Session, home: Home) -> Journey:
    return create_journey(session, home.actor, "Switch", NOW).journey


@pytest.fixture
def stages(session: Session, home: Home, journey: Journey) -> list[Stage]:
    return [create_stage(session, home.actor, str(journey.id), name, NOW) for name in NAMES]


def was_at(
    session: Session, home: Home, one: Stage, other: Stage, visitors: int, day: date
) -> None:
    low, high = sorted((one.id, other.id))
    session.add(
        StageDay(
            workspace_id=home.workspace_id,
            local_date=day,
            stage_id=low,
            other_id=high,
            visitors=visitors,
        )
    )
    session.flush()


def fill(session: Session, home: Home, stages: list[Stage], shares: tuple[float, ...]) -> None:
    """Four weeks up to today, 60 visitors a day at each stage."""
    dice = np.random.default_rng(3)
    for number in range(28):
        day = FIRST + timedelta(days=number)
        for stage in stages:
            was_at(session, home, stage, stage, 60, day)
        for one, other, share in zip(stages, stages[1:], shares, strict=False):
            was_at(session, home, one, other, int(dice.binomial(60, share)), day)


def report(
    session: Session, home: Home, journey: Journey, now: datetime = NOW, **asked: date | None
) -> TransitionReport:
    asked = {"first": None, "last": None} | asked
    return transition_report(session, home.actor, str(journey.id), now=now, **asked)


def test_the_weakest_transition_is_named_with_its_interval(
    session: Session, home: Home, journey: Journey, stages: list[Stage]
) -> None:
    fill(session, home, stages, (0.2, 0.08, 0.2))
    found = report(session, home, journey)
    assert (found.counted_from, found.counted_to) == (FIRST, YESTERDAY)
    assert [step.visitors for step in found.steps] == [60 * 27] * 4
    assert (found.weakest, found.sure, found.missing) == (1, True, [])
    each = found.transitions[1]
    assert (each.from_stage, each.to_stage) == ("Consideration", "Purchase")
    assert each.rate == each.went_on / each.visitors
    assert each.low is not None
    assert each.high is not None
    assert each.low < 0.08 < each.high < (found.transitions[0].low or 0.0)
    assert each.chance is not None
    assert each.chance > 0.99


def test_shares_of_a_column_have_the_same_decimals(
    session: Session, home: Home, journey: Journey, stages: list[Stage]
) -> None:
    """On paper as on the page: "12 %" beside "1.7 %" is not told with one hand."""
    fill(session, home, stages, (0.2, 0.08, 0.2))
    with speaking("en"):
        (first, *_) = transition_words.parts(report(session, home, journey))
    for row in first.rows:
        *_, share, interval = row.cells
        assert re.fullmatch(r"\d+\.\d%", share)
        assert re.fullmatch(r"\d+\.\d% to \d+\.\d%", interval)


def test_the_order_of_stages_is_that_of_today_and_deleted_ones_are_passed_over(
    session: Session, home: Home, journey: Journey, stages: list[Stage]
) -> None:
    fill(session, home, stages, (0.2, 0.08, 0.2))
    was_at(session, home, stages[0], stages[2], 9, FIRST)
    delete_stage(session, home.actor, str(stages[1].id), NOW)
    change_stage(session, home.actor, str(stages[2].id), {"position": 0}, NOW)
    found = report(session, home, journey)
    assert [step.name for step in found.steps] == ["Purchase", "Awareness", "After it"]
    assert [each.went_on for each in found.transitions] == [9, 0]


def test_days_before_stages_were_counted_and_today_do_not_count(
    session: Session, home: Home, journey: Journey, stages: list[Stage]
) -> None:
    assert [each.code for each in report(session, home, journey).missing] == ["days"]
    was_at(session, home, stages[0], stages[0], 5, NOW.date())
    assert [each.code for each in report(session, home, journey).missing] == ["days"]
    was_at(session, home, stages[0], stages[0], 7, YESTERDAY)
    found = report(session, home, journey)
    assert (found.counted_from, found.counted_to) == (YESTERDAY, YESTERDAY)
    assert [step.visitors for step in found.steps] == [7, 0, 0, 0]
    assert [(each.code, each.stages) for each in found.missing] == [
        ("visitors", list(NAMES[1:])),
        ("next_visitors", ()),
    ]


def test_too_few_visitors_are_said_to_be_too_few(
    session: Session, home: Home, journey: Journey, stages: list[Stage]
) -> None:
    for one, other in ((0, 0), (1, 1), (2, 2), (3, 3), (0, 1)):
        was_at(session, home, stages[one], stages[other], 3 if one == other else 1, YESTERDAY)
    found = report(session, home, journey)
    assert found.weakest is None
    assert [(each.code, each.stages) for each in found.missing] == [
        ("comparison", list(NAMES[:3])),
    ]


def test_a_journey_of_one_stage_has_no_transition(
    session: Session, home: Home, journey: Journey
) -> None:
    create_stage(session, home.actor, str(journey.id), "All", NOW)
    found = report(session, home, journey)
    assert [each.code for each in found.missing] == ["stages"]
    assert found.transitions == []


def test_clicks_become_conversions_where_their_window_is_over(
    session: Session, settings: Settings, home: Home, journey: Journey, stages: list[Stage]
) -> None:
    """The window is 30 days: of 20 November, clicks up to 20 October."""
    new = NewTouchpoint(str(stages[2].id), "Checkout", "checkout", "digital", "owned")
    touchpoint = create_touchpoint(session, home.actor, new, NOW)
    link = make_link(session, settings, home, "kasse", str(touchpoint.id))
    link.append_click_id = True
    ripe, late = date(2026, 10, 20), date(2026, 10, 21)
    for day, clicks in ((ripe, 50), (late, 70)):
        count(session, home, link, day, clicks, touchpoint_id=str(touchpoint.id), tokenless=10)
        converted(session, home, link, touchpoint.id, day)
    session.flush()
    found = report(session, home, journey, first=date(2026, 9, 1))
    assert found.converted_to == ripe
    step = found.steps[2]
    assert (step.clicks, step.conversions, step.rate) == (40, 1, 1 / 40)
    assert [each.clicks for each in found.steps] == [0, 0, 40, 0]
    # Who deletes a link takes back neither its clicks nor what came of them.
    delete_link(session, home.actor, str(link.id), NOW)
    assert report(session, home, journey, first=date(2026, 9, 1)).steps == found.steps
    # Without tokens for anybody, a lack of them does not say who got no click id.
    session.get_one(Workspace, home.workspace_id).count_visitors = False
    found = report(session, home, journey, first=ripe)
    assert [each.clicks for each in found.steps] == [0, 0, 50, 0]


def test_without_click_ids_no_clicks_are_told(
    session: Session, settings: Settings, home: Home, journey: Journey, stages: list[Stage]
) -> None:
    """Nought would read as if nobody had clicked."""
    new = NewTouchpoint(str(stages[2].id), "Checkout", "checkout", "digital", "owned")
    touchpoint = create_touchpoint(session, home.actor, new, NOW)
    link = make_link(session, settings, home, "kasse", str(touchpoint.id))
    count(session, home, link, date(2026, 10, 20), 50, touchpoint_id=str(touchpoint.id))
    session.flush()
    found = report(session, home, journey, first=date(2026, 9, 1))
    assert {(each.clicks, each.conversions, each.rate) for each in found.steps} == {
        (None, None, None)
    }


def converted(session: Session, home: Home, link: Link, touchpoint_id: int, day: date) -> None:
    """Clicked in the last minute of the local day, in Berlin."""
    clicked = datetime.fromisoformat(f"{day}T23:59:30+02:00")
    session.add(
        Conversion(
            workspace_id=home.workspace_id,
            event_id=f"order of {day}",
            occurred_at=clicked,
            local_date=day,
            currency="EUR",
            last_link_id=link.id,
            last_touchpoint_id=touchpoint_id,
            last_clicked_at=clicked,
            recorded_at=clicked,
        )
    )


def test_who_may_not_read_reports_and_wrong_questions_are_refused(
    session: Session, settings: Settings, home: Home, journey: Journey
) -> None:
    cleo = make_home(session, settings, host="cleo.example")
    nobody = Actor(home.workspace_id, "key", frozenset({"links:write"}))
    with pytest.raises(NotFound):
        transition_report(session, cleo.actor, str(journey.id), first=None, last=None, now=NOW)
    with pytest.raises(Forbidden):
        transition_report(session, nobody, str(journey.id), first=None, last=None, now=NOW)
    with pytest.raises(Invalid):
        report(session, home, journey, first=YESTERDAY, last=FIRST)


def test_a_planted_bottleneck_is_found_and_chance_is_not_called_one() -> None:
    """400 journeys each, daily multipliers of variance 0.1; one transition at half the rate."""
    dice = np.random.default_rng(11)

    def named(shares: tuple[float, ...], visitors: int) -> list[Weakest]:
        found = []
        for _ in range(400):
            restless = dice.gamma(10.0, 0.1, (len(shares), 28))
            there = dice.poisson(visitors * restless)
            went_on = dice.binomial(there, np.array(shares)[:, None])
            each = weakest(estimates(went_on.tolist(), there.tolist()))
            assert each is not None
            found.append(each)
        return found

    equal = named((0.1,) * 4, 40)
    assert sum(each.sure for each in equal) <= 0.02 * len(equal)
    pair = named((0.1,) * 2, 80)
    assert sum(each.sure for each in pair) <= 0.065 * len(pair)
    planted = named((0.1, 0.1, 0.05, 0.1), 40)
    assert sum(each.place == 2 for each in planted) >= 0.98 * len(planted)
    assert sum(each.sure for each in planted) >= 0.9 * len(planted)
    assert all(each.place == 2 for each in planted if each.sure)


def test_estimates_stand_what_no_period_is_spared() -> None:
    assert estimates([], []) == []
    nothing, all_of_them, none = estimates([[0, 0], [9, 9], [0, 0]], [[0, 0], [9, 9], [30, 30]])
    assert nothing.rate is nothing.low is nothing.chance is None
    assert all_of_them.rate == 1.0
    assert all_of_them.high is not None
    assert all_of_them.high <= 1.0
    assert (none.rate, none.low) == (0.0, 0.0)
    assert weakest([nothing, all_of_them]) is None


def test_nobody_of_a_few_or_all_of_them_is_no_certainty() -> None:
    """With nothing but noughts, or nothing but wholes, to learn from, the interval is one of the
    few visitors there were.
    """
    nobody, none_either = estimates([[0] * 16, [0] * 16], [[1] * 16, [1] * 13 + [0] * 3])
    assert (nobody.rate, nobody.low) == (0.0, 0.0)
    assert nobody.high == pytest.approx(0.14, abs=0.02)
    assert none_either.high == pytest.approx(0.17, abs=0.02)
    everybody, all_of_three = estimates([[1] * 5, [1] * 3 + [0] * 2], [[1] * 5, [1] * 3 + [0] * 2])
    assert (everybody.rate, everybody.high) == (1.0, 1.0)
    assert everybody.low is not None
    assert 0.5 < everybody.low < 0.8
    assert all_of_three.low is not None
    assert all_of_three.low < everybody.low


def test_rare_transitions_are_covered_by_their_intervals() -> None:
    """Two of 1 %, three visitors a day: half of them saw nobody go on."""
    dice = np.random.default_rng(5)
    covered = []
    for _ in range(300):
        there = dice.poisson(3, (2, 28))
        for each in estimates(dice.binomial(there, 0.01).tolist(), there.tolist()):
            assert each.low is not None
            assert each.high is not None
            covered.append(each.low <= 0.01 <= each.high)
    assert sum(covered) >= 0.94 * len(covered)


def test_a_period_from_the_first_day_of_the_calendar_has_no_beginning(
    session: Session, home: Home, journey: Journey
) -> None:
    found = report(session, home, journey, first=date.min, last=date.min)
    assert found.converted_to == date.min
