"""Signing in with e-mail and password, and changing the password.

Whether the address or the password is wrong cannot be told apart, neither by the answer
nor by its time. The functions that try a password take the database, not a session: an
attempt must stay counted when it fails. Not here: sessions once they are begun
(`sessions`), and who may try how often (`attempts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Invalid, Problem, Unauthenticated
from linkservice.fields import Problems
from linkservice.workspaces import attempts, passwords, sessions, trail
from linkservice.workspaces.access import actor_of_member
from linkservice.workspaces.model import OneTimeLink, User
from linkservice.workspaces.sessions import SignedIn

LONGEST_TYPED = 1000
"""Characters of an address that are looked at."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody knew the password of a user when it was `stored`."""

    user_id: int
    stored: str
    account: attempts.Counter
    taken: list[int]


def sign_in(
    database: Database,
    settings: Settings,
    email: str,
    password: str,
    network: bytes,
    device: str,
    now: datetime,
    *,
    replacing: str = "",
) -> str:
    """Sign a person in; the token of the new session, which replaces that of `replacing`.

    `network` is what `clicks.visitor.cut_network` leaves of the client's address. Raises
    `Unauthenticated` (``sign_in_failed``), `TooManyRequests`, and `Forbidden` where the
    password is right and the person is a member of no workspace.
    """
    proof = prove(database, settings, email, password, network, now)
    with database.transaction() as session:
        user = settle(session, proof, password)
        return sessions.start(session, user, device, now, replacing=replacing)


def prove(
    database: Database,
    settings: Settings,
    email: str,
    password: str,
    network: bytes,
    now: datetime,
) -> Proof:
    """Try a password. Raises `Unauthenticated`, `TooManyRequests`."""
    typed, known = typed_address(email)
    account = attempts.of_account(settings, typed)
    taken = attempts.take(database, (account, attempts.of_network(settings, network)), now)
    with database.reading() as session:
        user = session.scalar(select(User).where(User.email == known))
        user_id, stored = (user.id, user.password_hash) if user else (0, None)
    # Outside of any transaction: it takes longer than all the rest.
    if not passwords.hasher.verify(stored, password) or stored is None:
        raise Unauthenticated(Problem("", "sign_in_failed"))
    return Proof(user_id, stored, account, taken)


def settle(session: Session, proof: Proof, password: str) -> User:
    """The user who proved to be one: the attempts on the account are forgotten.

    Raises `Unauthenticated` where the password was changed since.
    """
    user = session.get(User, proof.user_id, with_for_update={"key_share": True})
    if user is None or user.password_hash != proof.stored:
        raise Unauthenticated(Problem("", "sign_in_failed"))
    attempts.take_back(session, proof.taken)
    attempts.clear(session, proof.account)
    if passwords.hasher.is_outdated(proof.stored):
        user.password_hash = passwords.hasher.hash(password)
    return user


def change_password(
    database: Database,
    settings: Settings,
    signed_in: SignedIn,
    current: str,
    new: str,
    network: bytes,
    now: datetime,
) -> str:
    """Change the person's own password; all other sessions end, this one's new token is returned.

    Raises `Invalid` for ``current_password`` or ``password``, `TooManyRequests`.
    """
    email = signed_in.user.email
    problems = Problems()
    passwords.check(problems, "password", new, email)
    problems.raise_if_any()
    try:
        proof = prove(database, settings, email, current, network, now)
    except Unauthenticated:
        raise Invalid(Problem("current_password", "password_wrong")) from None
    hashed = passwords.hasher.hash(new)
    with database.transaction() as session:
        user = settle(session, proof, current)
        set_password(session, user, hashed, now)
        sessions.end_all(session, user.id, but=signed_in.session)
        return sessions.rotate(session, signed_in.session)


def set_password(session: Session, user: User, hashed: str, now: datetime) -> None:
    """Store a new password; links that would let it be chosen again work no more."""
    user.password_hash = hashed
    session.execute(
        delete(OneTimeLink).where(OneTimeLink.user_id == user.id, OneTimeLink.purpose == "password")
    )
    for member, _ in sessions.memberships(session, user.id):
        actor = actor_of_member(member, user)
        trail.note(
            session, actor, "user.password_changed", now, subject_id=user.id, name=user.email
        )


def typed_address(email: str) -> tuple[str, str]:
    """The address as it is counted, and as it is looked up: one that cannot be is nobody's."""
    problems = Problems()
    typed = problems.email("email", email[:LONGEST_TYPED])
    try:
        problems.raise_if_any()
    except Invalid:
        return typed, ""
    return typed, typed
