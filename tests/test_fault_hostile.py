"""Slow and hostile clients: nobody gets a 5xx, no worker dies, honest clients are not kept."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import hostile
import pytest
from clients import clicking_apart, clicking_steadily, percentile
from counted import add_poster, assert_each_counted_once
from evidence import Trial
from service import running

from linkservice.config import Settings
from linkservice.database import Database

pytestmark = pytest.mark.fault

EXIT_SECONDS = 10.0
HONEST_SECONDS = 0.1
BUSY = 20.0
"""How many times as long an answer may take in the quick form: its machine does other work."""


@pytest.fixture(params=["sqlite"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """No byte of these requests reaches a database."""
    return str(request.param)


def test_slow_and_hostile_clients_keep_nobody(
    settings: Settings, database: Database, tmp_path: Path, trial: Trial
) -> None:
    slow, mutated = trial.size(100, 2_000), trial.size(100, 20_000)
    rng = trial.chance()
    add_poster(settings, database)
    roles = ("redirect", "web")
    with running(settings, tmp_path, roles=roles, workers=trial.size(1, 2)) as service:
        ports = (service.link_port, service.port)
        before = service.descendants()
        with hostile.slow_clients(ports, slow, rng):
            with (
                clicking_apart(service.link_port, per_second=200, clients=5) as reports,
                ThreadPoolExecutor(8) as pool,
            ):
                sent = [*hostile.requests().values()]
                sent += [hostile.mutated(rng) for _ in range(mutated)]
                statuses = {
                    status
                    for port in ports
                    for found in pool.map(partial(hostile.answers, port), sent)
                    for status in found
                }
            assert service.descendants() == before, "a worker died"
            assert service.get("/poster") == 302
            said = service.log.read_text()
            # Nobody who says nothing, or little, can hold up its end.
            began = time.monotonic()
            assert service.stop() == 0
            assert time.monotonic() - began < EXIT_SECONDS * (1 if trial.soak else BUSY)
    (honest,) = reports
    assert {status // 100 for status in statuses} <= {2, 3, 4}, said
    assert "Traceback" not in said
    assert (honest.in_doubt, honest.refused, honest.other) == (0, 0, {})
    p99 = percentile(honest.seconds, 0.99)
    assert p99 <= HONEST_SECONDS * (1 if trial.soak else BUSY)
    trial.saw(
        "Slow clients, 100 kB headers, 64 kB URLs, raw bytes, lengths and encodings that lie",
        "0 × 5xx, 0 worker deaths, honest clients' p99 ≤ 100 ms",
        f"{slow:,} slow connections, {2 * len(sent):,} hostile requests to both ports: 0 × 5xx, "
        f"0 deaths; {len(honest.seconds):,} honest clicks, p99 {p99 * 1000:.1f} ms",
    )


def test_honest_clicks_beside_hostile_ones_are_counted(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """What is torn, folded or ambiguous is refused before it can be taken for a click."""
    add_poster(settings, database)
    with running(settings, tmp_path) as service:
        with clicking_steadily(service.link_port) as honest:
            for name in ("two lengths", "a list of lengths", "chunks twice", "a raw NUL"):
                assert hostile.answers(service.link_port, hostile.requests()[name]) == [400]
        assert service.stop() == 0
    assert assert_each_counted_once(settings, database, honest) == honest.acknowledged
