"""The list of a workspace's own networks: what may stand in it, and how it is written.

Not here: which request came from one (`clicks/visitor`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from linkservice.fields import Problems

MOST_NETWORKS = 100
LONGEST_NETWORK = 64
"""Characters of a line: an IPv6 address that holds IPv4, its prefix, and some to spare."""

MOST_PROBLEMS = 5

WIDEST = {4: 8, 6: 16}
"""The shortest prefix by version: a shorter one is a slip that would take customers for us."""


def checked_networks(problems: Problems, field: str, lines: Iterable[str]) -> str:
    """The networks a line each, in their usual spelling and each once; empty lines go.

    A line is an address or a network such as `203.0.113.0/24`. What is wrong is noted with the
    number of its line, of the first few wrong lines.
    """
    kept: dict[str, None] = {}
    wrong = 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        if wrong >= MOST_PROBLEMS or len(kept) > MOST_NETWORKS:
            break
        try:
            network = _network(text)
        except ValueError:
            wrong += 1
            problems.add(field, "bad_network", line=number, text=text[:LONGEST_NETWORK])
            continue
        if network.prefixlen < WIDEST[network.version]:
            wrong += 1
            problems.add(field, "network_too_wide", line=number, text=text)
        kept[_written(network)] = None
    if len(kept) > MOST_NETWORKS:
        problems.add(field, "too_many", most=MOST_NETWORKS)
    return "\n".join(kept)


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> Network:
    """Raises `ValueError`. Bits behind the prefix go, as people copy their own address."""
    if len(text) > LONGEST_NETWORK or "%" in text:  # a zone is known to one machine only
        raise ValueError
    found = ipaddress.ip_network(text, strict=False)
    mapped = getattr(found.network_address, "ipv4_mapped", None)
    if mapped is not None and found.prefixlen >= 96:
        # IPv4 written within IPv6 is IPv4, as it is where a request's address is read.
        return ipaddress.ip_network((mapped, found.prefixlen - 96))
    return found


def _written(network: Network) -> str:
    whole = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if whole else str(network)
