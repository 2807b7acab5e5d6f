"""Many rows as few: the numbers of a group written out in one text, and read again all at once.

To make each row one of Python's takes four times as long.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Text, cast, func


def written_out(for_sqlite: bool, each: ColumnElement[int]) -> ColumnElement[str]:
    """All of a group with commas between; SQLite's lists have brackets about them."""
    if for_sqlite:
        # It joins texts by making one of each number first, which takes half as long again.
        return func.json_group_array(each)
    return func.aggregate_strings(cast(each, Text), ",")


def numbers_written_out(texts: Sequence[str]) -> NDArray[np.int64]:
    """The numbers of all texts, one after the other."""
    if not texts:
        return np.zeros(0, np.int64)
    return np.fromstring(",".join(text.strip("[]") for text in texts), np.int64, sep=",")


def for_each_number(lines: Sequence[int], texts: Sequence[str]) -> NDArray[np.int64]:
    """What each of the lines is of, for every number of its text."""
    return np.repeat(np.array(lines, np.int64), [text.count(",") + 1 for text in texts])
