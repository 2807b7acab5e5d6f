"""Draws a code as vector PDF: a page of its own, or a place on somebody else's page.

Not here: what is encoded and which sizes and colours are allowed (`design`); what stands
around the codes of a sheet (`sheets/layout`).
"""

from __future__ import annotations

from datetime import datetime

from fpdf import FPDF
from fpdf.drawing import PaintedPath
from fpdf.drawing_primitives import DeviceGray, DeviceRGB
from fpdf.prefs import ViewerPreferences

from linkservice.colour import channels
from linkservice.qr.design import Design, Matrix, encode, print_size, prove
from linkservice.qr.render import BLACK_ON_WHITE, Rendered, picture_of, rectangles


def pdf(
    text: str,
    *,
    design: Design = BLACK_ON_WHITE,
    size_mm: float | None = None,
    made_at: datetime,
) -> Rendered:
    """A PDF whose one page is the code of `text`, exactly `size_mm` wide (1 mm a module if None).

    `made_at` is noted in the file; the rest depends on nothing else that is not given here.
    Raises `Invalid` as `encode` and `print_size` do, `Failed` when the code does not scan.
    """
    matrix = encode(text)
    size = print_size(matrix.edge, size_mm)
    document = new_document((size, size), made_at)
    document.set_title(text)
    document.add_page()
    draw(document, matrix, design, x_mm=0, y_mm=0, size_mm=size)
    return Rendered(bytes(document.output()), "application/pdf", size, None)


def new_document(page_mm: tuple[float, float], made_at: datetime) -> FPDF:
    """A document in millimetres without margins, which viewers print at its true size."""
    document = FPDF(unit="mm", format=page_mm)
    document.set_auto_page_break(False)
    document.set_margin(0)
    document.c_margin = 0
    document.allow_images_transparency = False
    document.set_creator("linkservice")
    document.set_creation_date(made_at)
    document.viewer_preferences = ViewerPreferences(print_scaling="None", display_doc_title=True)
    return document


def draw(
    page: FPDF, matrix: Matrix, design: Design, *, x_mm: float, y_mm: float, size_mm: float
) -> None:
    """Prove the code and draw it on the page, quiet zone included, its top left at (x, y).

    One path: between shapes of their own, viewers and printers show hairline gaps. Raises
    `Failed` when the code does not scan; whether its size can be printed is the caller's.
    """
    prove(picture_of(matrix, design), matrix.text)
    module = size_mm / matrix.edge
    ground, modules = PaintedPath(), PaintedPath()
    for path, colour in ((ground, design.background), (modules, design.foreground)):
        path.style.fill_color = ink(colour)
        path.style.stroke_color = None
    ground.rectangle(x_mm, y_mm, size_mm, size_mm)
    for x, y, width, height in rectangles(matrix):
        modules.rectangle(x_mm + x * module, y_mm + y * module, width * module, height * module)
    with page.drawing_context() as drawing:
        for path in (ground, modules):
            # Not copied, which would take longer than all the rest.
            drawing.add_item(path, False)


def ink(colour: str) -> DeviceGray | DeviceRGB:
    """`#rrggbb` as a colour of the page; greys as such, so that presses print black in one ink."""
    red, green, blue = (channel / 255 for channel in channels(colour))
    return DeviceGray(red) if red == green == blue else DeviceRGB(red, green, blue)
