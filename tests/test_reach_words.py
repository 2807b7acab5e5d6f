"""More visitors than reach: said of the touchpoint, and of whom it is compared with."""

from __future__ import annotations

from linkservice.reports.results import TouchpointRow
from linkservice.web.i18n import speaking
from linkservice.web.reach_words import exceeding


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
