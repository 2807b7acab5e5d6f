"""Are verdicts on costs true? Seeded simulations with known costs, and who is judged at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linkservice.reports.cost_judging import BYS, CostVerdicts, Paid, judge_costs

TOUCHPOINTS = 20
BASKET = 4_000.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """How visitors, and orders of theirs, come of money; `restless` is the variance of a day's
    multiplier, `sizes` the standard deviation of the logarithm of what was spent on each.
    """

    days: int = 28
    cost: float = 30_000  # cents on each touchpoint, usually
    per_visitor: float = 100.0
    buying: float = 0.2
    restless: float = 0.3
    sizes: float = 0.7
    on_one_day: bool = False

    def report(self, rng: np.random.Generator, worth: Floats) -> dict[int, CostVerdicts]:
        """Of touchpoints that bring `worth` ÷ `per_visitor` visitors for a cent."""
        spent = self.cost * np.exp(rng.normal(0.0, self.sizes, TOUCHPOINTS))
        daily = np.repeat(spent[:, None] / self.days, self.days, axis=1)
        noise = rng.gamma(1.0 / self.restless, self.restless, daily.shape)
        visitors = rng.poisson(worth[:, None] / self.per_visitor * daily * noise)
        orders = rng.binomial(visitors, self.buying)
        rows = np.repeat(np.arange(orders.size), orders.ravel())
        money = np.bincount(rows, BASKET * rng.lognormal(-0.5, 1.0, len(rows)), orders.size)
        if self.on_one_day:
            daily = np.zeros_like(daily)
            daily[:, 0] = spent
        return judge_costs(
            [
                Paid(
                    row,
                    1,
                    1,
                    "digital",
                    daily[row],
                    visitors[row],
                    orders[row],
                    money.reshape(daily.shape)[row],
                )
                for row in range(TOUCHPOINTS)
            ]
        )


@pytest.mark.parametrize(
    ("world", "runs"),
    [
        pytest.param(World(), 300),
        pytest.param(World(), 1_000, marks=pytest.mark.soak),
        pytest.param(World(restless=1.0, days=7), 1_000, marks=pytest.mark.soak),
        pytest.param(World(cost=200_000, restless=1.0), 1_000, marks=pytest.mark.soak),
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
            for verdicts in world.report(rng, np.ones(TOUCHPOINTS)).values()
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


def test_real_spread_gets_true_verdicts_and_honest_intervals() -> None:
    rng, world = np.random.default_rng(11), World(cost=150_000, restless=0.2)
    verdicts = wrong = covered = 0
    runs = 40
    for _ in range(runs):
        worth = rng.gamma(4.0, 0.25, TOUCHPOINTS)
        peers = (worth.sum() - worth) / (TOUCHPOINTS - 1)
        found = world.report(rng, worth)
        for row, (true, mean) in enumerate(zip(worth, peers, strict=True)):
            each = found[row]["cost_per_visitor"]
            verdicts += each.verdict in ("best", "worst")
            wrong += each.verdict == ("best" if true < mean else "worst")
            assert each.high is not None
            covered += each.low <= world.per_visitor / true <= each.high
    cases = runs * TOUCHPOINTS
    assert verdicts / cases >= 0.5
    assert wrong / cases <= 0.01
    assert 0.93 <= covered / cases <= 0.97


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
    assert dear.peers.mean == pytest.approx(2.0)
    back = found[9]["return_on_cost"]
    assert (back.verdict, back.low) == ("worst", 0.0)
    assert back.peers is not None
    assert back.peers.mean == pytest.approx(10.0)


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
    assert one.peers.mean == pytest.approx(2.0)
