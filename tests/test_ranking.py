"""Verdicts on hand-made touchpoints: peers, guards, units, and what is still needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.reports.families import PROPORTIONS, RATES, Family
from linkservice.reports.proportions import Beta
from linkservice.reports.ranking import Judgement, Observation, Peers, judge
from linkservice.reports.statistics import Gamma


def touchpoint(
    number: int,
    counts: float | Sequence[float],
    reach: float | Sequence[float],
    *,
    stage: int = 1,
    journey: int = 1,
    kind: str = "digital",
    unit: str | None = "sent",
    target: float | None = None,
) -> Observation:
    """One touchpoint over ten days; a total is spread evenly over them."""
    return Observation(
        touchpoint_id=number,
        stage_id=stage,
        journey_id=journey,
        kind=kind,
        unit=unit,
        counts=[counts / 10] * 10 if isinstance(counts, int | float) else counts,
        exposure=[reach / 10] * 10 if isinstance(reach, int | float) else reach,
        target_rate=target,
    )


def verdicts(*observations: Observation) -> list[str]:
    return [judgement.verdict for judgement in judge(observations)]


def peers_of(*observations: Observation) -> list[Peers | None]:
    return [judgement.peers for judgement in judge(observations)]


EQUALS = [touchpoint(number, 500, 10_000) for number in range(1, 6)]


def test_the_clear_ones_are_named_and_the_others_are_as_expected() -> None:
    report = [*EQUALS, *(touchpoint(n, 500, 10_000) for n in range(6, 12))]
    report += [touchpoint(20, 200, 10_000), touchpoint(21, 1200, 10_000)]
    assert verdicts(*report) == ["as_expected"] * 11 + ["worst", "best"]


def test_no_touchpoint_is_worst_for_lack_of_traffic() -> None:
    judgement = judge([*EQUALS, touchpoint(9, 0, 3)])[-1]
    assert judgement.verdict == "too_early"
    assert judgement.rate == 0.0
    assert judgement.more_reach_needed is not None
    assert judgement.more_reach_needed >= 5 / 0.05 - 3


def test_zero_clicks_on_much_reach_is_worst() -> None:
    assert verdicts(*EQUALS, touchpoint(9, 0, 2000))[-1] == "worst"


@pytest.mark.parametrize("family", [RATES, PROPORTIONS])
@pytest.mark.parametrize("came", [0, 1])
def test_nobody_is_worst_beside_peers_that_brought_nothing(
    came: int, family: Family[Gamma] | Family[Beta]
) -> None:
    idle = [touchpoint(number, 0, reach) for number, reach in enumerate((50, 30, 400), 1)]
    judgement = judge([*idle, touchpoint(9, came, 50_000)], family)[-1]
    assert judgement.peers == Peers("stage_and_kind", 3, 0.0)
    assert judgement.verdict == "too_early"
    assert judgement.more_reach_needed is not None


def test_without_reach_there_is_no_rate() -> None:
    judgement = judge([*EQUALS, touchpoint(9, 50, 0, unit=None)])[-1]
    assert judgement == Judgement(9, "no_reach", None, None, None, None, None)


def test_clicks_on_days_without_reach_count_in_the_rate() -> None:
    late = touchpoint(9, [40.0] * 10, [8000.0] + [0.0] * 9)
    judgement = judge([*EQUALS, late])[-1]
    assert judgement.rate == pytest.approx(400 / 8000)
    assert judgement.verdict == "as_expected"


def test_doubled_reach_halves_the_rate() -> None:
    once, twice = judge([touchpoint(1, 80, 1000)])[0], judge([touchpoint(1, 80, 2000)])[0]
    assert once.rate == 2 * (twice.rate or 0)
    assert once.low == pytest.approx(2 * (twice.low or 0))
    assert once.high == pytest.approx(2 * (twice.high or 0))


def test_units_are_never_ranked_together() -> None:
    printed = [touchpoint(n, 5, 10_000, unit="printed") for n in range(11, 14)]
    judged = judge([*EQUALS, *printed])
    assert [j.verdict for j in judged] == ["as_expected"] * 5 + ["no_peers"] * 3
    assert judge(EQUALS) == judged[:5]


def test_peers_are_the_narrowest_group_with_three_others() -> None:
    report = [
        *(touchpoint(n, 500, 10_000, stage=1) for n in range(4)),
        touchpoint(4, 500, 10_000, stage=1, kind="human"),
        touchpoint(5, 500, 10_000, stage=2),
        touchpoint(6, 500, 10_000, stage=9, journey=2),
        touchpoint(7, 500, 10_000, stage=9, journey=2, unit="printed"),
    ]
    found = [peers and (peers.group, peers.count) for peers in peers_of(*report)]
    assert found == [("stage_and_kind", 3)] * 4 + [
        ("stage", 4),
        ("journey", 5),
        ("workspace", 6),
        None,
    ]


def test_touchpoints_without_reach_are_nobodys_peers() -> None:
    report = [*EQUALS[:3], touchpoint(9, 30, 0)]
    assert verdicts(*report) == ["no_peers"] * 3 + ["no_reach"]


def test_the_mean_of_the_peers_leaves_the_touchpoint_out() -> None:
    rates = [400, 500, 600, 900]
    judged = judge([touchpoint(n, counts, 10_000) for n, counts in enumerate(rates)])
    means = [judgement.peers.mean for judgement in judged if judgement.peers]
    assert means == pytest.approx([2000 / 3e4, 1900 / 3e4, 1800 / 3e4, 1500 / 3e4])


def test_one_huge_touchpoint_does_not_set_the_standard() -> None:
    small = [touchpoint(n, counts, 10_000) for n, counts in enumerate([450, 500, 550, 500])]
    giant = touchpoint(9, 10_000, 1_000_000)
    assert verdicts(*small, giant)[-1] == "worst"
    peers = peers_of(*small, giant)[0]
    assert peers is not None
    assert peers.mean > 0.035


def test_a_target_judges_where_there_are_no_peers() -> None:
    low, fair, none = (
        touchpoint(1, 100, 10_000, target=0.03, unit="a"),
        touchpoint(2, 300, 10_000, target=0.03, unit="b"),
        touchpoint(3, 300, 10_000, unit="c"),
    )
    assert verdicts(low, fair, none) == ["worst", "as_expected", "no_peers"]
    assert peers_of(low, none) == [Peers("target", 0, 0.03), None]


def test_peers_come_before_the_target() -> None:
    assert verdicts(*EQUALS, touchpoint(9, 500, 10_000, target=0.5))[-1] == "as_expected"


def test_reach_still_needed_is_enough_for_a_verdict() -> None:
    """A rate of 60 % of its peers': too early at first, judged once that reach is there."""
    peers = [touchpoint(number, 5000, 100_000) for number in range(1, 9)]
    early = judge([*peers, touchpoint(9, 12, 400)])[-1]
    assert early.verdict == "too_early"
    reach = 400 + (early.more_reach_needed or 0)
    later = judge([*peers, touchpoint(9, 0.03 * reach, reach)])[-1]
    assert later.verdict == "worst"
    assert later.more_reach_needed is None
    assert (later.high or 1) - (later.low or 0) < 0.02 * 0.6


def test_restless_days_postpone_a_verdict() -> None:
    calm = touchpoint(9, 300, 10_000)
    restless = touchpoint(9, [150.0, *[0.0] * 8, 150.0], 10_000)
    assert verdicts(*EQUALS, calm)[-1] == "worst"
    assert verdicts(*EQUALS, restless)[-1] == "too_early"


def test_an_idle_group_is_too_early_and_finite() -> None:
    judged = judge([touchpoint(number, 0, 100) for number in range(5)])
    assert {judgement.verdict for judgement in judged} == {"too_early"}
    assert all(judgement.peers and judgement.peers.mean == 0.0 for judgement in judged)


def test_clicks_per_day_is_the_same_judgement_with_live_days() -> None:
    live = [touchpoint(n, [30.0] * 10, [1.0] * 10, unit="day") for n in range(11)]
    late = touchpoint(21, [0.0] * 5 + [30.0] * 5, [0.0] * 5 + [1.0] * 5, unit="day")
    slow = touchpoint(22, [5.0] * 10, [1.0] * 10, unit="day")
    judged = judge([*live, late, slow])
    assert [judgement.rate for judgement in judged] == pytest.approx([30.0] * 12 + [5.0])
    assert [judgement.verdict for judgement in judged][-2:] == ["as_expected", "worst"]


def test_days_of_different_number_are_refused() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        judge([*EQUALS, replace(EQUALS[0], touchpoint_id=9, counts=[1.0])])


def test_an_empty_report_is_empty() -> None:
    assert judge([]) == []


amounts = st.one_of(st.just(0.0), st.integers(1, 10**9).map(float), st.floats(0.01, 1e6))
observations = st.integers(1, 20).flatmap(
    lambda days: st.lists(
        st.builds(
            Observation,
            touchpoint_id=st.just(0),
            stage_id=st.integers(1, 2),
            journey_id=st.just(1),
            kind=st.sampled_from(["digital", "human"]),
            unit=st.sampled_from([None, "sent", "printed"]),
            counts=st.lists(amounts, min_size=days, max_size=days),
            exposure=st.lists(amounts, min_size=days, max_size=days),
            target_rate=st.sampled_from([None, 0.02]),
        ),
        max_size=9,
    )
)


@given(observations)
def test_every_number_is_finite_and_in_order(found: list[Observation]) -> None:
    report = [replace(one, touchpoint_id=number) for number, one in enumerate(found)]
    judged = judge(report)
    assert [judgement.touchpoint_id for judgement in judged] == list(range(len(report)))
    assert judged == judge(report)
    for judgement in judged:
        if judgement.verdict == "no_reach":
            assert judgement.rate is judgement.low is judgement.high is None
            continue
        assert judgement.rate is not None
        assert judgement.low is not None
        assert judgement.high is not None
        assert math.isfinite(judgement.rate)
        assert 0.0 <= judgement.low <= judgement.high < math.inf
        assert (judgement.peers is None) == (judgement.verdict == "no_peers")
        assert (judgement.more_reach_needed is not None) == (judgement.verdict == "too_early")
        assert judgement.more_reach_needed is None or judgement.more_reach_needed >= 1


def test_where_nobody_came_the_interval_begins_at_nothing() -> None:
    for judgement in (judge([*EQUALS, touchpoint(9, 0, 3)])[-1], judge([touchpoint(9, 0, 3)])[0]):
        assert judgement.rate == judgement.low == 0.0
        assert judgement.high is not None
        assert judgement.high > 0.0


@pytest.mark.parametrize("touchpoints", [4, 20])
@pytest.mark.parametrize("clicks", [1, 40])
def test_where_all_clicks_are_scans_nobody_stands_out(touchpoints: int, clicks: int) -> None:
    """Nothing scatters there; what is divided by it must not be nothing."""
    days = np.random.default_rng(5).poisson(clicks, (touchpoints, 28)).astype(np.float64)
    found = judge(
        [Observation(at, 1, 1, "poster", "click", each, each) for at, each in enumerate(days)],
        PROPORTIONS,
    )
    for each in found:
        assert (each.verdict, each.rate) == ("as_expected", 1.0)
        assert each.low is not None
        assert each.high is not None
        assert 0.9 < each.low <= each.high <= 1.0
