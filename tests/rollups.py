"""Rows of the roll-ups, as ingest would have left them, for reports to be read from."""

from __future__ import annotations

from datetime import date

from cast import Home
from sqlalchemy import Connection, event, func, select
from sqlalchemy.orm import Mapper, Session

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
from linkservice.database import insert_into
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


@event.listens_for(LinkDay, "after_insert")
def _add_to_touchpoint(mapper: Mapper[LinkDay], connection: Connection, row: LinkDay) -> None:
    """A day of a link that a test adds is one of its touchpoint and of its month, too."""
    counts = {name: int(getattr(row, name) or 0) for name in COUNTERS}
    days = {"local_date": row.local_date}, {"month": row.local_date.replace(day=1)}
    for model, day in zip((TouchpointDay, TouchpointMonth), days, strict=True):
        key = {"workspace_id": row.workspace_id, **day, "touchpoint_id": row.touchpoint_id}
        sums = {name: model.__table__.c[name] + count for name, count in counts.items()}
        connection.execute(
            insert_into(model, connection)
            .values(key | counts)
            .on_conflict_do_update(index_elements=list(key), set_=sums)
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
