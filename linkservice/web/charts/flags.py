"""Notes on days in a trend: a hairline on each day, a number at its top, the words below the plot.

Days that stand closer than a number is wide share one. Not here: the plot (`lines`), what people
note (`reports/annotations`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from linkservice.web.charts import svg
from linkservice.web.charts.svg import element
from linkservice.web.i18n import gettext, write_day

CLOSE = 4.0
"""Per cent of the plot's width that a number takes on a phone, nearly."""

MOST_LISTED = 12
"""Numbers told below the plot; the table has all."""


@dataclass(frozen=True, slots=True)
class Note:
    """What happened on a day."""

    day: date
    text: str

    def __str__(self) -> str:
        return gettext("%(day)s: %(text)s", day=write_day(self.day, "MMMd"), text=self.text)


@dataclass(frozen=True, slots=True)
class Flag:
    """A number in the plot: where it stands, in per cent, where its days do, and their notes."""

    number: int
    places: Sequence[float]
    notes: Sequence[Note]


def flags_of(places: Sequence[tuple[float, Note]]) -> list[Flag]:
    """The numbers of notes whose days stand at these places, in their order."""
    found: list[Flag] = []
    for x, note in places:
        if found and x - found[-1].places[0] < CLOSE:
            last = found[-1]
            found[-1] = Flag(last.number, [*last.places, x], [*last.notes, note])
        else:
            found.append(Flag(len(found) + 1, [x], [note]))
    return found


def drawn(flags: Sequence[Flag]) -> list[Markup]:
    """The hairlines and the numbers on top of them."""
    lines = [
        element("line", x1=svg.percent(x), x2=svg.percent(x), y1=0, y2="100%", class_="chart-flag")
        for flag in flags
        for x in dict.fromkeys(flag.places)
    ]
    numbers = [
        svg.placed(
            flag.places[0],
            0,
            element("circle", r=8, class_="chart-flag-dot"),
            element("text", str(flag.number), dy="0.35em", text_anchor="middle"),
        )
        for flag in flags
    ]
    return [element("g", *lines, *numbers, class_="chart-flags")] if flags else []


def listed(flags: Sequence[Flag]) -> Markup:
    """The notes by their numbers; nothing where there are none."""
    if not flags:
        return Markup("")
    items = [
        element("li", "; ".join(map(str, flag.notes)), value=flag.number)
        for flag in flags[:MOST_LISTED]
    ]
    return element("ol", *items, class_="chart-notes")
