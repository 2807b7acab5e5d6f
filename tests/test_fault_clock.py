"""The clock jumps, and the nights on which clocks change: every click on its local day.

A service runs with a clock that the test sets. Which local day it is then is worked out here
from written-down offsets, not from the time zone data the service uses.
"""

from __future__ import annotations

import random
import re
import struct
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cast import make_home, make_link
from clients import clicking
from evidence import Trial
from preload import compiled
from service import running
from sqlalchemy import func, select

from linkservice import metrics
from linkservice.clicks import calendar
from linkservice.clicks.audit import audit
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import Click, LinkDay
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.readiness import check_all

pytestmark = pytest.mark.fault


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OFFSETS: dict[str, Sequence[tuple[str, int]]] = {
    # Minutes east of UTC from a moment on.
    "Europe/Berlin": [
        ("2026-03-29 01:00", 120),
        ("2026-10-25 01:00", 60),
        ("2027-03-28 01:00", 120),
    ],
    "Asia/Kolkata": [("2000-01-01", 330)],
    "Asia/Kathmandu": [("2000-01-01", 345)],
    "Australia/Lord_Howe": [
        ("2026-04-04 15:00", 630),
        ("2026-10-03 15:30", 660),
        ("2027-04-03 15:00", 630),
    ],
    "America/St_Johns": [
        ("2026-03-08 05:30", -150),
        ("2026-11-01 04:30", -210),
        ("2027-03-14 05:30", -150),
    ],
}

NIGHTS = [
    # Both nights of each zone: the moment of the change, and the midnights around it.
    *("2026-10-24 22:00", "2026-10-25 01:00", "2026-10-25 23:00"),
    *("2027-03-27 23:00", "2027-03-28 01:00", "2027-03-28 22:00"),
    *("2026-10-03 13:30", "2026-10-03 15:30", "2026-10-04 13:00"),
    *("2027-04-03 13:00", "2027-04-03 15:00", "2027-04-04 13:30"),
    *("2026-11-01 02:30", "2026-11-01 04:30", "2026-11-02 03:30"),
    *("2027-03-14 03:30", "2027-03-14 05:30", "2027-03-15 02:30"),
    # Midnights of the zones between the hours.
    *("2026-12-31 18:30", "2026-12-31 18:15", "2027-02-28 18:30"),
]

BEFORE = timedelta(seconds=0.3)
"""The clock is set to so long before each moment, and clicks come until as long after it."""


def local(zone: str, moment: datetime) -> datetime:
    """The local time, by the offsets above."""
    minutes = [minutes for since, minutes in OFFSETS[zone] if utc(since) <= moment][-1]
    return moment + timedelta(minutes=minutes)


class Clock:
    """The clock of the service."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ahead = timedelta()
        self.set(self.ahead)

    def set(self, ahead: timedelta) -> None:
        self.ahead = ahead
        nanoseconds = ahead // timedelta(microseconds=1) * 1000
        # In place: the service has mapped the file.
        with self._path.open("r+b" if self._path.exists() else "wb") as file:
            file.write(struct.pack("<q", nanoseconds))

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def environment(self, library: Path) -> dict[str, str]:
        return {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self._path)}


def test_every_click_falls_on_its_local_day_whatever_the_clock_does(
    settings: Settings, database: Database, tmp_path: Path, trial: Trial, engine_name: str
) -> None:
    rng = trial.chance()
    hosts = add_homes(settings, database)
    jumps = plan(rng, trial)
    clock = Clock(tmp_path / "clock")
    acknowledged: Counter[str] = Counter()
    with running(
        settings, tmp_path, workers=1, environment=clock.environment(compiled("clock", tmp_path))
    ) as service:
        for moment in jumps:
            clock.set(moment - BEFORE - datetime.now(UTC))
            for zone, clicks in click_everywhere(service.link_port, hosts).items():
                acknowledged[zone] += clicks
            assert_no_negative_age(settings, database, clock.now())
        assert service.stop() == 0
    Ingester(settings, database).run_once()

    checked = audit(settings, database)
    assert (checked.difference, checked.pending, checked.unrecorded) == (0, 0, 0)
    assert checked.ingested == acknowledged.total()
    for zone, (workspace_id, _) in hosts.items():
        expected = days_and_hours(database, workspace_id, zone, jumps)
        assert sum(expected.values()) == acknowledged[zone]
    trial.saw(
        f"clock jumps, both nights of clock change, half-hour zones ({engine_name})",
        "0 lost, no negative age, every click on its local day",
        f"{len(jumps)} jumps over {len(OFFSETS)} zones, {acknowledged.total():,} clicks: 0 lost, "
        "0 on a wrong day or hour, 0 negative ages",
    )


def plan(rng: random.Random, trial: Trial) -> list[datetime]:
    """The moments in an order without sense, with jumps of a day to and fro in between."""
    moments = [utc(night) for night in NIGHTS]
    rng.shuffle(moments)
    found: list[datetime] = []
    for moment in moments[: trial.size(2, len(moments))]:
        found += [moment, moment + rng.choice((1, -1)) * timedelta(days=1)]
    return found


def add_homes(settings: Settings, database: Database) -> dict[str, tuple[int, str]]:
    """For each zone a workspace and the host of its domain, with the link `poster`."""
    hosts = {}
    with database.transaction() as session:
        for number, zone in enumerate(OFFSETS):
            host = f"zone-{number}.example"
            home = make_home(session, settings, host=host, time_zone=zone)
            make_link(session, settings, home, "poster")
            hosts[zone] = (home.workspace_id, host)
    return hosts


def click_everywhere(port: int, hosts: dict[str, tuple[int, str]]) -> dict[str, int]:
    """Clicks from just before the moment until just after it; how many of each zone's arrived."""
    told: dict[str, int] = {}

    def click(zone: str, host: str) -> None:
        with clicking(port, host=host, clients=1, depth=1) as crowd:
            time.sleep(2 * BEFORE.total_seconds())
        assert (crowd.in_doubt, crowd.refused, dict(crowd.other)) == (0, 0, {})
        told[zone] = crowd.acknowledged

    threads = [
        threading.Thread(target=click, args=(zone, host)) for zone, (_, host) in hosts.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told.keys() == hosts.keys()
    return told


def days_and_hours(
    database: Database, workspace_id: int, zone: str, jumps: list[datetime]
) -> Counter[date]:
    """Clicks by local day; every row and roll-up must stand where the offsets say."""
    days: Counter[date] = Counter()
    with database.reading() as session:
        for row in session.scalars(select(Click).where(Click.workspace_id == workspace_id)):
            clicked = calendar.moment(row.time_ms)
            there = local(zone, clicked)
            assert (row.local_day, row.local_hour) == (there.date().toordinal(), there.hour)
            assert any(abs(clicked - jump) < timedelta(seconds=60) for jump in jumps)
            days[there.date()] += 1
        rolled_up = session.execute(
            select(LinkDay.local_date, func.sum(LinkDay.clicks))
            .where(LinkDay.workspace_id == workspace_id)
            .group_by(LinkDay.local_date)
        )
        assert dict(list(rolled_up)) == days
    return days


def assert_no_negative_age(settings: Settings, database: Database, now: datetime) -> None:
    """Neither in what is told to people nor in what is told to machines."""
    for check in check_all(settings, database, now):
        if check.name == "clock":
            continue  # how far the database's is from ours: a difference has a sign
        assert not re.search(r"(?<![\w-])-\d", check.detail), check
    for line in metrics.text(settings, database, now).splitlines():
        assert line.startswith("#") or not line.rpartition(" ")[2].startswith("-"), line
