"""The countries a form offers first as a filter: those that clicks of the period came from.

Decided here: how many days are looked at. A closed day has a row for each country with clicks, so
that the countries of a month are found in a few look-ups each; those of a year would take as long
as a report. A country that is left out is among all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks.closed_day_model import ValueDay
from linkservice.clicks.model import FacetValue
from linkservice.clicks.packed_values import kinds_of
from linkservice.database import AS_BYTES
from linkservice.reports.period import Period
from linkservice.reports.single_clicks import persons_of
from linkservice.reports.value_days import every_closed_day
from linkservice.workspaces.access import Actor

MOST_DAYS = 31
"""That are looked at; of longer periods as many, spread over it."""


def clicked_countries(
    session: Session, actor: Actor, period: Period, *, suspects: bool
) -> frozenset[str]:
    """The codes of those from which persons clicked, on days that are closed; none where no day is.
    Raises `Forbidden`.
    """
    actor.require("reports:read")
    closed = every_closed_day(session, actor.workspace_id).versions
    days = [day for each in period.days() if (day := each.toordinal()) in closed]
    names = select(FacetValue.id, FacetValue.value).where(
        FacetValue.facet == "country", FacetValue.value != ""
    )
    left = {row.id: row.value for row in session.execute(names)} if days else {}
    found = []
    for some in _at_once(days[:: -max(1, -(-len(days) // MOST_DAYS))]):
        query = select(
            ValueDay.local_day, ValueDay.version, ValueDay.value_id, ValueDay.cells
        ).where(
            ValueDay.workspace_id == actor.workspace_id,
            ValueDay.local_day.in_(some),
            ValueDay.value_id.in_(left),
        )
        rows = session.execute(query, execution_options=AS_BYTES)
        clicked = {
            number
            for day, version, number, cells in rows
            if closed[day] == version
            and any(kind in kinds_of(cells) for kind in persons_of(suspects))
        }
        found += [left.pop(number) for number in clicked]
    return frozenset(found)


def _at_once(days: Sequence[int]) -> Iterator[Sequence[int]]:
    """The days in order, of which the first has nearly all that there is."""
    yield from (some for some in (days[:1], days[1:8], days[8:]) if some)
