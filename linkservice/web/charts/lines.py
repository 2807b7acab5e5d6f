"""The trend line: what was counted, day by day, and beside it what was counted before.

Decided here: what is dotted, and at which point of a line its name is told. A week that has just
begun takes all lines down to the ground: names are led to from where the last whole one was. Not
here: where names stand (`ends`), what a point stands for (`steps`), ticks (`scales`), and the
plot's margins, which follow the classes set here (`60-charts.css`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from markupsafe import Markup

from linkservice.web.charts import flags, svg
from linkservice.web.charts.ends import LONGEST_LINE, End, broken, named
from linkservice.web.charts.flags import Flag, Note
from linkservice.web.charts.scales import DayTick, Scale, day_ticks, scale_to
from linkservice.web.charts.steps import Step, dotted_words, steps_of, unit_words
from linkservice.web.charts.svg import Chart, Table, element
from linkservice.web.i18n import gettext, write_compact, write_day, write_number, write_span

DATES_WIDE, DATES_NARROW = 10, 4
"""How many dates fit on a wide and on a narrow chart; the style sheet shows one set."""

GUTTERS, NAME_WIDTHS = (2, 3, 5, 7, 12), (8, 13, LONGEST_LINE)
"""Characters the margins at the left and at the right have room for: classes of the style sheet."""

_LOOKS = ("chart-line-1", "chart-line-2", "chart-line-3")
_LOOK_BEFORE = "chart-line-before"


@dataclass(frozen=True, slots=True)
class Line:
    """A name as it is read ("Clicks") and a value for each day."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A line as it is drawn: a value for each of the first points, and the class of its look."""

    name: str
    values: list[int]
    look: str


@dataclass(frozen=True, slots=True)
class _Plot:
    """Points along the days, and the scale their values stand on."""

    days: int
    steps: list[Step]
    scale: Scale

    def x(self, day: float) -> float:
        """Per cent of the width; a single day stands in the middle."""
        return 50.0 if self.days == 1 else day / (self.days - 1) * 100

    def y(self, value: int) -> float:
        """Per cent of the height, from the top."""
        return 100 - self.scale.percent(value)


def trend(
    chart_id: str,
    title: str,
    days: Sequence[date],
    lines: Sequence[Line],
    *,
    today: date,
    before: Line | None = None,
    notes: Sequence[Note] = (),
) -> Chart:
    """One to three `lines` over consecutive `days`, the first tinted, `before` dashed grey.

    `before` has a value for each of the same days, `notes` are on some of them. Today, and weeks
    or months cut off, are dotted; days to come have no point. Raises `ValueError` where the values
    are not one per day, or there is nothing to draw.
    """
    known = [*lines, before] if before else [*lines]
    if not (days and 1 <= len(lines) <= len(_LOOKS)):
        raise ValueError("a trend has one to three lines and at least one day")
    if any(len(line.values) != len(days) for line in known):
        raise ValueError("a trend has a value for each day")
    unit, steps = steps_of(days, today)
    drawn = [
        _Drawn(line.name, [step.total(line.values) for step in steps if not step.future], look)
        for line, look in zip(lines, _LOOKS, strict=False)
    ]
    if before:
        drawn.append(
            _Drawn(before.name, [step.total(before.values) for step in steps], _LOOK_BEFORE)
        )
    highest = max((value for line in drawn for value in line.values), default=0)
    plot = _Plot(len(days), steps, scale_to(highest, whole=True))
    flagged = flags.flags_of(_places(plot, days, notes))
    picture = svg.drawing(
        chart_id,
        title,
        _description(days, unit, steps, drawn, notes),
        _grid(plot),
        *flags.drawn(flagged),
        _dates(plot, days),
        svg.stretched(*_paths(plot, drawn)),
        *_ends(plot, drawn),
        class_="chart-drawing",
    )
    return Chart(_framed(plot, unit, drawn, picture, flagged), _table(title, days, known, notes))


def _places(plot: _Plot, days: Sequence[date], notes: Sequence[Note]) -> list[tuple[float, Note]]:
    """Where the notes stand: on their day, though a point may be a week or month."""
    found = [(plot.x((note.day - days[0]).days), note) for note in notes]
    return sorted((each for each in found if 0 <= each[0] <= 100), key=lambda each: each[0])


def _description(
    days: Sequence[date],
    unit: str,
    steps: Sequence[Step],
    drawn: Sequence[_Drawn],
    notes: Sequence[Note],
) -> str:
    sentences = [
        gettext(
            "%(days)s, %(unit)s.",
            days=write_span(days[0], days[-1]),
            unit=unit,
        )
    ]
    for line in drawn:
        if line.values:
            places = range(len(line.values))
            high = max(places, key=line.values.__getitem__)
            low = min(places, key=line.values.__getitem__)
            sentences.append(
                gettext(
                    "%(name)s: highest %(high)s (%(when_high)s), lowest %(low)s (%(when_low)s).",
                    name=line.name,
                    high=write_number(line.values[high]),
                    when_high=steps[high].label,
                    low=write_number(line.values[low]),
                    when_low=steps[low].label,
                )
            )
    if dotted := dotted_words(steps):
        sentences.append(f"{dotted}.")
    if notes:
        told = "; ".join(map(str, notes))
        sentences.append(gettext("Notes: %(notes)s.", notes=told))
    return " ".join(sentences)


def _grid(plot: _Plot) -> Markup:
    """Hairlines and their values, the bottom one stronger."""
    parts = []
    for value in plot.scale.ticks:
        y = svg.percent(100 - plot.scale.percent(value))
        look = "chart-hairline" if value else "chart-baseline"
        parts.append(element("line", x1=0, x2="100%", y1=y, y2=y, class_=look))
        label = element("text", value_label(value), x=-8, y=y, dy="0.35em", text_anchor="end")
        parts.append(label)
    return element("g", *parts)


def value_label(value: float) -> str:
    """What stands at a hairline."""
    return write_number(value) if value < 1_000_000 else write_compact(value)


def _dates(plot: _Plot, days: Sequence[date]) -> Markup:
    """Dates under the plot, for each of the two widths those that fit."""
    sets = ((DATES_WIDE, "chart-wide"), (DATES_NARROW, "chart-narrow"))
    return Markup("").join(
        element("g", *(_date(plot, tick) for tick in day_ticks(days, most)), class_=width)
        for most, width in sets
    )


def day_label(tick: DayTick) -> str:
    """What stands under the plot: of a date as much as its unit needs."""
    if tick.unit == "day":
        return write_day(tick.day, "MMMd")
    if tick.unit == "month" and tick.day.month > 1:
        return write_day(tick.day, "MMM")
    return write_day(tick.day, "y")


def _date(plot: _Plot, tick: DayTick) -> Markup:
    x = plot.x(tick.index)
    text = element("text", day_label(tick), x=svg.percent(x), y="100%", dy=20, text_anchor="middle")
    notch = svg.placed(x, 100, element("path", d="M0 0V4", class_="chart-baseline"))
    return notch + text


def _paths(plot: _Plot, drawn: Sequence[_Drawn]) -> list[Markup]:
    """The tint under the first line, then the lines, the first on top."""
    points = [_points(plot, line.values) for line in drawn]
    first = points[0]
    paths = []
    if len(first) > 1:
        path = "L".join(first)
        left, right = first[0].split()[0], first[-1].split()[0]
        tint = f"M{left} {svg.SIZE}L{path}L{right} {svg.SIZE}Z"
        paths.append(element("path", d=tint, class_="chart-tint"))
    for line, places in reversed(list(zip(drawn, points, strict=True))):
        paths += _stroke(plot, line, places)
    return paths


def _points(plot: _Plot, values: Sequence[int]) -> list[str]:
    side = svg.SIZE / 100
    return [
        f"{svg.short(plot.x(step.middle) * side)} {svg.short(plot.y(value) * side)}"
        for step, value in zip(plot.steps, values, strict=False)
    ]


def _stroke(plot: _Plot, line: _Drawn, places: list[str]) -> list[Markup]:
    """A line, dotted where it leads to or from what is not complete. What was before is."""
    if len(places) < 2:
        return []
    start, end = 0, len(places)
    parts = []
    if line.look != _LOOK_BEFORE:
        if not plot.steps[0].whole:
            parts.append((places[:2], f"{line.look} chart-dotted"))
            start = 1
        if end - start > 1 and not plot.steps[end - 1].whole:
            parts.append((places[-2:], f"{line.look} chart-dotted"))
            end -= 1
    if end - start > 1:
        parts.append((places[start:end], line.look))
    return [
        element("path", d="M" + "L".join(part), class_=f"chart-line {look}") for part, look in parts
    ]


def _ends(plot: _Plot, drawn: Sequence[_Drawn]) -> list[Markup]:
    """A dot at the end of each line, and, where there are several, its name beside it."""
    last = [line for line in drawn if line.values]
    heights = [plot.y(line.values[-1]) for line in last]
    parts = []
    for line, y in zip(last, heights, strict=True):
        step = plot.steps[len(line.values) - 1]
        look = f"chart-dot {line.look}" + ("" if step.whole else " chart-open")
        if line.look != _LOOK_BEFORE or len(line.values) == 1:
            x = plot.x(step.middle)
            parts.append(
                element("circle", cx=svg.percent(x), cy=svg.percent(y), r=3.5, class_=look)
            )
    if len(drawn) > 1:
        names = named([End(line.name, line.look, *_told_at(plot, line)) for line in last])
        parts.append(element("g", *names, class_="chart-names chart-wide"))
    return parts


def _told_at(plot: _Plot, line: _Drawn) -> tuple[float, float]:
    """The end of what is whole of a line, in per cent; its very end where nothing is."""
    place = len(line.values) - 1
    if place and line.look != _LOOK_BEFORE and not plot.steps[place].whole:
        place -= 1
    return plot.x(plot.steps[place].middle), plot.y(line.values[place])


def _framed(
    plot: _Plot, unit: str, drawn: Sequence[_Drawn], picture: Markup, flagged: Sequence[Flag]
) -> Markup:
    """The plot with room for its texts: values at the left, names at the right, dates and notes
    below.
    """
    longest = max(len(value_label(value)) for value in plot.scale.ticks)
    gutter = next((room for room in GUTTERS if longest <= room), GUTTERS[-1])
    classes = f"chart chart-left-{gutter}"
    if len(drawn) > 1:
        width = max(len(row) for line in drawn for row in broken(line.name))
        room = next(room for room in NAME_WIDTHS if width <= room)
        classes += f" chart-several chart-right-{room}"
        head = [
            element("p", unit_words(unit, plot.steps), class_="chart-unit"),
            element("ul", *map(_key, drawn), class_="chart-key", aria_hidden="true"),
        ]
    else:
        name = gettext("%(name)s %(unit)s", name=drawn[0].name, unit=unit)
        head = [element("p", unit_words(name, plot.steps), class_="chart-unit")]
    top = element("div", *head, class_="chart-top")
    inside = element("div", picture, _marks(plot, drawn), class_="chart-plot")
    return element("div", top, inside, flags.listed(flagged), class_=classes)


def _key(line: _Drawn) -> Markup:
    path = element("path", d="M0 6H16", class_=f"chart-line {line.look}")
    return element("li", element("svg", path, width=16, height=12), line.name)


def _marks(plot: _Plot, drawn: Sequence[_Drawn]) -> Markup:
    """For each point the stretch of the plot nearest to it."""
    xs = [plot.x(step.middle) for step in plot.steps]
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(xs)), 100.0]
    marks = []
    for number, (step, x) in enumerate(zip(plot.steps, xs, strict=True)):
        here = [line for line in drawn if number < len(line.values)]
        figures = [f"{line.name} {write_number(line.values[number])}" for line in here]
        dots = [
            element(
                "circle",
                cx=svg.percent(x),
                cy=svg.percent(plot.y(line.values[number])),
                r=4,
                class_=f"chart-dot {line.look}",
            )
            for line in here
        ]
        across = svg.percent(x)
        cross = element("line", x1=across, x2=across, y1=0, y2="100%", class_="chart-cross")
        left, right = edges[number], edges[number + 1]
        if figures:
            marks.append(
                svg.mark(left, 0, right - left, 100, step.label, figures, shapes=[cross, *dots])
            )
    return svg.overlay(marks)


def _table(title: str, days: Sequence[date], lines: Sequence[Line], notes: Sequence[Note]) -> Table:
    """Every day, also where the drawing sums them up; with its notes where there are any."""
    noted: dict[date, list[str]] = {}
    for note in notes:
        noted.setdefault(note.day, []).append(svg.clean(note.text))
    heads = [gettext("Day"), *(svg.clean(line.name) for line in lines)]
    rows = [
        [write_day(day), *(write_number(line.values[number]) for line in lines)]
        for number, day in enumerate(days)
    ]
    if noted:
        heads.append(gettext("Note"))
        for day, row in zip(days, rows, strict=True):
            row.append("; ".join(noted.get(day, ())))
    return Table(svg.clean(title), heads, rows)
