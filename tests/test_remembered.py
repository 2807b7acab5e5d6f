"""What is remembered is found by all it was made of, and is never something else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.reports.change import HISTORY, WINDOW, Series, judge_changes
from linkservice.reports.cost_judging import Paid, judge_costs
from linkservice.reports.families import PROPORTIONS
from linkservice.reports.judgements import content_of, judgements_on
from linkservice.reports.movement import Moved, judge_movement
from linkservice.reports.ranking import Judgement, Observation
from linkservice.reports.remembered import Remembered
from linkservice.reports.worth import judge_value

PARTS = st.lists(st.binary(max_size=3), max_size=4)


@given(PARTS, PARTS)
def test_other_content_is_never_taken_for_what_was_remembered(
    first: list[bytes], second: list[bytes]
) -> None:
    remembered = Remembered[list[bytes]](1_000, len)
    assert remembered.of(first, lambda: first) == first
    assert remembered.of(second, lambda: second) == second


def test_the_same_content_is_made_once() -> None:
    remembered = Remembered[list[int]](10, len)
    made: list[list[int]] = []

    def make() -> list[int]:
        made.append([len(made)])
        return made[-1]

    content = b"of", np.arange(3.0)
    assert remembered.of(content, make) is remembered.of((b"of", np.arange(3.0)), make)
    assert len(made) == 1
    remembered.of((b"of", np.arange(4.0)), make)
    assert len(made) == 2


def test_no_more_is_kept_than_may_be() -> None:
    remembered = Remembered[list[int]](10, len)
    made: list[bytes] = []

    def asked(name: bytes, size: int) -> list[int]:
        def make() -> list[int]:
            made.append(name)
            return [0] * size

        return remembered.of([name], make)

    asked(b"a", 6)
    asked(b"b", 6)  # for which a has to go
    assert len(asked(b"larger than all", 11)) == 11
    asked(b"b", 6)
    asked(b"a", 6)
    assert made == [b"a", b"b", b"larger than all", b"a"]


def test_what_is_not_made_is_not_remembered() -> None:
    remembered = Remembered[int](10, lambda made: made)

    def fails() -> int:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        remembered.of([b"x"], fails)
    assert remembered.of([b"x"], lambda: 3) == 3


def _observed() -> list[Observation]:
    days = np.random.default_rng(5).poisson(3.0, (6, 28))
    return [
        Observation(number, 1, 1, "poster", "copy", counts, np.full(28, 100.0))
        for number, counts in enumerate(days, start=1)
    ]


ALTERED = [
    {"touchpoint_id": 9},
    {"stage_id": 2},
    {"journey_id": 2},
    {"kind": "flyer"},
    {"unit": "pack"},
    {"counts": np.full(28, 30)},
    {"exposure": np.full(28, 7.0)},
    {"target_rate": 0.5},
]


@pytest.mark.parametrize("altered", ALTERED, ids=lambda altered: next(iter(altered)))
def test_each_thing_the_judge_is_told_is_part_of_what_its_judgement_is_found_by(
    altered: dict[str, Any],
) -> None:
    observed = _observed()
    other = [replace(observed[0], **altered), *observed[1:]]
    assert _found(observed) == _found(list(observed))
    assert _found(observed) != _found(other)


def _found(observed: list[Observation]) -> bytes:
    content = content_of(observed)
    return b"|".join(each if isinstance(each, bytes) else each.tobytes() for each in content)


def test_who_alters_the_judgements_given_alters_nobody_elses() -> None:
    observed = _observed()
    first = judgements_on(observed)
    first.clear()
    assert [each.touchpoint_id for each in judgements_on(observed)] == [1, 2, 3, 4, 5, 6]


def test_families_are_told_apart() -> None:
    observed = _observed()
    assert judgements_on(observed) != judgements_on(observed, PROPORTIONS)
    assert judgements_on(observed) == judgements_on(observed)


def test_value_is_judged_anew_when_other_conversions_brought_it() -> None:
    observed, few = _observed(), np.ones((6, 28))
    assert judge_value(observed, list(few)) != judge_value(observed, list(9 * few))


def test_movement_is_judged_anew_when_either_period_changes() -> None:
    now, before = _observed(), _observed()[::-1]
    found = _moved(now, before)
    assert found != _moved(before, now)
    assert found == _moved(now, before)


def _moved(now: list[Observation], before: list[Observation]) -> list[Judgement]:
    pairs = zip(before, now, strict=True)
    same = [replace(each, touchpoint_id=of.touchpoint_id) for each, of in pairs]
    return judge_movement([Moved(*pair) for pair in zip(now, same, strict=True)])


def test_costs_are_judged_anew_when_it_becomes_known_what_came_of_them() -> None:
    paid = [
        Paid(
            each.touchpoint_id,
            1,
            1,
            "poster",
            each.exposure,
            np.array(each.counts, float),
            None,
            None,
        )
        for each in _observed()
    ]
    told = [replace(each, conversions=each.visitors) for each in paid]
    assert set(judge_costs(paid)[1]) == {"cost_per_visitor"}
    assert set(judge_costs(told)[1]) == {"cost_per_visitor", "cost_per_conversion"}
    assert set(judge_costs(paid)[1]) == {"cost_per_visitor"}


def test_changes_are_judged_anew_when_anything_they_are_judged_by_changes() -> None:
    days = HISTORY + WINDOW
    quiet = np.random.default_rng(7).poisson(40.0, (3, days))
    series = [Series(counts, 400, True) for counts in quiet]
    weekdays, ordinary = [day % 7 for day in range(days)], [False] * days
    lost = replace(series[0], counts=np.array([*quiet[0][:-WINDOW], 0, 0, 0]))
    others = [
        judge_changes([each, *series[1:]], weekdays, ordinary)
        for each in (lost, replace(series[0], age=5), replace(series[0], linked=False))
    ]
    others.append(judge_changes(series, weekdays[::-1], ordinary))
    others.append(judge_changes(series, weekdays, [*ordinary[:-1], True]))
    found = judge_changes(series, weekdays, ordinary)
    assert found == judge_changes([replace(each) for each in series], weekdays, ordinary)
    assert all(each != found for each in others)
    assert [each[0].change for each in others[:3]] == ["below", "too_early", "no_link"]
