"""Which paid touchpoint is dear, and is it true? Verdicts on costs, as pure functions.

Decided here: what a cost is judged by. What was spent is known to the cent; how many came for it
is chance. So the rate that is judged is visitors per unit of money, with what was spent as its
exposure, as reach is that of the ranking: its beliefs, noise of days, peers and guards are those
of `ranking`. The same for conversions, and for their value as money is counted in `worth`. A cost
per visitor is 1 ÷ the rate: `best` is the cheapest, and where nobody came it has no upper end.
All costs of a workspace are in one currency (`journeys/costs`), so all are of one unit.

**Beside the median of the others**, not their mean: what a visitor costs differs by orders of
magnitude, and a mean would be that of the one cheapest (`standard`).

**One family.** A page that can be sorted by three figures gives three chances of a false verdict.
So all verdicts of a report, whatever figure they are by, are corrected together (Holm, valid
though the three depend on each other): one among equals is named in at most as many reports as
the ranking names one, by any of the figures.

**Who is judged** is for the caller to say (`costs`): whoever has a cost of their own. What is
shared out by visitors costs each visitor the same; as a part of a cost it draws touchpoints
together, so it can hide a verdict but make none.

**Measured** (log-normal spending, daily multipliers with a variance up to 1, orders of one visitor
in five to one in a hundred; 1,000 reports each; `tests/test_cost_verdicts.py` repeats it): among 20
equals, or 4, one is named, by any of the three, in 0.2–2.6 % of reports over 7 and 28 days, also
with all of a cost on the first day. One three times as dear as the others is found by all three in
24 of 30 reports or more, with 1,200 visitors usually. Rates from a gamma with coefficient of
variation 0.5 and 1,500 visitors: a verdict on 53 % by visitors, on the wrong side 0.02 %; the
intervals cover 95 %, those of the multiple of the median 95 %. With one a hundred times as cheap
another is worst in 1–3.5 % of reports with 4 to 20 touchpoints. Beside a mean it is in all of
them, beside a mean of logarithms in most, unless the others are taken for a sample of many, which
leaves a verdict on 36 %. Beside the one so cheap, what brought nothing for 0.3 % of what is usual
is worst in none, beside a mean in half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from linkservice.journeys.costs import LARGEST_COST
from linkservice.reports.dispersion import Floats
from linkservice.reports.families import GAINS
from linkservice.reports.ranking import (
    Comparison,
    Judgement,
    Observation,
    PeerGroup,
    Verdict,
    compare,
    decide,
)
from linkservice.reports.remembered import Content, Remembered
from linkservice.reports.worth import grain

By: TypeAlias = Literal["cost_per_visitor", "cost_per_conversion", "return_on_cost"]
BYS: tuple[By, ...] = get_args(By)
"""The figures a cost is judged by, from what is known first to what matters most."""

_UNIT = "cost"


@dataclass(frozen=True, slots=True)
class Paid:
    """A touchpoint with a cost of its own, and what each day of the period brought.

    `cost` (> 0 in all) and `value` are in the currency's smallest unit. `conversions` is None
    where it is not known whose they are, `value` where it is not known what they are worth.
    """

    touchpoint_id: int
    stage_id: int
    journey_id: int
    kind: str
    cost: Floats
    visitors: Floats
    conversions: Floats | None
    value: Floats | None


@dataclass(frozen=True, slots=True)
class CostPeers:
    """Whom a touchpoint was compared with, and the median of their figures; None where they brought
    nothing for their cost.
    """

    group: PeerGroup
    count: int
    median: float | None


@dataclass(frozen=True, slots=True)
class CostVerdict:
    """A verdict by one figure; `low`, `high` and the peers' median are in that figure.

    `high` is None where nothing came of a cost, or next to nothing for certain, which may then have
    been any per visitor.
    `more_cost_needed` (of "too_early" only) is how much more would have to be spent to know.
    """

    verdict: Verdict
    low: float
    high: float | None
    peers: CostPeers | None
    more_cost_needed: int | None


CostVerdicts: TypeAlias = Mapping[By, CostVerdict]


def judge_costs(paid: Sequence[Paid]) -> dict[int, CostVerdicts]:
    """The verdicts on each touchpoint by every figure that is known of it.

    By conversions and by value only where anybody paid for brought any. Raises ValueError when
    daily figures do not all have one length.
    """
    content: list[Content] = []
    for each in paid:
        place = each.touchpoint_id, each.stage_id, each.journey_id, each.kind
        content.append(repr(place).encode())
        days = each.cost, each.visitors, each.conversions, each.value
        # Of which there may be none, told apart from days without any.
        content += [b"" if daily is None else daily for daily in days]
    return dict(_REMEMBERED.of(content, lambda: _judge_costs(paid)))


_REMEMBERED = Remembered[dict[int, CostVerdicts]](5_000, len)
"""Touchpoints: 25 reports of 200, which take 5 MB."""


def _judge_costs(paid: Sequence[Paid]) -> dict[int, CostVerdicts]:
    found: dict[int, dict[By, CostVerdict]] = {each.touchpoint_id: {} for each in paid}
    compared: list[Comparison] = []
    asked: list[tuple[By, float]] = []
    for by in BYS:
        observed, one = _observed(by, paid)
        beside, alone = compare(observed, GAINS)
        compared += beside
        asked += [(by, one)] * len(beside)
        for judgement in alone.values():
            found[judgement.touchpoint_id][by] = _told(judgement, by, one)
    for judgement, (by, one) in zip(decide(compared), asked, strict=True):
        found[judgement.touchpoint_id][by] = _told(judgement, by, one)
    return dict(found)


def _observed(by: By, paid: Sequence[Paid]) -> tuple[list[Observation], float]:
    """What the judge is told, and how much of the figure counts as one."""
    if by == "cost_per_visitor":
        return [_observation(each, each.visitors) for each in paid], 1.0
    if by == "cost_per_conversion":
        known = [(each, each.conversions) for each in paid if each.conversions is not None]
        anything = any(counts.any() for _, counts in known)
        return ([_observation(*each) for each in known] if anything else []), 1.0
    money = [
        (each, each.conversions, each.value)
        for each in paid
        if each.conversions is not None and each.value is not None
    ]
    if not any(value.any() for _, _, value in money):
        return [], 1.0
    one = grain([counts for _, counts, _ in money], [value for _, _, value in money])
    return [_observation(each, value / one) for each, _, value in money], one


def _observation(each: Paid, counts: Floats) -> Observation:
    return Observation(
        each.touchpoint_id, each.stage_id, each.journey_id, each.kind, _UNIT, counts, each.cost
    )


def _told(judgement: Judgement, by: By, one: float) -> CostVerdict:
    """The judgement on a rate per cost, in the figure it is by."""
    low, high, peers = judgement.low, judgement.high, judgement.peers
    assert low is not None
    assert high is not None
    median = None if peers is None else peers.mean
    of_value = by == "return_on_cost"

    def figure(rate: float | None) -> float | None:
        if rate is None or of_value:
            return None if rate is None else rate * one
        # Counts that hardly repeat leave room for more than anybody spends.
        return 1.0 / rate if rate and rate * LARGEST_COST >= 1.0 else None

    ends = (low, high) if of_value else (high, low)
    return CostVerdict(
        judgement.verdict,
        figure(ends[0]) or 0.0,
        figure(ends[1]),
        None if peers is None else CostPeers(peers.group, peers.count, figure(median)),
        judgement.more_reach_needed,
    )
