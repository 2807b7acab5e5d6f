"""The ingester killed at every step of its work: nothing is lost, nothing is doubled.

At each fail point it dies again and again, each time with new clicks in several segments, and
each death is followed by another ingester, which may die as well. What was asked for is
compared with an account that the test keeps for itself.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from signal import SIGKILL
from typing import get_args

import pytest
from counted import add_poster, in_reports, in_rows
from dying import FEW, DyingIngester
from evidence import Trial
from rollups import told
from service import BROWSER
from sqlalchemy import func, select

from linkservice.clicks import failpoints
from linkservice.clicks.audit import audit
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.model import LinkDay
from linkservice.clicks.segment import segments, write_segment
from linkservice.clicks.spool import node_id
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.links.model import Link

pytestmark = pytest.mark.fault

PLACES = get_args(failpoints.Place)
SEGMENTS = 3
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class Account:
    """What was recorded, as the test itself counts it."""

    def __init__(self, settings: Settings, template: Click, rng: random.Random) -> None:
        self.people = self.robots = 0
        self.tokens: set[bytes] = set()
        self._settings = settings
        self._template = template
        self._rng = rng

    def record(self) -> None:
        """A few new segments of people and robots, some of whom came before."""
        node = node_id(self._settings.data_dir)
        for _ in range(SEGMENTS):
            bodies = [encode(each) for each in self._clicks(self._rng.randint(FEW + 1, 40))]
            write_segment(self._settings.spool_dir, node, self._rng.randbytes(8), bodies)

    def _clicks(self, number: int) -> Iterator[Click]:
        for _ in range(number):
            if self._rng.random() < 0.2:
                self.robots += 1
                yield replace(self._template, user_agent=ROBOT)
                continue
            token = self._rng.randint(1, 2_000).to_bytes(16, "big")
            self.people += 1
            self.tokens.add(token)
            yield replace(self._template, token=token)


def test_an_ingester_killed_at_every_step_loses_and_doubles_nothing(
    settings: Settings, database: Database, trial: Trial
) -> None:
    times, rng = trial.size(1, 20), trial.chance()
    # In the quick form each database is left at half of the steps.
    places = PLACES if trial.soak else PLACES[database.is_sqlite :: 2]
    account = Account(settings, a_click(settings, database), rng)
    deaths = 0
    account.record()
    with closing(DyingIngester(settings)) as ingester:
        for place in rng.sample(places, len(places)):
            for _ in range(times):
                account.record()
                # Facets of several batches are added at once: their places are passed once or so.
                most = 1 if "facets" in place else SEGMENTS
                assert ingester.run(place, rng.randint(1, most)) == -SIGKILL, place
                deaths += 1
                # Its successor may die as well, or have nothing left to do there.
                deaths += ingester.run(rng.choice(PLACES), rng.randint(1, SEGMENTS)) == -SIGKILL
                assert ingester.run() == 0
                assert in_reports(database) == account.people, place
    assert_all_agree(settings, database, account)
    trial.saw(
        f"kill -9 of the ingester at every step ({database.engine.dialect.name})",
        "every point × 20: 0 lost, 0 doubled",
        f"{len(places)} points × {times}, {deaths} deaths; {account.people:,} clicks, "
        f"{account.robots:,} robots, {len(account.tokens):,} visitors: 0 lost, 0 doubled",
    )


def test_a_fail_point_costs_and_does_nothing_unless_it_is_armed() -> None:
    assert "LINKSERVICE_TEST_FAILPOINT" not in os.environ
    for place in PLACES:
        failpoints.passing(place)


def a_click(settings: Settings, database: Database) -> Click:
    home = add_poster(settings, database)
    with database.reading() as session:
        link_id = session.scalars(select(Link.id)).one()
    return Click(
        time_ms=epoch_ms(datetime.now(UTC)),
        link_id=link_id,
        link_version=1,
        domain_id=home.domain_id,
        workspace_id=home.workspace_id,
        user_agent=BROWSER,
    )


def assert_all_agree(settings: Settings, database: Database, account: Account) -> None:
    with database.reading() as session:
        visitors, robots = session.execute(
            select(func.sum(LinkDay.visitors), func.sum(LinkDay.robots))
        ).one()
        facets = told(session)
    assert (visitors, robots) == (len(account.tokens), account.robots)
    devices = sum(clicks for (facet, _), clicks in facets.items() if facet == "device")
    assert (devices, facets["robot", "Googlebot"]) == (account.people, account.robots)
    assert in_rows(database) == account.people + account.robots
    checked = audit(settings, database)
    assert (checked.difference, checked.pending) == (0, 0)
    assert checked.accepted == account.people + account.robots
    assert segments(settings.spool_dir) == []
