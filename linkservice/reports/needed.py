"""Whether what a touchpoint still needs for a verdict can be had at all.

Decided here: when a number of missing parcels, or of missing money, helps nobody, because the
difference they would prove is next to none. Not here: how many are missing (`ranking`, `movement`,
`cost_judging`), how it is said.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from linkservice.reports.cost_judging import CostVerdict
from linkservice.reports.ranking import EXPECTED_AT_LEAST
from linkservice.reports.results import Metric, TouchpointRow

MOST_TIMES = 10
"""Up to so many times what the period had, more of it is something to wait for."""

MOST_DAYS = 366
"""Days cannot be had faster, so a year of them is the most."""

Lacking: TypeAlias = Literal["too_little_spent", "difference_too_small"]
"""Why there is no verdict on a cost yet."""


def lacking(verdict: CostVerdict, spent: int) -> Lacking | None:
    """Why a verdict is "too_early" where so much was `spent` (in the unit of `more_cost_needed`);
    None of any other.
    """
    more = verdict.more_cost_needed
    if more is None:
        return None
    return "difference_too_small" if more > MOST_TIMES * spent else "too_little_spent"


def difference_is_too_small(row: TouchpointRow, metric: Metric) -> bool:
    """Whether a row that is "too_early" will be so for all anybody can do.

    Not so of one that is too new to be looked at: what it needs is no more than a guess.
    """
    if row.more_reach_needed is None:
        return False
    if row.per == "day":
        return row.more_reach_needed > MOST_DAYS
    visitors = row.visitors + row.tokenless
    had = {"click": row.clicks, "visitor": visitors}.get(row.per or "", row.reach)
    if row.more_reach_needed <= MOST_TIMES * had:
        return False
    if metric == "trend":
        expected: float = visitors
    elif metric == "value_per_reach":
        expected = row.conversions
    else:
        expected = had * row.peers.mean if row.peers else 0.0
    return expected >= EXPECTED_AT_LEAST
