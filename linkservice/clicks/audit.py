"""The proof: every click that was ever accepted is ingested, rejected or pending.

`accepted` counts CRC-valid records: those the ledger has passed (their counters outlive the
segments) and those that stand in the spool behind it. `ingested` is summed from the
roll-ups, not from the ledger, so a roll-up that lost or doubled a click shows. Where it
shows, the first difference is named: by node, by link and day, or by domain and day, since
`accepted_days` keeps what was accepted of each, counted from the records as they were read.

What is finished is not read again: its file must only be as long as the ledger says. `deep`
reads it all, and finds what rotted since. Only this data directory's spool is looked at:
where several machines share a database, each of them audits its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias

from sqlalchemy import Select, SQLColumnExpression, Subquery, func, literal, select, union_all
from sqlalchemy.orm import Session

from linkservice.clicks import ledger, shortfall
from linkservice.clicks.ledger_model import AcceptedDay, LedgerEntry, Node, Unrecorded
from linkservice.clicks.model import DomainDay, LinkDay, SuspectedDay
from linkservice.clicks.reading import Reader, Texts
from linkservice.clicks.segment import HEADER_BYTES, Segment, segments
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.model import Domain, Link

MOST_DIFFERENCES = 20
RECORDS_AT_ONCE = 10_000

Progress: TypeAlias = Callable[[int], None]
"""Called with the bytes of segment files that were read."""

Subject: TypeAlias = Literal["link", "domain", "node", "segment"]


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of records of one node or day; of a day they are those of all nodes."""

    name: str
    accepted: int
    ingested: int
    rejected: int
    pending: int

    @property
    def difference(self) -> int:
        return self.accepted - self.ingested - self.rejected - self.pending


@dataclass(frozen=True, slots=True)
class Difference:
    """Where numbers do not agree: what was accepted (without what was rejected), and what of
    it is where it should be counted; on which local day (None for nodes and segments).

    `name` is a short URL's host and slug, a host, a node's id or a segment's name. Of a segment
    the numbers are what its file holds and what the ledger says: bytes, or records if deep.
    """

    subject: Subject
    name: str
    date: date | None
    accepted: int
    counted: int


@dataclass(frozen=True, slots=True)
class Audit:
    """Numbers of records; `difference` is 0 unless a click was lost or doubled.

    `damaged` counts stretches that are no record; how many clicks stood there nobody knows.
    `differences` are the first of them, in the order of days: there may be some although
    they cancel each other out.
    """

    accepted: int
    ingested: int
    rejected: int
    pending: int
    unrecorded: int
    damaged: int = 0
    nodes: tuple[Tally, ...] = field(default=(), compare=False)
    days: tuple[Tally, ...] = field(default=(), compare=False)
    differences: tuple[Difference, ...] = field(default=(), compare=False)

    @property
    def difference(self) -> int:
        return self.accepted - self.ingested - self.rejected - self.pending

    @property
    def first_difference(self) -> Difference | None:
        return self.differences[0] if self.differences else None

    @property
    def proven(self) -> bool:
        """Whether all numbers agree, in sum and everywhere.

        A file that changed after it was ingested proves nothing: its clicks are counted.
        """
        return not self.difference and all(each.subject == "segment" for each in self.differences)


@dataclass(slots=True)
class _Spooled:
    """What stands in the spool behind the ledger and, if it was asked for, before it."""

    pending: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    changed: list[Difference] = field(default_factory=list)


def audit(
    settings: Settings,
    database: Database,
    *,
    deep: bool = False,
    progress: Progress | None = None,
) -> Audit:
    """Compare spool, ledger and roll-ups as they stand at one moment; may run beside ingest.

    Takes seconds, or with `deep` as long as the segment files take to be read. Raises
    `SpoolFailed` when one cannot be read.
    """
    found = [each for each in segments(settings.spool_dir) if not each.broken]
    with database.reading() as session:
        passed = ledger.entries(session)
        spooled = _spooled(found, passed, deep=deep, progress=progress or _silent)
        nodes = _nodes(session, spooled)
        days = _days(session)
        differences = [
            *_link_differences(session),
            *_domain_differences(session),
        ]
        differences.sort(key=lambda each: (each.date or date.max, each.name))
        differences += [*_node_differences(session), *spooled.changed]
        damaged = int(session.scalar(select(func.sum(LedgerEntry.damaged))) or 0)
        stored = _stored_shortfall(session)
    return Audit(
        accepted=sum(node.accepted for node in nodes),
        ingested=sum(day.ingested for day in days),
        rejected=sum(node.rejected for node in nodes),
        pending=sum(node.pending for node in nodes),
        unrecorded=_unrecorded(settings, stored),
        damaged=int(damaged),
        nodes=tuple(nodes),
        days=tuple(days),
        differences=tuple(differences[:MOST_DIFFERENCES]),
    )


def _silent(_bytes: int) -> None:
    pass


def _spooled(
    found: Iterable[Segment],
    passed: dict[tuple[str, str], LedgerEntry],
    *,
    deep: bool,
    progress: Progress,
) -> _Spooled:
    spooled = _Spooled()
    for segment in found:
        known = passed.get((segment.node, segment.name))
        position = HEADER_BYTES if known is None else known.position
        if known is None or known.finished_at is None:
            spooled.pending[segment.node] += _count(segment, position, None, progress)
        elif segment.size != position:
            spooled.changed.append(
                Difference("segment", segment.name, None, segment.size, position)
            )
        if deep and known is not None:
            before = _count(segment, HEADER_BYTES, position, progress)
            # A file that rotted after it was ingested does not undo what was accepted.
            spooled.missed[segment.node] += max(0, before - known.accepted)
            if before != known.accepted:
                spooled.changed.append(
                    Difference("segment", segment.name, None, before, known.accepted)
                )
    return spooled


def _count(segment: Segment, start: int, end: int | None, progress: Progress) -> int:
    """CRC-valid records from `start` to `end` (byte offsets; None for all there are)."""
    reader, count, last = Reader(segment, start, Texts()), 0, False
    while not last:
        stretch = reader.next(RECORDS_AT_ONCE)
        offsets = [
            *stretch.records.rows["offset"].tolist(),
            *(each.offset for each in stretch.unreadable),
        ]
        count += sum(1 for offset in offsets if end is None or offset < end)
        progress(stretch.end - stretch.start)
        last = stretch.last or (end is not None and stretch.end >= end)
    return count


def _nodes(session: Session, spooled: _Spooled) -> list[Tally]:
    rows = session.execute(
        select(
            LedgerEntry.node,
            func.sum(LedgerEntry.accepted),
            func.sum(LedgerEntry.ingested),
            func.sum(LedgerEntry.rejected),
        ).group_by(LedgerEntry.node)
    )
    sums = {node: [int(number) for number in numbers] for node, *numbers in rows}
    tallies = []
    for node in sorted(sums.keys() | spooled.pending.keys()):
        accepted, ingested, rejected = sums.get(node, (0, 0, 0))
        pending = spooled.pending[node]
        accepted += pending + spooled.missed[node]
        tallies.append(Tally(node, accepted, ingested, rejected, pending))
    return tallies


_OF_LINK = (
    LinkDay.clicks
    + LinkDay.robots
    + LinkDay.previews
    + LinkDay.prefetches
    + LinkDay.scanners
    + LinkDay.heads
    + LinkDay.own
)
_OF_DOMAIN = DomainDay.misses + DomainDay.heads


def _days(session: Session) -> list[Tally]:
    """What was accepted on each day, and what of it is in the roll-ups; nothing pending."""
    sums: defaultdict[date, list[int]] = defaultdict(lambda: [0, 0, 0])
    for place, query in (
        (0, _by_day(AcceptedDay.local_date, AcceptedDay.accepted)),
        (1, _by_day(LinkDay.local_date, _OF_LINK)),
        (1, _by_day(SuspectedDay.local_date, SuspectedDay.clicks)),
        (1, _by_day(DomainDay.local_date, _OF_DOMAIN)),
        (2, _by_day(AcceptedDay.local_date, AcceptedDay.rejected)),
    ):
        for day, number in session.execute(query):
            sums[day][place] += int(number)
    return [
        Tally(day.isoformat(), accepted, ingested, rejected, 0)
        for day, (accepted, ingested, rejected) in sorted(sums.items())
    ]


def _by_day(day: SQLColumnExpression[date], number: SQLColumnExpression[int]) -> Select[date, int]:
    return select(day, func.sum(number)).group_by(day)


def _link_differences(session: Session) -> Iterator[Difference]:
    nothing = literal(0)
    parts = union_all(
        select(
            AcceptedDay.local_date.label("day"),
            AcceptedDay.link_id.label("id"),
            (AcceptedDay.accepted - AcceptedDay.rejected).label("accepted"),
            nothing.label("counted"),
        ).where(AcceptedDay.link_id != 0),
        select(LinkDay.local_date, LinkDay.link_id, nothing, _OF_LINK),
        select(SuspectedDay.local_date, SuspectedDay.link_id, nothing, SuspectedDay.clicks),
    ).subquery()
    for day, link_id, accepted, counted in _differing(session, parts):
        yield Difference("link", link_name(session, link_id), day, accepted, counted)


def link_name(session: Session, link_id: int) -> str:
    """Its host and slug."""
    named = session.execute(
        select(Domain.host, Link.slug)
        .join(Link, Link.domain_id == Domain.id)
        .where(Link.id == link_id)
    ).first()
    return "/".join(named) if named else f"link {link_id}"


def _domain_differences(session: Session) -> Iterator[Difference]:
    nothing = literal(0)
    parts = union_all(
        select(
            AcceptedDay.local_date.label("day"),
            AcceptedDay.domain_id.label("id"),
            (AcceptedDay.accepted - AcceptedDay.rejected).label("accepted"),
            nothing.label("counted"),
        ).where(AcceptedDay.link_id == 0),
        select(DomainDay.local_date, DomainDay.domain_id, nothing, _OF_DOMAIN),
    ).subquery()
    for day, domain_id, accepted, counted in _differing(session, parts):
        host = session.scalar(select(Domain.host).where(Domain.id == domain_id))
        yield Difference("domain", host or f"domain {domain_id}", day, accepted, counted)


def _differing(session: Session, parts: Subquery) -> list[tuple[date, int, int, int]]:
    accepted, counted = func.sum(parts.c.accepted), func.sum(parts.c.counted)
    rows = session.execute(
        select(parts.c.day, parts.c.id, accepted, counted)
        .group_by(parts.c.day, parts.c.id)
        .having(accepted != counted)
        .order_by(parts.c.day, parts.c.id)
        .limit(MOST_DIFFERENCES)
    )
    return [(day, int(key), int(one), int(other)) for day, key, one, other in rows]


def _node_differences(session: Session) -> Iterator[Difference]:
    """Nodes whose days do not hold what the ledger says of their segments."""
    by_day = dict(
        session.execute(
            select(Node.node, func.sum(AcceptedDay.accepted))
            .join(Node, Node.id == AcceptedDay.node_id)
            .group_by(Node.node)
        ).all()
    )
    before = dict(session.execute(select(Node.node, Node.uncounted)).all())
    rows = session.execute(
        select(LedgerEntry.node, func.sum(LedgerEntry.accepted)).group_by(LedgerEntry.node)
    )
    for node, number in rows:
        accepted = int(number)
        counted = int(by_day.get(node, 0)) + before.get(node, 0)
        if accepted != counted:
            yield Difference("node", node, None, accepted, counted)


def _stored_shortfall(session: Session) -> dict[tuple[str, int, int], int]:
    rows = session.scalars(select(Unrecorded))
    return {(row.source, row.workspace_id, row.local_date.toordinal()): row.clicks for row in rows}


def _unrecorded(settings: Settings, stored: dict[tuple[str, int, int], int]) -> int:
    """Counts are absolute and only grow: of a stored and a read one the larger is true."""
    counts = dict(stored)
    for each in shortfall.read_all(settings.spool_dir):
        key = (each.source, each.workspace_id, each.day)
        counts[key] = max(counts.get(key, 0), each.clicks)
    return sum(counts.values())
