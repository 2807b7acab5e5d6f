"""Conversions pasted as a table: what is wrong with it is said row by row."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cast import make_touchpoint
from people import Cast, everybody, text_of

from linkservice.database import Database

cast = pytest.fixture(everybody)

WRONG = (
    "Date;Touchpoint;Conversions;Value\n"
    "01.11.2026;Poster;3;120,50\n"
    "31.11.2026;Poster;3;1\n"
    "02.11.2026;Flyer;3;1\n"
    "03.11.2026;Poster;three;1\n"
    "04.11.2026;Poster;3;1.2.3\n"
)


def test_wrong_rows_are_named_with_their_line_and_column(cast: Cast, database: Database) -> None:
    with database.transaction() as session:
        make_touchpoint(session, cast.home, "Poster", datetime.now(UTC))
    refused = cast.ada.post("/reports/conversions", table=WRONG, source="Till")
    assert refused.status_code == 422
    text = text_of(refused)
    assert "4 things to put right" in text
    for told in (
        "Row 3, Date Not a day; write it as 2026-03-29. 31.11.2026;Poster;3;1",
        "Row 4, Touchpoint The journey has no touchpoint “Flyer”",
        "Row 5, Conversions Not a whole number",
        "Row 6, Value This is no amount; write it as 120.50. 04.11.2026;Poster;3;1.2.3",
    ):
        assert told in text
    assert WRONG.splitlines()[5] in refused.text
    assert 'value="Till"' in refused.text


def test_missing_columns_are_named_in_the_words_of_the_page(cast: Cast) -> None:
    refused = cast.ada.post("/reports/conversions", table="a,b\n1,2", source="")
    assert refused.status_code == 422
    assert "Date, Touchpoint, Conversions, Value" in text_of(refused)
