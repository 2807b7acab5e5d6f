"""Signed-in browsers: begun, recognised, listed, ended. Only hashes of their tokens are stored.

Not here: what a person must know to begin one (`sign_in`, `one_time`, `members`), and the
cookie (the web door).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from linkservice.database import Database, read_once
from linkservice.errors import Forbidden, NotFound, Problem, Unauthenticated
from linkservice.workspaces import trail
from linkservice.workspaces.access import Actor, actor_of_member, hash_secret, inside_id
from linkservice.workspaces.model import Member, SignInSession, User, Workspace

IDLE = timedelta(days=7)
"""How long a session lives without being used."""

ABSOLUTE = timedelta(days=30)
"""How long it lives at all."""

SEEN_EVERY = timedelta(minutes=5)
"""`seen_at` moves at most so often: reading a page should not write."""

LONGEST_DEVICE = 80


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who uses a browser, and as what in the workspace it looks at."""

    user: User
    session: SignInSession
    member: Member
    workspace: Workspace
    actor: Actor


@dataclass(frozen=True, slots=True)
class Browser:
    """One signed-in browser as its person sees it in a list."""

    id: int
    device: str
    workspace: str
    created_at: datetime
    seen_at: datetime
    current: bool


def who(session: Session, token: str, now: datetime) -> SignedIn | None:
    """Who is signed in with this token; None where nobody is, or no longer."""
    found = session.execute(
        select(SignInSession, User)
        .join(User, User.id == SignInSession.user_id)
        .where(SignInSession.token_hash == hash_secret(token), *_lives(now))
    ).one_or_none()
    if found is None:
        return None
    row, user = found
    places = memberships(session, user.id)
    if not places:
        return None
    member, workspace = next((p for p in places if p[1].id == row.workspace_id), places[0])
    return SignedIn(user, row, member, workspace, actor_of_member(member, user))


def note_seen(database: Database, signed_in: SignedIn, now: datetime) -> None:
    """Note that the browser is used; writes at most every `SEEN_EVERY`."""
    row = signed_in.session
    if row.seen_at > now - SEEN_EVERY:
        return
    with database.transaction() as session:
        session.execute(
            update(SignInSession)
            .where(SignInSession.id == row.id, SignInSession.seen_at <= now - SEEN_EVERY)
            .values(seen_at=now)
        )


def start(
    session: Session,
    user: User,
    device: str,
    now: datetime,
    *,
    workspace_id: int | None = None,
    replacing: str = "",
) -> str:
    """Begin a session; its token, the only time it is known.

    It looks at `workspace_id`, else at the workspace the person joined first. `replacing`
    is the token the browser had, which is worth nothing afterwards. Raises `Forbidden`
    where the person is a member of no workspace.
    """
    places = memberships(session, user.id)
    if not places:
        raise Forbidden(Problem("", "no_membership"))
    member, workspace = next((p for p in places if p[1].id == workspace_id), places[0])
    if replacing:
        sign_out(session, replacing)
    _prune(session, now)
    token = _new_token()
    row = SignInSession(
        user_id=user.id,
        workspace_id=workspace.id,
        token_hash=hash_secret(token),
        device=device[:LONGEST_DEVICE],
        created_at=now,
        seen_at=now,
        expires_at=now + ABSOLUTE,
    )
    session.add(row)
    session.flush()
    actor = actor_of_member(member, user)
    trail.note(
        session,
        actor,
        "user.signed_in",
        now,
        subject_id=user.id,
        name=user.email,
        device=row.device,
    )
    return token


def rotate(session: Session, row: SignInSession, *, workspace_id: int | None = None) -> str:
    """Give the session a new token, and where told another workspace to look at.

    Raises `Unauthenticated` where it has ended meanwhile.
    """
    token = _new_token()
    changed = session.execute(
        update(SignInSession)
        .where(SignInSession.id == row.id)
        .values(
            token_hash=hash_secret(token),
            workspace_id=SignInSession.workspace_id if workspace_id is None else workspace_id,
        )
        .returning(SignInSession.id)
    )
    if changed.one_or_none() is None:
        raise Unauthenticated(Problem("", "signed_out"))
    return token


def memberships(session: Session, user_id: int) -> Sequence[tuple[Member, Workspace]]:
    """The workspaces a person is a member of, the one joined first at the front."""
    query = (
        select(Member, Workspace)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(Member.user_id == user_id)
        .order_by(Member.id)
    )

    def found() -> Sequence[tuple[Member, Workspace]]:
        return [(member, workspace) for member, workspace in session.execute(query)]

    return read_once(session, (memberships, user_id), found)


def switch_workspace(session: Session, signed_in: SignedIn, workspace_id: str) -> str:
    """Look at another workspace of the person; the session's new token. Raises `NotFound`."""
    wanted = inside_id(workspace_id)
    for _, workspace in memberships(session, signed_in.user.id):
        if workspace.id == wanted:
            return rotate(session, signed_in.session, workspace_id=workspace.id)
    raise _no_such("workspace", workspace_id)


def list_sessions(session: Session, signed_in: SignedIn, now: datetime) -> Sequence[Browser]:
    """The person's signed-in browsers, the one seen last at the front."""
    query = (
        select(SignInSession, Workspace.name)
        .outerjoin(Workspace, Workspace.id == SignInSession.workspace_id)
        .where(SignInSession.user_id == signed_in.user.id, *_lives(now))
        .order_by(SignInSession.seen_at.desc(), SignInSession.id.desc())
    )
    own = signed_in.session.id
    return [
        Browser(row.id, row.device, name or "", row.created_at, row.seen_at, row.id == own)
        for row, name in session.execute(query)
    ]


def end_session(session: Session, signed_in: SignedIn, session_id: str, now: datetime) -> None:
    """Sign one of the person's browsers out. Raises `NotFound`, also for another's."""
    wanted = inside_id(session_id)
    own = SignInSession.user_id == signed_in.user.id
    row = session.scalar(select(SignInSession).where(SignInSession.id == (wanted or 0), own))
    if row is None:
        raise _no_such("session", session_id)
    device = row.device
    session.delete(row)
    _note(session, signed_in, "user.session_ended", now, device=device)


def sign_out(session: Session, token: str) -> None:
    """End the session with that token, if there is one."""
    session.execute(delete(SignInSession).where(SignInSession.token_hash == hash_secret(token)))


def sign_out_everywhere(session: Session, signed_in: SignedIn, now: datetime) -> None:
    """Sign all of the person's browsers out, this one included."""
    end_all(session, signed_in.user.id)
    _note(session, signed_in, "user.signed_out_everywhere", now)


def end_all(
    session: Session,
    user_id: int,
    *,
    workspace_id: int | None = None,
    but: SignInSession | None = None,
) -> None:
    """End a person's sessions: all, or those that look at one workspace; `but` lives on."""
    query = delete(SignInSession).where(SignInSession.user_id == user_id)
    if workspace_id is not None:
        query = query.where(SignInSession.workspace_id == workspace_id)
    if but is not None:
        query = query.where(SignInSession.id != but.id)
    session.execute(query)


def _lives(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return SignInSession.expires_at > now, SignInSession.seen_at > now - IDLE


def _prune(session: Session, now: datetime) -> None:
    """Delete what has ended by itself; rows another worker is just deleting are left to it."""
    over = or_(SignInSession.expires_at <= now, SignInSession.seen_at <= now - IDLE)
    old = select(SignInSession.id).where(over).with_for_update(skip_locked=True)
    session.execute(delete(SignInSession).where(SignInSession.id.in_(old)))


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _note(session: Session, who: SignedIn, action: str, now: datetime, **facts: str) -> None:
    trail.note(
        session, who.actor, action, now, subject_id=who.user.id, name=who.user.email, **facts
    )


def _no_such(what: str, outside_id: str) -> NotFound:
    return NotFound(Problem("", "no_such_row", {"what": what, "id": outside_id[:40]}))
