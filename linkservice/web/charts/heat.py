"""The week as a grid: seven days, twenty-four hours, darker where more happened.

One hue in five steps of equal width, nought apart from them, so that it reads in print and
without seeing colours; the steps' bounds stand below. Not here: which hour a click belongs
to (`clicks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from markupsafe import Markup

from linkservice.web.charts import svg
from linkservice.web.charts.svg import Chart, Table, element
from linkservice.web.i18n import gettext, write_day, write_number

DAYS, HOURS, STEPS = 7, 24, 5

_A_MONDAY = date(2024, 1, 1)
_EVERY_WIDE, _EVERY_NARROW = 3, 6


def heat(chart_id: str, title: str, counts: Sequence[int], *, name: str) -> Chart:
    """`counts` of what is called `name` ("Clicks"), hour by hour from Monday 0:00 on.

    Raises `ValueError` unless there are 168.
    """
    if len(counts) != DAYS * HOURS:
        raise ValueError("a week has 168 hours")
    highest = max(counts)
    width = max(-(-highest // STEPS), 1)
    steps = -(-highest // width)
    weekdays = [write_day(_A_MONDAY + timedelta(days=number), "E") for number in range(DAYS)]
    cells = [
        element("rect", **box, rx=2, class_=_look(-(-count // width), steps))
        for box, count in zip(_BOXES, counts, strict=True)
    ]
    picture = svg.drawing(
        chart_id,
        title,
        _description(counts, weekdays, name),
        *cells,
        *_weekdays(weekdays),
        *_hours(),
        class_="chart-drawing",
    )
    marks = [
        svg.mark(*_area(place), _when(place, weekdays), [f"{name} {write_number(count)}"])
        for place, count in enumerate(counts)
    ]
    plot = element("div", picture, svg.overlay(marks), class_="chart-plot")
    top = element("div", element("p", name, class_="chart-unit"), class_="chart-top")
    legend = _legend(highest, width, steps)
    return Chart(
        element("div", top, plot, legend, class_="chart chart-heat chart-left-3"),
        _table(title, counts, weekdays),
    )


def _area(place: int) -> tuple[float, float, float, float]:
    """Left, top, width and height of an hour's cell, in per cent of the plot."""
    day, hour = divmod(place, HOURS)
    return hour / HOURS * 100, day / DAYS * 100, 100 / HOURS, 100 / DAYS


def _box(place: int) -> dict[str, str]:
    left, top, width, height = _area(place)
    return {
        "x": svg.percent(left),
        "y": svg.percent(top),
        "width": svg.percent(width),
        "height": svg.percent(height),
    }


_BOXES = [_box(place) for place in range(DAYS * HOURS)]


def _clock(hour: int) -> str:
    return f"{hour}:00"


def _when(place: int, weekdays: Sequence[str]) -> str:
    day, hour = divmod(place, HOURS)
    return f"{weekdays[day]} {_clock(hour)}–{_clock(hour + 1)}"


def _description(counts: Sequence[int], weekdays: Sequence[str], name: str) -> str:
    if not any(counts):
        return gettext("%(name)s: none at any hour.", name=name)
    places = range(len(counts))
    high = max(places, key=counts.__getitem__)
    low = min(places, key=counts.__getitem__)
    return gettext(
        "%(name)s: highest %(high)s (%(when_high)s), lowest %(low)s (%(when_low)s).",
        name=name,
        high=write_number(counts[high]),
        when_high=_when(high, weekdays),
        low=write_number(counts[low]),
        when_low=_when(low, weekdays),
    )


def _weekdays(names: Sequence[str]) -> list[Markup]:
    return [
        element(
            "text",
            name,
            x=-8,
            y=svg.percent((number + 0.5) / DAYS * 100),
            dy="0.35em",
            text_anchor="end",
        )
        for number, name in enumerate(names)
    ]


def _hours() -> list[Markup]:
    """Each under the left edge of its hour: that is when it begins."""
    return [
        element(
            "g",
            *(
                element("text", _clock(hour), x=svg.percent(hour / HOURS * 100), y="100%", dy=18)
                for hour in range(0, HOURS, every)
            ),
            class_=width,
        )
        for every, width in ((_EVERY_WIDE, "chart-wide"), (_EVERY_NARROW, "chart-narrow"))
    ]


def _look(step: int, steps: int) -> str:
    """The class of one of `steps`: few steps lie far apart, and the last is always darkest."""
    return f"chart-heat-{-(-step * STEPS // max(steps, 1))}"


def _legend(highest: int, width: int, steps: int) -> Markup:
    """What each step stands for, as far as the counts reach."""
    bounds = ["0"]
    for step in range(steps):
        low, high = step * width + 1, min((step + 1) * width, highest)
        text = write_number(low)
        bounds.append(text if low == high else f"{text}–{write_number(high)}")
    items = [
        element(
            "li",
            element(
                "svg",
                element("rect", width=12, height=12, rx=2, class_=_look(step, steps)),
                width=12,
                height=12,
            ),
            text,
        )
        for step, text in enumerate(bounds)
    ]
    return element("ul", *items, class_="chart-steps", aria_hidden="true")


def _table(title: str, counts: Sequence[int], weekdays: Sequence[str]) -> Table:
    """Hours go down, so that it fits a phone."""
    return Table(
        svg.clean(title),
        [gettext("Hour"), *weekdays],
        [
            [_clock(hour), *(write_number(counts[day * HOURS + hour]) for day in range(DAYS))]
            for hour in range(HOURS)
        ],
    )
