"""What changed, as a table for people, as CSV for spreadsheets, as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import click

from linkservice.cli.door import current_database, now, read_settings
from linkservice.cli.output import coloured, fit, report_form, write_report
from linkservice.cli.report import NAME_WIDTH, day, report

if TYPE_CHECKING:
    from linkservice.reports.changed import ChangeReport, ChangeRow

CHANGES = {
    "below": ("▼ unusually few", "red"),
    "above": ("▲ unusually many", "blue"),
    "as_usual": ("as usual", None),
    "too_early": ("too early", None),
    "no_link": ("no active link", None),
    "left_out": ("only holidays", None),
}
WINDOWS = {None: "", "yesterday": "last day", "three_days": "three days"}


@report.command("changes")
@click.option("--to", type=day, help="Last day that is judged. [yesterday]")
@report_form
def changes(to: date | None, form: str) -> None:
    """Which touchpoints had unusually few or many visitors.

    The last day and the last three together, beside the same weekdays before and the age of the
    touchpoint; public holidays, if the workspace has chosen whose, are left out.
    """
    from linkservice.reports.changed import change_report
    from linkservice.reports.exported_csv import plain_lines
    from linkservice.reports.exported_findings import changes_table
    from linkservice.reports.results import to_json
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace

    with current_database(read_settings(make=False)) as database, database.reading() as session:
        found = change_report(session, operator(first_workspace(session)), last=to, now=now())
    write_report(form, to_json(found), plain_lines(changes_table(found)), _table(found))


def _table(found: ChangeReport) -> Iterator[str]:
    period = found.period
    yield coloured(f"Changes {period.first} to {period.last} ({period.time_zone})", bold=True)
    if (tide := found.tide) is not None:
        way = "more" if tide.change == "above" else "fewer"
        yield (
            f"All in all {tide.visitors:,} visitors, where {tide.expected:,.1f} are usual: "
            f"{tide.moved} of {tide.judged} touchpoints brought {way} than usual."
        )
    yield ""
    head = f"{'Touchpoint':<{NAME_WIDTH}} {'Visitors':>9} {'Usual':>9} {'95%':>13}"
    yield coloured(f"{head}  {'Of the':<10}  Change", dim=True)
    for row in found.touchpoints:
        yield _line(row)
    yield ""
    for each in found.left_out:
        why = each.name or each.reason.replace("_", " ")
        yield coloured(f"Left out, no usual day: {each.date} ({why}).", dim=True)
    if found.holidays is None:
        yield coloured("Public holidays are not known: the workspace chose none.", dim=True)


def _line(row: ChangeRow) -> str:
    word, colour = CHANGES[row.change]
    if row.days_needed is not None:
        word += f", {row.days_needed} more days needed"
    visitors = usual = interval = ""
    if (told := row.told) is not None:
        visitors, usual = f"{told.visitors:,}", f"{told.expected:,.1f}"
        interval = f"{told.low:,}–{told.high:,}"
    return (
        f"{fit(row.name, NAME_WIDTH)} {visitors:>9} {usual:>9} {interval:>13}"
        f"  {WINDOWS[row.window]:<10}  {coloured(word, colour, bold=bool(colour))}"
    ).rstrip()
