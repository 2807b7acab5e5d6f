"""The estimates: gamma beliefs, shrinkage, families of tests, and the restlessness of days."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.reports.dispersion import Floats, dispersion, own_course, weekly_rhythm
from linkservice.reports.statistics import (
    Gamma,
    chance_of_gap,
    gamma_of,
    holm,
    shrink,
    variance_between,
)


def one(value: float) -> Floats:
    return np.array([value])


def binomial_at_most(most: int, trials: int, chance: float) -> float:
    return sum(
        math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(most + 1)
    )


def test_the_interval_holds_its_probability() -> None:
    belief = Gamma(one(7.0), one(200.0))
    low, high = belief.interval()
    assert belief.below(low)[0] == pytest.approx(0.025)
    assert belief.below(high)[0] == pytest.approx(0.975)


def test_shrinking_moves_a_rate_towards_the_prior_and_less_with_more_reach() -> None:
    prior = gamma_of(one(0.04), one(0.25))
    assert prior.mean[0] == pytest.approx(0.04)
    little = shrink(prior, one(2.0), one(100.0), one(1.0)).mean[0]
    much = shrink(prior, one(200.0), one(10_000.0), one(1.0)).mean[0]
    assert 0.02 < much < little < 0.04


def test_dispersion_widens_the_interval_by_its_root() -> None:
    flat = Gamma(one(0.5), one(1e-9))
    calm_low, calm_high = shrink(flat, one(900.0), one(1e4), one(1.0)).interval()
    low, high = shrink(flat, one(900.0), one(1e4), one(4.0)).interval()
    assert (high - low)[0] / (calm_high - calm_low)[0] == pytest.approx(2.0, rel=0.01)


def test_comparing_two_uncertain_rates_is_the_exact_conditional_test() -> None:
    """9 of 1,000 against 40 of 2,000: given 49 in all, 9 or fewer with chance 1/3 each."""
    p_value = chance_of_gap(one(9.0), one(1000.0), one(1.0), Gamma(one(40.0), one(2000.0)))
    assert p_value[0] == pytest.approx(2 * binomial_at_most(9, 49, 1 / 3), rel=1e-9)


def test_comparing_with_an_exact_rate_is_the_poisson_tail() -> None:
    expected = 2 * sum(math.exp(-8.0) * 8.0**k / math.factorial(k) for k in range(3))
    assert chance_of_gap(one(2.0), one(400.0), one(1.0), one(0.02))[0] == pytest.approx(expected)


def test_an_uncertain_bound_makes_a_probability_less_extreme() -> None:
    rate = Gamma(one(20.0), one(1000.0))
    exact = rate.below(one(0.03))[0]
    uncertain = rate.below(gamma_of(one(0.03), one(0.1)))[0]
    assert 0.5 < uncertain < exact


def test_equal_rates_have_no_variance_between_them_and_different_ones_have() -> None:
    noise = np.full(6, 0.0001)
    assert variance_between(np.full(6, 0.05), noise)[0] == 0.0
    rates = np.array([0.02, 0.04, 0.06, 0.08, 0.1, 0.12])
    between, error = variance_between(rates, noise)
    assert between == pytest.approx(float(np.var(rates, ddof=1)) - 0.0001, rel=1e-6)
    assert error > 0


def test_holm_divides_the_level_by_the_hypotheses_that_are_left() -> None:
    assert holm(np.array([0.03, 0.016, 0.2, 0.012]), 0.05).tolist() == [False, True, False, True]
    assert holm(np.array([0.02, 0.02, 0.02]), 0.05).tolist() == [False, False, False]
    assert holm(np.array([]), 0.05).tolist() == []


def days(rng: np.random.Generator, shape: Floats, variance: float, rows: int = 20) -> Floats:
    noise = rng.gamma(1 / variance, variance, (rows, len(shape))) if variance else 1.0
    return rng.poisson(shape * noise, (rows, len(shape))).astype(np.float64)


@pytest.mark.parametrize(("variance", "phi"), [(0.0, 1.0), (0.1, 5.0), (0.225, 10.0)])
def test_dispersion_of_even_reach_is_found(variance: float, phi: float) -> None:
    rng = np.random.default_rng(1)
    found = dispersion(days(rng, np.full(28, 40.0), variance), np.full((20, 28), 500.0))
    assert np.median(found.phi) == pytest.approx(phi, rel=0.15)


@pytest.mark.parametrize(("variance", "phi"), [(0.0, 1.0), (0.2, 8.25)])
def test_reach_in_one_lump_leaves_the_shared_response_as_the_yardstick(
    variance: float, phi: float
) -> None:
    """60 days of ebbing scans after a print run on day 1; φ = 1 + v Σμ² ÷ Σμ."""
    shape = 70.0 * np.exp(-np.arange(60) / 20)
    lump = np.zeros((20, 60))
    lump[:, 0] = 50_000.0
    found = dispersion(days(np.random.default_rng(2), shape, variance), lump)
    assert np.median(found.phi) == pytest.approx(phi, rel=0.2)


def test_staggered_lumps_share_the_response_by_age() -> None:
    rng = np.random.default_rng(3)
    counts, lump = np.zeros((8, 60)), np.zeros((8, 60))
    for row in range(8):
        lump[row, 4 * row] = 9_000.0
        shape = 300.0 * np.exp(-np.arange(60 - 4 * row) / 6)
        counts[row, 4 * row :] = rng.poisson(shape)
    assert dispersion(counts, lump).phi.max() < 1.6


def test_a_lone_lump_is_compared_with_its_own_ebb() -> None:
    counts = np.array([[400.0, 130.0, 45.0, 14.0, 6.0, 2.0, 0.0, 1.0]])
    lump = np.array([[9000.0] + [0.0] * 7])
    assert dispersion(counts, lump).phi[0] < 1.5


def test_the_own_course_rises_once_and_then_ebbs() -> None:
    mean, share = own_course(np.array([1.0, 5.0, 9.0, 2.0, 4.0, 1.0]), np.ones(6))
    assert mean.tolist() == [1.0, 5.0, 9.0, 3.0, 3.0, 1.0]
    assert share.tolist() == [1.0, 1.0, 1.0, 0.5, 0.5, 1.0]


def test_traffic_on_a_single_day_says_nothing_about_the_days() -> None:
    counts = np.zeros((20, 28))
    counts[:, 9] = 120.0
    for exposure in (np.full((20, 28), 100.0), np.eye(28)[[0] * 20] * 2800.0):
        assert dispersion(counts, exposure).phi.tolist() == [1.0] * 20


def test_a_weekly_rhythm_is_taken_out_and_chance_is_not() -> None:
    rng = np.random.default_rng(4)
    week = np.array([1.3, 1.2, 1.2, 1.2, 1.3, 0.7, 0.1])
    reach = np.full((10, 28), 1000.0)
    shop = days(rng, 50.0 * np.tile(week, 4), 0.0, rows=10)
    assert weekly_rhythm(shop, reach)[:7] == pytest.approx(week, abs=0.1)
    assert dispersion(shop, reach).phi.max() < 1.6
    restless = days(rng, np.full(28, 50.0), 0.1, rows=10)
    assert weekly_rhythm(restless, reach).tolist() == [1.0] * 28


def test_mailings_of_different_weekdays_share_their_week_beside_their_course() -> None:
    rng = np.random.default_rng(6)
    week = np.tile([1.3, 1.2, 1.2, 1.2, 1.3, 0.7, 0.1], 4)
    sent = rng.integers(0, 14, 20)
    age = np.arange(28) - sent[:, None]
    ebbing = np.where(age < 0, 0.0, np.exp(-age / 5.0))
    counts = rng.poisson(20.0 * ebbing * week).astype(float)
    restless = rng.poisson(20.0 * ebbing * week * rng.gamma(2.0, 0.5, (20, 28))).astype(float)
    reach = np.eye(28)[sent] * 10_000.0
    assert dispersion(counts, reach).phi.mean() < 1.3
    assert dispersion(restless, reach).phi.mean() > 4.0


def test_large_touchpoints_are_restless_in_proportion() -> None:
    """Daily multipliers of variance 0.1: φ is 2 at 10 a day and 21 at 200 a day."""
    rng = np.random.default_rng(5)
    sizes = np.repeat([10.0, 200.0], 10)[:, None]
    counts = rng.poisson(sizes * rng.gamma(10, 0.1, (20, 28))).astype(np.float64)
    phi = dispersion(counts, np.repeat(sizes * 50, 28, axis=1)).phi
    assert np.median(phi[:10]) == pytest.approx(2.0, rel=0.25)
    assert np.median(phi[10:]) == pytest.approx(21.0, rel=0.25)


def test_few_days_are_trusted_less_than_many() -> None:
    counts = np.tile(np.array([[5.0, 20.0]]), (3, 1))
    few = dispersion(counts, np.ones_like(counts)).phi[0]
    many = dispersion(np.tile(counts, (1, 20)), np.ones((3, 40))).phi[0]
    assert few > 1.5 * many


amounts = st.one_of(st.just(0.0), st.integers(1, 10**7).map(float), st.floats(0.001, 1e6))
tables = st.tuples(st.integers(1, 6), st.integers(1, 30)).flatmap(
    lambda size: st.tuples(
        *(
            st.lists(
                st.lists(amounts, min_size=size[1], max_size=size[1]),
                min_size=size[0],
                max_size=size[0],
            )
            for _ in range(2)
        )
    )
)


@given(tables)
def test_dispersion_is_finite_and_at_least_one(
    table: tuple[list[list[float]], list[list[float]]],
) -> None:
    found = dispersion(np.array(table[0]), np.array(table[1]))
    for phi in (found.phi, found.at(found.totals * 0), found.at_least(found.totals * 100)):
        assert np.isfinite(phi).all()
        assert (phi >= 1.0).all()
