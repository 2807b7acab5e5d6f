"""The clicks of the last month, day by day, as the lists and cards draw them in a line.

Clicks are those of persons, read from the roll-ups. Not here: figures one compares
(`queries`, `links`); these only show how a thing is going.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import LinkDay
from linkservice.links.model import Link
from linkservice.reports.days import days_of_touchpoints
from linkservice.reports.period import Period, day_of
from linkservice.reports.sources import PERSONS
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
    period = last_days(session, actor, now)
    query = (
        select(LinkDay.link_id, LinkDay.local_date, func.sum(LinkDay.clicks))
        .where(
            # By the links alone: told the workspace as well, SQLite reads its whole month.
            LinkDay.link_id.in_(session.scalars(own).all()),
            LinkDay.local_date.between(period.first, period.last),
        )
        .group_by(LinkDay.link_id, LinkDay.local_date)
    )
    found = {link_id: [0] * DAYS for link_id in link_ids}
    for link_id, day, clicks in session.execute(query):
        found[link_id][period.number(day)] = int(clicks)
    return found


def touchpoint_series(session: Session, actor: Actor, now: datetime) -> dict[int, list[int]]:
    """The same for every touchpoint of the workspace that has clicks, by its id.

    A click belongs to the touchpoint its link had then; those without one have the id 0.
    """
    actor.require("reports:read")
    period = last_days(session, actor, now)
    found = days_of_touchpoints(session, PERSONS, actor.workspace_id, period, "clicks")
    return {number: days.tolist() for number, days in found.items()}
