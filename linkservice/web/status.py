"""Whether the service runs: `/healthz` and `/readyz` for machines, `/` leads people on."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.readiness import check_all


def pages(settings: Settings, database: Database) -> Blueprint:
    """The status pages; none needs a sign-in, none tells more than its purpose."""
    blueprint = Blueprint("status", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return _fresh(jsonify(status="ok"))

    @blueprint.get("/readyz")
    def readyz() -> Response:
        checks = check_all(settings, database, datetime.now(UTC))
        ready = all(check.ok for check in checks)
        answer = jsonify(
            status="ready" if ready else "not_ready",
            checks=[
                {"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks
            ],
        )
        answer.status_code = 200 if ready else 503
        return _fresh(answer)

    @blueprint.get("/")
    def start() -> Response:
        return Response(status=303, headers={"Location": "/app/"})

    return blueprint


def _fresh(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
