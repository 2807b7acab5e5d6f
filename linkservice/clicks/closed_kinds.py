"""The closed sums of links, touchpoints and campaigns, compared with the days they are made of.

Byte for byte, or by what is compressed where it is: another version of zlib may make other bytes
of the same. Not here: how they are looked at, and why nothing is called wrong that is being closed
(`closed_audit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeAlias

import numpy as np
from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from linkservice.clicks import (
    bulk,
    campaign_months,
    campaign_values,
    day_links,
    packed_days,
    packed_links,
)
from linkservice.clicks.closed_audit import (
    AGREES,
    OPEN,
    Kind,
    Look,
    Unequal,
    decompressed,
    first_differing,
    in_parts,
    link_or_workspace,
    of_table,
    touchpoint_or_workspace,
)
from linkservice.clicks.closing_lock import lock
from linkservice.clicks.model import LinkDay
from linkservice.clicks.month_model import CampaignMonth, DayLinks, MonthDays
from linkservice.clicks.months import MONTHS, days_of, last_of
from linkservice.clicks.spans import Spans
from linkservice.clicks.weeks import WEEKS
from linkservice.database import AS_BYTES
from linkservice.journeys.model import Campaign
from linkservice.links.model import Link

LINKS_AT_ONCE = 16
"""Links looked at in one step: the month of one with 500 kinds of clicks a day takes 10 ms."""

_SpanPlace: TypeAlias = tuple[date, int]
"""A span, and the last link of it that was looked at."""


def _spans(spans: Spans) -> Kind:
    """The sums of links in closed weeks or months, some links at a time."""
    closed, rows = spans.closed, spans.of_links

    def size(session: Session) -> int:
        whole = session.scalar(select(func.count()).select_from(closed).where(closed.whole)) or 0
        return whole * (session.scalar(select(func.count()).select_from(Link)) or 0)

    def step(session: Session, place: _SpanPlace) -> tuple[Look, _SpanPlace] | None:
        first, last_link = place
        # What is not closed for all links nobody reads.
        if session.scalar(select(closed.whole).where(closed.first == first)):
            following = select(Link.id).where(Link.id > last_link).order_by(Link.id)
            link_ids = session.scalars(following.limit(LINKS_AT_ONCE)).all()
            if link_ids:
                return _compared(session, spans, first, link_ids), (first, link_ids[-1])
        query = select(func.min(closed.first)).where(closed.first > first)
        following_span = session.scalar(query)
        return None if following_span is None else (Look(0), (following_span, 0))

    def reopen(session: Session, unequal: Sequence[Unequal]) -> None:
        connection = session.connection()
        lock(connection, shared=True)
        days = np.array([each.date.toordinal() for each in unequal], np.int64)
        link_ids = np.array([each.key[1] for each in unequal], np.int64)
        spans.reopen(connection, days, link_ids, None)

    name = rows.__tablename__
    return Kind(name, size, lambda database: in_parts(database, step, (date.min, 0)), reopen)


def _compared(session: Session, spans: Spans, first: date, link_ids: Sequence[int]) -> Look:
    rows, days, connection = spans.of_links, spans.days_of(first), session.connection()
    found = session.execute(
        select(*rows.__table__.columns).where(rows.first == first, rows.link_id.in_(link_ids)),
        execution_options=AS_BYTES,
    )
    stored = {link_id: tuple(parts) for _, link_id, *parts in found}
    packed = [part(connection, days, link_ids) for part in spans.parts]
    # Who has no sums had nothing.
    nothing = (b"",) * len(packed)
    unequal, agree, left_out = [], 0, 0
    for link_id in sorted(stored.keys() | {each for part in packed for each in part}):
        parts = stored.get(link_id, nothing)
        if link_id in stored and parts[0] is None:
            left_out += 1
        elif parts == tuple(part.get(link_id, b"") for part in packed):
            agree += 1
        else:
            workspace_id = session.scalar(select(Link.workspace_id).where(Link.id == link_id)) or 0
            named = link_or_workspace(session, workspace_id, link_id)
            key = first, link_id
            unequal.append(Unequal(rows.__tablename__, workspace_id, first, *named, key))
    return Look(len(link_ids), agree, left_out, unequal)


def _day(session: Session, row: Row[Any]) -> Look:
    """What links had on a day."""
    key = row.workspace_id, row.local_date
    if row.links is None:
        return OPEN
    right = packed_links.packed_day(session.connection(), *key)
    if row.links == right:
        return AGREES
    link_id = first_differing(row.links, right, packed_links.PACKED, "link_id")
    named = link_or_workspace(session, row.workspace_id, link_id)
    return Look(1, unequal=[Unequal(DayLinks.__tablename__, *key, *named, key)])


def _reopen_days(session: Session, unequal: Sequence[Unequal]) -> None:
    connection = session.connection()
    lock(connection, shared=True)
    ids = np.array([each.workspace_id for each in unequal], np.int64)
    days = np.array([each.date.toordinal() for each in unequal], np.int64)
    day_links.reopen(connection, ids, days)


def _month(session: Session, row: Row[Any]) -> Look:
    """The days of touchpoints in a month, and what links had in it."""
    month, workspace_id = row.month, row.workspace_id
    if row.days is None:
        return OPEN
    days = packed_days.packed(session.connection(), workspace_id, month, last_of(month).day)
    links = _links_of_month(session, workspace_id, month)
    if (row.days, row.links) == (days, links):
        return AGREES
    if row.days != days:
        form = packed_days.PACKED
        touchpoint_id = first_differing(row.days, days, form, "touchpoint_id")
        named = touchpoint_or_workspace(session, workspace_id, touchpoint_id)
    else:
        link_id = first_differing(row.links, links, packed_links.PACKED, "link_id")
        named = link_or_workspace(session, workspace_id, link_id)
    key = month, workspace_id
    return Look(1, unequal=[Unequal(MonthDays.__tablename__, workspace_id, month, *named, key)])


def _links_of_month(session: Session, workspace_id: int, month: date) -> bytes:
    """As `packed_links.packed` makes it of the sums of links, made of their days."""
    rows, counts = LinkDay, packed_links.PACKED.names or ()
    found = session.execute(
        select(
            rows.link_id,
            rows.touchpoint_id,
            *(func.sum(getattr(rows, name)) for name in counts[2:]),
        )
        .where(rows.workspace_id == workspace_id, rows.local_date.between(month, last_of(month)))
        .group_by(rows.link_id, rows.touchpoint_id)
        .order_by(rows.link_id, rows.touchpoint_id)
    )
    return np.array([tuple(row) for row in found], packed_links.PACKED).tobytes()


def _reopen_months(session: Session, unequal: Sequence[Unequal]) -> None:
    connection = session.connection()
    lock(connection, shared=True)
    bulk.put(connection, MonthDays, [(*each.key, None, None) for each in unequal])


def _campaign(session: Session, row: Row[Any]) -> Look:
    """What the links of a campaign had of each value on the days of a month."""
    link_ids = campaign_months.links_of(session, row.campaign_id)
    if row.days is None or campaign_months.digest(link_ids) != row.links:
        return OPEN  # nobody reads what was packed for other links
    right = campaign_values.packed(session.connection(), days_of(row.month), link_ids)
    if decompressed(row.days) == decompressed(right):
        return AGREES
    name = session.scalar(select(Campaign.name).where(Campaign.id == row.campaign_id))
    kind, key = CampaignMonth.__tablename__, (row.month, row.campaign_id)
    return Look(
        1, unequal=[Unequal(kind, row.workspace_id, row.month, "campaign", name or "", key)]
    )


def _reopen_campaigns(session: Session, unequal: Sequence[Unequal]) -> None:
    connection = session.connection()
    lock(connection, shared=True)
    for each in unequal:
        month, campaign_id = each.key
        connection.execute(
            update(CampaignMonth)
            .where(CampaignMonth.month == month, CampaignMonth.campaign_id == campaign_id)
            .values(version=CampaignMonth.version + 1, days=None)
        )


DAY_LINKS = of_table(DayLinks, _day, _reopen_days)
LINK_WEEKS, LINK_MONTHS = map(_spans, (WEEKS, MONTHS))
MONTH_DAYS = of_table(MonthDays, _month, _reopen_months)
CAMPAIGN_MONTHS = of_table(CampaignMonth, _campaign, _reopen_campaigns)
