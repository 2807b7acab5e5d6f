"""Are verdicts on conversions per click true? Seeded simulations with known proportions.

As `test_verdict_simulations` for rates: 20 touchpoints of one stage and kind, through `judge`.
Some worlds are left to `make soak`; those that stay have 1,000 runs each as well.
Clicks come by day, each converts with the touchpoint's chance, some days after it, and daily
noise makes the chance itself go up and down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from linkservice.reports.families import PROPORTIONS
from linkservice.reports.ranking import Judgement, Observation, judge

TOUCHPOINTS = 20
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """How clicks and conversions come about; `restless` is the variance of a day's chance,
    relative to its square, `late` the mean days from click to conversion.
    """

    days: int = 28
    clicks: float = 5_000
    chance: float = 0.03
    restless: float = 0.0
    sizes: float = 0.0  # standard deviation of log clicks
    late: float = 0.0
    busy_days: bool = False  # clicks on a few days only: a mailing
    twice: float = 0.0  # the part of visitors who click twice, alike

    def report(self, rng: np.random.Generator, chances: Floats) -> list[Judgement]:
        size = self.clicks * np.exp(rng.normal(0.0, self.sizes, TOUCHPOINTS))
        share = rng.gamma(0.2 if self.busy_days else 20.0, 1.0, (TOUCHPOINTS, self.days))
        share /= share.sum(axis=1, keepdims=True)
        clicks = rng.poisson(size[:, None] * share)
        today = np.minimum(chances[:, None] * self._noise(rng), 1.0)
        again = rng.binomial(clicks, self.twice)
        hits = rng.binomial(clicks - again, today) + 2 * rng.binomial(again, today)
        clicks, converted = clicks + again, self._later(rng, hits)
        return judge(
            [
                Observation(row, 1, 1, "digital", "click", counts, exposure)
                for row, (counts, exposure) in enumerate(
                    zip(converted.tolist(), clicks.astype(float).tolist(), strict=True)
                )
            ],
            PROPORTIONS,
        )

    def _noise(self, rng: np.random.Generator) -> Floats:
        if not self.restless:
            return np.ones((1, 1))
        return rng.gamma(1.0 / self.restless, self.restless, (TOUCHPOINTS, self.days))

    def _later(self, rng: np.random.Generator, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Each on the day it occurs; what occurs after the period is on its last day."""
        if not self.late:
            return counts
        found = np.zeros_like(counts)
        for row, day in zip(*np.nonzero(counts), strict=True):
            delay = rng.geometric(1.0 / (1.0 + self.late), counts[row, day]) - 1
            np.add.at(found[row], np.minimum(day + delay, self.days - 1), 1)
        return found


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(World(days=7, clicks=1_000, chance=0.1), marks=pytest.mark.soak),
        pytest.param(World(chance=0.3, clicks=500), marks=pytest.mark.soak),
        World(days=7, restless=0.2, sizes=1.0),
        pytest.param(World(busy_days=True, clicks=2_000), marks=pytest.mark.soak),
        World(clicks=300, chance=0.02),
        World(clicks=420, chance=0.3, twice=0.2),
        pytest.param(World(90, clicks=270, chance=0.7, twice=0.2), marks=pytest.mark.soak),
        pytest.param(
            World(7, clicks=105, chance=0.3, sizes=0.7, twice=0.2), marks=pytest.mark.soak
        ),
    ],
    ids=str,
)
def test_twenty_equal_touchpoints_are_called_equal(world: World) -> None:
    rng = np.random.default_rng(20_260_311)
    chances = np.full(TOUCHPOINTS, world.chance)
    runs = 1_000
    named = sum(
        any(each.verdict in ("best", "worst") for each in world.report(rng, chances))
        for _ in range(runs)
    )
    assert named / runs <= 0.065


@pytest.mark.parametrize("chance", [0.3, 0.8])
def test_intervals_hold_where_visitors_click_twice_alike(chance: float) -> None:
    """Twice by one visitor says no more than once: the binomial's variance is a third too small."""
    rng, world = np.random.default_rng(3), World(clicks=1_700, chance=chance, twice=0.2)
    covered = [
        each.low is not None and each.high is not None and each.low <= chance <= each.high
        for _ in range(100)
        for each in world.report(rng, np.full(TOUCHPOINTS, chance))
    ]
    assert 0.93 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize(
    "world",
    [
        pytest.param(World(clicks=4_000), marks=pytest.mark.soak),
        World(clicks=4_000, late=3.0, days=14),
        World(clicks=400, chance=0.3),
        pytest.param(World(clicks=20_000, restless=0.3), marks=pytest.mark.soak),
    ],
    ids=str,
)
def test_half_and_double_the_chance_are_found(world: World, factor: float) -> None:
    rng = np.random.default_rng(7)
    chances = np.full(TOUCHPOINTS, world.chance)
    chances[11] *= factor
    wanted = "worst" if factor < 1 else "best"
    assert sum(world.report(rng, chances)[11].verdict == wanted for _ in range(100)) >= 90


@pytest.mark.parametrize(
    "world",
    [World(clicks=6_000), World(clicks=20_000, restless=0.3), World(clicks=700, chance=0.25)],
    ids=str,
)
def test_real_spread_gets_true_verdicts_and_honest_intervals(world: World) -> None:
    rng = np.random.default_rng(11)
    verdicts = wrong = covered = 0
    runs = 100
    weight = 4.0 / world.chance
    for _ in range(runs):
        chances = rng.beta(4.0, weight - 4.0, TOUCHPOINTS)
        peers = (chances.sum() - chances) / (TOUCHPOINTS - 1)
        judged = world.report(rng, chances)
        for chance, mean, judgement in zip(chances, peers, judged, strict=True):
            verdicts += judgement.verdict in ("best", "worst")
            wrong += judgement.verdict == ("best" if chance < mean else "worst")
            assert judgement.low is not None
            assert judgement.high is not None
            covered += judgement.low <= chance <= judgement.high
    cases = runs * TOUCHPOINTS
    assert verdicts / cases >= 0.5
    assert wrong / cases <= 0.01
    assert 0.93 <= covered / cases <= 0.97


def test_none_of_three_is_never_worst() -> None:
    """And a touchpoint on which every click converts, or more than that, is judged as well."""
    days = 7
    rows = [
        Observation(row, 1, 1, "digital", "click", [3] * days, [60.0] * days) for row in range(10)
    ]
    rows.append(Observation(10, 1, 1, "digital", "click", [0] * days, [3.0, *[0.0] * 6]))
    rows.append(Observation(11, 1, 1, "digital", "click", [90] * days, [60.0] * days))
    rows.append(Observation(12, 1, 1, "digital", "click", [0] * days, [0.0] * days))
    *_, none_of_three, more_than_all, no_click = judge(rows, PROPORTIONS)
    assert none_of_three.verdict == "too_early"
    assert none_of_three.low == 0.0
    assert more_than_all.verdict == "best"
    assert (more_than_all.rate, no_click.verdict) == (1.0, "no_reach")
    assert more_than_all.high is not None
    assert more_than_all.high <= 1.0
