"""Judgements on the same observations, made once.

Decided here: what a judgement depends on. Not here: how one is reached (`ranking`, `worth`,
`movement`), how it is found again (`remembered`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from linkservice.reports.families import RATES, Family
from linkservice.reports.ranking import Judgement, Observation, judge
from linkservice.reports.remembered import Content, Remembered


class Judgements:
    """Those of one kind that were made last: fifty reports of 200 touchpoints, which take 3 MB."""

    def __init__(self) -> None:
        self._remembered = Remembered[list[Judgement]](10_000, len)

    def of(
        self, content: Iterable[Content], make: Callable[[], list[Judgement]]
    ) -> list[Judgement]:
        """Those that `make` makes of this content, or made of it before; the list is a new one."""
        return list(self._remembered.of(content, make))


def content_of(observations: Sequence[Observation]) -> list[Content]:
    """All that judging them depends on. Raises ValueError as `judge` does."""
    told = [
        (each.touchpoint_id, each.stage_id, each.journey_id, each.kind, each.unit, each.target_rate)
        for each in observations
    ]
    daily = (
        np.array([getattr(each, name) for each in observations], dtype=np.float64)
        for name in ("counts", "exposure")
    )
    return [repr(told).encode(), *daily]


_OF_RATES = Judgements()


def judgements_on(
    observations: Sequence[Observation], family: Family[Any] = RATES
) -> list[Judgement]:
    """As `judge`."""
    content = family.name.encode(), *content_of(observations)
    return _OF_RATES.of(content, lambda: judge(observations, family))
