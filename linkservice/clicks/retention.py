"""What is kept for how long, and the counts that are taken in beside the spool.

Roll-ups and the ledger stay for ever; everything that tells single clicks apart goes.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import TypeAlias

from sqlalchemy import ColumnElement, delete, func, select

from linkservice import changes
from linkservice.clicks import damage, ledger, packing, salts, shortfall
from linkservice.clicks.failpoints import passing
from linkservice.clicks.kept_rows import note_deletion
from linkservice.clicks.ledger_model import Unrecorded
from linkservice.clicks.model import Click, Salt, VisitorKeys
from linkservice.clicks.packed_model import PackedClicks
from linkservice.clicks.segment import delete_segment, segments
from linkservice.config import Settings
from linkservice.database import Database, insert_into

ROWS_AT_ONCE = 2_000
"""Clicks deleted in one transaction, so that no writer waits long for the gate."""

DAYS_OF_A_MONTH = 30.44

_Clicks: TypeAlias = type[Click] | type[PackedClicks]
"""Where clicks lie."""


def keep_house(settings: Settings, database: Database, now: datetime) -> None:
    """Delete what is older than the settings allow, and make the salts of the coming day."""
    with database.transaction() as session:
        salts.ensure_salts(session, now)
        salts.delete_expired(session, now)
        changes.forget_old(session, now)
        oldest = (now - timedelta(days=settings.token_retention_days)).date()
        # A day that still has a salt is being imported: more of its clicks may come.
        session.execute(
            delete(VisitorKeys).where(
                VisitorKeys.local_date < oldest,
                VisitorKeys.local_date.not_in(select(Salt.local_date)),
            )
        )
    _prune_clicks(settings, database, now)
    delete_old_segments(settings, database, now)


def delete_old_segments(settings: Settings, database: Database, now: datetime) -> int:
    """Delete segments that were ingested longer ago than the retention; their number.

    A segment goes only when the ledger, on stable storage, says that it is finished, up to the
    end of this very file. What was set aside as damaged goes as long after it was found.
    """
    kept = timedelta(days=settings.spool_retention_days)
    damage.forget_old(settings.spool_dir, kept.total_seconds())
    horizon = now - kept
    with database.reading() as session:
        finished = {
            key: entry.position
            for key, entry in ledger.entries(session).items()
            if entry.finished_at is not None and entry.finished_at < horizon
        }
    deleted = 0
    for segment in segments(settings.spool_dir):
        if segment.sealed and segment.size <= finished.get((segment.node, segment.name), 0):
            passing("before delete")
            delete_segment(segment)
            passing("after delete")
            with database.writing_connection() as connection:
                ledger.mark_deleted(connection, segment, now)
            passing("after noting the delete")
            deleted += 1
    return deleted


def take_in_shortfall(settings: Settings, database: Database) -> None:
    """Store what the link door redirected and could not record; absolute, so repeatable."""
    counted = shortfall.read_all(settings.spool_dir)
    if not counted:
        return
    rows: dict[tuple[str, int, date], int] = defaultdict(int)
    for each in counted:
        rows[(each.source, each.workspace_id, date.fromordinal(each.day))] += each.clicks
    with database.reading() as session:
        stored = {
            (row.source, row.workspace_id, row.local_date): row.clicks
            for row in session.scalars(select(Unrecorded))
        }
    fresh = {key: clicks for key, clicks in rows.items() if stored.get(key, 0) < clicks}
    if fresh:
        _store_shortfall(database, fresh)
    kept_seconds = timedelta(days=settings.spool_retention_days).total_seconds()
    shortfall.forget(settings.spool_dir, counted, kept_seconds)


def _store_shortfall(database: Database, rows: dict[tuple[str, int, date], int]) -> None:
    names = ("source", "workspace_id", "local_date")
    with database.writing_connection() as connection:
        statement = insert_into(Unrecorded, connection)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(names),
                set_={"clicks": statement.excluded.clicks},
                # An ingester that was held up must not put back what another has stored since.
                where=Unrecorded.clicks < statement.excluded.clicks,
            ),
            [{**dict(zip(names, key, strict=True)), "clicks": rows[key]} for key in sorted(rows)],
        )


def _prune_clicks(settings: Settings, database: Database, now: datetime) -> None:
    months = settings.click_retention_months
    horizon = (now - timedelta(days=months * DAYS_OF_A_MONTH)).toordinal()
    for lie in (Click, PackedClicks):
        workspace_id = 0
        while (found := _following(database, lie, workspace_id)) is not None:
            workspace_id = found
            old = lie.workspace_id == workspace_id, lie.local_day < horizon
            with database.reading() as session:
                if session.execute(select(lie.workspace_id).where(*old).limit(1)).first() is None:
                    continue
            with database.transaction() as session:
                note_deletion(session, workspace_id, horizon)
            while _prune_some(database, lie, *old):
                pass


def _following(database: Database, lie: _Clicks, workspace_id: int) -> int | None:
    """The next workspace with clicks there."""
    following = select(func.min(lie.workspace_id)).where(lie.workspace_id > workspace_id)
    with database.reading() as session:
        return session.scalar(following)


def _prune_some(database: Database, lie: _Clicks, *old: ColumnElement[bool]) -> bool:
    """Delete some clicks that meet the conditions; whether there were any."""
    segment, position = (
        (Click.segment_id, Click.position)
        if lie is Click
        else (PackedClicks.first_segment_id, PackedClicks.first_position)
    )
    most = ROWS_AT_ONCE if lie is Click else ROWS_AT_ONCE // packing.CLICKS_IN_ONE
    with database.transaction() as session:
        keys = session.execute(select(segment, position).where(*old).limit(most)).all()
        for segment_id in {each[0] for each in keys}:
            positions = [each[1] for each in keys if each[0] == segment_id]
            session.execute(delete(lie).where(segment == segment_id, position.in_(positions)))
    return bool(keys)
