"""Whether what a touchpoint still needs for a verdict can be had at all.

Decided here: when a number of missing parcels helps nobody, because the difference they would
prove is next to none. Not here: how many are missing (`ranking`, `movement`), how it is said.
"""

from __future__ import annotations

from linkservice.reports.ranking import EXPECTED_AT_LEAST
from linkservice.reports.results import Metric, TouchpointRow

MOST_TIMES = 10
"""Up to so many times what the period had, more of it is something to wait for."""

MOST_DAYS = 366
"""Days cannot be had faster, so a year of them is the most."""


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
