"""More visitors than reach: said of the touchpoint, and of whom it is compared with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from cast import make_link, make_touchpoint
from people import Cast, everybody, text_of
from rollups import count

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.model import Journey
from linkservice.journeys.reach import NewReach, add_reach
from linkservice.reports.period import day_of
from linkservice.reports.results import TouchpointRow
from linkservice.web.i18n import speaking
from linkservice.web.reach_words import exceeding

cast = pytest.fixture(everybody)


def _row(name: str, exceeds: bool) -> TouchpointRow:
    return TouchpointRow(
        name=name, clicks=990, scans=0, visitors=900, tokenless=10, reach=50, exceeds_reach=exceeds
    )


def test_who_has_more_visitors_than_reach_is_named_in_both_languages() -> None:
    rows = [_row("Poster", True), _row("Flyer", False)]
    with speaking("en"):
        assert exceeding(rows[1:]) == ""
        assert exceeding(rows).startswith(
            "More visitors than reach: “Poster” (910 of 50). Check the entry"
        )
        many = exceeding([_row(name, True) for name in "ABCDE"])
        assert "“C” (910 of 50), + 2. Check" in many
    with speaking("de"):
        assert "„Poster“ (910 bei 50). Prüfen Sie den Eintrag" in exceeding(rows)


def test_wherever_verdicts_stand_the_pages_warn_of_it(
    cast: Cast, database: Database, settings: Settings
) -> None:
    now = datetime.now(UTC)
    today = day_of(now, "Europe/Berlin")
    with database.transaction() as session:
        poster = make_touchpoint(session, cast.home, "Poster", now)
        link = make_link(session, settings, cast.home, touchpoint_id=poster, now=now)
        count(session, cast.home, link, today, 30, touchpoint_id=poster)
        entry = NewReach(today, 2, "printed", today)
        add_reach(session, cast.home.actor, poster, entry, now)
        journey = session.query(Journey).filter_by(name="Journey of Poster").one().id
    pages = (
        *("/", "/reports", "/reports/moments"),
        *(f"/reports/journeys/{journey}", f"/reports/touchpoints/{poster}"),
    )
    for path in pages:
        assert "More visitors than reach: “Poster” (30 of 2)" in text_of(cast.vera.get(path)), path
    by_clicks = cast.vera.get("/reports/moments", metric="conversions_per_click")
    assert "More visitors than reach" not in text_of(by_clicks)


def test_who_enters_too_little_reach_is_told_at_once(
    cast: Cast, database: Database, settings: Settings
) -> None:
    now = datetime.now(UTC)
    today = day_of(now, "Europe/Berlin")
    long_ago = today - timedelta(days=100)
    with database.transaction() as session:
        poster = make_touchpoint(session, cast.home, "Poster", now)
        link = make_link(session, settings, cast.home, touchpoint_id=poster, now=now)
        count(session, cast.home, link, today - timedelta(days=3), 30, touchpoint_id=poster)
        count(session, cast.home, link, long_ago, 500, touchpoint_id=poster)

    def told(day: date, amount: int) -> str:
        entry = {"date": day.isoformat(), "amount": str(amount), "unit": "printed"}
        return text_of(cast.ben.done(f"/touchpoints/{poster}/reach", **entry))

    page = told(today, 2)
    assert "More visitors than reach: in these days (" in page
    assert ") 30 visitors came, with a reach of 2. Check the entry" in page
    assert "More visitors than reach" not in told(today, 100)
    assert "530 visitors came" in told(long_ago, 300)
    assert "More visitors than reach" not in told(long_ago, 300)
