"""Clicks of some months, what is closed of them, and the single days it has to tell the same as."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from cast import Home, make_home, make_link, make_touchpoint
from filtered_scene import taken_back
from sqlalchemy import delete, select, update

from linkservice.clicks import ingest, spans
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import LinkDay, LinkHour, TouchpointDay
from linkservice.clicks.months import MONTHS
from linkservice.clicks.packed_model import EveryLinkFacet, EveryLinkHour, PackedLinkDay
from linkservice.clicks.segment import write_segment
from linkservice.clicks.spans import Closing, Spans
from linkservice.clicks.spool import node_id
from linkservice.clicks.weeks import WEEKS
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.model import Campaign
from linkservice.links.model import Link
from linkservice.reports import details
from linkservice.reports.days import Count, days_of_closed_months, days_of_touchpoints
from linkservice.reports.details import Details
from linkservice.reports.link_sums import sums_of_links
from linkservice.reports.period import Period
from linkservice.reports.sources import PERSONS

APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)
DAY = timedelta(days=1)
WHOLE_MAY = Period(MAY, JUNE - DAY, "UTC")
NOW = datetime(2026, 7, 20, 9, 30, tzinfo=UTC)
"""May and June are to be closed by then."""

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        home = make_home(session, settings)
        touchpoint = make_touchpoint(session, home)
        for number in range(3):
            make_link(session, settings, home, f"link-{number}", touchpoint if number else None)
        return home


@pytest.fixture
def campaign(database: Database, home: Home) -> int:
    """Has the second and the third link."""
    with database.transaction() as session:
        made = Campaign(workspace_id=home.workspace_id, name="Autumn", created_at=NOW)
        session.add(made)
        session.flush()
        session.execute(update(Link).where(Link.id > 1).values(campaign_id=made.id))
        return made.id


@pytest.fixture
def in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_BATCH", "SMALLEST_BATCH", "LARGEST_BATCH"):
        monkeypatch.setattr(ingest, name, 7)


@pytest.fixture
def one_link_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_LINKS", "MOST_LINKS"):
        monkeypatch.setattr(spans, name, 1)


def come(
    settings: Settings,
    database: Database,
    home: Home,
    seed: int,
    links: Sequence[int] = (1, 2, 3),
    days: tuple[date, date] = (date(2026, 4, 15), date(2026, 7, 15)),
    clicks: int = 60,
) -> None:
    """Clicks at random moments of these days, ingested."""
    rng = random.Random(seed)
    first, last = (epoch_ms(datetime(day.year, day.month, day.day, tzinfo=UTC)) for day in days)
    plain = Click(
        time_ms=0,
        link_version=1,
        domain_id=home.domain_id,
        workspace_id=home.workspace_id,
        network=bytes((84, 150, 1)),
        language="de",
    )
    made = [
        replace(
            plain,
            time_ms=rng.randint(first, last),
            link_id=rng.choice(links),
            user_agent=rng.choice(BROWSERS),
            referrer_host=rng.choice(("news.example", "")),
        )
        for _ in range(clicks)
    ]
    write_segment(
        settings.spool_dir, node_id(settings.data_dir), rng.randbytes(8), map(encode, made)
    )
    Ingester(settings, database).run_once()


def idle_until(ingester: Ingester, is_done: Callable[[], bool], seconds: float = 60) -> None:
    """Let the ingester run, with nothing to ingest, until that is so or the time is up."""
    stop = threading.Event()
    running = threading.Thread(target=ingester.run, args=(stop,))
    # It takes a step at a time, and as a rule waits for clicks after each of them.
    patch = pytest.MonkeyPatch()
    patch.setattr(ingest, "PAUSE_SECONDS", 0.01)
    running.start()
    until = time.monotonic() + seconds
    try:
        while not is_done() and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        stop.set()
        running.join()
        patch.undo()


def told(database: Database, period: Period, links: Sequence[int]) -> Details:
    with database.reading() as session:
        return details.of_links(session, PERSONS, links, period)


def by_days(database: Database, period: Period, links: Sequence[int]) -> Details:
    with database.reading() as session:
        chosen = (
            rows.link_id.in_(links) & rows.local_date.between(period.first, period.last)
            for rows in (EveryLinkHour, EveryLinkFacet)
        )
        return details.of_rows(session, PERSONS, *chosen)


def clicks_in(found: Details) -> int:
    return sum(hour.clicks for hour in found.hours)


def told_without_rows(database: Database, links: Sequence[int]) -> int:
    """How many clicks of May are told while its hours are gone."""
    with taken_back(database) as session:
        for rows in (LinkHour, PackedLinkDay):
            session.execute(delete(rows))
        found = details.of_links(session, PERSONS, links, WHOLE_MAY)
    return clicks_in(found)


def days_are_the_same(database: Database, period: Period) -> None:
    """Packed days of touchpoints are those of the roll-up."""
    with database.reading() as session:
        rows = session.scalars(
            select(TouchpointDay).where(TouchpointDay.local_date.between(period.first, period.last))
        ).all()
        assert rows
        for count in get_args(Count):
            right: dict[int, list[int]] = {}
            for row in rows:
                counts = right.setdefault(row.touchpoint_id, [0] * len(period))
                counts[period.number(row.local_date)] = _counted(row, count)
            found = days_of_touchpoints(session, PERSONS, rows[0].workspace_id, period, count)
            some = {key: days for key, days in right.items() if any(days)}
            assert {key: days.tolist() for key, days in found.items()} == some
        closed, stretches = days_of_closed_months(session, PERSONS, rows[0].workspace_id, period)
        beside = [
            day for day in period.days() if any(first <= day <= last for first, last in stretches)
        ]
        summed: dict[date, tuple[int, ...]] = {}
        for row in rows:
            if row.local_date not in beside:
                visitors = row.touchpoint_visitors if row.touchpoint_id else row.visitors
                sums = summed.get(row.local_date, (0, 0, 0))
                each = row.clicks, row.scans, visitors
                summed[row.local_date] = tuple(map(sum, zip(sums, each, strict=True)))
        assert {day: (of.clicks, of.scans, of.visitors) for day, of in closed.items()} == summed
        assert set(beside) | set(closed) >= {row.local_date for row in rows}


def _counted(row: TouchpointDay, count: Count) -> int:
    if count == "visitors":
        return row.tokenless + (row.touchpoint_visitors if row.touchpoint_id else row.visitors)
    return {"clicks": row.clicks, "scans": row.scans, "tokenless": row.tokenless}[count]


def sums_are_the_same(database: Database, period: Period) -> None:
    """Packed sums of links are those of their days; links 1 and 2 are one's, 3 another's."""
    whose = {1: 7, 2: 7, 3: 8}
    right: dict[tuple[int, int], list[int]] = {}
    with database.reading() as session:
        rows = session.scalars(
            select(LinkDay).where(LinkDay.local_date.between(period.first, period.last))
        ).all()
        for row in rows:
            visitors = row.touchpoint_visitors if row.touchpoint_id else row.visitors
            sums = right.setdefault((whose[row.link_id], row.touchpoint_id), [0] * 4)
            for place, count in enumerate((row.clicks, row.scans, visitors, row.tokenless)):
                sums[place] += count
        links = select(Link.id).where(Link.id.in_(list(whose)))
        found = sums_of_links(session, PERSONS, rows[0].workspace_id, period, links, whose)
        assert {(each.whose, each.touchpoint_id): list(each[2:]) for each in found} == right
        third = links.where(Link.id == 3)
        alone = sums_of_links(session, PERSONS, rows[0].workspace_id, period, third, {3: 8})
        assert {key: of for key, of in right.items() if key[0] == 8} == {
            (each.whose, each.touchpoint_id): list(each[2:]) for each in alone
        }


@dataclass(frozen=True)
class Closed:
    """What is closed, and when."""

    spans: Spans
    now: datetime
    firsts: Sequence[date]
    """What is closed by now of the months that clicks come in."""
    too_early: datetime
    """What is first in May is not closed an hour before midnight, but one after it."""
    late: tuple[date, date]
    """Days of one of them."""
    steps: int
    """To close that again for one link."""
    least_steps: int
    """To close all, a link a step."""
    periods: Sequence[Period]
    checks: Sequence[Callable[[Database, Period], None]] = ()
    """What else is the same."""

    def close(self, database: Database, now: datetime | None = None) -> int:
        """Close all there is to close; in how many steps."""
        closing, steps = Closing(database, self.spans), 0
        while closing.some(now or self.now):
            steps += 1
        return steps

    def closed(self, database: Database) -> list[date]:
        rows = self.spans.closed
        with database.reading() as session:
            return sorted(session.scalars(select(rows.first).where(rows.whole)))

    def reopened(self, database: Database) -> list[tuple[date, int]]:
        rows = self.spans.of_links
        with database.reading() as session:
            query = select(rows.first, rows.link_id).where(rows.hours.is_(None))
            return sorted((first, link_id) for first, link_id in session.execute(query))

    def all_are_the_same(self, database: Database) -> None:
        for period in self.periods:
            for links in ([1], [2, 3], [1, 2, 3]):
                found = told(database, period, links)
                assert found == by_days(database, period, links)
                assert clicks_in(found) > 0 or len(period) < 7
            for check in self.checks:
                check(database, period)


CLOSED_MONTHS = Closed(
    MONTHS,
    now=NOW,
    firsts=[APRIL, MAY, JUNE],
    too_early=datetime(2026, 6, 7, 23, tzinfo=UTC),
    late=(MAY, date(2026, 5, 31)),
    steps=2,  # the link, and the days of its touchpoint
    least_steps=13,
    periods=(
        Period(MAY, date(2026, 6, 30), "UTC"),
        Period(date(2026, 4, 20), date(2026, 7, 10), "UTC"),
        Period(date(2026, 5, 2), date(2026, 6, 30), "UTC"),
        Period(date(2026, 5, 10), date(2026, 5, 20), "UTC"),
        # Of most of a month the days are read that it leaves out.
        Period(date(2026, 5, 3), date(2026, 5, 28), "UTC"),
        Period(date(2026, 4, 5), date(2026, 5, 29), "UTC"),
    ),
    checks=(days_are_the_same, sums_are_the_same),
)
CLOSED_WEEKS = Closed(
    WEEKS,
    # May is over, and is not closed yet; April is to be.
    now=datetime(2026, 6, 5, 9, 30, tzinfo=UTC),
    firsts=[MAY + days * DAY for days in (0, 7, 14, 21, 28)],
    too_early=datetime(2026, 5, 8, 23, tzinfo=UTC),
    late=(date(2026, 5, 16), date(2026, 5, 19)),
    steps=1,
    least_steps=20,
    periods=(
        WHOLE_MAY,
        Period(date(2026, 4, 20), date(2026, 6, 3), "UTC"),
        Period(date(2026, 5, 7), date(2026, 5, 29), "UTC"),
        Period(date(2026, 5, 10), date(2026, 5, 12), "UTC"),
    ),
)
