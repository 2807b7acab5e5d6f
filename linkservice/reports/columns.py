"""How wide the columns of a table on paper are.

Decided here: that they are as wide as they ask, unless a word of one would have to be broken: then
those that have room to spare give some.
"""

from __future__ import annotations

from collections.abc import Sequence


def fitted(wished: Sequence[float], needed: Sequence[float]) -> list[float]:
    """The widths, which together are what is wished together; where that is less than needed, each
    has its part of what it needs.
    """
    whole, least = sum(wished), sum(needed)
    if least >= whole:
        return [need * whole / least for need in needed]
    lacking = sum(max(0.0, need - wish) for wish, need in zip(wished, needed, strict=True))
    spare = sum(max(0.0, wish - need) for wish, need in zip(wished, needed, strict=True))
    return [
        need if need >= wish else wish - (wish - need) * (lacking / spare)
        for wish, need in zip(wished, needed, strict=True)
    ]
