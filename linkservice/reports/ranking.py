"""Which touchpoints perform best and worst, and is it true? The verdict, as pure functions.

Decided here: who the peers of a touchpoint are, when a difference from them is a verdict,
and how much more reach a verdict needs. Not here: the standard that peers make
(`standard`), what kind of number a rate is (`families`), the numbers behind it (`statistics`,
`dispersion`), where counts come from (`queries`), what was judged before (`judgements`), and words
(the doors).

**A verdict needs both**: P(shrunk rate below `MARGIN` × peer mean, or above peer mean ÷
`MARGIN`) ≥ `SURE`, the peer mean's own uncertainty integrated over, and a difference from
the peer mean that survives Holm's correction over all touchpoints of the report with enough
reach. With 50 expected successes each, the probability alone, not shrunk, finds a "best" or
"worst" among 20 equal touchpoints in 28 % of reports, shrunk in 6 %, with Holm in 3 %.
Shrinking harder instead would need half as much reach again to find one bad touchpoint
among nineteen equal ones: a group that agrees shrinks it away.

**Prior**: a gamma about the peer mean. Its variance is that between the group's rates plus
one standard error (a spread fitted to few rates is itself uncertain: without it intervals
cover 87 % at one expected success each), and never less than a spread of 25 %: that
nineteen agree does not prove that the twentieth does.

**Measured** with 20 touchpoints of equal or (log-normally) unequal reach, rates 0.1–10 %,
daily gamma multipliers or clumps with φ up to 10, shared or not, reach even, partial or in
one lump, clicks even, ebbing or all on one day; "expected" are successes ÷ φ.
False "best" or "worst" among equals, 1,000 reports each: 0–4.5 %, mostly 1–3 %, over 4, 7,
28 and 90 days. One at half the rate is found in 78 % of reports with 50 expected, 97–100 %
with 100 (92 % with partial reach); one at double in 99 % with 50. Rates from a gamma with
coefficient of variation 0.5: a verdict on 41 % of touchpoints with 50 expected, 55 % with
100, on the wrong side < 0.1 %; 95 % intervals cover 94–96 %, and 92 % where one weather
moves the days of all touchpoints alike, which no comparison among them can show. Where all rates
are equal they cover 96–98.7 %: the prior's least spread is then wider than the truth.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from linkservice.clicks.grouping import Ints
from linkservice.reports.dispersion import Dispersion, Floats, dispersion, dispersion_of_successes
from linkservice.reports.families import PROPORTIONS, RATES, Family
from linkservice.reports.proportions import Beta
from linkservice.reports.statistics import Gamma, holm

Verdict: TypeAlias = Literal["best", "worst", "as_expected", "too_early", "no_reach", "no_peers"]
PeerGroup: TypeAlias = Literal["stage_and_kind", "stage", "journey", "workspace", "target"]

MARGIN = 0.9
SURE = 0.95
FAMILY_ERROR = 0.06  # "best" or "worst" among equal touchpoints, at most this often
EXPECTED_AT_LEAST = 5.0  # successes at the peers' rate, divided by φ
PEERS_AT_LEAST = 3
INTERVAL_WIDTH = 2 * 1.959964  # of a 95 % interval, in standard errors

Days: TypeAlias = Sequence[float] | Floats | Ints
"""A number for each day of a period."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One touchpoint in the period: its counts and its exposure, day by day.

    `counts` are visitors + tokenless clicks, `exposure` is the reach of each day (a span
    spread evenly), both for every day of the period in order. For the metric clicks_per_day
    the exposure is 1.0 on each day the touchpoint was live, else 0.0, and the unit "day"; for
    conversions_per_click (scans_per_click), conversions (scans) are counted, the exposure is clicks
    and the unit "click".
    `unit` is None when there is no reach. `target_rate` is the touchpoint's own, else its
    channel's, in the metric judged.
    """

    touchpoint_id: int
    stage_id: int
    journey_id: int
    kind: str
    unit: str | None
    counts: Days
    exposure: Days
    target_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Peers:
    """Whom a touchpoint was compared with: the group, how many others, their mean rate (of `GAINS`
    their median).

    The group "target" has no others; its mean is the target rate.
    """

    group: PeerGroup
    count: int
    mean: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one touchpoint; rates per unit of reach (or per live day).

    `rate` is raw, `low` and `high` bound the shrunk rate. `more_reach_needed` (≥ 1) is set
    for "too_early" only.
    """

    touchpoint_id: int
    verdict: Verdict
    rate: float | None
    low: float | None
    high: float | None
    peers: Peers | None
    more_reach_needed: int | None


@dataclass(frozen=True, slots=True)
class _Totals:
    """Touchpoints with reach of one unit; the arrays share their order."""

    counts: Floats
    exposure: Floats
    days: Dispersion
    # Of which belief does not matter here, only that all of one report are of one family.
    family: Family[Any]

    @property
    def rate(self) -> Floats:
        return self.counts / self.exposure

    def of(self, rows: Sequence[int]) -> _Totals:
        days = self.days.of(rows)
        return _Totals(self.counts[rows], self.exposure[rows], days, self.family)


@dataclass(frozen=True, slots=True)
class Rivals:
    """Rows that are each other's peers; `judged` are places in `rows`, the others only help."""

    name: PeerGroup
    rows: list[int]
    judged: list[int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A touchpoint beside its standard, before the family of all verdicts is looked at."""

    touchpoint_id: int
    peers: Peers
    reach: float
    rate: float
    low: float
    high: float
    standard: float  # the peers' rate, above 0 even if none of them has a click
    expected: float  # successes at that rate, divided by φ
    error: float  # standard error of the difference from it
    surely_below: bool
    surely_above: bool
    chance: float  # p-value of the difference


def judge(observations: Sequence[Observation], family: Family[Any] = RATES) -> list[Judgement]:
    """One judgement per observation, in their order; deterministic, all numbers finite.

    Observations of several units may come together; they are never compared. Of `PROPORTIONS`,
    counts beyond their exposure count as all of it: more conversions than clicks. Raises
    ValueError when daily `counts` and `exposure` do not all have one length.
    """
    compared, judged = compare(observations, family)
    judged |= {each.touchpoint_id: each for each in decide(compared)}
    return [judged[observation.touchpoint_id] for observation in observations]


def compare(
    observations: Sequence[Observation], family: Family[Any] = RATES
) -> tuple[list[Comparison], dict[int, Judgement]]:
    """Those beside a standard, to be decided on together, and the judgements on all others."""
    by_unit: dict[str | None, list[Observation]] = defaultdict(list)
    judged: dict[int, Judgement] = {}
    for observation in observations:
        if np.any(observation.exposure):
            by_unit[observation.unit].append(observation)
        else:
            judged[observation.touchpoint_id] = Judgement(
                observation.touchpoint_id, "no_reach", None, None, None, None, None
            )
    compared: list[Comparison] = []
    for unit in by_unit.values():
        totals = _totals(unit, family)
        groups, alone = peer_groups(unit)
        for group in groups:
            compared += _beside_peers(group, unit, totals.of(group.rows))
        for row in alone:
            target = unit[row].target_rate
            if target is not None and target > 0:
                compared += _beside_target(target, unit[row], totals.of([row]))
            else:
                judged[unit[row].touchpoint_id] = _no_peers(unit[row], totals.of([row]))
    return compared, judged


def decide(compared: Sequence[Comparison]) -> list[Judgement]:
    """The verdicts on all touchpoints of a report that stand beside a standard, in their order."""
    return [_decide(each, proven) for each, proven in zip(compared, _proven(compared), strict=True)]


def _totals(unit: Sequence[Observation], family: Family[Any]) -> _Totals:
    counts = np.array([observation.counts for observation in unit], dtype=np.float64)
    exposure = np.array([observation.exposure for observation in unit], dtype=np.float64)
    days = (dispersion_of_successes if family is PROPORTIONS else dispersion)(counts, exposure)
    total, reach = counts.sum(axis=1), exposure.sum(axis=1)
    if family is PROPORTIONS:
        total = np.minimum(total, reach)
    return _Totals(total, reach, days, family)


def peer_groups(unit: Sequence[Observation]) -> tuple[list[Rivals], list[int]]:
    """The narrowest group with enough others for each touchpoint, and who has none."""
    keys: list[tuple[PeerGroup, list[Hashable]]] = [
        ("stage_and_kind", [(one.stage_id, one.kind) for one in unit]),
        ("stage", [one.stage_id for one in unit]),
        ("journey", [one.journey_id for one in unit]),
        ("workspace", [None for _ in unit]),
    ]
    groups: list[Rivals] = []
    alone = set(range(len(unit)))
    for name, key_of_row in keys:
        members: dict[Hashable, list[int]] = defaultdict(list)
        for row, key in enumerate(key_of_row):
            members[key].append(row)
        for rows in members.values():
            judged = [place for place, row in enumerate(rows) if row in alone]
            if judged and len(rows) > PEERS_AT_LEAST:
                groups.append(Rivals(name, rows, judged))
                alone.difference_update(rows)
    return groups, sorted(alone)


def _beside_peers(group: Rivals, unit: Sequence[Observation], totals: _Totals) -> list[Comparison]:
    """The touchpoints judged by this group, each beside the standard of the others."""
    family = totals.family
    made = family.standard_of(totals.counts, totals.exposure, totals.days.phi, family.noise)
    prior = family.belief_of(made.rate, made.spread + made.error)
    others = len(made.rate) - 1
    judged = [
        (place, unit[group.rows[place]], Peers(group.name, others, float(made.told[place])))
        for place in group.judged
    ]
    belief = family.belief_of(made.rate, made.error)
    return _beside(made.rate, belief, made.error, prior, totals, judged)


def _beside_target(target: float, one: Observation, totals: _Totals) -> list[Comparison]:
    """A touchpoint without peers beside its target, which is a wish: no prior to shrink to."""
    standard = np.array([target])
    judged = [(0, one, Peers("target", 0, target))]
    prior = totals.family.nothing_known
    return _beside(standard, standard, np.zeros(1), prior, totals, judged)


def _beside(
    standard: Floats,
    belief: Gamma | Beta | Floats,
    error: Floats,
    prior: Gamma | Beta,
    totals: _Totals,
    judged: Sequence[tuple[int, Observation, Peers]],
) -> list[Comparison]:
    """The comparison with `standard`; `belief` is all that is known of it, `error` its
    squared relative standard error.

    The interval uses φ at the touchpoint's own rate, the comparison φ at the standard.
    """
    counts, exposure, days = totals.counts, totals.exposure, totals.days
    shrink = totals.family.shrink
    first = shrink(prior, counts, exposure, days.phi)
    own_phi = days.at_least(exposure * first.mean)
    low, high = shrink(prior, counts, exposure, own_phi).interval()
    phi = days.at_least(exposure * standard)
    rate = shrink(prior, counts, exposure, phi)
    below = rate.below(belief * MARGIN)
    above = 1.0 - rate.below(belief * (1.0 / MARGIN))
    chance = totals.family.chance_of_gap(counts, exposure, phi, belief)
    variance = totals.family.noise(rate.mean) * phi / exposure + standard**2 * error
    expected = exposure * standard / days.at(exposure * standard)
    return [
        Comparison(
            touchpoint_id=one.touchpoint_id,
            peers=peers,
            reach=float(exposure[place]),
            rate=float(totals.rate[place]),
            low=float(low[place]),
            high=float(high[place]),
            standard=float(standard[place]),
            expected=float(expected[place]),
            error=math.sqrt(float(variance[place])),
            surely_below=bool(below[place] >= SURE),
            surely_above=bool(above[place] >= SURE),
            chance=float(chance[place]),
        )
        for place, one, peers in judged
    ]


def _no_peers(one: Observation, totals: _Totals) -> Judgement:
    family = totals.family
    believed = family.shrink(family.nothing_known, totals.counts, totals.exposure, totals.days.phi)
    low, high = believed.interval()
    rate = float(totals.rate[0])
    lowest = _low(float(low[0]), rate)
    return Judgement(one.touchpoint_id, "no_peers", rate, lowest, float(high[0]), None, None)


def _proven(compared: Sequence[Comparison]) -> list[bool]:
    """Whose difference survives the correction over all that have enough reach.

    Those with too little cannot get a verdict, so they are no part of the family: a long
    list of idle touchpoints does not make verdicts on the busy ones harder.
    """
    enough = [place for place, one in enumerate(compared) if one.expected >= EXPECTED_AT_LEAST]
    fallen = holm(np.array([compared[place].chance for place in enough]), FAMILY_ERROR)
    proven = {place for place, falls in zip(enough, fallen.tolist(), strict=True) if falls}
    return [place in proven for place in range(len(compared))]


def _decide(one: Comparison, proven: bool) -> Judgement:
    verdict: Verdict = "as_expected"
    more: int | None = None
    # Beside peers that brought nothing, of which half a click is believed, nobody is worse.
    if proven and one.surely_below and one.rate < one.peers.mean:
        verdict = "worst"
    elif proven and one.surely_above:
        verdict = "best"
    else:
        more = _more_reach_needed(one)
        if more is not None:
            verdict = "too_early"
    low = _low(one.low, one.rate)
    return Judgement(one.touchpoint_id, verdict, one.rate, low, one.high, one.peers, more)


def _low(low: float, rate: float) -> float:
    """The interval's lower end: 0 where nobody came, although a shrunk rate never reaches it."""
    return low if rate else 0.0


def _more_reach_needed(one: Comparison) -> int | None:
    """Reach until the guard is met and the interval is half as wide as the difference.

    Variances fall as 1 ÷ reach, the peers' reach growing alike. A rate that already lies
    within the margin is as expected and needs no narrower interval.
    """
    growth = EXPECTED_AT_LEAST / one.expected
    gap = abs(one.rate - one.standard)
    if not MARGIN * one.standard <= one.rate <= one.standard / MARGIN:
        growth = max(growth, (2.0 * INTERVAL_WIDTH * one.error / gap) ** 2)
    return max(1, math.ceil(one.reach * (growth - 1.0))) if growth > 1.0 else None
