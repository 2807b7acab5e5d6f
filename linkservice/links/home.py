"""The first workspace of an installation with its domain: made when somebody first needs it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.errors import NotFound
from linkservice.links.domains import first_domain
from linkservice.links.model import Domain
from linkservice.workspaces.accounts import create_workspace, first_workspace
from linkservice.workspaces.model import Workspace


def first_home(
    session: Session, settings: Settings, now: datetime, *, locale: str = "de"
) -> tuple[Workspace, Domain | None]:
    """The first workspace, and its domain if both had to be made."""
    try:
        return first_workspace(session), None
    except NotFound:
        workspace = create_workspace(session, now, locale=locale)
        return workspace, first_domain(session, workspace, settings, now)
