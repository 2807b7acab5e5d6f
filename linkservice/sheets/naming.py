"""File names that every system takes, Windows included."""

from __future__ import annotations

import re
import unicodedata

LONGEST_NAME = 100
"""Characters without the suffix: with a folder before it, below the 260 of a Windows path."""

MOST_BYTES = 200
"""UTF-8 without the suffix and a number: Linux takes 255."""

_JOINERS = "\u200c\u200d"

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)", re.IGNORECASE)


def file_name(*parts: str) -> str:
    """``part part`` for parts in any script, without a suffix; too long, the first is cut."""
    first, *rest = (_clean(part) for part in parts)
    tail = _cut(" ".join(filter(None, rest)), LONGEST_NAME, MOST_BYTES)
    room = LONGEST_NAME - len(tail) - 1, MOST_BYTES - len(tail.encode()) - 1
    name = f"{_cut(first, *room)} {tail}".strip(" .") or "_"
    return _unreserved(name)


class UniqueNames:
    """Makes the names of one folder differ, also where capitals and accents do not count."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, name: str) -> str:
        """The name, or with a number behind it if it is taken."""
        number, candidate = 1, name
        while (key := _folded(candidate)) in self._taken:
            number += 1
            candidate = f"{name} ({number})"
        self._taken.add(key)
        return candidate


def _clean(part: str) -> str:
    visible = "".join(map(_visible, unicodedata.normalize("NFC", part)))
    return " ".join(_FORBIDDEN.sub("-", visible).split()).strip(" .")


def _visible(character: str) -> str:
    """The character, if it can be seen or joins two that can (Persian, emoji)."""
    category = unicodedata.category(character)
    if category == "Cf":
        # The rest of these turn the direction of writing, or hide.
        return character if character in _JOINERS else ""
    return " " if category[0] in "CZ" else character


def _cut(text: str, characters: int, most_bytes: int) -> str:
    short = text[: max(characters, 0)].encode()[: max(most_bytes, 0)]
    return short.decode(errors="ignore").strip()


def _unreserved(name: str) -> str:
    return f"_{name}" if _RESERVED.match(name) else name


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
