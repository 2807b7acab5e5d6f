"""What files of reports are called: in the reader's language, by days and filters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import pytest
from filtered_scene import Scene
from hypothesis import given
from hypothesis import strategies as st
from test_filters import PERIOD, scene

from linkservice.reports.filters import FACETS
from linkservice.reports.period import Period
from linkservice.web.file_names import REPORTS, file_name, slug
from linkservice.web.guard import Cookies
from linkservice.web.i18n import speaking

__all__ = ["scene"]

MONTH = Period(date(2026, 10, 1), date(2026, 10, 31), "Europe/Berlin")


@pytest.mark.parametrize(
    ("about", "filters", "subject", "english", "german"),
    [
        (
            "touchpoints",
            {"country": "DE"},
            "",
            ("touchpoints", "country-de"),
            ("touchpoints", "land-de"),
        ),
        (
            "overview",
            {"device": "mobile", "source": "scan", "scanners": "apart"},
            "",
            ("overview", "device-smartphone-scanned"),
            ("uebersicht", "geraet-smartphone-gescannt"),
        ),
        (
            "costs",
            {"group": "touchpoint", "sort": "return_on_cost"},
            "",
            ("costs", ""),
            ("kosten", ""),
        ),
        (
            "journey",
            {"metric": "trend", "kind": "human", "scanners": "include"},
            "Käuferreise 2026",
            ("journey-kaeuferreise-2026", "trend-human-with-suspected-mail-scanners"),
            ("reise-kaeuferreise-2026", "entwicklung-persoenlich-mit-mutmasslichen-mail-scannern"),
        ),
        ("personas", {"metric": "scans_per_click"}, "", ("personas", ""), ("personas", "")),
        (
            "campaign",
            {"country": "unknown", "city": "unknown", "browser": "Other"},
            "",
            ("campaign", "country-unknown-city-unknown-browser-other"),
            ("kampagne", "land-unbekannt-stadt-unbekannt-browser-sonstiges"),
        ),
        (
            "campaign",
            {"referrer": "direct", "language": "de"},
            "",
            ("campaign", "referrer-direct-or-not-told-language-de"),
            ("kampagne", "herkunftsseite-direkt-oder-nicht-mitgeteilt-sprache-de"),
        ),
        (
            "link",
            {"device": "unknown"},
            "",
            ("link", "device-unknown"),
            ("link", "geraet-unbekannt"),
        ),
        (
            "touchpoint",
            {"city": "DE/Bayern/München", "single_clicks_from": "2026-10-01"},
            "広告",
            ("touchpoint-7", "city-de-bayern-muenchen"),
            ("touchpoint-7", "stadt-de-bayern-muenchen"),
        ),
    ],
)
def test_a_name_says_what_is_in_the_file(
    about: str,
    filters: Mapping[str, str],
    subject: str,
    english: tuple[str, str],
    german: tuple[str, str],
) -> None:
    for language, (before, after) in (("en", english), ("de", german)):
        with speaking(language):
            name = file_name(about, MONTH, filters, subject, "7" if subject else "")
        assert name == "-".join(filter(None, (before, "2026-10-01-2026-10-31", after)))


@given(st.text(max_size=300), st.dictionaries(st.sampled_from(FACETS), st.text(max_size=60)))
def test_any_name_fits_any_computer(subject: str, filters: Mapping[str, str]) -> None:
    for about in REPORTS:
        name = file_name(about, MONTH, filters, subject, "7")
        assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name)
        assert len(name) < 200
    assert re.fullmatch("([a-z0-9]+(-[a-z0-9]+)*)?", slug(subject))


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_file_of_a_filtered_report_is_called_by_its_filters(
    scene: Scene, language: str
) -> None:
    vera = scene.cast.vera
    vera.client.set_cookie(Cookies.of(vera.settings).name("language"), language)
    days, marks = f"{PERIOD['from']}-{PERIOD['to']}", {"en": "country-de", "de": "land-de"}
    overview = {"en": "overview", "de": "uebersicht"}[language]
    clicks = {"en": "clicks", "de": "klicks"}[language]
    one = f"/reports/touchpoints/{scene.touchpoint_id}"
    names = set()
    for path, begins, forms in (
        ("/overview", overview, ("csv", "xlsx", "json", "pdf")),
        ("/reports", "touchpoints", ("csv", "xlsx", "json", "pdf")),
        (one, "touchpoint-", ("csv", "xlsx", "json", "pdf", "days.csv")),
        ("/reports/clicks", clicks, ("csv", "xlsx", "jsonl")),
    ):
        for form in forms:
            place = {"pdf": f"{path}/paper", "days.csv": f"{path}/days.csv"}.get(form)
            if path == "/reports/clicks":
                place = path
            answer = vera.get(
                place or f"{path}/download", **PERIOD, country="DE", format=form.rpartition(".")[2]
            )
            assert answer.status_code == 200, (path, form)
            disposition = answer.headers["Content-Disposition"]
            (name,) = re.findall(r"^attachment; filename=(\S+)$", disposition)
            assert name.startswith(begins), disposition
            assert f"{days}-{marks[language]}." in name, disposition
            names.add(name)
    assert len(names) == 4 + 4 + 5 + 3
