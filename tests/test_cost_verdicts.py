"""Are verdicts on costs true? Seeded simulations with known costs, and who is judged at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linkservice.reports.cost_judging import BYS, CostVerdicts, Paid, _told, judge_costs
from linkservice.reports.dispersion import dispersion
from linkservice.reports.ranking import Judgement
from linkservice.reports.standard import median_of_others

TOUCHPOINTS = 20
BASKET = 4_000.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """How visitors, and orders of theirs, come of money; `restless` is the variance of a day's
    multiplier, `sizes` the standard deviation of the logarithm of what was spent on each.
    """

    touchpoints: int = TOUCHPOINTS
    days: int = 28
    cost: float = 30_000  # cents on each touchpoint, usually
    per_visitor: float = 100.0
    buying: float = 0.2
    restless: float = 0.3
    sizes: float = 0.7
    on_one_day: bool = False

    def paid(
        self, rng: np.random.Generator, worth: Floats, share: Floats | float = 1.0
    ) -> list[Paid]:
        """Touchpoints that bring `worth` ÷ `per_visitor` visitors for a cent, on which `share` of
        what is usual was spent.
        """
        spent = share * self.cost * np.exp(rng.normal(0.0, self.sizes, self.touchpoints))
        daily = np.repeat(spent[:, None] / self.days, self.days, axis=1)
        noise = rng.gamma(1.0 / self.restless, self.restless, daily.shape)
        visitors = rng.poisson(worth[:, None] / self.per_visitor * daily * noise)
        orders = rng.binomial(visitors, self.buying)
        rows = np.repeat(np.arange(orders.size), orders.ravel())
        money = np.bincount(rows, BASKET * rng.lognormal(-0.5, 1.0, len(rows)), orders.size)
        money = money.reshape(daily.shape)
        if self.on_one_day:
            daily = np.zeros_like(daily)
            daily[:, 0] = spent
        return [
            Paid(row, 1, 1, "digital", daily[row], visitors[row], orders[row], money[row])
            for row in range(self.touchpoints)
        ]

    def report(
        self, rng: np.random.Generator, worth: Floats, share: Floats | float = 1.0
    ) -> dict[int, CostVerdicts]:
        """The verdicts on them."""
        return judge_costs(self.paid(rng, worth, share))


@pytest.mark.parametrize(
    ("world", "runs"),
    [
        pytest.param(World(), 300),
        pytest.param(World(), 1_000, marks=pytest.mark.soak),
        pytest.param(World(restless=1.0, days=7), 1_000, marks=pytest.mark.soak),
        pytest.param(World(cost=200_000, restless=1.0, sizes=1.5), 1_000, marks=pytest.mark.soak),
        pytest.param(World(cost=1_000, sizes=1.5), 1_000, marks=pytest.mark.soak),
        pytest.param(World(touchpoints=4, sizes=1.5), 1_000, marks=pytest.mark.soak),
        pytest.param(World(on_one_day=True), 1_000, marks=pytest.mark.soak),
        pytest.param(World(buying=0.01), 1_000, marks=pytest.mark.soak),
    ],
    ids=str,
)
def test_of_twenty_as_dear_as_each_other_none_is_named_by_any_figure(
    world: World, runs: int
) -> None:
    rng = np.random.default_rng(20_261_128)
    named = sum(
        any(
            verdict.verdict in ("best", "worst")
            for verdicts in world.report(rng, np.ones(world.touchpoints)).values()
            for verdict in verdicts.values()
        )
        for _ in range(runs)
    )
    assert named / runs <= 0.065


@pytest.mark.parametrize(("factor", "wanted"), [(1 / 3, "worst"), (3.0, "best")])
def test_three_times_as_dear_and_as_cheap_are_found(factor: float, wanted: str) -> None:
    rng = np.random.default_rng(7)
    worth = np.ones(TOUCHPOINTS)
    worth[11] = factor
    world = World(cost=120_000)
    found = [world.report(rng, worth)[11] for _ in range(30)]
    for by in BYS:
        assert sum(each[by].verdict == wanted for each in found) >= 24, by


_SPREAD = World(cost=150_000, restless=0.2)


@pytest.mark.parametrize(
    ("world", "runs"),
    [
        pytest.param(_SPREAD, 100),
        pytest.param(_SPREAD, 1_000, marks=pytest.mark.soak),
        pytest.param(replace(_SPREAD, touchpoints=6), 1_000, marks=pytest.mark.soak),
    ],
    ids=str,
)
def test_real_spread_gets_true_verdicts_and_honest_intervals(world: World, runs: int) -> None:
    rng = np.random.default_rng(11)
    verdicts = wrong = covered = multiples = 0
    for _ in range(runs):
        worth = rng.gamma(4.0, 0.25, world.touchpoints)
        paid = world.paid(rng, worth)
        found, error = judge_costs(paid), _error_of_the_median(paid)
        for row, true in enumerate(worth):
            others = float(np.median(np.delete(worth, row)))
            each = found[row]["cost_per_visitor"]
            verdicts += each.verdict in ("best", "worst")
            wrong += each.verdict == ("best" if true < others else "worst")
            assert each.high is not None
            assert each.peers is not None
            assert each.peers.median is not None
            covered += each.low <= world.per_visitor / true <= each.high
            # How many times the others it is: of the figure and of the median, on the log scale.
            own = np.log(each.high / each.low) / 2.0
            told = np.log(np.sqrt(each.low * each.high) / each.peers.median)
            multiples += abs(told - np.log(others / true)) <= np.hypot(own, 1.96 * error[row])
    cases = runs * world.touchpoints
    assert verdicts / cases >= 0.5
    assert wrong / cases <= 0.01
    assert 0.93 <= covered / cases <= 0.97
    assert 0.93 <= multiples / cases <= 0.97


def _error_of_the_median(paid: list[Paid]) -> Floats:
    counts = np.array([each.visitors for each in paid], np.float64)
    cost = np.array([each.cost for each in paid])
    phi = dispersion(counts, cost).phi
    made = median_of_others(counts.sum(axis=1), cost.sum(axis=1), phi, lambda rate: rate)
    return np.sqrt(made.error)


@pytest.mark.parametrize(
    ("world", "share", "runs"),
    [
        pytest.param(World(), 1.0, 30),
        pytest.param(World(touchpoints=4, cost=300_000), 1.0, 100),
        pytest.param(World(), 1.0, 1_000, marks=pytest.mark.soak),
        pytest.param(World(cost=200_000, restless=0.1), 0.05, 1_000, marks=pytest.mark.soak),
        pytest.param(World(touchpoints=4, cost=300_000), 1.0, 1_000, marks=pytest.mark.soak),
        pytest.param(
            World(touchpoints=6, cost=1_000_000, restless=0.1), 1.0, 1_000, marks=pytest.mark.soak
        ),
    ],
    ids=str,
)
def test_one_a_hundred_times_as_cheap_makes_nobody_else_dear(
    world: World, share: float, runs: int
) -> None:
    """With a mean of the others in place of their median, another is worst in all reports."""
    rng = np.random.default_rng(5)
    worth, spent = np.ones(world.touchpoints), np.ones(world.touchpoints)
    worth[0], spent[0] = 100.0, share
    dear = cheap = 0
    for _ in range(runs):
        first, *others = world.report(rng, worth, spent).values()
        cheap += first["cost_per_visitor"].verdict == "best"
        dear += any(each.verdict == "worst" for told in others for each in told.values())
    assert cheap / runs >= 0.99
    assert dear / runs <= 0.065


@pytest.mark.parametrize("beside", [1.0, 100.0])
@pytest.mark.parametrize("runs", [20, pytest.param(1_000, marks=pytest.mark.soak)])
def test_nothing_for_very_little_money_is_never_worst(beside: float, runs: int) -> None:
    rng = np.random.default_rng(3)
    worth, spent = np.ones(TOUCHPOINTS), np.ones(TOUCHPOINTS)
    worth[0], worth[1], spent[0] = 0.0, beside, 0.003
    for _ in range(runs):
        told = World().report(rng, worth, spent)[0]
        assert not [each for each in told.values() if each.verdict == "worst"]


def _paid(row: int, **more: Any) -> Paid:
    known: dict[str, Any] = {
        "cost": [100.0] * 10,
        "visitors": [50.0] * 10,
        "conversions": [5.0] * 10,
        "value": [1_000.0] * 10,
    }
    days = {
        name: None if each is None else np.array(each, np.float64)
        for name, each in (known | more).items()
    }
    return Paid(row, 1, 1, "digital", **days)


def test_what_was_spent_for_nobody_is_the_worst_without_an_upper_end() -> None:
    nothing = [0.0] * 10
    empty = _paid(9, visitors=nothing, conversions=nothing, value=nothing)
    found = judge_costs([*map(_paid, range(9)), empty])
    dear = found[9]["cost_per_visitor"]
    assert (dear.verdict, dear.high) == ("worst", None)
    assert dear.low > 2.0
    assert dear.peers is not None
    assert (dear.peers.group, dear.peers.count) == ("stage_and_kind", 9)
    assert dear.peers.median == pytest.approx(2.0, rel=1e-3)
    back = found[9]["return_on_cost"]
    assert (back.verdict, back.low) == ("worst", 0.0)
    assert back.peers is not None
    assert back.peers.median == pytest.approx(10.0, rel=2e-2)


def test_what_may_be_dearer_than_anybody_can_spend_has_no_upper_end() -> None:
    """Such an end has more digits than an amount is written with."""
    judgement = Judgement(1, "no_peers", 1e-5, 1e-40, 1e-3, None, None)
    verdict = _told(judgement, "cost_per_conversion", 1.0)
    assert (verdict.low, verdict.high) == (1_000.0, None)


def test_nobody_of_little_money_proves_nothing() -> None:
    few = _paid(9, cost=[1.0, *[0.0] * 9], visitors=[0.0] * 10)
    found = judge_costs([*map(_paid, range(9)), few])[9]["cost_per_visitor"]
    assert found.verdict == "too_early"
    assert found.more_cost_needed


def test_what_is_not_known_is_not_judged() -> None:
    paid = [
        *map(_paid, range(4)),
        _paid(4, value=None),
        _paid(5, conversions=None, value=None),
    ]
    found = judge_costs(paid)
    assert list(found[3]) == list(BYS)
    assert list(found[4]) == ["cost_per_visitor", "cost_per_conversion"]
    assert list(found[5]) == ["cost_per_visitor"]
    three = judge_costs(paid[:3])
    assert {each.verdict for verdicts in three.values() for each in verdicts.values()} == {
        "no_peers"
    }
    unsold = judge_costs([_paid(row, conversions=[0.0] * 10, value=[0.0] * 10) for row in range(4)])
    assert {tuple(each) for each in unsold.values()} == {("cost_per_visitor",)}
    assert judge_costs([]) == {}


def test_three_times_the_cost_is_three_times_the_figure() -> None:
    dear = _paid(0, cost=[300.0] * 10)
    found = judge_costs([dear, *map(_paid, range(1, 8))])
    one, other = found[0]["cost_per_visitor"], found[1]["cost_per_visitor"]
    assert one.verdict == "worst"
    assert one.low < 6.0 < (one.high or 0.0)
    assert other.low < 2.0 < (other.high or 0.0)
    assert one.peers is not None
    assert one.peers.median == pytest.approx(2.0, rel=1e-3)
