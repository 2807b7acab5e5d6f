"""The calls of reports; their figures are presented as the noun made them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Literal

from pydantic import Field

from linkservice.api.door import Call, Calls
from linkservice.api.values import Answer, Day, Given, Id, described, one_of, text
from linkservice.journeys.model import KINDS, MEDIA
from linkservice.reports import results
from linkservice.reports.arranged import (
    EVERYTHING,
    GROUPINGS,
    SORTS,
    VERDICTS,
    Membership,
    Selection,
    Subtotal,
    arranged,
)
from linkservice.reports.changed import ChangeRow, change_report
from linkservice.reports.conversions import ATTRIBUTIONS, Attribution
from linkservice.reports.filters import DEVICES, LONGEST, SOURCES, Filters, choose_filters
from linkservice.reports.period import Period
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.results import METRICS
from linkservice.reports.tide import Tide
from linkservice.reports.transitions import Missing, Step, Transition, transition_report
from linkservice.workspaces.public_holidays import Reason

REPORTS = Calls("Reports")

Facet = Annotated[str, text(LONGEST)]

Scanners = Annotated[
    Literal["apart", "include"],
    Field(description="Whether suspected mail scanners are counted among scanners or as clicks."),
]


class PeriodQuery(Given):
    """Local days, both included; what is left out is chosen."""

    first: Day | None = Field(default=None, alias="from")
    last: Day | None = Field(default=None, alias="to")
    scanners: Scanners = "apart"


class FilterQuery(PeriodQuery):
    """The period, and what all counted clicks have in common."""

    source: Annotated[str, one_of(SOURCES)] | None = None
    country: (
        Annotated[
            str,
            described(
                pattern="^(?:[A-Za-z]{2}|[Uu][Nn][Kk][Nn][Oo][Ww][Nn])$",
                description="A code of two letters, or unknown.",
            ),
        ]
        | None
    ) = None
    city: (
        Annotated[
            str,
            text(LONGEST),
            Field(description="As reports tell it (DE/Sachsen-Anhalt/Halle), or unknown."),
        ]
        | None
    ) = None
    device: Annotated[str, one_of(DEVICES)] | None = None
    browser: Facet | None = None
    system: Facet | None = None
    language: Facet | None = None
    referrer: Facet | None = None
    single_clicks: Annotated[
        Literal["recent", "all"],
        Field(
            description="Filtered figures that take single clicks are of as many days, up to the "
            "last, as are read quickly; with “all”, of all that are kept."
        ),
    ] = "recent"

    @property
    def filters(self) -> Filters:
        """The filters that are asked for. Raises `Invalid`."""
        return choose_filters(self.model_dump(), everything=self.single_clicks == "all")


class TouchpointReportQuery(FilterQuery):
    """Which touchpoints, and by what they are ranked."""

    journey_id: Id | None = None
    metric: Annotated[str, one_of(METRICS)] = METRICS[0]
    attribution: Annotated[
        str,
        described(
            enum=list(ATTRIBUTIONS),
            description="Whose a conversion is: the touchpoint's of its last click or its first.",
        ),
    ] = ATTRIBUTIONS[0]
    stage_id: Id | None = None
    channel: str | None = None
    kind: Annotated[str, one_of(KINDS)] | None = None
    medium: Annotated[str, one_of(MEDIA)] | None = None
    campaign_id: Id | None = None
    persona_id: Id | None = None
    verdict: Annotated[str, one_of(VERDICTS)] | None = None
    group: Annotated[str, one_of(GROUPINGS)] | None = None
    sort: Annotated[str, one_of(SORTS)] | None = None
    order: Annotated[
        Literal["down", "up"],
        Field(description="From the top (names from A), or the other way round."),
    ] = "down"


class PeriodAnswer(Answer):
    """The local days of a report, both included."""

    first: dt.date = Field(serialization_alias="from")
    last: dt.date = Field(serialization_alias="to")
    time_zone: str


class RowGroupAnswer(Answer):
    """Touchpoints that share a stage, channel, kind, medium, campaign or persona; or have several
    or none of them. What is said of them together is never a mean of rates.
    """

    key: str | None
    membership: Membership
    name: str | None
    together: Subtotal
    touchpoint_ids: list[Id]


class FilteredDayAnswer(Answer):
    """A local day of the clicks that meet the filters."""

    date: dt.date
    clicks: int
    scans: int
    visitors: int


class FilteredByAnswer(Answer):
    """What all counted clicks have in common, and from which day on they are counted (null: no
    day), with these days; `more_single_clicks`: earlier ones could be read, but take longer.
    """

    filters: Mapping[str, str]
    single_clicks_from: dt.date | None
    more_single_clicks: bool
    is_whole: bool
    days: list[FilteredDayAnswer]


class TouchpointReportAnswer(Answer):
    """Which touchpoints perform best and worst. `totals` are those of the whole report, `shown` of
    the touchpoints that are here; to leave out touchpoints changes no verdict. Of clicks that are
    `filtered` there are no reach, conversions and value.
    """

    period: PeriodAnswer
    metric: results.Metric
    attribution: Attribution
    currency: str
    totals: results.TouchpointTotals
    touchpoints: Sequence[results.TouchpointRow]
    shown: Subtotal
    groups: list[RowGroupAnswer]
    filtered: FilteredByAnswer | None


class TransitionsQuery(Given):
    """Which journey, and which local days, both included."""

    journey_id: Id
    first: Day | None = Field(default=None, alias="from")
    last: Day | None = Field(default=None, alias="to")


class TransitionsAnswer(Answer):
    """The transitions between the stages of a journey, and which of them is the weakest."""

    period: PeriodAnswer
    journey_id: Id
    journey: str
    counted_from: dt.date | None
    counted_to: dt.date | None
    converted_to: dt.date | None
    steps: Sequence[Step]
    transitions: Sequence[Transition]
    weakest: int | None
    sure: bool
    missing: Sequence[Missing]


class ChangesQuery(Given):
    """Which three days; a day that is over."""

    last: Day | None = Field(
        default=None, alias="to", description="The last day that is judged; yesterday if left out."
    )
    scanners: Scanners = "apart"


class FreeDayAnswer(Answer):
    """A day that is no usual one; a public holiday has a name."""

    date: dt.date
    reason: Reason
    name: str | None


class ChangesAnswer(Answer):
    """Which touchpoints had unusually few or many visitors, for these weekdays and their age.

    `tide` says that most of the touchpoints that are judged moved in the same direction; null where
    they did not. Which single ones changed does not depend on it.
    """

    period: PeriodAnswer
    false_discovery_rate: float
    holidays: str | None
    left_out: list[FreeDayAnswer]
    tide: Tide | None
    touchpoints: Sequence[ChangeRow]


@REPORTS.call(
    "GET",
    "/reports/touchpoints",
    scope="reports:read",
    takes=TouchpointReportQuery,
    answers=TouchpointReportAnswer,
    refers=True,
)
def report_touchpoints(call: Call, given: TouchpointReportQuery) -> TouchpointReportAnswer:
    """Rank the touchpoints"""
    report = touchpoint_report(
        call.session,
        call.actor,
        first=given.first,
        last=given.last,
        journey_id=given.journey_id,
        metric=given.metric,
        attribution=given.attribution,
        suspects=given.scanners == "include",
        filters=given.filters,
        now=call.now,
    )
    seen = arranged(
        call.session,
        call.actor,
        report,
        selection=Selection(**{name: getattr(given, name) for name in EVERYTHING.query}),
        group=given.group,
        sort=given.sort,
        reverse=given.order == "up",
    )
    return TouchpointReportAnswer(
        period=period_answer(report.period),
        metric=report.metric,
        attribution=report.attribution,
        currency=report.currency,
        totals=report.totals,
        touchpoints=seen.all_rows,
        shown=seen.together,
        groups=[
            RowGroupAnswer(
                key=group.key,
                membership=group.membership,
                name=group.name,
                together=group.together,
                touchpoint_ids=[row.id for row in group.rows if row.id is not None],
            )
            for group in seen.groups
        ],
        filtered=None if report.filtered is None else _filtered(report.filtered),
    )


def _filtered(by: results.FilteredBy) -> FilteredByAnswer:
    days = [
        FilteredDayAnswer(date=day.date, clicks=day.clicks, scans=day.scans, visitors=day.visitors)
        for day in by.days
    ]
    return FilteredByAnswer(
        filters=by.filters,
        single_clicks_from=by.single_clicks_from,
        more_single_clicks=by.more_single_clicks,
        is_whole=by.is_whole,
        days=days,
    )


@REPORTS.call(
    "GET",
    "/reports/transitions",
    scope="reports:read",
    takes=TransitionsQuery,
    answers=TransitionsAnswer,
    refers=True,
)
def report_transitions(call: Call, given: TransitionsQuery) -> TransitionsAnswer:
    """Tell where customers are lost between stages"""
    report = transition_report(
        call.session,
        call.actor,
        given.journey_id,
        first=given.first,
        last=given.last,
        now=call.now,
    )
    values = {field.name: getattr(report, field.name) for field in fields(report)}
    return TransitionsAnswer(**(values | {"period": period_answer(report.period)}))


@REPORTS.call(
    "GET",
    "/reports/changes",
    scope="reports:read",
    takes=ChangesQuery,
    answers=ChangesAnswer,
)
def report_changes(call: Call, given: ChangesQuery) -> ChangesAnswer:
    """Tell what changed"""
    report = change_report(
        call.session,
        call.actor,
        last=given.last,
        suspects=given.scanners == "include",
        now=call.now,
    )
    return ChangesAnswer(
        period=period_answer(report.period),
        false_discovery_rate=report.false_discovery_rate,
        holidays=report.holidays,
        left_out=[
            FreeDayAnswer(date=each.date, reason=each.reason, name=each.name)
            for each in report.left_out
        ],
        tide=report.tide,
        touchpoints=report.touchpoints,
    )


def period_answer(period: Period) -> PeriodAnswer:
    """The days as they are answered."""
    return PeriodAnswer(first=period.first, last=period.last, time_zone=period.time_zone)
