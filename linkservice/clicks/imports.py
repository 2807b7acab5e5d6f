"""`clicks import`: a file of past clicks goes through the same spool and ingest as live ones.

The whole file is checked before anything is written. It is then cut into chunks of lines;
each becomes one spool segment whose id follows from the content of the file up to there. So
an interrupted import goes on where it stopped, the same file adds nothing twice, and a file
that has grown adds only what is new. Equal lines within a file are different clicks.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from linkservice.clicks import salts
from linkservice.clicks.calendar import epoch_ms, local_day
from linkservice.clicks.event import Click, Flag, Source, clip, encode
from linkservice.clicks.model import Import
from linkservice.clicks.segment import NODE_BYTES, SEGMENT_ID_BYTES, write_segment
from linkservice.clicks.visitor import cut_network, first_language, referrer_host, visitor_token
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Failed, Invalid, Problem
from linkservice.links.host import normal_host
from linkservice.links.model import Domain, Link, LinkVersion
from linkservice.links.slug import slug_key
from linkservice.workspaces.access import Actor, scoped
from linkservice.workspaces.model import Workspace

IMPORT_NODE = b"linkservice-file"
assert len(IMPORT_NODE) == NODE_BYTES

LINES_OF_A_CHUNK = 20_000
LONGEST_LINE = 64 * 1024
MOST_PROBLEMS = 5
FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)

_TEXTS = ("domain", "slug", "source", "user_agent", "address", "referrer", "language")
_REQUIRED = ("time", "slug", "source", "user_agent", "address")


@dataclass(frozen=True, slots=True)
class Imported:
    """Clicks in the file, and its first lines that an earlier import had already brought in."""

    clicks: int
    known_lines: int


@dataclass(frozen=True, slots=True)
class _Line:
    """A checked line: when, on which link, by whom."""

    time_ms: int
    link: _Target
    source: Source
    user_agent: str
    address: str
    referrer: str
    language: str


@dataclass(frozen=True, slots=True)
class _Target:
    """A link with the moments (epoch ms) from which its versions 1, 2, … held."""

    link_id: int
    domain_id: int
    changed_ms: Sequence[int]

    def version_at(self, time_ms: int) -> int:
        """The version that held then; the first one for clicks older than the link."""
        return max(1, bisect_right(self.changed_ms, time_ms))


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
        reader = _Reader(session, actor, now)
        time_zone = session.get_one(Workspace, actor.workspace_id).time_zone
    clicks = reader.check(path, progress)
    known = _known_prefix(database, actor, path)
    lines = _lines(path)
    digest, size, number = hashlib.sha256(), 0, 0
    for raw in islice(lines, known):
        digest.update(raw)
        size, number = size + len(raw), number + 1
    progress(size)
    while chunk := list(islice(lines, LINES_OF_A_CHUNK)):
        for raw in chunk:
            digest.update(raw)
            size, number = size + len(raw), number + 1
        read = [line for raw in chunk if (line := reader.read(raw)) is not None]
        keys = _salts_of(database, actor, read, time_zone, now)
        bodies = [_body(line, actor.workspace_id, keys, time_zone) for line in read]
        segment_id = _segment_id(actor, digest.digest())
        write_segment(settings.spool_dir, IMPORT_NODE, segment_id, bodies)
        _remember(database, actor, digest.digest(), size, number, now)
        progress(sum(map(len, chunk)))
    return Imported(clicks, known)


class _Reader:
    """Reads lines against the links the workspace has."""

    def __init__(self, session: Session, actor: Actor, now: datetime) -> None:
        self._latest = now + timedelta(days=1)
        self._hosts: dict[str, int] = {}
        for domain in session.scalars(scoped(actor, Domain).order_by(Domain.id)):
            self._hosts.setdefault("", domain.id)
            self._hosts[domain.host] = domain.id
        self._links = _targets(session, actor)

    def check(self, path: Path, progress: Callable[[int], None]) -> int:
        """Read every line; the number of clicks. Raises `Invalid` with the first problems."""
        problems: list[Problem] = []
        clicks = 0
        for number, raw in enumerate(_lines(path), 1):
            try:
                clicks += self.read(raw) is not None
            except Invalid as error:
                problems += [
                    Problem(f"line {number}, {p.field}".removesuffix(", "), p.code, p.params)
                    for p in error.problems
                ]
                if len(problems) >= MOST_PROBLEMS:
                    break
            progress(len(raw))
        if problems:
            raise Invalid(*problems[:MOST_PROBLEMS])
        return clicks

    def read(self, raw: bytes) -> _Line | None:
        """The click of a line, None for a blank one. Raises `Invalid`."""
        if not raw.strip():
            return None
        fields = _fields(raw)
        time_ms = epoch_ms(_time(fields["time"], self._latest))
        if fields["source"] not in ("click", "scan"):
            raise Invalid(Problem("source", "not_one_of", {"allowed": "click, scan"}))
        return _Line(
            time_ms=time_ms,
            link=self._link(fields),
            source=Source.SCAN if fields["source"] == "scan" else Source.CLICK,
            user_agent=fields["user_agent"] or "",
            address=fields["address"] or "",
            referrer=fields.get("referrer") or "",
            language=fields.get("language") or "",
        )

    def _link(self, fields: dict[str, Any]) -> _Target:
        host = fields.get("domain") or ""
        domain_id = self._hosts.get(normal_host(host) if host else "")
        if domain_id is None:
            raise Invalid(Problem("domain", "no_such_domain", {"host": host[:80]}))
        found = self._links.get((domain_id, slug_key(fields["slug"] or "")))
        if found is None:
            params = {"slug": (fields["slug"] or "")[:80], "host": host[:80] or "the first domain"}
            raise Invalid(Problem("slug", "no_such_slug", params))
        return found


def _targets(session: Session, actor: Actor) -> dict[tuple[int, str], _Target]:
    changed: dict[int, list[int]] = {}
    rows = session.execute(
        select(LinkVersion.link_id, LinkVersion.changed_at)
        .join(Link, Link.id == LinkVersion.link_id)
        .where(Link.workspace_id == actor.workspace_id)
        .order_by(LinkVersion.link_id, LinkVersion.version)
    )
    for link_id, moment in rows:
        changed.setdefault(link_id, []).append(epoch_ms(moment))
    # Deleted links too: their clicks happened.
    links = session.execute(
        select(Link.id, Link.domain_id, Link.slug_key).where(
            Link.workspace_id == actor.workspace_id
        )
    )
    return {
        (domain_id, key): _Target(link_id, domain_id, changed[link_id])
        for link_id, domain_id, key in links
    }


def _fields(raw: bytes) -> dict[str, Any]:
    if len(raw) > LONGEST_LINE:
        raise Invalid(Problem("", "line_too_long", {"longest": LONGEST_LINE}))
    try:
        fields = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise Invalid(Problem("", "line_not_json")) from None
    if not isinstance(fields, dict):
        raise Invalid(Problem("", "line_not_json"))
    problems = [
        Problem(str(name)[:40], "unknown_field") for name in fields if name not in ("time", *_TEXTS)
    ]
    problems += [Problem(name, "field_missing") for name in _REQUIRED if name not in fields]
    problems += [
        Problem(name, "not_a_text")
        for name in ("time", *_TEXTS)
        if not isinstance(fields.get(name), str | None)
    ]
    if problems:
        raise Invalid(*problems)
    return fields


def _time(text: str | None, latest: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        raise Invalid(Problem("time", "bad_time")) from None
    if moment.tzinfo is None:
        raise Invalid(Problem("time", "bad_time"))
    if not FIRST_MOMENT <= moment <= latest:
        raise Invalid(Problem("time", "time_out_of_range", {"first": FIRST_MOMENT.date()}))
    return moment


def _body(line: _Line, workspace_id: int, keys: dict[date, bytes], time_zone: str) -> bytes:
    user_agent = clip(line.user_agent, 512)
    salt = keys[local_day(line.time_ms, time_zone)[0]]
    referrer = line.referrer if "://" in line.referrer else f"https://{line.referrer}"
    return encode(
        Click(
            time_ms=line.time_ms,
            link_id=line.link.link_id,
            link_version=line.link.version_at(line.time_ms),
            domain_id=line.link.domain_id,
            workspace_id=workspace_id,
            source=line.source,
            network=cut_network(line.address),
            token=visitor_token(salt, workspace_id, line.address, user_agent),
            user_agent=user_agent,
            language=first_language(line.language),
            referrer_host=referrer_host(referrer),
            flags=Flag.IMPORTED,
        )
    )


def _salts_of(
    database: Database, actor: Actor, lines: Sequence[_Line], time_zone: str, now: datetime
) -> dict[date, bytes]:
    days = sorted({local_day(line.time_ms, time_zone)[0] for line in lines})
    with database.transaction() as session:
        return {day: salts.salt_for(session, actor.workspace_id, day, now) for day in days}


def _segment_id(actor: Actor, digest: bytes) -> bytes:
    mixed = hashlib.sha256(actor.workspace_id.to_bytes(8, "big") + digest).digest()
    return mixed[:SEGMENT_ID_BYTES]


def _known_prefix(database: Database, actor: Actor, path: Path) -> int:
    """How many lines at the file's beginning earlier imports brought in."""
    with database.reading() as session:
        rows = session.scalars(select(Import).where(Import.workspace_id == actor.workspace_id))
        earlier = {(row.size, bytes(row.digest)): row.lines for row in rows}
        sizes = {size for size, _ in earlier}
    known = 0
    digest, size = hashlib.sha256(), 0
    for raw in _lines(path):
        digest.update(raw)
        size += len(raw)
        if size in sizes:
            known = earlier.get((size, digest.digest()), known)
    return known


def _remember(
    database: Database, actor: Actor, digest: bytes, size: int, lines: int, now: datetime
) -> None:
    with database.transaction() as session:
        session.merge(
            Import(
                workspace_id=actor.workspace_id,
                digest=digest,
                size=size,
                lines=lines,
                finished_at=now,
            )
        )


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            # Bounded, so that a file without line ends cannot fill the memory.
            while raw := file.readline(LONGEST_LINE + 1):
                yield raw
    except OSError as error:
        raise Failed(
            Problem("FILE", "file_unreadable", {"path": path, "why": error.strerror})
        ) from None
