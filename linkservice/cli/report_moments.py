"""Moments of truth: a table for people, CSV, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import click

from linkservice.cli.door import current_database, now, read_settings, text
from linkservice.cli.output import coloured, fit, report_form, write_report
from linkservice.cli.report import day, report

if TYPE_CHECKING:
    from linkservice.reports.moments import Moment, MomentsReport

NAME_WIDTH = 30
QUADRANTS = {
    "strengthen": ("strengthen first", "red"),
    "keep_up": ("keep up", "blue"),
    "can_wait": ("can wait", None),
    "good_enough": ("good enough", None),
}
MISSING = {
    "days": "six weeks of clicks",
    "visitors": "visitors on 14 days",
    "outcome": "visitors of other touchpoints on 14 days",
    "touchpoints": "four touchpoints to compare",
    "verdict": "a rate that can be compared",
}


@report.command("moments")
@click.option("--journey", type=text, metavar="ID", help="Of which. [the one with most clicks]")
@click.option("--from", "from_", type=day, help="First day. [28 days in all]")
@click.option("--to", type=day, help="Last day. [today]")
@report_form
def moments(journey: str | None, from_: date | None, to: date | None, form: str) -> None:
    """Which touchpoints matter to a journey, and how they do there.

    Importance is how far daily visitors go along with the journey's conversions (or, without
    them, with the visitors of its other touchpoints): association, not cause.
    """
    from linkservice.reports.exported_csv import plain_lines
    from linkservice.reports.exported_findings import moments_table
    from linkservice.reports.moments import moments_report
    from linkservice.reports.results import to_json
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace

    with current_database(read_settings(make=False)) as database, database.reading() as session:
        found = moments_report(
            session,
            operator(first_workspace(session)),
            journey_id=journey,
            first=from_,
            last=to,
            now=now(),
        )
    write_report(form, to_json(found), plain_lines(moments_table(found)), _table(found))


def _table(found: MomentsReport) -> Iterator[str]:
    yield coloured(f"Moments of truth: {found.journey or 'no touchpoint yet'}", bold=True)
    yield f"{found.days:,} days, {found.since} to {found.until}, with {found.outcome}"
    yield ""
    head = f"{'Touchpoint':<{NAME_WIDTH}} {'Association':>11} {'95%':>14} {'× peers':>8}"
    yield coloured(head, dim=True)
    for each in found.touchpoints:
        yield _line(each)


def _line(each: Moment) -> str:
    name = fit(each.name, NAME_WIDTH)
    if each.quadrant is None:
        lacks = "; ".join(MISSING[why] for why in each.missing)
        return f"{name} {coloured(f'missing: {lacks}', dim=True)}"
    word, colour = QUADRANTS[each.quadrant]
    interval = f"{_two_digits(each.association_low)} to {_two_digits(each.association_high)}"
    said = coloured(word, colour, bold=True) if each.certain else f"leans to: {word}"
    middle = _two_digits(each.association)
    return f"{name} {middle:>11} {interval:>14} {each.performance:>8.2f}  {said}"


def _two_digits(value: float | None) -> str:
    # Nought has no sign.
    return f"{round(value or 0.0, 2) + 0.0:.2f}"
