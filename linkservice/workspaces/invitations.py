"""Invitations: a place in a workspace kept for an address, until its person takes it.

An account is its person's alone: no invitation opens one that another workspace trusts. Not
here: members once they are in (`members`), the letter (the web door).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database, unless_taken
from linkservice.errors import Conflict, Forbidden, NotFound, Problem
from linkservice.fields import Problems
from linkservice.workspaces import passwords, sessions, sign_in, trail
from linkservice.workspaces.access import Actor, actor_of_member, find, hash_secret, scoped
from linkservice.workspaces.members import one_at_a_time
from linkservice.workspaces.model import ROLES, Invitation, Member, User, Workspace
from linkservice.workspaces.sessions import SignedIn

VALID = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Invited:
    """What an invitation offers, and whether its address has an account with a password."""

    invitation: Invitation
    workspace: Workspace
    has_account: bool


def invite(
    session: Session, actor: Actor, email: str, role: str, now: datetime
) -> tuple[Invitation, str]:
    """Keep a place for an address; the invitation and its token, the only time it is known.

    An earlier invitation of the same address works no more. Raises `Invalid`, `Conflict`
    for a member, `Forbidden`.
    """
    actor.require("admin")
    problems = Problems()
    email = problems.email("email", email)
    role = problems.one_of("role", role, ROLES)
    problems.raise_if_any()
    one_at_a_time(session, actor)
    if session.scalar(_membership_of(actor, email)) is not None:
        raise Conflict(Problem("email", "member_exists", {"email": email}))
    session.execute(
        update(Invitation)
        .where(
            Invitation.workspace_id == actor.workspace_id,
            Invitation.email == email,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        workspace_id=actor.workspace_id,
        email=email,
        role=role,
        token_hash=hash_secret(token),
        invited_by=actor.name,
        created_at=now,
        expires_at=now + VALID,
    )
    session.add(invitation)
    session.flush()
    trail.note(
        session, actor, "member.invited", now, subject_id=invitation.id, name=email, role=role
    )
    return invitation, token


def list_invitations(session: Session, actor: Actor) -> Sequence[Invitation]:
    """The invitations nobody has accepted or revoked, expired ones too. Raises `Forbidden`."""
    actor.require("admin")
    query = scoped(actor, Invitation).where(
        Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None)
    )
    return session.scalars(query.order_by(Invitation.id)).all()


def revoke_invitation(session: Session, actor: Actor, invitation_id: str, now: datetime) -> None:
    """Let an invitation work no more. Raises `NotFound`, `Forbidden`."""
    actor.require("admin")
    invitation = find(session, actor, Invitation, invitation_id)
    revoked = session.execute(
        update(Invitation)
        .where(
            Invitation.id == invitation.id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .values(revoked_at=now)
        .returning(Invitation.id)
    )
    if revoked.one_or_none() is not None:
        trail.note(
            session,
            actor,
            "invitation.revoked",
            now,
            subject_id=invitation.id,
            name=invitation.email,
        )


def look_at_invitation(session: Session, token: str, now: datetime) -> Invited:
    """What the invitation offers. Raises `NotFound` (``link_spent``)."""
    found = session.execute(
        select(Invitation, Workspace, User.password_hash)
        .join(Workspace, Workspace.id == Invitation.workspace_id)
        .outerjoin(User, User.email == Invitation.email)
        .where(
            Invitation.token_hash == hash_secret(token),
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > now,
        )
    ).one_or_none()
    if found is None:
        raise _spent()
    invitation, workspace, stored = found
    return Invited(invitation, workspace, stored is not None)


def accept(
    database: Database,
    settings: Settings,
    token: str,
    password: str,
    network: bytes,
    device: str,
    now: datetime,
    *,
    replacing: str = "",
) -> str:
    """Join as whom the invitation names; the token of the new session.

    Whoever has an account proves it with its password, anyone else chooses one. Raises
    `NotFound` (``link_spent``), `Invalid` for the new password, `Unauthenticated` and
    `TooManyRequests` for that of the account, `Conflict`.
    """
    with database.reading() as session:
        invited = look_at_invitation(session, token, now)
    email = invited.invitation.email
    if invited.has_account:
        proof = sign_in.prove(database, settings, email, password, network, now)
        with database.transaction() as session:
            user = sign_in.settle(session, proof, password)
            member = _join(session, token, user, now)
            return _begin(session, user, member, device, now, replacing)
    problems = Problems()
    passwords.check(problems, "password", password, email)
    problems.raise_if_any()
    hashed = passwords.hasher.hash(password)
    with database.transaction() as session:
        user = _newcomer(session, email, now)
        member = _join(session, token, user, now)
        sign_in.set_password(session, user, hashed, now)
        return _begin(session, user, member, device, now, replacing)


def join(session: Session, signed_in: SignedIn, token: str, now: datetime) -> str:
    """Join as the person who is signed in; the session's new token, looking at the workspace.

    Raises `NotFound` (``link_spent``), `Forbidden` for an invitation of somebody else,
    `Conflict` for a member.
    """
    invited = look_at_invitation(session, token, now)
    if invited.invitation.email != signed_in.user.email:
        raise Forbidden(Problem("", "invitation_of_other", {"email": invited.invitation.email}))
    member = _join(session, token, signed_in.user, now)
    return sessions.rotate(session, signed_in.session, workspace_id=member.workspace_id)


def _membership_of(actor: Actor, email: str) -> Select[int]:
    return (
        select(Member.id)
        .join(User, User.id == Member.user_id)
        .where(Member.workspace_id == actor.workspace_id, User.email == email)
    )


def _newcomer(session: Session, email: str, now: datetime) -> User:
    """The account of an address without a password, made where there is none."""
    user = session.scalar(select(User).where(User.email == email).with_for_update(key_share=True))
    exists = Conflict(Problem("", "account_exists", {"email": email}))
    if user is None:
        user = User(email=email, created_at=now)
        with unless_taken(session, User, "email", otherwise=exists):
            session.add(user)
    elif user.password_hash is not None:
        raise exists
    elif sessions.memberships(session, user.id):
        # Its link to choose a password was handed to its person by somebody else.
        raise Conflict(Problem("", "password_link_first", {"email": email}))
    return user


def _join(session: Session, token: str, user: User, now: datetime) -> Member:
    """Use the invitation. Raises `NotFound`, `Conflict`."""
    claimed = session.scalar(
        update(Invitation)
        .where(
            Invitation.token_hash == hash_secret(token),
            Invitation.email == user.email,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > now,
        )
        .values(accepted_at=now)
        .returning(Invitation)
    )
    if claimed is None:
        raise _spent()
    member = Member(
        workspace_id=claimed.workspace_id, user_id=user.id, role=claimed.role, created_at=now
    )
    taken = Conflict(Problem("", "member_exists", {"email": user.email}))
    with unless_taken(session, Member, "workspace_id", "user_id", otherwise=taken):
        session.add(member)
    actor = actor_of_member(member, user)
    trail.note(
        session,
        actor,
        "member.joined",
        now,
        subject_id=member.id,
        name=user.email,
        role=member.role,
    )
    return member


def _begin(
    session: Session, user: User, member: Member, device: str, now: datetime, replacing: str
) -> str:
    return sessions.start(
        session, user, device, now, workspace_id=member.workspace_id, replacing=replacing
    )


def _spent() -> NotFound:
    return NotFound(Problem("", "link_spent"))
