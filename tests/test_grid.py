"""A grid holds what its rows add up to, whatever it is put together from."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkservice.reports.grid import Grid, Rows

FIRST, LAST = 739_000, 739_011

Row = tuple[int, int, int, int]
"""A touchpoint, a day, and two counts."""

ROWS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(FIRST, LAST),
        st.integers(0, 2**40),
        st.integers(0, 2**60),
    ),
    max_size=12,
)
NOTHING: list[Row] = []


def rows_of(listed: list[Row]) -> Rows:
    """As they are read from a database: columns of numbers, some of them narrow."""
    columns = np.array(listed, np.int64).reshape(-1, 4).T
    return Rows(columns[0], columns[1].astype(np.int32), columns[2:])


def sums_of(grid: Grid) -> dict[tuple[int, int], list[int]]:
    """The counts of each touchpoint on each day, where there are any."""
    return {
        (int(number), grid.first + day): counts
        for place, number in enumerate(grid.touchpoint_ids)
        for day in range(grid.last - grid.first + 1)
        if any(counts := grid.counts[:, place, day].tolist())
    }


def added_up(listed: list[Row]) -> dict[tuple[int, int], list[int]]:
    sums = [Counter[tuple[int, int]](), Counter[tuple[int, int]]()]
    for number, day, *counts in listed:
        for of_all, count in zip(sums, counts, strict=True):
            of_all[number, day] += count
    both = {key: [each[key] for each in sums] for key in {*sums[0], *sums[1]}}
    return {key: counts for key, counts in both.items() if any(counts)}


@given(ROWS)
def test_rows_are_added_up_by_touchpoint_and_day(listed: list[Row]) -> None:
    grid = Grid.of(rows_of(listed))
    assert sums_of(grid) == added_up(listed)
    assert grid.touchpoint_ids.tolist() == sorted({number for number, *_ in listed})
    if listed:
        days = [day for _, day, *_ in listed]
        assert (grid.first, grid.last) == (min(days), max(days))


@given(ROWS, st.lists(ROWS, max_size=3), st.integers(FIRST, LAST))
def test_grids_of_different_days_and_rows_are_joined_to_what_all_add_up_to(
    packed: list[Row], others: list[list[Row]], seam: int
) -> None:
    early = Grid.of(rows_of([row for row in packed if row[1] < seam]))
    late = Grid.of(rows_of([row for row in packed if row[1] >= seam]))
    joined = Grid.joined([late, early], [rows_of(each) for each in others], FIRST, LAST)
    assert (joined.first, joined.last) == (FIRST, LAST)
    assert sums_of(joined) == added_up([*packed, *(row for each in others for row in each)])


@given(ROWS, st.integers(FIRST, LAST), st.integers(0, LAST - FIRST))
def test_some_days_and_one_count_are_taken_out(listed: list[Row], first: int, more: int) -> None:
    last = min(first + more, LAST)
    whole = Grid.joined([], [rows_of(listed)], FIRST, LAST)
    between = whole.only(1).between(first, last)
    assert between.shape == (1, len(whole.touchpoint_ids), last - first + 1)
    some = [(*row[:2], 0, row[3]) for row in listed if first <= row[1] <= last]
    cut = Grid(first, whole.touchpoint_ids, np.concatenate([0 * between, between]))
    assert sums_of(cut) == added_up(some)


def test_of_no_rows_there_are_no_touchpoints_and_no_days() -> None:
    grid = Grid.of(rows_of(NOTHING))
    assert grid.counts.shape == (2, 0, 0)
    assert grid.last == grid.first - 1
    assert Grid.joined([grid], [], FIRST, LAST).counts.shape == (2, 0, LAST - FIRST + 1)


def test_what_reports_share_cannot_be_written_to() -> None:
    grid = Grid.of(rows_of([(1, FIRST, 2, 3)]))
    for each in (grid, grid.only(0), Grid.joined([grid], [], FIRST, LAST)):
        with pytest.raises(ValueError, match="read-only"):
            each.counts[0, 0, 0] = 5
