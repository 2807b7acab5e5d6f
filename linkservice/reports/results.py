"""What a report says, as frozen values, and the same values as JSON and as rows of a table.

Every door presents these; none computes. The fields stand in the order of the public
contract and under its names. Not here: where the figures come from (`queries`) and what
the verdicts mean (`ranking`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from linkservice.cells import Cell, harmless
from linkservice.reports.conversions import Attribution
from linkservice.reports.period import Period
from linkservice.reports.ranking import Peers, Verdict

if TYPE_CHECKING:
    from linkservice.reports.changed import ChangeReport
    from linkservice.reports.moments import MomentsReport
    from linkservice.reports.personas import PersonaReport
    from linkservice.reports.transitions import TransitionReport

Metric: TypeAlias = Literal[
    "visitors_per_reach",
    "clicks_per_day",
    "conversions_per_click",
    "scans_per_click",
    "value_per_reach",
    "trend",
]
METRICS: tuple[Metric, ...] = get_args(Metric)

OF_CLICKS: tuple[Metric, ...] = ("conversions_per_click", "scans_per_click")
"""Shares of clicks, which no touchpoint has more of than all."""

OF_CONVERSIONS: tuple[Metric, ...] = ("conversions_per_click", "value_per_reach")

OF_VISITORS: tuple[Metric, ...] = ("visitors_per_reach", "value_per_reach", "trend")
"""What reads visitors day by day, the others clicks."""

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | None"

_PARTS = {"peers": ["peers_group", "peers_count", "peers_mean"]}


@dataclass(frozen=True, slots=True)
class TouchpointTotals:
    """What was counted in the period; each is the sum of its parts.

    `scans` are those of the `clicks` that came from a QR code. `visitors` is the sum over
    the rows, `journey_visitors` counts a visitor once per journey and day. `heads`, `misses`
    and `unrecorded` hold what met no link too, except in the report of a single journey,
    since that belongs to none. `own` are members' visits, by browser or network. `suspected`
    are clicks of suspected mail scanners: among the `scanners`, or among the `clicks` in a
    report that counts them. `value` is that of the `conversions`, in the smallest unit of the
    report's currency (cents).
    """

    clicks: int
    scans: int
    visitors: int
    journey_visitors: int
    tokenless: int
    robots: int
    previews: int
    prefetches: int
    scanners: int
    suspected: int
    heads: int
    own: int
    misses: int
    unrecorded: int
    conversions: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchpointRow:
    """One touchpoint; or, with `id` None, all links without one, which nobody judges.

    `visitors` have tokens, `tokenless` clicks have none. `reach` is the touchpoint's reach
    in the period as far as it has passed, in `unit`. With the metric visitors_per_reach,
    `rate` is (visitors + tokenless) ÷ reach; with clicks_per_day, clicks ÷ days it was live;
    with conversions_per_click, conversions ÷ clicks; with scans_per_click, scans ÷ clicks;
    with value_per_reach, value (in cents) ÷ reach or, where none is known, ÷ visitors; with
    trend, the rate now ÷ that before. `per` is the unit of what the rate is set against: one of
    reach, "visitor", "day" or "click"; only rates of one are compared.
    `conversions` (and their `value`, in cents) are those of the report's attribution.
    A `deleted` touchpoint is there for the clicks its printed links still had. One `exceeds_reach`
    that has more visitors than reach: its entry is to be checked.
    """

    id: str | None = None
    name: str | None = None
    stage: str | None = None
    stage_id: str | None = None
    journey: str | None = None
    journey_id: str | None = None
    kind: str | None = None
    channel: str | None = None
    clicks: int
    scans: int
    visitors: int
    tokenless: int
    reach: int | float = 0
    unit: str | None = None
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict = "no_reach"
    peers: Peers | None = None
    more_reach_needed: int | None = None
    conversions: int = 0
    value: int = 0
    deleted: bool = False
    medium: str | None = None
    per: str | None = None
    exceeds_reach: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """A local day of a report."""

    date: date
    clicks: int
    scans: int
    visitors: int


@dataclass(frozen=True, slots=True)
class FilteredDay:
    """A local day of filtered clicks; scans and visitors are None where single clicks are not
    read.
    """

    date: date
    clicks: int
    scans: int | None
    visitors: int | None


@dataclass(frozen=True, slots=True)
class FilteredChange:
    """The figures of the days of a period that are over, and those of the same weekdays `weeks`
    weeks before, by name; only those that are told of both. `days` are all days before: of
    clicks in any case, of scans and visitors where they are told.
    """

    now: Mapping[str, int]
    before: Mapping[str, int]
    weeks: int
    days: Sequence[Day | FilteredDay]


@dataclass(frozen=True, slots=True)
class FilteredBy:
    """What all clicks of a filtered ranking have in common, and from which day on they are
    counted (None: no day), with these days; `more_single_clicks`: earlier ones could be read, but
    take longer.
    """

    filters: Mapping[str, str]
    single_clicks_from: date | None
    more_single_clicks: bool
    is_whole: bool
    days: Sequence[Day] = ()


@dataclass(frozen=True, slots=True)
class TouchpointReport:
    """Which touchpoints perform best and worst: the judged ones first, by falling rate. Where it is
    `filtered`, it has the clicks that meet the filters, and no reach, conversions and value.
    """

    period: Period
    metric: Metric
    attribution: Attribution
    currency: str
    totals: TouchpointTotals
    touchpoints: Sequence[TouchpointRow]
    filtered: FilteredBy | None = None

    def value_known(self, conversions: int, value: int) -> int | None:
        """The value of so many conversions, of a row or several. None where nobody told it: where
        no conversion of the report has one, or none of these has.
        """
        return value if value or (self.totals.value and not conversions) else None


@dataclass(frozen=True, slots=True)
class LinkTotals:
    """What was counted of one link in the period; see `TouchpointTotals`."""

    clicks: int
    scans: int
    visitors: int
    tokenless: int
    robots: int
    previews: int
    prefetches: int
    scanners: int
    suspected: int
    heads: int
    own: int


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the week: `weekday` 1 (Monday) to 7, `hour` 0 to 23."""

    weekday: int
    hour: int
    clicks: int


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a facet and the clicks that had it."""

    value: str
    clicks: int


@dataclass(frozen=True, slots=True)
class LinkReport:
    """One link: every day of the period, all 168 hours of the week, facets by falling clicks.

    Each facet adds up to `totals.clicks`, but `robots`, which names all that is no person, and
    `cities`, which is empty where none is known.
    `conversions` were reported with a click id, and their last click was the link's; their `value`
    is in the smallest unit of the `currency`.
    """

    id: str
    period: Period
    totals: LinkTotals
    days: Sequence[Day]
    hours: Sequence[Hour]
    countries: Sequence[Value]
    cities: Sequence[Value]
    devices: Sequence[Value]
    browsers: Sequence[Value]
    systems: Sequence[Value]
    languages: Sequence[Value]
    referrers: Sequence[Value]
    robots: Sequence[Value]
    conversions: int
    value: int
    currency: str


def to_json(
    report: TouchpointReport
    | LinkReport
    | ChangeReport
    | TransitionReport
    | MomentsReport
    | PersonaReport,
) -> dict[str, Json]:
    """The report as the public contract writes it."""
    return _object(report)


def rows_for_csv(report: TouchpointReport | LinkReport) -> Iterator[list[Cell]]:
    """A head line, then a line per touchpoint, or per day of a link.

    Names are the workspace's own words, so they are made `harmless`.
    """
    lines: Sequence[TouchpointRow | Day]
    if isinstance(report, TouchpointReport):
        columns, lines = [field.name for field in fields(TouchpointRow)], report.touchpoints
    else:
        columns, lines = [field.name for field in fields(Day)], report.days
    yield [head for column in columns for head in _PARTS.get(column, [column])]
    for line in lines:
        yield [cell for column in columns for cell in _cells(column, getattr(line, column))]


def _cells(column: str, value: object) -> list[Cell]:
    """The value as the cells of its column, which are three for the peers."""
    if isinstance(value, Peers):
        return [value.group, value.count, value.mean]
    if isinstance(value, str):
        return [harmless(value)]
    if isinstance(value, date):
        return [value.isoformat()]
    assert value is None or isinstance(value, int | float)
    return [value] * len(_PARTS.get(column, [column]))


def _object(value: object) -> dict[str, Json]:
    if isinstance(value, Period):
        return {
            "from": value.first.isoformat(),
            "to": value.last.isoformat(),
            "time_zone": value.time_zone,
        }
    assert is_dataclass(value)
    return {field.name: plain(getattr(value, field.name)) for field in fields(value)}


def plain(value: object) -> Json:
    """Any value of a report as JSON has it."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [plain(each) for each in value]
    return _object(value)
