"""Are verdicts on value per reach true? Seeded simulations with known values.

As `test_verdict_simulations` for rates: 20 touchpoints of one stage and kind. Conversions come by
day, and each has a value from a heavy-tailed (log-normal) distribution: with `tail` 1.5 one order
in a hundred is eleven times the mean, or more. Some worlds are left to `make soak`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from linkservice.reports.ranking import Judgement, Observation
from linkservice.reports.worth import grain, judge_value

TOUCHPOINTS = 20
MEAN = 5_000.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """How conversions come about; `restless` is the variance of a day's multiplier, `tail` the
    standard deviation of a value's logarithm, `baskets` that between touchpoints' mean values.
    """

    days: int = 28
    reach: float = 10_000
    rate: float = 0.02
    tail: float = 1.0
    restless: float = 0.0
    sizes: float = 0.0  # standard deviation of log reach
    baskets: float = 0.0
    common_noise: bool = False

    def report(self, rng: np.random.Generator, worth: Floats) -> list[Judgement]:
        """Of touchpoints that bring `worth` × rate × `MEAN` of money per unit of reach."""
        reach = self.reach * np.exp(rng.normal(0.0, self.sizes, TOUCHPOINTS))
        basket = np.exp(rng.normal(0.0, self.baskets, TOUCHPOINTS))
        exposure = np.repeat(reach[:, None] / self.days, self.days, axis=1)
        often = self.rate * worth / basket
        counts = rng.poisson(often[:, None] * exposure * self._noise(rng))
        rows = np.repeat(np.arange(counts.size), counts.ravel())
        size = MEAN * basket[rows // self.days]
        each = size * rng.lognormal(-(self.tail**2) / 2.0, self.tail, len(rows))
        money = np.bincount(rows, each, counts.size).reshape(counts.shape)
        observed = [
            Observation(row, 1, 1, "digital", "sent", money[row].tolist(), exposure[row].tolist())
            for row in range(TOUCHPOINTS)
        ]
        return judge_value(observed, counts.tolist())

    def _noise(self, rng: np.random.Generator) -> Floats:
        if not self.restless:
            return np.ones((1, 1))
        rows = 1 if self.common_noise else TOUCHPOINTS
        return rng.gamma(1.0 / self.restless, self.restless, (rows, self.days))


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(World(), marks=pytest.mark.soak),
        World(restless=0.3),
        pytest.param(World(days=7, restless=1.0), marks=pytest.mark.soak),
        pytest.param(World(restless=1.0, sizes=1.0, common_noise=True), marks=pytest.mark.soak),
        pytest.param(World(days=7, reach=3_000, tail=1.5, baskets=0.7), marks=pytest.mark.soak),
        pytest.param(World(days=90, reach=1_500, tail=2.0), marks=pytest.mark.soak),
    ],
    ids=str,
)
def test_twenty_equal_touchpoints_are_called_equal(world: World) -> None:
    rng = np.random.default_rng(20_260_312)
    runs = 1_000
    named = sum(
        any(each.verdict in ("best", "worst") for each in world.report(rng, np.ones(TOUCHPOINTS)))
        for _ in range(runs)
    )
    assert named / runs <= 0.065


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("world", [World(reach=25_000), World(reach=60_000, tail=1.5)], ids=str)
def test_half_and_double_the_value_are_found(world: World, factor: float) -> None:
    rng = np.random.default_rng(7)
    worth = np.ones(TOUCHPOINTS)
    worth[11] = factor
    wanted = "worst" if factor < 1 else "best"
    assert sum(world.report(rng, worth)[11].verdict == wanted for _ in range(50)) >= 45


@pytest.mark.parametrize(
    "world",
    [
        World(reach=20_000),
        World(reach=40_000, restless=0.2),
        World(reach=8_000, tail=0.5),
        pytest.param(World(days=90, reach=60_000, sizes=0.5), marks=pytest.mark.soak),
    ],
    ids=str,
)
def test_real_spread_gets_true_verdicts_and_honest_intervals(world: World) -> None:
    rng = np.random.default_rng(11)
    verdicts = wrong = covered = 0
    runs = 100
    for _ in range(runs):
        worth = rng.gamma(4.0, 0.25, TOUCHPOINTS)
        peers = (worth.sum() - worth) / (TOUCHPOINTS - 1)
        for true, mean, judgement in zip(worth, peers, world.report(rng, worth), strict=True):
            verdicts += judgement.verdict in ("best", "worst")
            wrong += judgement.verdict == ("best" if true < mean else "worst")
            assert judgement.low is not None
            assert judgement.high is not None
            covered += judgement.low <= true * world.rate * MEAN <= judgement.high
    cases = runs * TOUCHPOINTS
    assert verdicts / cases >= 0.5
    assert wrong / cases <= 0.01
    assert 0.93 <= covered / cases <= 0.97


def test_one_large_order_makes_nobody_the_best() -> None:
    """Ten orders of 10 € each; one touchpoint has one of 5,000 € besides."""
    days = [1_000.0] * 10
    rows = [Observation(row, 1, 1, "digital", "sent", days, [50.0] * 10) for row in range(10)]
    lucky = replace(rows[3], counts=[501_000.0, *days[1:]])
    conversions = [[1.0] * 10 for _ in rows]
    conversions[3][0] = 2.0
    found = judge_value([*rows[:3], lucky, *rows[4:]], conversions)
    assert {each.verdict for each in found} <= {"too_early", "as_expected"}
    assert found[3].rate == pytest.approx(510_000 / 500)


def test_nothing_bought_by_three_visitors_is_too_early() -> None:
    days = [1_000.0] * 10
    rows = [Observation(row, 1, 1, "digital", "visitor", days, [20.0] * 10) for row in range(10)]
    few = replace(rows[3], counts=[0.0] * 10, exposure=[3.0, *[0.0] * 9])
    found = judge_value(
        [*rows[:3], few, *rows[4:]], [[1.0] * 10] * 3 + [[0.0] * 10] + [[1.0] * 10] * 6
    )
    assert (found[3].verdict, found[3].rate, found[3].low) == ("too_early", 0.0, 0.0)


def test_equal_values_are_counts() -> None:
    """Without any scatter a grain is the value of a conversion, without value it is one."""
    assert grain([[2, 0, 3], [1, 1, 1]], [[200, 0, 300], [100, 100, 100]]) == pytest.approx(100)
    assert grain([[2, 3]], [[0, 0]]) == 1.0
    assert grain([[0, 0]], [[0, 0]]) == 1.0
    assert judge_value([], []) == []


def test_money_without_a_conversion_is_that_of_one() -> None:
    """An imported row may say what a day brought, and not by how many."""
    assert grain([[0, 0]], [[300, 100]]) == grain([[1, 1]], [[300, 100]])
    assert grain([[0, 2]], [[300, 200]]) == grain([[1, 2]], [[300, 200]])
    days = [1_000.0] * 7
    rows = [Observation(row, 1, 1, "digital", "sent", days, [50.0] * 7) for row in range(5)]
    found = judge_value(rows, [[0.0] * 7] * 5)
    assert {each.verdict for each in found} <= {"too_early", "as_expected"}
    assert all(0 < (each.low or 0.0) < 20 < (each.high or 0.0) < 100 for each in found)


def test_doubled_reach_halves_the_value_and_units_stay_apart() -> None:
    money, conversions = [5_000.0] * 7, [[2.0] * 7 for _ in range(10)]
    single = [Observation(row, 1, 1, "digital", "sent", money, [100.0] * 7) for row in range(5)]
    double = replace(single[0], exposure=[200.0] * 7)
    visitors = [
        replace(each, touchpoint_id=5 + row, unit="visitor") for row, each in enumerate(single)
    ]
    found = judge_value([double, *single[1:], *visitors], conversions)
    assert found[0].rate == pytest.approx((found[1].rate or 0.0) / 2)
    assert {each.peers.count for each in found if each.peers} == {4}
