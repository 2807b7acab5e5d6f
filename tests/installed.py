"""An installation that the tests of a module share: they read it, and leave it as it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from linkservice.config import Settings, load
from linkservice.database import Database


@contextmanager
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, Database]]:
    """One with tables and nothing else, on the engine that the fixture's parameter names."""
    data_dir = tmp_path_factory.mktemp("installed")
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated"), data_dir / "linkservice.db")
        settings = load({}, data_dir=data_dir)
    else:
        url = request.getfixturevalue("new_postgres")(True)
        settings = load({}, data_dir=data_dir, database_url=url)
    database = Database(settings.database_url)
    yield settings, database
    database.close()
