"""What a sheet is made from: its labels, words, size and colour, kept as JSON in the sheet.

Everything is written down when the sheet is asked for, so that making it needs nothing else
and makes the same again after an interruption. Not here: which links belong on it (`manage`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """One code with the words beside it; `touchpoint`, `stage` and `journey` may be empty."""

    title: str
    touchpoint: str
    stage: str
    journey: str
    slug: str
    short_url: str
    scan_url: str

    @property
    def name(self) -> str:
        """What the label is called in print: by the link's title, since links of one touchpoint
        differ in it, else by the touchpoint or slug.
        """
        return self.title or self.touchpoint or self.slug

    @property
    def below_name(self) -> str:
        """The touchpoint, unless the name says it already."""
        return "" if _says(self.name, self.touchpoint) else self.touchpoint

    @property
    def place(self) -> str:
        """Stage · journey, as far as there are."""
        return " · ".join(part for part in (self.stage, self.journey) if part)


@dataclass(frozen=True, slots=True)
class Words:
    """The fixed words on a sheet in the reader's language; the door translates them.

    `heading` names a sheet of links chosen one by one; `date` is today's and `size` the codes'
    ("40 mm"), both as the reader writes them. `page` holds {page} and {pages}, `code` (one) and
    `codes` (several) hold {count}.
    """

    heading: str
    date: str
    size: str
    page: str = "Page {page} of {pages}"
    code: str = "{count} QR code"
    codes: str = "{count} QR codes"
    advice: str = "Print at actual size (100 %)"
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Order:
    """A sheet as it was asked for; `size_mm` is a code's edge, quiet zone included."""

    heading: str
    words: Words
    size_mm: float
    foreground: str
    labels: Sequence[Label]


def _says(text: str, words: str) -> bool:
    """Whether the words stand whole in the text: "Instagram: Link in bio" says "Instagram"."""
    whole = rf"(?<!\w){re.escape(words.casefold())}(?!\w)"
    return re.search(whole, text.casefold()) is not None


def to_json(order: Order) -> str:
    """The order as it is kept."""
    return json.dumps(asdict(order), ensure_ascii=False)


def from_json(text: str) -> Order:
    """The order that was kept."""
    kept = json.loads(text)
    return Order(
        kept["heading"],
        Words(**kept["words"]),
        kept["size_mm"],
        kept["foreground"],
        [Label(**label) for label in kept["labels"]],
    )
