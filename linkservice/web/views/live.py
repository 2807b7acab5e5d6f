"""The live page: the last clicks and today's counts, and the stream that says when to look.

The stream tells nothing but that there is something new (server-sent events); what it is, the
page fetches as every live page does. Where there is no stream, the page asks every ten seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Response, request

from linkservice.database import Database
from linkservice.reports.live import clicks_today, latest_clicks
from linkservice.reports.trend import todays_counts
from linkservice.web import periods
from linkservice.web.door import Pages
from linkservice.web.page import Page
from linkservice.web.places import journeys_by_name
from linkservice.web.value_words import country_name, device_name
from linkservice.workspaces.access import Actor

PAGES = Pages("reports")

STREAMS = 8
"""Streams of one process: each takes a thread of its 32 for as long as it lasts. Who comes
later asks every ten seconds."""

STREAM_SECONDS = 20.0
"""How long one lasts; the browser then opens another. So nobody's keeps a worker from ending."""

LOOK_SECONDS = 1.0

_free = threading.BoundedSemaphore(STREAMS)


@PAGES.get("/reports/live", scope="reports:read")
def live(page: Page) -> Response:
    """The last clicks, without reloading."""
    return page.render(
        "reports/live.html",
        today=todays_counts(page.session, page.actor, page.time_zone, page.now),
        latest=latest_clicks(page.session, page.actor, page.now),
        journeys=journeys_by_name(page),
        chosen=periods.chosen({}, page.time_zone, page.now),
        country_name=country_name,
        device_name=device_name,
    )


@PAGES.get("/reports/live/events", scope="reports:read")
def live_events(page: Page) -> Response:
    """Server-sent events: `clicks` whenever the count of today has changed."""
    if request.headers.get("Accept") != "text/event-stream":
        return page.go("live")
    if not _free.acquire(blocking=False):
        return Response(status=204)  # tells the browser not to ask again
    stream = _events(page.database, page.actor, clicks_today(page.session, page.actor, page.now))
    response = Response(stream, content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep events back
    response.call_on_close(_free.release)
    return response


def _events(database: Database, actor: Actor, seen: int) -> Iterator[str]:
    until = time.monotonic() + STREAM_SECONDS
    yield f"retry: {round(1000 * LOOK_SECONDS)}\n\n"
    while time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        with database.reading() as session:
            count = clicks_today(session, actor, datetime.now(UTC))
        # A comment where nothing is new: who has left is noticed by writing to them.
        yield ":\n\n" if count == seen else f"event: clicks\ndata: {count}\n\n"
        seen = count
