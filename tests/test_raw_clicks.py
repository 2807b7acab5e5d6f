"""Single clicks of a report's page are as many as the page says, under any of its filters."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from cast import NOW
from rest import Caller
from test_filters import FIRST, LAST, PERIOD, Scene, scene
from werkzeug.test import TestResponse

from linkservice.reports import reading_back
from linkservice.reports.filtered import filtered_touchpoint
from linkservice.workspaces.keys import create_key

__all__ = ["scene"]


def clicks_on(answer: TestResponse) -> int:
    """The figure of clicks that the page shows."""
    found = re.search(r'<dt>Clicks</dt><dd class="stat-value">([\d,]+)<', answer.text)
    total = re.search(
        r'<th scope="row">(?:Total|The[^<]+shown)</th><td[^>]*>([\d,]+)<', answer.text
    )
    told = found or total
    assert told, answer.text
    return int(told[1].replace(",", ""))


def downloaded(scene: Scene, answer: TestResponse, label: str) -> list[dict[str, Any]]:
    """The rows behind the page's own entry of that name."""
    place = re.search(rf'href="/app([^"]+)"[^>]*>(?:<svg.*?</svg>)?<span>{label}<', answer.text)
    assert place, label
    text = scene.cast.vera.get(unescape(place[1])).text
    return [json.loads(line) for line in text.splitlines()]


def pages(scene: Scene) -> dict[str, str]:
    return {
        "link": f"/links/{scene.link_ids[1]}",
        "report of a link": f"/reports/links/{scene.link_ids[0]}",
        "touchpoint": f"/reports/touchpoints/{scene.touchpoint_id}",
        "campaign": f"/campaigns/{scene.campaign_id}",
        "ranking": "/reports",
    }


@pytest.mark.parametrize(
    ("on", "scanners", "filters"),
    [
        (("report of a link", "ranking"), "include", {}),
        (("link", "touchpoint", "campaign", "ranking"), "include", {"country": "DE"}),
        (
            *(("report of a link", "touchpoint", "ranking"), "apart"),
            {"source": "scan", "device": "desktop"},
        ),
    ],
)
def test_there_are_as_many_rows_as_the_page_says_clicks(
    scene: Scene, on: tuple[str, ...], filters: dict[str, str], scanners: str
) -> None:
    label = f"Single clicks{' as filtered' if filters else ''}, JSON lines"
    for name in on:
        page = scene.cast.vera.get(pages(scene)[name], **PERIOD, **filters, scanners=scanners)
        rows = downloaded(scene, page, label)
        assert len(rows) == clicks_on(page) > 0, name
        assert {row["class"] for row in rows} <= {"person", "suspected"}
        for field, value in filters.items():
            assert {row[field] for row in rows} == {value}
        assert FIRST.isoformat() <= min(row["date"] for row in rows)
        assert max(row["date"] for row in rows) <= LAST.isoformat()


def test_a_ranking_of_some_touchpoints_has_their_clicks(scene: Scene) -> None:
    (row,) = [each for each in scene.ranking().touchpoints if each.id == scene.touchpoint_id]
    for query in (
        {"stage_id": row.stage_id, "country": "DE"},
        {"channel": row.channel, "verdict": row.verdict},
        {"campaign_id": scene.campaign_id, "source": "scan", "device": "desktop"},
    ):
        page = scene.cast.vera.get("/reports", **PERIOD, **query)
        rows = downloaded(scene, page, "Single clicks as filtered, JSON lines")
        assert len(rows) == clicks_on(page) > 0, query
    page = scene.cast.vera.get("/reports", **PERIOD, journey_id=row.journey_id, device="desktop")
    rows = downloaded(scene, page, "Single clicks as filtered, JSON lines")
    assert len(rows) == clicks_on(page) > 0


def test_where_a_page_counts_later_days_so_do_its_rows(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one filter clicks of earlier days come from roll-ups, and are all there; with several
    and in a ranking they are not counted.
    """
    link, touchpoint = (pages(scene)[name] for name in ("link", "touchpoint"))
    one, two = {"device": "desktop"}, {"device": "desktop", "source": "scan"}
    for most in ("ROWS_OF_ONE", "ROWS_OF_SEVERAL", "ROWS_OF_SEVERAL_ON_POSTGRESQL"):
        monkeypatch.setattr(reading_back, most, 300)
    for place, filters in ((link, one), (touchpoint, two), ("/reports", one)):
        page = scene.cast.vera.get(place, **PERIOD, **filters)
        assert "ounted from" in page.text
        rows = downloaded(scene, page, "Single clicks as filtered, JSON lines")
        assert len(rows) == clicks_on(page)


def test_all_that_was_recorded_is_offered_too(scene: Scene) -> None:
    page = scene.cast.vera.get("/reports", **PERIOD, device="desktop")
    counted = downloaded(scene, page, "Single clicks as filtered, JSON lines")
    place = re.search(r'href="/app([^"]+format=csv[^"]*rows=all[^"]*)"', page.text)
    assert place
    answer = scene.cast.vera.get(unescape(place[1]))
    assert answer.mimetype == "text/csv"
    assert len(answer.text.splitlines()) - 1 > len(counted)
    assert ",robot," in scene.cast.vera.get("/reports/clicks", **PERIOD, rows="all").text
    assert scene.cast.vera.get("/reports/clicks", rows="some").status_code == 422


def test_the_api_sends_the_same_rows(scene: Scene) -> None:
    app = scene.cast.ada.client.application
    with scene.database.transaction() as session:
        key = create_key(session, scene.home.actor, "raw", ("reports:read",), NOW)
        narrow = create_key(session, scene.home.actor, "narrow", ("links:read",), NOW)
    caller = Caller(app.test_client(), key, scene.home)
    filters = {"source": "click", "country": "de"}
    answer = caller.get("/reports/clicks", **PERIOD, **filters, touchpoint_id=scene.touchpoint_id)
    assert answer.mimetype == "application/jsonl"
    rows = [json.loads(line) for line in answer.text.splitlines()]
    found = scene.ask(filtered_touchpoint, scene.touchpoint_id, source="click", country="DE")
    assert len(rows) == found.totals.clicks > 0
    of_campaign = caller.get("/reports/clicks", **PERIOD, campaign_id=scene.campaign_id)
    assert {json.loads(line)["link_id"] for line in of_campaign.text.splitlines()} == {
        *scene.link_ids[:3]
    }
    everything = caller.get("/reports/clicks", **PERIOD, rows="all")
    assert len(everything.text.splitlines()) > sum(
        scene.unfiltered(number).totals.clicks for number in range(6)
    )
    for field in ("link_id", "touchpoint_id", "campaign_id", "journey_id"):
        assert caller.get("/reports/clicks", **{field: "999"}).status_code == 404
    assert caller.get("/reports/clicks", country="Germany").status_code == 422
    refused = Caller(app.test_client(), narrow, scene.home).get("/reports/clicks")
    assert refused.status_code == 403
