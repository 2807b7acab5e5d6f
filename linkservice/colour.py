"""Contrast of colours, and the tones that can be read on a ground (WCAG 2.2).

Colours are `#rrggbb`. Not here: what a QR code asks of its colours (`qr/design`).
"""

from __future__ import annotations

import math

BLACK, WHITE = "#000000", "#ffffff"

READABLE = 4.5
"""The least contrast of text (WCAG 2.2, success criterion 1.4.3)."""

_STEPS = 20


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, "relative luminance")."""
    red, green, blue = (_linear(channel / 255) for channel in channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def grey(colour: str) -> float:
    """The grey, 0 to 255, that cameras and decoders make of a colour (ITU-R BT.601, luma)."""
    red, green, blue = channels(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def darkened(colour: str, share: float) -> str:
    """`colour` mixed with `share` (0 to 1) of black in OKLab, so that its hue stays.

    OKLab (Björn Ottosson, 2020) takes cube roots of sums of linear light; mixing with black
    there is therefore the same as scaling linear light by the cube, and never leaves sRGB.
    """
    kept = (1 - share) ** 3
    tones = (_encoded(_linear(channel / 255) * kept) * 255 for channel in channels(colour))
    # Rounded down: the tone is at least as dark as asked for.
    return "#" + "".join(f"{math.floor(tone + 1e-6):02x}" for tone in tones)


def ink_on(ground: str) -> str:
    """Black or white, whichever is easier to read on `ground`: always at least 4.58:1."""
    return max(WHITE, BLACK, key=lambda ink: contrast(ink, ground))


def readable_on(colour: str, ground: str) -> str:
    """`colour`, mixed with no more black or white than it takes to be read on `ground`."""
    ink = ink_on(ground)
    tones = (_mixed(colour, ink, step / _STEPS) for step in range(_STEPS + 1))
    return next(tone for tone in tones if contrast(tone, ground) >= READABLE)


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb`, 0 to 255 each."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _encoded(light: float) -> float:
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def _mixed(colour: str, ink: str, share: float) -> str:
    pairs = zip(channels(colour), channels(ink), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
