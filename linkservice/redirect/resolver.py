"""From a Host header to a domain, from a slug key to a link: answered from memory.

Decided here: what a worker keeps in memory, when it forgets it, and what it answers while
the database is away. Not here: where a link leads now (`links/destination`), the salts of
the day (`days`), which host is which domain (`hosts`), threads (`app`).
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from sqlalchemy.exc import SQLAlchemyError

from linkservice.changes import KEPT, Announced, Follower
from linkservice.counters import Ticker
from linkservice.database import Database
from linkservice.errors import Problem, Unavailable
from linkservice.redirect.days import Days
from linkservice.redirect.hosts import DomainRule, Hosts, read_hosts
from linkservice.redirect.lookup import LinkSnapshot, Lookup, key_of
from linkservice.redirect.memory import Allowance, Hint, Recent
from linkservice.redirect.packed import Packed

ABSENT_KEPT = 10_000
"""Slug keys without a link that are remembered: a wrong poster is scanned more than once."""

LINKS_AT_ONCE = 500
"""Links read at a time until the worker knows which there are: some milliseconds, after which
whoever asks for a link has its turn."""

LINKS_A_LOOK = 2_000
"""Links read between two looks at what changed."""

SPARE = 10_000
"""Links there is room for at least, packed."""

READY = 2_000
"""Packed links that are kept ready to be used: half of what is asked for, of a million links.
They fit into the processor's cache; for more of them it would wait as long as one is unpacked."""

READY_EVERY = 8
"""Of the links that are unpacked, every so-manieth is ready from then on: those asked for often
soon are, and those asked for once push out few."""

UNKNOWN_ASKED = 50.0
"""Keys a second that the database is asked for although none such was announced. A link that
somebody has just made answers at once; whoever tries slugs by the thousand costs nobody else
anything, since the rest is answered from memory (and then a new link within a second)."""

LOOKUPS = ("hit", "absent", "load")
"""How a link was looked up: in memory, known not to be there, or read from the database."""

LOADS_AT_ONCE = 3
LOAD_WAIT_SECONDS = 0.1
"""Requests that ask the database at once, and how long others wait for their turn: fewer than
a worker has threads (`serve/workers`), and briefly. Else a database that hangs would take them
all, and links in memory would not redirect either. Who waited in vain says so, and until one of
those that ask has its answer nobody else waits."""

BEGIN_ANEW_AFTER = KEPT / 2
"""A worker that could not follow the feed for so long may have missed some of it."""


class MustAsk(Exception):  # no error: a step that takes longer
    """Only the database knows; whoever may wait asks it."""


class Resolver:
    """What one worker process knows; safe for threads. `catch_up` is for one thread only."""

    def __init__(self, database: Database, link_cache: int, link_store: int = 0) -> None:
        """`link_store` links are kept packed, and `link_cache` of those there is no room for."""
        self._database = database
        self._hosts: Hosts | None = None
        self._lookup = Lookup(database)
        self._ready: Recent[LinkSnapshot] = Recent(READY)
        self._unpacks = 0
        self._unpackable: Recent[LinkSnapshot] = Recent(link_cache)
        self._absent: Recent[bool] = Recent(ABSENT_KEPT)
        self._most_packed = link_store
        # Every key there is, once all are read: None says that they are not yet.
        self._existing: Hint | None = None
        self._start_reading()
        self._unknown = Allowance(UNKNOWN_ASKED)
        self._days = Days(database)
        self.pseudonyms = self._days.pseudonyms
        self._lookups = {result: Ticker() for result in LOOKUPS}
        # Bound once; a hit pays its tick, 50 ns.
        self._hit, self._missed = self._lookups["hit"].tick, self._lookups["absent"].tick
        # Set by whoever finds out, so that not every request waits for itself; cleared by
        # `catch_up` when it reaches the database again.
        self._away = False
        # A token for each; a `threading.Semaphore` is written in Python and takes 5 µs more.
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(LOADS_AT_ONCE):
            self._turns.put(None)
        self._crowded = False
        # Guards the generation together with what is kept and forgotten; hits go without.
        self._keeping = threading.Lock()
        self._generation = 0
        self._follower: Follower | None = None
        self._followed_at = datetime.min.replace(tzinfo=UTC)
        self._hosts_stale = True

    def domain(self, header: str) -> DomainRule | None:
        """The domain a Host header asks for, None for a host that is not ours.

        Raises `Unavailable` while nothing could be read yet.
        """
        hosts = self._hosts
        if hosts is None:
            raise _unavailable()
        return hosts.of_header.get(header) or hosts.find(header)

    def remembered(self, key: str) -> LinkSnapshot | None:
        """The link of that `key_of` if it is in memory; any text may be asked for."""
        ready = self._ready
        snapshot = ready.young.get(key) or ready.from_old(key)
        if snapshot is None:
            generation = self._generation
            snapshot = self._packed.get(key)
            if snapshot is None:
                snapshot = self._unpackable.get(key)
                if snapshot is None:
                    return None
            else:
                self._unpacks += 1
                if not self._unpacks % READY_EVERY:
                    self._make_ready(key, snapshot, generation)
        self._hit()
        return snapshot

    def at_hand(self, domain_id: int, slug_key: str) -> LinkSnapshot | None:
        """The link of that key, None when there is surely none; waits for nobody.

        Raises `MustAsk` when only the database knows, `Unavailable` when it does not answer.
        """
        key = key_of(domain_id, slug_key)
        snapshot = self.remembered(key)
        if snapshot is not None:
            return snapshot
        if self._absent.get(key):
            self._missed()
            return None
        if self._away:
            raise _unavailable()
        raise MustAsk

    def link(self, domain_id: int, slug_key: str) -> LinkSnapshot | None:
        """The link of that key, None when there is none; the database is asked if need be.

        Raises `Unavailable` when it is not in memory and the database does not answer.
        """
        try:
            return self.at_hand(domain_id, slug_key)
        except MustAsk:
            self._lookups["load"].tick()
            return self._load(key_of(domain_id, slug_key), domain_id, slug_key)

    def turns_away(self, key: str) -> bool:
        """Whether that `key_of` is one of a flood: surely no link's, and too many were asked for
        lately.

        To be asked before `link`: whoever tries slugs by the thousand is to cost least.
        """
        existing = self._existing
        if existing is None or self._away or existing.may_have(key):
            return False
        if self._unknown.take(time.monotonic()):
            return False
        self._missed()
        return True

    def figures(self) -> dict[str, float]:
        """What the memory was good for so far, by the names of `/metrics`."""
        found = {
            f'linkservice_link_cache_lookups_total{{result="{result}"}}': float(ticker.value())
            for result, ticker in self._lookups.items()
        }
        found["linkservice_link_cache_links"] = float(len(self._ready) + len(self._unpackable))
        found["linkservice_link_store_links"] = float(len(self._packed))
        found["linkservice_link_cache_evictions_total"] = float(self._unpackable.evicted)
        return found

    def catch_up(self, now: datetime) -> None:
        """Take in what changed since the last call. Raises `Unavailable`; call again then."""
        self._days.forget_past(now)
        try:
            if self._follower is None or now - self._followed_at > BEGIN_ANEW_AFTER:
                self._begin(now)
            else:
                self._follow(self._follower, now)
            if self._hosts_stale:
                self._read_hosts(now)
            elif self._hosts is not None and self._days.due(now):
                self._days.refresh(self._hosts.zones, now)
        except SQLAlchemyError as error:
            self._away = True
            raise _unavailable() from error
        self._away = False

    def _start_reading(self) -> None:
        """Have `read_ahead` begin with the first link."""
        self._packed = Packed(0)
        self._reading = Hint()
        self._read_up_to = 0
        self._all_read = False

    def read_ahead(self) -> bool:
        """Read some more of the links there are, until all are known; whether some are left.

        For the thread of `catch_up`. Raises `Unavailable`; call again then.
        """
        if self._follower is None:
            return False
        if self._all_read:
            if not self._packed.is_worn:
                return False
            self._start_reading()
        try:
            if not self._read_up_to and self._most_packed:
                # Room for as many again: what is made later is to be known as well.
                room = min(self._most_packed, 2 * self._lookup.most() + SPARE)
                self._packed = Packed(room)
            for _ in range(LINKS_A_LOOK // LINKS_AT_ONCE):
                if not self._read_some():
                    self._existing, self._all_read = self._reading, True
                    return False
                time.sleep(0)
        except SQLAlchemyError as error:
            self._away = True
            raise _unavailable() from error
        return True

    def _begin(self, now: datetime) -> None:
        # The follower first: what changes while we read is then announced to us.
        self._follower = Follower(self._database, now)
        self._followed_at = now
        self._hosts_stale = True
        with self._keeping:
            self._generation += 1
            self._ready.clear()
            self._unpackable.clear()
            self._absent.clear()
        self._existing = None
        self._start_reading()

    def _follow(self, follower: Follower, now: datetime) -> None:
        announced = follower.poll(now)
        self._followed_at = now
        if not announced:
            return
        if any(change.subject != "link" for change in announced):
            # Noted, not done: reading them may fail, and the feed tells it only once.
            self._hosts_stale = True
        self._forget(announced)

    def _forget(self, announced: list[Announced]) -> None:
        with self._keeping:
            self._generation += 1
            for change in announced:
                if change.domain_id is not None and change.slug_key is not None:
                    key = key_of(change.domain_id, change.slug_key)
                    self._exists(key)
                    self._packed.forget(key)
                    self._ready.forget(key)
                    self._unpackable.forget(key)
                    self._absent.forget(key)

    def _read_hosts(self, now: datetime) -> None:
        with self._database.reading() as session:
            hosts = read_hosts(session)
        # Salts before the hosts are served: no first click of a new workspace goes without.
        self._days.refresh(hosts.zones, now)
        self._hosts = hosts
        self._hosts_stale = False

    def _read_some(self) -> bool:
        """Read a few links; the feed tells of those made meanwhile. Whether some are left."""
        links = self._lookup.links(self._read_up_to, LINKS_AT_ONCE)
        with self._keeping:
            for key, link in links:
                self._reading.add(key)
                self._packed.put(key, link)
                self._read_up_to = max(self._read_up_to, link.id)
        return len(links) == LINKS_AT_ONCE

    def _make_ready(self, key: str, snapshot: LinkSnapshot, generation: int) -> None:
        """Keep what was unpacked in that generation, unless it may have changed since."""
        with self._keeping:
            if generation == self._generation:
                self._ready.keep(key, snapshot)

    def _exists(self, key: str) -> None:
        """Note a key that was not among those read; for whoever is `_keeping`."""
        self._reading.add(key)
        if self._existing is not None:
            self._existing.add(key)

    def _load(self, key: str, domain_id: int, slug_key: str) -> LinkSnapshot | None:
        try:
            self._turns.get(timeout=0.0 if self._crowded else LOAD_WAIT_SECONDS)
        except Empty:
            self._crowded = True
            raise _unavailable() from None
        try:
            # A change may be announced between our SELECT and the moment its result is kept;
            # its eviction would find nothing, and the old state would stay for ever. So what
            # was read before the latest eviction answers this request and is not kept.
            generation = self._generation
            snapshot = self._select(domain_id, slug_key)
        except SQLAlchemyError as error:
            self._away = True
            raise _unavailable() from error
        finally:
            self._turns.put(None)
            self._crowded = False
        with self._keeping:
            if generation == self._generation:
                if snapshot is None:
                    self._absent.keep(key, True)
                else:
                    if not self._packed.put(key, snapshot):
                        self._unpackable.keep(key, snapshot)
                    self._exists(key)
        return snapshot

    def _select(self, domain_id: int, slug_key: str) -> LinkSnapshot | None:
        return self._lookup.link(domain_id, slug_key)


def _unavailable() -> Unavailable:
    return Unavailable(Problem("", "database_away"))
