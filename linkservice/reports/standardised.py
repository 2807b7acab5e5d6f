"""Rates that a different mix does not bend, and what the mix can turn around.

Pure functions over parts of a whole: in each part (persona) so many successes of so many trials.
Not here: what is counted (`personas`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TypeVar

import numpy as np

LEAST_EXPECTED = 5.0
"""Successes, and failures, to be expected on either side of every part that is compared, were there
no difference: with fewer neither a rate nor its error is known (Cochran 1954, *Biometrics* 10).
"""

NORMAL = 1.959964  # standard errors on either side of a 95 % interval

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Part:
    """`successes` of `trials`."""

    successes: int
    trials: int

    @property
    def rate(self) -> float | None:
        """None without trials."""
        return self.successes / self.trials if self.trials else None


def crude(parts: Mapping[Key, Part]) -> float | None:
    """The rate of all parts together, each weighing as much as it has trials; None without any."""
    trials = sum(part.trials for part in parts.values())
    return sum(part.successes for part in parts.values()) / trials if trials else None


def standardised(parts: Mapping[Key, Part], mix: Mapping[Key, int]) -> float | None:
    """The rate there would be with the mix of the standard: Σ w·r ÷ Σ w over the parts, where `r`
    is the rate of a part here and `w` its trials in the standard.

    Direct standardisation (Fleiss, Levin & Paik, *Statistical Methods for Rates and Proportions*,
    3rd ed. 2003, ch. 19.2; the standard is all that is compared, taken together). None where a
    part the standard has is without trials here: its rate is unknown, and leaving it out would be
    another standard.
    """
    total = sum(mix.values())
    rates = {
        key: parts[key].rate if key in parts else None for key, weight in mix.items() if weight
    }
    if not total or any(rate is None for rate in rates.values()):
        return None
    return sum(mix[key] * (rate or 0.0) for key, rate in rates.items()) / total


def is_reversed(one: Mapping[Key, Part], other: Mapping[Key, Part]) -> bool:
    """Whether `one` has the higher rate altogether, and the lower one in every part.

    Simpson's paradox (Simpson, *The Interpretation of Interaction in Contingency Tables*, 1951;
    Blyth 1972): it takes a different mix. At least two parts are compared, all those that either
    has trials in, each with `LEAST_EXPECTED` on both sides. It is what was counted; whether
    chance could explain it `is_beyond_chance` says.
    """
    keys = {key for parts in (one, other) for key, part in parts.items() if part.trials}
    if len(keys) < 2:
        return False
    nothing = Part(0, 0)
    pairs = [(one.get(key, nothing), other.get(key, nothing)) for key in keys]
    if not all(is_enough(ours, theirs) for ours, theirs in pairs):
        return False
    if not all((ours.rate or 0.0) < (theirs.rate or 0.0) for ours, theirs in pairs):
        return False
    return (crude(one) or 0.0) > (crude(other) or 0.0)


def reversals(every: Sequence[Mapping[Key, Part]]) -> list[tuple[int, int]]:
    """The places of every two of which the first `is_reversed` beside the second, in their order.

    Most pairs are told apart at a glance: forty thousand of two hundred take a millisecond.
    """
    keys = {key for parts in every for key in parts}
    trials, successes = (
        np.array([[getattr(parts.get(key, Part(0, 0)), name) for key in keys] for parts in every])
        for name in ("trials", "successes")
    )
    if not keys or not trials.any():
        return []
    with np.errstate(invalid="ignore"):
        rates, whole = successes / trials, successes.sum(axis=1) / trials.sum(axis=1)
        seems = whole[:, None] > whole
        for of_key, there in zip(rates.T, trials.T > 0, strict=True):
            seems &= (of_key[:, None] < of_key) | ~(there[:, None] | there)
    return [(a, b) for a, b in np.argwhere(seems).tolist() if is_reversed(every[a], every[b])]


def is_beyond_chance(one: Mapping[Key, Part], other: Mapping[Key, Part]) -> bool:
    """Whether both orders of what `is_reversed`, altogether and within the parts, are more than
    chance explains in 5 of 100 cases. Days that scatter by more than chance are not allowed for.
    """
    pairs = [(part, other[key]) for key, part in one.items() if part.trials]
    altogether = [(_sum(ours for ours, _ in pairs), _sum(theirs for _, theirs in pairs))]
    return _lead(altogether) > NORMAL and _lead(pairs) < -NORMAL


def is_enough(*compared: Part) -> bool:
    """Whether each side has `LEAST_EXPECTED` successes and failures, at the rate of all sides."""
    rate = _sum(compared).rate or 0.0
    return all(part.trials * min(rate, 1.0 - rate) >= LEAST_EXPECTED for part in compared)


def _sum(parts: Iterable[Part]) -> Part:
    every = list(parts)
    return Part(sum(part.successes for part in every), sum(part.trials for part in every))


def _lead(pairs: Sequence[tuple[Part, Part]]) -> float:
    """How many standard errors the first of each pair has more successes than the rate of both lets
    expect, over all pairs (Mantel & Haenszel 1959, *Journal of the National Cancer Institute* 22).
    """
    ahead = variance = 0.0
    for ours, theirs in pairs:
        both = _sum((ours, theirs))
        rate = both.successes / both.trials
        ahead += ours.successes - ours.trials * rate
        variance += rate * (1.0 - rate) * ours.trials * theirs.trials / (both.trials - 1)
    return float(ahead / sqrt(variance)) if variance else 0.0
