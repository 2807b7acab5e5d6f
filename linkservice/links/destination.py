"""Destinations: where a link may lead, what is merged into the address, where it leads now.

Addresses are read as browsers read them (WHATWG URL, by `ada_url`) and stored in the form
browsers would send, which is plain ASCII. Which hosts are our own is passed in. Rules by
device, country, password or click limit are NOT here: they belong to the slow lane.

The redirect's hot lane imports this module: `decide` and `forward_query` never raise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol
from urllib.parse import quote, unquote_plus

from ada_url import URL

from linkservice.errors import Invalid, Problem
from linkservice.links.host import is_local, machine

DESTINATION_MAX = 2048
"""Characters of a stored destination."""

UTM_NAMES = ("source", "medium", "campaign", "term", "content")
UTM_MAX = 255
"""Characters of one UTM value."""

QUERY_MAX = 4096
"""Characters of a visitor's query that are forwarded: a longer one is dropped, not the
click. With the destination it stays below the 8 KiB proxies commonly allow for headers."""

# Normalising may shorten (tabs, spaces, dots); beyond this nobody's address is left.
_INPUT_MAX = 4 * DESTINATION_MAX

_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST_AND_PORT = re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}(?![^/?#\\])")
NOT_TEXT = re.compile(r"[\0\ud800-\udfff]")
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f\ud800-\udfff]")
# What WHATWG percent-encodes in the query of a web address, and nothing else: so a forwarded
# query is what the browser would have sent, and a safe header value.
_UNSAFE_IN_QUERY = re.compile(r"[^!$-&(-;=?-~]")


@dataclass(frozen=True, slots=True)
class Gone:
    """The link exists but leads nowhere now."""

    reason: Literal["paused", "expired"]


class LinkRule(Protocol):
    """What `decide` needs to know of a link; the redirect's snapshot has it."""

    @property
    def active(self) -> bool: ...

    @property
    def expires_at_ms(self) -> int | None: ...

    @property
    def destination(self) -> str: ...


_PAUSED = Gone("paused")
_EXPIRED = Gone("expired")


def decide(link: LinkRule, now_ms: int) -> str | Gone:
    """Where `link` leads at `now_ms` (milliseconds since 1970, UTC), or why nowhere."""
    if not link.active:
        return _PAUSED
    expires_at_ms = link.expires_at_ms
    if expires_at_ms is not None and now_ms >= expires_at_ms:
        return _EXPIRED
    return link.destination


def check_destination(text: str, *, own_hosts: Collection[str]) -> str:
    """The destination `text` as it is stored: normalised, http or https, at most 2,048 long.

    `own_hosts` are the hosts (`name` or `name:port`) that serve links; a destination there
    would be a loop. Private hosts are allowed: companies link into their intranets. Raises
    `Invalid` on "destination".
    """
    if len(text) > _INPUT_MAX:
        raise _too_long(len(text))
    # Browsers would send %00 or U+FFFD here, but nobody means that: the text was damaged on
    # its way, and a link to something else is worse than none.
    damaged = NOT_TEXT.search(text)
    if damaged:
        character = f"U+{ord(damaged[0]):04X}"
        raise Invalid(Problem("destination", "destination_not_text", {"character": character}))
    cleaned = re.sub(r"[\t\n\r]", "", text.strip(_C0_AND_SPACE))
    if not cleaned:
        raise Invalid(Problem("destination", "destination_empty", {}))
    _check_scheme(cleaned)
    url = _parse(cleaned)
    if url is None:
        raise Invalid(Problem("destination", "destination_unreadable", {}))
    if _is_own(url, own_hosts):
        raise Invalid(Problem("destination", "destination_loop", {"host": url.host}))
    if len(url.href) > DESTINATION_MAX:
        raise _too_long(len(url.href))
    return url.href


def merge_utm(destination: str, utm: Mapping[str, str]) -> str:
    """The stored `destination` with the UTM fields `utm` (keys as in `UTM_NAMES`) in its query.

    A parameter of the same name is replaced where it stands; all other text stays byte for
    byte. Values are trimmed, empty ones ignored. Raises `Invalid` on "utm", "utm.<name>" or
    "destination" (too long).
    """
    waiting = _checked_utm(utm)
    if not waiting:
        return destination
    head, query, fragment = _split(destination)
    names = frozenset(waiting)
    kept: list[str] = []
    for piece in query[1:].split("&"):
        name = _parameter_name(piece)
        if name not in names:
            kept.append(piece)
        elif name in waiting:
            kept.append(f"{name}={waiting.pop(name)}")
    if waiting:
        if kept[-1] == "":  # no query yet, or one that ends with "&"
            kept.pop()
        kept += (f"{name}={value}" for name, value in waiting.items())
    merged = f"{head}?{'&'.join(kept)}{fragment}"
    if len(merged) > DESTINATION_MAX:
        raise _too_long(len(merged))
    return merged


def forward_query(destination: str, query: str) -> str:
    """The stored `destination` with the visitor's raw `query` appended; never raises.

    `query` is the request's bytes as Latin-1 text (WSGI). Parameters the destination has
    win: a visitor cannot change them. A query above `QUERY_MAX` is dropped. The result is
    printable ASCII whatever `query` holds.
    """
    if not query or len(query) > QUERY_MAX:
        return destination
    safe = _UNSAFE_IN_QUERY.sub(_percent_encoded, query)
    if len(safe) > QUERY_MAX:
        return destination
    head, own, fragment = _split(destination)
    if len(own) > 1:
        taken = {_parameter_name(piece) for piece in own[1:].split("&")}
        safe = "&".join(
            piece for piece in safe.split("&") if piece and _parameter_name(piece) not in taken
        )
        if not safe:
            return destination
    joint = "?" if not own else "" if own[-1] in "?&" else "&"
    return f"{head}{own}{joint}{safe}{fragment}"


def _check_scheme(cleaned: str) -> None:
    """Refuse what is not http or https; for a forgotten scheme, suggest the address with one."""
    match = _SCHEME.match(cleaned)
    scheme = match[1].lower() if match else ""
    if scheme in ("http", "https"):
        return
    if not match or _HOST_AND_PORT.match(cleaned):
        url = _parse("https://" + cleaned.lstrip("/\\"))
        if url and _is_worth_suggesting(url):
            suggestion = {"suggestion": url.href}
            raise Invalid(Problem("destination", "destination_no_scheme", suggestion))
    if not match:
        raise Invalid(Problem("destination", "destination_unreadable", {}))
    raise Invalid(Problem("destination", "destination_scheme", {"scheme": scheme[:32]}))


def _is_worth_suggesting(url: URL) -> bool:
    """Whether the completed address is likely meant: no e-mail address, no single word."""
    host_is_likely = "." in url.hostname or is_local(url.hostname)
    return host_is_likely and not url.username and len(url.href) <= DESTINATION_MAX


def _parse(text: str) -> URL | None:
    try:
        return URL(text)
    except ValueError:
        return None


def _is_own(url: URL, own_hosts: Collection[str]) -> bool:
    name, port = machine(url.hostname), _port(url)
    for own in own_hosts:
        own_name, own_port, any_port = _own_place(own)
        if name == own_name and (any_port or port == own_port):
            return True
    return False


@lru_cache(maxsize=4096)
def _own_place(host: str) -> tuple[str, str, bool]:
    """Name and port of one of our hosts, and whether it is ours on every port.

    A public name without port is: the link port answers there whatever proxy stands before
    it. A local machine serves other things on other ports.
    """
    url = _parse(f"http://{host}/")
    if url is None:
        return host.lower(), "", True
    port = _port(url)
    return machine(url.hostname), port, not port and not is_local(url.hostname)


def _port(url: URL) -> str:
    """The port, "" for 80 and 443: one host commonly serves both."""
    return "" if url.port in ("80", "443") else url.port


def _checked_utm(utm: Mapping[str, str]) -> dict[str, str]:
    """Parameter name → encoded value, in the order of `UTM_NAMES`."""
    problems = [
        Problem("utm", "utm_unknown", {"name": str(name)[:40], "allowed": ", ".join(UTM_NAMES)})
        for name in utm
        if name not in UTM_NAMES
    ]
    values: dict[str, str] = {}
    for name in UTM_NAMES:
        value = utm.get(name, "").strip()
        if len(value) > UTM_MAX:
            problems.append(
                Problem(f"utm.{name}", "utm_too_long", {"limit": UTM_MAX, "length": len(value)})
            )
        elif _CONTROL.search(value):
            problems.append(Problem(f"utm.{name}", "utm_not_text", {}))
        elif value:
            values[f"utm_{name}"] = quote(value, safe="")
    if problems:
        raise Invalid(*problems)
    return values


def _split(destination: str) -> tuple[str, str, str]:
    """Address, query with its `?`, fragment with its `#`; joined they are `destination`."""
    before, hash_sign, fragment = destination.partition("#")
    head, mark, query = before.partition("?")
    return head, mark + query, hash_sign + fragment


def _parameter_name(piece: str) -> str:
    return unquote_plus(piece.partition("=")[0])


def _percent_encoded(match: re.Match[str]) -> str:
    character = match[0]
    # Beyond Latin-1 no WSGI server should send anything; if one does, it is text.
    data = (
        character.encode("latin-1")
        if character <= "\xff"
        else character.encode("utf-8", "surrogatepass")
    )
    return "".join(f"%{byte:02X}" for byte in data)


def _too_long(length: int) -> Invalid:
    return Invalid(
        Problem("destination", "destination_too_long", {"limit": DESTINATION_MAX, "length": length})
    )
