"""Since when single clicks are all there: older ones may have been deleted (`retention`)."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.clicks.model import Click, LinkDay


def kept_from(session: Session, workspace_id: int) -> date | None:
    """The first day from which on all click rows are there, `date.min` where none was deleted; None
    where no row is left.
    """
    row = session.scalar(
        select(func.min(Click.local_day)).where(Click.workspace_id == workspace_id)
    )
    summed = session.scalar(
        select(func.min(LinkDay.local_date)).where(LinkDay.workspace_id == workspace_id)
    )
    if row is None:
        return None if summed else date.min
    kept = date.fromordinal(row)
    if summed is None:
        return kept
    # Where days are gone already, the next one may just be going.
    return date.min if kept <= summed else kept + timedelta(days=1)
