"""Estimates from counts and reach: shrinkage, intervals, probabilities, families of tests.

Decided here: how a rate is estimated and how sure we are of it. Who is compared with whom,
and what a probability means for a verdict, is decided in `ranking`; the day-to-day
dispersion φ by which counts and exposure are divided comes from `dispersion`.

Every belief about a rate is a gamma distribution, the conjugate of Poisson counts with
reach as exposure, so all answers are closed forms of the incomplete gamma and beta
functions (`scipy.special` only; importing `scipy.stats` costs every process a second).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammainc, gammaincinv

from linkservice.reports.dispersion import Floats


@dataclass(frozen=True, slots=True)
class Gamma:
    """Beliefs about rates, one per touchpoint: mean = shape ÷ weight.

    `shape` (> 0) is in successes, `weight` (> 0, the inverse scale) in units of reach.
    """

    shape: Floats
    weight: Floats

    @property
    def mean(self) -> Floats:
        return self.shape / self.weight

    def __mul__(self, factor: float) -> Gamma:
        """The belief about `factor` times the rate."""
        return Gamma(self.shape, self.weight / factor)

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Equal-tailed interval that holds the rate with probability `level`."""
        tail = (1.0 - level) / 2.0
        low = gammaincinv(self.shape, tail) / self.weight
        high = gammaincinv(self.shape, 1.0 - tail) / self.weight
        return low, high

    def below(self, bound: Gamma | Floats) -> Floats:
        """P(rate < bound), the bound known exactly or itself uncertain and independent.

        For gammas X and Y of one scale X/(X+Y) is beta distributed (Johnson, Kotz &
        Balakrishnan, *Continuous Univariate Distributions* 2, 1995, 25.2), so the bound's
        uncertainty is integrated over exactly.
        """
        if isinstance(bound, Gamma):
            ratio = self.weight / (self.weight + bound.weight)
            return np.asarray(betainc(self.shape, bound.shape, ratio))
        return np.asarray(gammainc(self.shape, self.weight * bound))


def gamma_of(mean: Floats, relative_variance: Floats) -> Gamma:
    """The gamma with this mean (> 0) and this squared coefficient of variation (> 0)."""
    shape = 1.0 / relative_variance
    return Gamma(shape, shape / mean)


def shrink(prior: Gamma, counts: Floats, exposure: Floats, phi: Floats) -> Gamma:
    """Posterior of Poisson rates under gamma priors, counts and exposure divided by φ.

    Gamma-Poisson empirical Bayes (Clayton & Kaldor 1987, *Biometrics* 43); dividing by φ is
    the quasi-likelihood of overdispersed counts (McCullagh & Nelder 1989, chapter 9).
    """
    return Gamma(prior.shape + counts / phi, prior.weight + exposure / phi)


def chance_of_gap(
    counts: Floats, exposure: Floats, phi: Floats, standard: Gamma | Floats
) -> Floats:
    """Two-sided p-value of so many or so few counts if the rate were the standard.

    Twice the smaller Poisson tail, the standard's uncertainty integrated over: with φ = 1
    and a standard made of counts it is the exact conditional test of two Poisson rates
    (Przyborowski & Wilenski 1940, *Biometrika* 31).
    """
    weight = exposure / phi
    as_few = 1.0 - Gamma(counts / phi + 1.0, weight).below(standard)
    as_many = Gamma(np.maximum(counts / phi, 1e-9), weight).below(standard)
    return np.minimum(1.0, 2.0 * np.minimum(as_few, as_many))


def variance_between(rates: Floats, variances: Floats) -> tuple[float, float]:
    """Variance of the true rates behind estimates with these sampling variances, ≥ 0,
    and its standard error; at least two rates.

    Method of moments in two steps (DerSimonian & Kacker 2007, *Contemporary Clinical
    Trials* 28): weighted by precision, then by the precision the first step implies.
    """
    between = 0.0
    for _ in range(2):
        weight = 1.0 / (variances + between)
        total = weight.sum()
        centre = (weight @ rates) / total
        excess = weight @ (rates - centre) ** 2 - weight @ variances
        excess += (weight**2 @ variances) / total
        between = max(0.0, float(excess / (total - (weight @ weight) / total)))
    spread = between + float(np.median(variances))
    return between, spread * float(np.sqrt(2.0 / (len(rates) - 1)))


def holm(p_values: Floats, level: float) -> NDArray[np.bool_]:
    """Which hypotheses fall, so that any true one falls with probability ≤ `level`.

    Holm 1979, *Scandinavian Journal of Statistics* 6; valid under any dependence.
    """
    order = np.argsort(p_values, kind="stable")
    count = len(p_values)
    passed = p_values[order] <= level / (count - np.arange(count))
    fallen = np.zeros(count, dtype=np.bool_)
    fallen[order] = np.logical_and.accumulate(passed)
    return fallen
