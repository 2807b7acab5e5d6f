"""Where the next line of a paper stands: down a page, or down one of its columns, then on the next.

Decided here: when a line goes on elsewhere. Not here: what stands in it (`paper`, `paper_table`).
All lengths are in millimetres.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

COLUMNS, BETWEEN_COLUMNS = 2, 6.0


class Flow:
    """A place on a page, which whoever writes moves down (`y`); `left` and `width` are those of
    the page, or of the column it is in.
    """

    def __init__(
        self, left: float, width: float, top: float, bottom: float, new_page: Callable[[], None]
    ) -> None:
        """Stands at the top of a page that is there."""
        self.left, self.width, self.y = left, width, top
        self.whole_width = width
        self.column_width = (width - (COLUMNS - 1) * BETWEEN_COLUMNS) / COLUMNS
        self._first_left = left
        self._top, self._bottom, self._new_page = top, bottom, new_page
        self._column: int | None = None
        self._begun = self._lowest = top
        """Where the columns of this page begin, and how far down any of them reaches."""

    def room(self, height: float) -> bool:
        """Go on in the next column, or on a new page, where there is no such room in this one;
        whether it had to. What is higher than a page begins on a new one.
        """
        moved = False
        while self.y + height > self._bottom and not (moved and self.y == self._top):
            self.go_on()
            moved = True
        return moved

    def go_on(self) -> None:
        """Stand at the beginning of the next column, or page."""
        if self._column is not None and self._column + 1 < COLUMNS:
            self._lowest = max(self._lowest, self.y)
            self._stand_in(self._column + 1)
            self.y = self._begun
            return
        self._new_page()
        self.y = self._begun = self._lowest = self._top
        if self._column is not None:
            self._stand_in(0)

    @contextmanager
    def columns(self) -> Iterator[None]:
        """Let what is written meanwhile stand in columns, from here on."""
        self._begun = self._lowest = self.y
        self._stand_in(0)
        try:
            yield
        finally:
            self.y = max(self._lowest, self.y)
            self._column = None
            self.left, self.width = self._first_left, self.whole_width

    def first_of(self, heights: Sequence[float], between: float) -> int | None:
        """How many of such things in a row are to stand below what is in the first column, so that
        all have room in the columns of this page and none is divided; None where that cannot be,
        or another column has begun. Of several ways the one that reaches down least.
        """
        if self._column != 0:
            return None
        lowest = {
            number: max(
                self.y + _together(heights[:number], between),
                self._begun + _together(heights[number:], between),
            )
            for number in range(len(heights) + 1)
        }
        best = min(lowest, key=lambda number: (lowest[number], -number))
        return best if lowest[best] <= self._bottom else None

    def _stand_in(self, column: int) -> None:
        self._column = column
        self.width = self.column_width
        self.left = self._first_left + column * (self.width + BETWEEN_COLUMNS)


def _together(heights: Sequence[float], between: float) -> float:
    return sum(heights) + between * max(0, len(heights) - 1)
