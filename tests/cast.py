"""The cast and their belongings, made through the product's own functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.manage import create_journey
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint
from linkservice.links.manage import NewLink, create_link
from linkservice.links.model import Domain, Link
from linkservice.workspaces.access import Actor
from linkservice.workspaces.accounts import create_workspace
from linkservice.workspaces.model import Workspace

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Home:
    """A workspace with its first domain, as its owner sees it."""

    workspace_id: int
    domain_id: int
    host: str
    actor: Actor


def make_home(
    session: Session,
    settings: Settings,
    *,
    host: str | None = None,
    time_zone: str = "Europe/Berlin",
    now: datetime = NOW,
) -> Home:
    """A workspace and its domain (`LINK_URL`'s host unless one is given)."""
    workspace: Workspace = create_workspace(session, now, time_zone=time_zone)
    domain = Domain(workspace_id=workspace.id, host=host or settings.link_host, created_at=now)
    session.add(domain)
    session.flush()
    actor = Actor(workspace.id, "ada", frozenset({"admin"}))
    return Home(workspace.id, domain.id, domain.host, actor)


def make_touchpoint(session: Session, home: Home, name: str = "Poster", now: datetime = NOW) -> str:
    """A touchpoint in a journey and stage of its own; its outside id."""
    journey = create_journey(session, home.actor, f"Journey of {name}", now).journey
    stage = create_stage(session, home.actor, str(journey.id), "Awareness", now)
    new = NewTouchpoint(str(stage.id), name, "poster", "physical", "paid")
    return str(create_touchpoint(session, home.actor, new, now).id)


def make_link(
    session: Session,
    settings: Settings,
    home: Home,
    slug: str | None = None,
    touchpoint_id: str | None = None,
    now: datetime = NOW,
) -> Link:
    """A link to example.com."""
    new = NewLink("https://example.com/", slug=slug, touchpoint_id=touchpoint_id)
    return create_link(session, home.actor, settings, new, now).link


def owner_of(database: Database, settings: Settings) -> Home:
    """A home in a transaction of its own."""
    with database.transaction() as session:
        return make_home(session, settings)
