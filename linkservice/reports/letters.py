"""Letters about a workspace's reports: who wants one how often, about which days, from when.

A weekly letter is about Monday to Sunday and is due on the Monday after it, a monthly one about
a calendar month and due on the first of the next; both from `SENT_FROM` on the workspace's clock,
when the last day is over everywhere in it and ingested. Whoever asks for letters gets the first
one on the next due day, never one about days that had passed already. Not here: who sends them
and why only once (`posting`), what is in them (`digest`), how they read (the web door).

The way out is a link in every letter, signed for the member and without an end: it works for
letters of any age, and for whoever asked for letters anew since.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, TypeAlias, cast
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import insert_into
from linkservice.errors import NotFound, Problem
from linkservice.fields import Problems
from linkservice.reports.model import LetterSubscription
from linkservice.reports.period import Period, day_of
from linkservice.workspaces.access import inside_id
from linkservice.workspaces.model import Member, User, Workspace

Rhythm: TypeAlias = Literal["weekly", "monthly"]
RHYTHMS: tuple[Rhythm, ...] = ("weekly", "monthly")

OFF = "off"
"""What a member says who wants no letters."""

SENT_FROM = time(7)
"""On the workspace's clock: before people begin to work, and long after midnight."""

LATEST = {"weekly": timedelta(days=3), "monthly": timedelta(days=10)}
"""So long after its due day a letter is still sent; what is older is no news, and left out."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member as letters are written to them."""

    member: Member
    user: User
    workspace: Workspace

    @property
    def locale(self) -> str:
        """The language they chose, else their workspace's."""
        return self.user.locale or self.workspace.locale


def letters_of(session: Session, member: Member) -> LetterSubscription | None:
    """What letters the member gets; None for none."""
    query = select(LetterSubscription).where(LetterSubscription.member_id == member.id)
    return session.scalar(query)


def list_letters(session: Session) -> Sequence[tuple[LetterSubscription, Recipient]]:
    """The letters of all workspaces, those due first in front: for the machine's operator."""
    query = (
        select(LetterSubscription, Member, User, Workspace)
        .join(Member, Member.id == LetterSubscription.member_id)
        .join(User, User.id == Member.user_id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .order_by(LetterSubscription.due_on, LetterSubscription.id)
    )
    return [
        (row, Recipient(member, user, workspace))
        for row, member, user, workspace in session.execute(query)
    ]


def choose_letters(session: Session, member: Member, wish: str, now: datetime) -> None:
    """Let the member have weekly or monthly letters, or none (`OFF`).

    Raises `Invalid` (rhythm).
    """
    problems = Problems()
    problems.one_of("rhythm", wish, (*RHYTHMS, OFF))
    problems.raise_if_any()
    if wish == OFF:
        stop_letters(session, member.id)
        return
    time_zone = session.get_one(Workspace, member.workspace_id).time_zone
    due_on = next_due(cast(Rhythm, wish), day_of(now, time_zone))
    chosen = {"rhythm": wish, "due_on": due_on, "not_before": None, "tries": 0}
    whose = {"workspace_id": member.workspace_id, "member_id": member.id, "created_at": now}
    insert = insert_into(LetterSubscription, session).values(**whose, **chosen)
    # What is chosen already stays due when it was.
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["member_id"],
            set_=chosen,
            where=LetterSubscription.rhythm != wish,
        )
    )


def stop_letters(session: Session, member_id: int) -> None:
    """Send the member no more letters about this workspace; nothing to do where there are none."""
    session.execute(delete(LetterSubscription).where(LetterSubscription.member_id == member_id))


# Days


def next_due(rhythm: Rhythm, after: date) -> date:
    """The first due day after that day."""
    if rhythm == "weekly":
        return after + timedelta(days=7 - after.weekday())
    return (after.replace(day=1) + timedelta(days=32)).replace(day=1)


def last_due(rhythm: Rhythm, today: date) -> date:
    """The latest due day up to today."""
    if rhythm == "weekly":
        return today - timedelta(days=today.weekday())
    return today.replace(day=1)


def period_of_letter(rhythm: Rhythm, due_on: date, time_zone: str) -> Period:
    """The days a letter is about."""
    last = due_on - timedelta(days=1)
    first = due_on - timedelta(days=7) if rhythm == "weekly" else last.replace(day=1)
    return Period(first, last, time_zone)


def is_due(due_on: date, time_zone: str, now: datetime) -> bool:
    """Whether the hour has come to send it."""
    return now >= datetime.combine(due_on, SENT_FROM, ZoneInfo(time_zone))


def is_too_late(rhythm: Rhythm, due_on: date, time_zone: str, now: datetime) -> bool:
    """Whether it is left out, since its days are long past."""
    return day_of(now, time_zone) > due_on + LATEST[rhythm]


# The way out


def way_out(settings: Settings, member_id: int) -> str:
    """What the address that ends a member's letters carries."""
    return f"{member_id}.{_signature(settings, member_id)}"


def member_of(settings: Settings, token: str) -> int:
    """Whose letters the token ends. Raises `NotFound` (``letters_unknown``)."""
    text, _, signature = token.partition(".")
    member_id = inside_id(text)
    if member_id is not None and hmac.compare_digest(
        signature.encode("utf-8", "surrogatepass"), _signature(settings, member_id).encode()
    ):
        return member_id
    raise NotFound(Problem("", "letters_unknown"))


def recipient_of(session: Session, member_id: int) -> Recipient | None:
    """Whom the letters of a member go to; None where they left."""
    query = (
        select(Member, User, Workspace)
        .join(User, User.id == Member.user_id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(Member.id == member_id)
    )
    found = session.execute(query).one_or_none()
    return None if found is None else Recipient(*found)


def _signature(settings: Settings, member_id: int) -> str:
    message = f"letters\0{member_id}".encode()
    digest = hmac.digest(settings.secret_key.encode(), message, "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
