"""The proof that closed sums still tell what their days tell.

Reports read sums that an idle ingester closed, a shorter way to the same figures. Whoever changes
a day reopens its sums in the same transaction: so in one consistent view every sum is either open,
or what its days add up to by the very function that packed it. What is reopened or closed meanwhile
is therefore never called wrong, and nobody waits: each part is a view of its own, and only reads.

Decided here: how sums are looked at, and what is done about wrong ones: they are reopened, and
until the ingester has closed them again reports read the days. Not here: what is compared with what
(`closed_kinds`, `touchpoint_audit`, `value_days_audit`, `conversions.months_audit`), and the days
themselves (`audit`).
"""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.orm import Session

from linkservice.clicks.audit import MOST_DIFFERENCES, link_name
from linkservice.database import AS_BYTES, Base, Database
from linkservice.journeys.model import Touchpoint
from linkservice.workspaces.model import Workspace

SECONDS_AT_ONCE = 0.1
"""For how long one view is looked at: PostgreSQL cleans up nothing that one still sees, nor can
SQLite's log be moved into the file."""

Subject: TypeAlias = Literal["link", "touchpoint", "campaign", "value", "workspace"]

Place = TypeVar("Place")
"""Where a look has got to."""


@dataclass(frozen=True, slots=True)
class Unequal:
    """A closed sum that is not what its days add up to: its table, the day or the first day of its
    week or month, and what in it differs: the first of several; the whole `workspace` where that
    cannot be told. `key` finds it in its table.
    """

    kind: str
    workspace_id: int
    date: date
    subject: Subject
    name: str
    key: tuple[Any, ...] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Look:
    """Some sums that were looked at: how many `agree`, how many were `left_out`, being open or of
    days whose clicks are deleted, and which differ. `passed` of all there may be.
    """

    passed: int
    agree: int = 0
    left_out: int = 0
    unequal: Sequence[Unequal] = ()


OPEN = Look(1, left_out=1)
AGREES = Look(1, agree=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """The sums of a table: how many there may be, a way to look at all of them, some at a time, and
    what has wrong ones made again, within a transaction.
    """

    name: str
    size: Callable[[Session], int]
    look: Callable[[Database], Iterator[Look]]
    reopen: Callable[[Session, Sequence[Unequal]], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """Numbers of sums of a kind: how many were compared, and how many of these differ."""

    kind: str
    checked: int = 0
    differing: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class ClosedAudit:
    """What was found of each kind, and the first of what differs."""

    kinds: Sequence[Checked]
    differences: Sequence[Unequal]

    @property
    def proven(self) -> bool:
        """Whether all that was compared agrees."""
        return not self.differences


Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a kind, and how many of how many of its sums are looked at."""


def audit_closed(
    database: Database,
    kinds: Sequence[Kind],
    *,
    reopen: bool = False,
    progress: Progress | None = None,
) -> ClosedAudit:
    """Compare closed sums with their days, kind by kind; may run beside the service and be stopped
    at any moment. Takes about as long as closing them did.

    With `reopen` sums that differ are made again: closed ones are reopened, which the ingester then
    closes again, and the sums of touchpoints are set right at once. So kinds come in an order in
    which none is before what it is made from.
    """
    found: list[Checked] = []
    differences: list[Unequal] = []
    for kind in kinds:
        checked, passed = Checked(kind.name), 0
        with database.reading() as session:
            size = kind.size(session)
        for look in kind.look(database):
            checked = replace(
                checked,
                checked=checked.checked + look.agree + len(look.unequal),
                differing=checked.differing + len(look.unequal),
                left_out=checked.left_out + look.left_out,
            )
            differences += look.unequal[: MOST_DIFFERENCES - len(differences)]
            if reopen and look.unequal:
                with database.transaction() as session:
                    kind.reopen(session, look.unequal)
            passed += look.passed
            if progress is not None:
                progress(kind.name, passed, size)
        found.append(checked)
    return ClosedAudit(tuple(found), tuple(differences))


def in_parts(
    database: Database,
    step: Callable[[Session, Place], tuple[Look, Place] | None],
    begin: Place,
) -> Iterator[Look]:
    """Look step by step, each told where the one before has got to, until one says that there is
    no more; several in one view, as long as they take little time.
    """
    place: Place | None = begin
    while place is not None:
        looks: list[Look] = []
        until = time.monotonic() + SECONDS_AT_ONCE
        with database.reading() as session:
            while place is not None and (not looks or time.monotonic() < until):
                following = step(session, place)
                look, place = following or (Look(0), None)
                looks.append(look)
        # Whoever is told may write.
        yield from looks


def of_table(
    model: type[Base],
    compare: Callable[[Session, Row[Any]], Look],
    reopen: Callable[[Session, Sequence[Unequal]], None],
) -> Kind:
    """The kind of which each row of a table is a sum. `compare` is told all of its columns."""
    columns = model.__table__.columns
    key = [column for column in columns if column.primary_key]

    def step(session: Session, place: tuple[Any, ...]) -> tuple[Look, tuple[Any, ...]] | None:
        query = select(*columns).order_by(*key).limit(1)
        if place:
            query = query.where(tuple_(*key) > place)
        row = session.execute(query, execution_options=AS_BYTES).first()
        if row is None:
            return None
        return compare(session, row), tuple(getattr(row, column.name) for column in key)

    return Kind(
        model.__tablename__,
        lambda session: session.scalar(select(func.count()).select_from(model)) or 0,
        lambda database: in_parts(database, step, ()),
        reopen,
    )


def first_differing(
    stored: bytes | None, right: bytes, form: np.dtype[np.void], ids: str
) -> int | None:
    """The smallest id of the rows that only one of the two has; None if there is no telling."""
    try:
        one, other = (
            Counter(np.frombuffer(each, form).tolist()) for each in (stored or b"", right)
        )
    except ValueError:  # no whole rows
        return None
    place = (form.names or ()).index(ids)
    return min((row[place] for row in (one - other) + (other - one)), default=None)


def decompressed(content: bytes) -> bytes | None:
    """What was compressed, nothing if it is nothing; None if it is damaged."""
    try:
        return zlib.decompress(content) if content else b""
    except zlib.error:
        return None


def link_or_workspace(
    session: Session, workspace_id: int, link_id: int | None
) -> tuple[Subject, str]:
    """What differs as an operator finds it: the link, if it is told."""
    if link_id is None:
        return whole_workspace(session, workspace_id)
    return "link", link_name(session, link_id)


def touchpoint_or_workspace(
    session: Session, workspace_id: int, touchpoint_id: int | None
) -> tuple[Subject, str]:
    """The same of a touchpoint, where 0 is that of links without one."""
    if touchpoint_id is None:
        return whole_workspace(session, workspace_id)
    name = session.scalar(select(Touchpoint.name).where(Touchpoint.id == touchpoint_id))
    return "touchpoint", name or (f"touchpoint {touchpoint_id}" if touchpoint_id else "none")


def whole_workspace(session: Session, workspace_id: int) -> tuple[Subject, str]:
    """Where all of a sum differs, or there is no telling what."""
    name = session.scalar(select(Workspace.name).where(Workspace.id == workspace_id))
    return "workspace", name or f"workspace {workspace_id}"
