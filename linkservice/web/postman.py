"""Sends the letters that are due, and looks once a minute whether any are.

Every web worker has a postman; the claims (`reports/posting`) see to it that only one of them
sends a letter. The mail server is reached before a letter is claimed: while it is away nothing is
claimed, and the looks become rarer. Logs and counts name no recipient.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from jinja2 import Environment
from sqlalchemy.exc import SQLAlchemyError

from linkservice import mail
from linkservice.config import Settings
from linkservice.counters import Counters
from linkservice.database import Database
from linkservice.errors import Failed
from linkservice.reports import posting
from linkservice.reports.digest import Digest, digest_of
from linkservice.reports.letters import period_of_letter, recipient_of
from linkservice.reports.period import Period
from linkservice.web.letters import Address, write
from linkservice.workspaces.access import actor_of_member

LOOK_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 15 * 60.0
"""Between two looks while the mail server or the database is away."""

FAREWELL_SECONDS = 1.5
"""How long a process that ends waits for a letter that is just being sent."""

Clock = Callable[[], datetime]

Known: TypeAlias = dict[tuple[int, Period], Digest]
"""What was asked for in one round, by workspace and days."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: letters sent, failed, and left out as too late."""

    sent: int = 0
    failed: int = 0
    late: int = 0


class Postman:
    """Sends letters, from a thread of this process or when it is told to.

    It can be made before a process forks: the thread begins with `start`.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        templates: Environment,
        address: Address,
        counters: Counters,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self._settings, self._database = settings, database
        self._templates, self._address = templates, address
        self._counters, self._clock = counters, clock
        self._done = {"sent": 0, "failed": 0, "late": 0}
        counters.follow(self._figures)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look for letters, if there is a mail server to give them to."""
        if mail.is_set(self._settings) and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="letters", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End; a letter that is being sent has a moment, then its claim lapses."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(FAREWELL_SECONDS)

    def send_due(self) -> Round:
        """Send every letter that is due now.

        Raises `Failed` where the mail server is away, SQLAlchemyError where the database is.
        """
        with self._database.reading() as session:
            due = posting.due_letters(session, self._clock())
        try:
            late = sum(self._leave_out(each) for each in due if each.late)
            results = self._send_all([each for each in due if not each.late])
        finally:
            if due:
                self._counters.flush()
        return Round(results.count(True), results.count(False), late)

    def _send_all(self, waiting: Sequence[posting.Due]) -> list[bool | None]:
        """For each letter that was this process's, whether it was sent."""
        results: list[bool | None] = []
        # All members of a workspace are told the same, so it is asked for once.
        known: Known = {}
        if not waiting:
            return results
        with mail.connected(self._settings) as delivery:
            for each in waiting:
                if self._closing.is_set() or delivery.is_broken:
                    break
                claim = posting.claim(self._database, each, self._clock())
                if claim is not None:
                    results.append(self._send(claim, delivery, known))
        return results

    def _figures(self) -> dict[str, float]:
        return {
            f'linkservice_letters_total{{result="{result}"}}': float(number)
            for result, number in self._done.items()
        }

    def _run(self) -> None:
        pause = LOOK_SECONDS
        while not self._closing.is_set():
            try:
                self.send_due()
                pause = LOOK_SECONDS
            except (Failed, SQLAlchemyError) as error:
                _log.error("letters wait %.0f s: %s", pause, str(error).partition("\n")[0])
                self._closing.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            except Exception:
                # The thread must outlive what is broken in one letter.
                _log.exception("letters could not be sent")
            self._closing.wait(LOOK_SECONDS)

    def _send(self, claim: posting.Claim, delivery: mail.Delivery, known: Known) -> bool | None:
        """Whether it was sent; None where nobody is left who wants it."""
        number = claim.due.subscription_id
        try:
            letter = self._letter(claim.due, known)
            if letter is None or self._clock() >= claim.until:
                return None
            delivery.hand_over(letter)
        except Exception as error:
            with suppress(SQLAlchemyError):
                posting.note_failed(self._database, claim, self._clock())
            self._done["failed"] += 1
            if not isinstance(error, Failed):
                raise
            _log.warning("letter %d was not sent: %s", number, error)
            return False
        posting.note_sent(self._database, claim, self._clock())
        self._done["sent"] += 1
        _log.info("letter %d about the days before %s is sent", number, claim.due.due_on)
        return True

    def _letter(self, due: posting.Due, known: Known) -> mail.Letter | None:
        period = period_of_letter(due.rhythm, due.due_on, due.time_zone)
        with self._database.reading() as session:
            recipient = recipient_of(session, due.member_id)
            if recipient is None:
                return None
            actor = actor_of_member(recipient.member, recipient.user)
            found = known.get((actor.workspace_id, period))
            if found is None:
                found = digest_of(session, actor, period, self._clock())
                known[actor.workspace_id, period] = found
            written = write(
                self._settings, self._templates, self._address, recipient, due.rhythm, found
            )
        return mail.Letter(
            recipient.user.email,
            written.subject,
            written.text,
            written.html,
            posting.message_id(self._settings, due),
            written.way_out,
        )

    def _leave_out(self, due: posting.Due) -> bool:
        left_out = posting.leave_out(self._database, due, self._clock())
        if left_out:
            self._done["late"] += 1
            _log.warning("letter %d is left out: its days are long past", due.subscription_id)
        return left_out
