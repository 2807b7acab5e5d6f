"""The call of the report on costs."""

from __future__ import annotations

from typing import Annotated

from linkservice.api.door import Call, Calls
from linkservice.api.reports import PeriodAnswer, PeriodQuery, period_answer
from linkservice.api.values import Answer, Id, one_of
from linkservice.money import DECIMALS
from linkservice.reports.cost_results import (
    GROUPS,
    CostReport,
    CostRow,
    Group,
    RowKind,
    figures_of,
)
from linkservice.reports.costs import cost_report

COST_REPORT = Calls("Reports")


class CostReportQuery(PeriodQuery):
    """Which days, and what a row is."""

    group: Annotated[str, one_of(GROUPS)] = GROUPS[0]


class CostFigures(Answer):
    """Counted, spent and gained; money in the smallest unit of the currency.

    `cost` is null where none is entered for these days. `shared_cost` is the part of it that was
    entered for campaigns (in a report by campaign: for touchpoints) and shared out by visitors.
    The three ratios are of those clicks, visitors and conversions alone that a cost was entered
    for; there a click without a token is one visitor. Conversions count for their last click;
    null where some were imported as sums of a touchpoint, for this campaign or another. `value`
    is what those are worth that tell it (`conversions_with_value`), null where none does;
    `return_on_cost` is `value_with_cost` ÷ `cost`: 2.5 came back for each unit spent.
    """

    clicks: int
    visitors: int
    tokenless: int
    cost: int | None
    shared_cost: int
    clicks_with_cost: int
    visitors_with_cost: int
    cost_per_click: float | None
    cost_per_visitor: float | None
    conversions: int | None
    conversions_with_cost: int | None
    cost_per_conversion: float | None
    conversions_with_value: int | None
    value: int | None
    value_with_cost: int | None
    return_on_cost: float | None


class CostRowAnswer(CostFigures):
    """A touchpoint, channel, medium or campaign, as `kind` says. Where rows are no campaigns, one
    of that kind was spent on a campaign that brought nobody; "none" is what belongs to no row.
    """

    kind: RowKind
    id: Id | None
    name: str | None
    stage: str | None
    journey: str | None
    deleted: bool


class CostReportAnswer(Answer):
    """What clicks and visitors cost and brought, the cheapest visitors first; `decimals` are those
    of the currency: 2 where amounts are cents.
    """

    period: PeriodAnswer
    group: Group
    currency: str
    decimals: int
    totals: CostFigures
    rows: list[CostRowAnswer]


@COST_REPORT.call(
    "GET",
    "/reports/costs",
    scope="reports:read",
    takes=CostReportQuery,
    answers=CostReportAnswer,
)
def report_costs(call: Call, given: CostReportQuery) -> CostReportAnswer:
    """Report what clicks and visitors cost"""
    return _answer(
        cost_report(
            call.session,
            call.actor,
            first=given.first,
            last=given.last,
            group=given.group,
            suspects=given.scanners == "include",
            now=call.now,
        )
    )


def _answer(report: CostReport) -> CostReportAnswer:
    return CostReportAnswer(
        period=period_answer(report.period),
        group=report.group,
        currency=report.currency,
        decimals=DECIMALS[report.currency],
        totals=CostFigures.model_validate(figures_of(report.totals)),
        rows=[_row(row) for row in report.rows],
    )


def _row(row: CostRow) -> CostRowAnswer:
    place = {
        name: getattr(row, name) for name in ("kind", "id", "name", "stage", "journey", "deleted")
    }
    return CostRowAnswer.model_validate({**place, **figures_of(row.costs)})
