"""A rate with its interval and its peers: one small drawing per row, all on one scale.

Decided here: how a verdict looks without its colour (▲ best, ▼ worst, ● as expected, hatched
and hollow where there is none) and what the scale is cut at. Not here: the verdict
(`reports/ranking`) and its sentence, which the page says and passes as the title.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from linkservice.reports.ranking import Verdict
from linkservice.web.charts import svg
from linkservice.web.charts.scales import Scale, scale_to
from linkservice.web.charts.svg import element
from linkservice.web.i18n import gettext

JUDGED: tuple[Verdict, ...] = ("best", "worst", "as_expected")


def _shape(path: str) -> Markup:
    return element("path", d=path, class_="chart-rate")


_SHAPES = {
    "best": _shape("M0-6.5L6.5 5H-6.5Z"),
    "worst": _shape("M0 6.5L6.5-5H-6.5Z"),
}
_CIRCLE = _shape("M-5 0A5 5 0 1 1 5 0A5 5 0 1 1-5 0Z")
_ARROW = "M2-5L8 0L2 5"


@dataclass(frozen=True, slots=True)
class Interval:
    """A touchpoint's rate, the interval about it, its peers' mean, each where there is one; where
    `is_target` this mean is the touchpoint's own target rate.
    """

    rate: float | None
    low: float | None
    high: float | None
    peers: float | None
    verdict: Verdict
    is_target: bool = False


@dataclass(frozen=True, slots=True)
class SharedScale:
    """The scale of all rows of one unit, how a rate is written there, and how its ticks are."""

    scale: Scale
    write: Callable[[float], str]
    tick: Callable[[float], str]


def shared_scale(
    intervals: Sequence[Interval],
    write: Callable[[float], str],
    tick: Callable[[float], str] | None = None,
) -> SharedScale:
    """Holds all that is judged, and every peers' mean.

    What is not judged may run out of it, with an arrow: one guess from ten flyers would
    press all others to the left edge.
    """
    judged = [each for each in intervals if each.verdict in JUDGED] or intervals
    ends = [end for each in judged for end in (each.rate, each.high) if end is not None]
    means = [each.peers for each in intervals if each.peers is not None]
    return SharedScale(scale_to(max([*ends, *means, 0.0])), write, tick or write)


def interval_row(chart_id: str, title: str, interval: Interval, shared: SharedScale) -> Markup:
    """One row; `title` is the verdict as a sentence."""
    scale, verdict = shared.scale, interval.verdict
    parts = [_hairlines(scale)]
    if interval.peers is not None:
        x = scale.percent(interval.peers)
        parts.append(svg.line(x, 12, x, 88, "chart-peers"))
    if interval.low is not None and interval.high is not None:
        if verdict in JUDGED:
            parts += _whisker(scale, interval.low, interval.high)
        else:
            parts += _hatched(f"{chart_id}-hatch", scale, interval.low, interval.high)
    furthest = max(interval.rate or 0.0, interval.high or 0.0)
    if furthest > scale.top:
        parts.append(svg.placed(100, 50, element("path", d=_ARROW, class_="chart-beyond")))
    if interval.rate is not None and interval.rate <= scale.top:
        look = verdict if verdict in JUDGED else "none"
        shape = _SHAPES.get(verdict, _CIRCLE)
        point = svg.placed(scale.percent(interval.rate), 50, shape)
        parts.append(element("g", point, class_=f"chart-verdict-{look}"))
    look = verdict if verdict in ("best", "worst") else "none"
    return svg.drawing(
        chart_id,
        title,
        _description(interval, shared.write),
        *parts,
        class_=f"chart-interval chart-verdict-{look}",
    )


def interval_axis(shared: SharedScale) -> Markup:
    """The ticks' values, for the head or the foot of the rows' column."""
    scale, steps = shared.scale, shared.scale.steps
    labels = [
        element(
            "text",
            shared.tick(value),
            x=svg.percent(scale.percent(value)),
            y="50%",
            dy="0.35em",
            text_anchor="start" if number == 0 else "end" if number == steps else "middle",
            # Where there is little room, every second one goes.
            **({"class_": "chart-roomy"} if number % 2 and steps > 1 else {}),
        )
        for number, value in enumerate(scale.ticks)
    ]
    return element("div", element("svg", *labels, aria_hidden="true"), class_="chart-axis")


@lru_cache(maxsize=64)
def _hairlines(scale: Scale) -> Markup:
    """Full height, so that they join from row to row; of one scale they are all the same."""
    lines = []
    for value in scale.ticks:
        x = svg.percent(scale.percent(value))
        look = "chart-hairline" if value else "chart-baseline"
        lines.append(element("line", x1=x, x2=x, y1=0, y2="100%", class_=look))
    return element("g", *lines)


_CAP = element("path", d="M0-5V5", class_="chart-cap")


def _whisker(scale: Scale, low: float, high: float) -> list[Markup]:
    """A thin line with caps; none at an end that the scale cuts."""
    ends = [scale.percent(low), scale.percent(high)]
    line = svg.line(ends[0], 50, ends[1], 50, "chart-cap")
    caps = zip(ends, (low, high), strict=True)
    return [line, *(svg.placed(x, 50, _CAP) for x, end in caps if end <= scale.top)]


def _hatched(pattern: str, scale: Scale, low: float, high: float) -> list[Markup]:
    left, right = scale.percent(low), scale.percent(high)
    band = element(
        "rect",
        x=svg.percent(left),
        y=-6,
        width=svg.percent(right - left),
        height=12,
        rx=3,
        fill=f"url(#{pattern})",
        class_="chart-unsure",
    )
    return [svg.hatch(pattern), svg.placed(0, 50, band)]


def _description(interval: Interval, write: Callable[[float], str]) -> str:
    parts = []
    if interval.rate is not None:
        parts.append(gettext("Rate %(rate)s.", rate=write(interval.rate)))
    if interval.low is not None and interval.high is not None:
        low, high = write(interval.low), write(interval.high)
        parts.append(gettext("Interval from %(low)s to %(high)s.", low=low, high=high))
    if interval.peers is not None and interval.is_target:
        parts.append(gettext("Target rate %(rate)s.", rate=write(interval.peers)))
    elif interval.peers is not None:
        parts.append(gettext("Peers %(mean)s.", mean=write(interval.peers)))
    return " ".join(parts) or gettext("No rate.")
