"""What a redirect worker's memory keeps, hints at and allows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from linkservice.redirect.memory import Allowance, Hint, Recent


def test_what_is_used_stays_and_what_is_not_goes() -> None:
    recent: Recent[int] = Recent(100)
    recent.keep("used", -1)
    for number in range(1_000):
        recent.keep(str(number), number)
        assert recent.get("used") == -1
        assert len(recent) <= 100
    assert recent.get("999") == 999
    assert recent.get("800") is None
    assert recent.evicted >= 900


def test_what_is_forgotten_is_gone_from_both_halves() -> None:
    recent: Recent[int] = Recent(4)
    for number in range(4):
        recent.keep(str(number), number)
    for number in range(4):
        recent.forget(str(number))
        assert recent.get(str(number)) is None
    recent.keep("again", 1)
    recent.clear()
    assert recent.get("again") is None
    assert len(recent) == 0


def test_a_newer_value_hides_the_older_one() -> None:
    recent: Recent[int] = Recent(2)
    recent.keep("a", 1)
    recent.keep("b", 1)  # "a" is in the old half now
    recent.keep("a", 2)
    assert recent.get("a") == 2
    recent.keep("c", 1)
    assert recent.get("a") in (2, None)


def test_threads_that_move_and_forget_never_bring_an_entry_back() -> None:
    recent: Recent[int] = Recent(8)

    def work(worker: int) -> None:
        for number in range(3_000):
            key = f"{worker}/{number % 10}"
            recent.keep(key, number)
            recent.get(f"{(worker + 1) % 4}/{number % 10}")
            recent.forget(key)
            assert recent.get(key) is None

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(work, worker) for worker in range(4)]:
            done.result()


def test_a_hint_never_denies_what_was_added() -> None:
    hint = Hint()
    keys = [f"1/slug-{number}" for number in range(20_000)]
    for key in keys[:10_000]:
        hint.add(key)
    assert all(map(hint.may_have, keys[:10_000]))
    assert sum(map(hint.may_have, keys[10_000:])) < 100


@pytest.mark.parametrize("seconds", [0.0, 1.0, 10.0])
def test_an_allowance_is_so_many_a_second_and_saves_up_one_second(seconds: float) -> None:
    allowance = Allowance(50)
    allowed = sum(allowance.take(100.0) for _ in range(200))
    assert allowed == 50
    again = sum(allowance.take(100.0 + seconds) for _ in range(200))
    assert again == min(50, int(50 * seconds))
