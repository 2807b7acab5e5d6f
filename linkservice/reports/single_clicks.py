"""Single clicks counted by what they have in common, where roll-ups cannot tell.

Rows and roll-ups are counted by the same marks, so of the same days they tell the same. Not here:
which filters there are (`filters`), from which day on rows are read (`reading_back`), what
roll-ups add (`filtered`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    case,
    false,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from linkservice.clicks.dictionary import knows_cities
from linkservice.clicks.model import (
    CLASSES,
    COUNTER_OF_CLASS,
    AgentName,
    FacetValue,
    Mark,
)
from linkservice.clicks.packed_model import EveryClick
from linkservice.reports.details import EMPTY_VALUE
from linkservice.reports.filters import UNKNOWN, Filters, stored
from linkservice.reports.period import Period
from linkservice.reports.reading_back import Whose, where_rows_lie

_PERSON, _SUSPECTED = CLASSES.index("person"), CLASSES.index("suspected")
_NOBODY = (_PERSON, _SUSPECTED, CLASSES.index("own"))
_SCAN, _MISS, _TOKENLESS = int(Mark.SCAN), int(Mark.MISS), int(Mark.TOKENLESS)
_OF_AGENT = ("device", "browser", "system")
_OF_ROW = {
    "country": "country_id",
    "city": "city_id",
    "language": "language_id",
    "referrer": "referrer_id",
}
_Part: TypeAlias = Select[*tuple[Any, ...]]

_AT_ONCE = 5_000  # parameters of a statement


@dataclass(slots=True)
class Counted:
    """What was counted of a link on a day, or of a day."""

    clicks: int = 0
    scans: int = 0
    visitors: int = 0


@dataclass(frozen=True, slots=True)
class SingleClicks:
    """Clicks of persons by day, hour of the week (weekday 1 to 7 and hour), facet and link; and
    all by the counters of roll-ups, `clicks` among them.
    """

    totals: Counter[str] = field(default_factory=Counter)
    days: dict[date, Counted] = field(default_factory=dict)
    hours: Counter[tuple[int, int]] = field(default_factory=Counter)
    facets: dict[str, Counter[str]] = field(default_factory=dict)
    links: dict[int, Counted] = field(default_factory=dict)


def persons_of(suspects: bool) -> tuple[int, ...]:
    """The classes of clicks that count (places in `CLASSES`); with those of suspected mail scanners
    or without.
    """
    return (_PERSON, _SUSPECTED) if suspects else (_PERSON,)


def count_rows(
    session: Session, whose: Whose, period: Period, filters: Filters, *, suspects: bool
) -> SingleClicks:
    """The rows of the period that meet the filters, with the clicks of suspected mail scanners
    among those of persons or without.
    """
    chosen = _chosen(session, whose, period, filters)
    persons = persons_of(suspects)
    found = SingleClicks(facets={name: Counter() for name in (*_OF_ROW, *_OF_AGENT, "robot")})
    numbers: dict[str, dict[int, int]] = {name: {} for name in (*_OF_ROW, "agent")}
    told = [name for name in _OF_ROW if name != "city" or knows_cities(session)]
    robots: Counter[int] = Counter()
    for part, key, kind, clicks, scans, new, tokenless in session.execute(
        union_all(*_parts(chosen, whose, persons, told))
    ):
        counted = Counted(int(clicks), int(scans), int(new))
        if part == "day":
            _take_day(found, key, kind in persons, CLASSES[kind], counted, int(tokenless))
        elif part == "hour":
            found.hours[(key // 24) or 7, key % 24] = counted.clicks
        elif part == "link":
            found.links[key] = counted
        elif part == "robot":
            robots[key] = counted.clicks
        else:
            numbers[part][key] = counted.clicks
    _tell_values(session, found, numbers)
    _tell_agents(session, found, numbers["agent"], robots)
    return found


def count_days(
    session: Session, whose: Whose, period: Period, filters: Filters, *, suspects: bool
) -> dict[date, Counted]:
    """As `count_rows`, but of each day alone: in a third of the time."""
    chosen = _chosen(session, whose, period, filters)
    persons = persons_of(suspects)
    found = SingleClicks()
    by_day = next(_parts(chosen, whose, persons, ()))
    for _, day, kind, clicks, scans, new, tokenless in session.execute(by_day):
        counted = Counted(int(clicks), int(scans), int(new))
        _take_day(found, day, kind in persons, CLASSES[kind], counted, int(tokenless))
    return found.days


def _take_day(
    found: SingleClicks, day: int, person: bool, name: str, counted: Counted, tokenless: int
) -> None:
    """Add the clicks of one class and day."""
    totals = found.totals
    if name == "suspected":
        totals["suspected"] += counted.clicks
    if not person:
        totals[COUNTER_OF_CLASS.get(name, "scanners")] += counted.clicks
        return
    here = found.days.setdefault(date.fromordinal(day), Counted())
    for figure in ("clicks", "scans", "visitors"):
        number = getattr(counted, figure)
        setattr(here, figure, getattr(here, figure) + number)
        totals[figure] += number
    totals["tokenless"] += tokenless


def meet(
    session: Session, whose: Whose, period: Period, filters: Filters
) -> list[ColumnElement[bool]]:
    """The conditions on click rows of the period that meet the filters, and are no misses."""
    return [
        where_rows_lie(session, whose, period),
        whose.of(EveryClick),
        EveryClick.flags.bitwise_and(_MISS) == 0,
        *facets_met(session, filters),
    ]


def facets_met(session: Session, filters: Filters) -> list[ColumnElement[bool]]:
    """The conditions on click rows, of whatever days and links, that the filters set."""
    conditions = [_has(session, facet, value) for facet, value in filters.facets.items()]
    if filters.source is not None:
        scan = EveryClick.flags.bitwise_and(_SCAN)
        conditions.append(scan != 0 if filters.source == "scan" else scan == 0)
    return conditions


def _chosen(session: Session, whose: Whose, period: Period, filters: Filters) -> CTE:
    """The rows, each read once: the parts of the count are made of what was found."""
    return (
        select(
            EveryClick.local_day.label("day"),
            EveryClick.local_hour.label("hour"),
            EveryClick.click_class.label("kind"),
            EveryClick.flags.label("flags"),
            EveryClick.link_id.label("link"),
            EveryClick.agent_id.label("agent"),
            *(getattr(EveryClick, column).label(name) for name, column in _OF_ROW.items()),
        )
        .where(*meet(session, whose, period, filters))
        .cte("chosen")
    )


def _has(session: Session, facet: str, value: str) -> ColumnElement[bool]:
    """The condition on click rows: their value of the facet is the one asked for."""
    if facet in _OF_AGENT:
        column = getattr(AgentName, facet)
        query = select(AgentName.id).where(column.in_(stored(facet, value)))
        return EveryClick.agent_id.in_(session.scalars(query).all())
    if (facet, value) == ("city", UNKNOWN):
        return EveryClick.city_id == 0
    ids = value_ids(session, facet, value)
    column = getattr(EveryClick, _OF_ROW[facet])
    return column.in_(ids) if ids else false()


def value_ids(session: Session, facet: str, value: str) -> Sequence[int]:
    """The numbers of what reports tell as `value`."""
    query = select(FacetValue.id).where(
        FacetValue.facet == facet, FacetValue.value.in_(stored(facet, value))
    )
    return session.scalars(query).all()


def _parts(
    chosen: CTE, whose: Whose, persons: Sequence[int], told: Sequence[str]
) -> Iterator[_Part]:
    """One query for each way the rows are told apart, among them the `told` of `_OF_ROW`; all have
    the same columns.
    """
    c = chosen.c
    person = c.kind.in_(persons)
    none = literal(0)

    def flagged(mark: int) -> ColumnElement[int]:
        return func.sum(case((c.flags.bitwise_and(mark) != 0, 1), else_=0))

    def part(
        name: str, key: ColumnElement[int], kind: ColumnElement[int], *more: ColumnElement[int]
    ) -> _Part:
        sums = [*more, *[none] * (3 - len(more))]
        columns = [each.label(f"sum_{place}") for place, each in enumerate(sums)]
        return select(
            literal(name).label("part"),
            key.label("key"),
            kind.label("kind"),
            func.count().label("clicks"),
            *columns,
        ).select_from(chosen)

    counted = (flagged(_SCAN), flagged(int(whose.new)))
    yield part("day", c.day, c.kind, *counted, flagged(_TOKENLESS)).group_by(c.day, c.kind)
    hour = c.day % 7 * 24 + c.hour
    yield part("hour", hour, none).where(person).group_by(hour)
    yield part("link", c.link, none, *counted).where(person).group_by(c.link)
    for name in (*told, "agent"):
        yield part(name, c[name], none).where(person).group_by(c[name])
    nobody = c.kind.not_in(_NOBODY)
    yield part("robot", c.agent, none).where(nobody).group_by(c.agent)


def _tell_values(
    session: Session, found: SingleClicks, numbers: Mapping[str, Mapping[int, int]]
) -> None:
    """Put words for the numbers of countries, cities, languages and referrers."""
    ids = sorted({key for name in _OF_ROW for key in numbers[name]})
    for start in range(0, len(ids), _AT_ONCE):
        query = select(FacetValue).where(FacetValue.id.in_(ids[start : start + _AT_ONCE]))
        for each in session.scalars(query):
            if clicks := numbers.get(each.facet, {}).get(each.id):
                found.facets[each.facet][_told(each.facet, each.value)] += clicks
    if found.facets["city"] and (elsewhere := numbers["city"].get(0)):
        found.facets["city"][UNKNOWN] = elsewhere


def _tell_agents(
    session: Session, found: SingleClicks, persons: Mapping[int, int], robots: Mapping[int, int]
) -> None:
    """What agents were read as: devices, browsers and systems of persons, names of robots."""
    ids = sorted({*persons, *robots})
    for start in range(0, len(ids), _AT_ONCE):
        query = select(AgentName).where(AgentName.id.in_(ids[start : start + _AT_ONCE]))
        for each in session.scalars(query):
            if clicks := persons.get(each.id):
                for facet in _OF_AGENT:
                    found.facets[facet][_told(facet, getattr(each, facet))] += clicks
            if each.robot and (clicks := robots.get(each.id)):
                found.facets["robot"][each.robot] += clicks


def _told(facet: str, value: str) -> str:
    return value or EMPTY_VALUE.get(facet, UNKNOWN)
