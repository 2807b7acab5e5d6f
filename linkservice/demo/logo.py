"""The invented retailer's logo: a finch in the rain, drawn here so that it is nobody's."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

from linkservice.demo.retailer import BRAND_COLOUR

SIDE = 480
_FINER = 4
"""Drawn so much larger and then scaled down: Pillow does not smooth edges itself."""

_WHITE = "#ffffff"
_DROPS = ((130, 70), (205, 50), (90, 150))


def logo() -> bytes:
    """The logo as a square PNG with transparent corners."""
    picture = Image.new("RGBA", (SIDE * _FINER, SIDE * _FINER))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle(_scaled(0, 0, SIDE, SIDE), 96 * _FINER, BRAND_COLOUR)
    draw.polygon(_scaled(36, 392, 62, 336, 190, 282, 210, 330), _WHITE)  # tail
    draw.ellipse(_scaled(128, 196, 356, 376), _WHITE)  # body
    draw.ellipse(_scaled(262, 118, 384, 240), _WHITE)  # head
    draw.polygon(_scaled(370, 158, 438, 182, 372, 206), _WHITE)  # beak
    draw.ellipse(_scaled(318, 156, 340, 178), BRAND_COLOUR)  # eye
    draw.pieslice(_scaled(142, 158, 318, 338), 20, 175, BRAND_COLOUR)  # wing
    for foot in (232, 274):
        draw.line(_scaled(foot, 370, foot, 424), _WHITE, 12 * _FINER)
    for x, y in _DROPS:
        draw.line(_scaled(x, y, x - 22, y + 52), _WHITE, 12 * _FINER)
    written = io.BytesIO()
    picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(written, "PNG")
    return written.getvalue()


def _scaled(*numbers: int) -> list[int]:
    return [number * _FINER for number in numbers]
