"""What kind of number a rate is: visitors of a reach, conversions of clicks, what came of money.

Decided here: which beliefs, noise and standard each of them has. Not here: the numbers behind it
(`statistics`, `proportions`, `standard`), what is judged by it (`ranking`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from linkservice.reports import proportions, statistics
from linkservice.reports.dispersion import Floats
from linkservice.reports.proportions import Beta
from linkservice.reports.standard import Standard, mean_of_others, median_of_others
from linkservice.reports.statistics import Gamma

Belief = TypeVar("Belief", Gamma, Beta)


@dataclass(frozen=True, slots=True)
class Family(Generic[Belief]):
    """Which beliefs there are about a rate, its noise, and what peers make of it.

    Told by its `name`. `nothing_known` is Jeffreys' prior; `noise` is the variance of a count per
    unit of exposure; `standard_of` is what peers make of counts, exposure, φ and this noise.
    """

    name: str
    nothing_known: Belief
    belief_of: Callable[[Floats, Floats], Belief]
    shrink: Callable[[Belief, Floats, Floats, Floats], Belief]
    chance_of_gap: Callable[[Floats, Floats, Floats, Belief | Floats], Floats]
    noise: Callable[[Floats], Floats]
    standard_of: Callable[[Floats, Floats, Floats, Callable[[Floats], Floats]], Standard]


RATES = Family(
    "rates",
    Gamma(np.array([0.5]), np.array([1e-9])),
    statistics.gamma_of,
    statistics.shrink,
    statistics.chance_of_gap,
    lambda rate: rate,
    mean_of_others,
)
"""Visitors of a reach: Poisson counts, gamma beliefs."""

GAINS = replace(RATES, name="gains", standard_of=median_of_others)
"""What came of money: as `RATES`, which differ by orders of magnitude."""

PROPORTIONS = Family(
    "proportions",
    Beta(np.array([0.5]), np.array([0.5])),
    proportions.beta_of,
    proportions.shrink,
    proportions.chance_of_gap,
    lambda rate: rate * (1.0 - rate),
    mean_of_others,
)
"""Conversions of clicks: binomial counts, beta beliefs."""
