"""The touchpoints of a workspace with their stages and journeys, read once for all parts of a page.

Not here: which of them a report shows.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.database import read_once
from linkservice.journeys.model import Journey, Stage, Touchpoint


def places(session: Session, workspace_id: int) -> Sequence[tuple[Touchpoint, Stage, Journey]]:
    """All touchpoints there ever were, deleted ones too, in the order the journeys give them."""
    query = (
        select(Touchpoint, Stage, Journey)
        .join(Stage, Stage.id == Touchpoint.stage_id)
        .join(Journey, Journey.id == Stage.journey_id)
        .where(Touchpoint.workspace_id == workspace_id)
        .order_by(Journey.id, Stage.position, Stage.id, Touchpoint.position, Touchpoint.id)
    )
    return read_once(
        session,
        (places, workspace_id),
        lambda: [(row[0], row[1], row[2]) for row in session.execute(query)],
    )
