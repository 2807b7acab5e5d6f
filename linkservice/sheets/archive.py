"""A sheet as ZIP: every code as PNG, SVG and PDF, and a table that says which is which.

Not here: how a code is drawn (`qr`), what file names may hold (`naming`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from linkservice import cells
from linkservice.qr.design import DEFAULT_DPI, Design
from linkservice.qr.pdf import pdf
from linkservice.qr.render import Rendered, png, svg
from linkservice.sheets.layout import Step
from linkservice.sheets.naming import UniqueNames, file_name
from linkservice.sheets.order import Label, Order

TABLE = "index.csv"
COLUMNS = ("name", "title", "touchpoint", "stage", "journey", "short_url", "scan_url")
"""Columns of the table; `name` is that of the files, without folder and suffix."""


def make_zip(order: Order, made_at: datetime, step: Step) -> bytes:
    """The files of every code in the folders `png` (300 dpi), `svg` and `pdf`, and the table.

    Raises `Invalid` where the modules of a code would be too fine at this size, `Failed` where
    a code does not scan, and what `step` raises.
    """
    file = BytesIO()
    names = UniqueNames()
    lines: list[tuple[str, ...]] = [COLUMNS]
    with ZipFile(file, "w") as archive:
        for number, label in enumerate(order.labels, 1):
            name = names.unique(file_name(label.name, label.slug))
            for suffix, made in _codes(label, order, made_at):
                _add(archive, f"{suffix}/{name}.{suffix}", made.data, made_at)
            lines.append((name, *_described(label)))
            step(number)
        _add(archive, TABLE, cells.table(lines), made_at)
    return file.getvalue()


def _codes(label: Label, order: Order, made_at: datetime) -> Iterator[tuple[str, Rendered]]:
    design, size, text = Design(order.foreground), order.size_mm, label.scan_url
    yield "png", png(text, design=design, size_mm=size, dpi=DEFAULT_DPI)
    yield "svg", svg(text, design=design, size_mm=size)
    yield "pdf", pdf(text, design=design, size_mm=size, made_at=made_at)


def _described(label: Label) -> tuple[str, ...]:
    place = (label.touchpoint, label.stage, label.journey)
    return (label.title, *place, label.short_url, label.scan_url)


def _add(archive: ZipFile, path: str, data: bytes, made_at: datetime) -> None:
    entry = ZipInfo(path, made_at.timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED
    # Readable by everybody once unpacked: without it some programs make files of mode 000.
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)
