"""Packs what PostgreSQL has of days that are long over: clicks, and the hours and facets of links.

A row a click takes 164 bytes there and its hours and facets 171 more, packed (`packed_model`) a
seventh. Nothing but where they lie changes: readers of `EveryClick`, `EveryLinkHour` and
`EveryLinkFacet` see the same before, meanwhile and after. Clicks that come later are rows until
there are some to be packed as well; later hours and facets are rows that add to packed ones, be it
less than nought. Clicks that are to change are made rows again before (`unpack`).

Decided here: when a day is packed, and how much at once. The ingester does it when it is idle, and
may be stopped at any moment. SQLite packs nothing: its rows are small.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TypeAlias

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, text, true, tuple_
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from linkservice.clicks.model import Click, LinkFacet, LinkHour
from linkservice.clicks.packed_model import EveryClick, PackedClicks
from linkservice.database import Database, is_sqlite
from linkservice.workspaces.model import Workspace

RowId: TypeAlias = tuple[int, int]
"""Segment and position of a click."""

_LinkRows: TypeAlias = LinkHour | LinkFacet

AFTER_DAYS = 30
"""A day is packed so many days after it: single clicks of the last four weeks are most asked for,
and those of packed days take twice the time. The spool, which clicks may be read from once more
(`reclassify`), is mostly gone by then."""

CLICKS_IN_ONE = 1_000
"""Clicks of one packed row: 20 bytes each. Of 250 they take 23, of 4,000 they take 19."""

FEWEST_CLICKS = 10
"""Of a day that has fewer, clicks stay rows: 15 arrays take 360 bytes beside what is in them."""

CLICKS_AT_ONCE, LINKS_AT_ONCE = 10_000, 400
"""Packed in one transaction, of some 100 ms."""

PACKED_AT_ONCE = 5
"""Packed rows read together by who reads clicks in order."""

_PATIENCE_MS = 200
"""Waited for whoever is at the same rows; then packing is what waits for another time. Less than
after which PostgreSQL looks for deadlocks, or it might give up the other one."""

_WAITED_TOO_LONG = "55P03"  # lock_not_available

_PG_LOCK = 0x7061636B  # any number that nothing else of this database locks by ("pack")


class Packing:
    """Packs one day after the other, a part at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._horizon = date.min
        self._days: dict[int | type[_LinkRows], int] = {}
        """Up to where there was nothing to pack today: by workspace, and of hours and facets. Who
        looks for the first day passes, until PostgreSQL vacuums, all that was packed before.
        """

    def some(self, now: datetime) -> bool:
        """Pack a part of a day; whether there was any.

        Raises SQLAlchemyError where the database is away; nothing is lost then.
        """
        if self._database.is_sqlite:
            return False
        horizon = now.date() - timedelta(days=AFTER_DAYS)
        if horizon != self._horizon:
            self._horizon = horizon
            self._days.clear()
        try:
            with self._database.transaction() as session:
                # Who adds to the day may wait in turn until nobody packs.
                session.execute(text(f"SET LOCAL lock_timeout = {_PATIENCE_MS}"))
                # Another ingester may be at it.
                alone = session.scalar(text(f"SELECT pg_try_advisory_xact_lock({_PG_LOCK})"))
                return bool(alone) and (self._pack_clicks(session) or self._pack_links(session))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _WAITED_TOO_LONG:
                raise
            return False

    def _pack_clicks(self, session: Session) -> bool:
        end = self._horizon.toordinal()
        for workspace_id in session.scalars(select(Workspace.id)).all():
            first = self._days.get(workspace_id, 0)
            if first >= end:
                continue
            days = Click.local_day
            query = (
                select(days)
                .where(Click.workspace_id == workspace_id, days >= first, days < end)
                .group_by(days)
                .having(func.count() >= FEWEST_CLICKS)
                .order_by(days)
            )
            day = session.scalar(query.limit(1))
            self._days[workspace_id] = end if day is None else day
            if day is not None:
                some = {"workspace_id": workspace_id, "local_day": day, "at_once": CLICKS_AT_ONCE}
                session.execute(_PACK_CLICKS, some | {"in_one": CLICKS_IN_ONE})
                return True
        return False

    def _pack_links(self, session: Session) -> bool:
        for rows in (LinkHour, LinkFacet):
            first = date.fromordinal(self._days.get(rows, 1))
            days = rows.local_date
            query = select(func.min(days)).where(days >= first, days < self._horizon)
            day = session.scalar(query)
            self._days[rows] = (day or self._horizon).toordinal()
            if day is not None:
                links = select(rows.link_id).where(days == day).distinct()
                some = session.scalars(links.order_by(rows.link_id).limit(LINKS_AT_ONCE)).all()
                session.execute(_PACK_LINKS, {"day": day, "link_ids": list(some)})
                return True
        return False


def unpack(connection: Connection, ids: Collection[RowId]) -> None:
    """Make rows again of those of these clicks that lie packed, and of all that lie with them.
    Nobody packs then until the caller's transaction ends.
    """
    if connection.dialect.name == "sqlite":
        return
    connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({_PG_LOCK})"))
    for segment_id, positions in _by_segment(ids):
        between = Click.position.between(positions[0], positions[-1])
        rows = select(Click.position).where(Click.segment_id == segment_id, between)
        if missing := set(positions).difference(connection.scalars(rows)):
            some = {"segment_id": segment_id, "low": min(missing), "high": max(missing)}
            connection.execute(_UNPACK_CLICKS, some)


def lying_with(connection: Connection, ids: Collection[RowId]) -> ColumnElement[bool]:
    """The condition on `EveryClick` that leads to what lies packed with any of these clicks; it
    leaves none of them out, and others in.
    """
    if connection.dialect.name == "sqlite":
        return true()
    first = tuple_(EveryClick.first_segment_id, EveryClick.first_position)
    last = tuple_(EveryClick.last_segment_id, EveryClick.last_position)
    return or_(
        *(
            and_(first <= (segment_id, positions[-1]), last >= (segment_id, positions[0]))
            for segment_id, positions in _by_segment(ids)
        )
    )


def end_of_some(session: Session, workspace_id: int, day: int, place: RowId) -> RowId | None:
    """Where the next few packed rows of a day end, after the key `place`; None where no more than
    these are left. Packed rows have no order: of all that are left PostgreSQL would read all.
    """
    last = PackedClicks.last_segment_id, PackedClicks.last_position
    found = session.execute(
        select(*last)
        .where(
            PackedClicks.workspace_id == workspace_id,
            PackedClicks.local_day == day,
            tuple_(*last) > place,
        )
        .order_by(*last)
        .offset(PACKED_AT_ONCE)
        .limit(1)
    ).first()
    return (found[0], found[1]) if found else None


def coming_after(session: Session, place: RowId, end: RowId | None = None) -> ColumnElement[bool]:
    """The condition on `EveryClick` that the key is greater than this one, and not than the end."""
    key = tuple_(EveryClick.segment_id, EveryClick.position)
    if is_sqlite(session):
        return key > place
    # Or all that lies packed before or behind would be unpacked to be left out.
    later = and_(key > place, tuple_(EveryClick.last_segment_id, EveryClick.last_position) > place)
    if end is None:
        return later
    first = tuple_(EveryClick.first_segment_id, EveryClick.first_position)
    return and_(later, key <= end, first <= end)


def _by_segment(ids: Collection[RowId]) -> Iterator[tuple[int, list[int]]]:
    """The segments of these clicks, and where they are there, in order."""
    for segment_id, some in groupby(sorted(ids), key=lambda each: each[0]):
        yield segment_id, [position for _, position in some]


_IN_ARRAYS = (
    *("segment_id", "domain_id", "link_id", "link_version", "touchpoint_id", "agent_id"),
    *("country_id", "language_id", "referrer_id", "local_hour", "class", "flags", "city_id"),
)
"""The columns of clicks that are packed as they are."""

_ORDER = "ORDER BY segment_id, position"

_PACK_CLICKS = text(f"""
    WITH gone AS (
        DELETE FROM clicks WHERE (segment_id, position) IN (
            SELECT segment_id, position FROM clicks
            WHERE workspace_id = :workspace_id AND local_day = :local_day {_ORDER} LIMIT :at_once
        ) RETURNING *
    ), placed AS (
        SELECT *, (row_number() OVER ({_ORDER}) - 1) / :in_one AS part,
            min(time_ms) OVER () AS since_ms
        FROM gone
    )
    INSERT INTO packed_clicks (
        first_segment_id, first_position, last_segment_id, last_position, workspace_id, local_day,
        since_ms, position, after_ms, {", ".join(_IN_ARRAYS)}
    )
    SELECT
        (array_agg(segment_id {_ORDER}))[1], (array_agg(position {_ORDER}))[1],
        (array_agg(segment_id {_ORDER}))[count(*)], (array_agg(position {_ORDER}))[count(*)],
        workspace_id, local_day, since_ms,
        array_agg(CAST(position AS INTEGER) {_ORDER}),
        array_agg(CAST(time_ms - since_ms AS INTEGER) {_ORDER}),
        {", ".join(f"array_agg({name} {_ORDER})" for name in _IN_ARRAYS)}
    FROM placed GROUP BY workspace_id, local_day, since_ms, part
""")  # noqa: S608  # names are the models'

_UNPACK_CLICKS = text(f"""
    WITH gone AS (
        DELETE FROM packed_clicks
        WHERE (first_segment_id, first_position) <= (:segment_id, :high)
            AND (last_segment_id, last_position) >= (:segment_id, :low)
        RETURNING *
    )
    INSERT INTO clicks (
        workspace_id, local_day, position, time_ms, {", ".join(_IN_ARRAYS)}
    )
    SELECT workspace_id, local_day, unnest(position), since_ms + unnest(after_ms),
        {", ".join(f"unnest({name})" for name in _IN_ARRAYS)}
    FROM gone
""")  # noqa: S608  # names are the models'

_PACK_LINKS = text("""
    WITH of_hours AS (
        DELETE FROM link_hours WHERE local_date = :day AND link_id = ANY(:link_ids)
        RETURNING link_id, local_hour, clicks, scans
    ), of_facets AS (
        DELETE FROM link_facets WHERE local_date = :day AND link_id = ANY(:link_ids)
        RETURNING link_id, value_id, clicks
    ), packed AS (
        SELECT * FROM packed_link_days WHERE local_date = :day AND link_id = ANY(:link_ids)
    ), hours AS (
        SELECT link_id, local_hour, CAST(sum(clicks) AS INTEGER) AS clicks,
            CAST(sum(scans) AS INTEGER) AS scans
        FROM (
            SELECT * FROM of_hours UNION ALL
            SELECT link_id, unnest(local_hour), unnest(hour_clicks), unnest(hour_scans) FROM packed
        ) AS every_hour
        GROUP BY link_id, local_hour HAVING sum(clicks) <> 0 OR sum(scans) <> 0
    ), facets AS (
        SELECT link_id, value_id, CAST(sum(clicks) AS INTEGER) AS clicks
        FROM (
            SELECT * FROM of_facets UNION ALL
            SELECT link_id, unnest(value_id), unnest(value_clicks) FROM packed
        ) AS every_facet
        GROUP BY link_id, value_id HAVING sum(clicks) <> 0
    ), hours_of AS (
        SELECT link_id, array_agg(local_hour ORDER BY local_hour) AS local_hour,
            array_agg(clicks ORDER BY local_hour) AS clicks,
            array_agg(scans ORDER BY local_hour) AS scans
        FROM hours GROUP BY link_id
    ), facets_of AS (
        SELECT link_id, array_agg(value_id ORDER BY value_id) AS value_id,
            array_agg(clicks ORDER BY value_id) AS clicks
        FROM facets GROUP BY link_id
    )
    INSERT INTO packed_link_days (
        local_date, link_id, local_hour, hour_clicks, hour_scans, value_id, value_clicks
    )
    SELECT :day, link_id,
        coalesce(hours_of.local_hour, '{}'), coalesce(hours_of.clicks, '{}'),
        coalesce(hours_of.scans, '{}'),
        coalesce(facets_of.value_id, '{}'), coalesce(facets_of.clicks, '{}')
    FROM unnest(CAST(:link_ids AS BIGINT[])) AS links (link_id)
    LEFT JOIN hours_of USING (link_id) LEFT JOIN facets_of USING (link_id)
    ON CONFLICT (local_date, link_id) DO UPDATE SET
        local_hour = excluded.local_hour, hour_clicks = excluded.hour_clicks,
        hour_scans = excluded.hour_scans, value_id = excluded.value_id,
        value_clicks = excluded.value_clicks
""")
