"""Since when single clicks are all there: older ones are deleted (`retention`)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from linkservice.clicks.closed_day_model import DeletedClicks
from linkservice.database import insert_into


def kept_from(session: Session | Connection, workspace_id: int) -> date:
    """The first day from which on all click rows are there, `date.min` where none was deleted.

    That is noted and not seen from the rows: a late click of a day whose rows are gone would pass
    for its first.
    """
    before = select(DeletedClicks.before).where(DeletedClicks.workspace_id == workspace_id)
    return date.fromordinal(session.scalar(before) or 1)


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
