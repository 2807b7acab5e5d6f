"""Conversions by touchpoint and persona.

Decided here: whose a conversion is. A reported one is the persona's that the link of its first (or
last) click is made for or, where the link names none, its touchpoint's journey; as clicks are. An
imported sum names no link: it counts for the persona that all links of its touchpoint are made for,
and all clicks there in the period; where these are for several, nobody can tell, and a rate of the
others alone would be too low: the touchpoint has none. Not here: which click counts for a
conversion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.conversions.model import Conversion, ConversionDay
from linkservice.links.model import Link
from linkservice.reports.conversions import Attribution, imported_sums
from linkservice.reports.period import Period
from linkservice.reports.sources import NO_TOUCHPOINT

NOBODY = 0
"""In place of a persona: several of them or none."""


@dataclass(slots=True)
class Gained:
    """The conversions of a touchpoint, by persona and `NOBODY`; `untold`: some were imported, of
    links that are for different ones.
    """

    conversions: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    untold: bool = False


def only(personas: Sequence[int]) -> int:
    """The one persona; `NOBODY` for several or none."""
    return personas[0] if len(personas) == 1 else NOBODY


def conversions_by_persona(
    session: Session,
    workspace_id: int,
    period: Period,
    attribution: Attribution,
    of_link: Mapping[int, Sequence[int]],
    of_touchpoint: Mapping[int, Sequence[int]],
    clicked: Mapping[int, Collection[int]],
) -> Mapping[int, Gained]:
    """The conversions of the period, by touchpoint and persona. `of_link` has the personas of links
    that name any, `of_touchpoint` those of each touchpoint's journey, `clicked` whose the clicks
    there are.
    """
    found: defaultdict[int, Gained] = defaultdict(Gained)
    for number, count in _reported(session, workspace_id, period, attribution):
        found[number].conversions[only(of_touchpoint.get(number, []))] += count
    for link, number, count in _of_links(session, workspace_id, period, attribution, of_link):
        found[number].conversions[only(of_touchpoint.get(number, []))] -= count
        found[number].conversions[only(of_link[link])] += count
    sums = {
        each.touchpoint_id: each.conversions
        for each in imported_sums(session, workspace_id, period)
        if each.conversions
    }
    there = _personas_there(session, sums, of_link, of_touchpoint)
    for number, count in sums.items():
        everyone = there[number] | set(clicked.get(number, ()))
        everyone = everyone or {only(of_touchpoint.get(number, []))}
        found[number].conversions[only(list(everyone))] += count
        found[number].untold |= len(everyone) > 1
    return found


def _reported(
    session: Session, workspace_id: int, period: Period, attribution: Attribution
) -> list[tuple[int, int]]:
    query = (
        select(ConversionDay.touchpoint_id, func.sum(ConversionDay.conversions))
        .where(
            ConversionDay.workspace_id == workspace_id,
            ConversionDay.local_date.between(period.first, period.last),
            ConversionDay.attribution == attribution,
            ConversionDay.touchpoint_id != NO_TOUCHPOINT,
        )
        .group_by(ConversionDay.touchpoint_id)
    )
    # PostgreSQL sums 64-bit columns to a decimal.
    return [(number, int(count)) for number, count in session.execute(query)]


def _of_links(
    session: Session,
    workspace_id: int,
    period: Period,
    attribution: Attribution,
    of_link: Mapping[int, Sequence[int]],
) -> list[tuple[int, int, int]]:
    """Link, touchpoint and how many, of links that name personas."""
    if attribution == "last":
        link, touchpoint = Conversion.last_link_id, Conversion.last_touchpoint_id
    else:
        link, touchpoint = Conversion.first_link_id, Conversion.first_touchpoint_id
    query = (
        select(link, touchpoint, func.count())
        .where(
            Conversion.workspace_id == workspace_id,
            Conversion.local_date.between(period.first, period.last),
            link.is_not(None),
            func.coalesce(touchpoint, NO_TOUCHPOINT) != NO_TOUCHPOINT,
        )
        .group_by(link, touchpoint)
    )
    return [
        (each or 0, number or NO_TOUCHPOINT, count)
        for each, number, count in session.execute(query)
        if each in of_link
    ]


def _personas_there(
    session: Session,
    touchpoints: Collection[int],
    of_link: Mapping[int, Sequence[int]],
    of_touchpoint: Mapping[int, Sequence[int]],
) -> dict[int, set[int]]:
    """For whom the links of each touchpoint are: what they name, else its journey."""
    found: dict[int, set[int]] = {number: set() for number in touchpoints}
    query = select(Link.id, Link.touchpoint_id).where(
        Link.touchpoint_id.in_(sorted(touchpoints)), Link.deleted_at.is_(None)
    )
    for link, number in session.execute(query):
        if number is not None:
            found[number].add(only(of_link.get(link) or of_touchpoint.get(number, [])))
    return found
