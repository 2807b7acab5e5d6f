"""Which data tells the countries, and what it says of itself.

The file that `GEOIP_DB` names; without one the file that `linkservice geo update` fetched;
without that the registries' data that is built in, which is approximate.

Not here: reading countries (`clicks/place.py`), fetching (`clicks/maxmind.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import maxminddb

from linkservice.config import Settings

BUILT_IN = "iptocc"
"""The package with the registries' data."""

ATTRIBUTION = (
    "This product includes GeoLite Data created by MaxMind, available from https://www.maxmind.com"
)
"""What MaxMind's licence asks whoever shows its data to say."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An `.mmdb` file; an `optional` one need not be there, the built-in data then answers."""

    path: Path
    optional: bool


@dataclass(frozen=True, slots=True)
class Description:
    """What a file says of itself: its kind ("GeoLite2-Country"), when it was made, its size."""

    path: Path
    kind: str
    made: datetime
    networks: int


def chosen_file(settings: Settings) -> Chosen:
    """The file that countries are read from."""
    if settings.geoip_db:
        return Chosen(Path(settings.geoip_db), optional=False)
    return Chosen(settings.data_dir / "geo" / f"{settings.maxmind_edition}.mmdb", optional=True)


def is_built_in(settings: Settings) -> bool:
    """Whether the approximate data of the registries answers."""
    chosen = chosen_file(settings)
    return chosen.optional and not chosen.path.exists()


def built_in_name() -> str:
    """The built-in data with its version, and that it is approximate."""
    return f"built-in registry data ({BUILT_IN} {version(BUILT_IN)}), approximate"


def describe(path: Path) -> Description:
    """What the file says of itself.

    Raises `OSError`, `ValueError` or `maxminddb.InvalidDatabaseError` where it cannot be read.
    """
    try:
        with maxminddb.open_database(path, maxminddb.MODE_MEMORY) as reader:
            found = reader.metadata()
            reader.get("1.1.1.1")  # the tree is where the metadata says it is
        made = datetime.fromtimestamp(found.build_epoch, UTC)
    except (TypeError, KeyError, IndexError, OverflowError, AttributeError) as error:
        raise ValueError(f"not an .mmdb file: {error}") from None
    return Description(path, str(found.database_type), made, found.node_count)
