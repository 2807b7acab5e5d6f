"""Makes sheets, outside any transaction, with progress, one at a time.

A maker claims a sheet by a conditional UPDATE and says about once a second that it lives and
how far it is, by another: whoever changes no row has lost the sheet (it was stopped, deleted,
or taken over after a pause) and lays it down. Not here: what is on a sheet (`layout`,
`archive`), who may ask for one (`manage`).
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from linkservice.database import Database
from linkservice.errors import LinkServiceError, Problem
from linkservice.sheets.model import STILL_FOR, Sheet, unfinished
from linkservice.sheets.order import Label, Order, from_json

BEAT = timedelta(seconds=1)
LOOK_SECONDS = 5.0
"""How often a `Maker` looks for sheets that another process was asked for, or left."""

Clock = Callable[[], datetime]

_log = logging.getLogger(__name__)


class _Lost(Exception):
    """The sheet is no longer this maker's."""


class _Closing(Exception):
    """The process ends."""


class Maker:
    """One thread of this process that makes the sheets that wait, one after the other.

    It can be made before a process forks: the thread begins with `start` or `wake`.
    """

    def __init__(self, database: Database, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def start(self) -> None:
        """Begin, unless it has begun: takes up what waits and what was interrupted."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="sheets", daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Look now: a sheet was asked for and its transaction is committed."""
        self._wake.set()
        self.start()

    def close(self) -> None:
        """End within a second or two; a sheet in the making is left for the next maker."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            try:
                sheet_id = next_sheet(self._database, self._clock())
                if sheet_id is not None:
                    make_sheet(self._database, sheet_id, self._clock, self._closing.is_set)
                    continue
            except SQLAlchemyError as error:
                _log.warning("sheets wait for the database: %s", error)
            self._wake.wait(LOOK_SECONDS)


def next_sheet(database: Database, now: datetime) -> int | None:
    """The oldest sheet that waits or was interrupted."""
    with database.reading() as session:
        query = select(Sheet.id).where(*_claimable(now)).order_by(Sheet.id).limit(1)
        return session.scalar(query)


def make_sheet(
    database: Database,
    sheet_id: int,
    clock: Clock,
    closing: Callable[[], bool] = lambda: False,
) -> bool:
    """Make the sheet if it waits or was interrupted; whether this call finished it.

    `clock` tells the time. Once `closing` says so, the sheet is left for the next maker. What
    cannot be made is noted in the sheet as its problem. Raises `SQLAlchemyError` where the
    database fails: the sheet then counts as interrupted.
    """
    claim = _Claim(database, sheet_id, clock, closing)
    question = claim.take()
    if question is None:
        return False
    labels: Sequence[Label] = ()
    try:
        order = from_json(question)
        labels = order.labels
        claim.finish(_made(order, claim))
    except _Lost:
        return False
    except _Closing:
        claim.give_back()
        return False
    except LinkServiceError as error:
        [problem, *_] = error.problems
        claim.fail(Problem(labels[claim.done].name, problem.code, problem.params))
        return False
    except SQLAlchemyError:
        raise
    except Exception:
        # Kept as its problem: left alone it would be taken up, and fail, for ever.
        _log.exception("sheet %d could not be made", sheet_id)
        claim.fail(Problem("", "sheet_broken"))
        return False
    return True


class _Claim:
    """A sheet as long as it is this maker's, which `beat_at` proves: nobody else writes it."""

    def __init__(
        self, database: Database, sheet_id: int, clock: Clock, closing: Callable[[], bool]
    ) -> None:
        self._database = database
        self._sheet_id = sheet_id
        self._clock = clock
        self._closing = closing
        self.started_at = self._beat_at = clock()
        self.format = ""
        self.done = 0

    def take(self) -> str | None:
        """What is to be made; None if somebody else was quicker, or nothing is left to do."""
        free = Sheet.id == self._sheet_id, *_claimable(self.started_at)
        values = {"beat_at": self.started_at, "done": 0}
        with self._database.transaction() as session:
            question = session.execute(
                update(Sheet).where(*free).values(values).returning(Sheet.question, Sheet.format)
            ).one_or_none()
        if question is None:
            return None
        kept, self.format = question
        return kept

    def step(self, done: int) -> None:
        """Note that `done` codes are made, if the last time is a second ago.

        Raises `_Lost` if the sheet was stopped, deleted or taken over, `_Closing`.
        """
        self.done = done
        if self._closing():
            raise _Closing
        now = self._clock()
        if now - self._beat_at >= BEAT:
            self._write(beat_at=now, done=done)
            self._beat_at = now

    def finish(self, data: bytes) -> None:
        """Keep the file. Raises `_Lost`."""
        self._write(data=data, done=self.done, finished_at=self._clock())

    def fail(self, problem: Problem) -> None:
        """Keep why it cannot be made, unless the sheet was lost meanwhile."""
        kept = {"field": problem.field, "code": problem.code, "params": dict(problem.params)}
        with suppress(_Lost):
            self._write(problem=json.dumps(kept, ensure_ascii=False))

    def give_back(self) -> None:
        """Let it wait for another maker, unless the sheet was lost meanwhile."""
        with suppress(_Lost):
            self._write(beat_at=None, done=0)

    def _write(self, **values: object) -> None:
        with self._database.transaction() as session:
            changed = session.execute(
                update(Sheet)
                .where(Sheet.id == self._sheet_id, Sheet.beat_at == self._beat_at, *unfinished())
                .values(**values)
                .returning(Sheet.id)
            ).one_or_none()
        if changed is None:
            raise _Lost


def _made(order: Order, claim: _Claim) -> bytes:
    # Imported late: fonts and PDF take half a second and 30 MB, and many processes make none.
    from linkservice.sheets.archive import make_zip
    from linkservice.sheets.layout import make_pdf

    make = make_pdf if claim.format == "pdf" else make_zip
    return make(order, claim.started_at, claim.step)


def _claimable(now: datetime) -> tuple[ColumnElement[bool], ...]:
    silent = or_(Sheet.beat_at.is_(None), Sheet.beat_at < now - STILL_FOR)
    return *unfinished(), Sheet.expires_at > now, silent
