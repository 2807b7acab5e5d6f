"""The clicks of the last month, day by day, as the lists and cards draw them in a line.

Clicks are those of persons, read from the roll-ups. Not here: figures one compares
(`queries`, `links`); these only show how a thing is going.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import LinkDay, TouchpointDay
from linkservice.links.model import Link
from linkservice.reports.period import Period, day_of
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace

DAYS = 30
"""Local days of a line, today included."""


def last_days(session: Session, actor: Actor, now: datetime) -> Period:
    """The `DAYS` local days of the workspace that end with today."""
    time_zone = session.get_one(Workspace, actor.workspace_id).time_zone
    today = day_of(now, time_zone)
    return Period(today - timedelta(days=DAYS - 1), today, time_zone)


def link_series(
    session: Session, actor: Actor, link_ids: Sequence[int], now: datetime
) -> dict[int, list[int]]:
    """Clicks of each link on each of the `DAYS` days, the oldest first. Raises `Forbidden`."""
    actor.require("reports:read")
    own = select(Link.id).where(Link.workspace_id == actor.workspace_id, Link.id.in_(link_ids))
    # By the links alone: told the workspace as well, SQLite reads its whole month.
    of_links = LinkDay.link_id.in_(session.scalars(own).all())
    found = _series(session, last_days(session, actor, now), LinkDay, of_links)
    return {link_id: found.get(link_id) or [0] * DAYS for link_id in link_ids}


def touchpoint_series(session: Session, actor: Actor, now: datetime) -> dict[int, list[int]]:
    """The same for every touchpoint of the workspace that has clicks, by its id.

    A click belongs to the touchpoint its link had then; those without one have the id 0.
    """
    actor.require("reports:read")
    of_workspace = TouchpointDay.workspace_id == actor.workspace_id
    return _series(session, last_days(session, actor, now), TouchpointDay, of_workspace)


def _series(
    session: Session,
    period: Period,
    rows: type[LinkDay | TouchpointDay],
    which: ColumnElement[bool],
) -> dict[int, list[int]]:
    key = rows.link_id if issubclass(rows, LinkDay) else rows.touchpoint_id
    query = (
        select(key, rows.local_date, func.sum(rows.clicks))
        .where(which, rows.local_date.between(period.first, period.last))
        .group_by(key, rows.local_date)
    )
    found: dict[int, list[int]] = {}
    for number, day, clicks in session.execute(query):
        if clicks:
            found.setdefault(number, [0] * DAYS)[period.number(day)] = int(clicks)
    return found
