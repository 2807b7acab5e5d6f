"""Who may do what, and the one place where queries are scoped to a workspace."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, false, select
from sqlalchemy.orm import Session

from linkservice.database import read_once
from linkservice.errors import Forbidden, NotFound, Problem, Unauthenticated
from linkservice.workspaces.model import ApiKey, Member, Owned, User, Workspace

SCOPES = (
    "links:read",
    "links:write",
    "journeys:read",
    "journeys:write",
    "reports:read",
    "reports:share",
    "conversions:write",
    "admin",
)
"""What a key may be allowed; `admin` includes all the others."""

SCOPES_OF = {
    "owner": frozenset({"admin"}),
    "editor": frozenset({*SCOPES} - {"admin"}),
    "viewer": frozenset(scope for scope in SCOPES if scope.endswith(":read")),
}
"""What each role may do."""

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, in which workspace, with which scopes; `name` goes into histories."""

    workspace_id: int
    name: str
    scopes: frozenset[str]

    def require(self, scope: str) -> None:
        """Raise `Forbidden` unless the actor holds `scope` (or `admin`)."""
        if scope not in self.scopes and "admin" not in self.scopes:
            raise Forbidden(Problem("", "scope_missing", {"scope": scope}))


Row = TypeVar("Row", bound=Owned)


def scoped(actor: Actor, model: type[Row]) -> Select[Row]:
    """The rows of `model` that the actor's workspace owns and that are not deleted."""
    query = select(model).where(model.workspace_id == actor.workspace_id)
    deleted_at = getattr(model, "deleted_at", None)
    return query if deleted_at is None else query.where(deleted_at.is_(None))


def page(actor: Actor, model: type[Row], *, after: int | None, limit: int) -> Select[Row]:
    """The next at most `limit` rows of `scoped` in order of their ids, above the id `after`."""
    query = scoped(actor, model).order_by(model.id).limit(limit)
    return query if after is None else query.where(model.id > after)


def find(session: Session, actor: Actor, model: type[Row], outside_id: str, field: str = "") -> Row:
    """The row with that outside id; `NotFound` (naming `field`) also for a foreign one."""
    return _only(session, actor, model, outside_id, field)


def find_ever(session: Session, actor: Actor, model: type[Row], outside_id: str) -> Row:
    """As `find`, but also a row that is softly deleted: to bring it back."""
    return _only(session, actor, model, outside_id, "", deleted=True)


def _only(
    session: Session,
    actor: Actor,
    model: type[Row],
    outside_id: str,
    field: str,
    *,
    deleted: bool = False,
) -> Row:
    def look() -> Row | None:
        of_workspace = select(model).where(model.workspace_id == actor.workspace_id)
        query = of_workspace if deleted else scoped(actor, model)
        return session.scalar(query.where(matches(model, outside_id)))

    # A page asks for its subject up to five times, each part of it for itself.
    found = read_once(session, (_only, actor.workspace_id, model, outside_id, deleted), look)
    if found is None:
        what = model.__name__.lower()
        raise NotFound(Problem(field, "no_such_row", {"what": what, "id": outside_id[:40]}))
    return found


def matches(model: type[Row], outside_id: str) -> ColumnElement[bool]:
    """The condition "has this outside id"; never true for a text that is no id."""
    number = inside_id(outside_id)
    return false() if number is None else model.id == number


def inside_id(outside_id: str) -> int | None:
    """The number behind an outside id, or None for a text that is none."""
    if not (outside_id.isascii() and outside_id.isdigit() and outside_id[0] != "0"):
        return None
    number = int(outside_id) if len(outside_id) <= 19 else LARGEST_ID + 1
    return number if number <= LARGEST_ID else None


OPERATOR = "command line"
"""What the trail calls whoever sits at the command line of the machine."""


def operator(workspace: Workspace) -> Actor:
    """Whoever sits at the command line of the machine: may do all."""
    return Actor(workspace.id, OPERATOR, frozenset({"admin"}))


def live_key(session: Session, text: str, now: datetime) -> ApiKey:
    """The API key with that text. Raises `Unauthenticated` for any that is not live."""
    digest = hash_secret(text)
    found = session.scalar(select(ApiKey).where(ApiKey.secret_hash == digest))
    if found is None:
        raise Unauthenticated(Problem("", "key_unknown"))
    if found.revoked_at is not None:
        raise Unauthenticated(Problem("", "key_revoked"))
    if found.expires_at is not None and found.expires_at <= now:
        raise Unauthenticated(Problem("", "key_expired"))
    return found


def actor_of_key(key: ApiKey) -> Actor:
    """The actor behind a live key."""
    return Actor(key.workspace_id, f"key {key.name}", frozenset(key.scopes.split()))


def actor_of_member(member: Member, user: User) -> Actor:
    """The actor behind a member: the person, with what the role may do."""
    return Actor(member.workspace_id, user.email, SCOPES_OF[member.role])


def hash_secret(secret: str) -> bytes:
    """SHA-256: enough for a random secret of 256 bits, and quick at every request."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def joined(scopes: Iterable[str]) -> str:
    """Scopes as they are stored: known order, separated by spaces."""
    wanted = set(scopes)
    return " ".join(scope for scope in SCOPES if scope in wanted)
