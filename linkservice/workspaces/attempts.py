"""How often something may be tried: exact sliding windows that all workers share.

An attempt is counted, in a transaction of its own, before what it tries is looked at, so
that of any number at once no more than allowed are tried. What is limited (an account, a
network) is kept as an HMAC, never as it is. Not here: what is tried.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import TooManyRequests
from linkservice.workspaces.model import Attempt


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many attempts within any such time."""

    most: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Counter:
    """What is counted under one key, and its limits."""

    key: bytes
    limits: tuple[Limit, ...]


SIGN_IN_ACCOUNT = (Limit(5, timedelta(minutes=15)), Limit(15, timedelta(hours=24)))
SIGN_IN_NETWORK = (Limit(20, timedelta(hours=1)),)
SHARE = (Limit(50, timedelta(minutes=15)), Limit(200, timedelta(hours=24)))
SHARE_NETWORK = (Limit(10, timedelta(minutes=15)), Limit(40, timedelta(hours=24)))
FORGOTTEN_ACCOUNT = (Limit(3, timedelta(hours=1)),)
FORGOTTEN_NETWORK = (Limit(10, timedelta(hours=1)),)

KEPT = timedelta(hours=24)
"""The longest window; older attempts count nowhere."""

_PRUNED_AT_ONCE = 1000


def of_account(settings: Settings, email: str) -> Counter:
    """Passwords tried on the account of that address, whether there is one or not."""
    return Counter(_key(settings, "sign_in account", email), SIGN_IN_ACCOUNT)


def of_network(settings: Settings, network: bytes) -> Counter:
    """Passwords tried from that network (`clicks.visitor.cut_network`), on any account."""
    return Counter(_key(settings, "sign_in network", network.hex()), SIGN_IN_NETWORK)


def of_share(settings: Settings, share_id: int, network: bytes) -> tuple[Counter, Counter]:
    """Passwords tried on a shared report: from one network, and from all of them, so that many
    cannot guess together while nobody alone locks the others out for long.
    """
    return (
        Counter(_key(settings, "share", str(share_id)), SHARE),
        Counter(_key(settings, "share network", f"{share_id} {network.hex()}"), SHARE_NETWORK),
    )


def of_forgotten(settings: Settings, email: str, network: bytes) -> tuple[Counter, Counter]:
    """Letters asked for by people who forgot their password."""
    return (
        Counter(_key(settings, "forgotten account", email), FORGOTTEN_ACCOUNT),
        Counter(_key(settings, "forgotten network", network.hex()), FORGOTTEN_NETWORK),
    )


def take(
    database: Database,
    counters: Sequence[Counter],
    now: datetime,
    refused: str = "too_many_requests",
) -> list[int]:
    """Count one attempt under every counter; the ids to give to `take_back`.

    Raises `TooManyRequests` with the code `refused`, and then nothing is counted.
    """
    # A flood of refused attempts must not keep other writers waiting: it only reads.
    with database.reading() as session:
        _refuse(session, counters, now, refused)
    with database.transaction() as session:
        if not database.is_sqlite:  # there every writer is alone
            # In one order, so that no two wait for each other.
            for counter in sorted(counters, key=lambda each: each.key):
                number = int.from_bytes(counter.key[:8], "big", signed=True)
                session.execute(select(func.pg_advisory_xact_lock(number)))
        _refuse(session, counters, now, refused)
        rows = [Attempt(key=counter.key, at=now) for counter in counters]
        session.add_all(rows)
        session.flush()
        _prune(session, now)
        return [row.id for row in rows]


def take_back(session: Session, taken: Sequence[int]) -> None:
    """Uncount an attempt that succeeded."""
    session.execute(delete(Attempt).where(Attempt.id.in_(taken)))


def clear(session: Session, counter: Counter) -> None:
    """Forget what was counted."""
    session.execute(delete(Attempt).where(Attempt.key == counter.key))


def _key(settings: Settings, purpose: str, value: str) -> bytes:
    message = f"{purpose}\0{value}".encode("utf-8", "surrogatepass")
    return hmac.digest(settings.secret_key.encode(), message, "sha256")


def _refuse(session: Session, counters: Sequence[Counter], now: datetime, code: str) -> None:
    """Raise `TooManyRequests` if any counter has reached a limit."""
    wait = max(_wait(session, counter, now) for counter in counters)
    if wait > timedelta(0):
        raise TooManyRequests(math.ceil(wait.total_seconds()), code)


def _wait(session: Session, counter: Counter, now: datetime) -> timedelta:
    """How long until the next attempt is allowed; none or less when it is now."""
    most = max(limit.most for limit in counter.limits)
    newest = session.scalars(
        select(Attempt.at)
        .where(Attempt.key == counter.key)
        .order_by(Attempt.at.desc(), Attempt.id.desc())
        .limit(most)
    ).all()
    return max(
        newest[limit.most - 1] + limit.within - now if len(newest) >= limit.most else timedelta(0)
        for limit in counter.limits
    )


def _prune(session: Session, now: datetime) -> None:
    """Delete some of what counts nowhere; rows another worker is just deleting are left to it."""
    old = (
        select(Attempt.id)
        .where(Attempt.at <= now - KEPT)
        .limit(_PRUNED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(Attempt).where(Attempt.id.in_(old)))
