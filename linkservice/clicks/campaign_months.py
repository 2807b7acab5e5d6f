"""What the links of a campaign had of each value, day by day, packed once a month is closed: the
page of a campaign of a hundred links with a filter read 30,000 places of a year.

No more than a shorter way to the same figures. It holds for the links the campaign had then: if
these are others now, and once somebody adds to a day of that month, reports read the days of links
until it is packed again.

Decided here: which campaigns are packed, and what keeps a month from lacking a click. The ingester
does that when it is idle; no writer waits while a month is read. Not here: how it is packed
(`campaign_values`), when a month is closed (`months`), who reads them (`reports.campaign_days`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from itertools import groupby

import numpy as np
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.orm import Session

from linkservice.clicks import campaign_values
from linkservice.clicks.closing_lock import lock
from linkservice.clicks.grouping import Ints
from linkservice.clicks.month_model import CampaignMonth, ClosedMonth
from linkservice.clicks.months import days_of, month_of
from linkservice.database import Database
from linkservice.links.model import Link

FEWEST_LINKS, MOST_LINKS = 10, 10_000
"""Of a campaign that is packed: the days of fewer links are soon read, and of more are not named in
one statement.
"""

_NAMED_AT_ONCE = 5_000
"""Links in one statement: it takes up to 32,766 parameters."""


def digest(link_ids: Sequence[int]) -> bytes:
    """Tells these links from all others, in whatever order they come."""
    return blake2b(np.array(sorted(link_ids), "<i8").tobytes(), digest_size=16).digest()


def reopen(connection: Connection, days: Ints, link_ids: Ints) -> None:
    """Have the months of these days packed again for all campaigns of the workspaces of these
    links, which may have been of another one then; as `closed_sums.reopen` says.
    """
    months = {month_of(date.fromordinal(day)) for day in np.unique(days).tolist()}
    there = select(CampaignMonth.month).where(CampaignMonth.month.in_(months)).distinct()
    packed = connection.scalars(there).all()
    if not packed:
        return
    ids = np.unique(link_ids).tolist()
    for at in range(0, len(ids), _NAMED_AT_ONCE):
        of_them = select(Link.workspace_id).where(Link.id.in_(ids[at : at + _NAMED_AT_ONCE]))
        connection.execute(
            update(CampaignMonth)
            .where(CampaignMonth.month.in_(packed), CampaignMonth.workspace_id.in_(of_them))
            .values(version=CampaignMonth.version + 1, days=None)
        )


@dataclass(frozen=True, slots=True)
class _Task:
    """A month of a campaign that is to be packed."""

    month: date
    campaign_id: int
    workspace_id: int


class Closing:
    """Packs one month of a campaign after the other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tasks: list[_Task] = []
        """What was found to be done, the first one last: to find it, all campaigns are read."""

    def some(self, _now: datetime) -> bool:
        """Pack a month; whether there was any.

        Raises SQLAlchemyError where the database is away; nothing is lost then.
        """
        if not self._tasks:
            with self._database.reading() as session:
                self._tasks, gone = _to_be_done(session)
            if gone:
                with self._database.transaction() as session:
                    these = CampaignMonth.campaign_id.in_(gone)
                    session.execute(delete(CampaignMonth).where(these))
        if not self._tasks:
            return False
        self._pack(self._tasks.pop())
        return True

    def _pack(self, task: _Task) -> None:
        key = task.month, task.campaign_id
        with self._database.transaction() as session:
            # From here on whoever changes that month sees that it is being packed; those who were
            # at it before are waited for.
            lock(session.connection(), shared=False)
            links = digest(links_of(session, task.campaign_id))
            found = session.get(CampaignMonth, key)
            if found is None:
                found = CampaignMonth(
                    month=task.month,
                    campaign_id=task.campaign_id,
                    workspace_id=task.workspace_id,
                    links=links,
                    version=1,
                )
                session.add(found)
            elif found.links != links:
                found.links, found.days, found.version = links, None, found.version + 1
            version = found.version
        with self._database.reading() as session:
            link_ids = links_of(session, task.campaign_id)
            days = campaign_values.packed(session.connection(), days_of(task.month), link_ids)
        if digest(link_ids) != links:
            return  # they have just changed, and are found at the next look
        with self._database.transaction() as session:
            # If nothing of the month has changed since it was read.
            session.execute(
                update(CampaignMonth)
                .where(
                    CampaignMonth.month == task.month,
                    CampaignMonth.campaign_id == task.campaign_id,
                    CampaignMonth.version == version,
                )
                .values(days=days)
            )


def links_of(session: Session, campaign_id: int) -> list[int]:
    """Its links, by id: no more than are packed."""
    ids = select(Link.id).where(Link.campaign_id == campaign_id).order_by(Link.id)
    return list(session.scalars(ids.limit(MOST_LINKS)))


def _to_be_done(session: Session) -> tuple[list[_Task], set[int]]:
    """The months that are to be packed, the last ones first; and the campaigns that have packed
    ones, and are not to have any.
    """
    rows = session.execute(
        select(Link.campaign_id, Link.workspace_id, Link.id)
        .where(Link.campaign_id.is_not(None))
        .order_by(Link.campaign_id)
    )
    of_campaigns: dict[int, tuple[int, bytes]] = {}
    for (campaign_id, workspace_id), some in groupby(rows, key=lambda row: (row[0], row[1])):
        ids = [link_id for _, _, link_id in some]
        if FEWEST_LINKS <= len(ids) <= MOST_LINKS:
            of_campaigns[campaign_id] = workspace_id, digest(ids)
    months = session.scalars(
        select(ClosedMonth.first).where(ClosedMonth.whole).order_by(ClosedMonth.first)
    ).all()
    columns = CampaignMonth.month, CampaignMonth.campaign_id, CampaignMonth.links
    packed = {
        (month, campaign_id): links
        for month, campaign_id, links in session.execute(
            select(*columns).where(CampaignMonth.days.is_not(None))
        )
    }
    tasks = [
        _Task(month, campaign_id, workspace_id)
        for month in months
        for campaign_id, (workspace_id, links) in of_campaigns.items()
        if packed.get((month, campaign_id)) != links
    ]
    there = set(session.scalars(select(CampaignMonth.campaign_id).distinct()))
    return tasks, there - of_campaigns.keys()
