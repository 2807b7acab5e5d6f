"""Two web nodes, each with its own spool and ingester, one database: every click once."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import pytest
from clients import Crowd, clicking
from counted import add_poster, assert_each_counted_once
from evidence import Trial
from service import running, wait_until

from linkservice.config import Settings
from linkservice.database import Database

pytestmark = pytest.mark.fault


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_two_nodes_count_into_one_database(
    settings: Settings, database: Database, tmp_path: Path, trial: Trial
) -> None:
    each, workers = trial.size(500, 50_000), trial.size(1, 2)
    add_poster(settings, database)
    second = dataclasses.replace(settings, data_dir=tmp_path / "second")
    second.data_dir.mkdir()
    with (
        running(settings, tmp_path, workers=workers) as one,
        running(second, tmp_path, workers=workers) as other,
        clicking(one.link_port, clients=8) as here,
        clicking(other.link_port, clients=8) as there,
    ):
        for crowd in (here, there):
            wait_until(partial(has_clicked, crowd, each), seconds=600)
            crowd.stop()
        assert (one.stop(), other.stop()) == (0, 0)
    for crowd in (here, there):
        assert (crowd.in_doubt, crowd.refused, crowd.other) == (0, 0, {})
    assert nodes(settings) != nodes(second)
    found = assert_each_counted_once(settings, database, here, there, other_nodes=[second])
    assert found == here.acknowledged + there.acknowledged
    trial.saw(
        "Two web nodes with their own spools, one database",
        "2 × 50,000 → 100,000",
        f"{here.acknowledged:,} + {there.acknowledged:,} → {found:,}",
    )


def has_clicked(crowd: Crowd, fewest: int) -> bool:
    return crowd.acknowledged >= fewest


def nodes(settings: Settings) -> str:
    return (settings.data_dir / "node").read_text()
