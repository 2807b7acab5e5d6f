"""Workspaces and users: made, found, changed. Who may do what is in `access.py`, how people
join in `members.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from ada_url import URL
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from linkservice import changes
from linkservice.database import unless_taken
from linkservice.errors import Conflict, NotFound, Problem
from linkservice.fields import Problems
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import LOCALES, ROLES, Member, User, Workspace
from linkservice.workspaces.networks import checked_networks
from linkservice.workspaces.public_holidays import checked_region
from linkservice.workspaces.trail import assign, note

LONGEST_NAME = 100
LONGEST_URL = 2048
MOST_DAYS = 365
"""Between a click and a conversion it counts for, at most."""


class WorkspaceChanges(TypedDict, total=False):
    """The fields of a workspace that can be changed; own networks are a line each."""

    name: str
    time_zone: str
    holidays: str | None
    locale: str
    brand_colour: str
    imprint_url: str | None
    privacy_url: str | None
    count_visitors: bool
    own_networks: Sequence[str]
    attribution_days: int


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


def user_named(session: Session, email: str) -> User:
    """The user with that address. Raises `NotFound`."""
    known = Problems().email("email", email)
    found = session.scalar(select(User).where(User.email == known))
    if found is None:
        raise NotFound(Problem("email", "no_such_user", {"email": known[:80]}))
    return found


def list_users(session: Session) -> Sequence[tuple[User, Member | None, Workspace | None]]:
    """Everybody, once for each membership (None without one), in order of addresses."""
    query = (
        select(User, Member, Workspace)
        .outerjoin(Member, Member.user_id == User.id)
        .outerjoin(Workspace, Workspace.id == Member.workspace_id)
        .order_by(User.email, Member.id)
    )
    return [(user, member, workspace) for user, member, workspace in session.execute(query)]


def choose_locale(session: Session, user: User, locale: str | None) -> None:
    """Let pages speak that language to the person; None means the workspace's. Raises `Invalid`."""
    problems = Problems()
    if locale is not None:
        problems.one_of("locale", locale, LOCALES)
    problems.raise_if_any()
    session.execute(update(User).where(User.id == user.id).values(locale=locale))


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
    checked: WorkspaceChanges = {}
    if "name" in wanted:
        checked["name"] = problems.text("name", wanted["name"], longest=LONGEST_NAME)
    if "time_zone" in wanted:
        checked["time_zone"] = problems.time_zone("time_zone", wanted["time_zone"])
    if "holidays" in wanted:
        checked["holidays"] = checked_region(problems, "holidays", wanted["holidays"])
    if "locale" in wanted:
        checked["locale"] = problems.one_of("locale", wanted["locale"], LOCALES)
    if "brand_colour" in wanted:
        checked["brand_colour"] = problems.colour("brand_colour", wanted["brand_colour"])
    if "imprint_url" in wanted:
        checked["imprint_url"] = _notice_url(problems, "imprint_url", wanted["imprint_url"])
    if "privacy_url" in wanted:
        checked["privacy_url"] = _notice_url(problems, "privacy_url", wanted["privacy_url"])
    values: dict[str, object] = {**checked}
    if "count_visitors" in wanted:
        values["count_visitors"] = wanted["count_visitors"]
    if "own_networks" in wanted:
        networks = checked_networks(problems, "own_networks", wanted["own_networks"])
        values["own_networks"] = networks
    if "attribution_days" in wanted:
        problems.number("attribution_days", wanted["attribution_days"], low=1, high=MOST_DAYS)
        values["attribution_days"] = wanted["attribution_days"]
    problems.raise_if_any()
    if fields := assign(workspace, values):
        changes.announce(session, "workspace", now)
        note(session, actor, "workspace.changed", now, name=workspace.name, fields=fields)
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
