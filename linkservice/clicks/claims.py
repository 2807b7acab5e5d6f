"""Who may ingest a node's segments: one data directory in one place, never its copy.

A segment's id is (node, name), and the node's id is a file in the data directory. Copied with
it, two directories are one node: a segment that still grew when it was copied is shorter in the
copy, which would finish it too early, and what was recorded after would never be counted. So
each node is claimed in the database by the place it is in. A claim is renewed while somebody
ingests there and lapses `LEASE` after that; then the directory may have moved, and whoever
comes next has it. A clean stop gives it back at once.

Decided here: what a place is, whose a node is, when a claim lapses. Not here: that two processes
of one place do not ingest at once (`ingest.lock`, and the ledger's positions where that fails).

Where the database is a file in the data directory a copy has a copy of it: nothing is claimed.

A place is the machine and the directory's inode, which a copy cannot have; both outlive restarts
and, on a volume, containers. A clone of a whole machine that keeps the `/etc/machine-id` is not
told apart.
"""

from __future__ import annotations

import hashlib
import logging
import platform
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from linkservice.clicks.segment import QUARANTINE, make_folder, node_id, sync_directory
from linkservice.config import Settings
from linkservice.database import Base, Database, UtcDateTime, insert_into
from linkservice.errors import Conflict, Problem

_log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""How long after its last renewal a claim holds. Longer than a stopped process is missed."""

RENEW = timedelta(seconds=10)

_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


class Claim(Base):
    """A node and the place it is in; `lapses_at` is past where nobody is at work there."""

    __tablename__ = "claims"

    node: Mapped[str] = mapped_column(String(32), primary_key=True)
    place: Mapped[str] = mapped_column(String(64))
    described: Mapped[str] = mapped_column(String(500))
    lapses_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a data directory is: what tells it from its copies, and what people call it."""

    fingerprint: str
    described: str


class Claims:
    """The claims of the data directory this process works in; for one thread."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._needed = not _goes_along(settings, database)
        self._place = place_of(settings.data_dir)
        self._renew_at: dict[str, datetime] = {}

    def hold(self, now: datetime, node: str | None = None) -> None:
        """Claim a node (hexadecimal, one's own unless named) or renew the claim, when it is due.

        Raises `Conflict` when another place holds it, SQLAlchemyError when nobody can know.
        """
        if not self._needed:
            return
        node = node or node_id(self._settings.data_dir).hex()
        due = self._renew_at.get(node)
        # A due time far ahead is of a clock that was set back since.
        if due is not None and now < due <= now + RENEW:
            return
        with self._database.writing_connection() as connection:
            _claim(connection, node, self._place, now)
        self._renew_at[node] = now + RENEW

    def require(self, connection: Connection, node: str, now: datetime) -> None:
        """Raise `Conflict` unless the node is still ours; until the transaction ends it is.

        For the transaction that counts: who was stopped until the claim lapsed may find it taken.
        Where nobody holds it, as after a restore, it is claimed again.
        """
        if not self._needed:
            return
        query = select(Claim.place, Claim.described).where(Claim.node == node)
        held = connection.execute(query.with_for_update(read=True)).one_or_none()
        if held is None:
            _claim(connection, node, self._place, now)
        elif held.place != self._place.fingerprint:
            self._renew_at.pop(node, None)
            raise Conflict(Problem("", "node_taken", {"node": node, "place": held.described}))

    def give_back(self) -> None:
        """Let another place have what is held here at once, as after the lease."""
        if not self._renew_at:
            return
        with self._database.writing_connection() as connection:
            connection.execute(
                delete(Claim).where(
                    Claim.node.in_(self._renew_at), Claim.place == self._place.fingerprint
                )
            )
        self._renew_at.clear()


def _goes_along(settings: Settings, database: Database) -> bool:
    """Whether whoever copies the data directory copies the database with it."""
    if not database.is_sqlite:
        return False
    path = Path(str(database.engine.url.database)).resolve()
    return path.is_relative_to(settings.data_dir.resolve())


def place_of(data_dir: Path) -> Place:
    """The place of a data directory. Raises OSError where there is none."""
    machine = ""
    for path in _MACHINE_IDS:
        if path.exists():
            machine = path.read_text("ascii", "replace").strip()
            break
    fingerprint = hashlib.sha256(f"{machine} {data_dir.stat().st_ino}".encode()).hexdigest()
    return Place(fingerprint, f"{platform.node()}:{data_dir}"[:500])


def look(settings: Settings, database: Database, now: datetime) -> None:
    """Raise `Conflict` where another place is at work on this directory's node; changes nothing.

    Raises `SpoolFailed` or `Failed` when the node's file cannot be read.
    """
    if _goes_along(settings, database) or not (settings.data_dir / "node").exists():
        return
    node, place = node_id(settings.data_dir).hex(), place_of(settings.data_dir)
    with database.reading() as session:
        query = select(Claim.place, Claim.described, Claim.lapses_at).where(Claim.node == node)
        held = session.execute(query).one_or_none()
    if held and held.place != place.fingerprint and held.lapses_at > now:
        raise _elsewhere(node, held.described, held.lapses_at - now)


def _elsewhere(node: str, described: str, left: timedelta) -> Conflict:
    facts = {"node": node, "place": described, "seconds": round(left.total_seconds())}
    return Conflict(Problem("", "node_elsewhere", facts))


def adopt(settings: Settings, database: Database, now: datetime) -> str:
    """Claim this directory's node although another place holds it; who held it, or nobody ("")."""
    node, place = node_id(settings.data_dir).hex(), place_of(settings.data_dir)
    with database.writing_connection() as connection:
        held = connection.scalar(select(Claim.described).where(Claim.node == node))
        connection.execute(delete(Claim).where(Claim.node == node))
        _claim(connection, node, place, now)
    return str(held or "")


def renew(settings: Settings) -> str:
    """Make a copied directory a node of its own; its new id.

    What it holds of the spool was recorded by the node it was copied from, which ingests it: it
    goes to the quarantine. Nothing may be serving here. Raises `SpoolFailed` or OSError.
    """
    spool_dir, kept = settings.spool_dir, settings.spool_dir / QUARANTINE
    copied = [path for path in spool_dir.glob("*") if path.is_file()]
    if copied:
        make_folder(kept)
    for path in copied:
        path.rename(kept / f"{path.name}.copied")
    if copied:
        sync_directory(kept)
        sync_directory(spool_dir)
    path = settings.data_dir / "node"
    path.unlink(missing_ok=True)
    sync_directory(settings.data_dir)
    return node_id(settings.data_dir).hex()


def _claim(connection: Connection, node: str, place: Place, now: datetime) -> None:
    ours = {
        "place": place.fingerprint,
        "described": place.described,
        "lapses_at": now + LEASE,
    }
    insert = insert_into(Claim, connection).values(node=node, **ours)
    connection.execute(insert.on_conflict_do_nothing(index_elements=["node"]))
    held = connection.execute(
        select(Claim.place, Claim.described, Claim.lapses_at)
        .where(Claim.node == node)
        .with_for_update()
    ).one()
    if held.place != place.fingerprint:
        left = held.lapses_at - now
        if left > timedelta():
            raise _elsewhere(node, held.described, left)
        _log.warning("node %s has moved here from %s", node, held.described)
    connection.execute(update(Claim).where(Claim.node == node).values(**ours))
