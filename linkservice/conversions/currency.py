"""The workspace's currency, with what counts in it: costs, and the value of conversions.

Amounts of two currencies cannot be added up, so the currency stays as soon as there is one of
either. Not here: which currencies there are (`money`), and costs (`journeys/costs`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from linkservice.conversions.model import ConversionCount, ConversionDay
from linkservice.errors import Conflict, Problem
from linkservice.journeys import costs
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace


def choose_currency(session: Session, actor: Actor, currency: str, now: datetime) -> Workspace:
    """Choose the workspace's currency.

    Raises `Invalid`, `Forbidden`, and `Conflict` as long as costs or conversions have amounts in
    another one.
    """
    before = costs.report_currency(session, actor)
    # First: it holds the workspace's row, as whoever records a value does (`recording`).
    workspace = costs.choose_currency(session, actor, currency, now)
    if currency != before and _has_values(session, actor):
        raise Conflict(Problem("currency", "currency_of_values", {"currency": before}))
    return workspace


def _has_values(session: Session, actor: Actor) -> bool:
    return any(
        session.scalar(select(exists().where(of.workspace_id == actor.workspace_id, of.value > 0)))
        for of in (ConversionDay, ConversionCount)
    )
