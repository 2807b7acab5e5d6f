"""The table of the reliability page says what was seen last, once for each promise."""

from __future__ import annotations

import json

from evidence import Trial, table


def row(fault: str, seen: str) -> str:
    return json.dumps(
        {"fault": fault, "promised": "0 lost", "seen": seen, "seed": 1, "on": "2026-11-27"}
    )


def test_the_last_sight_of_a_promise_counts() -> None:
    lines = [row("kill -9", "1 lost"), row("power cut", "0 lost"), row("kill -9", "0 lost")]
    assert table(lines).splitlines()[2:] == [
        "| kill -9 | 0 lost | 0 lost | 1 | 2026-11-27 |",
        "| power cut | 0 lost | 0 lost | 1 | 2026-11-27 |",
    ]


def test_a_quick_run_is_smaller_and_repeatable() -> None:
    quick, whole = Trial(False, 7), Trial(True, 7)
    assert (quick.size(3, 50), whole.size(3, 50)) == (3, 50)
    assert quick.chance().random() == whole.chance().random()
