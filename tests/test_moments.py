"""Moments of truth: the measure against simulated truth, quadrants, what is missing, the page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from cast import NOW, Home, make_home
from numpy.random import Generator, default_rng
from rollups import COUNTERS

from linkservice.clicks.model import TouchpointDay
from linkservice.config import Settings
from linkservice.conversions.model import ConversionDay
from linkservice.database import Database
from linkservice.journeys.manage import create_journey
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.reports.association import association
from linkservice.reports.dispersion import Floats
from linkservice.reports.exported_findings import moments_table
from linkservice.reports.moments import (
    QUADRANTS,
    Beside,
    Counted,
    MomentsReport,
    moments,
    moments_report,
)
from linkservice.reports.period import Period
from linkservice.reports.ranking import Peers
from linkservice.reports.results import TouchpointReport, TouchpointRow, TouchpointTotals
from linkservice.web import i18n, verdicts
from linkservice.web import moments as words
from linkservice.web.charts.apart import RADIUS, offsets
from linkservice.web.drawn_moments import drawn

DAYS, TOUCHPOINTS, RUNS = 84, 12, 100
WEEKDAYS = np.arange(DAYS) % 7
WEEK = np.array([1.0, 1.1, 1.0, 0.9, 1.2, 0.4, 0.3])[WEEKDAYS]
"""All is quiet at week-ends, the outcome too: which is no association."""


def noisy(random: Generator, mean: float | Floats, shape: tuple[int, ...]) -> Floats:
    """Counts about the mean that scatter more than chance has it."""
    return random.poisson(mean * random.gamma(8.0, 1 / 8.0, shape)).astype(float)


def seen(visitors: Floats, outcome: Floats) -> Any:
    return association(visitors, np.tile(outcome, (len(visitors), 1)), WEEKDAYS)


def test_what_has_nothing_to_do_with_the_outcome_is_hardly_ever_called_important() -> None:
    random = default_rng(1)
    named = above_nought = 0
    for _ in range(RUNS):
        growth = np.linspace(1.0, 2.0, DAYS)
        visitors = noisy(random, 40 * WEEK * growth, (TOUCHPOINTS, DAYS))
        found = seen(visitors, noisy(random, 15 * WEEK * growth, (DAYS,)))
        named += bool((found.low > found.mean).any())
        above_nought += bool((found.low > 0.0).any())
    assert named <= 0.05 * RUNS
    assert above_nought <= 0.1 * RUNS


def test_what_brings_a_third_of_the_outcome_is_found_and_the_mean_is_not_everybodys() -> None:
    random = default_rng(2)
    found_it = wrong = 0
    for _ in range(RUNS):
        visitors = noisy(random, 40 * WEEK, (TOUCHPOINTS, DAYS))
        driver = visitors[0] / 40.0
        found = seen(visitors, random.poisson(20 * WEEK + 10 * driver).astype(float))
        found_it += bool(found.low[0] > found.mean)
        wrong += bool((found.low[1:] > found.mean).any())
    assert found_it >= 0.85 * RUNS
    assert wrong <= 0.05 * RUNS


def test_intervals_hold_the_truth_where_touchpoints_differ() -> None:
    random, inside = default_rng(3), 0
    for _ in range(RUNS):
        r = np.clip(random.normal(0.3, 0.25, TOUCHPOINTS), -0.9, 0.9)
        outcome = random.normal(size=DAYS)
        own = random.normal(size=(TOUCHPOINTS, DAYS))
        visitors = r[:, None] * outcome + np.sqrt(1 - r[:, None] ** 2) * own
        found = seen(np.exp(5 + visitors / 2), np.exp(5 + outcome / 2))
        inside += int(((found.low <= r) & (r <= found.high)).sum())
    assert 0.93 <= inside / (RUNS * TOUCHPOINTS) <= 0.98


def test_days_that_resemble_each_other_do_not_pass_for_many() -> None:
    """Two walks that wander by themselves seem to go together unless days count for less."""
    random, named = default_rng(4), 0
    for _ in range(RUNS):
        walk = np.zeros((TOUCHPOINTS + 1, DAYS))
        for day in range(1, DAYS):
            walk[:, day] = 0.8 * walk[:, day - 1] + random.normal(size=TOUCHPOINTS + 1)
        found = seen(np.exp(5 + walk[1:] / 4), np.exp(5 + walk[0] / 4))
        named += bool((found.low > found.mean).any())
    assert named <= 0.065 * RUNS


def test_what_cannot_be_told_is_refused_or_nought() -> None:
    line = np.arange(DAYS) + 1.0
    constant = seen(np.ones((2, DAYS)), line)
    assert constant.raw.tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="two touchpoints"):
        association(np.ones((1, DAYS)), np.ones((1, DAYS)), WEEKDAYS)


# -- quadrants ---------------------------------------------------------------------------------

LAST = date(2026, 11, 19)


def rows(*performances: float, verdicts: Sequence[str] = ()) -> list[TouchpointRow]:
    """Touchpoints that do so many times as well as their peers, ± 10 %."""
    return [
        TouchpointRow(
            id=str(number),
            name=f"T{number}",
            stage="Purchase",
            journey="Shop",
            journey_id="1",
            clicks=100,
            scans=0,
            visitors=100,
            tokenless=0,
            rate=0.02 * times,
            low=0.018 * times,
            high=0.022 * times,
            peers=Peers("journey", 5, 0.02),
            verdict=verdicts[number] if number < len(verdicts) else "as_expected",
        )
        for number, times in enumerate(performances)
    ]


def told(given: list[TouchpointRow], visitors: Floats, conversions: Floats) -> MomentsReport:
    days = visitors.shape[1]
    period = Period(LAST - timedelta(days=27), LAST, "Europe/Berlin")
    nothing = TouchpointTotals(*[0] * 16)
    report = TouchpointReport(period, "visitors_per_reach", "last", "EUR", nothing, given)
    window = Period(LAST - timedelta(days=days - 1), LAST, "Europe/Berlin")
    return moments(report, "1", given, Counted(window, visitors, conversions), frozenset({"0"}))


def journey(days: int = DAYS) -> tuple[Floats, Floats]:
    """Six touchpoints: what 0 and 1 bring, converts at 5; the others do as they like."""
    random = default_rng(5)
    visitors = noisy(random, 50.0, (6, days))
    conversions = np.zeros((6, days))
    conversions[5] = random.poisson((visitors[0] + visitors[1]) / 4.0)
    return visitors, conversions


def test_quadrants_are_importance_by_performance() -> None:
    given = rows(0.5, 2.0, 0.5, 2.0, 0.97, 0.8, verdicts=("worst", "best", "worst", "best"))
    found = told(given, *journey())
    assert found.outcome == "conversions"
    of = {each.name: each for each in found.touchpoints}
    assert (of["T0"].quadrant, of["T0"].certain, of["T0"].flagged) == ("strengthen", True, True)
    assert (of["T1"].quadrant, of["T1"].certain) == ("keep_up", True)
    assert of["T2"].quadrant == "can_wait"
    assert of["T3"].quadrant == "good_enough"
    # What does about as well as its peers is not to be strengthened.
    assert of["T4"].quadrant in ("keep_up", "good_enough")
    # A fifth below them, but no verdict says so: it leans.
    assert (of["T5"].quadrant, of["T5"].certain) == ("can_wait", False)
    assert {each.name for each in found.touchpoints[:2]} == {"T0", "T1"}


def test_without_conversions_the_others_visitors_are_the_outcome() -> None:
    visitors, conversions = journey()
    found = told(rows(*[1.0] * 6), visitors, np.zeros_like(conversions))
    assert found.outcome == "visitors"
    assert found.dividing is not None
    # Independent of each other, so none goes along with the rest: not even with itself.
    assert all(abs(each.association or 0.0) < 0.3 for each in found.touchpoints)


def test_what_is_missing_is_said() -> None:
    visitors, conversions = journey()
    visitors[3, 10:] = 0.0
    given = rows(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, verdicts=("no_reach",))
    of = {each.name: each for each in told(given, visitors, conversions).touchpoints}
    assert of["T0"].missing == ["verdict"]
    assert of["T3"].missing == ["visitors"]
    assert of["T1"].missing == []
    few = told(rows(1.0, 1.0, 1.0), visitors[:3], conversions[:3])
    assert few.dividing is None
    assert [each.missing for each in few.touchpoints] == [["touchpoints"]] * 3
    early = told(rows(*[1.0] * 6), *journey(20))
    assert all(each.missing == ["days"] for each in early.touchpoints)
    nothing = told([], np.zeros((0, 1)), np.zeros((0, 1)))
    assert (nothing.touchpoints, nothing.journey) == ([], None)


def test_a_journey_is_read_from_its_roll_ups_and_told_in_both_languages(
    settings: Settings, database: Database
) -> None:
    visitors, conversions = journey()
    visitors[2] /= 4  # far below its peers, and without effect
    with database.transaction() as session:
        home = make_home(session, settings)
        stage = create_stage(
            session,
            home.actor,
            str(create_journey(session, home.actor, "Shop", NOW).journey.id),
            "Purchase",
            NOW,
        )
        for number in range(6):
            new = NewTouchpoint(str(stage.id), f"T{number}", "flyer", "physical", "owned")
            place = create_touchpoint(session, home.actor, new, NOW).id
            span = NewReach(LAST - timedelta(days=27), 28_000, "printed", LAST)
            add_reach(session, home.actor, str(place), span, NOW)
            for day in range(DAYS):
                when = LAST - timedelta(days=DAYS - 1 - day)
                count = int(visitors[number, day])
                session.add(touchpoint_day(home, place, when, count))
                if conversions[number, day]:
                    key = {"workspace_id": home.workspace_id, "touchpoint_id": place}
                    gained = int(conversions[number, day])
                    row = ConversionDay(**key, local_date=when, attribution="last", value=0)
                    row.conversions = gained
                    session.add(row)
        session.flush()
        # The day of `NOW` is not over, so it is left out.
        session.add(touchpoint_day(home, place, LAST + timedelta(days=1), 9_999))
        session.flush()
        found = moments_report(session, home.actor, first=None, last=None, now=NOW)
    assert (found.journey, found.days, found.since) == ("Shop", DAYS, LAST - timedelta(days=83))
    assert found.until == LAST
    assert found.conversions == conversions.sum()
    of = {each.name: each for each in found.touchpoints}
    assert of["T0"].visitors == visitors[0].sum()
    assert (of["T2"].quadrant, of["T2"].verdict) == ("can_wait", "worst")
    assert of["T0"].association_low is not None
    assert of["T0"].association_low > (found.dividing or 0.0)
    assert found.outcome == "conversions"
    assert len(moments_table(found).rows) == 6
    for language, word in (("en", "Can wait"), ("de", "Kann warten")):
        with i18n.speaking(language):
            chart = drawn(found, words.told(found))
            assert chart.drawing.count(f'r="{RADIUS}"') == 6
            assert chart.drawing.count("</title>") == chart.drawing.count("</desc>") == 1
            # A name that an interval passes under stays readable: it is drawn after it.
            assert chart.drawing.rindex("chart-cap") < chart.drawing.index("chart-corner")
            groups = {group.key: group for group in words.placed(words.told(found))}
            assert list(groups) == list(QUADRANTS)
            assert groups["can_wait"].title == word
            assert sum(len(each.certain) + len(each.leaning) for each in groups.values()) == 6
            assert len(chart.table.rows) == 6
            assert words.unplaced(found) == []
            assert len(words.facts(found)) == 3


def test_the_finding_stands_in_one_sentence() -> None:
    visitors, conversions = journey()

    def found(*verdicts: str) -> str:
        performances = [0.5 if verdict == "worst" else 1.0 for verdict in verdicts]
        return words.finding(told(rows(*performances, verdicts=verdicts), visitors, conversions))

    usual = ["as_expected"] * 5
    with i18n.speaking("en"):
        assert found("as_expected", *usual).startswith("All of this may be chance: no touchpoint")
        first = "Strengthen “T0” first: it goes along with the conversions of the journey more "
        half = "than the others, but in visitors brings 50% fewer than comparable touchpoints."
        assert found("worst", *usual) == first + half
        assert "Only “T0” is certain of its quadrant;" in found("best", *usual)
        nothing = told(rows(*[1.0] * 6), visitors[:, :20], conversions[:, :20])
        assert words.finding(nothing) == ""
    with i18n.speaking("de"):
        brings = "den Conversions der Reise einher, bringt an Besuchern aber"
        assert brings in found("worst", *usual)


def test_it_does_as_well_as_the_ranking_says_and_value_may_say_the_contrary() -> None:
    visitors, conversions = journey()
    given = rows(*[1.0] * 6, verdicts=["worst"])
    # Shrunk, it is believed to do better than its rate, which is what the ranking tells.
    given[0] = replace(given[0], rate=0.007, low=0.007, high=0.009, unit="printed", per="printed")
    report = told(given, visitors, conversions)
    first = report.touchpoints[0]
    assert (first.name, first.performance) == ("T0", pytest.approx(0.35))
    best = replace(given[0], verdict="best", rate=9.0, low=8.0, high=10.0)
    with i18n.speaking("en"):
        ranked = verdicts.verdict_sentence(given[0], verdicts.Measure("printed", 1_000))
        for said in (words.finding(report), ranked):
            assert "65% fewer than comparable touchpoints" in said
        assert "By value" not in words.finding(report)
        sentence = words.finding(report, Beside("EUR", {"0": best, "1": best}))
        assert sentence.endswith(f"touchpoints. {verdicts.other_side_sentence(best, 'EUR')}")
        assert "By value, though, it is among the best: €90" in sentence
        note = "Importance looks at 84 days (28 Aug – 19 Nov 2026), performance at the period."
        assert words.importance_note(report) == note


def test_correlations_have_two_decimals_and_nought_no_sign() -> None:
    visitors, conversions = journey()
    report = told(rows(*[1.0] * 6), visitors, conversions)
    report = replace(report, touchpoints=[replace(report.touchpoints[0], association=-0.001)])
    with i18n.speaking("en"):
        sentence = words.told(report)[0].sentence
        assert "association 0.00 (95%:" in sentence
        assert all(len(each) == 4 for each in re.findall(r"\d\.\d+", sentence))
        report = replace(report, touchpoints=[replace(report.touchpoints[0], association=-0.01)])
        assert "association −0.01 (95%:" in words.told(report)[0].sentence


def test_numbers_of_spots_cover_each_other_at_no_size() -> None:
    dice = np.random.default_rng(5)
    crowd = np.clip(dice.normal((54.0, 51.0), (5.0, 9.0), (22, 2)), 0.0, 100.0)
    for places in (crowd, np.full((9, 2), 50.0), np.array([[0.0, 0.0], [100.0, 100.0]])):
        found = offsets([(x, y) for x, y in places.tolist()])
        assert found == offsets([(x, y) for x, y in places.tolist()])
        assert None not in found
        for width, height in itertools.product((224, 268, 500, 910, 1400), (336, 380, 420)):
            dots = places / 100.0 * (width, height)
            numbers = dots + np.array(found)
            gaps = np.abs(numbers[:, None] - numbers).max(axis=2)
            assert gaps[~np.eye(len(gaps), dtype=bool)].min() >= 2 * RADIUS
            # And each stands on its dot's side of both lines.
            middle = (width / 2, height / 2)
            assert ((numbers - middle) * (dots - middle) >= 0).all()
    assert offsets([(20.0, 20.0), (70.0, 30.0)]) == [(0, 0), (0, 0)]
    many = offsets([(60.0, 60.0)] * 200)
    assert many[0] is not None
    assert many[-1] is None


def touchpoint_day(home: Home, place: int, day: date, visitors: int) -> TouchpointDay:
    counts = dict.fromkeys(
        ("visitors", "touchpoint_visitors", "journey_visitors", "clicks"), visitors
    )
    return TouchpointDay(
        workspace_id=home.workspace_id,
        touchpoint_id=place,
        local_date=day,
        **(dict.fromkeys(COUNTERS, 0) | counts),
    )
