"""Requests in the bytes of a connection: what llhttp understands, as the door's `environ`.

Decided here: which requests are refused before the door sees them, and what of a request it gets.
The parser is llhttp (`httptools`), in its strict form: what is folded, ambiguous about its length
or holds control characters is no request. Not here: when a connection waits or ends
(`connection`).

A browser says the same about itself with each click, and a proxy keeps a connection for many: of
the usual click only the first line is new. `Heads` remembers what the rest meant.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

import httptools

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HEAD_MOST = 32 * 1024
"""Bytes of a request's first line and headers; nginx takes as many."""

HEADERS_MOST = 100

WAITING_MOST = 64
"""Requests of one connection that wait for their turn; who sends more is not read meanwhile."""

AT_ONCE = 4 * 1024
"""Bytes handed to the parser in one go: it makes some two hundred requests of them at most."""

HEADS_KEPT, LONGEST_HEAD = 4_096, 1_500
"""Heads that are remembered, and bytes of the longest: together below 20 MB."""

NAMES_KEPT, LONGEST_NAME = 1_000, 100
"""Names of headers that are remembered, and bytes of the longest."""

SAID_BY_MANY = frozenset(
    f"HTTP_{name}"
    for name in (
        *("HOST", "CONNECTION", "USER_AGENT", "REFERER", "DNT", "TE", "CONTENT_LENGTH"),
        *("ACCEPT", "ACCEPT_CHARSET", "ACCEPT_ENCODING", "ACCEPT_LANGUAGE"),
        *("CACHE_CONTROL", "PRAGMA", "PRIORITY", "UPGRADE_INSECURE_REQUESTS", "SAVE_DATA"),
        *("PURPOSE", "X_PURPOSE", "X_MOZ", "SEC_PURPOSE", "SEC_GPC"),
        *("SEC_CH_UA", "SEC_CH_UA_MOBILE", "SEC_CH_UA_MODEL"),
        *("SEC_CH_UA_PLATFORM", "SEC_CH_UA_PLATFORM_VERSION"),
        *("SEC_FETCH_DEST", "SEC_FETCH_MODE", "SEC_FETCH_SITE", "SEC_FETCH_USER"),
    )
)
"""Headers of a head that is remembered: what a browser says. Anything else may be an address or a
secret, and would be kept for one client."""

USUAL = re.compile(
    rb"GET (/[\w/.~+-]*)(?:\?([\w.~!$&'()*+,;=:@/?%-]*))? HTTP/1\.1(?=\r\n)", re.ASCII
)
"""The first line of nearly every request: nothing in its path to decode."""

BAD_REQUEST = "400 Bad Request"
TOO_LATE = "408 Request Timeout"
URL_TOO_LONG = "414 URI Too Long"
HEAD_TOO_LONG = "431 Request Header Fields Too Large"

_SCHEME = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)


class Request(NamedTuple):
    """A request, and whether its connection ends with the answer; with `unread`, bytes of its
    body may still be on their way. `usual` ones have headers of `SAID_BY_MANY` only."""

    environ: WSGIEnvironment
    last: bool
    unread: bool
    usual: bool


class Heads:
    """What the headers of usual requests mean, by their bytes."""

    def __init__(self) -> None:
        self._known: dict[bytes, WSGIEnvironment] = {}

    def usual(self, data: bytes) -> WSGIEnvironment | None:
        """The `environ` of a request that is nothing but a usual one whose headers are known,
        without the client's address.

        It is the one remembered, to be given back (`forget_request`) before the next is asked
        for: a copy touches each of its texts, which others have pushed out of the processor's
        caches, and a click takes a tenth longer.
        """
        line = USUAL.match(data)
        if line is None or len(data) > HEAD_MOST:
            return None
        known = self._known.get(data[line.end() :])
        if known is None:
            return None
        path, query = line.groups()
        known["PATH_INFO"] = path.decode()
        known["QUERY_STRING"] = query.decode() if query else ""
        return known

    @staticmethod
    def forget_request(environ: WSGIEnvironment) -> None:
        """Leave in an `environ` of `usual` what many say, and nothing of this request."""
        environ["PATH_INFO"] = environ["QUERY_STRING"] = environ["REMOTE_ADDR"] = ""

    def remember(self, data: bytes, request: Request) -> None:
        """Note what `data`, which was this one request, meant, and what the door noted of it."""
        line = USUAL.match(data)
        if line is None or request.last or not request.usual or len(data) > LONGEST_HEAD:
            return
        if len(self._known) >= HEADS_KEPT:
            self._known.clear()
        kept = self._known[data[line.end() :]] = request.environ.copy()
        self.forget_request(kept)

    def forget(self) -> None:
        """Begin anew: what nobody says any more is not to stay."""
        self._known.clear()


class Reader:
    """Makes requests of the bytes of one connection, in whatever pieces they come.

    `ready` are those not taken yet; `refusal` is the status for what is none, and then nothing
    more is read.
    """

    def __init__(self) -> None:
        self.ready: deque[Request] = deque()
        self.refusal: str | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._rest = b""
        self._ended = False
        self._midway = False
        self._gone_on = False
        self._unfinished = 0
        self._start()

    @property
    def is_midway(self) -> bool:
        """Whether a request has begun and is not complete."""
        return self._midway and not self._ended and self.refusal is None

    @property
    def is_full(self) -> bool:
        """Whether so much waits that nothing more should come."""
        return bool(self._rest) or len(self.ready) >= WAITING_MOST

    def is_done(self, ready: int) -> bool:
        """Whether so many requests are ready, and nothing else is to be done."""
        done = not (self._rest or self.is_midway or self.refusal)
        return done and len(self.ready) == ready

    def take(self) -> Request | None:
        """The next request, if there is one."""
        if not self.ready and self._rest:
            self._read_on()
        return self.ready.popleft() if self.ready else None

    def feed(self, data: bytes) -> None:
        """Here is more."""
        self._rest = self._rest + data if self._rest else data
        self._read_on()

    def _read_on(self) -> None:
        rest, at = self._rest, 0
        while at < len(rest) and len(self.ready) < WAITING_MOST:
            if self._ended or self.refusal:
                at = len(rest)
                break
            self._parse(rest[at : at + AT_ONCE])
            at += AT_ONCE
        self._rest = rest[at:]

    def _parse(self, data: bytes) -> None:
        self._gone_on = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._ended = True
        except httptools.HttpParserError:
            if not self._ended:
                self._refuse(BAD_REQUEST)
        # A header is told when it is complete: how long it grows until then is for us to watch.
        self._unfinished = 0 if self._gone_on else self._unfinished + len(data)
        if self._unfinished > HEAD_MOST:
            self._refuse(HEAD_TOO_LONG)

    # What httptools calls.

    def on_message_begin(self) -> None:
        self._start()
        self._midway = self._gone_on = True

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > HEAD_MOST:
            self._refuse(URL_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._size += len(name) + len(value)
        if len(self._url) + self._size > HEAD_MOST or len(self._headers) >= HEADERS_MOST:
            self._refuse(HEAD_TOO_LONG)
        else:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._gone_on = True
        if self._ended or self.refusal:
            return
        environ, version = self._environ(), self._parser.get_http_version()
        if environ is None or version not in ("1.1", "1.0"):
            self._refuse(BAD_REQUEST)
            return
        usual = environ.pop(_UNUSUAL, None) is None
        # The door needs no body. Who sends one has the answer at once, and is not read further.
        length = environ.get("HTTP_CONTENT_LENGTH", "")
        unread = "HTTP_TRANSFER_ENCODING" in environ or length.strip("0 ") != ""
        parser = self._parser
        # Who speaks 1.0 would have to be told that it may stay.
        last = unread or version == "1.0"
        last = last or not parser.should_keep_alive() or parser.should_upgrade()
        self.ready.append(Request(environ, last, unread, usual))
        self._ended = last

    def on_message_complete(self) -> None:
        self._midway = False

    def _start(self) -> None:
        self._url = b""
        self._size = 0
        self._headers: list[tuple[bytes, bytes]] = []

    def _refuse(self, status: str) -> None:
        if self.refusal is None:
            self.refusal = status

    def _environ(self) -> WSGIEnvironment | None:
        """What the door gets; None where it would not be sure which host is meant."""
        environ: WSGIEnvironment = {"REQUEST_METHOD": self._parser.get_method().decode("latin-1")}
        for name, value in self._headers:
            key = _KEYS.get(name) or _key(name)
            if key not in environ:
                environ[key] = _text(value)
            elif key == "HTTP_HOST":
                return None
            else:
                environ[key] += f",{_text(value)}"
            if key not in SAID_BY_MANY:
                environ[_UNUSUAL] = ""
        target = self._url
        if absolute := _SCHEME.match(target):  # then it says which host is meant (RFC 9112, 3.2.2)
            environ["HTTP_HOST"] = _text(absolute[1])
            target = target[absolute.end() :] or b"/"
        path, _, query = target.partition(b"#")[0].partition(b"?")
        environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
        environ["QUERY_STRING"] = query.decode("latin-1")
        return environ


_UNUSUAL = "unusual"
"""In an `environ` that is being made: whether there is a header that not many say."""

_KEYS: dict[bytes, str] = {}


def _key(name: bytes) -> str:
    """Where a header stands in `environ`."""
    # `X-Forwarded-For` and `X_Forwarded_For` would be one: the latter is put where nobody looks.
    key = _UNUSUAL if b"_" in name else "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
    if len(_KEYS) < NAMES_KEPT and len(name) <= LONGEST_NAME:
        _KEYS[name] = key
    return key


def _text(value: bytes) -> str:
    """A header's value; what is not UTF-8 in it is marked as such."""
    return value.decode("utf-8", "replace")
