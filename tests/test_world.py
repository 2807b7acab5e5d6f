"""The world map: its data, its steps, and what it says to those who do not see it."""

from __future__ import annotations

import gzip
import re
from xml.etree import ElementTree

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from linkservice.reports.results import Value
from linkservice.web import i18n
from linkservice.web.charts.world import STEPS, bounds, outlines, world
from linkservice.web.country_words import after_from
from linkservice.web.figures import world_chart
from linkservice.web.value_words import country_name

HOSTILE = "</title><script>"


def test_the_outlines_are_small_and_have_every_country_that_clicks_come_from() -> None:
    known = outlines()
    assert len(known.paths.keys() | known.dots.keys()) > 225
    assert {"DE", "AT", "CH", "US", "FR", "GB", "NO", "AU"} <= set(known.paths)
    assert {"MT", "SG", "LI", "HK", "RE", "GP"} <= set(known.dots)
    # Clicks from Paris colour no part of South America.
    assert max(int(x) for x in re.findall(r"M(\d+)", known.paths["GF"])) < 520
    assert min(int(x) for x in re.findall(r"M(\d+)", known.paths["FR"])) > 600
    assert not {"DE", "US", "AU", "FR"} & set(known.dots)
    assert all(re.fullmatch(r"[A-Z]{2}|", code) for code in known.paths)
    assert all(re.fullmatch(r"(M\d+ \d+l[\d -]+z)+", path) for path in known.paths.values())
    everything = "".join(known.paths.values()).encode()
    assert len(gzip.compress(everything)) < 25_000


def test_north_is_up_and_east_is_right() -> None:
    known = outlines()

    def start(code: str) -> tuple[int, int]:
        found = re.match(r"M(\d+) (\d+)", known.paths[code])
        assert found
        return int(found[1]), int(found[2])

    assert start("IE")[0] < start("DE")[0] < start("JP")[0]
    assert start("SE")[1] < start("IT")[1] < start("ZA")[1] < known.height
    assert abs(known.dots["SG"][0] / known.width - (103.8 + 180) / 360) < 0.02


@given(st.integers(0, 10**12))
def test_steps_begin_at_powers_of_ten_up_to_the_highest(highest: int) -> None:
    starts = bounds(highest)
    assert len(starts) <= STEPS
    assert (starts == []) == (highest == 0)
    if starts:
        assert starts[0] == 1
        assert starts[-1] <= highest < starts[-1] * 10


def test_a_map_names_what_it_shows_and_counts_what_it_cannot_show() -> None:
    counts = {"DE": 900, "AT": 50, "MT": 7, "unknown": 40, HOSTILE: 3}
    with i18n.speaking("en"):
        chart = world("world", HOSTILE, counts, country_name)
    tree = ElementTree.fromstring(str(chart.drawing))
    titles = [each.text for each in tree.iter("title")]
    assert titles == [HOSTILE, "Germany: 900", "Austria: 50", "Malta: 7"]
    assert [each.get("class") for each in tree.iter("circle")] == ["chart-heat-3"]
    legend = ["".join(each.itertext()) for each in tree.iter("li")]
    assert legend == ["1–9", "10–99", "100 and more", "not on the map: 43"]
    assert "Germany 90%" in next(tree.iter("desc")).text or ""
    assert [row[1] for row in chart.table.rows] == ["900", "50", "40", "7", "3"]


def test_the_title_is_a_finding_only_where_there_is_one() -> None:
    with i18n.speaking("de"):
        most = world_chart("world", [Value("DE", 900), Value("AT", 100)])
        alike = world_chart("world", [Value("DE", 500), Value("AT", 500)])
        assert most is not None
        assert alike is not None
        assert most.table.caption == "90\N{NO-BREAK SPACE}% der Klicks kommen aus Deutschland"
        assert alike.table.caption == "Klicks nach Land"
        assert world_chart("world", [Value("DE", 0)]) is None


@pytest.mark.parametrize(
    ("code", "german", "english"),
    [
        ("DE", "Deutschland", "Germany"),
        ("CH", "der Schweiz", "Switzerland"),
        ("US", "den USA", "the United States"),
        ("GB", "dem Vereinigten Königreich", "the United Kingdom"),
        ("NL", "den Niederlanden", "the Netherlands"),
        ("CZ", "Tschechien", "Czechia"),
        ("IQ", "dem Irak", "Iraq"),
        ("PH", "den Philippinen", "the Philippines"),
        ("XX", "XX", "XX"),
    ],
)
def test_a_country_within_a_sentence_has_its_article(code: str, german: str, english: str) -> None:
    for locale, words in (("de", german), ("en", english)):
        with i18n.speaking(locale):
            assert after_from(code) == words


def test_no_german_name_in_the_plural_goes_without_its_article() -> None:
    plural = re.compile("(inseln?|gebiete|staaten|emirate|republik|jungfern.*)$", re.IGNORECASE)
    with i18n.speaking("de"):
        for code, name in Locale.parse("de").territories.items():
            assert not (plural.search(name) and after_from(code) == name), name
