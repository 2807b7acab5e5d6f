"""Slugs: which are valid or reserved, when two are the same, how they look in a URL.

Two slugs are the same when their keys (`slug_key`) are equal; the key is what the database
holds unique and what a request is looked up by. Whether a slug is still free is NOT decided
here: the database's constraint is (`manage` translates it to `SlugTaken`).

The redirect's hot lane imports this module: `parse_path` and `slug_key` take under a
microsecond for ASCII and never raise.
"""

from __future__ import annotations

import re
import secrets
import string
import unicodedata
from typing import Literal, NamedTuple
from urllib.parse import quote

from linkservice.errors import Invalid, Problem

SLUG_MAX = 64
"""Characters of a slug in NFC."""

KEY_MAX = 3 * SLUG_MAX
"""Characters of a slug's key: case folding makes at most three of one (as in U+0390)."""

RESERVED = frozenset(
    (
        "app",
        "api",
        "static",
        "healthz",
        "readyz",
        "metrics",
        "q",
        "robots.txt",
        "favicon.ico",
        ".well-known",
    )
)
"""Keys no link may have: the app's and the link port's own paths, for ever."""

# Without 0/o and 1/l/i, which people confuse on paper; lower case only, since case never
# tells two slugs apart. 31 symbols, 7 places: 27 thousand million slugs.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_GENERATED_LENGTH = 7

# One character may decompose into four (U+1F82), so a longer text is no slug in any form.
_RAW_MAX = 4 * SLUG_MAX

_ASCII_SLUG = r"[0-9A-Za-z_-](?:[0-9A-Za-z._-]{0,62}[0-9A-Za-z_-])?"
_PLAIN_PATH = re.compile(
    rf"/(?!(?:{'|'.join(map(re.escape, RESERVED))})$)[0-9a-z_-](?:[0-9a-z._-]{{0,62}}[0-9a-z_-])?"
)
_ASCII_PATH = re.compile(rf"/([qQ]/)?({_ASCII_SLUG})(\+)?/?")
_ASCII_WHOLE = re.compile(_ASCII_SLUG)
_ASCII_ALLOWED = frozenset(string.ascii_letters + string.digits + "-_.")
_CAPITALS = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)

# Letters and marks by category, yet nothing to see (Unicode: Default_Ignorable_Code_Point):
# joiner, Hangul fillers, Khmer inherent vowels, variation selectors.
_INVISIBLE = frozenset(
    chr(code)
    for low, high in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for code in range(low, high + 1)
)

Source = Literal["click", "scan"]


class Asked(NamedTuple):
    """What a request on the link port asks for.

    A named tuple: the hot lane makes one per request, and a frozen dataclass costs twice.
    """

    slug_key: str
    source: Source
    preview: bool


def make_slug() -> str:
    """A new random slug of seven characters, from the system's secure generator."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GENERATED_LENGTH))


def check_slug(text: str) -> str:
    """The chosen slug `text` in NFC, as it is stored and shown.

    Letters and digits of any script, marks after a letter, `-`, `_`, and `.` inside; 1 to
    64 characters. Raises `Invalid` on the field "slug".
    """
    if not text:
        raise Invalid(Problem("slug", "slug_empty", {}))
    slug = unicodedata.normalize("NFC", text) if len(text) <= _RAW_MAX else text
    if len(slug) > SLUG_MAX:
        raise Invalid(Problem("slug", "slug_too_long", {"limit": SLUG_MAX, "length": len(slug)}))
    if slug_key(slug) in RESERVED:
        raise Invalid(Problem("slug", "slug_reserved", {"slug": slug}))
    wrong = _forbidden(slug)
    if wrong:
        raise Invalid(Problem("slug", "slug_character", {"character": _named(wrong)}))
    if slug[0] == "." or slug[-1] == ".":
        raise Invalid(Problem("slug", "slug_dot", {}))
    return slug


def slug_key(text: str) -> str:
    """What makes slugs equal: NFC(casefold(NFC(text))). Defined for any text; idempotent."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFC", text).casefold()
    return unicodedata.normalize("NFC", folded)


def short_path(slug: str) -> str:
    """The path of a valid slug's short URL: percent-encoded UTF-8 (`/aktion-%C3%BC`)."""
    return "/" + quote(slug, safe="")


def scan_path(slug: str) -> str:
    """The path of a valid slug in a QR code, of the alphanumeric mode's characters only.

    ASCII letters become capitals; `_` and all that is not ASCII is percent-encoded. Only
    ASCII is changed in case, so that the decoded path has the slug's key again.
    """
    return "/Q/" + quote(slug.translate(_CAPITALS), safe="").replace("_", "%5F")


def parse_path(path: str | None) -> Asked | None:
    """What a request path asks for; None when it cannot be a link's. Never raises.

    `path` is the decoded path as text, None when it was not UTF-8. `/<slug>` is a click,
    `/q/<slug>` a scan, a `+` behind the slug asks for the preview; one trailing slash is
    tolerated.
    """
    if not path:
        return None
    if path.isascii():
        match = _ASCII_PATH.fullmatch(path)
        if match is None:
            return None
        scan, slug, plus = match.groups()
        return Asked(slug.lower(), "scan" if scan else "click", plus is not None)
    return _parse_unicode_path(path)


def is_plain(path: str) -> bool:
    """Whether a path is a slash and, as it stands, the key of a slug a link may have.

    Then `parse_path` finds that key, a click and no preview; this takes a third of its time.
    """
    return _PLAIN_PATH.fullmatch(path) is not None


def _parse_unicode_path(path: str) -> Asked | None:
    if path[0] != "/" or len(path) > _RAW_MAX + len("/q/+/"):
        return None
    source: Source = "click"
    rest = path[1:]
    if rest[:2] in ("q/", "Q/"):
        source, rest = "scan", rest[2:]
    rest = rest.removesuffix("/")
    text = rest.removesuffix("+")
    slug = unicodedata.normalize("NFC", text)
    if not _is_slug(slug):
        return None
    return Asked(slug_key(slug), source, text != rest)


def _is_slug(slug: str) -> bool:
    """Whether NFC text has the form of a slug; reserved words have it too."""
    if slug.isascii():
        return _ASCII_WHOLE.fullmatch(slug) is not None
    return len(slug) <= SLUG_MAX and slug[0] != "." and slug[-1] != "." and _forbidden(slug) is None


def _forbidden(slug: str) -> str | None:
    """The first character of `slug` that no slug may hold there."""
    after_letter = False
    for character in slug:
        if character in _ASCII_ALLOWED:
            after_letter = character.isalpha()
            continue
        kind = unicodedata.category(character)
        if character in _INVISIBLE or character.isascii():
            return character
        if kind[0] == "M":
            if not after_letter:
                return character
        elif kind[0] == "L":
            after_letter = True
        elif kind == "Nd":
            after_letter = False
        else:
            return character
    return None


def _named(character: str) -> str:
    """The character for a message: itself if it can be seen, else its number and name."""
    if character.isprintable() and not character.isspace() and character not in _INVISIBLE:
        # A mark needs something to stand on.
        return "◌" + character if unicodedata.category(character)[0] == "M" else character
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X} {name}".rstrip()
