"""Parts of a whole: bars under the names of a facet, and one bar shared by several kinds.

Both are tables with a drawing in them, so neither needs another table beside it. Bars begin
at nought. Not here: which parts there are and in which order (`reports`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from linkservice.web.charts import svg
from linkservice.web.charts.svg import element
from linkservice.web.i18n import gettext, write_number, write_percent

LOOKS = 6
"""How many parts of a shared bar look different; the style sheet has as many."""

DARK = (0, 1)
"""The parts whose shares are written in the colour of the page."""

ROOM_FOR_SHARE = 12
"""The least width, in per cent of a shared bar, that has its share written in it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A name as it is read, how many there are, and where a click on it leads, if anywhere."""

    name: str
    count: int
    href: str = ""


def bars(title: str, heads: tuple[str, str], parts: Sequence[Part], total: int) -> Markup:
    """A row per part: name over its bar, count, share of `total`. The longest bar is full width.

    `heads` name the first two columns ("Country", "Clicks"); `total` may exceed the sum.
    """
    longest = max([*(part.count for part in parts), 1])
    rows = [_row(part, part.count / longest * 100, total) for part in parts]
    return _table(title, heads, rows, "chart-bars")


def _row(part: Part, width: float, total: int) -> Markup:
    # Written out as `svg.mark` is: a page has some hundred rows, and put together of seven
    # elements each takes three times as long.
    return Markup(  # noqa: S704 - every part is escaped
        f'<tr><th scope="row"><svg class="chart-bar" aria-hidden="true">'
        f'<rect width="{svg.percent(width)}" height="100%" rx="4"></rect></svg>{_name(part)}</th>'
        f"<td>{svg.text(write_number(part.count))}</td>"
        f'<td class="chart-share">{svg.text(_share(part.count, total))}</td></tr>'
    )


def shared_bar(chart_id: str, title: str, heads: tuple[str, str], parts: Sequence[Part]) -> Markup:
    """One bar divided among `parts` in their order, and under it each with count and share."""
    total = sum(part.count for part in parts)
    pieces, start = [], 0
    for number, part in enumerate(parts):
        if part.count:
            pieces += _piece(number, start / total * 100, part.count, total)
            start += part.count
    biggest = max(parts, key=lambda part: part.count, default=Part("", 0))
    description = gettext(
        "%(total)s in all; most of them %(name)s (%(share)s).",
        total=write_number(total),
        name=biggest.name,
        share=_share(biggest.count, total),
    )
    picture = svg.drawing(
        chart_id,
        title,
        description if total else gettext("None."),
        *pieces,
        class_="chart-shared",
    )
    rows = [
        element(
            "tr",
            element("th", _swatch(number), _name(part), scope="row"),
            element("td", write_number(part.count)),
            element("td", _share(part.count, total), class_="chart-share"),
        )
        for number, part in enumerate(parts)
    ]
    return element("div", picture, _table(title, heads, rows, "chart-parts"), class_="chart")


def _share(count: int, total: int) -> str:
    """Rounded as people speak, but what is there is never "0 %"."""
    if not total:
        return "–"
    share = count / total
    if 0 < share < 0.005:
        return "< " + write_percent(0.01)
    return write_percent(share)


def _name(part: Part) -> Markup:
    name = svg.text(part.name)
    if part.href:
        where = svg.text(part.href)
        return Markup(f'<a href="{where}" class="chart-name">{name}</a>')  # noqa: S704 - escaped
    return Markup(f'<span class="chart-name">{name}</span>')  # noqa: S704 - escaped


def _look(number: int) -> str:
    return f"chart-part-{min(number, LOOKS - 1) + 1}"


def _piece(number: int, start: float, count: int, total: int) -> list[Markup]:
    width = count / total * 100
    piece = element(
        "rect",
        x=svg.percent(start),
        width=svg.percent(width),
        height="100%",
        class_=_look(number),
    )
    if width < ROOM_FOR_SHARE:
        return [piece]
    share = element(
        "text",
        _share(count, total),
        x=svg.percent(start + width / 2),
        y="50%",
        dy="0.35em",
        text_anchor="middle",
        class_="chart-on-dark" if number in DARK else "chart-on-light",
    )
    return [piece, share]


def _swatch(number: int) -> Markup:
    rect = element("rect", width=12, height=12, rx=3, class_=_look(number))
    return element("svg", rect, width=12, height=12, class_="chart-swatch", aria_hidden="true")


def _table(title: str, heads: tuple[str, str], rows: Sequence[Markup], look: str) -> Markup:
    columns = [
        element("th", heads[0], scope="col"),
        element("th", heads[1], scope="col"),
        element("th", gettext("Share"), scope="col", class_="chart-share"),
    ]
    return element(
        "table",
        element("caption", title, class_="out-of-sight"),
        element("thead", element("tr", *columns)),
        element("tbody", *rows),
        class_=look,
    )
