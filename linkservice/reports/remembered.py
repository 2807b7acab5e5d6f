"""What a function made of the same content before.

A page, its print, its exports and the pages beside it are made of the same figures, and what
somebody looks at twice has often not changed in between. Decided here: that what is remembered is
found by all that it was made of, not by when: so it can never be out of date, and whoever changes
a figure need not know of it. For functions alone whose result depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

Content: TypeAlias = "bytes | NDArray[np.generic]"
"""A part of what something is made of; an array's shape is told by the other parts."""

Made = TypeVar("Made")


class Remembered(Generic[Made]):
    """The results asked for last, which together are of `most` of whatever `size_of` counts.

    They are shared: nobody may change them. What is larger than all may be is not kept.
    """

    def __init__(self, most: int, size_of: Callable[[Made], int]) -> None:
        self._found: LRUCache[bytes, Made] = LRUCache(most, size_of)
        self._lock = Lock()

    def of(self, content: Iterable[Content], make: Callable[[], Made]) -> Made:
        """What `make` makes of this content, or made of it before."""
        key = _digest(content)
        with self._lock:
            if key in self._found:
                return self._found[key]
        # Not locked: two threads may make the same, which is the same.
        made = make()
        with self._lock:
            if self._found.getsizeof(made) <= self._found.maxsize:
                self._found[key] = made
        return made


def _digest(content: Iterable[Content]) -> bytes:
    """SHA-256, which processors know: 1.5 GB a second."""
    whole = sha256()
    for part in content:
        # Arrays as they lie: to copy those of a year takes half as long as to read them.
        each = part if isinstance(part, bytes) else part.ravel().view(np.uint8).data
        # With its length, so that it matters where one part ends.
        whole.update(len(each).to_bytes(8, "little"))
        whole.update(each)
    return whole.digest()
