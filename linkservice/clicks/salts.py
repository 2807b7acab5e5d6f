"""Salts: the random key of a workspace's local day, from which visitor tokens are made.

Made a day ahead, so that no redirect waits for one; deleted when their day is over, since
without the salt a token can never again be tied to an address. Never backed up.
"""

from __future__ import annotations

import secrets
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, delete, insert, inspect, select
from sqlalchemy.orm import Session

from linkservice.clicks.calendar import zone
from linkservice.clicks.model import Salt
from linkservice.database import insert_into
from linkservice.workspaces.model import Workspace

SALT_BYTES = 32

MOST_HOURS = 48
"""Promised: no salt outlives the beginning of its day by more, not even of one with 25 hours."""

GRACE = timedelta(hours=1)
"""How long a salt outlives its day: for workers whose clocks differ a little."""

IMPORT_LIFE = timedelta(hours=24)
"""How long the salt of a day already past is kept, for the rest of an import."""


def ensure_salts(session: Session, now: datetime) -> None:
    """Make today's and tomorrow's salt of every workspace that has none yet."""
    rows = []
    for workspace in session.scalars(select(Workspace)):
        today = now.astimezone(zone(workspace.time_zone)).date()
        rows += [_new(workspace, day, now) for day in (today, today + timedelta(days=1))]
    _insert(session, rows)


def salt_for(session: Session, workspace_id: int, local_date: date, now: datetime) -> bytes:
    """The salt of that day, made if there is none: imports bring clicks of days long past."""
    found = session.get(Salt, (workspace_id, local_date))
    if found is None:
        workspace = session.get_one(Workspace, workspace_id)
        _insert(session, [_new(workspace, local_date, now)])
        found = session.get_one(Salt, (workspace_id, local_date))
    return bytes(found.salt)


def delete_expired(session: Session, now: datetime) -> None:
    """Delete the salts whose time is over."""
    session.execute(delete(Salt).where(Salt.expires_at <= now))


def taken_out(connection: Connection) -> list[dict[str, object]]:
    """The salts of a database that is about to be made anew; none where it has no tables."""
    if not inspect(connection).has_table(Salt.__tablename__):
        return []
    return [dict(row) for row in connection.execute(select(Salt.__table__)).mappings()]


def put_back(connection: Connection, rows: list[dict[str, object]]) -> None:
    """Have who was counted today not be counted once more: `rows` of `taken_out`, except those
    of workspaces that are no more.
    """
    known = set(connection.scalars(select(Workspace.id)))
    rows = [row for row in rows if row["workspace_id"] in known]
    if rows:
        connection.execute(insert(Salt), rows)


def end_of_day(local_date: date, time_zone: str) -> datetime:
    """The moment the local day ends, which is its next midnight in that zone."""
    return datetime.combine(local_date + timedelta(days=1), time(), zone(time_zone))


def _new(workspace: Workspace, local_date: date, now: datetime) -> dict[str, object]:
    ends = end_of_day(local_date, workspace.time_zone)
    return {
        "workspace_id": workspace.id,
        "local_date": local_date,
        "salt": secrets.token_bytes(SALT_BYTES),
        "expires_at": ends + GRACE if ends > now else now + IMPORT_LIFE,
    }


def _insert(session: Session, rows: list[dict[str, object]]) -> None:
    """Insert, unless another process was faster: then its salt is the day's."""
    if not rows:
        return
    session.execute(
        insert_into(Salt, session).on_conflict_do_nothing(
            index_elements=["workspace_id", "local_date"]
        ),
        rows,
    )
