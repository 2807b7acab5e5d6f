"""Workspaces, users and keys: made, found, changed. Who may do what is in `access.py`."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import TypedDict

from ada_url import URL
from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice import changes
from linkservice.database import unless_taken
from linkservice.errors import Conflict, NotFound, Problem
from linkservice.fields import Problems
from linkservice.workspaces.access import SCOPES, Actor, hash_secret, joined
from linkservice.workspaces.model import LOCALES, ROLES, ApiKey, Member, User, Workspace

LONGEST_NAME = 100
LONGEST_URL = 2048

KEY_PREFIX = "lsk_"
"""Starts every API key, so that secret scanners recognise one that leaked."""


class WorkspaceChanges(TypedDict, total=False):
    """The fields of a workspace that can be changed."""

    name: str
    time_zone: str
    locale: str
    brand_colour: str
    imprint_url: str | None
    privacy_url: str | None


def first_workspace(session: Session) -> Workspace:
    """The oldest workspace; `NotFound` in an installation without one."""
    found = session.scalar(select(Workspace).order_by(Workspace.id).limit(1))
    if found is None:
        raise NotFound(Problem("", "no_workspace"))
    return found


def create_workspace(
    session: Session,
    now: datetime,
    *,
    name: str = "linkservice",
    time_zone: str = "Europe/Berlin",
    locale: str = "de",
    brand_colour: str = "#0b5fff",
) -> Workspace:
    """A new workspace. Raises `Invalid` with every wrong field."""
    problems = Problems()
    workspace = Workspace(
        name=problems.text("name", name, longest=LONGEST_NAME),
        time_zone=problems.time_zone("time_zone", time_zone),
        locale=problems.one_of("locale", locale, LOCALES),
        brand_colour=problems.colour("brand_colour", brand_colour),
        created_at=now,
    )
    problems.raise_if_any()
    session.add(workspace)
    session.flush()
    return workspace


def create_key(
    session: Session,
    workspace: Workspace,
    name: str,
    scopes: Collection[str],
    now: datetime,
    expires_at: datetime | None = None,
) -> str:
    """A new API key; the only time its text is known. Raises `Invalid`."""
    problems = Problems()
    name = problems.text("name", name, longest=LONGEST_NAME)
    for scope in scopes:
        problems.one_of("scope", scope, SCOPES)
    problems.raise_if_any()
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    session.add(
        ApiKey(
            workspace_id=workspace.id,
            name=name,
            scopes=joined(scopes or {"admin"}),
            secret_hash=hash_secret(key),
            created_at=now,
            expires_at=expires_at,
        )
    )
    session.flush()
    return key


def add_user(
    session: Session, workspace: Workspace, email: str, role: str, now: datetime
) -> Member:
    """Make the person a member of the workspace. Raises `Invalid`, or `Conflict` if she is."""
    problems = Problems()
    email = problems.email("email", email)
    role = problems.one_of("role", role, ROLES)
    problems.raise_if_any()
    user = session.scalar(select(User).where(User.email == email))
    if user is None:
        user = User(email=email, created_at=now)
        session.add(user)
        session.flush()
    member = Member(workspace_id=workspace.id, user_id=user.id, role=role, created_at=now)
    taken = Conflict(Problem("email", "member_exists", {"email": email}))
    with unless_taken(session, Member, "workspace_id", "user_id", otherwise=taken):
        session.add(member)
    return member


def own_workspace(session: Session, actor: Actor) -> Workspace:
    """The actor's workspace. Raises `Forbidden`."""
    actor.require("admin")
    return session.get_one(Workspace, actor.workspace_id)


def change_workspace(
    session: Session, actor: Actor, wanted: WorkspaceChanges, now: datetime
) -> Workspace:
    """Change the actor's workspace. Raises `Invalid`, `Forbidden`."""
    actor.require("admin")
    workspace = session.get_one(Workspace, actor.workspace_id)
    problems = Problems()
    if "name" in wanted:
        workspace.name = problems.text("name", wanted["name"], longest=LONGEST_NAME)
    if "time_zone" in wanted:
        workspace.time_zone = problems.time_zone("time_zone", wanted["time_zone"])
    if "locale" in wanted:
        workspace.locale = problems.one_of("locale", wanted["locale"], LOCALES)
    if "brand_colour" in wanted:
        workspace.brand_colour = problems.colour("brand_colour", wanted["brand_colour"])
    if "imprint_url" in wanted:
        workspace.imprint_url = _notice_url(problems, "imprint_url", wanted["imprint_url"])
    if "privacy_url" in wanted:
        workspace.privacy_url = _notice_url(problems, "privacy_url", wanted["privacy_url"])
    problems.raise_if_any()
    changes.announce(session, "workspace", now)
    return workspace


def _notice_url(problems: Problems, field: str, value: str | None) -> str | None:
    """An https or http address of a page of the workspace's own, or None."""
    if not value:
        return None
    clean = problems.text(field, value, longest=LONGEST_URL)
    if not (clean.startswith(("https://", "http://")) and _is_web_address(clean)):
        problems.add(field, "bad_notice_url")
    return clean


def _is_web_address(text: str) -> bool:
    """Whether a browser can open it."""
    try:
        return bool(URL(text).hostname)
    except ValueError:
        return False
