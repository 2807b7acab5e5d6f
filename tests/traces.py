"""Finds addresses in bytes, however they may have been written there: as text, as numbers, packed.

Packed into four bytes an address also turns up by chance, among hashes and random keys; those
finds are counted apart, and who asks compares their number with what chance gives.
"""

from __future__ import annotations

import ipaddress
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
from sqlalchemy import select

from linkservice.database import Database
from linkservice.tables import metadata

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_V4 = re.compile(rb"(?=(?<!\d)((?:\d{1,3}[.-]){3}\d{1,3}))")
_V6 = re.compile(rb"[0-9A-Fa-f]*(?::[0-9A-Fa-f]*){2,8}")
_HALF = re.compile(rb"(?=([0-9a-f]{16}))")
_DECIMAL = re.compile(rb"(?<!\d)\d{9,10}(?!\d)")


@dataclass(frozen=True)
class Traces:
    """What was found: addresses that are there for certain, and IPv4 ones that may be chance."""

    certain: frozenset[str]
    packed: frozenset[str]


class Hunt:
    """Looks for some addresses; of IPv6 the lower 64 bits suffice, as no network holds them."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        self._v4 = {int(each): str(each) for each in addresses if each.version == 4}
        self._v6 = {int(each) % 2**64: str(each) for each in addresses if each.version == 6}
        self._texts = {text.encode() for text in self._v4.values()}
        self._fours = np.array(sorted(self._v4), dtype=np.uint32)
        self._eights = np.array(sorted(self._v6), dtype=np.uint64)
        self._certain: set[str] = set()
        self._packed: set[str] = set()

    @property
    def found(self) -> Traces:
        return Traces(frozenset(self._certain), frozenset(self._packed))

    def search(self, data: bytes) -> None:
        """Look through some bytes, and what they are when percent-decoded."""
        for part in {data, unquote_to_bytes(data)}:
            self._read(part)
        for offset in range(8):
            self._unpack(data[offset:], offset)

    def _read(self, data: bytes) -> None:
        for match in _V4.finditer(data):
            text = match[1].replace(b"-", b".")
            if text in self._texts:
                self._certain.add(text.decode())
        for match in _V6.finditer(data):
            self._note_six(match[0])
        for match in _HALF.finditer(data.lower()):
            self._certain.update(filter(None, [self._v6.get(int(match[1], 16))]))
        for match in _DECIMAL.finditer(data):
            self._certain.update(filter(None, [self._v4.get(int(match[0]))]))

    def _note_six(self, text: bytes) -> None:
        try:
            number = int(ipaddress.IPv6Address(text.decode()))
        except ValueError:
            return
        self._certain.update(filter(None, [self._v6.get(number % 2**64)]))

    def _unpack(self, data: bytes, offset: int) -> None:
        """In both orders of bytes, at every place."""
        if offset < 4:
            fours = np.frombuffer(data, dtype=">u4", count=len(data) // 4)
            for order in (fours, fours.byteswap()):
                hits = order[np.isin(order.astype(np.uint32), self._fours)]
                self._packed.update(self._v4[int(each)] for each in hits)
        eights = np.frombuffer(data, dtype=">u8", count=len(data) // 8)
        for order in (eights, eights.byteswap()):
            hits = order[np.isin(order.astype(np.uint64), self._eights)]
            self._certain.update(self._v6[int(each)] for each in hits)


def everything_written(folder: Path, *databases: Database) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, what its zip files hold, and every row of the databases."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path}: {name}", archive.read(name)
        yield str(path), path.read_bytes()
    for database in databases:
        with database.reading() as session:
            for table in metadata.sorted_tables:
                rows = session.execute(select(table)).all()
                cells = [cell for row in rows for cell in row]
                data = [c if isinstance(c, bytes) else str(c).encode() for c in cells]
                yield f"table {table.name}", b"\0".join(data)
