"""Which address a request came from, when reverse proxies stand before the service.

Decided here: which header is believed (`source`), and what RFC 7239's `Forwarded` says. One
header alone, the one the operator names: a proxy writes one of the two, and passes on whatever
a client put into the other. The entries of the trusted proxies are counted from the right
(`visitor.client_address`), as each appends its own.

Not here: what is kept of an address (`visitor`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

from linkservice.clicks.visitor import client_address
from linkservice.config import ForwardedHeader

AddressOf = Callable[[str, str, int], str]
"""From the peer of the socket, the header and the trusted hops to the client's address."""

_LONGEST_HEADER = 8_192
_ESCAPED = re.compile(r"\\(.)")


def source(header: ForwardedHeader) -> tuple[str, AddressOf]:
    """The WSGI variable of the header that is believed, and what reads it."""
    if header == "forwarded":
        return "HTTP_FORWARDED", forwarded_address
    return "HTTP_X_FORWARDED_FOR", client_address


def forwarded_address(remote: str, forwarded: str, hops: int) -> str:
    """The address a request came from: `for` of the `hops`-th element of `Forwarded` from the
    right; without one the same as `client_address` says of the other header.

    An obfuscated or unknown identifier (`_hidden`, `unknown`), an element without `for` or with
    two gives "": the proxy does not tell, and its own address would make one visitor of all.
    """
    if hops <= 0 or not forwarded or forwarded.isspace():
        return remote
    elements = _last(forwarded[-_LONGEST_HEADER:], ",", hops)
    if len(elements) < hops:
        return remote
    named = [
        value
        for name, equals, value in (pair.partition("=") for pair in _last(elements[0], ";", -1))
        if equals and name.strip().lower() == "for"
    ]
    identifier = named[0].strip(' \t"') if len(named) == 1 else ""
    if "\\" in identifier:
        identifier = _ESCAPED.sub(r"\1", identifier)
    if not identifier or "," in identifier:
        return ""
    return client_address("", identifier, 1)


def _last(text: str, separator: str, count: int) -> list[str]:
    """The last `count` parts (-1: all of them), the very last one at the end.

    Cut at every separator, as is mostly right and ten times as quick, unless a quote is then open
    in one of the parts or a backslash makes quotes hard to count.
    """
    parts = text.rsplit(separator, count)
    parts = parts[-count:] if count > 0 else parts
    if all("\\" not in part and part.count('"') % 2 == 0 for part in parts):
        return parts
    return list(islice(_parts(text, separator), None if count < 0 else count))[::-1]


def _parts(text: str, separator: str) -> Iterator[str]:
    """What stands between separators outside of quotes, from right to left.

    From the right, since only there the text is a proxy's: read from the left, a quote that a
    client opens and never closes would swallow all that the proxies wrote behind it.
    """
    end, quoted = len(text), False
    for at in range(len(text) - 1, -1, -1):
        character = text[at]
        if character == '"' and not _is_escaped(text, at):
            quoted = not quoted
        elif character == separator and not quoted:
            yield text[at + 1 : end]
            end = at
    yield text[:end]


def _is_escaped(text: str, at: int) -> bool:
    """Whether an odd number of backslashes stands before that place."""
    before = text[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
