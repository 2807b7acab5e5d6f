"""A printed code must scan: every file is decoded here by what it holds, not by what made it."""

from __future__ import annotations

import colorsys
import math
import re
import struct
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from linkservice.errors import Failed, Invalid
from linkservice.qr import design, render
from linkservice.qr.pdf import pdf

BRANDED = "HTTPS://GO.MARKE.DE/Q/A7K2P"
URL_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300)
SVG = "{http://www.w3.org/2000/svg}"


def decoded(picture: Image.Image) -> zxingcpp.Barcode:
    [code] = zxingcpp.read_barcodes(picture, text_mode=zxingcpp.TextMode.Plain)
    return code


def opened(png: render.Rendered) -> Image.Image:
    return Image.open(BytesIO(png.data)).convert("RGB")


def chunks(png: bytes) -> dict[bytes, bytes]:
    """The chunks of a PNG by name, read as the PNG specification lays them out."""
    found, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        found[png[at + 4 : at + 8]] = png[at + 8 : at + 8 + length]
        at += 12 + length
    return found


def polygons(path: str) -> list[list[tuple[int, int]]]:
    """The closed polygons of SVG path data made of M, h, v and z."""
    assert re.fullmatch(r"(M\d+ \d+(?:[hv]-?\d+)+z)+", path)
    found = []
    for shape in path.removesuffix("z").split("z"):
        start, *steps = re.findall(r"[Mhv][-\d ]+", shape)
        x, y = (int(number) for number in start[1:].split())
        corners = [(x, y)]
        for step in steps:
            x, y = (x + int(step[1:]), y) if step[0] == "h" else (x, y + int(step[1:]))
            corners.append((x, y))
        found.append(corners)
    return found


def covers(corners: list[tuple[int, int]], x: float, y: float) -> bool:
    """Whether the polygon covers the point: a ray to the right crosses its edge an odd time."""
    crossings = 0
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            crossings += 1
    return crossings % 2 == 1


def rasterised(svg: bytes, module_px: int = 4) -> Image.Image:
    """An SVG of a code as pixels, by the path data alone; overlapping shapes are refused."""
    root = ElementTree.fromstring(svg)
    left, top, width, height = (int(number) for number in root.attrib["viewBox"].split())
    assert (left, top) == (0, 0)
    ground, path = root.find(f"{SVG}rect"), root.find(f"{SVG}path")
    assert ground is not None
    assert path is not None
    assert (ground.attrib["width"], ground.attrib["height"]) == (str(width), str(height))
    picture = Image.new("RGB", (width, height), ground.attrib["fill"])
    dark = set()
    for corners in polygons(path.attrib["d"]):
        columns = range(min(x for x, _ in corners), max(x for x, _ in corners))
        lines = range(min(y for _, y in corners), max(y for _, y in corners))
        for point in ((x, y) for y in lines for x in columns):
            if covers(corners, point[0] + 0.5, point[1] + 0.5):
                assert point not in dark
                dark.add(point)
    ImageDraw.Draw(picture).point([at for point in dark for at in point], fill=path.attrib["fill"])
    return picture.resize((width * module_px, height * module_px), Image.Resampling.NEAREST)


def refused(*fields: str) -> pytest.RaisesExc[Invalid]:
    """Expects an Invalid that names exactly these fields, each with a sentence."""
    return pytest.RaisesExc(
        Invalid,
        check=lambda error: [p.field for p in error.problems] == list(fields) and bool(str(error)),
    )


def test_capitals_make_a_smaller_code_than_lower_case() -> None:
    assert len(design.encode(BRANDED).rows) == 29
    assert len(design.encode(BRANDED.lower()).rows) == 33


def test_the_code_is_level_h_and_reads_as_the_text() -> None:
    code = decoded(opened(render.png(BRANDED)))
    assert code.text == BRANDED
    assert code.ec_level == "H"
    assert code.format == zxingcpp.BarcodeFormat.QRCode


@given(URL_TEXT)
@settings(max_examples=25)
def test_any_url_text_reads_back_from_png_and_svg(text: str) -> None:
    assert decoded(opened(render.png(text, module_px=3))).text == text
    assert decoded(rasterised(render.svg(text).data)).text == text


@given(st.text(max_size=300).filter(lambda text: not re.fullmatch("[!-~]+", text)))
@settings(max_examples=50)
def test_any_other_text_is_refused(text: str) -> None:
    with refused("scan_url"):
        render.svg(text)


@pytest.mark.parametrize(
    "text", ["", " ", "A B", "A\n", "\0", "\ud800", "Ä", "A" * 1274, "A" * 1_000_000, None, 7]
)
def test_what_no_code_can_hold_is_refused(text: str) -> None:
    with refused("scan_url"):
        render.png(text)


@pytest.mark.parametrize("unit", ["a", "a1", "A" * 20 + "a", "1" * 20 + "A" * 20 + "%a"])
def test_the_longest_text_fits_however_it_is_mixed(unit: str) -> None:
    text = (unit * 1273)[: design.MOST_CHARACTERS]
    assert decoded(opened(render.png(text, module_px=3))).text == text


def test_png_in_pixels_has_no_print_size() -> None:
    png = render.png(BRANDED)
    assert (png.media_type, png.width_px, png.size_mm) == ("image/png", 370, None)
    assert opened(png).size == (370, 370)
    assert b"pHYs" not in chunks(png.data)


@given(st.floats(12.3, 500), st.integers(72, 400))
@settings(max_examples=30)
def test_phys_states_the_true_print_size(size_mm: float, dpi: int) -> None:
    png = render.png(BRANDED, size_mm=size_mm, dpi=dpi)
    across, down, unit = struct.unpack(">IIB", chunks(png.data)[b"pHYs"])
    width, height = opened(png).size
    assert across == down
    assert unit == 1
    assert abs(across * 0.0254 - dpi) < 0.02
    assert width == height == png.width_px
    assert png.size_mm is not None
    assert png.size_mm == pytest.approx(1000 * width / across)
    assert width % 37 == 0
    module_mm = png.size_mm / 37
    assert module_mm >= design.LEAST_MODULE_MM
    # The nearest whole module, or the finest that prints where the nearest is too fine.
    pixel_mm = 1000 / across
    off = abs(png.size_mm - size_mm) / 37
    assert off <= pixel_mm / 2 + 1e-9 or module_mm - pixel_mm < design.LEAST_MODULE_MM


def test_png_in_millimetres_is_at_300_dpi_unless_told() -> None:
    assert render.png(BRANDED, size_mm=30) == render.png(BRANDED, size_mm=30, dpi=300)
    png = render.png(BRANDED, size_mm=30)
    assert png.width_px == 370
    assert png.size_mm == pytest.approx(370 / 300 * 25.4, abs=0.01)


def test_png_in_pixels_at_a_dpi_states_its_print_size() -> None:
    png = render.png(BRANDED, module_px=8, dpi=600)
    assert png.width_px == 8 * 37
    assert png.size_mm == pytest.approx(8 * 37 / 600 * 25.4, abs=0.01)


def test_a_dpi_alone_makes_modules_that_print() -> None:
    png = render.png(BRANDED, dpi=2400)
    assert png.size_mm is not None
    assert png.size_mm / 37 >= design.LEAST_MODULE_MM


@pytest.mark.parametrize("size_mm", [30, 12.3, 33.3, 1000])
def test_svg_is_exactly_as_wide_as_asked(size_mm: float) -> None:
    svg = render.svg(BRANDED, size_mm=size_mm)
    root = ElementTree.fromstring(svg.data)
    assert root.attrib["width"] == root.attrib["height"] == f"{size_mm}mm"
    assert root.attrib["viewBox"] == "0 0 37 37"
    assert root.attrib["shape-rendering"] == "crispEdges"
    assert (svg.media_type, svg.size_mm, svg.width_px) == ("image/svg+xml", size_mm, None)


def test_svg_is_one_millimetre_a_module_unless_told() -> None:
    assert render.svg(BRANDED).size_mm == 37


def test_svg_is_small_and_draws_the_same_modules_as_the_png() -> None:
    svg = render.svg(BRANDED)
    assert len(svg.data) < 4_000
    assert rasterised(svg.data, 10).tobytes() == opened(render.png(BRANDED)).tobytes()


def test_svg_title_is_escaped() -> None:
    text = "https://go.marke.de/q/<script>&amp;]]>"
    title = ElementTree.fromstring(render.svg(text).data).find(f"{SVG}title")
    assert title is not None
    assert title.text == text


def test_the_quiet_zone_is_there() -> None:
    colours = design.Design("#102040", "#fff0d0")
    for picture in (
        opened(render.png(BRANDED, design=colours, module_px=4)),
        rasterised(render.svg(BRANDED, design=colours).data),
    ):
        quiet, inside = 4 * 4, picture.width - 4 * 4
        ground = Image.new("RGB", picture.size, "#fff0d0")
        drawn = ImageChops.difference(picture, ground).getbbox()
        assert drawn == (quiet, quiet, inside, inside)


@pytest.mark.parametrize("size_mm", [9.99, 1000.1, -30, 0, math.nan, math.inf, 10**400, "30", True])
def test_wrong_millimetres_are_refused(size_mm: float) -> None:
    with refused("size_mm"):
        render.png(BRANDED, size_mm=size_mm)
    with refused("size_mm"):
        render.svg(BRANDED, size_mm=size_mm)


@pytest.mark.parametrize("dpi", [71, 2401, -1, 0, 300.0, "300", True])
def test_wrong_dpi_is_refused(dpi: int) -> None:
    with refused("dpi"):
        render.png(BRANDED, size_mm=30, dpi=dpi)


@pytest.mark.parametrize("module_px", [0, 101, -1, 1.5, math.nan, "10", True])
def test_wrong_pixels_are_refused(module_px: int) -> None:
    with refused("module_px"):
        render.png(BRANDED, module_px=module_px)


def test_all_wrong_sizes_are_named_at_once() -> None:
    with refused("module_px", "size_mm", "dpi"):
        render.png(BRANDED, module_px=0, size_mm=5000, dpi=10)


def test_two_sizes_are_refused() -> None:
    with refused("module_px"):
        render.png(BRANDED, module_px=10, size_mm=30)


@pytest.mark.parametrize(
    ("text", "name", "asked"),
    [
        (BRANDED, "size_mm", {"size_mm": 12}),
        ("a" * 300, "size_mm", {"size_mm": 30.0}),
        (BRANDED, "module_px", {"module_px": 3, "dpi": 300}),
        (BRANDED, "dpi", {"size_mm": 1000, "dpi": 300}),
        ("a" * 1273, "module_px", {"module_px": 100}),
    ],
)
def test_the_remedy_in_a_refusal_works(text: str, name: str, asked: dict[str, Any]) -> None:
    edge = design.encode(text).edge
    sizes: dict[str, Any] = {"module_px": None, "size_mm": None, "dpi": None} | asked
    with refused(name) as raised:
        design.pixel_size(edge, **sizes)
    params = raised.value.problems[0].params
    remedy = params.get("least", params.get("most"))
    assert str(remedy) in str(raised.value)
    sizes[name] = remedy
    size = design.pixel_size(edge, **sizes)
    assert size.width_px <= design.MOST_PX


def test_svg_too_fine_to_print_is_refused() -> None:
    with refused("size_mm"):
        render.svg("a" * 300, size_mm=30)


@pytest.mark.parametrize(
    ("foreground", "background", "codes"),
    [
        ("#ffffff", "#000000", ["qr_dark_ground"]),
        ("#000000", "#000000", ["qr_dark_ground"]),
        ("#ffffff", "#909090", ["qr_light_on_dark"]),
        ("#888888", "#ffffff", ["qr_contrast"]),
        ("#ff0000", "#ffffff", ["qr_contrast"]),
        ("#686868", "#00ff00", ["qr_same_grey"]),
        ("black", "#fffff", ["qr_colour", "qr_colour"]),
        ("#000000\n", "#ffffff", ["qr_colour"]),
        (None, 0, ["qr_colour", "qr_colour"]),
        ("#00000٠", "#ffffff", ["qr_colour"]),
    ],
)
def test_colours_that_do_not_scan_are_refused(
    foreground: str, background: str, codes: list[str]
) -> None:
    with pytest.raises(Invalid) as raised:
        design.Design(foreground, background)
    assert [problem.code for problem in raised.value.problems] == codes
    assert str(raised.value)


def test_a_refused_colour_comes_with_the_nearest_that_scans() -> None:
    with pytest.raises(Invalid, match="#9c7b00 is the nearest foreground that scans"):
        design.Design("#ffcc00")
    assert design.nearest_good("#ffcc00") == "#9c7b00"


COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
# Saturated and extreme ones are rare among random numbers.
BRANDS = COLOURS | st.lists(st.sampled_from(["00", "ff"]), min_size=3, max_size=3).map(
    lambda channels: "#" + "".join(channels)
)


@given(colour=BRANDS, background=st.just("#ffffff") | COLOURS, text=URL_TEXT)
def test_the_nearest_good_colour_scans(colour: str, background: str, text: str) -> None:
    try:
        good = design.nearest_good(colour, background)
    except Invalid:
        with pytest.RaisesExc(Invalid, check=lambda e: e.problems[0].code == "qr_dark_ground"):
            design.Design("#000000", background)
        return
    assert decoded(opened(render.png(text, design=design.Design(good, background)))).text == text


@given(colour=BRANDS)
def test_the_nearest_good_colour_changes_no_more_than_it_must(colour: str) -> None:
    good = design.nearest_good(colour)
    assert (good == colour) == (design.contrast(colour, "#ffffff") >= design.LEAST_CONTRAST)
    if good != colour:
        # One step of a channel more is too light, and the hue is the same but for rounding.
        assert design.contrast(good, "#ffffff") < design.LEAST_CONTRAST * 1.05
        assert hue_apart(good, colour) < 8


def hue_apart(one: str, other: str) -> float:
    """Degrees between two hues (HSV, which agrees with OKLab on tones made by scaling light)."""
    hues = []
    for colour in (one, other):
        linear = [(int(colour[at : at + 2], 16) / 255) ** 2.2 for at in (1, 3, 5)]
        hue, saturation, _ = colorsys.rgb_to_hsv(*linear)
        hues.append(hue if saturation > 0.1 else None)
    if None in hues:
        return 0
    apart = abs(hues[0] - hues[1]) * 360
    return min(apart, 360 - apart)


@pytest.mark.parametrize(("foreground", "background"), [("#767676", "#ffffff"), ("#000", "#777")])
def test_colours_of_just_enough_contrast_scan(foreground: str, background: str) -> None:
    dark, light = ("#" + colour[1:] * (6 // len(colour[1:])) for colour in (foreground, background))
    assert 4 <= design.contrast(dark, light) < 5
    code = decoded(opened(render.png(BRANDED, design=design.Design(dark, light))))
    assert code.text == BRANDED


def test_contrast_is_that_of_the_standard() -> None:
    assert design.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert design.contrast("#ffffff", "#777777") == pytest.approx(4.48, abs=0.005)


def small(text: str = BRANDED) -> Image.Image:
    """A code at one pixel a module, as `prove` takes it."""
    return opened(render.png(text, module_px=1))


def test_a_sound_code_is_proved() -> None:
    design.prove(small(), BRANDED)


def test_every_file_is_proved_before_it_is_handed_out() -> None:
    # A design that slipped past its own rules.
    pale = design.Design()
    object.__setattr__(pale, "foreground", "#d0d0d0")
    with pytest.raises(Failed):
        render.png(BRANDED, design=pale)
    with pytest.raises(Failed):
        render.svg(BRANDED, design=pale)
    with pytest.raises(Failed):
        pdf(BRANDED, design=pale, made_at=datetime(2026, 11, 20, tzinfo=UTC))


def test_a_code_of_another_text_is_not_handed_out() -> None:
    with pytest.raises(Failed, match="read back"):
        design.prove(small("HTTPS://GO.MARKE.DE/Q/OTHER"), BRANDED)


@pytest.mark.parametrize(("dark", "light"), [(175, 255), (0, 35)], ids=["pale", "dim"])
def test_a_faint_code_reads_when_pristine_but_is_not_handed_out(dark: int, light: int) -> None:
    faint = small().convert("L").point(lambda value: dark if value == 0 else light)
    assert decoded(faint.resize((370, 370), Image.Resampling.NEAREST)).text == BRANDED
    with pytest.raises(Failed):
        design.prove(faint, BRANDED)


def test_an_inverted_code_is_not_handed_out() -> None:
    with pytest.raises(Failed):
        design.prove(small().point(lambda value: 255 - value), BRANDED)


def test_a_code_without_quiet_zone_is_not_handed_out() -> None:
    with pytest.raises(Failed):
        design.prove(small().crop((4, 4, 33, 33)), BRANDED)


def test_a_half_covered_code_is_not_handed_out() -> None:
    covered = small()
    ImageDraw.Draw(covered).rectangle((12, 12, 26, 26), fill="#ffffff")
    with pytest.raises(Failed):
        design.prove(covered, BRANDED)
