"""What is written down of a request, and what happens when it cannot be.

Not here: which part of an address may be kept and who a visitor is (`clicks/visitor`), when
a record is durable (`clicks/spool`), what it counts as (`clicks/ingest`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from linkservice.clicks.calendar import local_day
from linkservice.clicks.event import Click, Flag, Method, Source, encode
from linkservice.clicks.forwarded import source
from linkservice.clicks.shortfall import Shortfall
from linkservice.clicks.spool import Spool, SpoolFailed
from linkservice.clicks.visitor import (
    client_hints,
    cut_network,
    first_language,
    is_marked,
    is_prefetch,
    is_within,
    referrer_host,
    refuses_counting,
    visitor_token,
)
from linkservice.config import ForwardedHeader
from linkservice.redirect.resolver import DomainRule, LinkSnapshot

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_log = logging.getLogger(__name__)

# Plain numbers: an IntFlag makes an object of each, on every request.
_PRIVACY, _PREFETCH, _OWN = int(Flag.PRIVACY), int(Flag.PREFETCH), int(Flag.OWN)


class Met(NamedTuple):
    """What a request met: no link, a link that leads nowhere now (a miss, too), or a live one."""

    domain: DomainRule
    source: Source
    link: LinkSnapshot | None
    miss: bool


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
        self._shortfall = shortfall
        self._trusted_hops = trusted_hops
        self._forwarded, self._address_of = source(forwarded_header)
        self._failing = False
        self._warned_of_proxy = False

    def record(self, environ: WSGIEnvironment, now_ms: int, met: Met, salt: bytes | None) -> None:
        """Append the request; a click that cannot be appended is counted as unrecorded.

        Never raises for want of a disk: the customer is redirected in any case.
        """
        click = self._click(environ, now_ms, met, salt)
        try:
            self._spool.append(encode(click))
        except SpoolFailed as error:
            self._count(click, met, error)
        else:
            if self._failing:
                self._failing = False
                _log.warning("clicks are recorded again")

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
        """Seal the segment and let go of the files."""
        self._spool.close()
        self._shortfall.close()

    def _click(self, environ: WSGIEnvironment, now_ms: int, met: Met, salt: bytes | None) -> Click:
        get = environ.get
        forwarded = get(self._forwarded, "")
        if forwarded and not self._trusted_hops and not self._warned_of_proxy:
            self._warn_of_proxy()
        address = self._address_of(get("REMOTE_ADDR", ""), forwarded, self._trusted_hops)
        user_agent = get("HTTP_USER_AGENT", "")
        domain, source, link, miss = met
        head = environ["REQUEST_METHOD"] == "HEAD"
        flags, token = 0, b""
        if refuses_counting(get("HTTP_SEC_GPC", ""), get("HTTP_DNT", "")):
            flags = _PRIVACY
        elif salt is not None and not head and not miss and domain.count_visitors:
            token = visitor_token(salt, domain.workspace_id, address, user_agent)
        if is_prefetch(
            get("HTTP_PURPOSE", ""),
            get("HTTP_SEC_PURPOSE", ""),
            get("HTTP_X_MOZ", ""),
            get("HTTP_X_PURPOSE", ""),
        ):
            flags |= _PREFETCH
        cookie = get("HTTP_COOKIE", "")
        if (cookie and is_marked(cookie)) or (
            domain.own_networks and is_within(address, domain.own_networks)
        ):
            flags |= _OWN
        return Click(
            time_ms=now_ms,
            link_id=0 if link is None else link.id,
            link_version=0 if link is None else link.version,
            domain_id=domain.id,
            workspace_id=domain.workspace_id,
            source=source,
            method=Method.HEAD if head else Method.GET,
            miss=miss,
            network=cut_network(address),
            token=token,
            user_agent=user_agent,
            language=first_language(get("HTTP_ACCEPT_LANGUAGE", "")),
            referrer_host=referrer_host(get("HTTP_REFERER", "")),
            hints=client_hints(
                get("HTTP_SEC_CH_UA_MOBILE", ""),
                get("HTTP_SEC_CH_UA_PLATFORM", ""),
                get("HTTP_SEC_CH_UA_MODEL", ""),
                get("HTTP_SEC_CH_UA_PLATFORM_VERSION", ""),
            ),
            flags=flags,
        )

    def _count(self, click: Click, met: Met, error: SpoolFailed) -> None:
        if not self._failing:
            self._failing = True
            _log.error("clicks are redirected and not recorded: %s", error)
        if click.method == Method.GET and not click.miss:
            day, _ = local_day(click.time_ms, met.domain.time_zone)
            self._shortfall.add(click.workspace_id, day.toordinal())

    def _warn_of_proxy(self) -> None:
        self._warned_of_proxy = True
        _log.warning(
            "a proxy's header arrives, but LINKSERVICE_TRUSTED_HOPS is 0: if a reverse proxy "
            "stands before this service, all its visitors are taken for one. Set it to the "
            "number of proxies; leave it if clients reach this port directly."
        )
