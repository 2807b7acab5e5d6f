"""What is kept of a request, and who a visitor is for one day. Part of the hot lane.

Decided here: which address a request came from (`client_address`), what of it may reach
the disk (`cut_network`), the pseudonym of a visitor (`Pseudonyms`), who asked not to be
counted as one (`refuses_counting`), whose visits are the workspace's own (`is_within`,
`is_marked`), what was fetched ahead of a person's click (`is_prefetch`), and the short forms
of headers (`first_language`, `referrer_host`, `client_hints`).

Not here: salts and their deletion (`clicks/model.py`), robots (`clicks/agents.py`),
countries (`clicks/place.py`). No function raises, whatever text it is given.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from hashlib import blake2b
from typing import NamedTuple

OWN_COOKIE = "linkservice_own=1"
"""The only cookie there is: a member asked this browser not to be counted. Its value is the
same in every browser, so it tells nobody apart; customers never get it."""

TOKEN_BYTES = 16
IPV4_NETWORK_BYTES = 3  # /24
IPV6_NETWORK_BYTES = 6  # /48

_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, RFC 4291 section 2.5.5.2
_LONGEST_ADDRESS = 128  # an IPv6 address with zone, brackets, port and quotes stays below
_LONGEST_HOST = 253  # RFC 1035
_LONGEST_REFERRER = 4096
_LONGEST_HINT = 48
_AHEAD = frozenset({"prefetch", "prerender", "preview"})
_LANGUAGE = re.compile(r"\s*([A-Za-z]{2,3})(?![A-Za-z0-9])")
_AUTHORITY_END = re.compile(r"[/?#\\]")
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


def client_address(remote: str, forwarded_for: str, hops: int) -> str:
    """The address a request came from: the `hops`-th entry of X-Forwarded-For from the right.

    Every trusted proxy appends one entry, so whatever a client writes into the header
    stands further left and changes nothing. `remote` is the peer of the socket; it is the
    answer without trusted proxies, and when the header has fewer entries than `hops`:
    such a request did not pass all of them, and the socket alone is not hearsay then.
    An entry that is no address ("unknown") gives "": the peer is only the proxy, and
    would make one visitor of everybody behind it.
    """
    if hops <= 0 or not forwarded_for or forwarded_for.isspace():
        return remote
    entries = forwarded_for.rsplit(",", hops)
    if len(entries) < hops:
        return remote
    packed = packed_address(entries[-hops])
    if not packed:
        return ""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def packed_address(address: str) -> bytes:
    """The address as 4 or 16 bytes, b"" when it is none.

    `inet_pton` rather than `ipaddress`: a tenth of the time, on every click.
    """
    if len(address) > _LONGEST_ADDRESS:
        return b""
    try:
        return socket.inet_pton(socket.AF_INET, address)
    except (OSError, ValueError):  # ValueError: NUL or a lone surrogate
        return _packed_leniently(address)


def _packed_leniently(address: str) -> bytes:
    address = address.strip(' \t"')
    if address.startswith("["):
        address, closed, _ = address[1:].partition("]")
        if not closed:
            return b""
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    try:
        if ":" not in address:
            return socket.inet_pton(socket.AF_INET, address)
        packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    except (OSError, ValueError):
        return b""
    return packed[12:] if packed.startswith(_MAPPED) else packed


def cut_network(address: str) -> bytes:
    """The part of an address that may be stored: 3 bytes (/24) of IPv4, 6 (/48) of IPv6.

    An IPv4-mapped IPv6 address is IPv4; brackets, ports, zones and quotes are tolerated;
    what is no address gives b"".
    """
    return cut(packed_address(address))


def cut(packed: bytes) -> bytes:
    """As `cut_network`, of what `packed_address` gave."""
    return packed[: IPV4_NETWORK_BYTES if len(packed) == 4 else IPV6_NETWORK_BYTES]


def network_text(network: bytes) -> str:
    """What `cut_network` gave, as people write it: `203.0.113.0/24`, `2001:db8:7::/48`, ""."""
    if len(network) == IPV4_NETWORK_BYTES:
        return socket.inet_ntop(socket.AF_INET, network + bytes(1)) + "/24"
    if len(network) == IPV6_NETWORK_BYTES:
        return socket.inet_ntop(socket.AF_INET6, network + bytes(10)) + "/48"
    return ""


def packed_network(network: bytes) -> int:
    """What `cut_network` gave as a number: of its length, and of its bytes filled up to six."""
    return len(network) << 48 | int.from_bytes(network.ljust(IPV6_NETWORK_BYTES, b"\0"), "big")


def unpacked_network(number: int) -> bytes:
    """What `packed_network` made a number of."""
    return number.to_bytes(7, "big")[1 : 1 + (number >> 48)]


def is_private(network: bytes) -> bool:
    """Whether what `cut_network` gave is of the machine itself or of a private network.

    Those of RFC 1918 and RFC 4193, loopback and link-local ones.
    """
    first = network[:2]
    if len(network) == IPV4_NETWORK_BYTES:
        return (
            first[0] in (10, 127)
            or first in (b"\xc0\xa8", b"\xa9\xfe")
            or b"\xac\x10" <= first <= b"\xac\x1f"
        )
    return (
        network == bytes(IPV6_NETWORK_BYTES) or b"\xfc" <= first < b"\xfe" or first == b"\xfe\x80"
    )


class Pseudonyms:
    """Makes the visitors' pseudonyms of one workspace's day: keyed BLAKE2b under its salt.

    Keyed BLAKE2b is a MAC by design (RFC 7693, section 2.9), as HMAC-SHA256 is, in one pass
    instead of four. What all messages of the day begin with is hashed once: each click goes on
    from a copy, which takes half of the time.
    """

    __slots__ = ("_begun", "salt")

    def __init__(self, salt: bytes, workspace_id: int) -> None:
        self.salt = salt
        self._begun = blake2b(workspace_id.to_bytes(8, "big"), key=salt, digest_size=TOKEN_BYTES)

    def token(self, packed: bytes, agent: bytes) -> bytes:
        """The 16 bytes of a visitor, of `packed_address` and `encoded_agent`.

        The address enters in its binary form, so all spellings of it are one visitor. An
        unknown address gives b"", a click without a token: a token of the user agent alone
        would make one visitor of all who share it.
        """
        if not packed:
            return b""
        begun = self._begun.copy()
        # Fixed width, then a length, then the rest: no two inputs share one message.
        begun.update((b"\x04" if len(packed) == 4 else b"\x10") + packed + agent)
        return begun.digest()


def encoded_agent(user_agent: str) -> bytes:
    """The user agent as `Pseudonyms` takes it: whole, whatever it holds."""
    return user_agent.encode("utf-8", "surrogatepass")


class Network(NamedTuple):
    """A listed network: the address as a number, under a mask; `size` is 4 or 16 bytes."""

    size: int
    first: int
    mask: int


def parse_network(text: str) -> Network:
    """A network such as `203.0.113.0/24`, or a single address. Raises `ValueError`.

    Bits behind the prefix are allowed and mean nothing, as people copy their own address.
    IPv4 written within IPv6 (`::ffff:203.0.113.0/120`) is IPv4, as it is in a request.
    """
    parsed = ipaddress.ip_network(text.strip(), strict=False)
    mapped = getattr(parsed.network_address, "ipv4_mapped", None)
    if mapped is not None and parsed.prefixlen >= 96:
        parsed = ipaddress.ip_network((mapped, parsed.prefixlen - 96))
    return Network(parsed.max_prefixlen // 8, int(parsed.network_address), int(parsed.netmask))


def is_within(packed: bytes, networks: tuple[Network, ...]) -> bool:
    """Whether the full address lies in one of the networks; asked before it is cut."""
    number = int.from_bytes(packed, "big")
    return any(size == len(packed) and number & mask == first for size, first, mask in networks)


def is_marked(cookie: str) -> bool:
    """Whether the Cookie header holds `OWN_COOKIE`."""
    return any(each.strip() == OWN_COOKIE for each in cookie.split(";"))


def client_hints(mobile: str, platform: str, model: str, platform_version: str) -> str:
    """The values of `Sec-CH-UA-Mobile`, `-Platform`, `-Model` and `-Platform-Version`.

    Joined by `|`, without the quotes: `?1|Android|Pixel 9|15.0.0`; "" when none was sent.
    """
    if not (mobile or platform or model or platform_version):
        return ""
    parts = (mobile, platform, model, platform_version)
    return "|".join(part.strip(' "').replace("|", " ")[:_LONGEST_HINT] for part in parts)


def refuses_counting(gpc: str, dnt: str) -> bool:
    """Whether `Sec-GPC` or `DNT` asks that no visitor token be made.

    Browser and extension may each say so: then the header comes twice, joined by a comma.
    """
    if not (gpc or dnt):
        return False
    return any(each.strip() == "1" for each in f"{gpc},{dnt}".split(","))


def is_prefetch(
    purpose: str = "", sec_purpose: str = "", x_moz: str = "", x_purpose: str = ""
) -> bool:
    """Whether a browser fetched the link ahead of, or without, a click of its person.

    Reads `Purpose`, `Sec-Purpose` (`prefetch;prerender`), `X-Moz` and `X-Purpose` (Safari's
    `preview`).
    """
    stated = f"{purpose};{sec_purpose};{x_moz};{x_purpose}"
    if len(stated) == 3:  # the usual click states none of them
        return False
    return any(token.strip() in _AHEAD for token in re.split("[;,]", stated.lower()))


def first_language(accept_language: str) -> str:
    """The primary language a browser asks for first: `de` for `de-DE,de;q=0.9`, or "".

    Regions are left out: `de-DE` and `de` are the same readers in a report.
    """
    match = _LANGUAGE.match(accept_language)
    return match.group(1).lower() if match else ""


def referrer_host(referer: str) -> str:
    """The host that linked here, in lower case and without `www.` (both are one site), or "".

    An app that names itself (`android-app://com.example.app`) gives its package name. A
    host that is an IP address gives "": no full address is stored, whosoever it is.
    """
    scheme, separator, rest = referer[:_LONGEST_REFERRER].strip().partition("://")
    if not separator or scheme.lower() not in ("http", "https", "android-app"):
        return ""
    authority = _AUTHORITY_END.split(rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2].partition(":")[0].lower().removesuffix(".")
    host = host.removeprefix("www.")
    if len(host) > _LONGEST_HOST or not _HOST.fullmatch(host):
        return ""
    # A name whose last label is a number is an IPv4 address to a browser (WHATWG URL).
    return "" if host.rpartition(".")[2].isdigit() else host
