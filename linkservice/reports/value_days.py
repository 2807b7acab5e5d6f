"""What touchpoints had on closed days of clicks with one value: where filtered rankings of a year
come from.

Decided here: which days are read closed, and which click by click: today, and those that have
changed since. Not here: when a day is closed (`clicks.closed_days`), how many single clicks are
read (`reading_back`), what is made of them (`filtered_ranking`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks.closed_day_model import ClosedDay, ValueDay
from linkservice.clicks.packed_values import NO_CITY, NO_SCANS, SCANS
from linkservice.database import AS_BYTES, read_once
from linkservice.reports.filters import UNKNOWN, Filters
from linkservice.reports.period import Period
from linkservice.reports.single_clicks import value_ids

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ClosedDays:
    """The days of a workspace that need no single clicks (`date.toordinal()`): from `first` to
    `last`, but for those that have changed since. `versions`: of those that have clicks.
    """

    workspace_id: int
    first: int = 1
    last: int = 0
    changed: frozenset[int] = frozenset()
    versions: Mapping[int, int] = field(default_factory=dict)

    def have(self, day: date) -> bool:
        """Whether that day is one of them."""
        number = day.toordinal()
        return self.first <= number <= self.last and number not in self.changed

    def others(self, period: Period) -> Iterator[Period]:
        """The stretches of a period that are none of them."""
        begin = None
        for day in period.days():
            if self.have(day):
                if begin is not None:
                    yield Period(begin, day - _DAY, period.time_zone)
                begin = None
            elif begin is None:
                begin = day
        if begin is not None:
            yield Period(begin, period.last, period.time_zone)

    def packed(self, session: Session, period: Period, filters: Filters) -> list[tuple[int, bytes]]:
        """What their clicks with the value of the one filter add up to, by day, as it was packed
        (`packed_values`).
        """
        days = [day for each in period.days() if (day := each.toordinal()) in self.versions]
        if not days:
            return []
        rows = session.execute(
            select(ValueDay.local_day, ValueDay.version, ValueDay.cells).where(
                ValueDay.workspace_id == self.workspace_id,
                # Named one by one: in a key that begins with the day, each is looked up.
                ValueDay.local_day.in_(days),
                ValueDay.value_id.in_(numbers_of(session, filters)),
            ),
            execution_options=AS_BYTES,
        )
        return [(day, cells) for day, version, cells in rows if self.versions.get(day) == version]


def closed_days(session: Session, workspace_id: int, filters: Filters) -> ClosedDays:
    """Those of a workspace; none if several filters are given, of which single clicks alone can
    tell.
    """
    if len(filters.given) != 1:
        return ClosedDays(workspace_id)
    return every_closed_day(session, workspace_id)


def every_closed_day(session: Session, workspace_id: int) -> ClosedDays:
    """Those of a workspace."""
    key = every_closed_day, workspace_id
    return read_once(session, key, lambda: _closed_days(session, workspace_id))


def _closed_days(session: Session, workspace_id: int) -> ClosedDays:
    rows = session.execute(
        select(ClosedDay.local_day, ClosedDay.version, ClosedDay.closed).where(
            ClosedDay.workspace_id == workspace_id
        )
    ).all()
    if not rows:
        return ClosedDays(workspace_id)
    return ClosedDays(
        workspace_id,
        min(day for day, _, _ in rows),
        max(day for day, _, _ in rows),
        frozenset(day for day, _, closed in rows if not closed),
        {day: version for day, version, closed in rows if closed},
    )


def numbers_of(session: Session, filters: Filters) -> list[int]:
    """The numbers of the value of the one filter, as what is packed by value has them."""
    if filters.source is not None:
        return [SCANS if filters.source == "scan" else NO_SCANS]
    ((facet, value),) = filters.facets.items()
    if (facet, value) == ("city", UNKNOWN):
        return [NO_CITY]
    return list(value_ids(session, facet, value))
