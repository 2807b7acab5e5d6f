"""Closed months of conversions tell what their days tell, whatever is changed afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from cast import Home, make_home, make_link, make_touchpoint
from closed_scene import APRIL, CLOSED_MONTHS, JUNE, MAY, NOW, idle_until
from sqlalchemy import delete, select

from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.ingest import Ingester
from linkservice.config import Settings
from linkservice.conversions.click_id import ClickIds
from linkservice.conversions.counts import NewCount, import_counts
from linkservice.conversions.model import ConversionCount, ConversionDay, ConversionMonth
from linkservice.conversions.months import Closing
from linkservice.conversions.recording import NewConversion, record_conversion
from linkservice.database import Database
from linkservice.reports.conversions import (
    ATTRIBUTIONS,
    Attribution,
    ImportedSum,
    converted,
    imported_sums,
)
from linkservice.reports.period import Period

JULY = date(2026, 7, 1)

PERIODS = (
    *CLOSED_MONTHS.periods,
    Period(date(2026, 1, 1), date(2026, 12, 31), "UTC"),
)


@dataclass(frozen=True)
class Shop:
    """A workspace with three touchpoints, a link at each, and one link at none (the last)."""

    settings: Settings
    database: Database
    home: Home
    touchpoints: Sequence[str]
    links: Sequence[int]

    def buy(self, number: int, day: date, first: int, last: int, value: int | None) -> None:
        """A conversion at noon after clicks of two links."""
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        ids = ClickIds(self.settings.secret_key)
        clicks = [
            ids.make(self.links[place], 1, epoch_ms(noon - timedelta(hours=ago)))
            for place, ago in ((first, 5), (last, 1))
        ]
        new = NewConversion(f"order {number}", clicks, occurred_at=noon, value=value)
        with self.database.transaction() as session:
            record_conversion(session, self.home.actor, self.settings, new, NOW)

    def count(self, day: date, place: int, conversions: int, value: int, source: str) -> None:
        new = NewCount(day, self.touchpoints[place], conversions, value)
        with self.database.transaction() as session:
            import_counts(session, self.home.actor, [new], source, NOW)

    def trade(self, seed: int, times: int = 60) -> None:
        """Conversions of both kinds from the end of March to July."""
        rng = random.Random(seed)
        for number in range(times):
            day = date(2026, 3, 28) + timedelta(days=rng.randrange(110))
            if rng.random() < 0.6:
                value = rng.choice((None, 0, 10**12))
                ends = rng.randrange(4), rng.randrange(4)
                self.buy(1000 * seed + number, day, *ends, value)
            else:
                sums = rng.randrange(9), rng.randrange(9000)
                self.count(day, rng.randrange(3), *sums, rng.choice(("till", "shop")))

    def close(self, now: datetime = NOW) -> int:
        closing, steps = Closing(self.database), 0
        while closing.some(now):
            steps += 1
        return steps

    def closed(self) -> list[date]:
        with self.database.reading() as session:
            packed = select(ConversionMonth.month).where(ConversionMonth.last.is_not(None))
            return sorted(session.scalars(packed))

    def told(self, period: Period, by: Attribution) -> dict[int, tuple[list[int], list[int]]]:
        with self.database.reading() as session:
            found = converted(session, self.home.workspace_id, period, by)
        for each in found.values():
            assert (each.conversions, each.value) == (sum(each.daily), sum(each.daily_value))
        return {
            number: ([*each.daily], [*each.daily_value])
            for number, each in found.items()
            if any(each.daily) or any(each.daily_value)
        }

    def right(self, period: Period, by: Attribution) -> dict[int, tuple[list[int], list[int]]]:
        """What the days sum up to."""
        days = len(period)
        found: defaultdict[int, tuple[list[int], list[int]]] = defaultdict(
            lambda: ([0] * days, [0] * days)
        )
        with self.database.reading() as session:
            reported = session.scalars(select(ConversionDay))
            imported = session.scalars(select(ConversionCount))
            rows = [each for each in reported if each.attribution == by]
            for row in [*rows, *imported]:
                if period.first <= row.local_date <= period.last and row.conversions + row.value:
                    counts, values = found[row.touchpoint_id]
                    counts[period.number(row.local_date)] += row.conversions
                    values[period.number(row.local_date)] += row.value
        return dict(found)

    def is_told(self, periods: Sequence[Period] = PERIODS) -> None:
        for period in periods:
            for by in ATTRIBUTIONS:
                assert self.told(period, by) == self.right(period, by)
            with self.database.reading() as session:
                imported = imported_sums(session, self.home.workspace_id, period)
            assert imported == self.imported(period)

    def imported(self, period: Period) -> list[ImportedSum]:
        """What the imported sums of days add up to."""
        found: dict[int, list[int]] = {}
        with self.database.reading() as session:
            for row in session.scalars(select(ConversionCount)):
                if period.first <= row.local_date <= period.last:
                    sums = found.setdefault(row.touchpoint_id, [0, 0, 0])
                    valued = row.conversions if row.value > 0 else 0
                    for place, each in enumerate((row.conversions, valued, row.value)):
                        sums[place] += each
        return [ImportedSum(number, *found[number]) for number in sorted(found)]


@pytest.fixture
def shop(database: Database, settings: Settings) -> Shop:
    with database.transaction() as session:
        home = make_home(session, settings)
        touchpoints = [make_touchpoint(session, home, name) for name in "ABC"]
        links = [
            make_link(session, settings, home, f"link-{number}", touchpoint).id
            for number, touchpoint in enumerate([*touchpoints, None])
        ]
    return Shop(settings, database, home, touchpoints, links)


def test_closed_months_tell_what_their_days_tell(shop: Shop) -> None:
    shop.trade(1)
    before = [shop.told(period, by) for period in PERIODS for by in ATTRIBUTIONS]
    imported = shop.imported(PERIODS[0])
    assert shop.close() == len(shop.closed()) == 4
    shop.is_told()
    with shop.database.transaction() as session:
        for rows in (ConversionDay, ConversionCount):
            session.execute(delete(rows).where(rows.local_date < JULY))
    after = [shop.told(period, by) for period in PERIODS[:1] for by in ATTRIBUTIONS]
    assert after == before[:2], "not read from the months"
    with shop.database.reading() as session:
        assert imported == imported_sums(session, shop.home.workspace_id, PERIODS[0])
    assert before[0] != before[1], "first and last touch are alike here"


def test_whatever_changes_a_day_reopens_its_month(shop: Shop) -> None:
    shop.trade(1)
    shop.close()
    shop.buy(1, date(2026, 5, 31), 0, 1, 5)
    assert shop.closed() == [date(2026, 3, 1), APRIL, JUNE]
    shop.is_told()
    shop.count(JUNE, 2, 7, 70, "late")
    assert shop.closed() == [date(2026, 3, 1), APRIL]
    shop.is_told()
    assert shop.close() == 2
    shop.count(JUNE, 2, 7, 70, "late")
    assert shop.closed() == [date(2026, 3, 1), APRIL, MAY, JUNE], "the same again changes nothing"
    shop.count(JUNE, 2, 0, 0, "late")
    assert JUNE not in shop.closed()
    shop.is_told()
    shop.close()
    shop.is_told()


def test_a_month_without_any_may_get_some(shop: Shop) -> None:
    shop.count(JULY, 0, 1, 1, "till")
    shop.close()
    shop.count(MAY, 0, 3, 30, "till")
    shop.buy(1, APRIL, 1, 3, 4)
    shop.is_told()
    assert shop.close() == 2
    assert shop.closed() == [APRIL, MAY]
    shop.is_told()


def test_a_month_is_closed_a_week_after_its_end(shop: Shop) -> None:
    shop.count(MAY, 0, 3, 30, "till")
    assert shop.close(datetime(2026, 6, 7, 23, 59, tzinfo=UTC)) == 0
    assert shop.close(datetime(2026, 6, 8, 0, 0, tzinfo=UTC)) == 1


def test_a_conversion_that_is_just_coming_is_not_missed(shop: Shop) -> None:
    """Closing waits for whoever is about to change a day that it would sum up."""
    shop.count(MAY, 0, 3, 30, "till")
    closing = threading.Thread(target=shop.close)
    new = NewCount(MAY + timedelta(days=3), shop.touchpoints[1], 4, 40)
    with shop.database.transaction() as session:
        import_counts(session, shop.home.actor, [new], "till", NOW)
        closing.start()
        time.sleep(0.3)
    closing.join()
    shop.is_told()
    assert shop.closed() == [MAY]


def test_closing_and_changing_at_once(shop: Shop) -> None:
    failures: list[BaseException] = []

    def forever(work: partial[object], until: float) -> None:
        try:
            while time.monotonic() < until:
                work()
        except BaseException as error:
            failures.append(error)

    ends = time.monotonic() + 1.5
    numbers = iter(range(10**6))

    def buy(rng: random.Random) -> None:
        day = APRIL + timedelta(days=rng.randrange(90))
        shop.buy(next(numbers), day, rng.randrange(4), rng.randrange(4), 1)

    def count(rng: random.Random) -> None:
        day = APRIL + timedelta(days=rng.randrange(90))
        shop.count(day, rng.randrange(3), rng.randrange(99), 2, "till")

    works = [
        partial(shop.close),
        partial(shop.close),
        *(partial(work, random.Random(seed)) for seed, work in enumerate((buy, count, buy))),
    ]
    threads = [threading.Thread(target=forever, args=(work, ends)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    shop.is_told()
    shop.close()
    assert len(shop.closed()) == 3
    shop.is_told()


def test_an_idle_ingester_closes_months(shop: Shop) -> None:
    shop.trade(1, 20)
    ingester = Ingester(shop.settings, shop.database, Closing(shop.database).some)
    idle_until(ingester, lambda: {APRIL, MAY, JUNE} <= {*shop.closed()}, seconds=180)
    assert {APRIL, MAY, JUNE} <= {*shop.closed()}
    shop.is_told()
