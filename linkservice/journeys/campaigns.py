"""Campaigns: timed efforts across touchpoints.

Not here: which links belong to one and how many (`links/`), so a deletion cannot be undone:
whoever offers it asks first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from linkservice.database import unless_taken
from linkservice.errors import Conflict, Problem
from linkservice.fields import Problems
from linkservice.journeys.model import LONGEST_NAME, Campaign
from linkservice.workspaces.access import Actor, find, page
from linkservice.workspaces.trail import note


def create_campaign(session: Session, actor: Actor, name: str, now: datetime) -> Campaign:
    """Raises `Invalid`, `Conflict` for a name in use, `Forbidden`."""
    actor.require("journeys:write")
    campaign = Campaign(workspace_id=actor.workspace_id, created_at=now)
    _store(session, campaign, name)
    note(session, actor, "campaign.created", now, subject_id=campaign.id, name=campaign.name)
    return campaign


def one_campaign(session: Session, actor: Actor, campaign_id: str) -> Campaign:
    """One campaign. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:read")
    return find(session, actor, Campaign, campaign_id)


def list_campaigns(
    session: Session, actor: Actor, *, after: int | None, limit: int
) -> Sequence[Campaign]:
    """Campaigns, the oldest first, with ids above `after`."""
    actor.require("journeys:read")
    return session.scalars(page(actor, Campaign, after=after, limit=limit)).all()


def rename_campaign(
    session: Session, actor: Actor, campaign_id: str, name: str, now: datetime
) -> Campaign:
    """Raises `Invalid`, `Conflict` for a name in use, `NotFound`, `Forbidden`."""
    actor.require("journeys:write")
    campaign = find(session, actor, Campaign, campaign_id)
    before = campaign.name
    _store(session, campaign, name)
    if campaign.name != before:
        subject, name = campaign.id, campaign.name
        note(session, actor, "campaign.renamed", now, subject_id=subject, name=name, before=before)
    return campaign


def delete_campaign(session: Session, actor: Actor, campaign_id: str, now: datetime) -> None:
    """Delete it for good; its links stay, without a campaign. Raises `NotFound`, `Forbidden`."""
    actor.require("journeys:write")
    campaign = find(session, actor, Campaign, campaign_id)
    session.delete(campaign)
    session.flush()
    note(session, actor, "campaign.deleted", now, subject_id=campaign.id, name=campaign.name)


def _store(session: Session, campaign: Campaign, name: str) -> None:
    problems = Problems()
    name = problems.text("name", name, longest=LONGEST_NAME)
    problems.raise_if_any()
    taken = Conflict(Problem("name", "name_taken", {"name": name}))
    # Named inside, so that a refusal undoes no more than the name.
    with unless_taken(session, Campaign, "workspace_id", "name", otherwise=taken):
        campaign.name = name
        session.add(campaign)
