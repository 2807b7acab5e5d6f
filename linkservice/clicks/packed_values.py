"""What touchpoints had on a day of clicks with one value ("DE", "Firefox"), as one string of bytes.

A report of a year in Germany reads 365 of these instead of millions of clicks. Decided here: what
is counted of a click, and in how many bytes. Not here: when a day is summed up (`closed_days`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

import numpy as np

from linkservice.clicks.grouping import Ints, grouped
from linkservice.clicks.model import CLASSES, Mark

SCANS, NO_SCANS, NO_CITY = -1, -2, -3
"""The values that no facet has a number for: a click was a scan, or none; nobody knows its city."""

COUNTED = ("count", "scans", "visitors", "journey_visitors", "tokenless")
"""What a cell tells of the clicks of one class at one touchpoint, or of links without one (0):
visitors are those of the touchpoint, or there those of the link. Of a robot only the count.
"""

CELL = ("touchpoint_id", "kind", *COUNTED)
"""The columns of cells, of whole numbers; `kind` is the place in `CLASSES`."""

_BYTES = (1, 2, 4, 8)
_COUNT = CELL.index("count")
_HEAD = struct.Struct("<IBB")
_PERSONS = np.array([name in ("person", "suspected") for name in CLASSES])
"""Of each class whether scans and visitors are told: of a robot only its clicks are."""


def counted(touchpoint_ids: Ints, kinds: Ints, flags: Ints) -> Ints:
    """What each click adds: a row of `CELL`, from its touchpoint, class and `Mark`s."""
    placed, persons = touchpoint_ids != 0, _PERSONS[kinds]

    def marked(mark: Mark) -> Ints:
        found: Ints = ((flags & int(mark) != 0) & persons).astype(np.int64)
        return found

    visitors = np.where(placed, marked(Mark.NEW_FOR_TOUCHPOINT), marked(Mark.NEW_FOR_LINK))
    return np.column_stack(
        (
            touchpoint_ids,
            kinds,
            np.ones(len(flags), np.int64),
            marked(Mark.SCAN),
            visitors,
            marked(Mark.NEW_FOR_JOURNEY) * placed,
            marked(Mark.TOKENLESS),
        )
    )


def summed(values: Ints, cells: Ints) -> tuple[Ints, Ints]:
    """One cell for each value, touchpoint and class, in that order; and its value."""
    keys = values, cells[:, 0], cells[:, 1]
    groups = grouped(*keys)
    rows = groups.rows(keys, groups.sums(cells[:, 2:]))
    return rows[:, 0], rows[:, 1:]


def packed(cells: Ints) -> bytes:
    """Cells as bytes: how many, the widths of ids and counts, and columns by class and touchpoint.

    Of 25,000 clicks these are 50 kB: a third of what the cells take row by row, since ids that
    follow each other and counts of one kind have much in common.
    """
    cells = cells[np.lexsort((cells[:, 0], cells[:, 1]))]
    ids, kinds, counts = np.diff(cells[:, 0], prepend=0), cells[:, 1], cells[:, _COUNT:]
    of_id, of_count = _width(np.abs(ids) * 2), _width(counts)
    columns = (
        kinds.astype("<u1"),
        ids.astype(f"<i{of_id}"),
        counts[:, 0].astype(f"<u{of_count}"),
        counts[_PERSONS[kinds], 1:].T.astype(f"<u{of_count}"),
    )
    head = _HEAD.pack(len(cells), of_id, of_count)
    return zlib.compress(head + b"".join(column.tobytes() for column in columns))


def unpacked(days: Iterable[tuple[int, bytes]]) -> tuple[Ints, Ints]:
    """The cells of packed days, all together; and the day of each."""
    whose, found = [np.zeros(0, np.int64)], [np.zeros((0, len(CELL)), np.int64)]
    for day, each in days:
        content = zlib.decompress(each)
        size, of_id, of_count = _HEAD.unpack_from(content)
        cells = np.zeros((size, len(CELL)), np.int64)
        at = _HEAD.size
        kinds = np.frombuffer(content, "<u1", size, at)
        ids = np.frombuffer(content, f"<i{of_id}", size, at := at + size)
        counts = np.frombuffer(content, f"<u{of_count}", size, at := at + size * of_id)
        told = np.frombuffer(content, f"<u{of_count}", -1, at + size * of_count)
        cells[:, 0], cells[:, 1], cells[:, _COUNT] = np.cumsum(ids, dtype=np.int64), kinds, counts
        cells[_PERSONS[kinds], _COUNT + 1 :] = told.reshape(len(COUNTED) - 1, -1).T
        whose.append(np.full(size, day, np.int64))
        found.append(cells)
    return np.concatenate(whose), np.concatenate(found)


def _width(numbers: Ints) -> int:
    """How many bytes the largest takes."""
    largest = int(numbers.max(initial=0))
    return next(width for width in _BYTES if largest < 256**width)
