"""Where customers are lost between stages: a table for people, CSV, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import click

from linkservice.cli.door import current_database, now, read_settings, text
from linkservice.cli.output import coloured, fit, report_form, write_report
from linkservice.cli.report import day, report

if TYPE_CHECKING:
    from linkservice.reports.transitions import Missing, TransitionReport

STAGE_WIDTH = 24
MISSING = {
    "stages": "The journey has fewer than two stages.",
    "days": "No day of the period is over and counted by stage yet.",
    "visitors": "Nobody is known to have been at {stages}.",
    "next_visitors": "Nobody was at two neighbouring stages on one day.",
    "comparison": "Too few visitors to compare what follows {stages}.",
}


@report.command("transitions")
@click.argument("journey", type=text)
@click.option("--from", "from_", type=day, help="First day. [28 days in all]")
@click.option("--to", type=day, help="Last day. [today]")
@report_form
def transitions(journey: str, from_: date | None, to: date | None, form: str) -> None:
    """Between which stages of JOURNEY (its id) customers are lost.

    Of the visitors of a stage, how many were at the next one on the same day; today is left out.
    """
    from linkservice.reports.exported_csv import plain_lines
    from linkservice.reports.exported_findings import transitions_table
    from linkservice.reports.results import to_json
    from linkservice.reports.transitions import transition_report
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace

    with current_database(read_settings(make=False)) as database, database.reading() as session:
        found = transition_report(
            session, operator(first_workspace(session)), journey, first=from_, last=to, now=now()
        )
    write_report(form, to_json(found), plain_lines(transitions_table(found)), _table(found))


def _table(found: TransitionReport) -> Iterator[str]:
    yield coloured(f"{found.journey}: from stage to stage", bold=True)
    if found.counted_to is not None:
        yield f"{found.counted_from} to {found.counted_to} ({found.period.time_zone})"
    yield ""
    head = f"{'From':<{STAGE_WIDTH}} {'To':<{STAGE_WIDTH}} {'Visitors':>9} {'Went on':>9}"
    yield coloured(f"{head} {'Share':>7} {'95%':>13}", dim=True)
    for place, each in enumerate(found.transitions):
        share = "" if each.rate is None else f"{each.rate:.1%}"
        interval = ""
        if each.low is not None and each.high is not None:
            interval = f"{each.low:.1%}–{each.high:.1%}"
        word = ""
        if place == found.weakest:
            word = coloured("▼ weakest", "red", bold=True) if found.sure else "weakest so far"
        yield (
            f"{fit(each.from_stage, STAGE_WIDTH)} {fit(each.to_stage, STAGE_WIDTH)}"
            f" {each.visitors:>9,} {each.went_on:>9,} {share:>7} {interval:>13}  {word}"
        ).rstrip()
    for lack in found.missing:
        yield coloured(_missing(lack), dim=True)


def _missing(lack: Missing) -> str:
    return MISSING[lack.code].format(stages=", ".join(f"“{name}”" for name in lack.stages))
