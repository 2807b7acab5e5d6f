"""The spool is full: customers arrive all the same, and what is missing is counted exactly."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cast import make_link, make_touchpoint
from evidence import Trial
from marked import clicking_marked, numbers_in
from people import Cast, everybody, text_of
from service import Service, running, wait_until

from linkservice.clicks.audit import audit
from linkservice.clicks.ingest import Ingester
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.readiness import Check, check_all

pytestmark = pytest.mark.fault

cast = pytest.fixture(everybody)

LONGEST_PAUSE_SECONDS = 5.0
"""How soon after there is room again clicks must be recorded."""

LONGEST_UNTIL_TOLD_SECONDS = 10.0
"""How soon after the disk is full the state of the service says so, on a busy machine."""

TMPFS_BYTES = 16 * 1024 * 1024
ROOM_FOR_COUNTS_ONLY = 63
"""A limit below the first bytes of a segment, and above the first of the reserved counts."""


@pytest.fixture
def engine_name() -> str:
    """The redirect does not depend on the database."""
    return "sqlite"


@contextmanager
def full_tmpfs(service: Service, spool_dir: Path) -> Iterator[None]:
    """Fill the small disk to its last block."""
    filler = spool_dir / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert os.statvfs(spool_dir).f_bavail == 0
    yield
    filler.unlink()


@contextmanager
def no_larger_files(service: Service, spool_dir: Path) -> Iterator[None]:
    """Refuse the workers every write behind the first bytes of a file."""
    before = {
        pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in service.workers("redirect")
    }
    for pid, (_, most) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (ROOM_FOR_COUNTS_ONLY, most))
    yield
    for pid, limits in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def small_disk(settings: Settings) -> Iterator[None]:
    """The spool on a disk of its own; only root may mount one."""
    settings.spool_dir.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", settings.spool_dir]
    if (
        shutil.which("mount") is None
        or subprocess.run(command, stderr=subprocess.DEVNULL).returncode
    ):
        pytest.skip("a tmpfs cannot be mounted here: that takes root with CAP_SYS_ADMIN")
    yield
    subprocess.run(["umount", "--lazy", settings.spool_dir], check=True)


def test_a_full_tmpfs_stops_no_customer(
    small_disk: None,
    settings: Settings,
    database: Database,
    cast: Cast,
    tmp_path: Path,
    trial: Trial,
) -> None:
    seen = a_full_spool(settings, database, cast, tmp_path, trial, full_tmpfs)
    trial.saw("spool full (tmpfs)", PROMISED, seen)


def test_a_disk_that_refuses_to_write_stops_no_customer(
    settings: Settings, database: Database, cast: Cast, tmp_path: Path, trial: Trial
) -> None:
    seen = a_full_spool(settings, database, cast, tmp_path, trial, no_larger_files)
    trial.saw("writes refused (RLIMIT_FSIZE)", PROMISED, seen)


PROMISED = (
    "100 % still redirected; unrecorded counted exactly, shown in the UI, `readyz` and `audit`; "
    "recorded again ≤ 5 s after there is room"
)


def a_full_spool(
    settings: Settings,
    database: Database,
    cast: Cast,
    folder: Path,
    trial: Trial,
    full: Callable[[Service, Path], AbstractContextManager[None]],
) -> str:
    """Clicks before, while and after nothing can be written; what was seen."""
    add_poster(settings, database, cast)
    answered: dict[int, float] = {}
    seconds = trial.size(5, 50) / 10

    def told(number: int) -> None:
        answered[number] = time.monotonic()

    with (
        running(settings, folder, workers=trial.size(1, 2)) as service,
        clicking_marked(service.link_port, clients=4, told=told) as clicks,
    ):
        time.sleep(seconds)
        with full(service, settings.spool_dir):
            time.sleep(seconds)
            await_told(settings, database)
        room_at = time.monotonic()
        # Of those answered from now on some are recorded, as soon as a busy machine gets to it.
        wait_until(lambda: any(answered.get(each, 0) > room_at for each in numbers_in(database)))
        time.sleep(LONGEST_PAUSE_SECONDS if trial.soak else 0)
    # The service must end after its clients, and what it recorded last be ingested.
    Ingester(settings, database).run_once()

    assert not clicks.other
    assert clicks.acknowledged == clicks.sent
    recorded, checked = numbers_in(database), audit(settings, database)
    assert set(recorded.values()) == {1}
    assert (checked.difference, checked.pending) == (0, 0)
    assert checked.unrecorded > 0
    assert len(recorded) + checked.unrecorded == len(clicks.acknowledged)
    for path in ("/", "/reports"):
        assert f"Unrecorded clicks {checked.unrecorded:,}" in text_of(cast.ada.get(path))
    pause = min(answered[number] for number in recorded if answered[number] > room_at) - room_at
    assert pause <= LONGEST_PAUSE_SECONDS
    return (
        f"{len(clicks.acknowledged):,} of {len(clicks.sent):,} redirected: {len(recorded):,} "
        f"recorded + {checked.unrecorded:,} counted as unrecorded; recorded again after "
        f"{pause:.2f} s"
    )


def add_poster(settings: Settings, database: Database, cast: Cast) -> None:
    now = datetime.now(UTC)
    with database.transaction() as session:
        touchpoint_id = make_touchpoint(session, cast.home)
        make_link(session, settings, cast.home, "poster", touchpoint_id, now=now)


def await_told(settings: Settings, database: Database) -> None:
    """Whoever asks for the state of the service hears of it.

    Not from the first click on: the last block that a segment got before the disk was full has
    room for some more, and on a busy machine a while passes before clients have filled it.
    """
    until = time.monotonic() + LONGEST_UNTIL_TOLD_SECONDS
    while (recording := recording_check(settings, database)).ok and time.monotonic() < until:
        time.sleep(0.1)
    assert not recording.ok
    assert "not recorded" in recording.detail
    assert audit(settings, database).unrecorded > 0


def recording_check(settings: Settings, database: Database) -> Check:
    checks = {check.name: check for check in check_all(settings, database, datetime.now(UTC))}
    return checks["recording"]
