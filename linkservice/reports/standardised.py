"""Rates that a different mix does not bend, and what the mix can turn around.

Pure functions over parts of a whole: in each part (persona) so many successes of so many trials.
Not here: what is counted (`personas`).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

LEAST_TRIALS = 20
"""In every part that is compared: below that a turned order says no more than chance."""

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
    has trials in, each with `LEAST_TRIALS` on both sides.
    """
    keys = {key for parts in (one, other) for key, part in parts.items() if part.trials}
    if len(keys) < 2:
        return False
    nothing = Part(0, 0)
    pairs = [(one.get(key, nothing), other.get(key, nothing)) for key in keys]
    if any(min(ours.trials, theirs.trials) < LEAST_TRIALS for ours, theirs in pairs):
        return False
    higher = (crude(one) or 0.0) > (crude(other) or 0.0)
    return higher and all((ours.rate or 0.0) < (theirs.rate or 0.0) for ours, theirs in pairs)
