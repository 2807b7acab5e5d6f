"""What the report on costs says, as frozen values and as JSON.

Amounts are whole numbers of the currency's smallest unit (cents), costs per click and per visitor
fractions of it. Decided here: what is said of values that not all conversions tell. The sum is of
those that do, with their number beside it; where none of them does it is None, never 0. And in
which order rows stand: what was spent and brought nothing is dearer than all that brought some. Not
here: where the figures come from (`costs`), who is dear for certain (`cost_judging`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias, cast

from linkservice.money import DECIMALS
from linkservice.reports.cost_judging import BYS, By, CostVerdict, CostVerdicts
from linkservice.reports.period import Period
from linkservice.reports.results import Json, plain

Group: TypeAlias = Literal["touchpoint", "channel", "medium", "campaign"]
GROUPS: tuple[Group, ...] = ("touchpoint", "channel", "medium", "campaign")

Figure: TypeAlias = int | float | None

RowKind: TypeAlias = Literal["touchpoint", "channel", "medium", "campaign", "none"]


@dataclass(frozen=True, slots=True)
class Gained:
    """Conversions, how many of them tell a value, and what these are worth together."""

    conversions: int = 0
    with_value: int = 0
    value: int = 0

    def __add__(self, other: Gained) -> Gained:
        return Gained(
            self.conversions + other.conversions,
            self.with_value + other.with_value,
            self.value + other.value,
        )

    @property
    def tells_value(self) -> bool:
        """Whether it is known what any of them is worth."""
        return bool(self.with_value or self.value)


NOTHING = Gained()


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What was counted, spent and gained in the period, of a row or in all.

    `cost` is None where no cost is entered for these days: unlike 0, that says nothing.
    `shared_cost` is what of it was entered elsewhere and shared out by visitors: of campaigns
    in a row of touchpoints, of touchpoints in a row of campaigns. What a click or visitor cost
    is told of those alone that a cost was entered for: `clicks_with_cost` and
    `visitors_with_cost`, which holds the `tokenless_with_cost`, each as one visitor; so are
    conversions and their value, which count for their last click (`gained_with_cost`). Both are
    None where some were imported as sums that may be of this campaign or of another. In a report
    that is not `is_valued` no conversion at all tells a value.
    """

    clicks: int = 0
    visitors: int = 0
    tokenless: int = 0
    cost: int | None = None
    shared_cost: int = 0
    clicks_with_cost: int = 0
    visitors_with_cost: int = 0
    tokenless_with_cost: int = 0
    gained: Gained | None = NOTHING
    gained_with_cost: Gained | None = NOTHING
    is_valued: bool = False

    @property
    def is_own(self) -> bool:
        """Whether at least half of the cost was entered for it. What is shared out by visitors
        costs the same for each, so it says nothing of who is dear.
        """
        return self.cost is not None and 2 * self.shared_cost <= self.cost

    @property
    def conversions(self) -> int | None:
        """All of them."""
        return None if self.gained is None else self.gained.conversions

    @property
    def conversions_with_value(self) -> int | None:
        """Those that tell a value."""
        return None if self.gained is None else self.gained.with_value

    @property
    def value(self) -> int | None:
        """What those are worth; None where conversions are untold, or what any is worth."""
        return self._value(self.gained)

    @property
    def conversions_with_cost(self) -> int | None:
        """Those that a cost was entered for."""
        return None if self.gained_with_cost is None else self.gained_with_cost.conversions

    @property
    def value_with_cost(self) -> int | None:
        """As `value`, of those that a cost was entered for."""
        return None if self.cost is None else self._value(self.gained_with_cost)

    @property
    def return_on_cost(self) -> float | None:
        """How much value came back for each unit of cost; None where either is not told, or for
        what cost nothing.
        """
        value = self.value_with_cost
        return value / self.cost if value is not None and self.cost else None

    def _value(self, gained: Gained | None) -> int | None:
        if not self.is_valued or gained is None:
            return None
        return gained.value if gained.tells_value or not gained.conversions else None

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


@dataclass(frozen=True, slots=True)
class Unpaid:
    """On how many days up to today there were visitors whom no cost is entered for, and how many
    visitors these are: they count in what one costs, which is more if they were paid for, too.
    """

    days: int
    visitors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """A row of the report.

    `kind` says what `id` and `name` are of. In a report by touchpoint, channel or medium a row
    of kind "campaign" is what was spent on a campaign that brought nobody; "none" are the links
    without a touchpoint, in a report by campaign all that belongs to no campaign. Of a channel
    or a medium `id` and `name` are its word. `verdicts` has a touchpoint with a cost of its own,
    `unpaid` a touchpoint or campaign.
    """

    kind: RowKind
    id: str | None
    name: str | None
    stage: str | None = None
    journey: str | None = None
    deleted: bool = False
    costs: Costs
    verdicts: CostVerdicts | None = None
    unpaid: Unpaid | None = None

    def verdict_by(self, by: By) -> CostVerdict | None:
        """What is said of it by this figure, if anything is."""
        return None if self.verdicts is None else self.verdicts.get(by)


def rank(row: CostRow, by: By, upwards: bool) -> tuple[int, float, int]:
    """The best by this figure first, or (`upwards`) last; then rows without the figure, then what
    was free, then rows without a cost, either way: these are compared with none.
    """
    costs = row.costs
    if not costs.cost:
        return 3 if costs.cost is None else 2, 0.0, -costs.clicks
    figure = _figure(costs, by)
    if figure is None:
        return 1, 0.0, -costs.cost
    dearness = -figure if by == "return_on_cost" else figure
    more = costs.cost if math.isinf(figure) else costs.clicks
    return 0, -dearness if upwards else dearness, -more


def _figure(costs: Costs, by: By) -> float | None:
    """What rows are sorted by: what was spent for nobody cost more than any visitor."""
    counts = {
        "cost_per_visitor": costs.visitors_with_cost,
        "cost_per_conversion": costs.conversions_with_cost,
    }
    if costs.cost and counts.get(by) == 0:
        return math.inf
    return cast(Figure, getattr(costs, by))


def without_cost(rows: Sequence[CostRow]) -> Costs:
    """What was counted and gained of rows without a cost, together."""
    gained: Gained | None = NOTHING
    for row in rows:
        own = row.costs.gained
        gained = None if gained is None or own is None else gained + own
    return Costs(
        clicks=sum(row.costs.clicks for row in rows),
        visitors=sum(row.costs.visitors for row in rows),
        tokenless=sum(row.costs.tokenless for row in rows),
        gained=gained,
        is_valued=any(row.costs.is_valued for row in rows),
    )


PER = ("cost_per_click", "cost_per_visitor", "cost_per_conversion")


@dataclass(frozen=True, slots=True)
class CostReport:
    """What clicks and visitors cost, in the order of `sort`: the best first, or (`upwards`) last.

    What was spent for nobody is the dearest; rows without a cost stand last.
    """

    period: Period
    group: Group
    currency: str
    totals: Costs
    rows: Sequence[CostRow]
    sort: By = BYS[0]
    upwards: bool = False
    lowest: Mapping[str, float] = field(init=False, compare=False)
    """What the cheapest click, visitor and conversion of all lines cost, nothing left out."""

    def __post_init__(self) -> None:
        every = [self.totals, *(row.costs for row in self.rows)]
        lowest = {
            name: min(filter(None, (getattr(each, name) for each in every)), default=0.0)
            for name in PER
        }
        # Once for all: each amount on the page is written by it.
        object.__setattr__(self, "lowest", lowest)

    def one(self, kind: RowKind, row_id: str) -> CostsOfOne | None:
        """The row of that kind and id; None where no cost is entered for it."""
        for row in self.rows:
            if (row.kind, row.id) == (kind, row_id) and row.costs.cost is not None:
                return CostsOfOne(self, row)
        return None

    @property
    def is_valued(self) -> bool:
        """Whether any conversion tells what it is worth."""
        return self.totals.is_valued

    @property
    def has_untold(self) -> bool:
        """Whether conversions of a row, or what they cost, cannot be told by campaign."""
        shown = (self.totals, *(row.costs for row in self.rows))
        return any(each.conversions_with_cost is None or each.conversions is None for each in shown)


class CostsOfOne(NamedTuple):
    """A report, and the row of it that is asked for."""

    report: CostReport
    row: CostRow


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
    "conversions_with_value",
    "value",
    "value_with_cost",
    "return_on_cost",
)
"""The figures of `Costs`, in the order in which every door tells them."""

AMOUNTS = (
    *("cost", "shared_cost", "cost_per_click", "cost_per_visitor", "cost_per_conversion"),
    *("value", "value_with_cost"),
)
"""Those that are money."""

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
        "sort": report.sort,
        "order": "up" if report.upwards else "down",
        "currency": report.currency,
        "decimals": DECIMALS[report.currency],
        "totals": dict[str, Json](figures_of(report.totals)),
        "rows": [
            {
                **{name: getattr(row, name) for name in _PLACE},
                **figures_of(row.costs),
                **unpaid_of(row),
                "verdicts": verdicts_of(row),
            }
            for row in report.rows
        ],
    }


UNPAID = ("unpaid_days", "unpaid_visitors")
"""What `Unpaid` has, as every door calls it."""


def unpaid_of(row: CostRow) -> dict[str, int | None]:
    """What came on days without a cost; None of who is not asked for one."""
    unpaid = row.unpaid
    told = (None, None) if unpaid is None else (unpaid.days, unpaid.visitors)
    return dict(zip(UNPAID, told, strict=True))


def verdicts_of(row: CostRow) -> dict[str, Json] | None:
    """The verdicts on a row by every figure; None where nobody judges it."""
    if row.verdicts is None:
        return None
    return {by: plain(row.verdict_by(by)) for by in BYS}
