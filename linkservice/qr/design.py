"""What a code says, how it may look and be sized, and whether it scans.

Decided here: the encoding (level H, quiet zone, alphanumeric where the text allows it), the
colours, the sizes that can be printed and read, and the proof that a finished picture is
read back. Not here: what the text is (the caller's scan URL) and how a picture is drawn and
written (`render`).
"""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass

import zxingcpp
from PIL import Image, ImageFilter, ImageOps
from qrcode.constants import ERROR_CORRECT_H  # type: ignore[import-untyped]  # has no types
from qrcode.main import QRCode  # type: ignore[import-untyped]  # has no types

from linkservice.colour import BLACK, WHITE, contrast, darkened, grey, luminance
from linkservice.errors import Failed, Invalid, Problem

QUIET_ZONE = 4
"""Light modules on every side, as ISO/IEC 18004 demands."""

MOST_CHARACTERS = 1273
"""What the largest code holds at level H in byte mode, so every allowed text fits."""

LEAST_CONTRAST = 4.0

LEAST_GREY_STEP = 105
"""Decoders see greys of 0 to 255 and no colours: of 20,000 random pairs with enough contrast
those up to 96 apart failed `prove` now and then, those beyond never."""

LEAST_MODULE_MM = 0.33
"""Four dots of a 300 dpi printer, the fewest Denso Wave recommends for a module: ink that
spreads by a dot still leaves it readable, and a phone at 10 cm sees it with several pixels."""

SIZE_MM = (10, 1000)
DPI = (72, 2400)
MODULE_PX = (1, 100)
MOST_PX = 10_000
DEFAULT_DPI = 300
DEFAULT_MODULE_PX = 10

MM_PER_INCH = 25.4

_HALVINGS = 12
"""Shares of black 1/4096 apart: finer than the steps of a colour channel."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The modules of a code, row by row from the top, True where dark; no quiet zone."""

    text: str
    rows: tuple[tuple[bool, ...], ...]

    @property
    def edge(self) -> int:
        """Modules along one edge of the picture, the quiet zone on both sides included."""
        return len(self.rows) + 2 * QUIET_ZONE


@dataclass(frozen=True, slots=True)
class Design:
    """The colours of a code as `#rrggbb`, dark on light.

    Raises `Invalid` naming each colour that is none, or the reason why the two do not scan,
    with the nearest foreground that does.
    """

    foreground: str = BLACK
    background: str = WHITE

    def __post_init__(self) -> None:
        _refuse_what_is_no_colour(foreground=self.foreground, background=self.background)
        if not _scans(self.foreground, self.background):
            raise Invalid(_why_not(self.foreground, self.background))


def nearest_good(colour: str, background: str = WHITE) -> str:
    """`colour` itself where `Design` takes it on `background`, else its lightest tone that is.

    The tone has the same hue, mixed with no more black than it takes. Raises `Invalid` for
    what is no colour, and for a background too dark even for black modules.
    """
    _refuse_what_is_no_colour(foreground=colour, background=background)
    if not _scans(BLACK, background):
        raise Invalid(Problem("background", "qr_dark_ground"))
    if _scans(colour, background):
        return colour.lower()
    # Tones only get darker with the share of black, so the first good one is found by halving.
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        if _scans(darkened(colour, share), background):
            high = share
        else:
            low = share
    return darkened(colour, high)


@dataclass(frozen=True, slots=True)
class PixelSize:
    """The size of a picture in whole pixels a module.

    `pixels_per_metre` is None where no print size was asked for.
    """

    edge: int
    module_px: int
    pixels_per_metre: int | None

    @property
    def width_px(self) -> int:
        """Pixels along one edge, quiet zone included."""
        return self.edge * self.module_px

    @property
    def size_mm(self) -> float | None:
        """True printed edge in millimetres, quiet zone included; None without a print size."""
        if self.pixels_per_metre is None:
            return None
        return self.width_px * 1000 / self.pixels_per_metre


def encode(text: str) -> Matrix:
    """The smallest code of `text` at level H.

    Level H because print gets scratched, folded and wet. Stretches of capitals, digits and
    ``$%*+-./:`` are packed as alphanumeric, the rest as bytes. Raises `Invalid`
    (field `scan_url`) for an empty or too long text and for characters no URL holds: scanners
    guess the charset of bytes beyond ASCII, so the caller percent-encodes them.
    """
    if not isinstance(text, str) or not text:
        raise Invalid(Problem("scan_url", "qr_text_empty"))
    if len(text) > MOST_CHARACTERS:
        raise Invalid(Problem("scan_url", "qr_text_long", {"most": MOST_CHARACTERS}))
    if not re.fullmatch(r"[!-~]+", text):
        raise Invalid(Problem("scan_url", "qr_text_characters"))
    code = QRCode(error_correction=ERROR_CORRECT_H, border=QUIET_ZONE)
    code.add_data(text)
    code.make()
    return Matrix(text, tuple(tuple(bool(module) for module in row) for row in code.modules))


def print_size(edge: int, size_mm: float | None) -> float:
    """The printed edge in millimetres for a drawing of `edge` modules; 1 mm a module if None.

    Raises `Invalid` (field `size_mm`) when it is out of range or its modules are too fine.
    """
    if size_mm is None:
        return float(edge)
    problem = _out_of_range("size_mm", size_mm, SIZE_MM) or _too_fine(edge, size_mm)
    if problem:
        raise Invalid(problem)
    return float(size_mm)


def pixel_size(
    edge: int, *, module_px: int | None, size_mm: float | None, dpi: int | None
) -> PixelSize:
    """Whole pixels a module for a picture of `edge` modules, quiet zone included.

    Asked for by `module_px` (default 10) or by `size_mm` at `dpi` (default 300). The dpi is
    kept and the size gives way to the nearest whole module: a printer of that dpi would
    otherwise resample the picture and make modules of unequal width. Raises `Invalid` naming
    every field out of range; two sizes at once, modules too fine and pictures beyond
    `MOST_PX` are refused with the nearest value that works.
    """
    ranges = (("module_px", module_px, MODULE_PX), ("size_mm", size_mm, SIZE_MM), ("dpi", dpi, DPI))
    problems = [
        problem
        for name, value, limits in ranges
        if value is not None and (problem := _out_of_range(name, value, limits))
    ]
    if problems:
        raise Invalid(*problems)
    if size_mm is None:
        return _by_pixels(edge, module_px, dpi)
    if module_px is not None:
        raise Invalid(Problem("module_px", "qr_two_sizes"))
    return _by_print(edge, size_mm, DEFAULT_DPI if dpi is None else dpi)


def prove(picture: Image.Image, text: str) -> None:
    """Raise `Failed` unless `picture`, one pixel a module, scans as `text` in poor conditions.

    The code is laid on a black ground (so a missing quiet zone tells), reduced to 3.3 pixels
    a module, blurred, and strewn with noise. Black on white is still read with a third more
    blur or twice the noise; a pale, inverted or half covered code is not. The noise is the
    same each time, so the verdict is too.
    """
    seen = ImageOps.expand(picture.convert("L"), QUIET_ZONE, fill=0)
    width = round(seen.width * 3.3)
    # Twice, because sampling single pixels directly would make modules of unequal width.
    seen = seen.resize((seen.width * 8, seen.height * 8), Image.Resampling.NEAREST)
    seen = seen.resize((width, width), Image.Resampling.BILINEAR)
    seen = seen.filter(ImageFilter.GaussianBlur(1.0))
    grain = random.Random(18004).randbytes(width * width)  # noqa: S311 - repeatable, no secret
    seen = Image.blend(seen, Image.frombytes("L", seen.size, grain), 0.1)
    found = zxingcpp.read_barcodes(
        seen,
        formats=zxingcpp.BarcodeFormat.QRCode,  # type: ignore[arg-type]  # converts; stubs differ
        try_rotate=False,
        try_downscale=False,
        try_invert=False,
        text_mode=zxingcpp.TextMode.Plain,
    )
    if [code.text for code in found] != [text]:
        raise Failed(Problem("", "qr_unreadable"))


def _scans(foreground: str, background: str) -> bool:
    return (
        contrast(foreground, background) >= LEAST_CONTRAST
        and grey(background) - grey(foreground) >= LEAST_GREY_STEP
        and luminance(foreground) < luminance(background)
    )


def _why_not(foreground: str, background: str) -> Problem:
    if not _scans(BLACK, background):
        return Problem("background", "qr_dark_ground")
    nearest = nearest_good(foreground, background)
    if luminance(foreground) > luminance(background):
        return Problem("foreground", "qr_light_on_dark", {"nearest": nearest})
    ratio = contrast(foreground, background)
    if ratio >= LEAST_CONTRAST:
        return Problem("foreground", "qr_same_grey", {"nearest": nearest})
    # Rounded down, so that 3.99 never reads as the 4 it falls short of.
    params = {"contrast": math.floor(ratio * 10) / 10, "least": LEAST_CONTRAST, "nearest": nearest}
    return Problem("foreground", "qr_contrast", params)


def _refuse_what_is_no_colour(**colours: str) -> None:
    wrong = [Problem(name, "qr_colour") for name, value in colours.items() if not _is_colour(value)]
    if wrong:
        raise Invalid(*wrong)


def _by_pixels(edge: int, module_px: int | None, dpi: int | None) -> PixelSize:
    per_metre = None if dpi is None else _per_metre(dpi)
    least = 1 if per_metre is None else _least_module_px(per_metre)
    if module_px is None:
        module_px = max(DEFAULT_MODULE_PX, least)
    if module_px < least:
        raise Invalid(
            Problem("module_px", "qr_fine_pixels", {"least": least, "module_mm": LEAST_MODULE_MM})
        )
    if edge * module_px > MOST_PX:
        raise Invalid(_too_wide("module_px", MOST_PX // edge))
    return PixelSize(edge, module_px, per_metre)


def _by_print(edge: int, size_mm: float, dpi: int) -> PixelSize:
    problem = _too_fine(edge, size_mm)
    if problem:
        raise Invalid(problem)
    per_metre = _per_metre(dpi)
    nearest = round(size_mm * per_metre / 1000 / edge)
    size = PixelSize(edge, max(nearest, _least_module_px(per_metre)), per_metre)
    if size.width_px > MOST_PX:
        widest = MOST_PX // edge * edge
        raise Invalid(_too_wide("dpi", math.floor(widest * MM_PER_INCH / size_mm)))
    return size


def _per_metre(dpi: int) -> int:
    # PNG states resolution in whole pixels a metre, so true sizes are reckoned from these.
    return round(dpi * 1000 / MM_PER_INCH)


def _least_module_px(per_metre: int) -> int:
    return math.ceil(LEAST_MODULE_MM * per_metre / 1000)


def _out_of_range(name: str, value: float, limits: tuple[int, int]) -> Problem | None:
    kinds = (int, float) if name == "size_mm" else (int,)
    least, most = limits
    # True is an int to Python, but nobody's size.
    if isinstance(value, kinds) and not isinstance(value, bool) and least <= value <= most:
        return None
    params = {"least": least, "most": most}
    if name == "size_mm":
        return Problem(name, "qr_size", params)
    return Problem(name, "qr_whole_number", params)


def _too_fine(edge: int, size_mm: float) -> Problem | None:
    if size_mm >= edge * LEAST_MODULE_MM:
        return None
    least = math.ceil(edge * LEAST_MODULE_MM * 10) / 10
    return Problem("size_mm", "qr_fine_print", {"least": least, "module_mm": LEAST_MODULE_MM})


def _too_wide(name: str, most: int) -> Problem:
    return Problem(name, "qr_wide", {"most": most, "most_px": MOST_PX})


def _is_colour(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value) is not None
