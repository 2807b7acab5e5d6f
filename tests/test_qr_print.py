"""What is printed must scan and measure right: PDFs are read back from their own pixels."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from printed import (
    MM_PER_POINT,
    SCAN_DPI,
    Box,
    Page,
    dark_box,
    pages,
    read_by_opencv,
    read_by_zxing,
)

from linkservice.errors import Invalid
from linkservice.qr.design import QUIET_ZONE, Design, encode, nearest_good
from linkservice.qr.pdf import new_document, pdf
from linkservice.sheets.archive import make_zip
from linkservice.sheets.layout import MARK_GAP, closing_fonts, make_pdf
from linkservice.sheets.lettering import ELLIPSIS, REPLACEMENT, Lettering, Style, readable
from linkservice.sheets.naming import LONGEST_NAME, UniqueNames, file_name
from linkservice.sheets.order import Label, Order, Words

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CAPITALS = "HTTPS://GO.MARKE.DE/Q/A7K2P"
HAIR = 0.02
"""Millimetres: a hundredth of a point is the grain of a PDF, and strokes have half a width."""

GERMAN = Words(
    "QR-Codes",
    "20. November 2026",
    "40 mm",
    "Seite {page} von {pages}",
    "{count} QR-Code",
    "{count} QR-Codes",
    "In tatsächlicher Größe (100 %) drucken",
    "de",
)
NAMES = (
    "Plakat im Schaufenster",
    "Ä Ö Ü ß – „Größe“ & Preis: 5 €",
    "👩‍🔧 Werkstatt 🇩🇪 👍🏽",
    "نقطة اتصال العملاء 2026 (جديد)",
    "ग्राहक सेवा क्षेत्र",
    "Beileger in der Verpackung für Bestandskundinnen und Bestandskunden der Region Süd-West",
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenaufbewahrungsort",
    "漢字ポスター",
    "{nb} **fett** \u202e gespiegelt \ue000",
    "W" * 200,
    "\u200b",
    "ลูกค้าที่ประตู",
)


def label(number: int, name: str, host: str = "go.marke.de") -> Label:
    slug = f"herbst-{number}"
    origin = "http://127.0.0.1:8001" if host == "local" else f"https://{host}"
    return Label(
        name,
        "Paketbeilage",
        "Aufmerksamkeit",
        "Kundenreise Herbst 2026 mit einem langen Namen",
        slug,
        f"{origin}/{slug}",
        f"{origin.upper()}/Q/HERBST-{number}",
    )


def order(
    names: Sequence[str], size_mm: float = 40, foreground: str = "#000000", heading: str = "Herbst"
) -> Order:
    hosts = ("go.marke.de", "local", "kurz." + "unterhaltungselektronik." * 2 + "example.com")
    labels = [label(number, name, hosts[number % 3]) for number, name in enumerate(names)]
    return Order(heading, GERMAN, size_mm, foreground, labels)


def sheet(wanted: Order, dpi: int = SCAN_DPI) -> list[Page]:
    return pages(make_pdf(wanted, NOW, lambda done: None), dpi)


# Making one takes a second, so tests that ask different things of it share it.
COLOUR_OF_SIZE = {20: "#000000", 32.5: "#ffcc00", 40: "#0b5fff", 100: "#ff0000"}
SIZES = tuple(COLOUR_OF_SIZE)


def order_of_names(size_mm: float) -> Order:
    return order(NAMES, size_mm, nearest_good(COLOUR_OF_SIZE[size_mm]))


@cache
def sheet_of_names(size_mm: float) -> bytes:
    return make_pdf(order_of_names(size_mm), NOW, lambda done: None)


def codes_of(page: Page, size_mm: float) -> list[Box]:
    """The places of the codes, quiet zone included: their grounds are the only such squares."""
    return [
        box
        for box in page.shapes
        if box.width == pytest.approx(size_mm, abs=HAIR)
        and box.height == pytest.approx(size_mm, abs=HAIR)
    ]


def marks_of(page: Page) -> list[Box]:
    """The cut marks: the only shapes as thin as a hair."""
    return [box for box in page.shapes if min(box.width, box.height) < 0.2]


@pytest.mark.parametrize("size_mm", [15, 33.3, 100])
def test_a_pdf_is_as_large_as_asked_for_and_scans(size_mm: float) -> None:
    made = pdf(CAPITALS, size_mm=size_mm, made_at=NOW)
    [page] = pages(made.data, dpi=600)
    assert (made.media_type, made.size_mm, made.width_px) == ("application/pdf", size_mm, None)
    assert page.size == pytest.approx((size_mm, size_mm), abs=0.005)
    edge = encode(CAPITALS).edge
    dark = dark_box(page.picture, 600)
    quiet = size_mm * QUIET_ZONE / edge
    assert dark.left == pytest.approx(quiet, abs=0.06)
    assert dark.top == pytest.approx(quiet, abs=0.06)
    assert dark.width == pytest.approx(size_mm - 2 * quiet, abs=0.09)
    [seen] = pages(made.data)
    assert read_by_zxing(seen.picture) == [CAPITALS]
    assert read_by_opencv(seen.picture) == CAPITALS


def test_a_pdf_without_a_size_has_modules_of_a_millimetre() -> None:
    [page] = pages(pdf(CAPITALS, made_at=NOW).data)
    assert page.size == pytest.approx((37, 37), abs=0.005)


def test_a_pdf_holds_shapes_in_the_colours_of_the_design_and_no_picture() -> None:
    made = pdf(CAPITALS, design=Design("#7a2000", "#fff4e0"), size_mm=30, made_at=NOW)
    [page] = pages(made.data, dpi=600)
    assert b"/Image" not in made.data.replace(b"/ImageB /ImageC /ImageI", b"")
    assert len(page.shapes) == 2
    found = page.picture.getcolors(1_000_000)
    assert found is not None
    assert {colour for _, colour in sorted(found)[-2:]} == {(0x7A, 0x20, 0), (0xFF, 0xF4, 0xE0)}


def test_the_same_code_is_the_same_file() -> None:
    assert pdf(CAPITALS, made_at=NOW) == pdf(CAPITALS, made_at=NOW)


def test_a_pdf_too_fine_to_print_is_refused() -> None:
    with pytest.raises(Invalid, match="must be at least"):
        pdf("a" * 300, size_mm=30, made_at=NOW)


@pytest.mark.parametrize("size_mm", SIZES)
def test_every_code_of_a_sheet_scans_with_two_decoders(size_mm: float) -> None:
    found, found_again = [], []
    for page in pages(sheet_of_names(size_mm)):
        found += read_by_zxing(page.picture)
        found_again += [read_by_opencv(page.crop(box)) for box in codes_of(page, size_mm)]
    texts = sorted(each.scan_url for each in order_of_names(size_mm).labels)
    assert sorted(found) == texts
    assert sorted(found_again) == texts


@pytest.mark.parametrize("size_mm", SIZES)
def test_a_sheet_keeps_its_distances(size_mm: float) -> None:
    found = pages(sheet_of_names(size_mm), dpi=18)
    for page in found:
        assert page.size == pytest.approx((210, 297), abs=0.01)
        codes, marks = codes_of(page, size_mm), marks_of(page)
        assert len(marks) == 8 * len(codes)
        printable = Box(10, 10, 200, 287).grown(HAIR)
        assert all(printable.holds(box) for box in (*codes, *marks))
        for code in codes:
            quiet = code.grown(MARK_GAP)
            assert not any(quiet.meets(mark) for mark in marks)
            assert not any(code.meets(box) for box, _ in page.lines)
            assert sum(code.meets(other) for other in codes) == 1
        assert all(printable.holds(box) for box, _ in page.lines)
    assert sum(len(codes_of(page, size_mm)) for page in found) == len(NAMES)


def test_cut_marks_are_seen_and_the_quiet_zone_is_white() -> None:
    size = 32.5
    [page] = pages(sheet_of_names(size), dpi=300)
    for mark in marks_of(page):
        darkest = page.crop(mark.grown(0.1)).convert("L").getextrema()[0]
        assert darkest < 160
    for code, wanted in zip(codes_of(page, size), order_of_names(size).labels, strict=True):
        module = size / encode(wanted.scan_url).edge
        ink = dark_box(page.crop(code), 300)
        quiet = QUIET_ZONE * module - 0.15
        assert min(ink.left, ink.top, size - ink.right, size - ink.bottom) > quiet


def test_marks_piled_upon_letters_reach_no_code() -> None:
    piled = "Z" + "\u0304\u0308\u0301" * 20 + "a" + "\u0323\u0331" * 20
    [page] = sheet(order([piled] * 4, 30), 300)
    [first, *_] = codes_of(page, 30)
    assert dark_box(page.crop(first), 300).bottom < 30 - QUIET_ZONE * 30 / 41 + 0.15
    assert len(read_by_zxing(page.picture)) == 4


def test_the_words_of_labels_stay_between_their_cut_marks() -> None:
    for page in pages(sheet_of_names(32.5)):
        edges = sorted({round(m.left, 1) for m in marks_of(page) if m.width < 0.2})
        labels = list(zip(edges[::2], edges[1::2], strict=True))
        below = [(box, text) for box, text in page.lines if box.top > 30]
        assert below
        for box, text in below:
            assert any(left <= box.left and box.right <= right for left, right in labels), text


def test_a_sheet_says_what_it_is() -> None:
    names = ["Plakat", "Kassenbon"]
    [page] = sheet(order(names, heading="Kundenreise Süd"))
    for words in (
        "Kundenreise Süd",
        "Seite 1 von 1",
        "2 QR-Codes · 40 mm · 20. November 2026",
        "In tatsächlicher Größe (100 %) drucken",
        *names,
        "Aufmerksamkeit",
        "go.marke.de/herbst-0",
        "http://127.0.0.1:8001/herbst-1",
    ):
        assert words in page.text


def lines_of(wanted: Label, size_mm: float = 40) -> list[str]:
    """What is printed below the code of a sheet of one."""
    [page] = sheet(Order("", GERMAN, size_mm, "#000000", [wanted]))
    return page.text.partition(GERMAN.advice)[2].split("\r\n")[1:]


def test_posters_of_one_touchpoint_are_told_apart_by_their_titles() -> None:
    poster = Label("Gleis 7", "Plakat", "Phase", "Reise", "a", "https://x.de/a", CAPITALS)
    assert lines_of(poster) == ["Gleis 7", "Plakat", "Phase · Reise", "x.de/a"]
    assert lines_of(replace(poster, title="")) == ["Plakat", "Phase · Reise", "x.de/a"]
    assert lines_of(replace(poster, touchpoint="")) == ["Gleis 7", "Phase · Reise", "x.de/a"]
    bare = replace(poster, title="", touchpoint="", stage="", journey="")
    assert lines_of(bare) == ["a", "x.de/a"]


@pytest.mark.parametrize(
    ("title", "below"),
    [
        ("Plakat: Gleis 7", ""),
        ("Gleis 7 (PLAKAT)", ""),
        ("Plakate Gleis 7", "Plakat"),
        ("Gleis 7", "Plakat"),
        ("", ""),
    ],
)
def test_a_label_says_its_touchpoint_once(title: str, below: str) -> None:
    assert Label(title, "Plakat", "", "", "a", "", "").below_name == below


@pytest.mark.parametrize("size_mm", [20, 100])
def test_a_long_title_is_cut_after_a_word_and_leaves_room_for_its_touchpoint(
    size_mm: float,
) -> None:
    title = "Straßenaufsteller " + "Königsallee, südlicher Eingang " * 20
    long = Label(title, "Plakat", "", "", "a", "https://x.de/a", CAPITALS)
    *name, touchpoint, url = lines_of(long, size_mm)
    assert (touchpoint, url) == ("Plakat", "x.de/a")
    assert len(name) == 5
    assert name[-1].endswith(tuple(f"{word}{ELLIPSIS}" for word in title.split()))


def test_pages_are_numbered_and_one_code_is_not_called_several() -> None:
    several = sheet(order(["Plakat"] * 14, 60), 36)
    numbering = [f"Seite {number} von {len(several)}" for number in range(1, len(several) + 1)]
    assert [said for said, page in zip(numbering, several, strict=True) if said in page.text] == (
        numbering
    )
    [single] = sheet(order(["Plakat"]))
    assert "1 QR-Code ·" in single.text


def test_progress_is_told_after_every_code() -> None:
    for make in (make_pdf, make_zip):
        told: list[int] = []
        make(order(NAMES[:3], 40), NOW, told.append)
        assert [done for done in told if done] == [1, 2, 3]


def test_a_code_too_fine_for_the_sheet_is_refused() -> None:
    wanted = order(["Plakat"], 20)
    long = Label("", "", "", "", "x", "https://x.de/x", "https://x.de/q/" + "x" * 100)
    for make in (make_pdf, make_zip):
        with pytest.raises(Invalid, match="must be at least"):
            make(Order("", GERMAN, 20, "#000000", [*wanted.labels, long]), NOW, lambda done: None)


LETTERS = "aßÄ W-/mil\u0301क्षेนที่ لة👍🏽🇩🇪\u200d漢\u202e…"


@pytest.fixture(scope="module")
def lettering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lettering]:
    document = new_document((210, 297), NOW)
    document.add_page()
    folder: Path = tmp_path_factory.mktemp("fonts")
    with closing_fonts(document):
        yield Lettering(document, folder, plain=[readable(LETTERS)], bold=[])


@given(
    text=st.text(st.sampled_from(LETTERS), max_size=80).map(lambda t: " ".join(t.split())),
    width=st.integers(12, 60),
    most=st.integers(1, 3),
)
@settings(max_examples=60)
def test_lines_fit_and_lose_nothing_but_behind_an_ellipsis(
    lettering: Lettering, text: str, width: int, most: int
) -> None:
    style = Style(8)
    clean = " ".join(readable(text).split())
    lines = lettering.lines(clean, style, width, most)
    assert len(lines) <= most
    assert all(lettering.width_mm(line, style) <= width for line in lines)
    shown = "".join(lines).replace(" ", "").replace("-", "")
    whole = clean.replace(" ", "").replace("-", "")
    if lines and lines[-1].endswith(ELLIPSIS):
        assert whole.startswith(shown.removesuffix(ELLIPSIS)) or shown == whole
    else:
        assert shown == whole


def test_words_break_between_words_and_long_ones_are_hyphenated(lettering: Lettering) -> None:
    style = Style(8)
    assert lettering.lines("mil mila mil", style, 13, 3) == ["mil mila", "mil"]
    [first, *_] = lettering.lines("milamilamilamila", style, 12, 3)
    assert first.endswith("-")
    [first, second] = lettering.url_lines("mil/amilamila", style, 16)
    assert (first, second) == ("mil/", "amilamila")
    [*_, cut] = lettering.lines("mil mila mil mil", style, 16, 1)
    assert cut == "mil mila…"


def test_a_url_is_never_cut(lettering: Lettering) -> None:
    url = "mil.mila/" + "amil" * 40
    assert "".join(lettering.url_lines(url, Style(8), 16)) == url


def test_a_line_looks_the_same_below_one_in_another_script(tmp_path: Path) -> None:
    document, grey = new_document((60, 60), NOW), Style(8, grey=96)
    document.add_page()
    with closing_fonts(document):
        lettering = Lettering(document, tmp_path, plain=["Kunde ग्राहक"], bold=["Poster"])
        bold = Style(10, bold=True)
        below = ("Poster", bold), ("ग्राहक", grey), ("Kunde", grey)
        for number, (line, style) in enumerate((*below, below[0], below[2])):
            lettering.write(line, style, x_mm=5, y_mm=5 + 10 * number, width_mm=50)
        [page] = pages(bytes(document.output()), 254)
    below_it, alone = (page.crop(Box(0, top, 60, top + 10)) for top in (25, 45))
    assert below_it.tobytes() == alone.tobytes()


def test_what_no_font_has_is_replaced_and_what_hides_is_left_out() -> None:
    assert readable("Plakat 漢字") == f"Plakat {REPLACEMENT * 2}"
    assert readable("a\u202eb\u200bc\ufe0f") == "abc"
    assert readable("e\u0301 می\u200cخواهم") == "é می\u200cخواهم"


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_zip_holds_every_code_three_times_and_a_table() -> None:
    wanted = order(NAMES[:4], 30, "#7a2000")
    files = unpacked(make_zip(wanted, NOW, lambda done: None))
    assert files["index.csv"].startswith(b"\xef\xbb\xbf")
    [head, *lines] = csv.reader(StringIO(files.pop("index.csv").decode("utf-8-sig")))
    assert head == ["name", "title", "touchpoint", "stage", "journey", "short_url", "scan_url"]
    assert len(files) == 3 * len(lines) == 12
    for line, each in zip(lines, wanted.labels, strict=True):
        place = [each.touchpoint, each.stage, each.journey]
        assert line[1:] == [each.title, *place, each.short_url, line[6]]
        picture = Image.open(BytesIO(files[f"png/{line[0]}.png"]))
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert picture.width / 300 * 25.4 == pytest.approx(30, rel=0.1)
        [page] = pages(files[f"pdf/{line[0]}.pdf"])
        assert page.size == pytest.approx((30, 30), abs=0.005)
        assert b'width="30mm"' in files[f"svg/{line[0]}.svg"]
        assert b"#7a2000" in files[f"svg/{line[0]}.svg"]
        read = [*read_by_zxing(picture.convert("RGB")), *read_by_zxing(page.picture)]
        assert read == [line[6]] * 2 == [each.scan_url] * 2


def test_no_cell_of_the_table_is_a_formula() -> None:
    wanted = order(["=1+1", "+1", "-1", "@x", "Plakat"])
    table = unpacked(make_zip(wanted, NOW, lambda done: None))["index.csv"].decode("utf-8-sig")
    cells = [line[1] for line in csv.reader(StringIO(table))]
    assert cells == ["title", "'=1+1", "'+1", "'-1", "'@x", "Plakat"]


def test_files_of_touchpoints_of_the_same_name_differ_whatever_the_system() -> None:
    slugs = ["A", "a", "é", "E\u0301", "x."]
    labels = [Label("", "Poster", "", "", slug, "https://x.de/x", CAPITALS) for slug in slugs]
    wanted = Order("", GERMAN, 30, "#000000", labels)
    names = [name for name in unpacked(make_zip(wanted, NOW, lambda done: None)) if "png" in name]
    assert len({name.casefold() for name in names}) == len(slugs)


@given(st.lists(st.text(max_size=300), min_size=1, max_size=2))
def test_file_names_are_safe_everywhere(parts: list[str]) -> None:
    parts = [part.encode(errors="ignore").decode() for part in parts]
    name = file_name(*parts)
    assert 1 <= len(name) <= LONGEST_NAME + 1
    assert len(name.encode()) <= 201
    assert not set(name) & set('<>:"/\\|?*')
    assert name.replace("\u200c", "").replace("\u200d", "").isprintable()
    assert name == name.strip(" .")


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("Plakat: Köln/Süd", "herbst"), "Plakat- Köln-Süd herbst"),
        (("con",), "_con"),
        (("COM1.txt",), "_COM1.txt"),
        (("Console",), "Console"),
        (("", "nul"), "_nul"),
        (("../../etc", ""), "-..-etc"),
        (("\u202egnp.exe",), "gnp.exe"),
        (("...",), "_"),
        (("W" * 200, "herbst"), "W" * 93 + " herbst"),
    ],
)
def test_file_names(parts: tuple[str, ...], name: str) -> None:
    assert file_name(*parts) == name


def test_names_of_one_folder_differ_without_capitals() -> None:
    names = UniqueNames()
    assert [names.unique(name) for name in ("Poster", "poster", "POSTER", "Straße", "STRASSE")] == [
        "Poster",
        "poster (2)",
        "POSTER (3)",
        "Straße",
        "STRASSE (2)",
    ]


def test_a_millimetre_is_one() -> None:
    assert pytest.approx(1 / 2.8346456693) == MM_PER_POINT
