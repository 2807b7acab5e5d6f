"""Which roll-ups a report sums: with the clicks of suspected mail scanners, or without them.

Suspects are clicks or, unless the reader counts them as such, scanners: of both kinds of
report all classes add up to the same. Where there are none, which is nearly always, the
roll-ups of persons are read alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import ColumnElement, case, exists, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased

from linkservice.clicks.model import (
    LinkDay,
    LinkFacet,
    LinkHour,
    SuspectedDay,
    SuspectedFacet,
    SuspectedHour,
)
from linkservice.reports.period import Period

NO_TOUCHPOINT = 0
"""What a roll-up carries in place of a touchpoint's id."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Days, hours and facets, with the columns of those models."""

    days: type[LinkDay]
    hours: type[LinkHour]
    facets: type[LinkFacet]

    @property
    def visitors(self) -> ColumnElement[int]:
        """The visitors of a touchpoint; where there is none, those of the link."""
        days = self.days
        return case(
            (days.touchpoint_id != NO_TOUCHPOINT, days.touchpoint_visitors), else_=days.visitors
        )


PERSONS = Sources(LinkDay, LinkHour, LinkFacet)


def sources(session: Session, workspace_id: int, period: Period, suspects: bool) -> Sources:
    """What a report on that period sums; `suspects`: whether theirs are clicks."""
    any_there = session.scalar(
        select(
            exists().where(
                SuspectedDay.workspace_id == workspace_id,
                SuspectedDay.local_date.between(period.first, period.last),
            )
        )
    )
    if not any_there:
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
    return Sources(
        _days({name: name for name in shared}),
        aliased(LinkHour, union_all(select(LinkHour), select(SuspectedHour)).subquery()),
        aliased(LinkFacet, union_all(select(LinkFacet), select(SuspectedFacet)).subquery()),
    )


@cache
def _apart() -> Sources:
    """Suspects are scanners."""
    key = ("link_id", "local_date", "touchpoint_id", "workspace_id")
    return Sources(
        _days({**{name: name for name in key}, "scanners": "clicks"}), LinkHour, LinkFacet
    )


def _days(taken: dict[str, str]) -> type[LinkDay]:
    """The days of persons and suspects; of the latter the columns named, the others are 0."""
    of_suspects = SuspectedDay.__table__.c
    columns = [
        of_suspects[taken[column.name]].label(column.name)
        if column.name in taken
        else literal(0).label(column.name)
        for column in LinkDay.__table__.columns
    ]
    return aliased(LinkDay, union_all(select(LinkDay.__table__), select(*columns)).subquery())
