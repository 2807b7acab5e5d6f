"""The live page: the last clicks, and the stream that says when there are new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cast import Home, make_link, make_touchpoint
from linkport import ask
from people import Cast, everybody, text_of
from werkzeug.test import TestResponse

from linkservice.clicks.ingest import Ingester
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.manage import delete_link
from linkservice.links.model import Link
from linkservice.redirect.app import LinkDoor, make_application
from linkservice.reports.live import Latest, clicks_today, latest_clicks
from linkservice.web.views import live

ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

cast = pytest.fixture(everybody)


@pytest.fixture
def links(database: Database, settings: Settings, cast: Cast) -> dict[str, int]:
    """Ada's links by slug: one of a touchpoint, one of none."""
    with database.transaction() as session:
        touchpoint = make_touchpoint(session, cast.home)
        return {
            "sommer": make_link(session, settings, cast.home, "sommer", touchpoint).id,
            "winter": make_link(session, settings, cast.home, "winter").id,
        }


@pytest.fixture
def door(settings: Settings, links: dict[str, int]) -> Iterator[LinkDoor]:
    door = make_application(settings)
    yield door
    door.close()


@pytest.fixture
def ingest(settings: Settings, database: Database) -> Callable[[], object]:
    return Ingester(settings, database).run_once


def latest(database: Database, home: Home, **limits: int) -> list[Latest]:
    with database.reading() as session:
        return list(latest_clicks(session, home.actor, datetime.now(UTC), **limits))


def test_the_last_clicks_of_people_are_shown_the_newest_first(
    door: LinkDoor, ingest: Callable[[], object], database: Database, cast: Cast
) -> None:
    assert ask(door, "/sommer").code == 302
    assert ask(door, "/q/winter").code == 302
    assert ask(door, "/sommer", HTTP_USER_AGENT=ROBOT).code == 302
    assert ask(door, "/sommer", "HEAD").code == 302
    assert ask(door, "/nobody").code == 404
    ingest()
    scan, click = latest(database, cast.home)
    assert (scan.slug, scan.scan, scan.touchpoint) == ("winter", True, None)
    assert (click.slug, click.scan) == ("sommer", False)
    assert click.touchpoint is not None
    assert click.device == "mobile"
    assert abs(click.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert [each.slug for each in latest(database, cast.home, limit=1)] == ["winter"]
    assert latest(database, cast.foreign) == []
    page = text_of(cast.vera.get("/reports/live"))
    assert page.index("winter") < page.index("sommer")
    assert "Googlebot" not in page


def test_a_click_of_a_deleted_link_is_still_one(
    door: LinkDoor,
    ingest: Callable[[], object],
    database: Database,
    cast: Cast,
    links: dict[str, int],
) -> None:
    assert ask(door, "/sommer").code == 302
    ingest()
    with database.transaction() as session:
        delete_link(session, cast.home.actor, str(links["sommer"]), datetime.now(UTC))
        assert session.get_one(Link, links["sommer"]).deleted_at
    assert [each.slug for each in latest(database, cast.home)] == ["sommer"]


def test_nobody_has_clicked_yet(cast: Cast, links: dict[str, int]) -> None:
    assert "No click today or yesterday" in text_of(cast.vera.get("/reports/live"))


def test_the_stream_tells_of_new_clicks_and_ends(
    door: LinkDoor,
    ingest: Callable[[], object],
    database: Database,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.01)
    stream = live._events(database, cast.home.actor, 0)
    assert next(stream).startswith("retry:")
    assert next(stream) == ":\n\n"
    assert ask(door, "/sommer").code == 302
    ingest()
    assert next(stream) == "event: clicks\ndata: 1\n\n"
    assert next(stream) == ":\n\n"
    monkeypatch.setattr(live, "STREAM_SECONDS", 0.0)
    assert list(live._events(database, cast.home.actor, 0)) == ["retry: 10\n\n"]
    with database.reading() as session:
        assert clicks_today(session, cast.foreign.actor, datetime.now(UTC)) == 0


def test_so_many_streams_and_no_more(cast: Cast) -> None:
    def asked() -> TestResponse:
        return cast.vera.client.get(
            "/app/reports/live/events", headers={"Accept": "text/event-stream"}, buffered=False
        )

    answers = [asked() for _ in range(live.STREAMS + 1)]
    assert [each.status_code for each in answers] == [200] * live.STREAMS + [204]
    assert answers[0].headers["X-Accel-Buffering"] == "no"
    answers[0].close()
    again = asked()
    assert again.status_code == 200
    for each in [*answers[1:], again]:
        each.close()
    assert cast.vera.get("/reports/live/events").status_code == 303
