"""Host names: how a branded host is written, what a Host header means, which are local.

A host is `name` or `name:port`, in lower case, internationalised names in punycode, without
the default ports 80 and 443. Who owns which host is NOT decided here.

The redirect's hot lane imports this module: `normal_host` and `is_local` never raise.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

from ada_url import URL, idna_to_unicode

from linkservice.errors import Invalid, Problem

HOST_MAX = 253
"""Characters of a DNS name without its trailing dot (RFC 1035)."""

_INPUT_MAX = 1024
_DEFAULT_PORTS = ("", "80", "443")

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PUNYCODE = re.compile(r"(?:^|\.)xn--")
_HEADER = re.compile(
    r"((?:[a-z0-9_-]{1,63}\.){0,126}[a-z0-9_-]{1,63}|\[[0-9a-f:.]{2,45}\])\.?(?::([0-9]{0,5}))?"
)
_NOT_BARE = re.compile(r"[/\\?#@%]")

_LOOPBACK = tuple(
    # 0.0.0.0 and :: are no loopback addresses, but whoever connects to them reaches itself.
    ip_network(text)
    for text in ("127.0.0.0/8", "0.0.0.0/32", "::1/128", "::/128")
)
_PRIVATE = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)


def check_host(text: str) -> str:
    """The branded host `text` as it is stored: `go.marke.de`, `xn--…`, `127.0.0.1:8001`.

    Names of one label are allowed (`go` in a company's network), addresses only where they
    are local: a printed short URL outlives a public address. Raises `Invalid` on "host".
    """
    text = text.strip()
    if not text:
        raise Invalid(Problem("host", "host_empty", {}))
    if len(text) > _INPUT_MAX:
        raise Invalid(Problem("host", "host_too_long", {"limit": HOST_MAX}))
    if _NOT_BARE.search(text):
        raise Invalid(Problem("host", "host_not_bare", {"example": _bare_example(text)}))
    url = _parse(text) if text.isprintable() else None
    if url is None or url.port == "0":
        raise Invalid(Problem("host", "host_unreadable", {}))
    name = url.hostname.removesuffix(".")
    if len(name) > HOST_MAX:
        raise Invalid(Problem("host", "host_too_long", {"limit": HOST_MAX}))
    if _address(name) is not None:
        if not is_local(name):
            raise Invalid(Problem("host", "host_address", {}))
    elif not _NAME.fullmatch(name) or _PUNYCODE.search(idna_to_unicode(name)):
        # Browsers accept any punycode; a label that stays encoded means no name at all.
        raise Invalid(Problem("host", "host_unreadable", {}))
    return _joined(name, url.port)


def normal_host(header: str) -> str:
    """The host a `Host` header names, in the form of `check_host`; "" for garbage.

    Addresses are taken as they are written: clients send them normalised.
    """
    match = _HEADER.fullmatch(header.lower()) if len(header) <= HOST_MAX + 8 else None
    if match is None:
        return ""
    name, port = match.groups("")
    return _joined(name, port)


def is_local(host: str) -> bool:
    """Whether `host` (with or without port or brackets) is a loopback or private one.

    Such hosts stand for the default domain, so that the service can be tried before any
    name points at it.
    """
    return len(host) <= _INPUT_MAX and _is_local(host)


def reach_of(host: str) -> Literal["computer", "network", "world"]:
    """From where a host can be reached: a code that holds a local one is scanned by no customer."""
    if not is_local(host):
        return "world"
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    return "computer" if machine(name.strip("[]")) == "localhost" else "network"


def machine(name: str) -> str:
    """The name by which two hosts are compared: equal when both reach the same place.

    Takes a normalised name without port. Every way to write "this very machine" becomes
    `localhost`, an IPv4 address inside IPv6 is unwrapped, a trailing dot is dropped.
    """
    name = name.lower().removesuffix(".")
    address = _address(name)
    if address is None:
        return "localhost" if _is_localhost(name) else name
    return "localhost" if any(address in network for network in _LOOPBACK) else str(address)


# Small installations are asked under few local hosts, over and over; strangers' Host
# headers cannot fill more than this.
@lru_cache(maxsize=256)
def _is_local(host: str) -> bool:
    name = host.lower()
    if name.startswith("["):
        name = name.partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    name = name.removesuffix(".")
    address = _address(name)
    if address is None:
        return _is_localhost(name)
    return any(address in network for network in _LOOPBACK + _PRIVATE)


def _is_localhost(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _address(name: str) -> IPv4Address | IPv6Address | None:
    """The IP address `name` is, if it is one; IPv4 inside IPv6 is unwrapped."""
    try:
        address = ip_address(name.strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _parse(host: str) -> URL | None:
    """The host as browsers read it (WHATWG); None when they do not."""
    try:
        return URL(f"http://{host}/")
    except ValueError:
        return None


def _joined(name: str, port: str) -> str:
    return name if port in _DEFAULT_PORTS else f"{name}:{port}"


def _bare_example(text: str) -> str:
    """The host inside a whole address pasted into the field, to be shown as the remedy."""
    try:
        url = URL(text if "://" in text else f"http://{text}")
    except ValueError:
        return "go.example.com"
    return url.hostname or "go.example.com"
