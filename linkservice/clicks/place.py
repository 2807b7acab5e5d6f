"""Where a click came from: the country of its network, never of a full address.

Two sources: the registries' data in `iptocc` (built in; where a network is registered, so
about nine in ten agree with where people are), or the `.mmdb` file named in the settings.
MaxMind and DB-IP nest the code (`country.iso_code`), ipinfo and others keep it flat
(`country_code`, or a `country` of two letters). `maxminddb` reads the file, `geoip2`
understands MaxMind's records.

Not here: cutting addresses to networks (`clicks/visitor.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import iptocc
import maxminddb
from geoip2.models import Country as MaxMindCountry

from linkservice.clicks.visitor import network_text

_log = logging.getLogger(__name__)

_REMEMBERED = 65_536  # networks whose country is kept; a look-up in a file takes some 50 µs
_REGIONS = frozenset({"AP", "EU", "XX", "ZZ"})  # in country columns, but no countries

_State = tuple[int, int, int] | None


class Places:
    """Gives the countries of networks; reads its file when first asked, and again when replaced."""

    def __init__(self, path: str | Path = "") -> None:
        """`path` of an `.mmdb` file; "" for the built-in registry data."""
        self._path = Path(path) if str(path) else None
        self._state: _State = (-1, -1, -1)  # no file has it, so the first call reads
        self._look_up: Callable[[str], str] = _registry_country if self._path is None else _nowhere

    def country(self, network: bytes) -> str:
        """ISO 3166-1 code in capitals for what `visitor.cut_network` gave; "" if unknown.

        A missing or broken file gives "" with one warning in the log, and is tried again
        when it changes; where an earlier file could be read, that one goes on answering.
        """
        if self._path is not None:
            self._refresh(self._path)
        address = network_text(network).partition("/")[0]
        return self._look_up(address) if address else ""

    def _refresh(self, path: Path) -> None:
        state = _state_of(path)
        if state == self._state:
            return
        self._state = state
        try:
            # In memory, not mapped: a mapped file that is overwritten in place kills the process.
            reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        except Exception as error:  # a damaged file may raise anything
            _log.warning("The country file %s cannot be read: %s", path, error)
        else:
            self._look_up = _file_country(reader, path)


def _state_of(path: Path) -> _State:
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _nowhere(_address: str) -> str:
    return ""


@lru_cache(maxsize=_REMEMBERED)
def _registry_country(address: str) -> str:
    return _code(iptocc.country_code(address))


def _file_country(reader: maxminddb.Reader, path: Path) -> Callable[[str], str]:
    """A look-up in one opened file; its memory goes when the file is replaced."""
    reads_ipv6 = reader.metadata().ip_version == 6
    warned = False

    @lru_cache(maxsize=_REMEMBERED)
    def look_up(address: str) -> str:
        nonlocal warned
        if ":" in address and not reads_ipv6:
            return ""
        try:
            return _code_in(reader.get(address))
        except Exception as error:  # a damaged file may raise anything
            if not warned:
                _log.warning("The country file %s is damaged: %s", path, error)
            warned = True
            return ""

    return look_up


def _code_in(record: object) -> str:
    if not isinstance(record, dict):
        return ""
    country = record.get("country")
    if isinstance(country, dict):
        return _code(MaxMindCountry(["en"], **record).country.iso_code)
    return _code(record.get("country_code")) or _code(country)


def _code(value: object) -> str:
    """The value, if it is two letters that name a country, in capitals."""
    if not isinstance(value, str) or len(value) != 2 or not (value.isascii() and value.isalpha()):
        return ""
    code = value.upper()
    return "" if code in _REGIONS else code
