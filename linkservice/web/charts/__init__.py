"""Charts as SVG, made here and read without a script: plain values in, markup out.

They speak the language of `i18n`, and all text in them is escaped. How they look is in
`static/css/60-charts.css`; `templates/web/parts/charts.html` puts them on a page.
"""

from linkservice.web.charts.bars import Part, bars, shared_bar
from linkservice.web.charts.flags import Note
from linkservice.web.charts.heat import heat
from linkservice.web.charts.intervals import (
    Interval,
    SharedScale,
    interval_axis,
    interval_row,
    shared_scale,
)
from linkservice.web.charts.lines import Line, trend
from linkservice.web.charts.printed import printed_trend
from linkservice.web.charts.quadrants import Names, Spot, quadrants, quadrants_on_paper
from linkservice.web.charts.spark import sparkline
from linkservice.web.charts.svg import Chart, Table
from linkservice.web.charts.world import world

__all__ = [
    "Chart",
    "Interval",
    "Line",
    "Names",
    "Note",
    "Part",
    "SharedScale",
    "Spot",
    "Table",
    "bars",
    "heat",
    "interval_axis",
    "interval_row",
    "printed_trend",
    "quadrants",
    "quadrants_on_paper",
    "shared_bar",
    "shared_scale",
    "sparkline",
    "trend",
    "world",
]
