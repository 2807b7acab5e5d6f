"""Personas in words: how the figures came about, what the mix turns around, the map on paper.

Not here: the figures (`reports/personas`), how they are coloured (the page).
"""

from __future__ import annotations

from collections.abc import Sequence

from linkservice.reports.paper_table import Column, Part, Row
from linkservice.reports.personas import (
    Metric,
    PersonaCell,
    PersonaReport,
    PersonaRow,
    PersonaShare,
    Reversal,
)
from linkservice.reports.standardised import LEAST_EXPECTED
from linkservice.web import counted
from linkservice.web.counted import Fact
from linkservice.web.i18n import N_, gettext, ngettext, write_number, write_percent
from linkservice.web.page import Page
from linkservice.web.periods import Chosen

ABREAST = 5
"""Personas that stand beside each other on paper; further ones follow below."""


METRIC_WORDS: dict[Metric, str] = {
    "scans_per_click": N_("Scans per click"),
    "conversions_per_click": N_("Conversions per click"),
}

LEADS: dict[Metric, str] = {
    "scans_per_click": N_(
        "Of 100 clicks, how many came through a printed code? By touchpoint, and by whom the link "
        "was made for."
    ),
    "conversions_per_click": N_(
        "Of 100 clicks, how many led to a conversion? By touchpoint, and by whom the link was made "
        "for."
    ),
}

HEADINGS: dict[Metric, str] = {
    "scans_per_click": N_("Scans per 100 clicks"),
    "conversions_per_click": N_("Conversions per 100 clicks"),
}


def altogether(found: PersonaReport, row: PersonaRow) -> str:
    """The rate of a touchpoint; of conversions only where it is the one that its own report has."""
    if row.rate is None or (found.by_conversions and not row.is_whole):
        return "–"
    return write_percent(row.rate, 1)


def with_the_mix(found: PersonaReport, row: PersonaRow) -> str:
    """The rate with everybody's mix, or why there is none."""
    if row.standardised_rate is not None:
        return write_percent(row.standardised_rate, 1)
    if found.by_conversions and row.rate is None:
        return gettext("cannot be told")
    return gettext("a persona is missing")


def few_words(found: PersonaReport) -> str:
    """Whose rate with everybody's mix a handful of clicks can move; "" where that is nobody's."""
    few = [row.name for row in found.rows if _rests_on_few(found, row)]
    named = ", ".join(gettext("“%(name)s”", name=name) for name in few)
    if not named:
        return ""
    return gettext(
        "With everybody's mix these rest on few clicks of a persona, so they may be chance: "
        "%(names)s.",
        names=named,
    )


def _rests_on_few(found: PersonaReport, row: PersonaRow) -> bool:
    """Whether too few successes or failures are to be expected of a persona, at everybody's rate
    with it.
    """
    if row.standardised_rate is None:
        return False
    for place, cell in enumerate(row.cells):
        with_it = [each.cells[place] for each in found.rows]
        clicks = sum(each.clicks for each in with_it if each.rate is not None)
        if clicks:
            rate = sum(each.clicks * (each.rate or 0.0) for each in with_it) / clicks
            if cell.clicks * min(rate, 1.0 - rate) < LEAST_EXPECTED:
                return True
    return False


def has_others(found: PersonaReport, rows: Sequence[PersonaRow]) -> bool:
    """Whether any click or conversion of these rows is of several personas or none: else their
    column is left out, since it says nothing.
    """
    return any(row.other_clicks or (found.by_conversions and row.other_conversions) for row in rows)


def clicked(found: PersonaReport) -> list[tuple[int, PersonaShare]]:
    """The personas that have clicks or conversions, each with its place in the cells of a row; all
    where none has: the map then says so in every cell.
    """
    places = list(enumerate(found.personas))
    return [each for each in places if each[1].clicks or each[1].conversions] or places


def unclicked_words(found: PersonaReport) -> str:
    """Whose columns are left out; "" where none is."""
    shown = [persona for _, persona in clicked(found)]
    bare = [each.name for each in found.personas if each not in shown]
    named = ", ".join(gettext("“%(name)s”", name=name) for name in bare)
    return gettext("No click of these days is of: %(names)s.", names=named) if named else ""


def share_words(found: PersonaReport, share: PersonaShare) -> str:
    """What a persona has in all, under its name."""
    words = [ngettext("%(num)s click", "%(num)s clicks", share.clicks)]
    if found.by_conversions:
        gained = share.conversions
        words.append(
            gettext("conversions cannot be told")
            if gained is None
            else ngettext("%(num)s conversion", "%(num)s conversions", gained)
        )
    return " · ".join(words)


def reversed_title(each: Reversal) -> str:
    """By which metric the mix turns something around: under any tab of the page."""
    return gettext(_REVERSED[each.metric])


_REVERSED: dict[Metric, str] = {
    "scans_per_click": N_("The mix turns scans per click around"),
    "conversions_per_click": N_("The mix turns conversions per click around"),
}


def reversed_words(each: Reversal) -> str:
    """What looks the other way round only because of the mix, and whether that may be chance."""
    words = _reversed_words(each)
    if each.certain:
        return words
    return words + " " + gettext("These are so few that chance may explain it.")


def _reversed_words(each: Reversal) -> str:
    if each.metric == "conversions_per_click":
        return gettext(
            "Altogether “%(higher)s” has more conversions per click (%(higher_rate)s) than "
            "“%(lower)s” (%(lower_rate)s), yet with every single persona “%(lower)s” has more. "
            "Only because they are made for different personas does it look the other way round.",
            **_pair(each),
        )
    return gettext(
        "Altogether “%(higher)s” has more scans per click (%(higher_rate)s) than “%(lower)s” "
        "(%(lower_rate)s), yet with every single persona “%(lower)s” has more. Only because they "
        "are made for different personas does it look the other way round.",
        **_pair(each),
    )


def _pair(each: Reversal) -> dict[str, str]:
    return {
        "higher": each.higher,
        "higher_rate": write_percent(each.higher_rate, 1),
        "lower": each.lower,
        "lower_rate": write_percent(each.lower_rate, 1),
    }


def facts(page: Page, chosen: Chosen, found: PersonaReport) -> list[Fact]:
    """How personas were counted, for “How was this counted?”."""
    return [
        counted.clicks(),
        *([counted.conversions(), _whose()] if found.by_conversions else []),
        Fact(
            gettext("Personas"),
            gettext(
                "A click counts for the persona its link is made for or, where the link names "
                "none, for that of its journey; nobody who clicks is looked at. Where several "
                "personas are named nobody can tell which of them clicked: such clicks stand "
                "apart."
            ),
        ),
        Fact(
            gettext("With everybody's mix"),
            gettext(
                "“With everybody's mix” is the rate a touchpoint would have if it were made for "
                "the personas in the shares they have of all clicks together (direct "
                "standardisation): so touchpoints that are made for different personas can be "
                "compared. Where a touchpoint has no click of a persona, there is no such rate."
            ),
        ),
        *counted.told_besides(page, found.period, [counted.scanner_words(chosen)]),
    ]


def _whose() -> Fact:
    return Fact(
        gettext("Conversions of personas"),
        gettext(
            "A conversion counts for the persona that the link of its click is made for. An "
            "imported sum names no link: it counts for the persona of the journey, unless links of "
            "its touchpoint are made for others; then the touchpoint has no rate, and “cannot be "
            "told” stands with every persona that has clicks there. “Altogether” stands where the "
            "personas are all of the touchpoint."
        ),
    )


def parts(found: PersonaReport) -> list[Part]:
    """The map, a few personas at a time, and what the mix turns around."""
    if not found.rows:
        return []
    heading = gettext(HEADINGS[found.metric])
    places = clicked(found)
    parts = [_altogether(heading, found)]
    parts += [
        _beside(heading, found, places[first : first + ABREAST])
        for first in range(0, len(places), ABREAST)
    ]
    if found.reversals:
        column = Column(gettext("Finding"), 1.0)
        words = [Row((reversed_words(each),)) for each in found.reversals]
        parts.append(Part(gettext("The mix turns it around"), [column], words))
    return parts


def _altogether(heading: str, found: PersonaReport) -> Part:
    others = has_others(found, found.rows)
    columns = [
        Column(gettext("Touchpoint"), 0.31 if others else 0.49),
        Column(gettext("Clicks"), 0.13, "number"),
        Column(gettext("Altogether"), 0.15, "number"),
        Column(gettext("With everybody's mix"), 0.23, "number"),
        *([Column(gettext("Several or none"), 0.18, "number")] if others else []),
    ]
    lines = []
    for row in found.rows:
        cells = [write_number(row.clicks), altogether(found, row), with_the_mix(found, row)]
        if others:
            cells.append(ngettext("%(num)s click", "%(num)s clicks", row.other_clicks))
        lines.append(_line(row, *cells))
    said = " ".join(filter(None, (few_words(found), unclicked_words(found))))
    return Part(heading, columns, lines, said)


def _beside(heading: str, found: PersonaReport, some: Sequence[tuple[int, PersonaShare]]) -> Part:
    columns = [
        Column(gettext("Touchpoint"), 0.31),
        *(Column(persona.name, 0.69 / len(some), "number") for _, persona in some),
    ]
    lines = [
        _line(row, *(_cell(row.cells[place], found) for place, _ in some))
        for row in found.rows
        if any(row.cells[place].clicks for place, _ in some)
    ]
    return Part(gettext("%(heading)s, by persona", heading=heading), columns, lines)


def _cell(cell: PersonaCell, found: PersonaReport) -> str:
    if cell.rate is None:
        return "–"
    of = gettext(
        "%(scans)s of %(clicks)s",
        scans=write_number((cell.conversions or 0) if found.by_conversions else cell.scans),
        clicks=write_number(cell.clicks),
    )
    return f"{write_percent(cell.rate, 1)} ({of})"


def _line(row: PersonaRow, *cells: str) -> Row:
    return Row((row.name, *cells), f"{row.stage} · {row.journey}")
