"""Whether and how the service runs: `/healthz`, `/readyz` and `/metrics` for machines, `/` leads
people on.

Decided here: who may read the figures. They tell what a business does in a day, so whoever asks
must send `METRICS_TOKEN`. Where none is set, only a peer on this machine or in a private network
is answered, and none that came through a proxy: behind one everybody is such a peer.
"""

from __future__ import annotations

import hmac
import ipaddress
from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import NotFound

from linkservice import metrics
from linkservice.config import Settings
from linkservice.counters import Counters
from linkservice.database import Database
from linkservice.readiness import check_all

_PROXIES_SAY = ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via")


def pages(settings: Settings, database: Database, counters: Counters) -> Blueprint:
    """The status pages; none needs a sign-in, none tells more than its purpose."""
    blueprint = Blueprint("status", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return _fresh(jsonify(status="ok"))

    @blueprint.get("/readyz")
    def readyz() -> Response:
        checks = check_all(settings, database, datetime.now(UTC))
        ready = all(check.ok for check in checks)
        degraded = any(check.degraded for check in checks)
        answer = jsonify(
            status="not_ready" if not ready else "degraded" if degraded else "ready",
            checks=[
                {
                    "name": check.name,
                    "ok": check.ok,
                    "degraded": check.degraded,
                    "detail": check.detail,
                }
                for check in checks
            ],
        )
        answer.status_code = 200 if ready else 503
        return _fresh(answer)

    @blueprint.get("/metrics")
    def show_metrics() -> Response:
        if settings.metrics_token:
            if not _sent(settings.metrics_token):
                return _fresh(_unauthorized())
        elif not _is_near(request.remote_addr or "") or _came_through_a_proxy():
            raise NotFound
        counters.flush()
        text = metrics.text(settings, database, datetime.now(UTC))
        return _fresh(Response(text, content_type=metrics.CONTENT_TYPE))

    @blueprint.get("/")
    def start() -> Response:
        return Response(status=303, headers={"Location": "/app/"})

    return blueprint


def _sent(token: str) -> bool:
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def _came_through_a_proxy() -> bool:
    return any(name in request.headers for name in _PROXIES_SAY)


def _unauthorized() -> Response:
    return Response(
        "Send the token of LINKSERVICE_METRICS_TOKEN: “Authorization: Bearer …”.\n",
        401,
        {"WWW-Authenticate": 'Bearer realm="linkservice"'},
        content_type="text/plain; charset=utf-8",
    )


def _is_near(peer: str) -> bool:
    """Whether a socket's peer is this machine or in a private network."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_private


def _fresh(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
