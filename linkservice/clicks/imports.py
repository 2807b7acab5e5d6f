"""`clicks import`: a file of past clicks goes through the same spool and ingest as live ones.

The whole file is checked before anything is written. It is then cut into chunks of lines;
each becomes one spool segment whose id follows from the content of the file up to there. So
an interrupted import goes on where it stopped, the same file adds nothing twice, and a file
that has grown adds only what is new. Equal lines within a file are different clicks.

Not here: what a line means (`lines`), and the ingest itself (`ingest`); `waiting` tells when
it has caught up.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import IO

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks import ledger, salts
from linkservice.clicks.calendar import local_day
from linkservice.clicks.event import Click, Flag, encode
from linkservice.clicks.ledger_model import Import
from linkservice.clicks.lines import LONGEST_LINE, Line, Reader
from linkservice.clicks.segment import (
    HEADER_BYTES,
    NODE_BYTES,
    SEGMENT_ID_BYTES,
    segments,
    write_segment,
)
from linkservice.clicks.visitor import (
    Network,
    Pseudonyms,
    cut,
    encoded_agent,
    first_language,
    is_within,
    packed_address,
    parse_network,
    referrer_host,
)
from linkservice.config import Settings
from linkservice.database import Database, insert_into
from linkservice.errors import Failed, Invalid, Problem
from linkservice.workspaces.access import Actor
from linkservice.workspaces.model import Workspace

IMPORT_NODE = b"linkservice-file"
assert len(IMPORT_NODE) == NODE_BYTES

LINES_OF_A_CHUNK = 20_000
MOST_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Imported:
    """Clicks in the file, and those of them that no earlier import had brought in."""

    clicks: int
    added: int


@dataclass(frozen=True, slots=True)
class _Checked:
    """What is in a file whose lines are all right; the known ones are its first."""

    lines: int
    clicks: int
    known_lines: int
    known_clicks: int


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the workspace says of how a click is written down, as for live ones."""

    workspace_id: int
    time_zone: str
    count_visitors: bool
    own_networks: tuple[Network, ...]

    @classmethod
    def of(cls, workspace: Workspace) -> _Rules:
        return cls(
            workspace.id,
            workspace.time_zone,
            workspace.count_visitors,
            tuple(map(parse_network, workspace.own_networks.split())),
        )


class _Prefix:
    """The beginning of a file, line by line: as many, of that size, with that hash."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0
        self.lines = 0

    def add(self, line: bytes) -> None:
        # The same line end for all: a last line without one gets it when the file grows.
        self._hash.update(line + b"\n")
        self.size += len(line) + 1
        self.lines += 1

    @property
    def digest(self) -> bytes:
        return self._hash.digest()


def import_clicks(
    settings: Settings,
    database: Database,
    actor: Actor,
    path: Path,
    now: datetime,
    progress: Callable[[int], None],
) -> Imported:
    """Put the clicks of a JSON-lines file into the spool; `progress` gets bytes done, twice over
    (once for checking, once for writing).

    Raises `Invalid` naming line and field, having written nothing, `Failed` for a file that
    cannot be read, `SpoolFailed` when the spool is full (run it again later).
    """
    actor.require("admin")
    with database.reading() as session:
        reader = Reader(session, actor, now)
        earlier = _earlier(session, actor)
        rules = _Rules.of(session.get_one(Workspace, actor.workspace_id))
    with _opened(path) as file:
        checked = _check(reader, _lines(file), earlier, progress)
        file.seek(0)
        # What somebody appends meanwhile is not checked; the next import will take it.
        lines = islice(_lines(file), checked.lines)
        prefix = _Prefix()
        for line in islice(lines, checked.known_lines):
            prefix.add(line)
        progress(prefix.size)
        written = _written(settings, database)
        while prefix.lines < checked.lines:
            before = prefix.size
            chunk = _next_chunk(lines, actor, prefix, written)
            if not chunk:
                raise Failed(Problem("FILE", "file_changed", {"path": path}))
            segment_id = _segment_id(actor, prefix)
            if segment_id not in written:
                read = reader.read(chunk, prefix.lines - len(chunk))
                keys = _pseudonyms_of(database, rules, read, now)
                bodies = [_body(line, rules, keys) for line in read]
                write_segment(settings.spool_dir, IMPORT_NODE, segment_id, bodies)
            _remember(database, actor, prefix, now)
            progress(prefix.size - before)
    return Imported(checked.clicks, checked.clicks - checked.known_clicks)


def waiting(settings: Settings, database: Database) -> int:
    """Bytes of imported clicks, of this file or another, that are still to be ingested."""
    with database.reading() as session:
        position = {
            entry.name: entry.position if entry.finished_at is None else sys.maxsize
            for entry in ledger.entries(session).values()
            if _imported(entry.node)
        }
    return sum(
        max(0, segment.size - position.get(segment.name, HEADER_BYTES))
        for segment in segments(settings.spool_dir)
        if _imported(segment.node)
    )


def _check(
    reader: Reader,
    lines: Iterator[bytes],
    earlier: Mapping[tuple[int, bytes], int],
    progress: Callable[[int], None],
) -> _Checked:
    """Read every line. Raises `Invalid` with the first problems."""
    sizes = {size for size, _ in earlier}
    prefix = _Prefix()
    problems: list[Problem] = []
    clicks = known_lines = known_clicks = 0
    for line in lines:
        prefix.add(line)
        try:
            clicks += len(reader.read([line], prefix.lines - 1))
        except Invalid as error:
            problems += error.problems
            if len(problems) >= MOST_PROBLEMS:
                break
        if prefix.size in sizes and (prefix.size, prefix.digest) in earlier:
            known_lines, known_clicks = prefix.lines, clicks
        progress(len(line) + 1)
    if problems:
        raise Invalid(*problems[:MOST_PROBLEMS])
    return _Checked(prefix.lines, clicks, known_lines, known_clicks)


def _body(line: Line, rules: _Rules, keys: Mapping[date, Pseudonyms]) -> bytes:
    pseudonyms = keys.get(local_day(line.time_ms, rules.time_zone)[0])
    # Exports name the page or only its host.
    referrer = line.referrer if "://" in line.referrer else f"https://{line.referrer}"
    address = packed_address(line.address)
    return encode(
        Click(
            time_ms=line.time_ms,
            link_id=line.link.link_id,
            link_version=line.link.version_at(line.time_ms),
            domain_id=line.link.domain_id,
            workspace_id=rules.workspace_id,
            source=line.source,
            network=cut(address),
            token=pseudonyms.token(address, encoded_agent(line.user_agent)) if pseudonyms else b"",
            user_agent=line.user_agent,
            language=first_language(line.language),
            referrer_host=referrer_host(referrer),
            flags=Flag.IMPORTED | (Flag.OWN if is_within(address, rules.own_networks) else 0),
        )
    )


def _pseudonyms_of(
    database: Database, rules: _Rules, lines: Sequence[Line], now: datetime
) -> dict[date, Pseudonyms]:
    """Those of the lines' days; none where no visitors are counted."""
    if not rules.count_visitors:
        return {}
    days = sorted({local_day(line.time_ms, rules.time_zone)[0] for line in lines})
    with database.transaction() as session:
        found = {day: salts.salt_for(session, rules.workspace_id, day, now) for day in days}
    return {day: Pseudonyms(salt, rules.workspace_id) for day, salt in found.items()}


def _next_chunk(
    lines: Iterator[bytes], actor: Actor, prefix: _Prefix, written: Collection[bytes]
) -> list[bytes]:
    """The lines of the next segment, which are added to `prefix`.

    It ends early where a segment ends that is `written` but not remembered: the import
    stopped between the two, and the file may have grown since.
    """
    chunk = []
    for line in islice(lines, LINES_OF_A_CHUNK):
        chunk.append(line)
        prefix.add(line)
        if _segment_id(actor, prefix) in written:
            break
    return chunk


def _segment_id(actor: Actor, prefix: _Prefix) -> bytes:
    mixed = hashlib.sha256(actor.workspace_id.to_bytes(8, "big") + prefix.digest).digest()
    return mixed[:SEGMENT_ID_BYTES]


def _written(settings: Settings, database: Database) -> set[bytes]:
    """The ids of all segments that imports ever wrote: in the spool, or in the ledger only."""
    with database.reading() as session:
        names = {entry.name for entry in ledger.entries(session).values() if _imported(entry.node)}
    names |= {each.name for each in segments(settings.spool_dir) if _imported(each.node)}
    return {bytes.fromhex(name.rpartition("-")[2]) for name in names}


def _imported(node: str) -> bool:
    return node == IMPORT_NODE.hex()


def _earlier(session: Session, actor: Actor) -> dict[tuple[int, bytes], int]:
    """How many lines each beginning has that was imported, by its size and hash."""
    rows = session.scalars(select(Import).where(Import.workspace_id == actor.workspace_id))
    return {(row.size, bytes(row.digest)): row.lines for row in rows}


def _remember(database: Database, actor: Actor, prefix: _Prefix, now: datetime) -> None:
    with database.writing_connection() as connection:
        connection.execute(
            insert_into(Import, connection)
            .values(
                workspace_id=actor.workspace_id,
                digest=prefix.digest,
                size=prefix.size,
                lines=prefix.lines,
                finished_at=now,
            )
            # The same import may run twice at once.
            .on_conflict_do_nothing(index_elements=["workspace_id", "digest"])
        )


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        # Without waiting for somebody to write, if it is a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error.strerror) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Failed(Problem("FILE", "not_a_file", {"path": path}))
    with os.fdopen(handle, "rb") as file:
        try:
            yield file
        except OSError as error:
            raise _unreadable(path, error.strerror) from None


def _unreadable(path: Path, why: str | None) -> Failed:
    return Failed(Problem("FILE", "file_unreadable", {"path": path, "why": why}))


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines without their ends."""
    # Bounded, so that a file without line ends cannot fill the memory.
    while line := file.readline(LONGEST_LINE + 2):
        yield line.rstrip(b"\r\n")
