"""A copied data directory is refused while the original is at work, and nothing counts twice."""

from __future__ import annotations

import fcntl
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from evidence import Trial
from marked import numbers_in
from recording import Recording, clicked_link
from service import free_ports, wait_until
from sqlalchemy import func, select, text, update
from terminal import done, refused
from test_fault_ingesters import ingester

from linkservice.clicks.audit import audit
from linkservice.clicks.claims import LEASE, RENEW, Claim, Claims, place_of
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import LinkDay
from linkservice.clicks.segment import QUARANTINE, node_id, segments
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict

pytestmark = pytest.mark.fault

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """A database that is not copied with the data directory."""
    if not settings.database_url.startswith("sqlite"):
        return settings
    apart = tmp_path / "apart.db"
    shutil.move(settings.data_dir / "linkservice.db", apart)
    return replace(settings, database_url=f"sqlite:///{apart}")


def copy_of(settings: Settings, name: str) -> Settings:
    """What `cp -a` makes of the data directory."""
    copied = settings.data_dir.with_name(name)
    shutil.copytree(settings.data_dir, copied, copy_function=copy_if_there)
    return replace(settings, data_dir=copied)


def copy_if_there(source: str, target: str) -> None:
    with suppress(FileNotFoundError):  # sealed since the folder was listed
        shutil.copy2(source, target)


def test_a_copy_is_refused_with_its_remedies_while_the_original_works(
    settings: Settings, database: Database, trial: Trial
) -> None:
    recording = Recording(settings, clicked_link(settings, database), trial.chance())
    recording.record(100)
    original = Ingester(settings, database)
    with original.alone():
        original.run_once()
        # Copied while a segment still grows: in the copy it ends here.
        copied = copy_of(settings, "copied")
        recording.record(100)
        second = Ingester(copied, database)
        with pytest.raises(Conflict, match=f"{settings.data_dir}.*node adopt.*node renew"):
            second.run_once()
        with pytest.raises(Conflict, match="is a copy"), second.alone():
            pass
        port, link_port = map(str, free_ports())
        said = refused(copied, "serve", "--port", port, "--link-port", link_port)
        assert "is a copy" in said
        original.run_once()
    recording.close()
    Ingester(settings, database).run_once()
    assert numbers_in(database) == dict.fromkeys(range(1, 201), 1)


def test_a_moved_directory_is_taken_over_once_the_old_place_is_silent_or_gives_it_back(
    settings: Settings, database: Database
) -> None:
    old, copied = Claims(settings, database), copy_of(settings, "moved")
    node_id(settings.data_dir)
    shutil.copy(settings.data_dir / "node", copied.data_dir / "node")
    new = Claims(copied, database)
    old.hold(NOW)
    with pytest.raises(Conflict, match="lapses in 60 s"):
        new.hold(NOW)
    new.hold(NOW + LEASE)  # nobody renewed it
    with pytest.raises(Conflict):
        old.hold(NOW + LEASE)
    new.give_back()
    old.hold(NOW + LEASE)
    # A clock that was set back a day keeps nobody from renewing what is his.
    old.hold(NOW - RENEW)


def test_the_same_directory_goes_on_at_once_after_a_crash(
    settings: Settings, database: Database
) -> None:
    Claims(settings, database).hold(NOW)
    Claims(settings, database).hold(NOW)


def test_a_copy_becomes_a_node_of_its_own(
    settings: Settings, database: Database, trial: Trial
) -> None:
    click = clicked_link(settings, database)
    recording = Recording(settings, click, trial.chance())
    recording.record(50)
    Claims(settings, database).hold(datetime.now(UTC))
    copied = copy_of(settings, "second")
    before = node_id(copied.data_dir)
    done(copied, "node", "renew")
    assert node_id(copied.data_dir) != before
    assert segments(copied.spool_dir) == []
    assert list((copied.spool_dir / QUARANTINE).glob("*.copied"))
    other = Recording(copied, click, trial.chance())
    other.record(30)
    recording.close()
    other.close()
    for each in (settings, copied):
        Ingester(each, database).run_once()
    with database.reading() as session:
        assert session.scalar(select(func.sum(LinkDay.clicks))) == 80


def test_whoever_adopts_the_node_has_it(settings: Settings, database: Database) -> None:
    old = Claims(settings, database)
    old.hold(datetime.now(UTC))
    copied = copy_of(settings, "adopting")
    assert f"it was in {place_of(settings.data_dir).described}" in done(copied, "node", "adopt")
    with database.writing_connection() as connection, pytest.raises(Conflict, match="adopting"):
        old.require(connection, node_id(settings.data_dir).hex(), datetime.now(UTC))
    assert refused(settings, "ingest", "--once")


def test_who_was_stopped_past_the_lease_finds_the_node_taken(
    settings: Settings, database: Database, trial: Trial, engine_name: str
) -> None:
    rng = trial.chance()
    rounds = trial.size(1, 10)
    click = clicked_link(settings, database)
    recording = Recording(settings, click, rng)
    here = settings
    for number in range(rounds):
        recording.record(20)
        with ingester(here) as stopped, recording.going_on():
            wait_until_held(database, here)
            wait_until(lambda: numbers_in(database))
            stop_between_writes(stopped, database)
            lapse(database)
            there = copy_of(here, f"moved-{number}")
            with ingester(there) as going_on:
                wait_until_held(database, there)
                stopped.send_signal(signal.SIGCONT)
                assert stopped.wait(60) != 0  # it says why, and ends
                assert going_on.poll() is None
        # The old place again, as its owner who never moved; the copy is gone.
        lapse(database)
    recording.close()
    Ingester(here, database).run_once()
    counted, checked = numbers_in(database), audit(here, database)
    assert set(counted.values()) == {1}
    assert checked.difference == checked.pending == 0
    # What a copy finished too early goes on; a record it had only in part is damage, and told.
    assert recording.recorded - len(counted) <= checked.damaged <= rounds
    trial.saw(
        f"an ingester stopped past its lease, its node taken over, continued ({engine_name})",
        "0 doubled",
        f"{rounds} times, {counted.total():,} clicks: 0 doubled, "
        f"{recording.recorded - len(counted)} lost; the one continued ended by itself",
    )


def wait_until_held(database: Database, settings: Settings) -> None:
    place = place_of(settings.data_dir).fingerprint

    def held() -> bool:
        with database.reading() as session:
            return session.scalar(select(Claim.place)) == place

    wait_until(held)


def stop_between_writes(process: subprocess.Popen[bytes], database: Database) -> None:
    """SIGSTOP, but not in a transaction: on SQLite nobody could take anything over then, on
    PostgreSQL only after the minute in which the server gives up who says nothing.
    """
    while True:
        process.send_signal(signal.SIGSTOP)
        if not (writes_to_sqlite(database) if database.is_sqlite else writes_to_postgres(database)):
            return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.01)


def writes_to_sqlite(database: Database) -> bool:
    """Whether anybody waits for the turn to write, or has it."""
    locks = [Path(f"{database.engine.url.database}.{name}") for name in ("next", "gate")]
    with ExitStack() as stack, suppress(BlockingIOError):
        for each in locks:
            fcntl.flock(stack.enter_context(each.open("rb")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    return True


def writes_to_postgres(database: Database) -> bool:
    """Whether a transaction of anybody else is open."""
    with database.reading() as session:
        open_ones = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"
        )
        return bool(session.scalar(open_ones))


def lapse(database: Database) -> None:
    """As if the lease's minute had passed."""
    with database.writing_connection() as connection:
        connection.execute(update(Claim).values(lapses_at=NOW))
