"""Links in few bytes each, so that a worker knows all of them and not only those asked for.

Decided here: how a link is packed, and found again without unpacking others. A link that is
ready to be used takes some 400 bytes, a packed one some 70: its numbers, its key, and of its
destination what others do not share. Not here: which links are ready (`memory`), when one is
wrong (`resolver`).
"""

from __future__ import annotations

import struct
from array import array

from linkservice.redirect.lookup import LinkSnapshot

_HEAD = struct.Struct("<BHQIqIIH")
"""Marks, length of the key, id, version, expiry (-1: none), numbers of the destination's
beginning and end, length of what is between."""

_HEAD_BYTES, _unpack = _HEAD.size, _HEAD.unpack_from

_GONE, _FORWARD, _ACTIVE, _CLICK_ID = 1, 2, 4, 8
_WORTH_IT = 16 * 2**20
"""Bytes left behind for which all links are not yet read again."""

_MOST_SHARED = 50_000
_LONGEST = 2**16 - 1
_MOST_BYTES = 2**32 - 1


class Packed:
    """Links by their keys, at most `room` of them.

    One thread puts and forgets at a time, any number look: what is published was complete
    before. A link that is put again or forgotten leaves its bytes behind.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self._left = room
        size = 1 << max(4, (2 * room).bit_length())
        self._mask = size - 1
        # Where each link's bytes begin; 0 is nobody. The next place is tried when one is taken.
        self._places = array("I", bytes(array("I").itemsize * size))
        self._bytes = bytearray(1)
        self._heads, self._tails = _Shared(), _Shared()
        self._left_behind = 0

    def __len__(self) -> int:
        return self.room - self._left

    @property
    def is_full(self) -> bool:
        """Whether a link was, or will be, refused."""
        return self._left <= 0 or len(self._bytes) >= _MOST_BYTES

    @property
    def is_worn(self) -> bool:
        """Whether most of what it holds is of links that were put again or forgotten."""
        return self._left_behind > max(_WORTH_IT, len(self._bytes) // 2)

    def get(self, key: str) -> LinkSnapshot | None:
        """The link of that key."""
        raw = key.encode() if key.isascii() else _encoded(key)
        data, places, mask, known = self._bytes, self._places, self._mask, len(raw)
        at = hash(key) & mask
        # As `_find` does: one step less for each click.
        while place := places[at]:
            begin = place + _HEAD_BYTES
            if data.startswith(raw, begin):
                marks, keys, link_id, version, expires, head, tail, length = _unpack(data, place)
                if keys == known:
                    break
            at = (at + 1) & mask
        else:
            return None
        if marks & _GONE:
            return None
        end = begin + known
        return LinkSnapshot(
            link_id,
            version,
            self._heads.texts[head] + data[end : end + length].decode() + self._tails.texts[tail],
            marks & _FORWARD != 0,
            marks & _ACTIVE != 0,
            None if expires < 0 else expires,
            marks & _CLICK_ID != 0,
        )

    def put(self, key: str, link: LinkSnapshot) -> bool:
        """Have that link; False when there is no room, or it is too long."""
        raw = _encoded(key)
        head, middle, tail = _parted(link.destination)
        head_number, tail_number = self._heads.number(head), self._tails.number(tail)
        if head_number is None or tail_number is None:
            head_number, middle, tail_number = 0, link.destination, 0
        between = middle.encode()
        if self.is_full or max(len(raw), len(between)) > _LONGEST or (link.expires_at_ms or 0) < 0:
            self.forget(key)
            return False
        marks = (_FORWARD if link.forward_query else 0) | (_ACTIVE if link.active else 0)
        if link.append_click_id:
            marks |= _CLICK_ID
        expires = -1 if link.expires_at_ms is None else link.expires_at_ms
        place = len(self._bytes)
        packed = _HEAD.pack(
            *(marks, len(raw), link.id, link.version, expires, head_number, tail_number),
            len(between),
        )
        self._bytes += packed + raw + between
        at, known = self._find(key, raw)
        if known:
            self._left_behind += len(packed) + len(raw) + len(between)
        else:
            self._left -= 1
        self._places[at] = place
        return True

    def forget(self, key: str) -> None:
        """Have no link of that key."""
        at, known = self._find(key, _encoded(key))
        if known:
            self._bytes[self._places[at]] |= _GONE

    def _find(self, key: str, raw: bytes) -> tuple[int, bool]:
        """Where that key stands, or would. Ends: half of the places are free."""
        data, places, mask = self._bytes, self._places, self._mask
        at = hash(key) & mask
        while place := places[at]:
            begin = place + _HEAD_BYTES
            if data[begin : begin + (data[place + 1] | data[place + 2] << 8)] == raw:
                return at, True
            at = (at + 1) & mask
        return at, False


class _Shared:
    """Texts that many destinations share; number 0 is the empty one."""

    def __init__(self) -> None:
        self.texts = [""]
        self._numbers = {"": 0}

    def number(self, text: str) -> int | None:
        """The number of that text, a new one if need be; None when there are too many."""
        found = self._numbers.get(text)
        if found is None and len(self.texts) < _MOST_SHARED:
            found = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return found


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")


def _parted(destination: str) -> tuple[str, str, str]:
    """Up to the last slash of the path, what is behind it, and the query or fragment."""
    ends = [end for end in (destination.find("?"), destination.find("#")) if end >= 0]
    end = min(ends, default=len(destination))
    slash = destination.rfind("/", 0, end) + 1
    return destination[:slash], destination[slash:end], destination[end:]
