"""Reads a PDF as a printer and a scanner would: its boxes, its shapes, its pixels, its codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import cv2
import numpy as np
import pypdfium2
import zxingcpp
from PIL import Image
from pypdfium2.raw import FPDF_PAGEOBJ_PATH

MM_PER_POINT = 25.4 / 72
SCAN_DPI = 150


@dataclass(frozen=True)
class Box:
    """A rectangle in millimetres from the top left of the page."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def grown(self, by: float) -> Box:
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, other: Box) -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )


@dataclass(frozen=True)
class Page:
    """A page: its size and shapes in millimetres, its text, and how it looks."""

    size: tuple[float, float]
    shapes: list[Box]
    lines: list[tuple[Box, str]]
    text: str
    picture: Image.Image
    dpi: int

    def crop(self, box: Box) -> Image.Image:
        """What is seen within the box."""
        scale = self.dpi / 25.4
        corners = (box.left, box.top, box.right, box.bottom)
        left, top, right, bottom = (round(corner * scale) for corner in corners)
        return self.picture.crop((left, top, right, bottom))


def pages(data: bytes, dpi: int = SCAN_DPI) -> list[Page]:
    """Every page of the PDF."""
    with closing(pypdfium2.PdfDocument(data)) as document:
        return [_page(document[number], dpi) for number in range(len(document))]


def read_by_zxing(picture: Image.Image) -> list[str]:
    """The texts of all codes in the picture."""
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def read_by_opencv(picture: Image.Image) -> str:
    """The text of the one code in the picture; "" if it cannot be read."""
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(np.ascontiguousarray(picture))
    return str(text)


def dark_box(picture: Image.Image, dpi: int) -> Box:
    """What is not white, in millimetres."""
    dark = picture.convert("L").point(lambda value: 255 if value < 250 else 0)
    found = dark.getbbox()
    assert found is not None
    return Box(*(edge * 25.4 / dpi for edge in found))


def _page(page: pypdfium2.PdfPage, dpi: int) -> Page:
    width, height = page.get_size()
    text = page.get_textpage()
    shapes = [_box(shape.get_bounds(), height) for shape in page.get_objects([FPDF_PAGEOBJ_PATH])]
    return Page(
        (width * MM_PER_POINT, height * MM_PER_POINT),
        shapes,
        list(_lines(text, height)),
        text.get_text_bounded(),
        page.render(scale=dpi / 72).to_pil().convert("RGB"),
        dpi,
    )


def _lines(text: pypdfium2.PdfTextPage, height: float) -> Iterator[tuple[Box, str]]:
    for number in range(text.count_rects()):
        bounds = text.get_rect(number)
        yield _box(bounds, height), text.get_text_bounded(*bounds)


def _box(bounds: tuple[float, float, float, float], height: float) -> Box:
    left, bottom, right, top = bounds
    corners = (left, height - top, right, height - bottom)
    return Box(*(corner * MM_PER_POINT for corner in corners))
