"""What touchpoints had on a day of clicks with one value ("DE", "Firefox"), as one string of bytes.

A report of a year in Germany reads 365 of these instead of millions of clicks. Decided here: what
is counted of a click, and in how many bytes. Not here: when a day is summed up (`closed_days`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    numbers: list[int] = []
    parts: list[_Columns] = []
    for day, each in days:
        numbers.append(day)
        parts.append(_columns(zlib.decompress(each)))
    if not parts:
        return np.zeros(0, np.int64), np.zeros((0, len(CELL)), np.int64)
    steps, kinds, counts, told = (
        np.concatenate(column, axis=-1) for column in zip(*parts, strict=True)
    )
    sizes = np.array([len(part.kinds) for part in parts])
    # Ids follow each other from nought on each day: what all before it add up to is taken away.
    upto = np.concatenate([[0], np.cumsum(steps, dtype=np.int64)])
    ids = upto[1:] - np.repeat(upto[np.cumsum(sizes) - sizes], sizes)
    # Column by column, as they are read.
    cells = np.zeros((len(CELL), len(ids)), np.int64).T
    cells[:, 0], cells[:, 1], cells[:, _COUNT] = ids, kinds, counts
    persons = np.flatnonzero(_PERSONS[kinds])
    for place, column in enumerate(told, _COUNT + 1):
        cells[persons, place] = column
    return np.repeat(np.array(numbers, np.int64), sizes), cells


def kinds_of(packed: bytes) -> bytes:
    """The class of each cell (the place in `CLASSES`), without unpacking the others' columns."""
    stream = zlib.decompressobj()
    number, _, _ = _HEAD.unpack(stream.decompress(packed, _HEAD.size))
    return stream.decompress(stream.unconsumed_tail, number)


class _Columns(NamedTuple):
    """Those of a packed day, each in as many bytes as it takes: how much every id is more than the
    one before, classes, clicks, and a row for each of the other counts, of persons.
    """

    steps: NDArray[np.integer]
    kinds: NDArray[np.uint8]
    counts: NDArray[np.integer]
    told: NDArray[np.integer]


def _columns(content: bytes) -> _Columns:
    size, of_id, of_count = _HEAD.unpack_from(content)
    at = _HEAD.size
    return _Columns(
        np.frombuffer(content, f"<i{of_id}", size, at + size),
        np.frombuffer(content, np.uint8, size, at),
        np.frombuffer(content, f"<u{of_count}", size, at := at + size * (1 + of_id)),
        np.frombuffer(content, f"<u{of_count}", -1, at + size * of_count).reshape(
            len(COUNTED) - 1, -1
        ),
    )


def _width(numbers: Ints) -> int:
    """How many bytes the largest takes."""
    largest = int(numbers.max(initial=0))
    return next(width for width in _BYTES if largest < 256**width)
