"""Are the verdicts true? Seeded simulations with known rates, through `judge` itself.

Every report has 20 touchpoints of one stage and kind. The wanted figures are those of the
design; what was measured beyond these tests stands in `reports/ranking`. Some worlds are left to
`make soak`; those that stay have 1,000 runs as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from linkservice.reports.ranking import Judgement, Observation, judge

TOUCHPOINTS = 20
WEEK = np.array([1.0, 1.1, 1.05, 1.0, 0.9, 0.4, 0.15])
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """How reach and clicks come about; `phi` is what the daily noise gives at this size."""

    days: int = 28
    reach: float = 10_000
    rate: float = 0.02
    phi: float = 1.0
    common_noise: bool = False  # one weather for all touchpoints
    sizes: float = 0.0  # standard deviation of log reach
    exposure: str = "even"  # even | partial | first_day | some_day
    clicks: str = "with_reach"  # with_reach | even | ebbing | one_day | weekdays

    def report(self, rng: np.random.Generator, rates: Floats) -> list[Judgement]:
        reach = self.reach * np.exp(rng.normal(0.0, self.sizes, TOUCHPOINTS))
        exposure = reach[:, None] * self._spread(rng)
        offered = reach[:, None] * self._response()
        if self.clicks == "with_reach":
            offered = exposure
        elif self.clicks == "weekdays":
            offered = self._ebbing_over_weeks(exposure)
        counts = rng.poisson(offered * rates[:, None] * self._noise(rng))
        return judge(
            [
                Observation(row, 1, 1, "digital", "sent", *days)
                for row, days in enumerate(zip(counts.tolist(), exposure.tolist(), strict=True))
            ]
        )

    def _spread(self, rng: np.random.Generator) -> Floats:
        """Share of the reach per touchpoint and day."""
        share = np.zeros((TOUCHPOINTS, self.days))
        for row in range(TOUCHPOINTS):
            first, length = 0, self.days
            if self.exposure in ("first_day", "some_day"):
                length = 1
            if self.exposure == "some_day":
                first = int(rng.integers(0, self.days // 2))
            elif self.exposure == "partial":
                length = int(rng.integers(self.days // 4, self.days + 1))
                first = int(rng.integers(0, self.days - length + 1))
            share[row, first : first + length] = 1.0 / length
        return share

    def _response(self) -> Floats:
        """Share of the clicks per day."""
        if self.clicks == "one_day":
            return np.asarray(np.eye(self.days)[self.days // 3])
        ebb = self.days / 3 if self.clicks == "ebbing" else np.inf
        course = np.exp(-np.arange(self.days) / ebb)
        return np.asarray(course / course.sum())

    def _ebbing_over_weeks(self, exposure: Floats) -> Floats:
        """Clicks that ebb from the day of the reach on, few of them at the weekend."""
        day = np.arange(self.days)
        age = day - exposure.argmax(axis=1)[:, None]
        course = np.where(age < 0, 0.0, np.exp(-age / 5.0)) * WEEK[day % 7]
        spread = course / course.sum(axis=1, keepdims=True)
        return np.asarray(exposure.sum(axis=1, keepdims=True) * spread)

    def _noise(self, rng: np.random.Generator) -> Floats:
        """Daily multipliers of mean 1."""
        variance = (self.phi - 1.0) * self.days / (self.reach * self.rate)
        if variance == 0.0:
            return np.ones((1, 1))
        rows = 1 if self.common_noise else TOUCHPOINTS
        return rng.gamma(1.0 / variance, variance, (rows, self.days))


def false_verdicts(world: World, runs: int = 1000) -> float:
    """Share of reports on equal touchpoints that call any best or worst."""
    rng = np.random.default_rng(20_250_301)
    rates = np.full(TOUCHPOINTS, world.rate)
    reports = (world.report(rng, rates) for _ in range(runs))
    return sum(any(j.verdict in ("best", "worst") for j in report) for report in reports) / runs


@pytest.mark.parametrize(
    "world",
    [
        World(days=7, rate=0.001, reach=30_000),
        pytest.param(World(days=28, phi=6.0), marks=pytest.mark.soak),
        pytest.param(World(days=7, phi=10.0, common_noise=True), marks=pytest.mark.soak),
        World(days=28, phi=10.0, sizes=1.0, rate=0.1),
        World(days=7, phi=4.0, exposure="partial"),
        pytest.param(World(days=90, phi=3.0, rate=0.005), marks=pytest.mark.soak),
        World(days=28, phi=5.0, exposure="first_day", clicks="ebbing"),
        World(days=28, clicks="one_day"),
        World(days=28, phi=2.0, sizes=0.7, exposure="some_day", clicks="weekdays"),
    ],
    ids=str,
)
def test_twenty_equal_touchpoints_are_called_equal(world: World) -> None:
    assert false_verdicts(world) <= 0.065


def found(world: World, factor: float, runs: int = 100) -> float:
    """Share of reports in which the one touchpoint with another rate is named."""
    rng = np.random.default_rng(7)
    rates = np.full(TOUCHPOINTS, world.rate)
    rates[11] *= factor
    wanted = "worst" if factor < 1 else "best"
    return sum(world.report(rng, rates)[11].verdict == wanted for _ in range(runs)) / runs


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize(
    "world",
    [
        World(reach=5_000),
        World(reach=25_000, phi=5.0),
        World(reach=25_000, phi=5.0, days=7, exposure="first_day", clicks="even"),
        World(reach=5_000, exposure="first_day", clicks="ebbing"),
        World(reach=5_000, clicks="one_day"),
    ],
    ids=str,
)
def test_half_and_double_the_rate_are_found_with_100_expected_successes(
    world: World, factor: float
) -> None:
    assert found(world, factor) >= 0.9


@pytest.mark.parametrize(
    "world",
    [
        World(reach=6_000),
        World(reach=30_000, phi=5.0),
        World(reach=6_000, exposure="some_day", clicks="weekdays"),
    ],
    ids=str,
)
def test_real_spread_gets_true_verdicts_and_honest_intervals(world: World) -> None:
    rng = np.random.default_rng(11)
    verdicts = wrong = covered = 0
    runs = 200
    for _ in range(runs):
        rates = rng.gamma(4.0, world.rate / 4.0, TOUCHPOINTS)
        peers = (rates.sum() - rates) / (TOUCHPOINTS - 1)
        for rate, mean, judgement in zip(rates, peers, world.report(rng, rates), strict=True):
            verdicts += judgement.verdict in ("best", "worst")
            wrong += judgement.verdict == ("best" if rate < mean else "worst")
            assert judgement.low is not None
            assert judgement.high is not None
            covered += judgement.low <= rate <= judgement.high
    cases = runs * TOUCHPOINTS
    assert verdicts / cases >= 0.5
    assert wrong / cases <= 0.01
    assert 0.93 <= covered / cases <= 0.97


@pytest.mark.parametrize("shape", [1.0, 10.0])
def test_intervals_are_honest_with_little_data(shape: float) -> None:
    """Ten expected successes each; rates from a wide and from a narrow gamma."""
    world = World(reach=500, days=14)
    rng = np.random.default_rng(13)
    covered = 0
    for _ in range(200):
        rates = rng.gamma(shape, world.rate / shape, TOUCHPOINTS)
        for rate, judgement in zip(rates, world.report(rng, rates), strict=True):
            covered += (judgement.low or 0.0) <= rate <= (judgement.high or 0.0)
    assert 0.93 <= covered / (200 * TOUCHPOINTS) <= 0.97
