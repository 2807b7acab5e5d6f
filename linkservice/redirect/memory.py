"""What fits into a worker's memory: the entries used last, which keys exist at all.

Decided here: how both forget. Not here: what is kept and when it is wrong (`resolver`).
"""

from __future__ import annotations

from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """The entries used last, at most `size`; safe for threads.

    Two dictionaries take turns: what is used goes into the young one, and when that holds half
    of `size`, it becomes the old one and the old one is dropped. So a hit in the young half
    writes nothing and needs no lock, and an entry costs half of what an `OrderedDict` takes.
    Who is in a hurry looks into `young` first, and then `from_old`: a call less than `get`.
    """

    def __init__(self, size: int) -> None:
        self._half = max(1, size // 2)
        self.young: dict[str, T] = {}
        self._old: dict[str, T] = {}
        # Whoever writes holds it: an entry that is forgotten must not come back by moving.
        self._lock = Lock()
        self.evicted = 0

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    def get(self, key: str) -> T | None:
        """The entry of that key, now one of the youngest."""
        found = self.young.get(key)
        return self.from_old(key) if found is None else found

    def keep(self, key: str, value: T) -> None:
        """Remember an entry; may push out others."""
        with self._lock:
            self._old.pop(key, None)
            self._put(key, value)

    def forget(self, key: str) -> None:
        """Have no entry of that key."""
        with self._lock:
            self.young.pop(key, None)
            self._old.pop(key, None)

    def clear(self) -> None:
        """Have no entry at all."""
        with self._lock:
            self.young, self._old = {}, {}

    def from_old(self, key: str) -> T | None:
        """The entry of that key, which is not among the young, now one of them."""
        if key not in self._old:
            return None
        with self._lock:
            found = self._old.pop(key, None)
            if found is None:  # another thread was quicker, or it was forgotten
                return self.young.get(key)
            self._put(key, found)
        return found

    def _put(self, key: str, value: T) -> None:
        if len(self.young) >= self._half and key not in self.young:
            self.evicted += len(self._old)
            self.young, self._old = {}, self.young
        self.young[key] = value


class Hint:
    """Which keys may exist: a "no" is sure, a "yes" is not. 4 MiB for any number of keys.

    One bit a key, at the place its hash says; the hash is keyed by the process, so nobody can
    choose slugs that meet. Of 100,000 keys 0.3 % say "yes" wrongly, of a million 3 %.
    """

    BITS = 2**25
    _MASK = BITS - 1

    def __init__(self) -> None:
        self._bits = bytearray(self.BITS // 8)

    def add(self, key: str) -> None:
        """The key exists. One thread at a time: two that set bits of one byte would lose one."""
        place = hash(key) & self._MASK
        self._bits[place >> 3] |= 1 << (place & 7)

    def may_have(self, key: str) -> bool:
        """Whether the key may have been added."""
        place = hash(key) & self._MASK
        return self._bits[place >> 3] & 1 << (place & 7) != 0


class Allowance:
    """So many a second, and no more; safe for threads, give or take one."""

    def __init__(self, a_second: float) -> None:
        self._a_second = a_second
        self._left = a_second
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether there is one left at `now` (seconds of `time.monotonic`)."""
        left = self._left + (now - self._at) * self._a_second
        self._at = now
        if left < 1.0:
            self._left = left
            return False
        self._left = min(left, self._a_second) - 1.0
        return True
