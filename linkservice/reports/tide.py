"""Did most touchpoints move in the same direction? Then that is the first thing to say.

Decided here: when a change was general. Nothing is found or dropped by it: which touchpoints
changed is decided by each one's own days (`change`), and stays so. A tide is told only beside at
least `LEAST_FOUND` of them that changed its way, where of all that are judged more moved that way
than chance would let (the sign test: Arbuthnot 1710; Conover, *Practical Nonparametric Statistics*,
1999, 3.4), and their visitors together differ from what is usual by as much as a change must.

The sign test takes touchpoints for independent. They are not, on a day of sunshine: but whatever
moved them together is what a tide says, and no cause is named. How much of one touchpoint's change
belongs to it cannot be told: others follow a tide more or less, nobody knows how much.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Literal

from linkservice.reports.change import LEAST_SHARE

if TYPE_CHECKING:
    from linkservice.reports.changed import ChangeRow

LEAST_FOUND = 2
"""One alone is no general change, however many others moved a little."""

CHANCE = 0.05
"""Of so many on one side, either side."""


@dataclass(frozen=True, slots=True)
class Tide:
    """All touchpoints that are judged, together: `moved` of the `judged` had more visitors than
    usual ("above") or fewer ("below"). `visitors` and `expected` are the sums of all judged, on the
    usual `days` of the three.
    """

    change: Literal["below", "above"]
    moved: int
    judged: int
    days: int
    visitors: int
    expected: float


def tide_of(rows: Iterable[ChangeRow]) -> Tide | None:
    """The tide of these touchpoints; None where they did not move together."""
    judged = [(row, row.three_days) for row in rows if row.three_days is not None]
    visitors = sum(beside.visitors for _, beside in judged)
    expected = sum(beside.expected for _, beside in judged)
    change: Literal["below", "above"] = "below" if visitors < expected else "above"
    if abs(visitors - expected) < LEAST_SHARE * expected:
        return None
    if sum(row.change == change for row, _ in judged) < LEAST_FOUND:
        return None
    sides = [beside.visitors - beside.expected for _, beside in judged]
    same = sum(side < 0 if change == "below" else side > 0 for side in sides)
    if _chance(same, len(judged)) > CHANCE:
        return None
    return Tide(change, same, len(judged), judged[0][1].days, visitors, expected)


def _chance(same: int, judged: int) -> float:
    """The two-sided probability of so many on one side, if either side is as likely."""
    tail = sum(comb(judged, number) for number in range(same, judged + 1))
    return min(1.0, 2.0 * tail / (1 << judged))
