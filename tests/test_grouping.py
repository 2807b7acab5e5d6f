"""Grouping in columns gives what a dictionary of sums gives, in the order of the keys."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linkservice.clicks.grouping import grouped

LARGEST = 2**63 - 1
keys = st.tuples(
    st.integers(0, 3),
    st.integers(0, 2) | st.integers(0, LARGEST),
    st.integers(-2, 2) | st.integers(-LARGEST, LARGEST),
)
some_rows = st.lists(st.tuples(keys, st.integers(-(10**6), 10**6)), max_size=40)


@given(rows=some_rows)
def test_sums_and_sizes_are_those_of_a_dictionary(rows: list[tuple[tuple[int, ...], int]]) -> None:
    columns = np.array([key for key, _ in rows], np.int64).reshape(-1, 3).T
    counts = np.array([count for _, count in rows], np.int64)
    sums, sizes = Counter[tuple[int, ...]](), Counter[tuple[int, ...]]()
    for key, count in rows:
        sums[key] += count
        sizes[key] += 1
    found = grouped(*columns)
    in_order = list(zip(*(column[found.first].tolist() for column in columns), strict=True))
    assert in_order == sorted(sums)
    assert found.sums(counts).tolist() == [sums[key] for key in in_order]
    assert found.sizes.tolist() == [sizes[key] for key in in_order]
    assert [in_order[group] for group in found.whose.tolist()] == [key for key, _ in rows]


@given(rows=some_rows)
def test_rows_of_several_counts_are_summed_each(rows: list[tuple[tuple[int, ...], int]]) -> None:
    columns = np.array([key for key, _ in rows], np.int64).reshape(-1, 3).T
    counts = np.array([(count, 1) for _, count in rows], np.int64).reshape(-1, 2)
    found = grouped(*columns)
    assert found.sums(counts)[:, 0].tolist() == found.sums(counts[:, 0]).tolist()
    assert found.sums(counts)[:, 1].tolist() == found.sizes.tolist()


def test_the_first_row_of_a_group_is_the_one_that_came_first() -> None:
    found = grouped(np.array([5, 3, 5, 3]), np.array([1, 1, 1, 1]))
    assert found.first.tolist() == [1, 0]
