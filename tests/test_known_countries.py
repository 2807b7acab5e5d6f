"""A form offers the countries of the period's clicks first."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from filtered_scene import AGENTS, DAYS, FIRST, LAST, Scene
from test_closed_days import close, come, scene, told

from linkservice.config import Settings
from linkservice.reports import known_countries
from linkservice.reports.known_countries import clicked_countries
from linkservice.reports.period import Period

__all__ = ["scene"]

ROBOT = next(agent for agent in AGENTS if "bot" in agent)


def countries(
    scene: Scene, first: date, last: date = LAST, *, suspects: bool = False
) -> frozenset[str]:
    with scene.database.reading() as session:
        period = Period(first, last, "Europe/Berlin")
        return clicked_countries(session, scene.home.actor, period, suspects=suspects)


def test_they_are_those_that_a_filter_finds_clicks_of(scene: Scene) -> None:
    assert countries(scene, FIRST) == frozenset(), "no day is closed"
    close(scene)
    found = countries(scene, FIRST)
    assert "DE" in found
    assert "FR" not in found
    assert all(told(scene, {"country": code}).totals.clicks for code in found)
    assert countries(scene, LAST + timedelta(days=1), LAST + timedelta(days=9)) == frozenset()


def test_of_robots_alone_there_is_no_click(
    scene: Scene, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = FIRST - timedelta(days=3)
    monkeypatch.setattr("test_closed_days.AGENTS", [ROBOT])
    come(scene, settings, 5, [early])
    close(scene)
    assert countries(scene, early, early) == frozenset()
    assert "DE" in countries(scene, early)


def test_of_a_long_period_days_from_all_over_it_are_looked_at(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(scene)
    whole = countries(scene, FIRST)
    for most in range(1, DAYS + 2):
        monkeypatch.setattr(known_countries, "MOST_DAYS", most)
        assert countries(scene, FIRST) <= whole
        assert "DE" in countries(scene, FIRST)


@pytest.mark.parametrize("path", ["/", "/reports"])
def test_the_list_begins_with_them(scene: Scene, path: str) -> None:
    days = {"from": FIRST.isoformat(), "to": LAST.isoformat()}

    def listed(**asked: str) -> list[tuple[str, list[str]]]:
        page = scene.cast.vera.get(path, **days, **asked).text
        (choice,) = re.findall(r'<select id="f-country".*?</select>', page, re.DOTALL)
        groups = re.findall(r'<optgroup label="([^"]*)">(.*?)</optgroup>', choice, re.DOTALL)
        return [(head, re.findall(r'value="(\w+)"', options)) for head, options in groups]

    assert listed() == []
    close(scene)
    (first, clicked), (second, others) = listed()
    assert (first, second) == ("With clicks", "Other countries")
    assert set(clicked) == countries(scene, FIRST)
    assert len(others) > 200
    assert not set(clicked) & set(others)
    (_, clicked), (_, others) = listed(country="unknown")
    assert others[0] == "unknown", "what is chosen can be kept"
