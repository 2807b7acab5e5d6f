"""How many visitors are usual for a touchpoint on given days: a negative-binomial forecast.

Decided here: what a day is expected to bring, and how far chance alone may lead from it. Which
days are usual ones, and which touchpoints are judged and how, is decided in `change`; this
module knows counts, weekdays and ages only.

**The expected value.** A log-linear model per touchpoint over the days of its history: a level,
seven weekdays, a drift per week, and the logarithm of its age, by which a link fades (a power
law of its age; with the drift, also an exponential one). Weekdays, drift and fading are drawn
towards what is ordinary (penalised likelihood, le Cessie & van Houwelingen 1992, *Applied
Statistics* 41): weekdays towards those all touchpoints share, as strongly as they agree; drift
towards none. The young may drift more: nobody knows their course yet. Fitted by iterated weighted
least squares (McCullagh & Nelder, *Generalized Linear Models*, 1989, 2.5) with Huber's weights
(Huber 1981, *Robust Statistics*, 7.8), so that one day on television is no new usual.

**Its interval.** The days scatter as negative binomials with variance μ + αμ² (Hilbe, *Negative
Binomial Regression*, 2011). α comes from the Pearson statistic of the touchpoint's own days,
drawn towards the α of all of them. To the variance of the days' sum that of the estimate is
added, and the sum's negative binomial is the one with this mean and variance. That α itself is
estimated widens it as it widens Student's t over the normal (Abramowitz & Stegun 26.7.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from linkservice.reports.dispersion import Floats

Mask = NDArray[np.bool_]

SHARED_WEEK = 4
"""From so many touchpoints on, they share a week."""

RHYTHM = 1.0  # standard deviation of a weekday's logarithm where nothing is shared
CLOSEST_RHYTHM = 0.03  # nobody's week is quite that of the others
DRIFT = 0.1  # of the logarithm, a week
YOUNG_DRIFT, YOUNG_WEEKS = 1.0, 3.0  # what is added to it at birth, and how soon that fades
FADING = 1.0  # exponent of the power of its age
LEVEL = 10.0  # as good as unknown
ORDINARY = 4.0  # standard deviations from which on a day weighs less
QUIETEST_WEEKDAY = 0.02
SHARED_SCATTER_DAYS = 20.0  # days of its own that the shared α is worth to a touchpoint
ROUNDS = 6
_SURE = 4.0
"""Standard deviations for which the interval is widened: a little more than where one of some 20
touchpoints is called unusual, as the estimate of α is skewed (simulated)."""


@dataclass(frozen=True, slots=True)
class Days:
    """Daily counts of touchpoints (rows) on consecutive days, the last `window` of them judged.

    `usable` says which days teach what is usual (never the judged ones), `ages` how many days
    each is after the touchpoint's first one, `weekdays` (0–6) the weekday of each column.
    """

    counts: Floats
    usable: Mask
    ages: Floats
    weekdays: NDArray[np.int64]
    window: int


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual on the judged days: means (touchpoints, days), the covariance of their
    estimates, α, and the degrees of freedom it rests on.
    """

    means: Floats
    covariance: Floats
    alpha: Floats
    freedom: Floats

    def sum_of(self, days: Mask) -> Forecast:
        """The forecast of the sum over some of the judged days, one or more."""
        means = self.means[:, days]
        mean = means.sum(axis=1)
        scatter = mean + self.alpha * (means**2).sum(axis=1)
        wider = 1.0 + (_SURE**2 + 1.0) / (2.0 * self.freedom)
        unsure = self.covariance[:, days][:, :, days].sum(axis=(1, 2))
        # Poisson's variance is certain: as far as the days do not exceed it, nothing is estimated.
        estimated = scatter - mean**2 / scatter
        # The estimate's logarithm is about normal, so its mean lies above its median.
        mean = mean * np.exp(np.minimum(unsure / (2.0 * mean**2), 0.5))
        return Forecast(mean, scatter + (wider - 1.0) * estimated + unsure)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Negative binomials, one per touchpoint, by mean (> 0) and variance (≥ the mean)."""

    mean: Floats
    variance: Floats

    def at_most(self, counts: Floats) -> Floats:
        """P(X ≤ count), for whole counts ≥ −1 (Johnson, Kemp & Kotz, *Univariate Discrete
        Distributions*, 2005, 5.6: an incomplete beta function).
        """
        size = self.mean**2 / np.maximum(self.variance - self.mean, 1e-7 * self.mean)
        sure = np.maximum(counts, 0.0) + 1.0
        chance = betainc(size, sure, size / (size + self.mean))
        return np.where(counts < 0, 0.0, chance)

    def tails(self, counts: Floats) -> Floats:
        """Two-sided mid-p value: twice the smaller tail, what was seen counted half (Lancaster
        1961, *JASA* 56): whole counts then err neither way.
        """
        below, up_to = self.at_most(counts - 1.0), self.at_most(counts)
        few = (below + up_to) / 2.0
        return np.asarray(2.0 * np.minimum(few, 1.0 - few))

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """The smallest whole counts that hold at least half of what is left out on each side."""
        tail = (1.0 - level) / 2.0
        return self._quantile(tail), self._quantile(1.0 - tail)

    def _quantile(self, chance: float) -> Floats:
        """The smallest whole count x with P(X ≤ x) ≥ `chance`, by bisection."""
        low = np.full_like(self.mean, -1.0)
        high = np.ceil(self.mean + 10.0 * np.sqrt(self.variance) + 10.0)
        while np.any(high - low > 1.0):
            middle = np.floor((low + high) / 2.0)
            enough = self.at_most(middle) >= chance
            high, low = np.where(enough, middle, high), np.where(enough, low, middle)
        return high


def usual(days: Days) -> Usual:
    """What the history lets expect of the judged days. Every row needs a usable day.

    Finite for any counts from 0 to 10⁶, whatever was clicked when.
    """
    weights = days.usable.astype(float)
    shared, spread = _shared_week(days, weights)
    design = _design(days)
    penalty = _penalty(days, spread)
    offset = np.log(shared)[days.weekdays]
    level = np.log(np.maximum((days.counts * weights).sum(axis=1), 0.5) / weights.sum(axis=1))
    effects = np.zeros((len(days.counts), design.shape[2]))
    effects[:, 0] = level
    scatter = np.zeros(len(days.counts))
    freedom = np.ones(len(days.counts))
    for _ in range(ROUNDS):
        mean = _mean(design, effects, offset)
        variance = mean * (1.0 + scatter[:, None] * mean)
        distance = np.abs(days.counts - mean) / np.sqrt(variance)
        trust = np.minimum(1.0, ORDINARY / np.maximum(distance, 1e-9))
        trusted = weights * trust
        working = trusted * mean**2 / variance
        lean = (trusted * (days.counts - mean) * mean / variance)[:, None, :] @ design
        curvature = np.swapaxes(design, 1, 2) @ (working[:, :, None] * design)
        covariance = np.linalg.inv(curvature + penalty)
        pull = (penalty @ (effects - _centre(effects, level))[:, :, None])[:, :, 0]
        step = (covariance @ (lean[:, 0, :] - pull)[:, :, None])[:, :, 0]
        effects = effects + np.clip(step, -2.0, 2.0)
        leverage = ((design @ covariance) * design).sum(axis=2) * working
        scatter, freedom = _scatter(days.counts, mean, weights, trust, leverage)
    judged = design[:, -days.window :]
    means = _mean(judged, effects, offset[-days.window :])
    gradient = judged * means[:, :, None]
    return Usual(means, gradient @ covariance @ np.swapaxes(gradient, 1, 2), scatter, freedom)


def _centre(effects: Floats, level: Floats) -> Floats:
    centre = np.zeros_like(effects)
    centre[:, 0] = level
    return centre


def _design(days: Days) -> Floats:
    """A column each for the level, the weekdays, the weeks since, and the age's logarithm."""
    touchpoints, length = days.counts.shape
    design = np.zeros((touchpoints, length, 10))
    design[:, :, 0] = 1.0
    design[:, np.arange(length), 1 + days.weekdays] = 1.0
    design[:, :, 8] = (np.arange(length) - length + 1.0) / 7.0
    fading = np.log1p(np.maximum(days.ages, 0.0))
    design[:, :, 9] = fading - fading[:, -1:]
    return design


def _penalty(days: Days, spread: float) -> Floats:
    """The inverse variances by which effects are drawn towards nought."""
    weeks = np.maximum(days.ages[:, -1], 0.0) / 7.0
    deviations = np.full((len(days.counts), 10), spread)
    deviations[:, 0] = LEVEL
    deviations[:, 8] = DRIFT + YOUNG_DRIFT * np.exp(-weeks / YOUNG_WEEKS)
    deviations[:, 9] = FADING
    return np.asarray(np.eye(10) / deviations[:, :, None] ** 2)


def _mean(design: Floats, effects: Floats, offset: Floats) -> Floats:
    return np.exp(np.clip((design @ effects[:, :, None])[:, :, 0] + offset, -12.0, 16.0))


def _shared_week(days: Days, weights: Floats) -> tuple[Floats, float]:
    """The factor of each weekday that all share, and by how much the logarithms of their own
    deviate from it: the excess over chance, by the method of moments.
    """
    touchpoints = len(days.counts)
    if touchpoints < SHARED_WEEK:
        return np.ones(7), RHYTHM
    weekday = np.eye(7)[days.weekdays]
    level = (days.counts * weights).sum(axis=1) / weights.sum(axis=1)
    seen = (days.counts * weights) @ weekday
    expected = (level[:, None] * weights) @ weekday
    factor = seen.sum(axis=0) / np.maximum(expected.sum(axis=0), 1e-9)
    factor = np.maximum(factor, QUIETEST_WEEKDAY)
    expected = expected * factor
    # Weighed by size up to a point: one large touchpoint is not all of them.
    weight = 1.0 / (1.0 + RHYTHM**2 * expected)
    known = (weight * expected**2).sum()
    daily = (days.counts - level[:, None] * factor[days.weekdays]) ** 2 * weights @ weekday
    excess = (weight * ((seen - expected) ** 2 - daily)).sum()
    spread = np.sqrt(max(0.0, excess / max(known, 1e-9)))
    return factor, float(np.clip(spread, CLOSEST_RHYTHM, RHYTHM))


def _scatter(
    counts: Floats, mean: Floats, weights: Floats, trust: Floats, leverage: Floats
) -> tuple[Floats, Floats]:
    """α of each touchpoint and its degrees of freedom, its own days drawn towards all. What lies
    beyond `ORDINARY` deviations counts as if it lay there.
    """
    distance = trust**2 * (counts - mean) ** 2 / (1.0 - np.minimum(leverage, 0.9))
    expected = (weights * mean).sum(axis=1)
    typical = (weights * mean**2).sum(axis=1) / np.maximum(expected, 1e-9)
    excess = weights * (distance - mean)
    own = excess.sum(axis=1) / np.maximum(expected, 1e-9)  # φ − 1
    # By the method of moments, each touchpoint as sure as its days let it be.
    days = weights.sum(axis=1)
    shared = 0.0
    for _ in range(3):
        trust = days / (1.0 + shared * typical) ** 2
        shared = max(0.0, float((trust * typical) @ own) / max(float(trust @ typical**2), 1e-9))
    freedom = np.maximum(1.0, days - (weights * leverage).sum(axis=1))
    excess_of = (SHARED_SCATTER_DAYS * shared * typical + freedom * own) / (
        SHARED_SCATTER_DAYS + freedom
    )
    alpha = np.maximum(0.0, excess_of) / np.maximum(typical, 1e-9)
    return alpha, freedom + SHARED_SCATTER_DAYS
