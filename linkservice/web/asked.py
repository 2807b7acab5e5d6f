"""What the query of a ranking's page asks for, and the report that answers it: for the page, its
files and its paper alike.

Not here: how the report is shown (`ranked`, `views/reports`), what it counts (`reports/queries`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from linkservice.journeys.model import Journey
from linkservice.reports.arranged import (
    EVERYTHING,
    GROUPINGS,
    SORTS,
    Arranged,
    Selection,
    arranged,
)
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.results import TouchpointReport
from linkservice.web import arrangement, periods
from linkservice.web.arrangement import FILTERS
from linkservice.web.counted import Fact, counted
from linkservice.web.filtered_ranking import source_words
from linkservice.web.page import Page
from linkservice.web.periods import Chosen
from linkservice.web.ranked import Group, Ranking, Shown
from linkservice.workspaces.access import find


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query of a report page asks for."""

    chosen: Chosen
    journey_id: str | None
    metric: str
    sort: str
    upwards: bool
    attribution: str = "last"
    selection: Selection = EVERYTHING
    group: str | None = None

    @property
    def query(self) -> dict[str, str | None]:
        """The fields the addresses of the page carry; nothing for what is usual."""
        return {
            **self.chosen.with_filters,
            "journey_id": self.journey_id,
            "metric": self.metric if self.metric != "visitors_per_reach" else None,
            **self._arrangement,
        }

    @property
    def kept(self) -> str:
        """Those of them that say which rows are shown of which clicks, as a query to be kept."""
        fields = {**self.chosen.filters.given, **self._arrangement}
        return urlencode({name: text for name, text in fields.items() if text})

    @property
    def _arrangement(self) -> dict[str, str | None]:
        return {
            "attribution": self.attribution if self.attribution != "last" else None,
            "sort": self.sort or None,
            "order": "up" if self.upwards else None,
            "group": self.group,
            **self.selection.query,
        }


def asked_for(page: Page) -> Asked:
    """What the query asks for; a column or group there is not means the ranking. Raises `Invalid`
    for a filter whose value cannot be.
    """
    return asked_of(page.query, periods.chosen_and_filtered(page.query, page.time_zone, page.now))


def asked_for_file(page: Page) -> Asked:
    """The same for a file. Raises `Invalid` for wrong days as well."""
    asked = asked_for(page)
    return replace(asked, chosen=asked.chosen.certain)


def asked_of(query: Mapping[str, str], chosen: Chosen) -> Asked:
    """The same of fields from elsewhere, for days and filters that are chosen already."""
    sort, group = query.get("sort", ""), query.get("group", "")
    return Asked(
        chosen=chosen,
        journey_id=query.get("journey_id") or None,
        metric=query.get("metric") or "visitors_per_reach",
        sort=sort if sort in SORTS else "",
        upwards=query.get("order") == "up",
        attribution=query.get("attribution") or "last",
        selection=Selection(**{name: query.get(name) or None for name in FILTERS}),
        group=group if group in GROUPINGS else None,
    )


def report_asked(page: Page, asked: Asked) -> TouchpointReport:
    """The touchpoint report a page asks for. Raises `Invalid` (metric), `NotFound`."""
    return ranking_of(page, asked.chosen, asked.journey_id, asked.metric, asked.attribution)


def arranged_as_asked(page: Page, asked: Asked, report: TouchpointReport) -> Arranged:
    """The rows a page asks for. Raises `Invalid` (kind, medium, verdict), `NotFound`."""
    return arranged(
        page.session,
        page.actor,
        report,
        selection=asked.selection,
        group=asked.group,
        sort=asked.sort or None,
        reverse=asked.upwards,
    )


def groups_asked(
    asked: Asked, seen: Arranged, ranking: Ranking, rows: Sequence[Shown]
) -> list[Group]:
    """The groups of the table: those asked for, else the ranking's own, none where it is sorted or
    nothing is judged.
    """
    if seen.group is not None:
        return ranking.by(seen.group, seen.groups, rows)
    return ranking.groups(rows) if ranking.is_judged and not asked.sort else []


def ranking_of(
    page: Page,
    chosen: Chosen,
    journey_id: str | None,
    metric: str,
    attribution: str = "last",
) -> TouchpointReport:
    """The touchpoint report for a period and filters. Raises `Invalid` (metric), `NotFound`."""
    return touchpoint_report(
        page.session,
        page.actor,
        first=chosen.period.first,
        last=chosen.period.last,
        journey_id=journey_id,
        metric=metric,
        attribution=attribution,
        suspects=chosen.suspects,
        filters=chosen.filters,
        now=page.now,
    )


def ranking_facts(page: Page, asked: Asked, report: TouchpointReport) -> list[Fact]:
    """How the ranking was counted."""
    chosen = arrangement.filters(page, report, asked.selection)
    return counted(
        page,
        asked.chosen,
        "touchpoints",
        metric=report.metric,
        journey=journey_name(page, asked),
        arranged=arrangement.facts(chosen, asked.group),
        source=source_words(report.filtered) if report.filtered else "",
    )


def journey_name(page: Page, asked: Asked) -> str:
    """The name of the journey the report is kept to; "" for all."""
    if not asked.journey_id:
        return ""
    return find(page.session, page.actor, Journey, asked.journey_id, "journey_id").name
