"""Charts: true to their figures, well-formed whatever is put in, and read without a script."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

import linkservice
from linkservice.bundled import bundled
from linkservice.reports.ranking import Verdict
from linkservice.reports.results import Hour
from linkservice.web import i18n
from linkservice.web.charts import (
    Chart,
    Interval,
    Line,
    Part,
    bars,
    heat,
    interval_axis,
    interval_row,
    printed_trend,
    shared_bar,
    shared_scale,
    sparkline,
    trend,
)
from linkservice.web.charts.scales import day_ticks, scale_to
from linkservice.web.charts.steps import MOST_POINTS, steps_of
from linkservice.web.figures import heat_title

TODAY = date(2026, 3, 18)
HOSTILE = "</title></text></td><script>alert(1)</script>\"'&\x00\ud800\x1b"
CSS = Path(linkservice.__file__).parent / "web/static/css/60-charts.css"

counts = st.integers(0, 10) | st.integers(0, 2**63 - 1)
rates = st.none() | st.floats(0, 1e6)
verdicts = st.sampled_from(["best", "worst", "as_expected", "too_early", "no_reach", "no_peers"])


def days_before(number: int, last: date = TODAY) -> list[date]:
    return [last - timedelta(days=number - 1 - place) for place in range(number)]


def trend_of(*values: int, chart_id: str = "clicks", last: date = TODAY) -> Chart:
    days = days_before(len(values), last)
    return trend(chart_id, "Clicks by day", days, [Line("Clicks", values)], today=TODAY)


def week(**clicks: int) -> list[int]:
    """The hours of a week, all nought but those named ``hN``, counted from Monday 0:00."""
    return [clicks.get(f"h{place}", 0) for place in range(168)]


def per_thousand(rate: float) -> str:
    return f"{rate * 1000:g}"


def parsed(markup: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(f"<all>{markup}</all>")


def texts(tree: ElementTree.Element, path: str) -> list[str]:
    return ["".join(found.itertext()) for found in tree.findall(path)]


def every_chart(text: str, chart_id: str = "some") -> list[Markup]:
    """One of each, with `text` wherever a text may stand."""
    one = trend(
        f"{chart_id}-trend",
        text,
        days_before(40),
        [Line(text, range(40)), Line(text, [3] * 40)],
        today=TODAY,
        before=Line(text, [5] * 40),
    )
    interval = Interval(0.02, 0.01, 0.03, 0.02, "too_early")
    shared = shared_scale([interval], lambda rate: text)
    parts = [Part(text, 3, text), Part(text, 0), Part(text, 900)]
    return [
        one.drawing,
        figure(one),
        figure(heat(f"{chart_id}-heat", text, week(h5=7), name=text)),
        bars(text, (text, text), parts, 903),
        shared_bar(f"{chart_id}-shared", text, (text, text), parts),
        sparkline([1, 2], label=text),
        interval_row(f"{chart_id}-row", text, interval, shared),
        interval_axis(shared),
    ]


def figure(chart: Chart) -> Markup:
    environment = Environment(
        loader=FileSystemLoader(bundled("templates")), autoescape=True, undefined=StrictUndefined
    )
    module = environment.get_template("web/parts/charts.html").make_module({"_": i18n.gettext})
    return Markup(module.figure(chart))


def places(tree: ElementTree.Element) -> list[float]:
    """Every place and length in per cent."""
    names = ("x", "x1", "x2", "cx", "y", "y1", "y2", "cy", "width", "height")
    values = [element.get(name, "") for element in tree.iter() for name in names]
    return [float(value[:-1]) for value in values if value.endswith("%")]


def path_points(tree: ElementTree.Element) -> list[tuple[float, float]]:
    """The points of the paths that are stretched to the plot."""
    found = []
    for box in tree.iter("svg"):
        if box.get("preserveAspectRatio") == "none":
            for path in box.iter("path"):
                pairs = re.findall(r"([-\d.e+]+) ([-\d.e+]+)", path.get("d", ""))
                found += [(float(x), float(y)) for x, y in pairs]
    return found


def test_no_text_breaks_out_of_a_chart() -> None:
    for markup in every_chart(HOSTILE):
        assert "<script" not in markup
        assert not [element for element in parsed(markup).iter() if element.tag == "script"]
        markup.encode("utf-8")


@given(st.text(max_size=30))
def test_any_text_leaves_a_chart_well_formed(text: str) -> None:
    parsed(
        Markup("").join(
            [
                trend("t", text, [TODAY], [Line(text, [1])], today=TODAY).drawing,
                shared_bar("s", text, (text, text), [Part(text, 1, text)]),
                bars(text, (text, text), [Part(text, 1, text)], 1),
                sparkline([1], label=text),
            ]
        )
    )


def test_charts_obey_the_page_policy() -> None:
    for markup in every_chart("Clicks"):
        for element in parsed(markup).iter():
            assert element.tag not in ("style", "script")
            assert not [name for name in element.attrib if name == "style" or name[:2] == "on"]


def test_every_class_of_a_chart_has_a_look() -> None:
    styled = set(re.findall(r"\.(chart[\w-]*)", CSS.read_text()))
    used = {
        name
        for markup in [*every_chart("Clicks"), trend_of(0).drawing, sparkline([0, 0])]
        for element in parsed(markup).iter()
        for name in element.get("class", "").split()
    }
    assert used - styled == {"icon", "out-of-sight"}, "those look alike on every page"


def test_the_colours_of_charts_are_tokens_of_the_page() -> None:
    used = set(re.findall(r"var\((--[\w-]+)\)", CSS.read_text()))
    named = "".join(sheet.read_text() for sheet in (CSS, CSS.with_name("10-tokens.css")))
    assert used <= set(re.findall(r"(--[\w-]+):", named))
    assert not re.search(r"#[0-9a-f]{3,8}\b|\brgb|\bhsl", CSS.read_text())


def test_drawings_are_named_and_ids_are_unique_on_a_page() -> None:
    page = parsed(Markup("").join([*every_chart("A", "a")[1:], *every_chart("B", "b")[1:]]))
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids)) > 12
    drawings = [svg for svg in page.iter("svg") if svg.get("role") == "img"]
    assert len(drawings) == 10
    for svg in drawings:
        named = (svg.get("aria-labelledby") or "").split()
        assert svg.get("aria-label") or (len(named) == 2 and set(named) <= set(ids))


@pytest.mark.parametrize("chart_id", ["", "1", "a b", 'a"', "a)", "ä"])
def test_an_id_that_could_not_be_one_is_refused(chart_id: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        trend_of(1, chart_id=chart_id)


@given(st.lists(counts, min_size=1, max_size=40), st.integers(-3, 60))
def test_a_trend_stays_in_its_plot(values: list[int], over: int) -> None:
    last = TODAY - timedelta(days=over)
    tree = parsed(trend_of(*values, last=last).drawing)
    assert all(0 <= place <= 100 for place in places(tree))
    assert all(0 <= x <= 1000 and 0 <= y <= 1000 for x, y in path_points(tree))


def test_a_trend_draws_its_figures() -> None:
    tree = parsed(trend_of(0, 5, 10, last=date(2026, 3, 10)).drawing)
    line = tree.find(".//path[@class='chart-line chart-line-1']")
    assert line is not None
    assert line.get("d") == "M0 1000L500 500L1000 0"


def test_two_days_of_a_trend_are_joined_and_one_is_a_dot() -> None:
    two, one = parsed(trend_of(1, 2).drawing), parsed(trend_of(41).drawing)
    assert len(path_points(two)) > 0
    assert path_points(one) == []
    (dot,) = one.findall(".//svg[@role='img']/circle")
    assert (dot.get("cx"), dot.get("class")) == ("50%", "chart-dot chart-line-1 chart-open")


def test_today_is_dotted_and_a_past_day_is_not() -> None:
    assert "chart-dotted" in trend_of(3, 4, 2).drawing
    assert "chart-dotted" not in trend_of(3, 4, 2, last=TODAY - timedelta(days=1)).drawing


def test_days_to_come_have_no_point() -> None:
    days = days_before(10, TODAY + timedelta(days=4))
    lines, before = [Line("Clicks", [3] * 10)], Line("Before", [2] * 10)
    tree = parsed(trend("t", "x", days, lines, today=TODAY, before=before).drawing)
    furthest = {
        look: max(
            float(x)
            for path in tree.findall(f".//svg/path[@class='chart-line {look}']")
            for x in re.findall(r"[ML]([\d.]+) ", path.get("d", ""))
        )
        for look in ("chart-line-1 chart-dotted", "chart-line-before")
    }
    assert furthest == {"chart-line-1 chart-dotted": 555.56, "chart-line-before": 1000}


def test_nothing_at_all_lies_on_the_ground() -> None:
    tree = parsed(trend_of(*[0] * 14).drawing)
    assert {y for _, y in path_points(tree)} == {1000}


def test_a_long_period_is_summed_by_week_and_says_so() -> None:
    days = days_before(432)
    unit, steps = steps_of(days, TODAY)
    values = range(432)
    assert unit == "per week"
    assert sum(step.total(values) for step in steps) == sum(values)
    assert [step.whole for step in steps] == [False, *[True] * (len(steps) - 2), False]
    drawn = trend_of(*values)
    assert "per week" in texts(parsed(drawn.drawing), ".//desc")[0]
    assert len(drawn.table.rows) == 432


@given(st.integers(1, 6000), st.integers(0, 400))
def test_a_trend_never_has_more_points_than_can_be_told_apart(number: int, over: int) -> None:
    days = days_before(number, TODAY + timedelta(days=over - 200))
    _, steps = steps_of(days, TODAY)
    assert len(steps) <= MOST_POINTS
    assert [step.first for step in steps[1:]] == [step.last + 1 for step in steps[:-1]]
    assert (steps[0].first, steps[-1].last) == (0, number - 1)


def test_a_trend_wants_a_value_for_each_day() -> None:
    with pytest.raises(ValueError, match="each day"):
        trend("t", "x", [TODAY], [Line("Clicks", [1, 2])], today=TODAY)
    with pytest.raises(ValueError, match="at least one day"):
        trend("t", "x", [], [Line("Clicks", [])], today=TODAY)
    with pytest.raises(ValueError, match="one to three"):
        trend("t", "x", [TODAY], [], today=TODAY)


def test_names_at_the_ends_of_lines_do_not_overlap() -> None:
    lines = [Line(name, [50, 50]) for name in ("Clicks", "Scans", "Visitors")]
    before = Line("Before", [49, 49])
    drawn = trend("t", "x", days_before(2), lines, today=TODAY, before=before)
    names = parsed(drawn.drawing).findall(".//g[@class='chart-names chart-wide']/svg")
    heights = sorted(float((name.get("y") or "").rstrip("%")) for name in names)
    assert len(heights) == 4
    assert min(b - a for a, b in pairwise(heights)) >= 7
    assert heights[-1] <= 100


def test_names_stand_where_their_lines_were_last_whole() -> None:
    """Today, of which little is over, takes all lines to the ground: names there lie on a heap."""
    lines = [Line("Clicks", [50, 90, 0]), Line("Visitors", [40, 20, 0])]
    drawn = trend("t", "x", days_before(3), lines, today=TODAY)
    (group,) = parsed(drawn.drawing).findall(".//g[@class='chart-names chart-wide']")
    led = [
        (each.get("class"), *(each.get(place) for place in ("x1", "y1", "x2", "y2")))
        for each in group.findall("line")
    ]
    assert led == []  # half of the plot lies between: no line leads across it
    assert [each.get("y") for each in group.findall("svg")] == ["10%", "80%"]
    looks = [each.get("class") for each in group.findall("svg/path")]
    assert looks == ["chart-line chart-line-1", "chart-line chart-line-2"]

    lines = [Line("Clicks", [*[50] * 19, 0]), Line("Visitors", [*[49] * 19, 0])]
    drawn = trend("t", "x", days_before(20), lines, today=TODAY)
    (group,) = parsed(drawn.drawing).findall(".//g[@class='chart-names chart-wide']")
    first, second = group.findall("line")
    assert (first.get("class"), first.get("x1")) == ("chart-led chart-line-1", "94.74%")
    assert first.get("x2") == second.get("x2") == "100%"
    assert [each.get("y2") for each in (first, second)] == [
        each.get("y") for each in group.findall("svg")
    ]


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-03-02", "2026-03-18", "Dotted: not over yet"),
        ("2025-01-07", "2026-03-15", "Dotted: only partly in these days"),
        ("2025-01-07", "2026-03-18", "Dotted: not over yet, or only partly in these days"),
        ("2025-01-06", "2026-03-15", ""),
    ],
)
def test_what_is_dotted_is_said_over_the_plot(first: str, last: str, said: str) -> None:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    days = days_before((end - begin).days + 1, end)
    drawn = trend("t", "x", days, [Line("Clicks", [1] * len(days))], today=TODAY)
    tree = parsed(drawn.drawing)
    (unit,) = texts(tree, ".//p[@class='chart-unit']")
    (described,) = texts(tree, ".//desc")
    assert ("chart-dotted" in drawn.drawing) == bool(said)
    assert unit.partition(" · ")[2] == said
    assert ("Dotted" in described) == bool(said)
    assert described.endswith(f"{said}." if said else ".")
    paper = printed_trend("x", days, [Line("Clicks", [1] * len(days))], today=TODAY)
    assert paper.unit.partition(" · ")[2] == said


def test_a_long_name_is_broken_and_stays_whole_in_its_title() -> None:
    long = "Visitors of all posters at the central station, platform 3"
    lines = [Line(name, [50, 50]) for name in (long, "Clicks")]
    drawn = trend("t", "x", days_before(2), lines, today=TODAY, before=Line(long, [49, 49]))
    (group,) = parsed(drawn.drawing).findall(".//g[@class='chart-names chart-wide']")
    rows = [texts(each, ".//tspan") for each in group.findall("svg")]
    assert rows[0] == ["Visitors of all", "posters at the", "central station, …"]
    assert texts(group, ".//title") == [long, long]
    assert long in texts(parsed(figure(drawn)), ".//th")
    heights = sorted(float((each.get("y") or "").rstrip("%")) for each in group.findall("svg"))
    assert [b - a for a, b in pairwise(heights)] == pytest.approx([15.0, 15.0])


def test_the_description_tells_the_highest_and_the_lowest() -> None:
    drawn = trend_of(3, 41, 1200, 2, last=date(2026, 3, 10))
    assert texts(parsed(drawn.drawing), ".//desc") == [
        "7–10 Mar 2026, per day. Clicks: highest 1,200 (Mon 9 Mar), lowest 2 (Tue 10 Mar)."
    ]


def test_a_chart_speaks_german() -> None:
    with i18n.speaking("de"):
        drawn = trend_of(3, 41, 1200, 2, last=date(2026, 3, 10))
    assert texts(parsed(drawn.drawing), ".//desc") == [
        "07.–10.03.2026, pro Tag. "
        "Clicks: höchster Wert 1.200 (Mo., 9. März), niedrigster 2 (Di., 10. März)."
    ]
    assert drawn.table.heads == ["Tag", "Clicks"]


@given(st.lists(counts, min_size=1, max_size=12))
def test_the_table_of_a_trend_has_its_figures(values: list[int]) -> None:
    rows = trend_of(*values).table.rows
    assert [int(row[1].replace(",", "")) for row in rows] == values


def test_the_table_stands_under_the_drawing() -> None:
    tree = parsed(figure(trend_of(3, 4)))
    assert texts(tree, ".//details/summary")[0].strip() == "Show as a table"
    assert texts(tree, ".//tbody/tr/th") == ["17 Mar 2026", "18 Mar 2026"]
    assert texts(tree, ".//tbody/tr/td") == ["3", "4"]


@given(st.integers(1, 10**40), st.integers(2, 8))
def test_whole_scales_hold_their_highest_in_round_steps(highest: int, at_most: int) -> None:
    scale = scale_to(highest, at_most=at_most, whole=True)
    assert scale.top - scale.step < highest <= scale.top
    assert scale.steps <= at_most
    assert re.fullmatch("[125]0*", str(scale.step))


@given(st.floats(0, 1e300))
def test_scales_of_rates_hold_their_highest(highest: float) -> None:
    scale = scale_to(highest)
    assert highest <= scale.top * (1 + 1e-9)
    assert 1 <= scale.steps <= 5


@given(st.integers(1, 6000), st.integers(1, 12))
def test_dates_fit_and_are_in_order(number: int, at_most: int) -> None:
    days = days_before(number)
    ticks = day_ticks(days, at_most)
    assert len(ticks) <= at_most
    assert all(days[tick.index] == tick.day for tick in ticks)
    assert [tick.index for tick in ticks] == sorted({tick.index for tick in ticks})


def test_a_month_is_dated_by_its_mondays_and_a_year_by_its_months() -> None:
    assert {tick.day.weekday() for tick in day_ticks(days_before(30), 10)} == {0}
    assert {tick.day.day for tick in day_ticks(days_before(365), 12)} == {1}


@given(st.lists(counts, max_size=40), st.booleans())
def test_a_sparkline_stays_in_its_box(values: list[int], labelled: bool) -> None:
    tree = parsed(sparkline(values, label="30 days" if labelled else ""))
    assert all(0 <= x <= 96 and 0 <= y <= 28 for x, y in path_points(tree))
    (svg,) = tree
    assert svg.get("aria-label" if labelled else "aria-hidden")


def test_sparklines_can_share_their_height() -> None:
    own, shared = sparkline([5, 5]), sparkline([5, 5], highest=10)
    assert 'd="M0 2L' in own
    assert 'd="M0 14L' in shared


@given(st.lists(counts, max_size=8))
def test_bars_begin_at_nought_and_are_as_long_as_their_counts(values: list[int]) -> None:
    parts = [Part(f"part {number}", value) for number, value in enumerate(values)]
    tree = parsed(bars("Countries", ("Country", "Clicks"), parts, sum(values)))
    rects = tree.findall(".//rect")
    longest = max([*values, 1])
    for rect, value in zip(rects, values, strict=True):
        assert rect.get("x") is None
        width = float((rect.get("width") or "").rstrip("%"))
        assert width == pytest.approx(value / longest * 100, abs=0.006)
    figures = [text.replace(",", "") for text in texts(tree, ".//tbody/tr/td[1]")]
    assert [int(text) for text in figures] == values


def test_a_bar_can_lead_somewhere() -> None:
    parts = [Part("Germany", 3, "/app/reports?country=DE&from=2026-03-01"), Part("unknown", 1)]
    tree = parsed(bars("Countries", ("Country", "Clicks"), parts, 4))
    assert [link.get("href") for link in tree.iter("a")] == [parts[0].href]


def test_a_share_that_is_there_is_never_nought() -> None:
    markup = bars("x", ("A", "B"), [Part("all", 9999), Part("few", 1), Part("none", 0)], 10_000)
    shares = texts(parsed(markup), ".//tbody/tr/td[2]")
    assert shares == ["100%", "< 1%", "0%"]


@given(st.lists(counts, max_size=8))
def test_a_shared_bar_is_filled_by_its_parts(values: list[int]) -> None:
    parts = [Part(f"part {number}", value) for number, value in enumerate(values)]
    tree = parsed(shared_bar("s", "Who", ("Who", "Requests"), parts))
    pieces = tree.findall(".//svg[@role='img']/rect")
    assert len(pieces) == sum(value > 0 for value in values)
    widths = [float((piece.get("width") or "").rstrip("%")) for piece in pieces]
    if any(values):
        assert sum(widths) == pytest.approx(100, abs=0.1)
    starts = [float((piece.get("x") or "").rstrip("%")) for piece in pieces]
    for place, start in enumerate(starts):
        assert start == pytest.approx(sum(widths[:place]), abs=0.1)


@settings(max_examples=25)
@given(st.lists(counts, min_size=1, max_size=24))
def test_the_week_is_darker_where_more_happened(pattern: list[int]) -> None:
    values = [pattern[place % len(pattern)] for place in range(168)]
    chart = heat("h", "When", values, name="Clicks")
    tree = parsed(chart.drawing)
    cells = tree.findall(".//svg[@role='img']/rect")
    looks = [int((cell.get("class") or "")[-1]) for cell in cells]
    assert all((look == 0) == (value == 0) for look, value in zip(looks, values, strict=True))
    in_order = [look for _, look in sorted(zip(values, looks, strict=True))]
    assert in_order == sorted(in_order)
    assert max(looks) == (5 if any(values) else 0)
    assert all(0 <= place <= 100.01 for place in places(tree))
    figures = [[int(cell.replace(",", "")) for cell in row[1:]] for row in chart.table.rows]
    assert [figures[hour][day] for day in range(7) for hour in range(24)] == values


def test_the_week_says_when_most_clicks_come() -> None:
    chart = heat("h", "When", week(h36=40, h37=2), name="Clicks")
    (text,) = texts(parsed(chart.drawing), ".//desc")
    assert text == "Clicks: highest 40 (Tue 12:00–13:00), lowest 0 (Mon 0:00–1:00)."
    assert texts(parsed(chart.drawing), ".//ul/li") == [
        "0",
        "1–8",
        "9–16",
        "17–24",
        "25–32",
        "33–40",
    ]


def test_a_week_has_168_hours() -> None:
    with pytest.raises(ValueError, match="168"):
        heat("h", "When", [1] * 24, name="Clicks")


@given(st.lists(st.tuples(rates, rates, rates, rates, verdicts), min_size=1, max_size=6))
def test_intervals_stay_on_the_shared_scale(
    rows: list[tuple[float | None, float | None, float | None, float | None, Verdict]],
) -> None:
    intervals = [
        Interval(rate, low, None if low is None or width is None else low + width, mean, verdict)
        for rate, low, width, mean, verdict in rows
    ]
    shared = shared_scale(intervals, per_thousand)
    axis = parsed(interval_axis(shared))
    drawn = [
        parsed(interval_row(f"row{number}", "x", interval, shared))
        for number, interval in enumerate(intervals)
    ]
    for tree in [axis, *drawn]:
        assert all(0 <= place <= 100 for place in places(tree))
    assert len({tuple(texts(axis, ".//text")) for _ in drawn}) == 1


def test_rows_stand_on_one_scale() -> None:
    strong = Interval(0.04, 0.03, 0.05, 0.02, "best")
    weak = Interval(0.01, 0.005, 0.015, 0.02, "worst")
    shared = shared_scale([strong, weak], per_thousand)
    assert texts(parsed(interval_axis(shared)), ".//text") == ["0", "10", "20", "30", "40", "50"]
    at = [
        tree.find(".//g[last()]/svg").get("x")  # type: ignore[union-attr]  # it has a rate
        for tree in (
            parsed(interval_row("a", "x", strong, shared)),
            parsed(interval_row("b", "x", weak, shared)),
        )
    ]
    assert at == ["80%", "20%"]


def test_an_early_guess_does_not_press_the_judged_to_the_edge() -> None:
    judged = Interval(0.02, 0.01, 0.03, 0.02, "as_expected")
    guess = Interval(0.1, 0.01, 0.9, 0.02, "too_early")
    shared = shared_scale([judged, guess], per_thousand)
    assert shared.scale.top == pytest.approx(0.03)
    assert "chart-beyond" in interval_row("a", "x", guess, shared)
    assert "chart-beyond" not in interval_row("b", "x", judged, shared)


def test_verdicts_are_told_apart_without_colour() -> None:
    shapes: dict[str, str] = {}
    for verdict in ("best", "worst", "as_expected"):
        interval = Interval(0.02, 0.01, 0.03, 0.02, verdict)
        row = parsed(interval_row("a", "x", interval, shared_scale([interval], per_thousand)))
        (shape,) = row.findall(".//path[@class='chart-rate']")
        shapes[verdict] = shape.get("d") or ""
        assert row.find(".//pattern") is None
    assert len(set(shapes.values())) == 3
    early = Interval(0.02, 0.01, 0.03, 0.02, "too_early")
    row = parsed(interval_row("b", "x", early, shared_scale([early], per_thousand)))
    assert [pattern.get("id") for pattern in row.iter("pattern")] == ["b-hatch"]
    assert row.find(".//rect[@fill='url(#b-hatch)']") is not None


def test_a_row_says_its_figures() -> None:
    interval = Interval(0.041, 0.036, 0.047, 0.02, "best")
    title = "The insert brings 41 visitors per 1,000 parcels"
    markup = interval_row("a", title, interval, shared_scale([interval], per_thousand))
    assert texts(parsed(markup), ".//title") == [title]
    assert texts(parsed(markup), ".//desc") == ["Rate 41. Interval from 36 to 47. Peers 20."]
    aimed = replace(interval, is_target=True)
    markup = interval_row("c", title, aimed, shared_scale([aimed], per_thousand))
    assert texts(parsed(markup), ".//desc") == ["Rate 41. Interval from 36 to 47. Target rate 20."]
    nothing = Interval(None, None, None, None, "no_reach")
    markup = interval_row("b", title, nothing, shared_scale([nothing], per_thousand))
    assert texts(parsed(markup), ".//desc") == ["No rate."]


def test_markup_is_escaped_once() -> None:
    markup = bars("x", ("A & B", "C"), [Part("Café <b> & Co", 1)], 1)
    assert str(escape("Café <b> & Co")) in markup
    assert texts(parsed(markup), ".//tbody/tr/th") == ["Café <b> & Co"]


def test_the_week_states_a_finding_only_where_there_is_one() -> None:
    def title(*clicks: tuple[int, int, int]) -> str:
        return heat_title([Hour(*each) for each in clicks])

    assert title() == title((4, 10, 4)) == title((4, 10, 99)) == "Weekdays and hours"
    assert title((4, 10, 55), (5, 11, 50)) == "Weekdays and hours"
    assert title((4, 10, 60), (4, 11, 55), (5, 12, 3)) == "Thursday is the busiest day"
    assert title((4, 10, 60), (5, 10, 55), (6, 9, 3)) == "10:00 to 11:00 is the busiest hour"
    assert title((4, 10, 100)) == "Thursday is the busiest day, 10:00 to 11:00 the busiest hour"
