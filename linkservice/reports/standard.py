"""What is a touchpoint set against? The standard that its peers make, as pure functions.

Decided here: the mean of the others, for visitors per reach and for proportions, and the median of
the others, for what came of money. Not here: who the others are and what a difference from them
means (`ranking`).

**The mean of the others** is weighted by 1 ÷ (variance between rates + noise variance at their
reach). Equal reach gives the plain mean, equal rates the pooled one; one huge touchpoint does not
set the standard for all others.

**The median of the others** is for rates that differ by orders of magnitude, as those of money do:
an e-mail at 0.02 € a visitor beside posters at 2 €. A mean of rates is then the e-mail's, and calls
all posters worst; a mean of their logarithms is drawn by ln 100 ÷ their number, which makes 1.27 of
1 among twenty and 4.6 among four. The median stays where most are, whatever the rest do.

It is the median of what is believed of the others' rates, together: the m with Σ w·P(rate < m) = ½.
Each belief is a gamma of counts ÷ φ + ½ and exposure ÷ φ, Jeffreys' for Poisson counts (Brown, Cai
& DasGupta 2003, *Statistica Sinica* 13). So one who brought nothing needs no correction: of little
money it says next to nothing, of much that its rate is low. As a median of estimates blurred by
their own noise it is about as exact as a mean: where all are equal its variance is π/3 = 1.05 of
the mean's, as Hodges & Lehmann's (1963, *Annals of Mathematical Statistics* 34), where the plain
median's is π/2. An other counts by E ÷ (E + 1), E what it would have brought at the usual rate,
divided by φ: alike as soon as anything is known of them, hardly where nothing is.

Its noise is that of a quantile of a weighted sample: Σ w²·V(P) ÷ f², f the density at m (Woodruff
1952, *Journal of the American Statistical Association* 47). Of P·(1 − P) the part that is noise
of the estimate is ½ where many lie at m (1/12 of 1/6) and 2/π where one alone does; `NOISE` is
between. Between two groups f is next to nothing: any rate in the gap is a median. Then it is known
no better than if the others were a sample of many, π/2 times the variance of their mean (on the
logarithmic scale), and no worse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc, gammaln

from linkservice.reports.dispersion import Floats
from linkservice.reports.statistics import variance_between

USUAL_SPREAD = 0.25
"""How far rates are apart at least: that nineteen agree does not prove that the twentieth does."""

NOISE = 2 / 3
_STEPS = 20


@dataclass(frozen=True, slots=True)
class Standard:
    """For each touchpoint what the others make.

    `told` is the rate to tell, 0 where none of them brought anything; `rate` is above 0 even then.
    `error` is its squared relative standard error, `spread` the squared coefficient of variation of
    the rates about it.
    """

    told: Floats
    rate: Floats
    error: Floats
    spread: Floats


def mean_of_others(
    counts: Floats, exposure: Floats, phi: Floats, noise_of: Callable[[Floats], Floats]
) -> Standard:
    """Their mean rate; `noise_of` a rate is the variance of a count per unit of exposure."""
    rate, others = counts / exposure, _others(len(counts))
    pooled = max(float(counts.sum()), 0.5) / (float(exposure.sum()) + 0.5)
    usual_phi = float(np.median(phi))
    noise = noise_of(np.array(pooled)) * usual_phi / exposure
    between, uncertainty = variance_between(rate, noise)
    weight = others / (between + noise)
    weight /= weight.sum(axis=1, keepdims=True)
    mean = weight @ rate
    # Peers without a single click still have a rate above 0: half a click, as Jeffreys has it.
    standard = np.maximum(mean, 0.5 * usual_phi / (others @ exposure))
    error = weight**2 @ (phi * noise_of(np.maximum(rate, pooled)) / exposure) / standard**2
    spread = np.maximum((between + uncertainty) / standard**2, USUAL_SPREAD**2)
    return Standard(mean, standard, error, spread)


def median_of_others(
    counts: Floats, exposure: Floats, phi: Floats, _noise_of: Callable[[Floats], Floats]
) -> Standard:
    """Their median rate, of counts whose noise is Poisson's."""
    others = _others(len(counts))
    shape, weight = counts / phi + 0.5, exposure / phi
    expected = _usual(counts, exposure) * exposure / float(np.median(phi))
    counted = others * (expected / (expected + 1.0))
    counted /= counted.sum(axis=1, keepdims=True)
    # A gamma's median lies below its mean, and above 0.45 of it if its shape is a half or more.
    low = np.full(len(shape), 0.45 * float((shape / weight).min()))
    high = np.full(len(shape), float((shape / weight).max()))
    for _ in range(_STEPS):
        middle = np.sqrt(low * high)
        above = (counted * _below(middle, shape, weight)).sum(axis=1) > 0.5
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    median = np.sqrt(low * high)
    at = median[:, None] * weight
    below = _below(median, shape, weight)
    density = (counted * np.exp(shape * np.log(at) - at - gammaln(shape))).sum(axis=1)
    between, uncertainty = variance_between(np.log(shape / weight), 1.0 / shape)
    most = np.pi / 2.0 * (counted**2 @ (between + 1.0 / shape))
    with np.errstate(divide="ignore", over="ignore"):
        error = NOISE * (counted**2 * below * (1.0 - below)).sum(axis=1) / density**2
    error = np.fmin(error, most)
    told = np.where(others @ counts > 0, median, 0.0)
    spread = np.full(len(shape), max(between + uncertainty, USUAL_SPREAD**2))
    return Standard(told, median, error, spread)


def _below(rates: Floats, shape: Floats, weight: Floats) -> Floats:
    """For each rate (row) how much of each belief lies below it."""
    # All are halved alike from the same ends, and most have nearly the same others.
    unique, places = np.unique(rates, return_inverse=True)
    found: Floats = gammainc(shape, unique[:, None] * weight)[places]
    return found


def _others(number: int) -> Floats:
    """For each (row) who counts: all but itself."""
    return 1.0 - np.eye(number)


def _usual(counts: Floats, exposure: Floats) -> float:
    """A rate that half of all exposure reaches; above 0."""
    rate = counts / exposure
    order = np.argsort(rate, kind="stable")
    half = int(np.searchsorted(np.cumsum(exposure[order]), float(exposure.sum()) / 2.0))
    found = float(rate[order[min(half, len(order) - 1)]])
    return found or max(float(counts.sum()), 0.5) / float(exposure.sum())
