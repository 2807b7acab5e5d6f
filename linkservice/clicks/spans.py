"""Spans of days that are closed: what links had in a week or a month, summed up once that hardly
changes any more.

Such sums are no more than a shorter way to the same figures: whoever adds to a day of a closed span
reopens it for those links, in the same transaction (`closed_sums`), and until it is closed again
for them reports read the days.

Decided here: how a span is closed and reopened. The ingester closes spans when it is idle, some
links at a time, so that no writer waits long; it may be stopped at any moment. Not here: which
days are a span, and when it is closed (`weeks`, `months`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

import numpy as np
from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from linkservice.clicks import bulk
from linkservice.clicks.closing_lock import lock
from linkservice.clicks.grouping import Ints
from linkservice.clicks.month_model import ClosedSpan, LinkSpan, MonthDays
from linkservice.database import Database
from linkservice.links.model import Link

FIRST_LINKS, MOST_LINKS = 4, 64
"""Links summed up in one transaction."""

LOCK_HOLD_SECONDS = 0.02
"""How long that may take: other writers of a SQLite file wait for it. The month of one link with
500 kinds of clicks a day takes 10 ms."""

Part: TypeAlias = Callable[[Connection, Sequence[date], Sequence[int]], Mapping[int, bytes]]
"""By link, some of what it had on these days, packed; of the links that had any."""

Step: TypeAlias = Callable[[Session], None]
"""A part of closing something, in a transaction."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The weeks, or the months: which days are one, and where the sums of closed ones are."""

    first_of: Callable[[date], date]
    """The first day of the span a day is of: that names it."""
    days_of: Callable[[date], Sequence[date]]
    closed: type[ClosedSpan]
    of_links: type[LinkSpan]
    parts: Sequence[Part]
    """What the columns of `of_links` hold, in their order."""
    following: Callable[[Session, datetime, int], Step | None]
    """What is to be done once no links are reopened, with up to so many; None if nothing is."""
    of_workspaces: type[MonthDays] | None = None
    rest: Callable[[Session, date], bool] | None = None
    """Closes a part of what a span has besides links, once they are done; whether there was any."""

    def reopen(
        self, connection: Connection, days: Ints, link_ids: Ints, workspace_ids: Ints | None
    ) -> None:
        """Have the spans of these days closed again, as `closed_sums.reopen` says."""
        unique, whose = np.unique(days, return_inverse=True)
        firsts = [self.first_of(date.fromordinal(day)) for day in unique.tolist()]
        first = self.closed.first
        closed = set(connection.scalars(select(first).where(first.in_(set(firsts)))))
        if not closed:
            return
        spans = [firsts[place] for place in whose.tolist()]
        for model, ids in ((self.of_links, link_ids), (self.of_workspaces, workspace_ids)):
            if model is not None and ids is not None:
                keys = {key for key in zip(spans, ids.tolist(), strict=True) if key[0] in closed}
                nothing = [None] * len(bulk.columns(model)[2:])
                bulk.put(connection, model, [(*key, *nothing) for key in sorted(keys)])

    def next(self, session: Session, now: datetime, most: int) -> Step | None:
        """What is to be done next, with up to so many links; None if nothing is."""
        rows = self.of_links
        reopened = session.execute(
            select(rows.first, rows.link_id)
            .where(rows.hours.is_(None))
            .order_by(rows.first, rows.link_id)
            .limit(most)
        ).all()
        if not reopened:
            return self.following(session, now, most)
        span = reopened[0][0]
        link_ids = [link_id for first, link_id in reopened if first == span]
        return lambda session: self._sum_up(session, span, link_ids)

    def go_on(self, session: Session, span: date, most: int) -> None:
        """Sum up the next links of a span, from the first one on if it has just been begun."""
        closed = session.get(self.closed, span)
        if closed is None:
            closed = self.closed(first=span, links=0, whole=False)
            session.add(closed)
            session.flush()
        following = select(Link.id).where(Link.id > closed.links).order_by(Link.id)
        link_ids = session.scalars(following.limit(most)).all()
        if link_ids:
            self._sum_up(session, span, link_ids)
            closed.links = link_ids[-1]
        elif self.rest is None or not self.rest(session, span):
            closed.whole = True

    def _sum_up(self, session: Session, span: date, link_ids: Sequence[int]) -> None:
        """Write what the days of these links in that span add up to."""
        connection, days, rows = session.connection(), self.days_of(span), self.of_links
        parts = [part(connection, days, link_ids) for part in self.parts]
        there = sorted({link_id for part in parts for link_id in part})
        sums = [(span, each, *(part.get(each, b"") for part in parts)) for each in there]
        bulk.put(connection, rows, sums)
        # Whose clicks all became something else since has no sums, and needs none.
        connection.execute(
            update(rows)
            .where(rows.first == span, rows.link_id.in_(link_ids), rows.hours.is_(None))
            .values(dict.fromkeys(bulk.columns(rows)[2:], b""))
        )


class Closing:
    """Closes spans, a few links at a time: as many as do not keep other writers waiting long."""

    def __init__(self, database: Database, spans: Spans) -> None:
        self._database = database
        self._spans = spans
        self._links = FIRST_LINKS

    def some(self, now: datetime) -> bool:
        """Sum up some links of what is to be closed or was reopened; whether there was any.

        Raises SQLAlchemyError where the database is away; nothing is lost then.
        """
        with self._database.reading() as session:
            if self._spans.next(session, now, 1) is None:
                return False
        with self._database.transaction() as session:
            started = time.monotonic()
            lock(session.connection(), shared=False)
            step = self._spans.next(session, now, self._links)
            if step is not None:
                step(session)
            held = time.monotonic() - started
        if held > LOCK_HOLD_SECONDS:
            self._links = max(1, self._links // 2)
        elif held < LOCK_HOLD_SECONDS / 2:  # twice as many take twice as long at most
            self._links = min(MOST_LINKS, self._links * 2)
        return step is not None
