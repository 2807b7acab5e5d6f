"""What is usual, when a difference is a change, and what is not judged at all."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkservice.reports.change import (
    HISTORY,
    LEAST_HISTORY,
    WINDOW,
    Judged,
    Series,
    false_discovery_rates,
    judge_changes,
)
from linkservice.reports.expected import Forecast

DAYS = HISTORY + WINDOW
WEEKDAYS = [day % 7 for day in range(DAYS)]
NO_HOLIDAYS = [False] * DAYS
LEVELS = (40, 44, 38, 36, 30, 12, 8)


def weekly(*, factor: float = 1.0) -> list[int]:
    """A touchpoint's days, with a little noise that is the same in every run."""
    rng = np.random.default_rng(3)
    return [int(rng.poisson(LEVELS[day] * factor)) for day in WEEKDAYS]


def judged(
    counts: list[int], *, age: int | None = 400, linked: bool = True, without: tuple[int, ...] = ()
) -> Judged:
    left_out = [day in without for day in range(DAYS)]
    return judge_changes([Series(counts, age, linked)], WEEKDAYS, left_out)[0]


def with_last(counts: list[int], *last: int) -> list[int]:
    return counts[: -len(last)] + list(last)


def test_a_quiet_weekend_is_usual() -> None:
    found = judged(weekly())
    assert found.change == "as_usual"
    day, three = found.windows
    assert (day.name, three.name) == ("yesterday", "three_days")
    assert (day.days, three.days) == (1, 3)
    wanted = sum(LEVELS[day] for day in WEEKDAYS[-3:])
    assert three.expected == pytest.approx(wanted, rel=0.1)
    assert three.low < three.expected < three.high
    assert three.visitors == sum(weekly()[-3:])


def test_a_loss_and_a_gain_are_told_by_the_window_that_shows_them() -> None:
    usual = weekly(factor=3)
    assert judged(with_last(usual, 60, 66, 57)).change == "below"
    assert judged(with_last(usual, 240, 264, 228)).change == "above"
    one_day = judged(with_last(usual, 0))
    assert (one_day.change, one_day.told) == ("below", "yesterday")
    assert judged(with_last(usual, 60, 66, 57)).told == "three_days"


def test_a_difference_must_matter() -> None:
    """A hundredth less of a hundred thousand is no chance, but nobody's concern either."""
    rng = np.random.default_rng(5)
    counts = rng.poisson(100_000, DAYS).tolist()
    assert judged(with_last(counts, 97_000, 97_000, 97_000)).change == "as_usual"
    assert judged(with_last(counts, 87_000, 87_000, 87_000)).change == "below"
    assert judged(with_last([0] * DAYS, 4)).change == "as_usual"
    assert judged(with_last([0] * DAYS, 40)).change == "above"


def test_a_day_on_television_is_no_new_usual() -> None:
    counts = weekly(factor=2)
    expected = judged(counts).windows[1].expected
    counts[30] = 2_000
    assert judged(counts).windows[1].expected == pytest.approx(expected, rel=0.15)


def test_holidays_are_neither_usual_nor_judged() -> None:
    usual = weekly(factor=3)
    assert judged(with_last(usual, 0)).change == "below"
    spared = judged(with_last(usual, 0), without=(DAYS - 1,))
    assert spared.change == "as_usual"
    assert [(window.name, window.days) for window in spared.windows] == [("three_days", 2)]
    last_days = tuple(range(DAYS - 3, DAYS))
    assert judged(with_last(usual, 0, 0, 0), without=last_days) == Judged("left_out")
    # The same weekday was a holiday twice: without it Tuesdays are as they are.
    twice = usual.copy()
    taken = (DAYS - 8, DAYS - 15)
    for day in taken:
        twice[day] = 0
    assert judged(twice, without=taken).windows[0].expected == pytest.approx(
        judged(usual).windows[0].expected, rel=0.05
    )


def test_what_cannot_be_judged_says_why() -> None:
    counts = weekly()
    assert judged(counts, linked=False) == Judged("no_link")
    never = judged([0] * DAYS, age=None)
    assert never == Judged("too_early", days_needed=LEAST_HISTORY)
    young = judged([0] * (DAYS - 10) + [30] * 10, age=9)
    assert young == Judged("too_early", days_needed=LEAST_HISTORY - 7)
    assert judged(counts, age=LEAST_HISTORY + WINDOW - 1).change == "as_usual"
    assert judged(counts, age=LEAST_HISTORY + WINDOW - 2).days_needed == 1


def test_nothing_is_judged_where_there_is_nothing() -> None:
    assert judge_changes([], WEEKDAYS, NO_HOLIDAYS) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_false_discovery_rates_are_those_of_the_step_up_procedure(chances: list[float]) -> None:
    rates = false_discovery_rates(np.array(chances))
    for level in (0.01, 0.05, 0.5):
        ordered = sorted(chances)
        passed = [
            chance
            for place, chance in enumerate(ordered, 1)
            if chance * len(chances) / place <= level
        ]
        bound = max(passed, default=-1.0)
        assert [rate <= level for rate in rates] == [chance <= bound for chance in chances]


@given(st.floats(0.01, 5_000), st.floats(1, 50))
def test_the_interval_leaves_a_fortieth_on_each_side(mean: float, dispersion: float) -> None:
    forecast = Forecast(np.array([mean]), np.array([mean * dispersion]))
    low, high = forecast.interval()
    assert forecast.at_most(low)[0] >= 0.025 > forecast.at_most(low - 1)[0]
    assert forecast.at_most(high)[0] >= 0.975 > forecast.at_most(high - 1)[0]
    assert 0 <= forecast.tails(low)[0] <= 1


def test_without_scatter_the_forecast_is_poissons() -> None:
    forecast = Forecast(np.array([3.0]), np.array([3.0]))
    chances = [float(forecast.at_most(np.array([float(count)]))[0]) for count in range(4)]
    masses = [np.exp(-3.0) * mass for mass in (1, 3, 4.5, 4.5)]
    assert chances == pytest.approx(list(itertools.accumulate(masses)), rel=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_history_is_judged(data: st.DataObject) -> None:
    """Whatever was clicked when: finite figures, in order, and no warning."""
    size = st.sampled_from([0, 0, 1, 3, 50, 1_000_000])
    series = [
        Series(
            data.draw(st.lists(size, min_size=DAYS, max_size=DAYS)),
            data.draw(st.integers(LEAST_HISTORY + WINDOW - 1, 4_000)),
            True,
        )
        for _ in range(data.draw(st.integers(1, 6)))
    ]
    for judgement in judge_changes(series, WEEKDAYS, NO_HOLIDAYS):
        assert judgement.adjusted is not None
        assert 0 <= judgement.adjusted <= 1
        for window in judgement.windows:
            assert 0 <= window.low <= window.high
            assert 0 < window.expected < 1e12
