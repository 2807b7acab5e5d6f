"""The cities a form offers as a filter: those of a workspace's latest clicks.

Decided here: how far is looked back. Reading all clicks or roll-ups for a list to choose from would
take longer than the report; a rarer city is a click away on the page of a touchpoint or a link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks.dictionary import knows_cities
from linkservice.clicks.model import Click, FacetValue
from linkservice.clicks.packed_model import PackedClicks
from linkservice.reports.single_clicks import persons_of
from linkservice.workspaces.access import Actor

LATEST = 5_000
"""Clicks that are looked at: some 10 ms."""

_AT_ONCE = 5
"""Packed rows that are read together: of busy days five are enough."""

MOST = 100
"""Cities of a list that somebody reads."""


def known_cities(session: Session, actor: Actor) -> list[str]:
    """The cities with the most of the latest clicks, as reports write them; none where no city is
    known. Raises `Forbidden`.
    """
    actor.require("reports:read")
    if not knows_cities(session):
        return []
    counts = Counter(
        city_id
        for city_id, kind in _latest(session, actor.workspace_id)
        if city_id and kind in persons_of(suspects=False)
    )
    named = select(FacetValue.id, FacetValue.value).where(FacetValue.id.in_(counts))
    values = [(-counts[city_id], value) for city_id, value in session.execute(named)]
    return [value for _, value in sorted(values)[:MOST]]


def _latest(session: Session, workspace_id: int) -> Iterator[tuple[int, int]]:
    """City and class of the latest clicks: those in rows, and if they are few, of packed days."""
    rows = session.execute(
        select(Click.city_id, Click.click_class)
        .where(Click.workspace_id == workspace_id)
        .order_by(Click.local_day.desc())
        .limit(LATEST)
    ).all()
    yield from ((city_id, kind) for city_id, kind in rows)
    left = LATEST - len(rows)
    packed = (
        select(PackedClicks.city_id, PackedClicks.click_class)
        .where(PackedClicks.workspace_id == workspace_id)
        .order_by(PackedClicks.local_day.desc())
    )
    if left > 0:
        with session.execute(packed, execution_options={"yield_per": _AT_ONCE}) as found:
            for cities, kinds in found:
                yield from zip(cities, kinds, strict=True)
                left -= len(cities)
                if left <= 0:
                    return
