"""The link door: from a request to its 302, as one story (`LinkDoor.begin`).

Hot lane: no framework. What waits for nobody is answered at once; what has to ask the database,
or is a page for people (`slow_lane`), is a step of its own, for a thread that may wait. Not here:
what a path asks for (`links/slug`), where a link leads (`links/destination`), what is in memory
(`resolver`) and how it stays current (`upkeep`), what is recorded of a request (`recorder`), which
processes run this (`serve`).
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from linkservice.clicks.event import HEAD_BIT, MISS_BIT, SCAN_BIT
from linkservice.clicks.own import OWN_PATH
from linkservice.clicks.shortfall import Shortfall
from linkservice.clicks.spool import Spool, node_id
from linkservice.clicks.visitor import refuses_counting
from linkservice.config import Settings
from linkservice.conversions.click_id import ClickIds, appended
from linkservice.counters import Counters, Ticker
from linkservice.database import Database, open_database
from linkservice.errors import Unavailable
from linkservice.links.destination import Gone, decide, forward_query
from linkservice.links.slug import RESERVED, Asked, is_plain, parse_path
from linkservice.redirect import answers, slow_lane
from linkservice.redirect.hosts import DomainRule
from linkservice.redirect.lookup import LinkSnapshot, key_of
from linkservice.redirect.recorder import Entries, Recorder
from linkservice.redirect.resolver import MustAsk, Resolver
from linkservice.redirect.slow_lane import Found, Later
from linkservice.redirect.upkeep import Upkeep

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

OUTCOMES = ("redirect", "preview", "gone", "miss", "unavailable", "unknown_host", "other")
"""What becomes of a request, for `/metrics`. Each pays one tick, 50 ns."""

ANSWER_SECONDS = 2.0
"""How long the database may take to answer: who asks for a link stands at a poster."""

WRITTEN_TOGETHER, SYNCED_TOGETHER = 64, 1_024
"""Requests that are recorded with one write. Of a thousand that wait, each takes a tenth longer
than of 64: what is kept of them until then is pushed out of the processor's caches. A sync takes
as long as twenty of them, so more may share one."""

_AS_IT_STANDS = Asked("", "click", False)


class LinkDoor:
    """What the link port answers. Safe for threads, and across `fork`.

    A server calls `begin`, has what it adds to the entries written (`write`), and sends the
    answer then. For any other it is a WSGI application.
    """

    def __init__(
        self, settings: Settings, database: Database, recorder: Recorder, counters: Counters
    ) -> None:
        self._database = database
        self._settings = settings
        self._recorder = recorder
        self._counters = counters
        self._click_ids = ClickIds(settings.secret_key)
        always = settings.spool_sync == "always"
        self.together = SYNCED_TOGETHER if always else WRITTEN_TOGETHER
        self._start_afresh()
        counters.follow(self.figures)
        counters.follow(recorder.figures)
        _doors.add(self)

    def _start_afresh(self) -> None:
        self._resolver = Resolver(
            self._database, self._settings.link_cache, self._settings.link_store
        )
        self._outcomes = {outcome: Ticker() for outcome in OUTCOMES}
        # Bound once: a look-up by name would cost the request as much again.
        self._redirected = self._outcomes["redirect"].tick
        self._awake = False
        self._upkeep = Upkeep(self._resolver, self._recorder, self._counters)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        entries: Entries = []
        found = self.begin(environ, entries)
        status, headers, body = found(entries) if callable(found) else found
        if entries:
            self.write(entries)
        start_response(status, list(answers.whole(status, headers)))
        # A list: the server hands one over in a single step, anything else piece by piece.
        return [body] if body and environ["REQUEST_METHOD"] != "HEAD" else []

    def close(self) -> None:
        """End the thread, seal the segment, give the connections back."""
        self._upkeep.end()
        self._recorder.close()
        self._counters.close()
        self._database.close()

    def figures(self) -> dict[str, float]:
        """What this process did so far, by the names of `/metrics`."""
        found = self._resolver.figures()
        for outcome, ticker in self._outcomes.items():
            name = f'linkservice_redirect_requests_total{{outcome="{outcome}"}}'
            found[name] = float(ticker.value())
        return found

    def leave_to_parent(self) -> None:
        """In a forked child: connections, thread and memory are the parent's; begin anew."""
        self._database.engine.dispose(close=False)
        self._recorder.leave_to_parent()
        self._start_afresh()

    def begin(self, environ: WSGIEnvironment, entries: Entries) -> Found | Later:
        """The answer, or what finds it when it may wait; what is to be recorded is added to
        `entries`.

        An answer may be sent once `write` has had the entries. Never waits itself, and keeps no
        `environ` but a copy.
        """
        method = environ.get("REQUEST_METHOD", "")
        if method not in ("GET", "HEAD"):
            self._outcomes["other"].tick()
            return answers.OPTIONS if method == "OPTIONS" else answers.NOT_ALLOWED
        path: str | None = environ.get("PATH_INFO", "")
        if path and not path.isascii():
            path = _decoded(path)
        if path == "/healthz":
            return answers.HEALTHY
        if not self._awake:
            return partial(self._begin_awake, environ.copy())
        try:
            domain = self._resolver.domain(environ.get("HTTP_HOST", ""))
        except Unavailable:
            return self._unavailable(environ, None)
        if domain is None:
            self._outcomes["unknown_host"].tick()
            return answers.NOT_FOUND
        # The usual click needs no parsing: its path is the key of a link in memory.
        key = f"{domain.id}{path}"  # as `key_of`, which is a call more
        link = self._resolver.remembered(key) if path and path[0] == "/" else None
        if link is None:
            return self._seek(environ, domain, path, key, entries)
        return self._lead(environ, domain, _AS_IT_STANDS, link, entries)

    def _seek(
        self,
        environ: WSGIEnvironment,
        domain: DomainRule,
        path: str | None,
        key: str,
        entries: Entries,
    ) -> Found | Later:
        """What a path asks for that is not, as it stands, the `key` of a link in memory."""
        if path and is_plain(path):  # as nearly all of a flood are: what they cost counts
            if self._resolver.turns_away(key):
                return self._turned_away(environ, domain, 0)
            asked = Asked(path[1:], "click", False)
        else:
            parsed = parse_path(path)
            if parsed is None or parsed.slug_key in RESERVED:
                return self._no_slug(environ, domain, path, entries)
            asked = parsed
            if self._resolver.turns_away(key_of(domain.id, asked.slug_key)):
                bits = SCAN_BIT if asked.source == "scan" else 0
                return self._turned_away(environ, domain, bits)
        try:
            link = self._resolver.at_hand(domain.id, asked.slug_key)
        except Unavailable:
            return self._unavailable(environ, domain)
        except MustAsk:
            return partial(self._ask, environ.copy(), domain, asked)
        return self._lead(environ, domain, asked, link, entries)

    def write(self, entries: Entries) -> None:
        """Record what `begin` added: as durable as it is to be when this returns."""
        self._recorder.write(entries)

    def _begin_awake(self, environ: WSGIEnvironment, entries: Entries) -> Found:
        self._upkeep.begin()
        self._awake = True
        found = self.begin(environ, entries)
        return found(entries) if callable(found) else found

    def _ask(
        self, environ: WSGIEnvironment, domain: DomainRule, asked: Asked, entries: Entries
    ) -> Found:
        """The story goes on with what the database says."""
        found: Found | Later
        try:
            link = self._resolver.link(domain.id, asked.slug_key)
        except Unavailable:
            found = self._unavailable(environ, domain)
        else:
            found = self._lead(environ, domain, asked, link, entries)
        return found(entries) if callable(found) else found

    def _lead(
        self,
        environ: WSGIEnvironment,
        domain: DomainRule,
        asked: Asked,
        link: LinkSnapshot | None,
        entries: Entries,
    ) -> Found | Later:
        """Where the link leads, now that it is known."""
        bits = SCAN_BIT if asked.source == "scan" else 0
        if link is None:
            return self._no_link(environ, domain, bits, entries)
        now_ms = time.time_ns() // 1_000_000
        decision = decide(link, now_ms)
        if isinstance(decision, Gone):
            self._outcomes["gone"].tick()
            self._record(environ, now_ms, domain, link, bits | MISS_BIT, entries)
            return slow_lane.page(decision.reason, environ, domain)
        location = decision
        if link.forward_query:
            location = forward_query(location, environ.get("QUERY_STRING", ""))
        if asked.preview:
            self._outcomes["preview"].tick()
            return slow_lane.page("preview", environ, domain, location)
        if link.append_click_id:
            location = self._with_click_id(environ, location, link, now_ms)
        self._redirected()
        self._record(environ, now_ms, domain, link, bits, entries)
        return answers.redirect(location)

    def _unavailable(self, environ: WSGIEnvironment, domain: DomainRule | None) -> Later:
        self._outcomes["unavailable"].tick()
        return slow_lane.page("unavailable", environ, domain)

    def _with_click_id(
        self, environ: WSGIEnvironment, location: str, link: LinkSnapshot, now_ms: int
    ) -> str:
        """`location` with a click id, unless the browser asks that nobody be followed."""
        if refuses_counting(environ.get("HTTP_SEC_GPC", ""), environ.get("HTTP_DNT", "")):
            return location
        return appended(location, self._click_ids.make(link.id, link.version, now_ms))

    def _no_slug(
        self, environ: WSGIEnvironment, domain: DomainRule, path: str | None, entries: Entries
    ) -> Found | Later:
        """Paths that are no link's: the door's own, the reserved ones, and garbage."""
        answer = self._own(environ, domain, path)
        if answer is not None:
            self._outcomes["other"].tick()
            return answer
        scan = path is not None and path[:3] in ("/q/", "/Q/")
        return self._no_link(environ, domain, SCAN_BIT if scan else 0, entries)

    def _own(
        self, environ: WSGIEnvironment, domain: DomainRule, path: str | None
    ) -> Found | Later | None:
        if path == "/":
            if domain.root_redirect:
                return answers.redirect(domain.root_redirect)
            return slow_lane.page("root", environ, domain)
        if path == "/robots.txt":
            return answers.ROBOTS_TXT
        if path == "/favicon.ico":
            return answers.NO_ICON
        if path == OWN_PATH:
            return slow_lane.mark(self._settings, environ, domain)
        if path and _is_reserved(path):
            return answers.NOT_FOUND
        return None

    def _no_link(
        self, environ: WSGIEnvironment, domain: DomainRule, bits: int, entries: Entries
    ) -> Found | Later:
        self._outcomes["miss"].tick()
        now_ms = time.time_ns() // 1_000_000
        self._record(environ, now_ms, domain, None, bits | MISS_BIT, entries)
        return slow_lane.not_found(environ, domain)

    def _turned_away(
        self, environ: WSGIEnvironment, domain: DomainRule, bits: int
    ) -> Found | Later:
        """One of a flood of unknown slugs: the same answer, and written down later."""
        self._outcomes["miss"].tick()
        if environ["REQUEST_METHOD"] == "HEAD":
            bits |= HEAD_BIT
        self._recorder.late.add(domain.workspace_id, domain.id, bits)
        return slow_lane.not_found(environ, domain)

    def _record(
        self,
        environ: WSGIEnvironment,
        now_ms: int,
        domain: DomainRule,
        link: LinkSnapshot | None,
        bits: int,
        entries: Entries,
    ) -> None:
        if environ["REQUEST_METHOD"] == "HEAD":
            bits |= HEAD_BIT
        pseudonyms = self._resolver.pseudonyms(domain.workspace_id, now_ms)
        entries.append(self._recorder.entry(environ, now_ms, domain, link, bits, pseudonyms))


def make_application(settings: Settings) -> LinkDoor:
    """The link door of these settings; it opens nothing before its first request.

    Raises `SpoolFailed` or `Failed` when the data directory cannot hold a spool.
    """
    spool = Spool(settings.spool_dir, node_id(settings.data_dir), settings.spool_sync)
    recorder = Recorder(
        spool, Shortfall(settings.spool_dir), settings.trusted_hops, settings.forwarded_header
    )
    counters = Counters(settings.data_dir, "redirect")
    return LinkDoor(settings, open_database(settings, ANSWER_SECONDS), recorder, counters)


def _decoded(raw: str) -> str | None:
    """A path as text, of the server's Latin-1; None when it is not UTF-8."""
    try:
        return raw.encode("latin-1").decode()
    except UnicodeError:
        return None


def _is_reserved(path: str) -> bool:
    """Whether the path's first word is the service's own; whoever asks for it seeks no link.

    Behind `/q/` somebody does: a QR code led there.
    """
    word, _, rest = path[1:].partition("/")
    return word.lower() in RESERVED and not (word in ("q", "Q") and rest)


_doors: weakref.WeakSet[LinkDoor] = weakref.WeakSet()


def _leave_to_parent() -> None:
    for door in list(_doors):
        door.leave_to_parent()


os.register_at_fork(after_in_child=_leave_to_parent)
