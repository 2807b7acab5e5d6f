"""Which days have single clicks, and since when they are all there: older ones are deleted
(`retention`).
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from linkservice.clicks.closed_day_model import DeletedClicks
from linkservice.clicks.model import Click
from linkservice.clicks.packed_model import PackedClicks
from linkservice.database import insert_into


def kept_from(session: Session | Connection, workspace_id: int) -> date:
    """The first day from which on all click rows are there, `date.min` where none was deleted.

    That is noted and not seen from the rows: a late click of a day whose rows are gone would pass
    for its first.
    """
    before = select(DeletedClicks.before).where(DeletedClicks.workspace_id == workspace_id)
    return date.fromordinal(session.scalar(before) or 1)


def day_after(session: Session, workspace_id: int, day: int) -> int | None:
    """The first day after this one (`date.toordinal()`) that has single clicks, None if none has.

    Looked up where they lie: of the two together PostgreSQL would read all.
    """
    found = (
        session.scalar(
            select(func.min(lie.local_day)).where(
                lie.workspace_id == workspace_id, lie.local_day > day
            )
        )
        for lie in (Click, PackedClicks)
    )
    return min((each for each in found if each is not None), default=None)


def note_deletion(session: Session, workspace_id: int, before: int) -> None:
    """Say that rows before a day (`date.toordinal()`) are being deleted, ahead of the first."""
    statement = insert_into(DeletedClicks, session.connection()).values(
        workspace_id=workspace_id, before=before
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id"],
            set_={"before": statement.excluded.before},
            # With a longer retention than before, what is gone stays gone.
            where=DeletedClicks.before < statement.excluded.before,
        )
    )
