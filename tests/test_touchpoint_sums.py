"""Sums by month and day are those of the days, whatever the period is and whatever came later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from datetime import date, timedelta

import pytest
from conftest import ENGINES
from hypothesis import example, given
from hypothesis import strategies as st
from installed import installed
from rollups import COUNTERS
from sqlalchemy import insert

from linkservice.clicks.model import TouchpointDay, TouchpointMonth
from linkservice.database import Database
from linkservice.reports.period import Period
from linkservice.reports.sources import PERSONS
from linkservice.reports.touchpoint_sums import sums_alone

FIRST, LENGTH = date(2026, 1, 20), 100
"""Of two workspaces: the first has its last clicks on 29 April, the other, in May, too."""

ROWS = {
    (workspace, FIRST + timedelta(day), touchpoint): [
        1000 * day + 10 * place + touchpoint + workspace for place in range(len(COUNTERS))
    ]
    for workspace, days in ((1, LENGTH), (2, LENGTH + 20))
    for day in range(days)
    for touchpoint in (0, 1, 2)
    if touchpoint != 2 or day % 5 == 0
}


@pytest.fixture(scope="module", params=ENGINES)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    months: dict[tuple[int, date, int], list[int]] = {}
    for (workspace, day, touchpoint), counts in ROWS.items():
        sums = months.setdefault((workspace, day.replace(day=1), touchpoint), [0] * len(counts))
        sums[:] = map(sum, zip(sums, counts, strict=True))
    with installed(request, tmp_path_factory) as (_, database):
        with database.writing_connection() as connection:
            for model, day_of, rows in (
                (TouchpointDay, "local_date", ROWS),
                (TouchpointMonth, "month", months),
            ):
                key = "workspace_id", day_of, "touchpoint_id"
                connection.execute(
                    insert(model),
                    [
                        dict(zip((*key, *COUNTERS), (*of, *counts), strict=True))
                        for of, counts in rows.items()
                    ],
                )
        yield database


@st.composite
def periods(draw: st.DrawFn) -> Period:
    first = draw(st.integers(-40, LENGTH + 40))
    length = draw(st.integers(0, LENGTH + 60))
    return Period(FIRST + timedelta(first), FIRST + timedelta(first + length), "UTC")


@given(st.sampled_from([1, 2]), periods())
@example(1, Period(FIRST, date(2026, 4, 29), "UTC"))  # nothing later: April is read as a month
@example(2, Period(FIRST, date(2026, 4, 29), "UTC"))  # the day after has clicks
@example(1, Period(date(2026, 4, 1), date(2026, 4, 29), "UTC"))
@example(1, Period(date(2026, 4, 2), date(2026, 4, 29), "UTC"))
@example(1, Period(date(2026, 3, 15), date(2026, 4, 29), "UTC"))
@example(1, Period(date(9999, 12, 1), date.max, "UTC"))
def test_sums_are_those_of_the_days(filled: Database, workspace: int, period: Period) -> None:
    with filled.reading() as session:
        found = {
            number: astuple(sums)[1:-1]
            for number, sums in sums_alone(session, PERSONS, workspace, period).items()
        }
    assert found == _of_days(workspace, period)


def _of_days(workspace: int, period: Period) -> dict[int, tuple[int, ...]]:
    right: dict[int, dict[str, int]] = {}
    for (whose, day, touchpoint), counts in ROWS.items():
        if whose == workspace and period.first <= day <= period.last:
            sums = right.setdefault(touchpoint, dict.fromkeys(COUNTERS, 0))
            for name, count in zip(COUNTERS, counts, strict=True):
                sums[name] += count
    for touchpoint, sums in right.items():
        of_touchpoint = sums.pop("touchpoint_visitors")
        if touchpoint:
            sums["visitors"] = of_touchpoint
        else:
            sums["journey_visitors"] = 0
    return {touchpoint: tuple(sums.values()) for touchpoint, sums in right.items()}
