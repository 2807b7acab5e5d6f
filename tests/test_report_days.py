"""Days that were read already are not read again, and are the same as read at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pytest
from conftest import ENGINES
from hypothesis import given
from hypothesis import strategies as st
from installed import installed
from rollups import COUNTERS
from sqlalchemy import event, insert

from linkservice.clicks.model import TouchpointDay
from linkservice.database import Database
from linkservice.reports.days import Count, days_of_touchpoints
from linkservice.reports.period import Period
from linkservice.reports.sources import PERSONS

FIRST = date(2026, 1, 1)
LENGTH = 20
COUNTS: tuple[Count, ...] = ("visitors", "clicks", "scans")


@pytest.fixture(scope="module", params=ENGINES)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """Twenty days; touchpoint 1 has a row each day, 2 every third, 0 the first ten."""
    rows = [
        {
            "workspace_id": 1,
            "local_date": FIRST + timedelta(day),
            "touchpoint_id": touchpoint,
            **{name: 100 * day + 10 * place + touchpoint for place, name in enumerate(COUNTERS)},
        }
        for day in range(LENGTH)
        for touchpoint in (0, 1, 2)
        if touchpoint == 1 or (touchpoint == 2 and day % 3 == 0) or (touchpoint == 0 and day < 10)
    ]
    with installed(request, tmp_path_factory) as (_, database):
        with database.writing_connection() as connection:
            connection.execute(insert(TouchpointDay), rows)
        yield database


@st.composite
def periods(draw: st.DrawFn) -> Period:
    first = draw(st.integers(-2, LENGTH + 1))
    length = draw(st.integers(0, LENGTH))
    return Period(FIRST + timedelta(first), FIRST + timedelta(first + length), "UTC")


def _listed(found: dict[int, np.ndarray]) -> dict[int, list[int]]:
    return {number: days.tolist() for number, days in found.items()}


@given(st.lists(st.tuples(periods(), st.sampled_from(COUNTS)), min_size=1, max_size=5))
def test_days_are_the_same_in_whatever_order_they_are_asked_for(
    filled: Database, asked: list[tuple[Period, Count]]
) -> None:
    with filled.reading() as session:
        for period, count in asked:
            found = _listed(days_of_touchpoints(session, PERSONS, 1, period, count))
            with filled.reading() as other:
                assert found == _listed(days_of_touchpoints(other, PERSONS, 1, period, count))


def test_counts_are_those_of_the_rows(filled: Database) -> None:
    period = Period(FIRST + timedelta(8), FIRST + timedelta(10), "UTC")
    with filled.reading() as session:
        found = _listed(days_of_touchpoints(session, PERSONS, 1, period, "visitors"))
        clicks = _listed(days_of_touchpoints(session, PERSONS, 1, period, "clicks"))
        scans = _listed(days_of_touchpoints(session, PERSONS, 1, period, "scans"))
    # Visitors of a touchpoint with those without a token; without a touchpoint, of links.
    assert found == {0: [1670, 1870, 0], 1: [1682, 1882, 2082], 2: [0, 1884, 0]}
    assert clicks[1] == [801, 901, 1001]
    assert scans[2] == [0, 912, 0]


@pytest.fixture
def statements(filled: Database) -> Iterator[list[str]]:
    said: list[str] = []

    def note(*given: object) -> None:
        said.append(str(given[2]))

    event.listen(filled.engine, "before_cursor_execute", note)
    yield said
    event.remove(filled.engine, "before_cursor_execute", note)


def test_only_days_not_read_yet_are_read(filled: Database, statements: list[str]) -> None:
    whole = Period(FIRST, FIRST + timedelta(14), "UTC")
    within = Period(FIRST + timedelta(3), FIRST + timedelta(9), "UTC")
    longer = Period(FIRST + timedelta(3), FIRST + timedelta(19), "UTC")
    with filled.reading() as session:
        read = []
        for period in (whole, within, longer):
            days_of_touchpoints(session, PERSONS, 1, period, "visitors")
            read.append(sum("touchpoint_days" in each for each in statements))
    assert read == [1, 1, 2]


def test_a_session_that_writes_keeps_nothing(filled: Database) -> None:
    period = Period(FIRST, FIRST, "UTC")
    with filled.transaction() as session:
        before = days_of_touchpoints(session, PERSONS, 1, period, "clicks")[1].tolist()
        row = session.get_one(TouchpointDay, (1, FIRST, 1))
        row.clicks += 5
        session.flush()
        after = days_of_touchpoints(session, PERSONS, 1, period, "clicks")[1].tolist()
        session.rollback()
    assert (before, after) == ([1], [6])
