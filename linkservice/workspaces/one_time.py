"""Links that work once: to set the installation up, to choose a password, to sign in to a
demonstration.

Only hashes of their tokens are stored. Looking at one does not use it; of two who use it at
once, one does. Expired, used and unknown ones are all alike. Not here: invitations
(`members`), addresses of pages (the doors), letters (`mail`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import NotFound, Problem
from linkservice.fields import Problems
from linkservice.workspaces import attempts, passwords, sessions
from linkservice.workspaces.access import hash_secret
from linkservice.workspaces.model import Member, OneTimeLink, User, Workspace
from linkservice.workspaces.sign_in import set_password, typed_address

SETUP_VALID = timedelta(hours=24)
SIGN_IN_VALID = timedelta(hours=24)
BY_MAIL = timedelta(hours=2)
"""How long a link to choose a password is valid that is sent to whoever forgot it."""

BY_HAND = timedelta(hours=72)
"""How long one is valid that somebody was asked for."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Whom to write to, in which language, with which token."""

    email: str
    locale: str
    token: str


# Setting up


def needs_setup(session: Session) -> bool:
    """Whether nobody can sign in yet; a demonstration is never set up."""
    able = select(User.id).where(User.password_hash.is_not(None))
    invented = select(Workspace.id).where(Workspace.demonstration)
    return not session.scalar(select(exists(able) | exists(invented)))


def setup_link(session: Session, now: datetime) -> str | None:
    """The token of a new set-up link, the only one that works; None where none is needed."""
    if not needs_setup(session):
        return None
    session.execute(delete(OneTimeLink).where(OneTimeLink.purpose == "setup"))
    return _new(session, "setup", None, now, SETUP_VALID)


def look_at_setup(session: Session, token: str, now: datetime) -> None:
    """Raises `NotFound` (``link_spent``) unless the installation can be set up with it."""
    _live(session, "setup", token, now)
    if not needs_setup(session):
        raise _spent()


def use_setup(
    session: Session, token: str, email: str, password: str, workspace: Workspace, now: datetime
) -> User:
    """Make the first person, owner of `workspace`. Raises `NotFound`, `Invalid`.

    The caller has the workspace made where there is none, in the same transaction.
    """
    # All of them at once: whoever comes second waits here, and then finds none.
    claimed = session.scalars(
        update(OneTimeLink)
        .where(OneTimeLink.purpose == "setup", *_unused(now))
        .values(used_at=now)
        .returning(OneTimeLink.token_hash)
    ).all()
    if hash_secret(token) not in claimed or not needs_setup(session):
        raise _spent()
    problems = Problems()
    email = problems.email("email", email)
    passwords.check(problems, "password", password, email)
    problems.raise_if_any()
    user = session.scalar(select(User).where(User.email == email))
    if user is None:
        user = User(email=email, created_at=now)
        session.add(user)
        session.flush()
    member = session.scalar(
        select(Member).where(Member.user_id == user.id, Member.workspace_id == workspace.id)
    )
    if member is None:
        member = Member(workspace_id=workspace.id, user_id=user.id, created_at=now)
        session.add(member)
    member.role = "owner"
    session.flush()
    set_password(session, user, passwords.hasher.hash(password), now)
    return user


# Choosing a password


def password_link(session: Session, user: User, now: datetime, valid: timedelta = BY_HAND) -> str:
    """The token of a new link by which the person chooses a password."""
    return _new(session, "password", user.id, now, valid)


def forgotten(
    database: Database, settings: Settings, email: str, network: bytes, now: datetime
) -> Forgotten | None:
    """What to write to a person who forgot the password; None where there is none.

    It takes the same time for both. Raises `TooManyRequests`.
    """
    typed, known = typed_address(email)
    counters = attempts.of_forgotten(settings, typed, network)
    attempts.take(database, counters, now, refused="too_many_letters")
    with database.transaction() as session:
        user = session.scalar(select(User).where(User.email == known))
        places = sessions.memberships(session, 0 if user is None else user.id)
        # Nobody's link cannot be used, and writing it takes as long.
        wanted = user if places else None
        token = _new(session, "password", None if wanted is None else wanted.id, now, BY_MAIL)
        if wanted is None:
            return None
        return Forgotten(wanted.email, wanted.locale or places[0][1].locale, token)


def look_at_password(session: Session, token: str, now: datetime) -> User:
    """Whose password is chosen with it. Raises `NotFound` (``link_spent``)."""
    return _user_of(session, _live(session, "password", token, now))


def use_password(
    database: Database, settings: Settings, token: str, password: str, now: datetime
) -> User:
    """Set the password: all sessions of the person end, all attempts are forgotten.

    Raises `NotFound` (``link_spent``), `Invalid`.
    """
    with database.reading() as session:
        email = look_at_password(session, token, now).email
    problems = Problems()
    passwords.check(problems, "password", password, email)
    problems.raise_if_any()
    hashed = passwords.hasher.hash(password)
    with database.transaction() as session:
        user = _use(session, "password", token, now)
        set_password(session, user, hashed, now)
        sessions.end_all(session, user.id)
        attempts.clear(session, attempts.of_account(settings, user.email))
        session.flush()
        session.expunge(user)
        return user


# Signing in to a demonstration


def sign_in_link(session: Session, user: User, now: datetime) -> str:
    """The token of a new link that signs `user` in to a demonstration."""
    return _new(session, "sign_in", user.id, now, SIGN_IN_VALID)


def look_at_sign_in(session: Session, token: str, now: datetime) -> None:
    """Raises `NotFound` (``link_spent``) unless somebody can sign in with it."""
    _demonstration(session, _user_of(session, _live(session, "sign_in", token, now)))


def use_sign_in(
    session: Session, token: str, device: str, now: datetime, *, replacing: str = ""
) -> str:
    """Sign in to the demonstration; the token of the new session. Raises `NotFound`."""
    user = _use(session, "sign_in", token, now)
    shown = _demonstration(session, user)
    return sessions.start(session, user, device, now, workspace_id=shown.id, replacing=replacing)


def _new(
    session: Session, purpose: str, user_id: int | None, now: datetime, valid: timedelta
) -> str:
    # Expired ones go; rows another worker is just deleting are left to it.
    old = select(OneTimeLink.id).where(OneTimeLink.expires_at <= now)
    old = old.with_for_update(skip_locked=True)
    session.execute(delete(OneTimeLink).where(OneTimeLink.id.in_(old)))
    token = secrets.token_urlsafe(32)
    session.add(
        OneTimeLink(
            purpose=purpose,
            user_id=user_id,
            token_hash=hash_secret(token),
            created_at=now,
            expires_at=now + valid,
        )
    )
    session.flush()
    return token


def _live(session: Session, purpose: str, token: str, now: datetime) -> OneTimeLink:
    found = session.scalar(
        select(OneTimeLink).where(
            OneTimeLink.token_hash == hash_secret(token),
            OneTimeLink.purpose == purpose,
            *_unused(now),
        )
    )
    if found is None:
        raise _spent()
    return found


def _use(session: Session, purpose: str, token: str, now: datetime) -> User:
    """Claim the link for its user, whose row is locked. Raises `NotFound`."""
    link = _live(session, purpose, token, now)
    # The user first, then the link: setting a password deletes all links of the user, and two
    # who each hold one would wait for each other.
    user = _user_of(session, link, lock=True)
    claimed = session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.id == link.id, *_unused(now))
        .values(used_at=now)
        .returning(OneTimeLink.id)
    )
    if claimed.one_or_none() is None:
        raise _spent()
    return user


def _user_of(session: Session, link: OneTimeLink, *, lock: bool = False) -> User:
    query = select(User).where(User.id == link.user_id)
    user = session.scalar(query.with_for_update(key_share=True) if lock else query)
    if user is None:
        raise _spent()
    return user


def _demonstration(session: Session, user: User) -> Workspace:
    """The demonstration the user is a member of: in earnest nobody signs in by a link alone."""
    for _, workspace in sessions.memberships(session, user.id):
        if workspace.demonstration:
            return workspace
    raise _spent()


def _unused(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return OneTimeLink.used_at.is_(None), OneTimeLink.expires_at > now


def _spent() -> NotFound:
    return NotFound(Problem("", "link_spent"))
