"""Reports as a table for people, as CSV for spreadsheets, as JSON for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import click

from linkservice.cli.door import Group, current_database, now, read_settings, text
from linkservice.cli.output import bar, coloured, fit, report_form, write_report
from linkservice.fields import iso_day

if TYPE_CHECKING:
    from linkservice.reports.results import (
        FilteredBy,
        TouchpointReport,
        TouchpointRow,
        TouchpointTotals,
    )

NAME_WIDTH, BAR_WIDTH = 30, 11
DETAIL_WIDTH = 98
PER_REACH = 1_000
"""Rates are told per so many of reach: “41 of 1,000 parcels”."""

VERDICTS = {
    "best": ("▲ best", "blue"),
    "worst": ("▼ worst", "red"),
    "as_expected": ("as expected", None),
    "too_early": ("too early", None),
    "no_reach": ("no reach", None),
    "no_peers": ("no peers", None),
}
LACKS = {
    "clicks_per_day": "not live",
    "conversions_per_click": "no clicks",
    "scans_per_click": "no clicks",
    "trend": "none before",
}
"""What a touchpoint lacks that has "no_reach", where it is not reach."""
METRIC_NAMES = (
    "visitors_per_reach",
    "clicks_per_day",
    "conversions_per_click",
    "scans_per_click",
    "value_per_reach",
    "trend",
)
NEEDED = {"day": "days", "click": "clicks", "visitor": "visitors"}
UNITS = {"passers_by": "passers-by"}


def day(value: str) -> date:
    """The type of a day as 2026-11-22."""
    found = iso_day(value)
    if found is None:
        raise click.BadParameter("This is no day; write it as 2026-11-22.")
    return found


@click.group(cls=Group)
def report() -> None:
    """What the clicks meant."""


@report.command("touchpoints")
@click.option("--from", "from_", type=day, help="First day. [28 days in all]")
@click.option("--to", type=day, help="Last day. [today]")
@click.option(
    "--metric",
    type=click.Choice(METRIC_NAMES),
    default="visitors_per_reach",
    show_default=True,
    help="What is compared.",
)
@click.option(
    "--attribution",
    type=click.Choice(("last", "first")),
    default="last",
    show_default=True,
    help="Whose a conversion is: of its last click or of its first.",
)
@click.option("--journey", type=text, metavar="ID", help="Only the touchpoints of this journey.")
@click.option("--stage", type=text, metavar="ID", help="Only those of this stage.")
@click.option("--channel", type=text, help="Only those of this channel.")
@click.option(
    "--kind", type=click.Choice(("digital", "human", "physical")), help="Only of this kind."
)
@click.option(
    "--medium", type=click.Choice(("paid", "owned", "earned")), help="Only of this medium."
)
@click.option("--campaign", type=text, metavar="ID", help="Only with links of this campaign.")
@click.option("--persona", type=text, metavar="ID", help="Only those made for this persona.")
@click.option("--verdict", type=click.Choice(tuple(VERDICTS)), help="Only with this verdict.")
@click.option(
    "--sort",
    type=click.Choice(
        (
            *("name", "clicks", "scans", "visitors", "conversions", "value", "reach", "rate"),
            *("lead", "verdict"),
        )
    ),
    help="By what; lead: how many times the mean of the peers. [the ranking]",
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--source", type=click.Choice(("click", "scan")), help="Only clicks of this kind.")
@click.option("--country", type=text, metavar="CODE", help="Only clicks from there, as DE.")
@click.option(
    "--city", type=text, help="Only clicks from there, as reports tell it (DE/Hessen/Kassel)."
)
@click.option("--device", type=text, help="Only clicks with such a device, as mobile.")
@click.option("--browser", type=text, help="Only clicks with this browser.")
@click.option("--system", type=text, help="Only clicks with this system.")
@click.option("--language", type=text, help="Only clicks in this language.")
@click.option("--referrer", type=text, metavar="HOST", help="Only clicks from this page.")
@click.option("--all-single-clicks", is_flag=True, help="Count all that are kept, however long.")
@report_form
def touchpoints(
    from_: date | None,
    to: date | None,
    metric: str,
    attribution: str,
    journey: str | None,
    stage: str | None,
    channel: str | None,
    kind: str | None,
    medium: str | None,
    campaign: str | None,
    persona: str | None,
    verdict: str | None,
    sort: str | None,
    reverse: bool,
    all_single_clicks: bool,
    form: str,
    **of_clicks: str | None,
) -> None:
    """Which touchpoints perform best and worst.

    Days are those of the workspace's time zone, the last one included. Verdicts are those of all
    touchpoints, whichever are shown; so is the total. Clicks from a country, with a device and so
    on are counted one by one, and have no reach, conversions and value.
    """
    from linkservice.reports.arranged import Selection, arranged
    from linkservice.reports.filters import choose_filters
    from linkservice.reports.queries import touchpoint_report
    from linkservice.reports.results import rows_for_csv, to_json
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace

    wanted = Selection(stage, channel, kind, medium, campaign, persona, verdict)
    with current_database(read_settings(make=False)) as database, database.reading() as session:
        actor = operator(first_workspace(session))
        found = touchpoint_report(
            session,
            actor,
            first=from_,
            last=to,
            journey_id=journey,
            metric=metric,
            attribution=attribution,
            filters=choose_filters(of_clicks, everything=all_single_clicks),
            now=now(),
        )
        seen = arranged(session, actor, found, selection=wanted, sort=sort, reverse=reverse)
    found = replace(found, touchpoints=seen.all_rows)
    write_report(form, to_json(found), rows_for_csv(found), _table(found))


def _table(found: TouchpointReport) -> Iterator[str]:
    heads = {"clicks_per_day": "a day", "value_per_reach": found.currency, "trend": "change"}
    rate = heads.get(found.metric, f"per {PER_REACH:,}")
    period = found.period
    title = f"Touchpoints {period.first} to {period.last} ({period.time_zone})"
    yield coloured(title, bold=True)
    if found.filtered is not None:
        yield coloured(_filters(found.filtered), dim=True)
    yield ""
    head = f"{'Touchpoint':<{NAME_WIDTH}} {'Clicks':>9} {'Visitors':>9} {rate:>9} "
    yield coloured(f"{head} {'':<{BAR_WIDTH}} {'95%':>13}  Verdict", dim=True)
    largest = _largest(found)
    for row in found.touchpoints:
        yield from _lines(row, found, largest)
    yield ""
    yield from _totals(found)


def _filters(by: FilteredBy) -> str:
    """What all clicks have in common, and since when they are counted."""
    given = "Clicks with " + ", ".join(f"{name} {value}" for name, value in by.filters.items())
    if by.is_whole:
        return given
    since = by.single_clicks_from
    return f"{given}; " + (f"counted from {since} on" if since else "none of these days are kept")


def _largest(found: TouchpointReport) -> Mapping[str | None, float]:
    """The highest rate of each unit: only those of one compare."""
    largest: dict[str | None, float] = {}
    for row in found.touchpoints:
        largest[row.per] = max(largest.get(row.per, 0.0), row.rate or 0.0)
    return largest


def _lines(
    row: TouchpointRow, found: TouchpointReport, largest: Mapping[str | None, float]
) -> Iterator[str]:
    """The row, and below it where it stands, its reach and whom it is compared with."""
    write = _writer(row, found)
    name = row.name if row.name is not None else "(links without a touchpoint)"
    if row.deleted:
        name = f"(deleted) {name}"
    rate = interval = ""
    drawn = " " * BAR_WIDTH
    if row.rate is not None:
        rate = write(row.rate)
        drawn = bar(row.rate / (largest[row.per] or 1.0), BAR_WIDTH)
    if row.low is not None and row.high is not None:
        # Between signs a dash would be one more.
        to = " to " if found.metric == "trend" else "–"
        interval = f"{write(row.low)}{to}{write(row.high)}"
    word, colour = _verdict(row, found)
    yield (
        f"{fit(name, NAME_WIDTH)} {row.clicks:>9,} {row.visitors:>9,} {rate:>9}"
        f"  {coloured(drawn, colour)} {interval:>13}  {coloured(word, colour, bold=bool(colour))}"
    ).rstrip()
    for line in textwrap.wrap(_detail(row, found, write), DETAIL_WIDTH, break_long_words=False):
        yield coloured(f"  {line}", dim=True)


def _verdict(row: TouchpointRow, found: TouchpointReport) -> tuple[str, str | None]:
    """The verdict and its colour, or why there is none."""
    from linkservice.reports.filtered_ranking import JUDGED
    from linkservice.reports.needed import difference_is_too_small

    if row.id is None:
        return "", None
    if found.filtered is not None and found.metric not in JUDGED:
        return "not judged", None
    if difference_is_too_small(row, found.metric):
        return "difference too small", None
    word, colour = VERDICTS[row.verdict]
    return (LACKS.get(found.metric, word) if row.verdict == "no_reach" else word), colour


def _writer(row: TouchpointRow, found: TouchpointReport) -> Callable[[float], str]:
    """How rates of a row are written: per day, visitor or so many of all else; in money, or as how
    far the rate moved.
    """
    from linkservice.money import write_grouped

    per = 1 if row.per in ("day", "visitor") else PER_REACH
    if found.metric == "trend":
        return _change
    if found.metric == "value_per_reach":
        return lambda rate: write_grouped(round(rate * per), found.currency)
    return lambda rate: _figure(rate * per)


def _detail(row: TouchpointRow, found: TouchpointReport, write: Callable[[float], str]) -> str:
    from linkservice.reports.needed import difference_is_too_small

    parts = [row.stage] if row.stage else []
    reach = []
    if row.unit and row.reach:
        reach.append(f"{row.reach:,.0f} {UNITS.get(row.unit, row.unit)}")
    if difference_is_too_small(row, found.metric):
        reach.append("the difference is too small to prove in reasonable time")
    elif row.more_reach_needed is not None:
        more = f"about {_spoken(row.more_reach_needed):,} more"
        reach.append(f"{more} {NEEDED.get(row.per or '', 'of reach')} needed to tell")
    if row.exceeds_reach:
        reach.append("more visitors than reach: check the entry")
    if reach:
        parts.append(", ".join(reach))
    if found.metric == "value_per_reach" and row.per is not None:
        unit = UNITS.get(row.per, row.per)
        parts.append("per visitor" if unit == "visitor" else f"per {PER_REACH:,} {unit}")
    if found.metric == "trend" and row.per is not None:
        parts.append("visitors a day" if row.per == "day" else "visitors per reach")
    if row.conversions:
        parts.append(_gained(row, found.currency))
    if row.peers is not None:
        mean = write(row.peers.mean)
        group = row.peers.group.replace("_and_", " and ")
        others = "target" if group == "target" else f"{row.peers.count} peers of the same {group}"
        parts.append(f"{others}: {mean}" + ("" if group == "target" else " on average"))
    return " · ".join(parts)


def _totals(found: TouchpointReport) -> Iterator[str]:
    totals = found.totals
    yield (
        f"{fit('Total', NAME_WIDTH)} {totals.clicks:>9,} {totals.visitors:>9,}"
        f"   {totals.scans:,} of the clicks are scans"
    )
    notes = []
    if totals.conversions:
        whose = "last" if found.attribution == "last" else "first"
        notes.append(f"{_gained(totals, found.currency)}, each of its {whose} click's touchpoint.")
    if totals.visitors:
        notes.append(
            "Visitors are counted by day and touchpoint: on two days or at two touchpoints, twice."
        )
    if totals.tokenless:
        notes.append(
            f"{totals.tokenless:,} clicks told no visitor apart; each counts as one in the rates."
        )
    for note in notes:
        yield coloured(note, dim=True)
    doubt = f" ({totals.suspected:,} of them suspected)" if totals.suspected else ""
    others = {
        "robots": totals.robots,
        "previews": totals.previews,
        "prefetches": totals.prefetches,
        "scanners": totals.scanners,
        "HEAD requests": totals.heads,
        "own visits": totals.own,
        "misses": totals.misses,
        "unrecorded clicks": totals.unrecorded,
    }
    told = ", ".join(
        f"{name} {number:,}{doubt if name == 'scanners' else ''}"
        for name, number in others.items()
        if number
    )
    if told:
        yield coloured(f"Not counted as clicks: {told}.", dim=True)


def _gained(row: TouchpointRow | TouchpointTotals, currency: str) -> str:
    """Conversions and their value: “12 conversions, 1,234.50 EUR”."""
    from linkservice.money import write_grouped

    told = "1 conversion" if row.conversions == 1 else f"{row.conversions:,} conversions"
    return f"{told}, {write_grouped(row.value, currency)} {currency}" if row.value else told


def _spoken(number: int) -> int:
    """Two digits and zeros, as people say an estimate; the exact figure is in JSON and CSV."""
    return round(number, 2 - len(str(number)))


def _change(rate: float) -> str:
    """How far a rate moved; what rounds to nought has no sign."""
    rounded = round(rate - 1.0, 2)
    return f"{rounded:+.0%}" if rounded else "0%"


def _figure(number: float) -> str:
    """A rate as people write it: three figures at least, no more decimals than help."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"
