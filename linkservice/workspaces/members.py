"""Who belongs to a workspace: listed, given another role, removed, helped to a new password.

A workspace always has an owner, and no owner gets hold of an account that another workspace
trusts. Not here: how members come (`invitations`), what a role may do (`access`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from linkservice.errors import Conflict, Problem
from linkservice.fields import Problems
from linkservice.workspaces import one_time, sessions, trail
from linkservice.workspaces.access import Actor, find
from linkservice.workspaces.model import (
    ROLES,
    Member,
    SignInSession,
    User,
    Workspace,
)
from linkservice.workspaces.sessions import SignedIn


@dataclass(frozen=True, slots=True)
class Person:
    """A member as owners see them; `can_sign_in` once a password is chosen."""

    id: int
    email: str
    role: str
    created_at: datetime
    can_sign_in: bool


def list_members(session: Session, actor: Actor) -> Sequence[Person]:
    """The members of the workspace, the first one at the front. Raises `Forbidden`."""
    actor.require("admin")
    query = (
        select(Member, User)
        .join(User, User.id == Member.user_id)
        .where(Member.workspace_id == actor.workspace_id)
        .order_by(Member.id)
    )
    return [
        Person(
            member.id, user.email, member.role, member.created_at, user.password_hash is not None
        )
        for member, user in session.execute(query)
    ]


def change_role(
    session: Session,
    actor: Actor,
    member_id: str,
    role: str,
    now: datetime,
    *,
    own: SignInSession | None = None,
) -> str | None:
    """Give a member another role; their sessions in the workspace end.

    `own` is the session of whoever asks: where the role is their own, it lives on under
    the new token that is returned. Raises `Invalid`, `Conflict` (``last_owner``),
    `NotFound`, `Forbidden`.
    """
    actor.require("admin")
    problems = Problems()
    problems.one_of("role", role, ROLES)
    problems.raise_if_any()
    one_at_a_time(session, actor)
    member = find(session, actor, Member, member_id)
    if member.role == role:
        return None
    if role != "owner":
        _keep_an_owner(session, actor, member, "role")
    before, member.role = member.role, role
    session.flush()
    user = session.get_one(User, member.user_id)
    trail.note(
        session,
        actor,
        "member.role_changed",
        now,
        subject_id=member.id,
        name=user.email,
        before=before,
        after=role,
    )
    mine = own if own is not None and own.user_id == user.id else None
    sessions.end_all(session, user.id, workspace_id=actor.workspace_id, but=mine)
    return None if mine is None else sessions.rotate(session, mine)


def remove_member(session: Session, actor: Actor, member_id: str, now: datetime) -> None:
    """Take a member out of the workspace; their sessions in it end.

    Raises `Conflict` (``last_owner``), `NotFound`, `Forbidden`.
    """
    actor.require("admin")
    one_at_a_time(session, actor)
    member = find(session, actor, Member, member_id)
    _remove(session, actor, member, "member.removed", now)


def leave(session: Session, signed_in: SignedIn, now: datetime) -> None:
    """Leave the workspace one looks at; the sessions in it end, this one too.

    Raises `Conflict` (``last_owner``), `NotFound` where one is a member no more.
    """
    actor = signed_in.actor
    one_at_a_time(session, actor)
    member = find(session, actor, Member, str(signed_in.member.id))
    _remove(session, actor, member, "member.left", now)


def password_link(session: Session, actor: Actor, member_id: str, now: datetime) -> str:
    """The token of a link by which a member chooses a new password, to be handed over.

    Raises `Conflict` where the person is a member of another workspace too, `NotFound`,
    `Forbidden`.
    """
    actor.require("admin")
    member = find(session, actor, Member, member_id)
    user = session.get_one(User, member.user_id)
    if len(sessions.memberships(session, user.id)) > 1:
        # Whoever holds the link can be that person, and the other workspace did not agree.
        raise Conflict(Problem("", "member_elsewhere", {"email": user.email}))
    trail.note(
        session, actor, "member.password_link_made", now, subject_id=member.id, name=user.email
    )
    return one_time.password_link(session, user, now)


def one_at_a_time(session: Session, actor: Actor) -> None:
    """Who changes the members of a workspace waits for whoever is doing so."""
    session.execute(
        select(Workspace.id)
        .where(Workspace.id == actor.workspace_id)
        .with_for_update(key_share=True)
    )


def _keep_an_owner(session: Session, actor: Actor, member: Member, field: str) -> None:
    others = select(func.count()).where(
        Member.workspace_id == actor.workspace_id, Member.role == "owner", Member.id != member.id
    )
    if not session.scalar(others):
        raise Conflict(Problem(field, "last_owner"))


def _remove(session: Session, actor: Actor, member: Member, action: str, now: datetime) -> None:
    _keep_an_owner(session, actor, member, "")
    user = session.get_one(User, member.user_id)
    trail.note(session, actor, action, now, subject_id=member.id, name=user.email)
    session.delete(member)
    sessions.end_all(session, user.id, workspace_id=actor.workspace_id)
