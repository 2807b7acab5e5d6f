"""Are verdicts on trends true? Seeded simulations of touchpoints whose rates changed alike, and of
some that did not. As `test_verdict_simulations`: 20 touchpoints of one stage and kind, 1,000 runs,
some worlds left to `make soak`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from linkservice.reports.movement import Moved, judge_movement
from linkservice.reports.ranking import Judgement, Observation

TOUCHPOINTS = 20
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """How visitors come about; `size` are those of the period before, `drift` what all changed by,
    `restless` the variance of a day's multiplier.
    """

    days: int = 28
    size: float = 300
    drift: float = 0.7
    restless: float = 0.0
    sizes: float = 0.0  # standard deviation of log size
    common_noise: bool = False
    closed_sundays: bool = False
    other_reach: bool = False  # the reach now is not that before

    def report(self, rng: np.random.Generator, change: Floats) -> list[Judgement]:
        size = self.size * np.exp(rng.normal(0.0, self.sizes, TOUCHPOINTS))
        reach = np.exp(rng.normal(0.0, 0.7 * self.other_reach, TOUCHPOINTS))
        before = self._days(rng, size)
        now = self._days(rng, size * reach * change * self.drift)
        return judge_movement(
            [
                Moved(self._row(row, now[row], reach[row]), self._row(row, before[row], 1.0))
                for row in range(TOUCHPOINTS)
            ]
        )

    def _row(self, row: int, counts: NDArray[np.int64], reach: float) -> Observation:
        return Observation(row, 1, 1, "digital", "day", counts.tolist(), [reach] * self.days)

    def _days(self, rng: np.random.Generator, total: Floats) -> NDArray[np.int64]:
        rhythm = np.ones(self.days)
        if self.closed_sundays:
            rhythm[6::7] = 0.1
        noise = np.ones((1, 1))
        if self.restless:
            rows = 1 if self.common_noise else TOUCHPOINTS
            noise = rng.gamma(1.0 / self.restless, self.restless, (rows, self.days))
        return rng.poisson(total[:, None] * rhythm / rhythm.sum() * noise)


@pytest.mark.parametrize(
    "world",
    [
        World(restless=0.3),
        pytest.param(World(days=7, size=100), marks=pytest.mark.soak),
        pytest.param(World(days=7, restless=1.0), marks=pytest.mark.soak),
        pytest.param(
            World(size=3_000, restless=1.0, sizes=1.0, common_noise=True), marks=pytest.mark.soak
        ),
        pytest.param(World(size=1_000, restless=0.2, closed_sundays=True), marks=pytest.mark.soak),
        pytest.param(World(restless=0.5, sizes=1.0, other_reach=True), marks=pytest.mark.soak),
        pytest.param(World(days=7, size=2_000, restless=3.0), marks=pytest.mark.soak),
    ],
    ids=str,
)
def test_twenty_that_changed_alike_are_called_alike(world: World) -> None:
    rng = np.random.default_rng(20_260_313)
    runs = 1_000
    named = sum(
        any(each.verdict in ("best", "worst") for each in world.report(rng, np.ones(TOUCHPOINTS)))
        for _ in range(runs)
    )
    assert named / runs <= 0.065


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize(
    "world", [World(size=250, days=7), World(size=2_500, restless=0.2, other_reach=True)], ids=str
)
def test_who_halves_or_doubles_among_the_others_is_found(world: World, factor: float) -> None:
    rng = np.random.default_rng(7)
    change = np.ones(TOUCHPOINTS)
    change[11] = factor
    wanted = "worst" if factor < 1 else "best"
    assert sum(world.report(rng, change)[11].verdict == wanted for _ in range(50)) >= 45


@pytest.mark.parametrize(
    "world",
    [World(), World(size=4_000, restless=0.1), World(size=1_000, sizes=1.0, other_reach=True)],
    ids=str,
)
def test_real_spread_gets_true_verdicts_and_honest_intervals(world: World) -> None:
    rng = np.random.default_rng(11)
    verdicts = wrong = covered = 0
    runs = 100
    for _ in range(runs):
        log = rng.normal(0.0, 0.45, TOUCHPOINTS)
        peers = (log.sum() - log) / (TOUCHPOINTS - 1)
        found = world.report(rng, np.exp(log))
        for true, mean, judgement in zip(log, peers, found, strict=True):
            verdicts += judgement.verdict in ("best", "worst")
            wrong += judgement.verdict == ("best" if true < mean else "worst")
            assert judgement.low is not None
            assert judgement.high is not None
            covered += judgement.low <= np.exp(true) * world.drift <= judgement.high
    cases = runs * TOUCHPOINTS
    assert verdicts / cases >= 0.5
    assert wrong / cases <= 0.01
    assert 0.93 <= covered / cases <= 0.97


def _moved(number: int, now: float, before: float, unit: str = "day", days: int = 7) -> Moved:
    row = Observation(number, 1, 1, "digital", unit, [now] * days, [1.0] * days)
    return Moved(row, replace(row, counts=[before] * days))


def test_what_cannot_be_compared_is_not_judged() -> None:
    """Nobody before, no day in common, three against one are no trend; nobody now is one."""
    usual = [_moved(number, 20, 20) for number in range(10)]
    nobody_before, nobody_now, few = _moved(10, 30, 0), _moved(11, 0, 20), _moved(12, 0, 1, days=7)
    few = replace(few, before=replace(few.before, counts=[1, 1, 1, 0, 0, 0, 0]))
    no_day = replace(_moved(13, 0, 20), now=replace(_moved(13, 0, 20).now, exposure=[0.0] * 7))
    other = [_moved(20 + number, 40, 10, "sent") for number in range(3)]
    found = judge_movement([*usual, nobody_before, nobody_now, few, no_day, *other])
    verdicts = {each.touchpoint_id: each for each in found}
    assert [verdicts[number].verdict for number in (10, 11, 12, 13)] == [
        "no_reach",
        "worst",
        "too_early",
        "no_reach",
    ]
    assert (verdicts[11].rate, verdicts[11].low) == (0.0, 0.0)
    assert [verdicts[number].verdict for number in (20, 21, 22)] == ["no_peers"] * 3
    assert verdicts[20].rate == pytest.approx(4.0)
    assert {each.verdict for each in found[:10]} == {"as_expected"}
    assert judge_movement([]) == []


def test_more_reach_is_no_rise() -> None:
    usual = [_moved(number, 20, 20, "sent") for number in range(10)]
    doubled = _moved(10, 40, 20, "sent")
    doubled = replace(doubled, now=replace(doubled.now, exposure=[2.0] * 7))
    found = judge_movement([*usual, doubled])[10]
    assert (found.verdict, found.rate) == ("as_expected", 1.0)
