"""Where a click came from: country and city of its network, never of a full address.

Two sources: the registries' data in `iptocc` (built in; where a network is registered, so
about nine in ten agree with where people are), or an `.mmdb` file. MaxMind and DB-IP nest
the code (`country.iso_code`), ipinfo, iptoasn and others keep it flat (`country_code`, or a
`country` of two letters). `maxminddb` reads the file, `geoip2` understands MaxMind's records.
Cities are known where the file knows them (`clicks/city.py`); the registries' data knows none.

Not here: which file it is and how it comes (`clicks/geodata.py`), cutting addresses to
networks (`clicks/visitor.py`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import iptocc
import maxminddb
from geoip2.models import Country as MaxMindCountry

from linkservice.clicks.city import city_in
from linkservice.clicks.geodata import chosen_file
from linkservice.clicks.visitor import IPV4_NETWORK_BYTES
from linkservice.config import Settings

_log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 1.0
"""Between two looks whether the file was replaced: one for every click would cost more than
finding its country."""

_REMEMBERED = 65_536  # networks whose country is kept; a look-up in a file takes some 50 µs
_REGIONS = frozenset({"AP", "EU", "XX", "ZZ"})  # in country columns, but no countries
_FLAT_NAMES = ("country_code", "countryCode", "country_iso_code", "iso_code", "country", "cc")

_State = tuple[int, int, int] | None


class Place(NamedTuple):
    """A country's ISO 3166-1 code in capitals, and a city (see `clicks.city`); each may be ""."""

    country: str
    city: str = ""


_LookUp = Callable[[bytes], Place]
_NOWHERE = Place("")


class Places:
    """Gives the places of networks; reads its file when first asked, and again when replaced."""

    def __init__(
        self,
        path: str | Path = "",
        *,
        optional: bool = False,
        look_again_seconds: float = LOOK_AGAIN_SECONDS,
    ) -> None:
        """`path` of an `.mmdb` file; "" for the built-in registry data.

        While an `optional` file has never been there, the built-in data answers.
        """
        self._path = Path(path) if str(path) else None
        self._optional = optional
        self._look_again_seconds = look_again_seconds
        self._look_again_at = float("-inf")
        self._state: _State = (-1, -1, -1)  # no file has it, so the first call reads
        built_in = self._path is None or optional
        self._look_up: _LookUp = _registry_place if built_in else _nowhere

    @classmethod
    def of(cls, settings: Settings) -> Places:
        """By the file that the settings choose."""
        chosen = chosen_file(settings)
        return cls(chosen.path, optional=chosen.optional)

    def country(self, network: bytes) -> str:
        """ISO 3166-1 code in capitals for what `visitor.cut_network` gave; "" if unknown.

        A missing or broken file gives "" with one warning in the log, and is tried again
        when it changes; where an earlier file could be read, that one goes on answering.
        """
        return self.places((network,))[0].country

    def places(self, networks: Iterable[bytes]) -> list[Place]:
        """As `country`, of several networks, with their cities."""
        if self._path is not None and time.monotonic() >= self._look_again_at:
            self._look_again_at = time.monotonic() + self._look_again_seconds
            self._refresh(self._path)
        return list(map(self._look_up, networks))

    def _refresh(self, path: Path) -> None:
        state = _state_of(path)
        if state == self._state:
            return
        self._state = state
        if state is None and self._optional:
            return
        try:
            # In memory, not mapped: a mapped file that is overwritten in place kills the process.
            reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
            self._look_up = _file_place(reader, path)
        except Exception as error:  # a damaged file may raise anything
            _log.warning("The country file %s cannot be read: %s", path, error)


def _state_of(path: Path) -> _State:
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _nowhere(_network: bytes) -> Place:
    return _NOWHERE


def _registry_place(network: bytes) -> Place:
    address = _address(network)
    return _of_registry(iptocc.country_code(address)) if address else _NOWHERE


def _address(network: bytes) -> str:
    """The first address of a network, as text; a third of the time of `inet_ntop`."""
    if len(network) == IPV4_NETWORK_BYTES:
        return f"{network[0]}.{network[1]}.{network[2]}.0"
    return f"{network[:2].hex()}:{network[2:4].hex()}:{network[4:].hex()}::" if network else ""


def _file_place(reader: maxminddb.Reader, path: Path) -> _LookUp:
    """A look-up in one opened file; its memory goes when the file is replaced."""
    reads_ipv6 = reader.metadata().ip_version == 6
    warned = False

    @lru_cache(maxsize=_REMEMBERED)
    def look_up(network: bytes) -> Place:
        nonlocal warned
        address = _address(network)
        if not address or (":" in address and not reads_ipv6):
            return _NOWHERE
        try:
            found = reader.get(address)
            if found is None and reads_ipv6 and ":" not in address:
                found = reader.get(f"::ffff:{address}")  # where some keep IPv4 in an IPv6 tree
            code = code_in(found)
            return Place(code, city_in(found, code))
        except Exception as error:  # a damaged file may raise anything
            if not warned:
                _log.warning("The country file %s is damaged: %s", path, error)
            warned = True
            return _NOWHERE

    return look_up


def code_in(record: object) -> str:
    """The country code in a file's record of any layout; "" where it holds none."""
    if not isinstance(record, dict):
        return ""
    if isinstance(record.get("country"), dict):
        return _code(MaxMindCountry(["en"], **record).country.iso_code)
    return next(filter(None, (_code(record.get(name)) for name in _FLAT_NAMES)), "")


@lru_cache
def _of_registry(code: str | None) -> Place:
    return Place(_code(code))


def _code(value: object) -> str:
    """The value, if it is two letters that name a country, in capitals."""
    if not isinstance(value, str) or len(value) != 2 or not (value.isascii() and value.isalpha()):
        return ""
    code = value.upper()
    return "" if code in _REGIONS else code
