"""What is written down of a request, and what happens when it cannot be.

Not here: which part of an address may be kept and who a visitor is (`clicks/visitor`), when
a record is durable (`clicks/spool`), what it counts as (`clicks/ingest`).
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from linkservice.clicks.calendar import local_day
from linkservice.clicks.event import (
    HEAD_BIT,
    MISS_BIT,
    Flag,
    Texts,
    encode_parts,
    encoded_texts,
)
from linkservice.clicks.forwarded import source
from linkservice.clicks.shortfall import Shortfall
from linkservice.clicks.spool import Spool, SpoolFailed
from linkservice.clicks.visitor import (
    Pseudonyms,
    client_hints,
    cut,
    encoded_agent,
    first_language,
    is_marked,
    is_prefetch,
    is_within,
    packed_address,
    referrer_host,
    refuses_counting,
)
from linkservice.config import ForwardedHeader
from linkservice.redirect.hosts import DomainRule
from linkservice.redirect.late import Late
from linkservice.redirect.lookup import LinkSnapshot

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_log = logging.getLogger(__name__)

# Plain numbers: an IntFlag makes an object of each, on every request.
_PRIVACY, _PREFETCH, _OWN = int(Flag.PRIVACY), int(Flag.PREFETCH), int(Flag.OWN)
_NO_PERSON = HEAD_BIT | MISS_BIT


HEADERS = (
    "HTTP_USER_AGENT",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_REFERER",
    "HTTP_SEC_CH_UA_MOBILE",
    "HTTP_SEC_CH_UA_PLATFORM",
    "HTTP_SEC_CH_UA_MODEL",
    "HTTP_SEC_CH_UA_PLATFORM_VERSION",
    "HTTP_SEC_GPC",
    "HTTP_DNT",
    "HTTP_PURPOSE",
    "HTTP_SEC_PURPOSE",
    "HTTP_X_MOZ",
    "HTTP_X_PURPOSE",
)
"""What is read of a browser, besides its address and the own-visit cookie."""

SAID = "linkservice.said"
"""Where in `environ` that is noted (`Said`): a server that knows the same headers by their bytes
hands it in again (`serve/reading`)."""

SAID_KEPT = 4_096
LONGEST_SAID = 1_000
"""Sets of headers whose meaning is remembered, and characters of the longest such set: together
below 20 MB, whatever strangers send."""


Entry: TypeAlias = tuple[bytes, int, DomainRule, int]
"""A request as it is to be written down: the record's body, when it came (UTC epoch ms), the
domain, and the bits of the record. A plain tuple: one is made per request."""

Entries: TypeAlias = list[Entry]


class Said(NamedTuple):
    """What a set of headers means for the record."""

    flags: int
    agent: bytes
    texts: Texts


class Recorder:
    """Writes requests into this process's spool; safe for threads."""

    def __init__(
        self,
        spool: Spool,
        shortfall: Shortfall,
        trusted_hops: int,
        forwarded_header: ForwardedHeader = "x-forwarded-for",
    ) -> None:
        self._spool = spool
        self.late = Late(spool)  # the door adds to it: a call less for each of a flood
        self._shortfall = shortfall
        self._trusted_hops = trusted_hops
        self._forwarded, self._address_of = source(forwarded_header)
        self._said: dict[tuple[str | None, ...], Said] = {}
        self._failing = False
        self._warned_of_proxy = False

    def entry(
        self,
        environ: WSGIEnvironment,
        now_ms: int,
        domain: DomainRule,
        link: LinkSnapshot | None,
        bits: int,
        pseudonyms: Pseudonyms | None,
    ) -> Entry:
        """What is to be written down of the request; `write` does it.

        `bits` are those of the record (`event`): how it came, and whether it is a miss: the
        link is none or leads nowhere now.
        """
        get = environ.get
        said = get(SAID)
        if said is None:
            # Most browsers are one of a few thousand; what theirs say is read once.
            headers = tuple(map(get, HEADERS))
            said = environ[SAID] = self._said.get(headers) or self._read(headers)
        flags, agent, texts = said
        remote, forwarded = get("REMOTE_ADDR", ""), get(self._forwarded)
        address = packed_address(self._client(remote, forwarded) if forwarded else remote)
        token = b""
        # People who arrive are told apart, unless they or their hosts asked not to be.
        if not flags & _PRIVACY and not bits & _NO_PERSON and pseudonyms and domain.count_visitors:
            token = pseudonyms.token(address, agent)
        cookie = get("HTTP_COOKIE")
        if (cookie and is_marked(cookie)) or (
            domain.own_networks and is_within(address, domain.own_networks)
        ):
            flags |= _OWN
        link_id, version = (0, 0) if link is None else (link.id, link.version)
        body = encode_parts(
            now_ms,
            link_id,
            version,
            domain.id,
            domain.workspace_id,
            bits,
            flags,
            cut(address),
            token,
            texts,
        )
        return body, now_ms, domain, bits

    def write(self, entries: Sequence[Entry]) -> None:
        """Append requests, with one write; clicks that cannot be appended are counted as
        unrecorded. Never raises for want of a disk: the customer is redirected in any case.
        """
        try:
            if len(entries) == 1:
                self._spool.append(entries[0][0])
            else:
                self._spool.append_all([entry[0] for entry in entries])
        except SpoolFailed as error:
            self._count(entries, error)
        else:
            if self._failing:
                self._failing = False
                _log.warning("clicks are recorded again")

    def write_late(self, now_ms: int) -> None:
        """Record what was put off; what the disk refuses is tried again the next time."""
        with contextlib.suppress(SpoolFailed):
            self.late.write(now_ms)

    def leave_to_parent(self) -> None:
        """In a forked child: what the parent put off is the parent's."""
        self.late = Late(self._spool)

    def rotate_if_due(self, now_ms: int) -> None:
        """Seal the spool's segment when it is old enough."""
        self._spool.rotate_if_due(now_ms)

    def figures(self) -> dict[str, float]:
        """What this process wrote down so far, by the names of `/metrics`."""
        stats = self._spool.stats
        return {
            "linkservice_spool_records_total": float(stats.appended),
            "linkservice_spool_refused_total": float(stats.failed),
            "linkservice_spool_written_bytes_total": float(stats.bytes),
            "linkservice_clicks_unrecorded_total": float(self._shortfall.total),
            "linkservice_spool_sync_longest_seconds": self._spool.sync_times.longest,
            **self._spool.sync_times.figures("linkservice_spool_sync_seconds"),
        }

    def close(self) -> None:
        """Record what was put off, seal the segment and let go of the files."""
        self.write_late(time.time_ns() // 1_000_000)
        self._spool.close()
        self._shortfall.close()

    def _read(self, headers: tuple[str | None, ...]) -> Said:
        stated = tuple(each or "" for each in headers)
        user_agent, language, referrer = stated[:3]
        flags = _PRIVACY if refuses_counting(*stated[7:9]) else 0
        if is_prefetch(*stated[9:]):
            flags |= _PREFETCH
        texts = encoded_texts(
            user_agent,
            first_language(language),
            referrer_host(referrer),
            client_hints(*stated[3:7]),
        )
        said = Said(flags, encoded_agent(user_agent), texts)
        if sum(map(len, stated)) <= LONGEST_SAID:
            if len(self._said) >= SAID_KEPT:
                self._said.clear()
            self._said[headers] = said
        return said

    def _client(self, remote: str, forwarded: str) -> str:
        if not self._trusted_hops and not self._warned_of_proxy:
            self._warn_of_proxy()
        return self._address_of(remote, forwarded, self._trusted_hops)

    def _count(self, entries: Sequence[Entry], error: SpoolFailed) -> None:
        if not self._failing:
            self._failing = True
            _log.error("clicks are redirected and not recorded: %s", error)
        for _, now_ms, domain, bits in entries:
            if not bits & _NO_PERSON:
                day, _ = local_day(now_ms, domain.time_zone)
                self._shortfall.add(domain.workspace_id, day.toordinal())

    def _warn_of_proxy(self) -> None:
        self._warned_of_proxy = True
        _log.warning(
            "a proxy's header arrives, but LINKSERVICE_TRUSTED_HOPS is 0: if a reverse proxy "
            "stands before this service, all its visitors are taken for one. Set it to the "
            "number of proxies; leave it if clients reach this port directly."
        )
