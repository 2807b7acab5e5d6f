"""The call of the report on costs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from linkservice.api.door import Call, Calls
from linkservice.api.reports import PeriodAnswer, PeriodQuery, period_answer
from linkservice.api.values import Answer, Id, one_of
from linkservice.money import DECIMALS
from linkservice.reports.cost_judging import BYS, By
from linkservice.reports.cost_results import (
    GROUPS,
    CostReport,
    CostRow,
    Group,
    RowKind,
    figures_of,
    unpaid_of,
    verdicts_of,
)
from linkservice.reports.costs import cost_report
from linkservice.reports.ranking import PeerGroup, Verdict

COST_REPORT = Calls("Reports")


class CostReportQuery(PeriodQuery):
    """Which days, what a row is, and in which order rows stand."""

    group: Annotated[str, one_of(GROUPS)] = GROUPS[0]
    sort: Annotated[str, one_of(BYS)] = BYS[0]
    order: Annotated[
        Literal["down", "up"], Field(description="The best first, or the other way round.")
    ] = "down"


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


class CostPeersAnswer(Answer):
    """Whom a touchpoint was compared with, and their median; null where they brought nothing."""

    group: PeerGroup
    count: int
    median: float | None


class CostVerdictAnswer(Answer):
    """A verdict by one figure. `low` and `high` (95 %) and the peers' median are in that figure, a
    cost in the currency's smallest unit; `high` is null where nothing came of the cost.
    `more_cost_needed` is there for "too_early": so much more would have to be spent to know.
    """

    verdict: Verdict
    low: float
    high: float | None
    peers: CostPeersAnswer | None
    more_cost_needed: int | None


class CostVerdictsAnswer(Answer):
    """ "worst" is dearer than comparable paid touchpoints for certain, "best" is cheaper; one among
    equals is called so in no more than 6.5 % of reports, by any of the figures. Null where a figure
    is not known.
    """

    cost_per_visitor: CostVerdictAnswer | None
    cost_per_conversion: CostVerdictAnswer | None
    return_on_cost: CostVerdictAnswer | None


class CostRowAnswer(CostFigures):
    """A touchpoint, channel, medium or campaign, as `kind` says. Where rows are no campaigns, one
    of that kind was spent on a campaign that brought nobody; "none" is what belongs to no row.
    `verdicts` are there in a report by touchpoint, of those with a cost of their own. Of these, and
    of such campaigns, the days are told on which there were visitors whom no cost is entered for,
    and how many: a cost of several days is for these, one of a single day for all from then on.
    Those visitors count.
    """

    kind: RowKind
    id: Id | None
    name: str | None
    stage: str | None
    journey: str | None
    deleted: bool
    unpaid_days: int | None
    unpaid_visitors: int | None
    verdicts: CostVerdictsAnswer | None


class CostReportAnswer(Answer):
    """What clicks and visitors cost and brought, in the order asked for; `decimals` are those of
    the currency: 2 where amounts are cents.
    """

    period: PeriodAnswer
    group: Group
    sort: By
    order: Literal["down", "up"]
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
            sort=given.sort,
            upwards=given.order == "up",
            suspects=given.scanners == "include",
            now=call.now,
        )
    )


def _answer(report: CostReport) -> CostReportAnswer:
    return CostReportAnswer(
        period=period_answer(report.period),
        group=report.group,
        sort=report.sort,
        order="up" if report.upwards else "down",
        currency=report.currency,
        decimals=DECIMALS[report.currency],
        totals=CostFigures.model_validate(figures_of(report.totals)),
        rows=[_row(row) for row in report.rows],
    )


def _row(row: CostRow) -> CostRowAnswer:
    place = {
        name: getattr(row, name) for name in ("kind", "id", "name", "stage", "journey", "deleted")
    }
    judged = {**unpaid_of(row), "verdicts": verdicts_of(row)}
    return CostRowAnswer.model_validate({**place, **figures_of(row.costs), **judged})
