"""Letters that are due, claimed in the database so that each is sent once.

However many processes look, one of them gets a letter: it moves `not_before` of the subscription
ahead by `LEASE`, if nobody did. Whoever has sent it moves `due_on` to the next due day, if the
claim is still theirs: two letters about the same days cannot be due one after the other.

What no sender of mail can rule out: a process that dies, or a line that breaks, after the server
took the letter and before that is written down. The claim then lapses and the letter is sent
again, under the same `Message-ID`, by which mailboxes recognise a copy. The other choice, to say
"sent" before it is, would lose letters instead, and nobody would notice.

Not here: who wants letters and when (`letters`), the mail server (`mail`).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.reports.letters import Rhythm, is_due, is_too_late, next_due
from linkservice.reports.model import LetterSubscription
from linkservice.reports.period import day_of
from linkservice.workspaces.model import Workspace

LEASE = timedelta(minutes=10)
"""How long a letter is one process's. Each step of a talk with a mail server may take
`mail.TIMEOUT_SECONDS`, and there are some ten."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=12)
"""Between two tries; three times as long after each. A weekly letter is tried ten times."""

FURTHEST_EAST = timedelta(hours=14)
"""No clock is further ahead of UTC."""


@dataclass(frozen=True, slots=True)
class Due:
    """A letter whose hour has come; a `late` one is left out: its days are long past."""

    subscription_id: int
    member_id: int
    rhythm: Rhythm
    due_on: date
    time_zone: str
    late: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A due letter that is this process's until `until`."""

    due: Due
    until: datetime
    tries: int


def due_letters(session: Session, now: datetime) -> Sequence[Due]:
    """The letters that wait to be sent now, those due first in front; claimed ones are left out."""
    latest = (now + FURTHEST_EAST).date()
    query = (
        select(LetterSubscription, Workspace.time_zone)
        .join(Workspace, Workspace.id == LetterSubscription.workspace_id)
        .where(LetterSubscription.due_on <= latest, _free(now))
        .order_by(LetterSubscription.due_on, LetterSubscription.id)
    )
    return [
        _due(each, time_zone, now)
        for each, time_zone in session.execute(query)
        if is_due(each.due_on, time_zone, now)
    ]


def claim(database: Database, due: Due, now: datetime) -> Claim | None:
    """Make the letter this process's; None where another has it, or it is no longer wanted."""
    until = now + LEASE
    with database.transaction() as session:
        tries = session.scalar(
            update(LetterSubscription)
            .where(*_is(due), _free(now))
            .values(not_before=until)
            .returning(LetterSubscription.tries)
        )
    return None if tries is None else Claim(due, until, tries)


def note_sent(database: Database, claim: Claim, now: datetime) -> bool:
    """Write down that the letter was sent; False where that is no longer this process's to say."""
    following = _following(claim.due, now)
    return _write(database, claim, due_on=following, not_before=None, tries=0, sent_at=now)


def note_failed(database: Database, claim: Claim, now: datetime) -> bool:
    """Let the letter wait for another try; as `note_sent`."""
    pause = min(FIRST_PAUSE * 3 ** min(claim.tries, 10), LONGEST_PAUSE)
    return _write(database, claim, not_before=now + pause, tries=claim.tries + 1)


def leave_out(database: Database, due: Due, now: datetime) -> bool:
    """Do not send a letter that is too late: the next one is due. False where another did so."""
    with database.transaction() as session:
        changed = session.scalar(
            update(LetterSubscription)
            .where(*_is(due), _free(now))
            .values(due_on=_following(due, now), not_before=None, tries=0)
            .returning(LetterSubscription.id)
        )
    return changed is not None


def message_id(settings: Settings, due: Due) -> str:
    """What tells this letter from all others, however often it is sent; it names nobody."""
    message = f"letter\0{due.subscription_id}\0{due.rhythm}\0{due.due_on}".encode()
    return hmac.digest(settings.secret_key.encode(), message, "sha256").hex()[:40]


def _due(row: LetterSubscription, time_zone: str, now: datetime) -> Due:
    rhythm = cast(Rhythm, row.rhythm)
    late = is_too_late(rhythm, row.due_on, time_zone, now)
    return Due(row.id, row.member_id, rhythm, row.due_on, time_zone, late)


def _following(due: Due, now: datetime) -> date:
    """The next due day that is still to come: days a service was away are not made up for."""
    return next_due(due.rhythm, max(due.due_on, day_of(now, due.time_zone)))


def _write(database: Database, claim: Claim, **values: object) -> bool:
    with database.transaction() as session:
        changed = session.scalar(
            update(LetterSubscription)
            .where(*_is(claim.due), LetterSubscription.not_before == claim.until)
            .values(**values)
            .returning(LetterSubscription.id)
        )
    return changed is not None


def _is(due: Due) -> tuple[ColumnElement[bool], ...]:
    """The subscription as it was read: somebody may have chosen otherwise since."""
    return (
        LetterSubscription.id == due.subscription_id,
        LetterSubscription.due_on == due.due_on,
        LetterSubscription.rhythm == due.rhythm,
    )


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(LetterSubscription.not_before.is_(None), LetterSubscription.not_before <= now)
