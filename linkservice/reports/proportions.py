"""Estimates of proportions: so many conversions of so many clicks. Beside `statistics`, whose
rates have no upper end.

Every belief about a proportion is a beta distribution, the conjugate of binomial counts
(beta-binomial empirical Bayes: Skellam 1948, *Journal of the Royal Statistical Society* B 10;
Griffiths 1973, *Biometrics* 29). Trials and successes are divided by the day-to-day dispersion φ,
the quasi-likelihood of overdispersed counts (Williams 1982, *Applied Statistics* 31). Not here:
who is compared with whom, and what a probability means (`ranking`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv

from linkservice.reports.dispersion import Floats

LEAST_WEIGHT = 1.0
"""Trials a belief is worth at least, as Jeffreys' prior is."""

_HARDLY = 1e-9
_NOTHING = 1e-12  # a variance, beside a squared mean

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_NODES, _WEIGHTS = (_NODES[:, None] + 1.0) / 2.0, _WEIGHTS[:, None] / 2.0
"""Points and weights of an integral from 0 to 1 (Gauss–Legendre)."""

_FAR = 8.0
"""Standard deviations from its peak beyond which a distribution has nothing that counts."""


@dataclass(frozen=True, slots=True)
class Beta:
    """Beliefs about proportions, one per touchpoint, multiplied by `factor`.

    `hits` and `misses` (> 0) are in trials.
    """

    hits: Floats
    misses: Floats
    factor: float = 1.0

    @property
    def mean(self) -> Floats:
        return self.factor * self.hits / (self.hits + self.misses)

    @property
    def deviation(self) -> Floats:
        """The standard deviation."""
        weight = self.hits + self.misses
        mean = self.hits / weight
        return np.asarray(self.factor * np.sqrt(mean * (1.0 - mean) / (weight + 1.0)))

    def __mul__(self, factor: float) -> Beta:
        """The belief about `factor` times the proportion."""
        return Beta(self.hits, self.misses, self.factor * factor)

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Equal-tailed interval that holds the proportion with probability `level`."""
        tail = (1.0 - level) / 2.0
        return self._quantile(np.asarray(tail)), self._quantile(np.asarray(1.0 - tail))

    def below(self, bound: Beta | Floats) -> Floats:
        """P(proportion < bound), the bound known exactly or itself uncertain and independent.

        An uncertain bound is integrated over by quadrature, along the narrower of the two, beside
        which the other's distribution is smooth.
        """
        if not isinstance(bound, Beta):
            return self._up_to(bound)
        narrower = np.broadcast_to(self.deviation < bound.deviation, self.hits.shape)
        found = np.zeros(self.hits.shape)
        for rows in (narrower, ~narrower):
            if rows.any():
                own, other = self._of(rows), bound._of(rows)
                along, across = (own, other) if rows is narrower else (other, own)
                points, shares = along._points()
                passed = (shares * across._up_to(points)).sum(axis=0)
                found[rows] = 1.0 - passed if rows is narrower else passed
        return found

    def lowest(self) -> Floats:
        """P(this proportion is below all the others), of independent beliefs; they sum to 1.

        ∫ ∏ P(other > x) over the belief about x, by quadrature.
        """
        places, shares = self._points()
        above = 1.0 - np.array([self._up_to(each[:, None]) for each in places.T])
        own = np.arange(len(self.hits))
        above[own, :, own] = 1.0
        chance = (above.prod(axis=2) * shares.T).sum(axis=1)
        return np.asarray(chance / chance.sum())

    def _points(self) -> tuple[Floats, Floats]:
        """Points along each distribution (a column each), and how much of it each stands for."""
        shape = (len(_NODES), len(self.hits))
        points, shares = np.empty(shape), np.empty(shape)
        bells = np.minimum(self.hits, self.misses) >= 1.0
        if bells.any():
            points[:, bells], shares[:, bells] = self._of(bells)._by_angle()
        if not bells.all():
            points[:, ~bells], shares[:, ~bells] = self._of(~bells)._quantile(_NODES), _WEIGHTS
        return points, shares

    def _by_angle(self) -> tuple[Floats, Floats]:
        """Points even in the angle whose squared sine is the proportion.

        There a beta is close to a normal distribution of a width that is known (Anscombe 1948,
        *Biometrika* 35), unless its peak is at an end; quantiles would take ten times as long.
        """
        peak = np.arctan2(np.sqrt(self.hits - 0.5), np.sqrt(self.misses - 0.5))
        width = _FAR * 0.5 / np.sqrt(self.hits + self.misses - 1.0)
        first, last = np.maximum(peak - width, 0.0), np.minimum(peak + width, np.pi / 2.0)
        angles = first + (last - first) * _NODES
        sine, cosine = np.sin(angles), np.cos(angles)
        density = (2.0 * self.hits - 1.0) * np.log(sine / np.sin(peak))
        density += (2.0 * self.misses - 1.0) * np.log(cosine / np.cos(peak))
        shares = _WEIGHTS * np.exp(density)
        return self.factor * sine**2, shares / shares.sum(axis=0)

    def _of(self, rows: NDArray[np.bool_]) -> Beta:
        return Beta(self.hits[rows], self.misses[rows], self.factor)

    def _up_to(self, bound: Floats) -> Floats:
        place = np.clip(bound / self.factor, 0.0, 1.0)
        return np.asarray(betainc(self.hits, self.misses, place))

    def _quantile(self, chance: Floats) -> Floats:
        return np.asarray(self.factor * betaincinv(self.hits, self.misses, chance))


def beta_of(mean: Floats, relative_variance: Floats) -> Beta:
    """The beta with this mean (0 ≤ mean ≤ 1) and this squared coefficient of variation (≥ 0), as
    far as a proportion can vary so much, or so little: where all clicks are scans nothing scatters.
    """
    mean = np.clip(mean, _HARDLY, 1.0 - 1e-6)
    weight = (1.0 - mean) / (mean * np.maximum(relative_variance, _NOTHING)) - 1.0
    weight = np.maximum(weight, LEAST_WEIGHT)
    return Beta(mean * weight, (1.0 - mean) * weight)


def shrink(prior: Beta, counts: Floats, trials: Floats, phi: Floats) -> Beta:
    """Posterior of proportions under beta priors, counts (≤ trials) and trials divided by φ."""
    return Beta(prior.hits + counts / phi, prior.misses + (trials - counts) / phi)


def chance_of_gap(counts: Floats, trials: Floats, phi: Floats, standard: Beta | Floats) -> Floats:
    """Two-sided p-value of so many or so few counts if the proportion were the standard.

    Twice the smaller binomial tail, written as a beta integral (Clopper & Pearson 1934,
    *Biometrika* 26), the standard's uncertainty integrated over.
    """
    hits, misses = counts / phi, (trials - counts) / phi
    as_few = 1.0 - Beta(hits + 1.0, np.maximum(misses, _HARDLY)).below(standard)
    as_many = Beta(np.maximum(hits, _HARDLY), misses + 1.0).below(standard)
    return np.minimum(1.0, 2.0 * np.minimum(as_few, as_many))
