"""Rows of the roll-ups, as ingest would have left them, for reports to be read from."""

from __future__ import annotations

from datetime import date
from functools import cache

from cast import Home
from sqlalchemy import bindparam, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, UOWTransaction

from linkservice.clicks.counted import keys_of
from linkservice.clicks.dictionary import value_id
from linkservice.clicks.model import (
    FacetValue,
    LinkDay,
    LinkFacet,
    LinkHour,
    TouchpointDay,
    TouchpointMonth,
    VisitorKeys,
)
from linkservice.database import Base
from linkservice.links.model import Link

COUNTERS = (
    "clicks",
    "scans",
    "visitors",
    "touchpoint_visitors",
    "journey_visitors",
    "tokenless",
    "robots",
    "previews",
    "prefetches",
    "scanners",
    "heads",
    "own",
)


@event.listens_for(Session, "after_flush")
def _add_to_touchpoints(session: Session, _: UOWTransaction) -> None:
    """Days of links that a test adds are days of their touchpoints and of these's months, too."""
    days = [row for row in session.new if isinstance(row, LinkDay)]
    if not days:
        return
    for model in (TouchpointDay, TouchpointMonth):
        # Thousands of days in one go.
        session.connection().execute(
            _adding(model, session.get_bind().dialect.name),
            [
                {
                    "workspace_id": row.workspace_id,
                    "local_date": row.local_date,
                    "month": row.local_date.replace(day=1),
                    "touchpoint_id": row.touchpoint_id,
                    **{name: int(getattr(row, name) or 0) for name in COUNTERS},
                }
                for row in days
            ],
        )


@cache
def _adding(model: type[Base], engine_name: str) -> sqlite.Insert | postgresql.Insert:
    """Makes a row or adds to its counters. Put together once, which takes longer than to run it."""
    insert = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[engine_name]
    columns = model.__table__.columns
    statement = insert(model).values({each.name: bindparam(each.name) for each in columns})
    return statement.on_conflict_do_update(
        index_elements=model.__table__.primary_key,
        set_={name: columns[name] + statement.excluded[name] for name in COUNTERS},
    )


def count(
    session: Session,
    home: Home,
    link: Link,
    day: date,
    clicks: int = 0,
    *,
    touchpoint_id: str | None = None,
    **counts: int,
) -> None:
    """A day of a link: each click a new visitor unless said otherwise."""
    visitors = dict.fromkeys(("visitors", "touchpoint_visitors", "journey_visitors"), clicks)
    columns = dict.fromkeys(COUNTERS, 0) | visitors | {"clicks": clicks} | counts
    session.add(
        LinkDay(
            link_id=link.id,
            local_date=day,
            touchpoint_id=int(touchpoint_id or 0),
            workspace_id=home.workspace_id,
            **columns,
        )
    )


def tell(session: Session, link: Link, day: date, hour: int, clicks: int, **facets: str) -> None:
    """When on that day, and from where: ``tell(…, country="DE", device="mobile")``."""
    session.add(LinkHour(link_id=link.id, local_date=day, local_hour=hour, clicks=clicks, scans=0))
    session.add_all(
        LinkFacet(
            link_id=link.id, local_date=day, value_id=value_id(session, facet, value), clicks=clicks
        )
        for facet, value in facets.items()
    )


def told(session: Session) -> dict[tuple[str, str], int]:
    """The clicks of each facet's values, over all links and days."""
    rows = session.execute(
        select(FacetValue.facet, FacetValue.value, func.sum(LinkFacet.clicks))
        .join(LinkFacet, LinkFacet.value_id == FacetValue.id)
        .group_by(FacetValue.facet, FacetValue.value)
    )
    return {(facet, value): clicks for facet, value, clicks in rows}


def visitor_keys(session: Session) -> int:
    """How many visitors' keys are kept, of all days."""
    return sum(len(keys_of(row)) for row in session.scalars(select(VisitorKeys.keys)))
