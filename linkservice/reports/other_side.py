"""The other side of a verdict: the worst by visitors who bring the most value, and the reverse.

Decided here: when two rankings contradict each other. A touchpoint must be best in one of them and
worst in the other; both verdicts are those the rankings have. Not here: the verdicts (`judging`),
how it is told (the doors).

**It costs little**: the second ranking is judged only where it can contradict the first. A mean of
peers is weighted between by their exposure and all alike (`ranking`), so one whose value lies on
the same side of both means as its visitors is passed over; a verdict takes a tenth of the mean
more than that. Where no value is known nothing is judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from linkservice.reports.judging import Judged, Line, judged
from linkservice.reports.period import Period
from linkservice.reports.ranking import Verdict, peer_groups
from linkservice.reports.results import Metric

OTHER: Metric = "value_per_reach"
"""What visitors per reach are set beside."""

_OPPOSITE: Mapping[Verdict, Verdict] = {"worst": "best", "best": "worst"}


def other_sides(
    lines: Sequence[Line], verdicts: Sequence[Judged], period: Period, today: date
) -> dict[int, Judged]:
    """By its place among `lines`, what is said by value of each whose verdict by visitors per
    reach that contradicts.
    """
    sides = {
        place: _OPPOSITE[each.judgement.verdict]
        for place, each in enumerate(verdicts)
        if each.judgement.verdict in _OPPOSITE
    }
    if not sides or not any(line.converted.value for line in lines):
        return {}
    if not any(_may_be(sides[place], *means) for place, means in _means(lines, sides).items()):
        return {}
    by_value = judged(lines, OTHER, period, today, None)
    return {
        place: by_value[place]
        for place, side in sides.items()
        if by_value[place].judgement.verdict == side
    }


def _may_be(side: Verdict, rate: float, one: float, other: float) -> bool:
    return rate > min(one, other) if side == "best" else rate < max(one, other)


def _means(
    lines: Sequence[Line], asked: Mapping[int, Verdict]
) -> dict[int, tuple[float, float, float]]:
    """The value per exposure of the `asked`, and both means of the others in their group."""
    by_unit: defaultdict[str, list[int]] = defaultdict(list)
    exposure = []
    for place, line in enumerate(lines):
        unit = line.reached.unit
        exposure.append(float(line.reached.amount) if unit else float(line.visitors))
        if exposure[place] > 0:
            by_unit[unit or "visitor"].append(place)
    found = {}
    for unit, places in by_unit.items():
        groups, _ = peer_groups([lines[place].observed(unit, [], []) for place in places])
        for group in groups:
            members = [places[row] for row in group.rows]
            for place in (members[row] for row in group.judged):
                if place in asked:
                    others = [each for each in members if each != place]
                    values = [lines[each].converted.value for each in others]
                    reached = [exposure[each] for each in others]
                    alike = [value / of for value, of in zip(values, reached, strict=True)]
                    rate = lines[place].converted.value / exposure[place]
                    found[place] = rate, sum(values) / sum(reached), sum(alike) / len(alike)
    return found
