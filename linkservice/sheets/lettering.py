"""Text on a page: fonts for any script, and lines that fit their width.

The fonts are Noto's, from a package; of each only the characters of this document are taken,
in the weights it uses. What none of them has (Chinese, Japanese and Korean above all) is shown
by a replacement mark, and emoji joined to one picture by their parts. Not here: where text
stands and how large it is (`layout`).
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Literal

from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]  # has no types
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # has no types
from fontTools.varLib.instancer import (  # type: ignore[import-untyped]  # has no types
    instantiateVariableFont,
)
from fpdf import FPDF

PACKAGE = "manimgx_fonts"
_FIRST = "NotoSans[wght].ttf"
_LAST = ("NotoEmoji[wght].ttf", "NotoSansSymbols[wght].ttf")

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
ELLIPSIS = "…"
_ALWAYS = f"{REPLACEMENT}{ELLIPSIS}- "
_USUAL = "".join(map(chr, range(0x20, 0x7F))) + "ÄÖÜßäöüÉÈéèàçñ€§°·×±≈≤≥−–—‘’‚“”„«»→•\u00a0\u202f"
"""Taken into every document, which drops what it does not show: so that most have one font."""

_SHAPING = "\u200c\u200d"
"""Joiners, which cannot be seen themselves but change the letters beside them."""

_WEIGHTS: dict[Literal["", "B"], int] = {"": 400, "B": 700}
_FAMILY = "noto"
_MM_PER_POINT = 25.4 / 72
_AFTER_WORDS = re.compile(r"[ \-/]|–(?!\d)")
"""Where a line may end: not within "36–47", "27.–29.11." or "0,10–0,12 €"."""

_IN_URLS = re.compile(r"[/.]")
_HYPHENATED = ("LATIN", "GREEK", "CYRILLIC")


@dataclass(frozen=True, slots=True)
class Style:
    """How text is set: size in points, weight, and grey from 0 (black) to 255."""

    points: float
    bold: bool = False
    grey: int = 0

    @property
    def line_mm(self) -> float:
        """Height of a line; enough for what Thai and Devanagari put above and below."""
        return self.points * 1.28 * _MM_PER_POINT


class Lettering:
    """The fonts of one document, made for the texts it will show.

    `folder` keeps the font files until the document is written. The texts are those
    `readable` returned.
    """

    def __init__(
        self, document: FPDF, folder: Path, *, plain: Iterable[str], bold: Iterable[str]
    ) -> None:
        self._document = document
        self._widths: dict[tuple[str, Style], float] = {}
        document.set_text_shaping(True)
        families = {_FIRST: _FAMILY}
        for weight, texts in (("", plain), ("B", bold)):
            assert weight in _WEIGHTS
            for name, characters in _by_font({*_ALWAYS}.union(*texts)).items():
                family = families.setdefault(name, f"{_FAMILY}-{len(families)}")
                path = folder / f"{family}{weight}.ttf"
                path.write_bytes(_font(name, frozenset(characters), _WEIGHTS[weight]))
                document.add_font(family, weight, path)
        document.set_fallback_fonts([f for f in families.values() if f != _FAMILY], False)

    def width_mm(self, text: str, style: Style) -> float:
        """The width of a line of text."""
        known = self._widths.get((text, style))
        if known is None:
            self._set(style)
            known = self._widths[text, style] = self._document.get_string_width(text)
        return known

    def write(
        self,
        line: str,
        style: Style,
        *,
        x_mm: float,
        y_mm: float,
        width_mm: float,
        align: Literal["L", "C", "R"] = "L",
    ) -> None:
        """Set a line into the box whose top left is (x, y) and whose height is the line's."""
        self._set(style)
        # A line that begins in another script takes its font along when its colour is put back,
        # and fpdf2 would set the next line of the same style in the font of one before.
        self._document.current_font_is_set_on_page = False
        self._document.set_text_color(style.grey)
        self._document.set_xy(x_mm, y_mm)
        self._document.cell(width_mm, style.line_mm, line, align=align)

    def lines(self, text: str, style: Style, width_mm: float, most: int) -> list[str]:
        """The text in at most `most` lines no wider than `width_mm`; cut, it ends with an “…” after
        a word.

        Lines break between words; a word too wide for a line is hyphenated.
        """
        return self._broken(text, style, width_mm, most, _AFTER_WORDS, hyphenate=True)

    def url_lines(self, url: str, style: Style, width_mm: float) -> list[str]:
        """A URL, in as many lines as it takes: cut it would lead nowhere. It breaks after “/” or
        “.” if it can, and takes no hyphen.
        """
        return self._broken(url, style, width_mm, len(url), _IN_URLS, hyphenate=False)

    def _broken(
        self,
        text: str,
        style: Style,
        width_mm: float,
        most: int,
        breaks: re.Pattern[str],
        *,
        hyphenate: bool,
    ) -> list[str]:
        def fits(line: str) -> bool:
            return self.width_mm(line, style) <= width_mm

        found: list[str] = []
        while text and not fits(text):
            if len(found) == most - 1:
                head = _longest(text, lambda start: fits(start.rstrip() + ELLIPSIS))
                at_word = head.rfind(" ")
                if text[len(head)] != " " and at_word > 0:
                    head = head[:at_word]
                return [*found, head.rstrip() + ELLIPSIS]
            head = _longest(text, lambda start: fits(start.rstrip()))
            # Looked for in the whole text, as what follows may forbid a break.
            ends = [each.end() for each in breaks.finditer(text, 0, len(head) + 1)]
            at_word = max((end for end in ends if end <= len(head)), default=0)
            if text[len(head)] != " " and at_word:
                head = head[:at_word]
            elif hyphenate and _inside_word(text, len(head)):
                head = _longest(text, lambda start: fits(start + "-"))
                found.append(head + "-")
                text = text[len(head) :]
                continue
            found.append(head.rstrip())
            text = text[len(head) :].lstrip()
        return [*found, text] if text else found

    def _set(self, style: Style) -> None:
        self._document.set_font(_FAMILY, "B" if style.bold else "")
        self._document.set_font_size(style.points)


def unbroken(text: str) -> list[str]:
    """The pieces of a text that stay whole, where no word is too wide for a line."""
    ends = [0, *(found.end() for found in _AFTER_WORDS.finditer(text)), len(text)]
    return [text[start:end].rstrip() for start, end in pairwise(ends)]


def readable(text: str) -> str:
    """The text with what no font has replaced, and what only hides or turns text left out."""
    known = _fonts_of_characters()
    return "".join(
        character if ord(character) in known else REPLACEMENT
        for character in unicodedata.normalize("NFC", text)
        if character in _SHAPING or not _is_hidden(character)
    )


def _is_hidden(character: str) -> bool:
    variation_selector = "\ufe00" <= character <= "\ufe0f"
    return variation_selector or unicodedata.category(character) == "Cf"


def _longest(text: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of `text`, at least one character with its marks, that fits."""
    ends = [at for at in range(1, len(text)) if not _belongs_before(text[at])] or [len(text)]
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if fits(text[: ends[middle]]):
            low = middle
        else:
            high = middle - 1
    return text[: ends[low]]


def _belongs_before(character: str) -> bool:
    skin_tone = "\U0001f3fb" <= character <= "\U0001f3ff"
    return character in _SHAPING or skin_tone or unicodedata.category(character)[0] == "M"


def _inside_word(text: str, at: int) -> bool:
    return all(
        unicodedata.name(character, "").startswith(_HYPHENATED)
        for character in text[at - 1 : at + 1]
    )


def _by_font(characters: Iterable[str]) -> dict[str, set[int]]:
    """The code points to take from each font."""
    known = _fonts_of_characters()
    found: dict[str, set[int]] = defaultdict(set)
    found[_FIRST].update(map(ord, _USUAL))
    for character in characters:
        found[known[ord(character)]].add(ord(character))
    return found


@cache
def _fonts_of_characters() -> dict[int, str]:
    """The font each code point is taken from.

    Noto Sans comes first (Latin, Greek, Cyrillic, punctuation), signs last: the other scripts'
    fonts bring some of the same.
    """
    names = sorted(
        entry.name
        for entry in files(PACKAGE).iterdir()
        if entry.name.endswith(".ttf") and "Italic" not in entry.name
    )
    others = [name for name in names if name != _FIRST and name not in _LAST]
    known: dict[int, str] = {}
    for name in (_FIRST, *others, *_LAST):
        with _opened(name) as font:
            for code_point in font.getBestCmap():
                known.setdefault(code_point, name)
    return known


@lru_cache(maxsize=32)
def _font(name: str, characters: frozenset[int], weight: int) -> bytes:
    """The font reduced to these characters, at one weight. Takes up to a second; kept, since most
    documents need the same few.
    """
    options = Options()
    options.layout_features = ["*"]
    options.notdef_outline = True
    options.hinting = False
    with _opened(name) as font, io.BytesIO() as file:
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=characters)
        subsetter.subset(font)
        instantiateVariableFont(font, {"wght": weight}, inplace=True, static=True)
        font.save(file)
        return file.getvalue()


def _opened(name: str) -> TTFont:
    return TTFont(files(PACKAGE).joinpath(name).open("rb"), lazy=True)
