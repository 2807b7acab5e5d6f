"""From which countries and devices the clicks of a filtered overview came.

Decided here: that they are read where a page has time left. The overview has read the single
clicks of its days once, and perhaps those of the same weekdays before; what its budget leaves is
spent on reading the last days once more, as many as that is enough for. Not here: the budget
(`reading_back`), what meets a filter (`single_clicks`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from linkservice.clicks.model import AgentName, FacetValue
from linkservice.clicks.packed_model import EveryClick
from linkservice.reports.details import EMPTY_VALUE, by_clicks
from linkservice.reports.filtered_ranking import COST_OF_OWN
from linkservice.reports.filters import UNKNOWN, Filters
from linkservice.reports.period import Period
from linkservice.reports.reading_back import Whose, read_once_more
from linkservice.reports.results import TouchpointReport, Value
from linkservice.reports.single_clicks import meet, persons_of
from linkservice.reports.trend import weeks_before
from linkservice.reports.value_days import closed_days
from linkservice.workspaces.access import Actor

_AT_ONCE = 5_000  # parameters of a statement


@dataclass(frozen=True, slots=True)
class Origins:
    """The clicks from the day `since` on by country and by device, by falling clicks."""

    since: date
    countries: Sequence[Value]
    devices: Sequence[Value]


def filtered_origins(
    session: Session,
    actor: Actor,
    report: TouchpointReport,
    filters: Filters,
    *,
    compared: bool,
    suspects: bool,
) -> Origins | None:
    """Of the days that a filtered `report` on all touchpoints tells; None where there is no time
    left, or both are filters. `compared`: the same weekdays before were read, too.
    """
    by, period = report.filtered, report.period
    if by is None or by.single_clicks_from is None or (filters.country and filters.device):
        return None
    told = Period(by.single_clicks_from, period.last, period.time_zone)
    both = [told]
    if compared and (before := weeks_before(period)) is not None:
        both.append(before)
    closed = closed_days(session, actor.workspace_id, filters)
    spent = [some for each in both for some in closed.others(each)]
    whose = Whose(actor.workspace_id)
    since = read_once_more(session, whose, told, filters, spent, COST_OF_OWN)
    if since is None:
        return None
    days = Period(since, told.last, told.time_zone)
    return Origins(since, *_counted(session, whose, days, filters, suspects))


def _counted(
    session: Session, whose: Whose, period: Period, filters: Filters, suspects: bool
) -> tuple[list[Value], list[Value]]:
    """The clicks of persons by country and by device, in one reading of the rows."""
    rows = session.execute(
        select(EveryClick.country_id, EveryClick.agent_id, func.count())
        .where(
            *meet(session, whose, period, filters),
            EveryClick.click_class.in_(persons_of(suspects)),
        )
        .group_by(EveryClick.country_id, EveryClick.agent_id)
    )
    countries: Counter[int] = Counter()
    agents: Counter[int] = Counter()
    for country, agent, clicks in rows:
        countries[country] += clicks
        agents[agent] += clicks
    return (
        _named(session, "country", countries, FacetValue.id, FacetValue.value),
        _named(session, "device", agents, AgentName.id, AgentName.device),
    )


def _named(
    session: Session,
    facet: str,
    counts: Counter[int],
    number: InstrumentedAttribute[int],
    name: InstrumentedAttribute[str],
) -> list[Value]:
    """The clicks by what their numbers stand for."""
    found: Counter[str] = Counter()
    numbers = sorted(counts)
    for start in range(0, len(numbers), _AT_ONCE):
        query = select(number, name).where(number.in_(numbers[start : start + _AT_ONCE]))
        for each, called in session.execute(query):
            found[called or EMPTY_VALUE.get(facet, UNKNOWN)] += counts.pop(each)
    if left := counts.total():
        found[EMPTY_VALUE.get(facet, UNKNOWN)] += left
    return by_clicks(found)
