"""What is noted of each request to the app port: its outcome, its time, a line where it matters.

Decided here: which requests are worth a line in the log. Not here: how a line is written
(`logs`), what the figures are called for those who read them (`metrics`).

A request is a line only while it is debugged, or when it was slow or failed: who reads which
page is the proxy's log to keep or not. The line has the page's pattern, never its address:
paths hold links that work once, queries hold what people search for.
"""

from __future__ import annotations

import logging
import threading
import time

from flask import Flask, Response, g, request

from linkservice.counters import Counters, Histogram

_log = logging.getLogger(__name__)

SLOW_SECONDS = 2.0
"""A page takes milliseconds, the largest report or sheet a second."""

BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

_DOORS = {"app": "page", "api": "api"}


def watch(app: Flask, counters: Counters) -> None:
    """Have every request of `app` counted, timed and, where it matters, logged."""
    times, adding = Histogram(BOUNDS), threading.Lock()
    counters.follow(lambda: times.figures("linkservice_web_request_seconds"))

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        took = time.perf_counter() - g.began
        door = _DOORS.get(request.path[1:4], "other")
        status = response.status_code
        counters.add(f'linkservice_web_requests_total{{door="{door}",status="{status // 100}xx"}}')
        with adding:
            times.add(took)
        # Some 30 µs of a page's milliseconds; else the last request before a pause stays unseen.
        counters.flush()
        _tell(status, took)
        return response


def _tell(status: int, took: float) -> None:
    level = logging.WARNING if status >= 500 or took >= SLOW_SECONDS else logging.DEBUG
    if not _log.isEnabledFor(level):
        return
    page = request.url_rule.rule if request.url_rule else "(no such page)"
    ms = round(took * 1000, 1)
    _log.log(
        level,
        "%s %s answered %d in %.1f ms",
        request.method,
        page,
        status,
        ms,
        extra={"fields": {"method": request.method, "page": page, "status": status, "ms": ms}},
    )
