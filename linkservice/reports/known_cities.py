"""The cities a form offers as a filter: those of a workspace's latest clicks.

Decided here: how far is looked back. Reading all clicks or roll-ups for a list to choose from would
take longer than the report; a rarer city is a click away on the page of a touchpoint or a link.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.clicks.dictionary import knows_cities
from linkservice.clicks.model import Click, FacetValue
from linkservice.reports.single_clicks import persons_of
from linkservice.workspaces.access import Actor

LATEST = 5_000
"""Clicks that are looked at: some 10 ms."""

MOST = 100
"""Cities of a list that somebody reads."""


def known_cities(session: Session, actor: Actor) -> list[str]:
    """The cities with the most of the latest clicks, as reports write them; none where no city is
    known. Raises `Forbidden`.
    """
    actor.require("reports:read")
    if not knows_cities(session):
        return []
    latest = (
        select(Click.city_id, Click.click_class)
        .where(Click.workspace_id == actor.workspace_id)
        .order_by(Click.local_day.desc())
        .limit(LATEST)
        .subquery()
    )
    query = (
        select(FacetValue.value)
        .join(latest, latest.c.city_id == FacetValue.id)
        .where(latest.c.click_class.in_(persons_of(suspects=False)))
        .group_by(FacetValue.value)
        .order_by(func.count().desc(), FacetValue.value)
        .limit(MOST)
    )
    return list(session.scalars(query))
