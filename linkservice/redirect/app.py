"""The link door: from a request to its 302, as one story (`LinkDoor._answer`).

Hot lane: plain WSGI, no framework. Pages for people (`pages`) are imported when the first
one is shown. Not here: what a path asks for (`links/slug`), where a link leads
(`links/destination`), what is in memory (`resolver`), what is recorded of a
request (`recorder`), which processes run this (`serve`).
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Iterable
from datetime import UTC, datetime
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
from linkservice.links.slug import RESERVED, Asked, parse_path
from linkservice.redirect import answers
from linkservice.redirect.answers import Answer, Headers
from linkservice.redirect.lookup import LinkSnapshot
from linkservice.redirect.recorder import Recorder
from linkservice.redirect.resolver import DomainRule, Resolver

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from linkservice.redirect.pages import Kind

_log = logging.getLogger(__name__)

FOLLOW_SECONDS = 0.25
"""Between two looks at the change feed: an edit is live within a second."""

READ_ON_SECONDS = 0.02
"""The same while there are links it does not know yet."""

FIRST_LOOK_SECONDS = 5.0
"""How long the first requests of a worker wait for what it reads when it starts."""

OUTCOMES = ("redirect", "preview", "gone", "miss", "unavailable", "unknown_host", "other")
"""What becomes of a request, for `/metrics`. Each pays one tick, 50 ns."""

ANSWER_SECONDS = 2.0
"""How long the database may take to answer: who asks for a link stands at a poster."""

ROTATE_SECONDS = 10.0
"""Between two looks whether the spool's segment is old enough to be sealed."""

LANGUAGES_KEPT, LONGEST_LANGUAGE = 200, 200
"""Accept-Language headers, and characters of one, by which a page is kept."""

_LAST = ("Connection", "close")

_AS_IT_STANDS = Asked("", "click", False)


class LinkDoor:
    """The WSGI application of the link port. Safe for threads, and across `fork`."""

    def __init__(
        self, settings: Settings, database: Database, recorder: Recorder, counters: Counters
    ) -> None:
        self._database = database
        self._settings = settings
        self._recorder = recorder
        self._counters = counters
        self._click_ids = ClickIds(settings.secret_key)
        self._leaving = False
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
        self._waking = threading.Lock()
        self._follower: threading.Thread | None = None
        self._first_look = threading.Event()
        self._stop = threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, headers, body = self._answer(environ)
        start_response(status, [*headers, _LAST] if self._leaving else list(headers))
        # A list: the server hands one over in a single step, anything else piece by piece.
        return [body] if body and environ["REQUEST_METHOD"] != "HEAD" else []

    def leave(self) -> None:
        """End every connection with its next answer: another worker is to take over."""
        self._leaving = True

    def close(self) -> None:
        """End the thread, seal the segment, give the connections back."""
        self._stop.set()
        if self._follower is not None:
            self._follower.join(FIRST_LOOK_SECONDS)
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

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, Headers, bytes]:
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
            self._wake()
        domain: DomainRule | None = None
        try:
            domain = self._resolver.domain(environ.get("HTTP_HOST", ""))
            if domain is None:
                self._outcomes["unknown_host"].tick()
                return answers.NOT_FOUND
            # The usual click needs no parsing: its path is the key of a link in memory.
            asked, link = _AS_IT_STANDS, None
            if path and path[0] == "/":
                link = self._resolver.remembered(domain.id, path[1:])
            if link is None:
                parsed = parse_path(path)
                if parsed is None or parsed.slug_key in RESERVED:
                    return self._no_slug(environ, domain, path)
                if self._resolver.turns_away(domain.id, parsed.slug_key):
                    return self._turned_away(environ, domain, parsed)
                asked, link = parsed, self._resolver.link(domain.id, parsed.slug_key)
        except Unavailable:
            self._outcomes["unavailable"].tick()
            return _page("unavailable", environ, domain)
        bits = SCAN_BIT if asked.source == "scan" else 0
        if link is None:
            return self._no_link(environ, domain, bits)
        now_ms = time.time_ns() // 1_000_000
        decision = decide(link, now_ms)
        if isinstance(decision, Gone):
            self._outcomes["gone"].tick()
            self._record(environ, now_ms, domain, link, bits | MISS_BIT)
            return _page(decision.reason, environ, domain)
        location = decision
        if link.forward_query:
            location = forward_query(location, environ.get("QUERY_STRING", ""))
        if asked.preview:
            self._outcomes["preview"].tick()
            return _page("preview", environ, domain, location)
        if link.append_click_id:
            location = self._with_click_id(environ, location, link, now_ms)
        self._redirected()
        self._record(environ, now_ms, domain, link, bits)
        return answers.redirect(location)

    def _with_click_id(
        self, environ: WSGIEnvironment, location: str, link: LinkSnapshot, now_ms: int
    ) -> str:
        """`location` with a click id, unless the browser asks that nobody be followed."""
        if refuses_counting(environ.get("HTTP_SEC_GPC", ""), environ.get("HTTP_DNT", "")):
            return location
        return appended(location, self._click_ids.make(link.id, link.version, now_ms))

    def _no_slug(
        self, environ: WSGIEnvironment, domain: DomainRule, path: str | None
    ) -> tuple[str, Headers, bytes]:
        """Paths that are no link's: the door's own, the reserved ones, and garbage."""
        answer = self._own(environ, domain, path)
        if answer is not None:
            self._outcomes["other"].tick()
            return answer
        scan = path is not None and path[:3] in ("/q/", "/Q/")
        return self._no_link(environ, domain, SCAN_BIT if scan else 0)

    def _own(
        self, environ: WSGIEnvironment, domain: DomainRule, path: str | None
    ) -> tuple[str, Headers, bytes] | None:
        if path == "/":
            if domain.root_redirect:
                return answers.redirect(domain.root_redirect)
            return _page("root", environ, domain)
        if path == "/robots.txt":
            return answers.ROBOTS_TXT
        if path == "/favicon.ico":
            return answers.NO_ICON
        if path == OWN_PATH:
            return self._mark(environ, domain)
        if path and _is_reserved(path):
            return answers.NOT_FOUND
        return None

    def _mark(self, environ: WSGIEnvironment, domain: DomainRule) -> Answer:
        """The slow lane: a member asks that this browser be counted, or not."""
        from linkservice.redirect import marking

        return marking.answer(self._settings, environ, domain, datetime.now(UTC))

    def _no_link(
        self, environ: WSGIEnvironment, domain: DomainRule, bits: int
    ) -> tuple[str, Headers, bytes]:
        self._outcomes["miss"].tick()
        now_ms = time.time_ns() // 1_000_000
        self._record(environ, now_ms, domain, None, bits | MISS_BIT)
        return _not_found(environ, domain)

    def _turned_away(
        self, environ: WSGIEnvironment, domain: DomainRule, asked: Asked
    ) -> tuple[str, Headers, bytes]:
        """One of a flood of unknown slugs: the same answer, and written down later."""
        self._outcomes["miss"].tick()
        bits = SCAN_BIT if asked.source == "scan" else 0
        if environ["REQUEST_METHOD"] == "HEAD":
            bits |= HEAD_BIT
        self._recorder.record_later(domain, bits, time.time_ns() // 1_000_000)
        return _not_found(environ, domain)

    def _record(
        self,
        environ: WSGIEnvironment,
        now_ms: int,
        domain: DomainRule,
        link: LinkSnapshot | None,
        bits: int,
    ) -> None:
        if environ["REQUEST_METHOD"] == "HEAD":
            bits |= HEAD_BIT
        salt = self._resolver.salt(domain.workspace_id, now_ms)
        self._recorder.record(environ, now_ms, domain, link, bits, salt)

    def _wake(self) -> None:
        """Start what keeps the memory current, in the process that serves, and wait for it."""
        with self._waking:
            if self._follower is None:
                self._follower = threading.Thread(
                    target=self._keep_current, name="redirect-follower", daemon=True
                )
                self._follower.start()
        self._first_look.wait(FIRST_LOOK_SECONDS)
        self._awake = True

    def _keep_current(self) -> None:
        stop, resolver = self._stop, self._resolver
        away = False
        rotate_at = time.monotonic() + ROTATE_SECONDS
        while not stop.is_set():
            try:
                resolver.catch_up(datetime.now(UTC))
                self._first_look.set()  # nobody need wait for the links that are read ahead
                more = resolver.read_ahead()
                if away:
                    _log.warning("the database answers again")
                away = False
            except Exception as error:  # whatever it is: without this thread no edit is seen
                if not away:
                    reason = str(error.__cause__ or error).partition("\n")[0]
                    _log.error("only links in memory are redirected: %s", reason)
                away = True
                more = False
                self._first_look.set()
            now_ms = time.time_ns() // 1_000_000
            self._recorder.write_late(now_ms)
            if time.monotonic() >= rotate_at:
                rotate_at = time.monotonic() + ROTATE_SECONDS
                self._recorder.rotate_if_due(now_ms)
            self._counters.flush(due=True)
            stop.wait(READ_ON_SECONDS if more else FOLLOW_SECONDS)


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


def _page(
    kind: Kind, environ: WSGIEnvironment, domain: DomainRule | None, location: str = ""
) -> Answer:
    """The slow lane: a page for a person."""
    from linkservice.redirect import pages

    brand = domain.brand if domain else None
    return pages.show(kind, brand, environ.get("HTTP_ACCEPT_LANGUAGE", ""), location)


def _not_found(environ: WSGIEnvironment, domain: DomainRule) -> tuple[str, Headers, bytes]:
    """For a slug nobody has: the domain's page for that, or ours, which is kept for those who
    try slugs by the thousand."""
    if domain.not_found_redirect:
        return answers.redirect(domain.not_found_redirect)
    language = environ.get("HTTP_ACCEPT_LANGUAGE", "")
    page = domain.not_found.get(language)
    if page is None:
        page = _page("not_found", environ, domain)
        if len(domain.not_found) < LANGUAGES_KEPT and len(language) <= LONGEST_LANGUAGE:
            domain.not_found[language] = page
    return page


_doors: weakref.WeakSet[LinkDoor] = weakref.WeakSet()


def _leave_to_parent() -> None:
    for door in list(_doors):
        door.leave_to_parent()


os.register_at_fork(after_in_child=_leave_to_parent)
