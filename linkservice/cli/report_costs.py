"""What clicks and visitors cost and brought, as a table for people, as CSV, as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import click

from linkservice.cli.door import current_database, now, read_settings
from linkservice.cli.output import coloured, fit, report_form, write_report
from linkservice.cli.report import day, report

if TYPE_CHECKING:
    from linkservice.reports.cost_results import CostReport, CostRow, Costs

NAME_WIDTH = 34
GROUPS = ("touchpoint", "channel", "medium", "campaign")
SORTS = ("cost_per_visitor", "cost_per_conversion", "return_on_cost")


@report.command("costs")
@click.option("--from", "from_", type=day, help="First day. [28 days in all]")
@click.option("--to", type=day, help="Last day. [today]")
@click.option(
    "--group",
    type=click.Choice(GROUPS),
    default=GROUPS[0],
    show_default=True,
    help="What a line is.",
)
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    default=SORTS[0],
    show_default=True,
    help="By what, the best first.",
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@report_form
def costs(
    from_: date | None, to: date | None, group: str, sort: str, reverse: bool, form: str
) -> None:
    """What clicks and visitors cost, what came back, and who is dear for certain.

    Days are those of the workspace's time zone, the last one included.
    """
    from linkservice.reports.cost_results import to_json
    from linkservice.reports.costs import cost_report
    from linkservice.reports.exported_csv import plain_lines
    from linkservice.reports.exported_findings import costs_table
    from linkservice.workspaces.access import operator
    from linkservice.workspaces.accounts import first_workspace

    with current_database(read_settings(make=False)) as database, database.reading() as session:
        found = cost_report(
            session,
            operator(first_workspace(session)),
            first=from_,
            last=to,
            group=group,
            sort=sort,
            upwards=reverse,
            now=now(),
        )
    write_report(form, to_json(found), plain_lines(costs_table(found)), _table(found))


def _table(found: CostReport) -> Iterator[str]:
    period = found.period
    yield coloured(
        f"Costs {period.first} to {period.last} ({period.time_zone}), {found.currency}", bold=True
    )
    yield ""
    head = f"{found.group.capitalize():<{NAME_WIDTH}} {'Clicks':>9} {'Visitors':>9} {'Cost':>15}"
    head += f" {'a click':>9} {'a visitor':>10} {'a conversion':>12} {'Value':>15} {'Return':>7}"
    yield coloured(head, dim=True)
    for row in found.rows:
        yield _line(_name(row), row.costs, found.currency)
        if row.kind == "campaign" and found.group != "campaign":
            yield coloured("  spent on a campaign that brought nobody in these days", dim=True)
        if said := _certain(row):
            yield coloured(f"  {said}", dim=True)
    yield ""
    yield _line("Total", found.totals, found.currency)
    if found.totals.visitors_with_cost < found.totals.visitors + found.totals.tokenless:
        yield coloured(
            "Per click, visitor, conversion: only those a cost is entered for.", dim=True
        )
    if found.has_untold:
        yield coloured(
            "Some conversions were imported as sums that cannot be told by campaign.", dim=True
        )
    if (found.totals.conversions_with_value or 0) < (found.totals.conversions or 0):
        yield coloured("Value and return: of the conversions that tell a value.", dim=True)


def _certain(row: CostRow) -> str:
    """By which figures it is the best or the worst for certain; "" where by none."""
    told = [
        f"{verdict.verdict} by {by.replace('_', ' ')}"
        for by, verdict in (row.verdicts or {}).items()
        if verdict.verdict in ("best", "worst")
    ]
    return f"certainly {', '.join(told)}" if told else ""


def _name(row: CostRow) -> str:
    name = row.name if row.name is not None else "(none)"
    return f"(deleted) {name}" if row.deleted else name


def _line(name: str, costs: Costs, currency: str) -> str:
    from linkservice.money import DECIMALS, write_grouped

    decimals = DECIMALS[currency]

    def ratio(value: float | None) -> str:
        return "–" if value is None else f"{value / 10**decimals:,.{decimals + 1}f}"

    value = "–" if costs.value is None else write_grouped(costs.value, currency)
    back = "–" if costs.return_on_cost is None else f"{costs.return_on_cost:.2f} ×"
    cost = "no cost entered" if costs.cost is None else write_grouped(costs.cost, currency)
    return (
        f"{fit(name, NAME_WIDTH)} {costs.clicks:>9,} {costs.visitors:>9,} {cost:>15}"
        f" {ratio(costs.cost_per_click):>9} {ratio(costs.cost_per_visitor):>10}"
        f" {ratio(costs.cost_per_conversion):>12} {value:>15} {back:>7}"
    )
