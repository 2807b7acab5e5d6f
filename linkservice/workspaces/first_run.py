"""The first run: whether its owner has set a workspace up. Which steps there are, and which of
them are left, the web door says.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace
from linkservice.workspaces.trail import note


def finish_first_run(session: Session, actor: Actor, now: datetime) -> None:
    """The owner finished the first run, or left it; a second time changes nothing.

    Raises `Forbidden`.
    """
    actor.require("admin")
    workspace = session.get_one(Workspace, actor.workspace_id)
    if workspace.set_up_at is None:
        workspace.set_up_at = now
        note(session, actor, "workspace.set_up", now, name=workspace.name)
