"""What the report on costs says, as frozen values and as JSON.

Amounts are whole numbers of the currency's smallest unit (cents), costs per click and per visitor
fractions of it. Not here: where the figures come from (`costs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias, cast

from linkservice.money import DECIMALS
from linkservice.reports.period import Period
from linkservice.reports.results import Json

Group: TypeAlias = Literal["touchpoint", "channel", "medium", "campaign"]
GROUPS: tuple[Group, ...] = ("touchpoint", "channel", "medium", "campaign")

Figure: TypeAlias = int | float | None

RowKind: TypeAlias = Literal["touchpoint", "channel", "medium", "campaign", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What was counted and spent in the period, of a row or in all.

    `cost` is None where no cost is entered for these days: unlike 0, that says nothing.
    `shared_cost` is what of it was entered elsewhere and shared out by visitors: of campaigns
    in a row of touchpoints, of touchpoints in a row of campaigns. What a click or visitor cost
    is told of those alone that a cost was entered for: `clicks_with_cost` and
    `visitors_with_cost`, which holds the `tokenless` clicks, each as one visitor; so are
    conversions, which count for their last click (`conversions_with_cost`). Both counts are None
    where some were imported as sums that may be of this campaign or of another.
    """

    clicks: int = 0
    visitors: int = 0
    tokenless: int = 0
    cost: int | None = None
    shared_cost: int = 0
    clicks_with_cost: int = 0
    visitors_with_cost: int = 0
    conversions: int | None = 0
    conversions_with_cost: int | None = 0

    @property
    def cost_per_click(self) -> float | None:
        """In the smallest unit; None without a cost, or without a click it was spent for."""
        return _ratio(self.cost, self.clicks_with_cost)

    @property
    def cost_per_visitor(self) -> float | None:
        """As `cost_per_click`, by visitors."""
        return _ratio(self.cost, self.visitors_with_cost)

    @property
    def cost_per_conversion(self) -> float | None:
        """As `cost_per_click`, by conversions."""
        return _ratio(self.cost, self.conversions_with_cost)


def _ratio(cost: int | None, count: int | None) -> float | None:
    return cost / count if cost is not None and count else None


def summed(parts: Sequence[Costs]) -> Costs:
    """All parts together; without a cost if none of them has one, without conversions if those of
    one cannot be told.
    """
    names = [field.name for field in fields(Costs) if field.name not in ("cost", *_UNTOLD)]
    spent = [part.cost for part in parts if part.cost is not None]
    return Costs(
        cost=sum(spent) if spent else None,
        conversions=_all([part.conversions for part in parts]),
        conversions_with_cost=_all([part.conversions_with_cost for part in parts]),
        **{name: sum(getattr(part, name) for part in parts) for name in names},
    )


_UNTOLD = ("conversions", "conversions_with_cost")


def _all(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """A row of the report.

    `kind` says what `id` and `name` are of. In a report by touchpoint, channel or medium a row
    of kind "campaign" is what was spent on a campaign that brought nobody; "none" are the links
    without a touchpoint, in a report by campaign all that belongs to no campaign. Of a channel
    or a medium `id` and `name` are its word.
    """

    kind: RowKind
    id: str | None
    name: str | None
    stage: str | None = None
    journey: str | None = None
    deleted: bool = False
    costs: Costs


def rank(row: CostRow) -> tuple[int, float, int]:
    """The cheapest visitors first, then what was spent for nobody, then rows without a cost."""
    costs = row.costs
    if costs.cost is None:
        return 2, 0.0, -costs.clicks
    per_visitor = costs.cost_per_visitor
    if per_visitor is None:
        return 1, 0.0, -costs.cost
    return 0, per_visitor, -costs.clicks


@dataclass(frozen=True, slots=True)
class CostReport:
    """What clicks and visitors cost: the cheapest visitors first, then what was spent for nobody,
    then rows without a cost.
    """

    period: Period
    group: Group
    currency: str
    totals: Costs
    rows: Sequence[CostRow]

    @property
    def has_untold(self) -> bool:
        """Whether conversions of a row, or what they cost, cannot be told by campaign."""
        shown = (self.totals, *(row.costs for row in self.rows))
        return any(each.conversions_with_cost is None or each.conversions is None for each in shown)


FIGURES = (
    "clicks",
    "visitors",
    "tokenless",
    "cost",
    "shared_cost",
    "clicks_with_cost",
    "visitors_with_cost",
    "cost_per_click",
    "cost_per_visitor",
    "conversions",
    "conversions_with_cost",
    "cost_per_conversion",
)
"""The figures of `Costs`, in the order in which every door tells them."""

_PLACE = ("kind", "id", "name", "stage", "journey", "deleted")


def figures_of(costs: Costs) -> dict[str, Figure]:
    """Every figure by its name."""
    return {name: cast(Figure, getattr(costs, name)) for name in FIGURES}


def to_json(report: CostReport) -> dict[str, Json]:
    """The report as the public contract writes it."""
    period = report.period
    return {
        "period": {
            "from": period.first.isoformat(),
            "to": period.last.isoformat(),
            "time_zone": period.time_zone,
        },
        "group": report.group,
        "currency": report.currency,
        "decimals": DECIMALS[report.currency],
        "totals": dict[str, Json](figures_of(report.totals)),
        "rows": [
            {**{name: getattr(row, name) for name in _PLACE}, **figures_of(row.costs)}
            for row in report.rows
        ],
    }
