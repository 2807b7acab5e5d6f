"""A trend as papers have it: the points, ticks and notes of `lines`, for `reports/graph` to draw.

Decided here: how many dates stand under it. Not here: what a point stands for (`steps`), ticks
(`scales`), strokes (`reports/graph`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from linkservice.reports.graph import Graph, Look, Stroke
from linkservice.web.charts.flags import Note
from linkservice.web.charts.lines import Line, day_label, value_label
from linkservice.web.charts.scales import Scale, day_ticks, scale_to
from linkservice.web.charts.steps import Step, steps_of, unit_words

DATES = 8
"""How many fit under the plot of an A4 page."""

_LOOKS: tuple[Look, ...] = ("first", "second", "third")


def printed_trend(
    heading: str,
    days: Sequence[date],
    lines: Sequence[Line],
    *,
    today: date,
    before: Line | None = None,
    notes: Sequence[Note] = (),
) -> Graph:
    """What `lines.trend` draws of the same, for paper. There is at least one day."""
    unit, steps = steps_of(days, today)
    begun = [step for step in steps if not step.future]
    drawn: list[tuple[Line, Look, list[Step]]] = [
        (line, look, begun) for line, look in zip(lines, _LOOKS, strict=False)
    ]
    if before is not None:
        drawn.append((before, "before", steps))
    highest = max((step.total(line.values) for line, _, some in drawn for step in some), default=0)
    scale = scale_to(highest, whole=True)
    last = len(days) - 1

    def x(place: float) -> float:
        return place / last if last else 0.5

    noted = sorted(
        (each for each in notes if days[0] <= each.day <= days[-1]), key=lambda each: each.day
    )
    return Graph(
        heading=heading,
        unit=unit_words(unit, steps),
        strokes=[_stroke(line, look, some, scale, x) for line, look, some in drawn],
        values=[(scale.percent(value) / 100, value_label(value)) for value in scale.ticks],
        dates=[(x(tick.index), day_label(tick)) for tick in day_ticks(days, DATES)],
        notes=[x((each.day - days[0]).days) for each in noted],
        told=[f"{number} {each}" for number, each in enumerate(noted, 1)],
    )


def _stroke(
    line: Line, look: Look, steps: Sequence[Step], scale: Scale, x: Callable[[float], float]
) -> Stroke:
    points = [(x(step.middle), scale.percent(step.total(line.values)) / 100) for step in steps]
    told = look != "before" and len(steps) > 1
    return Stroke(
        line.name,
        look,
        points,
        first_open=told and not steps[0].whole,
        last_open=told and not steps[-1].whole,
    )
