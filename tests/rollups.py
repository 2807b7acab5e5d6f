"""Rows of the roll-ups, as ingest would have left them, for reports to be read from."""

from __future__ import annotations

from datetime import date

from cast import Home
from sqlalchemy.orm import Session

from linkservice.clicks.model import LinkDay, LinkFacet, LinkHour
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
        LinkFacet(link_id=link.id, local_date=day, facet=facet, value=value, clicks=clicks)
        for facet, value in facets.items()
    )
