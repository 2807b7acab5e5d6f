"""The sparkline: the shape of some thirty days beside a name, without axes.

The exact figures stand in the row beside it. Not here: the trend with axes (`lines`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from markupsafe import Markup

from linkservice.web.charts import svg
from linkservice.web.charts.svg import element

WIDTH, HEIGHT = 96, 28
"""Its size in px; a style sheet may stretch it."""

_EDGE = 2
"""Room for half a line above and below."""


def sparkline(values: Sequence[int], *, label: str = "", highest: int = 0) -> Markup:
    """`values` from nought up to their own highest, or to `highest` where rows are compared.

    Without a `label` it is hidden from those who do not see it: the row has the figures.
    """
    return _drawn(tuple(values), label, highest)


@lru_cache(maxsize=1024)
def _drawn(values: tuple[int, ...], label: str, highest: int) -> Markup:
    """Most of a page's are those it had a minute ago."""
    top = max([highest, *values, 1])
    run = HEIGHT - 2 * _EDGE
    step = WIDTH / max(len(values) - 1, 1)
    # Integers of any size divide without loss; a product first would overflow a float.
    places = [
        f"{svg.short(number * step)} {svg.short(_EDGE + run - max(value, 0) / top * run)}"
        for number, value in enumerate(values)
    ]
    if len(places) == 1:
        places.append(f"{WIDTH} {places[0].split()[1]}")
    paths = []
    if places:
        line = "L".join(places)
        quiet = "" if any(values) else " chart-quiet"
        tint = f"M0 {HEIGHT}L{line}L{WIDTH} {HEIGHT}Z"
        paths = [
            element("path", d=tint, class_="chart-tint"),
            element("path", d="M" + line, class_=f"chart-line chart-line-1{quiet}"),
        ]
    spoken = {"role": "img", "aria_label": label} if label else {"aria_hidden": "true"}
    return element(
        "svg",
        *paths,
        **spoken,
        class_="chart-spark",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width=WIDTH,
        height=HEIGHT,
        preserveAspectRatio="none",
    )
