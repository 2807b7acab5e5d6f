"""Which roll-ups a report sums: with the clicks of suspected mail scanners, or without them.

Suspects are clicks or, unless the reader counts them as such, scanners: of both kinds of
report all classes add up to the same. Where there are none, which is nearly always, the
roll-ups of persons are read alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Subquery,
    case,
    exists,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from linkservice.clicks.model import (
    LinkDay,
    SuspectedDay,
    SuspectedFacet,
    SuspectedHour,
    TouchpointDay,
    TouchpointMonth,
)
from linkservice.clicks.packed_model import EveryLinkFacet, EveryLinkHour
from linkservice.database import read_once
from linkservice.reports.period import Period

NO_TOUCHPOINT = 0
"""What a roll-up carries in place of a touchpoint's id."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Days of touchpoints, and days, hours and facets of links, with the columns of those
    models; the former add up the latter's days. Months are there where they add up the same.
    """

    touchpoints: type[TouchpointDay]
    days: type[LinkDay]
    hours: type[EveryLinkHour]
    facets: type[EveryLinkFacet]
    months: type[TouchpointMonth] | None = None

    @property
    def visitors(self) -> ColumnElement[int]:
        """The visitors of a touchpoint's day; where there is no touchpoint, those of the link."""
        return visitors_of(self.touchpoints)


def visitors_of(rows: type[TouchpointDay | TouchpointMonth | LinkDay]) -> ColumnElement[int]:
    """The visitors of a touchpoint; where there is none, those of the link."""
    placed = rows.touchpoint_id != NO_TOUCHPOINT
    return case((placed, rows.touchpoint_visitors), else_=rows.visitors)


def visitors_in(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """As `visitors_of`, of rows that were packed."""
    placed = rows["touchpoint_id"] != NO_TOUCHPOINT
    return np.where(placed, rows["touchpoint_visitors"], rows["visitors"]).astype(np.int64)


PERSONS = Sources(TouchpointDay, LinkDay, EveryLinkHour, EveryLinkFacet, TouchpointMonth)


def sources(session: Session, workspace_id: int, period: Period, suspects: bool) -> Sources:
    """What a report on that period sums; `suspects`: whether theirs are clicks."""
    any_there = exists().where(
        SuspectedDay.workspace_id == workspace_id,
        SuspectedDay.local_date.between(period.first, period.last),
    )
    key = sources, workspace_id, period
    if not read_once(session, key, lambda: session.scalar(select(any_there))):
        return PERSONS
    return _both() if suspects else _apart()


def suspected(session: Session, workspace_id: int, period: Period, *of: ColumnElement[bool]) -> int:
    """How many clicks are of suspected mail scanners, whatever a report counts them as; `of`
    says of which rows of `SuspectedDay`.
    """
    total = session.scalar(
        select(func.sum(SuspectedDay.clicks)).where(
            SuspectedDay.workspace_id == workspace_id,
            SuspectedDay.local_date.between(period.first, period.last),
            *of,
        )
    )
    return total or 0


@cache
def _both() -> Sources:
    """Suspects are persons."""
    shared = {column.name for column in SuspectedDay.__table__.columns}
    return _with_days(
        {name: name for name in shared},
        aliased(EveryLinkHour, union_all(select(EveryLinkHour), select(SuspectedHour)).subquery()),
        aliased(
            EveryLinkFacet, union_all(select(EveryLinkFacet), select(SuspectedFacet)).subquery()
        ),
    )


@cache
def _apart() -> Sources:
    """Suspects are scanners."""
    key = ("link_id", "local_date", "touchpoint_id", "workspace_id")
    return _with_days(
        {**{name: name for name in key}, "scanners": "clicks"}, EveryLinkHour, EveryLinkFacet
    )


def _with_days(
    taken: dict[str, str], hours: type[EveryLinkHour], facets: type[EveryLinkFacet]
) -> Sources:
    """With the days of persons and suspects; of the latter the columns named, others are 0."""
    return Sources(
        aliased(TouchpointDay, _days(TouchpointDay.__table__, taken)),
        aliased(LinkDay, _days(LinkDay.__table__, taken)),
        hours,
        facets,
    )


def _days(of_persons: FromClause, taken: dict[str, str]) -> Subquery:
    of_suspects = SuspectedDay.__table__.c
    columns = [
        of_suspects[taken[column.name]].label(column.name)
        if column.name in taken
        else literal(0).label(column.name)
        for column in of_persons.columns
    ]
    return union_all(select(of_persons), select(*columns)).subquery()
