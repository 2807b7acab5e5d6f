"""Which touchpoints rise or fall against the period before, relative to their peers? The verdict on
a change, as pure functions.

Decided here: how a ratio of two rates is estimated, and how sure we are of it. Peers, margins, the
correction over the whole report and what a verdict needs are those of `ranking`. Not here: which
days are compared (`queries`); nor whether a single day is unusual, which is judged against many
weeks of the touchpoint itself (`change`). If all touchpoints fall in summer, none is "worst".

**Of all who came in either period, how many came now?** Two Poisson counts with a ratio of rates r
and exposures now ÷ before of e are, given their sum, binomial with the odds r · e (Przyborowski &
Wilenski 1940, *Biometrika* 31). Counts are divided by the day-to-day dispersion φ, as in
`statistics`. The two periods are read as rows of one table by `dispersion`, so that the change
itself is no restless day.

**Shrinkage** towards the peers' mean change: log r is normal about it, and what is believed is the
mode and the curvature of the posterior (Laplace's approximation for a logistic model with a normal
random effect: Breslow & Clayton 1993, *JASA* 88). The spread between touchpoints comes by moments
(`statistics.variance_between`) from log ratios with half a count added and the variance φ ÷ now +
φ ÷ before (Gart 1966, *Biometrika* 53), plus its own standard error, and is never less than a
quarter. The p-value is that of the score test against the peers' mean.

**Measured** (20 touchpoints, seeded, 400 reports; `tests/test_movement_simulations.py` repeats it):
where all changed alike, one is named in 0–5.5 % of reports (7 to 28 days, 20 to 3,000 visitors,
daily multipliers with a variance up to 3, shared or not, closed Sundays, another reach). One that
halves is found in 64 % with 100 visitors before, 99 % with 200; changes that spread by 45 % get a
verdict in 55 % with 300, on the wrong side in 0–0.2 %; 95 % intervals cover 94–96 %.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy.special import expit, ndtr

from linkservice.reports.dispersion import Dispersion, Floats, dispersion
from linkservice.reports.judgements import Judgements, content_of
from linkservice.reports.ranking import (
    INTERVAL_WIDTH,
    MARGIN,
    SURE,
    Comparison,
    Judgement,
    Observation,
    PeerGroup,
    Peers,
    decide,
    peer_groups,
)
from linkservice.reports.standard import USUAL_SPREAD
from linkservice.reports.statistics import variance_between

NEWTON_STEPS = 8
HALF = 0.5
"""Added to each count: nobody at all has a logarithm too."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A touchpoint in a period and on the same weekdays before: both have one unit, and as many
    days.
    """

    now: Observation
    before: Observation


@dataclass(frozen=True, slots=True)
class _Ratios:
    """Touchpoints of one unit; the arrays share their order. `offered` is exposure now ÷ before."""

    now: Floats
    before: Floats
    exposure: Floats
    offered: Floats
    days_now: Dispersion
    days_before: Dispersion

    @property
    def log(self) -> Floats:
        """Of the rate now ÷ the rate before."""
        return np.log((self.now + HALF) / (self.before + HALF) / self.offered)

    @property
    def raw(self) -> Floats:
        """That ratio as it was counted."""
        return np.asarray(self.now / self.before / self.offered)

    @property
    def variance(self) -> Floats:
        """Of that logarithm."""
        now, before = self.now + HALF, self.before + HALF
        return np.asarray(self.days_now.phi / now + self.days_before.phi / before)

    def expected(self, ratio: Floats) -> tuple[Floats, Floats]:
        """The successes now and before, if as many came in all and the rates had that ratio."""
        odds, total = ratio * self.offered, self.now + self.before
        return total * odds / (1.0 + odds), total / (1.0 + odds)

    def restless(self, ratio: Floats) -> tuple[Floats, Floats]:
        """φ now and before at that ratio, never below their own: quiet days of its own must not
        prove a touchpoint's quietness.
        """
        now, before = self.expected(ratio)
        return self.days_now.at_least(now), self.days_before.at_least(before)

    def of(self, rows: Sequence[int]) -> _Ratios:
        return _Ratios(
            self.now[rows],
            self.before[rows],
            self.exposure[rows],
            self.offered[rows],
            self.days_now.of(rows),
            self.days_before.of(rows),
        )


def judge_movement(movements: Sequence[Moved]) -> list[Judgement]:
    """One judgement per movement, in their order; a rate is that of now ÷ that before, `low` and
    `high` bound the shrunk one.

    Without exposure in both periods, or without anybody before, there is "no_reach": nothing to
    compare. `more_reach_needed` is in units of now, as much being needed before. Raises ValueError
    when daily figures do not all have one length.
    """
    periods = [each.now for each in movements], [each.before for each in movements]
    content = chain.from_iterable(map(content_of, periods))
    return _JUDGEMENTS.of(content, lambda: _judge_movement(movements))


_JUDGEMENTS = Judgements()


def _judge_movement(movements: Sequence[Moved]) -> list[Judgement]:
    by_unit: defaultdict[str | None, list[Moved]] = defaultdict(list)
    judged: dict[int, Judgement] = {}
    for each in movements:
        sums = map(sum, (each.now.exposure, each.before.exposure, each.before.counts))
        if all(total > 0 for total in sums):
            by_unit[each.now.unit].append(each)
        else:
            number = each.now.touchpoint_id
            judged[number] = Judgement(number, "no_reach", None, None, None, None, None)
    compared: list[Comparison] = []
    for unit in by_unit.values():
        ratios, places = _ratios(unit), [each.now for each in unit]
        groups, alone = peer_groups(places)
        for group in groups:
            peers = [(place, places[group.rows[place]]) for place in group.judged]
            compared += _beside_peers(group.name, peers, ratios.of(group.rows))
        for row in alone:
            judged[places[row].touchpoint_id] = _no_peers(places[row], ratios.of([row]))
    judged |= {each.touchpoint_id: each for each in decide(compared)}
    return [judged[each.now.touchpoint_id] for each in movements]


def _ratios(unit: Sequence[Moved]) -> _Ratios:
    both = [each.now for each in unit], [each.before for each in unit]
    counts, exposure = (
        np.array([getattr(each, name) for period in both for each in period], dtype=np.float64)
        for name in ("counts", "exposure")
    )
    days = dispersion(counts, exposure)
    count = len(unit)
    total, reach = counts.sum(axis=1), exposure.sum(axis=1)
    now, before = range(count), range(count, 2 * count)
    return _Ratios(
        total[:count],
        total[count:],
        reach[:count],
        reach[:count] / reach[count:],
        days.of(now),
        days.of(before),
    )


def _beside_peers(
    name: PeerGroup, judged: Sequence[tuple[int, Observation]], ratios: _Ratios
) -> list[Comparison]:
    """The touchpoints judged by a group, each beside the mean change of the others."""
    log, variance = ratios.log, ratios.variance
    between, uncertainty = variance_between(log, variance)
    others = (1.0 - np.eye(len(log))) / (between + variance)
    others /= others.sum(axis=1, keepdims=True)
    mean = others @ log
    error = others**2 @ variance
    standard = np.exp(mean)
    prior = np.maximum(between + uncertainty, USUAL_SPREAD**2) + error
    first, _ = _believed(mean, prior, ratios, (ratios.days_now.phi, ratios.days_before.phi))
    believed, doubt = _believed(mean, prior, ratios, ratios.restless(np.exp(first)))
    half = INTERVAL_WIDTH / 2.0 * np.sqrt(doubt)
    low, high = np.exp(believed - half), np.exp(believed + half)
    phi = ratios.restless(standard)
    believed, doubt = _believed(mean, prior, ratios, phi)
    gap, width = believed - mean, np.sqrt(doubt + error)
    below = ndtr((math.log(MARGIN) - gap) / width)
    above = ndtr((gap + math.log(MARGIN)) / width)
    chance, known = _chance_of_gap(mean, error, ratios, phi)
    now, before = ratios.expected(standard)
    expected = np.minimum(now / phi[0], before / phi[1])
    raw = ratios.raw
    return [
        Comparison(
            touchpoint_id=one.touchpoint_id,
            peers=Peers(name, len(log) - 1, float(standard[place])),
            reach=float(ratios.exposure[place]),
            rate=float(raw[place]),
            low=float(low[place]),
            high=float(high[place]),
            standard=float(standard[place]),
            expected=float(expected[place]),
            error=float(standard[place] * math.sqrt(1.0 / known[place] + error[place])),
            surely_below=bool(below[place] >= SURE),
            surely_above=bool(above[place] >= SURE),
            chance=float(chance[place]),
        )
        for place, one in judged
    ]


def _believed(
    mean: Floats, prior: Floats, ratios: _Ratios, phi: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Mode and variance of what is believed of log r, by Newton's method; the posterior has one
    peak, and steps are cut where the curve is flat.
    """
    now, before = ratios.now / phi[0], ratios.before / phi[1]
    offset = np.log(ratios.offered * phi[1] / phi[0])
    found = mean.copy()
    for _ in range(NEWTON_STEPS):
        share = expit(found + offset)
        known = (now + before) * share * (1.0 - share) + 1.0 / prior
        step = (now - (now + before) * share - (found - mean) / prior) / known
        found += np.clip(step, -1.0, 1.0)
    share = expit(found + offset)
    return found, 1.0 / ((now + before) * share * (1.0 - share) + 1.0 / prior)


def _chance_of_gap(
    mean: Floats, error: Floats, ratios: _Ratios, phi: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Two-sided p-value of the counts if log r were the peers' mean, whose own error counts; and
    how much they know about log r there (Fisher's information).
    """
    now, before = ratios.now / phi[0], ratios.before / phi[1]
    share = expit(mean + np.log(ratios.offered * phi[1] / phi[0]))
    known = (now + before) * share * (1.0 - share)
    score = now - (now + before) * share
    return 2.0 * ndtr(-np.abs(score) / np.sqrt(known * (1.0 + known * error))), known


def _no_peers(one: Observation, ratios: _Ratios) -> Judgement:
    log, half = ratios.log, INTERVAL_WIDTH / 2.0 * np.sqrt(ratios.variance)
    rate = float(ratios.raw[0])
    low = float(np.exp(log - half)[0]) if rate else 0.0
    high = float(np.exp(log + half)[0])
    return Judgement(one.touchpoint_id, "no_peers", rate, low, high, None, None)
