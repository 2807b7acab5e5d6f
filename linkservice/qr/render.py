"""Draws a code as PNG or SVG. Both are drawn from the same rectangles, and proved by them.

Not here: what is encoded, which sizes and colours are allowed and what "scans" means
(`design`); file names and headers (the doors).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from xml.sax.saxutils import escape

from PIL import Image, ImageColor, ImageDraw

from linkservice.qr.design import QUIET_ZONE, Design, Matrix, encode, pixel_size, print_size, prove

Rectangle = tuple[int, int, int, int]
"""x, y, width and height in modules, from the corner of the quiet zone."""

BLACK_ON_WHITE = Design()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished file. `size_mm` is the true printed edge, quiet zone included.

    A PNG asked for in pixels alone has no `size_mm`; an SVG has no `width_px`.
    """

    data: bytes
    media_type: str
    size_mm: float | None
    width_px: int | None


def png(
    text: str,
    *,
    design: Design = BLACK_ON_WHITE,
    module_px: int | None = None,
    size_mm: float | None = None,
    dpi: int | None = None,
) -> Rendered:
    """A PNG of the code of `text`, by pixels a module or by millimetres at a dpi.

    The edge is a whole number of pixels a module, so `Rendered.size_mm` may differ from
    what was asked; the file's pHYs chunk states the resolution that makes it true. Raises
    `Invalid` as `encode` and `pixel_size` do, `Failed` when the code does not scan.
    """
    matrix = encode(text)
    size = pixel_size(matrix.edge, module_px=module_px, size_mm=size_mm, dpi=dpi)
    picture = picture_of(matrix, design)
    prove(picture, text)
    picture = picture.resize((size.width_px, size.width_px), Image.Resampling.NEAREST)
    file = BytesIO()
    if size.pixels_per_metre is None:
        picture.save(file, "PNG", bits=1)
    else:
        # Pillow takes pixels an inch and writes the whole pixels a metre next to it.
        dots = size.pixels_per_metre * 0.0254
        picture.save(file, "PNG", bits=1, dpi=(dots, dots))
    return Rendered(file.getvalue(), "image/png", size.size_mm, size.width_px)


def svg(text: str, *, design: Design = BLACK_ON_WHITE, size_mm: float | None = None) -> Rendered:
    """An SVG of the code of `text`, exactly `size_mm` wide (1 mm a module if None).

    Raises `Invalid` as `encode` and `print_size` do, `Failed` when the code does not scan.
    """
    matrix = encode(text)
    size = print_size(matrix.edge, size_mm)
    prove(picture_of(matrix, design), text)
    # One path: between shapes of their own, viewers and printers show hairline gaps.
    path = "".join(f"M{x} {y}h{w}v{h}h-{w}z" for x, y, w, h in rectangles(matrix))
    edge = matrix.edge
    length = f"{size!r}".removesuffix(".0") + "mm"
    document = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{length}" height="{length}"'
        f' viewBox="0 0 {edge} {edge}" shape-rendering="crispEdges" role="img">'
        f"<title>{escape(text)}</title>"
        f'<rect width="{edge}" height="{edge}" fill="{design.background}"/>'
        f'<path fill="{design.foreground}" d="{path}"/></svg>\n'
    )
    return Rendered(document.encode("ascii"), "image/svg+xml", size, None)


def rectangles(matrix: Matrix) -> Iterator[Rectangle]:
    """The dark modules: runs along each row, merged down the rows that repeat them."""
    open_runs: dict[tuple[int, int], int] = {}
    for y, row in enumerate((*matrix.rows, ()), start=QUIET_ZONE):
        runs = set(_runs(row))
        for (x, width), top in list(open_runs.items()):
            if (x, width) not in runs:
                del open_runs[x, width]
                yield x, top, width, y - top
        for run in sorted(runs):
            open_runs.setdefault(run, y)


def _runs(row: tuple[bool, ...]) -> Iterator[tuple[int, int]]:
    x = QUIET_ZONE
    for dark, modules in groupby(row):
        width = len(list(modules))
        if dark:
            yield x, width
        x += width


def picture_of(matrix: Matrix, design: Design) -> Image.Image:
    """The code at one pixel a module, quiet zone included, with a palette of two colours."""
    picture = Image.new("P", (matrix.edge, matrix.edge), 0)
    picture.putpalette(
        ImageColor.getrgb(design.background)[:3] + ImageColor.getrgb(design.foreground)[:3]
    )
    draw = ImageDraw.Draw(picture)
    for x, y, width, height in rectangles(matrix):
        draw.rectangle((x, y, x + width - 1, y + height - 1), fill=1)
    return picture
