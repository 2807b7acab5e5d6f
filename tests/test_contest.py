"""Which of some links brings more visitors: seeded simulations with a known truth, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkservice.reports.contest import LEAST_DAYS, Standing, judge_links

Days = NDArray[np.int64]


def drawn(
    random: np.random.Generator, means: list[float], days: int, own: float, shared: float
) -> Days:
    """Visitors of each link on each day: gamma multipliers of variance `own` for each link's days
    and `shared` for the days of all.
    """
    weather = random.gamma(1 / shared, shared, days) if shared else np.ones(days)
    luck = random.gamma(1 / own, own, (len(means), days)) if own else np.ones((len(means), days))
    return random.poisson(np.array(means)[:, None] * weather * luck)


def judged(visitors: Days) -> dict[int, Standing]:
    found = judge_links(dict(enumerate(visitors)))
    return {each.link_id: each for each in found}


@pytest.mark.parametrize("links", [2, 3, 6])
@pytest.mark.parametrize(("own", "shared"), [(0.0, 0.0), (0.1, 0.5), (0.5, 0.0)])
def test_among_equal_links_hardly_any_is_named(links: int, own: float, shared: float) -> None:
    random = np.random.default_rng(2026)
    named = covered = 0
    for _ in range(300):
        found = judged(drawn(random, [8.0] * links, 28, own, shared))
        named += any(each.verdict in ("best", "worst") for each in found.values())
        covered += sum(each.low <= 1 / links <= each.high for each in found.values())
    assert named <= 0.065 * 300
    assert 0.93 <= covered / (300 * links) <= 0.985


@pytest.mark.parametrize(("own", "found_at_least"), [(0.0, 0.98), (0.1, 0.9), (0.5, 0.35)])
def test_a_link_with_twice_the_visitors_is_found(own: float, found_at_least: float) -> None:
    random = np.random.default_rng(7)
    best = wrong = covered = 0
    for _ in range(300):
        found = judged(drawn(random, [10.0, 20.0], 28, own, 0.3))
        best += found[1].verdict == "best" and found[0].verdict == "worst"
        wrong += found[0].verdict == "best"
        covered += found[1].low <= 2 / 3 <= found[1].high
    assert best >= found_at_least * 300
    assert wrong == 0
    assert 0.93 <= covered / 300 <= 0.985


@given(
    st.lists(
        st.lists(st.integers(0, 10**6), min_size=LEAST_DAYS, max_size=LEAST_DAYS),
        min_size=2,
        max_size=8,
    ).filter(lambda links: any(map(any, links)))
)
def test_whatever_came_shares_are_shares(links: list[list[int]]) -> None:
    found = judge_links(dict(enumerate(links)))
    assert sum(each.share for each in found) == pytest.approx(1.0)
    assert [each.share for each in found] == sorted((each.share for each in found), reverse=True)
    for each in found:
        assert each.visitors == sum(links[each.link_id])
        assert 0.0 <= each.low <= each.high <= 1.0
        assert (each.more_visitors_needed is not None) == (each.verdict == "too_early")
        if each.verdict in ("best", "worst"):
            assert (each.share > 1 / len(links)) == (each.verdict == "best")


@given(st.lists(st.integers(0, 50), min_size=2 * LEAST_DAYS, max_size=2 * LEAST_DAYS))
def test_whose_the_links_are_does_not_matter(visitors: list[int]) -> None:
    first, second = visitors[:LEAST_DAYS], visitors[LEAST_DAYS:]
    if not any(visitors):
        return
    one = {each.link_id: each for each in judge_links({1: first, 2: second})}
    other = {each.link_id: each for each in judge_links({1: second, 2: first})}
    assert (one[1].verdict, one[1].low, one[1].high) == (
        other[2].verdict,
        other[2].low,
        other[2].high,
    )


def test_one_restless_day_proves_nothing() -> None:
    """Three school classes that scanned one poster are three events."""
    quiet = [5] * 28
    classes = [5] * 25 + [90, 0, 90]
    (first, second) = judge_links({1: quiet, 2: classes})
    assert (first.link_id, first.verdict, second.verdict) == (2, "too_early", "too_early")
    steady = [9] * 28
    assert [each.verdict for each in judge_links({1: quiet, 2: steady})] == ["best", "worst"]


def test_what_is_proven_to_be_equal_is_said_to_be() -> None:
    found = judge_links({1: [400] * 28, 2: [404] * 28})
    assert {each.verdict for each in found} == {"as_expected"}


def test_what_is_still_needed_proves_it() -> None:
    first, second = [3, 4, 5, 4] * 7, [4, 5, 6, 6] * 7
    (found, _) = judge_links({1: first, 2: second})
    assert found.verdict == "too_early"
    assert found.more_visitors_needed is not None
    times = 1 + found.more_visitors_needed / sum(first + second)
    longer = int(np.ceil(times * 1.05))
    (later, _) = judge_links({1: first * longer, 2: second * longer})
    assert later.verdict == "best"


@pytest.mark.parametrize(
    "links", [{1: [1] * 14}, {1: [1] * 13, 2: [1] * 13}, {1: [0] * 14, 2: [0] * 14}]
)
def test_a_contest_takes_two_links_and_days(links: dict[int, list[int]]) -> None:
    with pytest.raises(ValueError, match="two links"):
        judge_links(links)
