"""Keys of programs: made, listed, revoked, and when each was last used. Whom a key stands
for is in `access`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from linkservice.database import Database
from linkservice.errors import Conflict, NotFound, Problem
from linkservice.fields import Problems
from linkservice.workspaces import trail
from linkservice.workspaces.access import (
    SCOPES,
    Actor,
    find,
    hash_secret,
    joined,
    matches,
    scoped,
)
from linkservice.workspaces.model import ApiKey

LONGEST_NAME = 100

PREFIX = "lsk_"
"""Starts every API key, so that secret scanners recognise one that leaked."""

NOTED_EVERY = timedelta(minutes=1)
"""`last_used_at` moves at most so often: a read of the API should not write."""


def create_key(
    session: Session,
    actor: Actor,
    name: str,
    scopes: Collection[str],
    now: datetime,
    expires_at: datetime | None = None,
) -> str:
    """A new API key of the workspace; the only time its text is known.

    Without scopes it may do all. Raises `Invalid`, `Forbidden`.
    """
    actor.require("admin")
    problems = Problems()
    name = problems.text("name", name, longest=LONGEST_NAME)
    for scope in scopes:
        problems.one_of("scope", scope, SCOPES)
    if expires_at is not None and expires_at <= now:
        problems.add("expires_at", "expiry_past")
    problems.raise_if_any()
    text = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        workspace_id=actor.workspace_id,
        name=name,
        scopes=joined(scopes or {"admin"}),
        secret_hash=hash_secret(text),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    trail.note(session, actor, "key.created", now, subject_id=key.id, name=name, scopes=key.scopes)
    return text


def list_keys(session: Session, actor: Actor) -> Sequence[ApiKey]:
    """The workspace's keys, the newest first, revoked ones too. Raises `Forbidden`."""
    actor.require("admin")
    return session.scalars(scoped(actor, ApiKey).order_by(ApiKey.id.desc())).all()


def revoke_key(session: Session, actor: Actor, key_id: str, now: datetime) -> ApiKey:
    """Let a key work no more; one that was revoked before stays so.

    Raises `NotFound`, `Forbidden`.
    """
    actor.require("admin")
    key = find(session, actor, ApiKey, key_id)
    if key.revoked_at is None:
        key.revoked_at = now
        trail.note(session, actor, "key.revoked", now, subject_id=key.id, name=key.name)
    return key


def key_named(session: Session, actor: Actor, named: str) -> ApiKey:
    """The key with that id, or the only live one of that name.

    Raises `NotFound`, `Conflict` where several are called so, `Forbidden`.
    """
    actor.require("admin")
    query = scoped(actor, ApiKey).where(
        or_(matches(ApiKey, named), (ApiKey.name == named) & ApiKey.revoked_at.is_(None))
    )
    found = session.scalars(query.order_by(ApiKey.id)).all()
    if not found:
        raise NotFound(Problem("key", "no_such_row", {"what": "key", "id": named[:40]}))
    if len(found) > 1:
        ids = ", ".join(str(key.id) for key in found)
        raise Conflict(Problem("key", "key_ambiguous", {"name": named, "ids": ids}))
    return found[0]


def note_use(database: Database, key: ApiKey, now: datetime) -> None:
    """Note that the key is used; writes at most every `NOTED_EVERY`."""
    if key.last_used_at is not None and key.last_used_at > now - NOTED_EVERY:
        return
    # What the key is used for must not fail because this could not be written.
    with suppress(OperationalError), database.transaction() as session:
        session.execute(
            update(ApiKey)
            .where(
                ApiKey.id == key.id,
                or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - NOTED_EVERY),
            )
            .values(last_used_at=now)
        )
