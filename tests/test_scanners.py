"""Mail scanners that pose as browsers: found by their timing, crowds and quick people are not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from cast import NOW, Home, make_home, make_link, make_touchpoint
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from linkservice.clicks import ingest
from linkservice.clicks.audit import audit
from linkservice.clicks.calendar import epoch_ms
from linkservice.clicks.event import Click, Source, encode
from linkservice.clicks.ingest import Ingester
from linkservice.clicks.model import (
    CLASSES,
    LinkDay,
    LinkFacet,
    LinkHour,
    SuspectedDay,
    SuspectedFacet,
    SuspectedHour,
)
from linkservice.clicks.model import Click as ClickRow
from linkservice.clicks.placing import CLICK, PERSON, SUSPECTED
from linkservice.clicks.reading import RECORD, Came, Records, Rows, Sent
from linkservice.clicks.reclassify import reclassify
from linkservice.clicks.scanners import SPAN_MS, Suspects, Suspicion
from linkservice.clicks.spool import Spool
from linkservice.clicks.visitor import packed_network
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.reports.links import link_report
from linkservice.reports.queries import touchpoint_report
from linkservice.reports.touchpoints import touchpoint_detail
from linkservice.reports.trend import total, trend_of

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
START = epoch_ms(NOW)
SEGMENT = ("a" * 32, "20261127T120000.000-0123456789abcdef")


class Visit(NamedTuple):
    """A person's click, that many milliseconds after the start."""

    at: int
    link: int
    language: str = "de"
    referrer: str = ""
    network: bytes = b"\x54\x96\x01"
    agent: str = CHROME
    kind: int = PERSON
    scan: bool = False
    miss: bool = False
    visitor: int = 1
    """By address and agent; 0 where nobody tells them apart."""


def batch_of(visits: Sequence[Visit], first: int = 0) -> tuple[Records, Rows]:
    """The visits as records and placed, at positions from `first` on."""
    agents = [Sent(each.agent, "") for each in visits]
    origins = [Came(each.language, each.referrer) for each in visits]
    rows, clicks = np.zeros(len(visits), RECORD), np.zeros(len(visits), CLICK)
    places = np.arange(len(visits))
    rows["offset"] = clicks["position"] = places + first
    rows["agent"] = rows["origin"] = places
    clicks["token"] = [[each.visitor] * 2 for each in visits]
    clicks["tokenless"] = [not each.visitor for each in visits]
    clicks["workspace_id"] = clicks["domain_id"] = clicks["link_version"] = 1
    clicks["time_ms"] = [START + each.at for each in visits]
    clicks["link_id"] = [each.link for each in visits]
    clicks["network"] = [packed_network(each.network) for each in visits]
    for name in ("kind", "scan", "miss"):
        clicks[name] = [getattr(each, name) for each in visits]
    return Records(rows, agents, origins), clicks


def suspected(visits: Sequence[Visit], batch: int = 1000) -> set[int]:
    """The places of the clicks that are suspected in the end, seen in batches of that size."""
    suspects, found = Suspects(), set()
    for first in range(0, len(visits), batch):
        seen = suspects.watch(SEGMENT, *batch_of(visits[first : first + batch], first))
        suspects.settle(seen)
        found |= {first + place for place in seen.here}
        assert found.isdisjoint(each.position for each in seen.before)
        found |= {each.position for each in seen.before}
    return found


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_who_follows_five_links_in_two_seconds_is_a_scanner(batch: int) -> None:
    clicks = [Visit(at * 400, link=at) for at in range(5)]
    assert suspected(clicks, batch) == set(range(5))
    assert suspected(clicks[:4], batch) == set()


def test_without_a_language_each_link_may_be_asked_twice() -> None:
    twice = [Visit(at * 100, at // 2, language="") for at in range(10)]
    assert suspected(twice) == set(range(10))
    assert suspected(twice[:8]) == set()


def test_a_crowd_that_began_like_a_scanner_is_people_from_its_first_repeated_link_on() -> None:
    clicks = [Visit(at * 100, at % 6) for at in range(300)]
    assert suspected(clicks) == set(range(6))


def test_what_follows_at_once_is_the_scanner_too_what_comes_later_is_not() -> None:
    clicks = [Visit(at * 400, at) for at in range(5)]
    clicks += [Visit(4000, 9), Visit(4001 + SPAN_MS, 1), Visit(60_000, 2)]
    assert suspected(clicks) == set(range(6))


@pytest.mark.parametrize(
    "clicks",
    [
        [Visit(at * 2000, at) for at in range(9)],  # with time to read
        [Visit(at * 100, at % 4) for at in range(30)],  # one link again and again
        [Visit(at * 100, at, network=bytes((84, 150, at))) for at in range(9)],
        [Visit(at * 100, at, agent=f"{CHROME} Edg/{at}") for at in range(9)],
        [Visit(at * 100, at, referrer="mail.example") for at in range(9)],
        [Visit(at * 100, at, network=b"") for at in range(9)],
        [Visit(at * 100, at, network=bytes((127, 0, 0))) for at in range(9)],
        [Visit(at * 100, at, network=bytes((172, 17, 0))) for at in range(9)],
        [Visit(at * 100, at, network=bytes(6)) for at in range(9)],
    ],
)
def test_people_are_not_suspected(clicks: list[Visit]) -> None:
    assert suspected(clicks) == set()


def test_robots_scans_and_misses_are_not_looked_at() -> None:
    clicks = [Visit(at * 100, at) for at in range(9)]
    for changes in ({"kind": CLASSES.index("robot")}, {"scan": True}, {"miss": True}):
        assert suspected([each._replace(**changes) for each in clicks]) == set()


def test_a_batch_that_is_seen_again_changes_nothing() -> None:
    suspects = Suspects()
    clicks = [Visit(at * 400, at) for at in range(5)]
    for _ in range(3):  # the database was away
        assert suspects.watch(SEGMENT, *batch_of(clicks[:4])) == Suspicion()
    for _ in range(3):
        assert suspects.watch(SEGMENT, *batch_of(clicks)).here == set(range(5))


def test_what_could_not_be_put_right_is_owed() -> None:
    suspects = Suspects()
    clicks = [Visit(at * 400, at) for at in range(6)]
    suspects.watch(SEGMENT, *batch_of(clicks[:4]))
    first = suspects.watch(SEGMENT, *batch_of(clicks[4:5], 4))
    assert {each.position for each in first.before} == {0, 1, 2, 3}
    second = suspects.watch(SEGMENT, *batch_of(clicks[4:], 4))
    assert (second.here, second.before) == ({0, 1}, first.before)
    suspects.settle(second)
    assert suspects.watch(SEGMENT, *batch_of(clicks[4:], 4)) == Suspicion(second.here)


def test_an_office_behind_one_address_is_people_and_scanners_are_found() -> None:
    """A newsletter with eight links: 150 people of one network, three browsers, an hour; and
    forty scanners of other networks.
    """
    chance, links = random.Random(11), range(8)
    people, scanners = [], []
    for _ in range(150):
        at = int(chance.expovariate(1 / 900_000))
        agent = f"{CHROME} Edg/{chance.randrange(3)}"
        for link in chance.sample(links, chance.choice((1, 1, 1, 2, 3))):
            people.append(Visit(at, link, agent=agent))
            at += int(3000 + chance.expovariate(1 / 8000))
    for each in range(40):
        at = chance.randrange(3_600_000)
        for link in links:
            scanners.append(Visit(at, link, network=bytes((9, 9, each))))
            at += chance.randrange(20, 500)
    clicks = sorted((*people, *scanners), key=lambda visit: visit.at)
    found = suspected(clicks, batch=50)
    of_people = {place for place, visit in enumerate(clicks) if visit.network[0] == 84}
    assert len(found & of_people) <= 0.005 * len(people)
    assert len(found - of_people) >= 0.99 * len(scanners)


@pytest.mark.parametrize("links", [8, 20, 100])
@pytest.mark.parametrize("a_second", [0.1, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("told_apart", [True, False])
def test_a_telephone_companys_customers_are_people(
    links: int, a_second: float, told_apart: bool
) -> None:
    """Some hundred addresses of one network with the same browser, each a link or two."""
    chance, at, crowd = random.Random(7), 0, []
    for _ in range(1500):
        at += int(1000 * chance.expovariate(a_second))
        visitor = chance.randrange(1, 257) if told_apart else 0
        crowd.append(Visit(at, chance.randrange(links), visitor=visitor))
    assert len(suspected(crowd, batch=100)) <= 0.015 * len(crowd)


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_a_scanner_of_several_addresses_is_known_by_the_silence_before_it(batch: int) -> None:
    burst = [Visit(400 * at, at, visitor=at % 5) for at in range(6)]
    assert suspected(burst, batch) == set(range(6))
    late = [each._replace(at=each.at + 90_000) for each in burst]
    assert suspected([Visit(0, 3, visitor=9), *late], batch) == set(range(1, 7))
    soon = [each._replace(at=each.at + 30_000) for each in burst]
    assert suspected([Visit(0, 3, visitor=9), *soon], batch) == set()


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_a_scanner_of_one_address_is_found_beside_others_of_its_network(batch: int) -> None:
    before = [Visit(6_000 * at, at, visitor=20 + at) for at in range(20)]
    burst = [Visit(120_000 + 400 * at, at) for at in range(6)]
    assert suspected(before + burst, batch) == set(range(20, 26))


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


@pytest.fixture
def mailing(database: Database, settings: Settings, home: Home) -> list[Click]:
    """A scanner's clicks on the six links of a mailing, in three seconds."""
    with database.transaction() as session:
        touchpoint = make_touchpoint(session, home)
        links = [
            make_link(session, settings, home, f"angebot-{number}", touchpoint).id
            for number in range(6)
        ]
    return [
        Click(
            time_ms=START + 500 * number,
            link_id=link,
            link_version=1,
            domain_id=home.domain_id,
            workspace_id=home.workspace_id,
            network=bytes((84, 150, 1)),
            token=b"s" * 16,
            user_agent=CHROME,
            language="en",
        )
        for number, link in enumerate(links)
    ]


def sums(database: Database, model: type[LinkDay | SuspectedDay]) -> tuple[int, ...]:
    """Clicks, scans, visitors of links, touchpoints and journeys, tokenless."""
    names = ("clicks", "scans", "visitors", "touchpoint_visitors", "journey_visitors", "tokenless")
    with database.reading() as session:
        rows = session.scalars(select(model)).all()
        return tuple(sum(getattr(row, name) for row in rows) for name in names)


def rest(database: Database) -> dict[str, int]:
    """The sums over hours and facets, of people and of suspects."""
    with database.reading() as session:
        return {
            model.__tablename__: sum(row.clicks for row in session.scalars(select(model)))
            for model in (LinkHour, LinkFacet, SuspectedHour, SuspectedFacet)
        }


@pytest.mark.parametrize("first", [0, 1, 4])
def test_clicks_that_were_counted_already_are_counted_apart(
    settings: Settings, database: Database, spool: Spool, mailing: list[Click], first: int
) -> None:
    person = replace(mailing[0], network=bytes((84, 150, 2)), token=b"p" * 16, source=Source.SCAN)
    ingester = Ingester(settings, database)
    spool.append(encode(person))
    for click in mailing[:first]:
        spool.append(encode(click))
    ingester.run_once()
    assert sums(database, LinkDay)[0] == 1 + first
    for click in mailing[first:]:
        spool.append(encode(click))
    ingester.run_once()
    assert sums(database, LinkDay) == (1, 1, 1, 1, 1, 0)
    assert sums(database, SuspectedDay) == (6, 0, 6, 1, 1, 0)
    assert rest(database) == {
        "link_hours": 1,
        "link_facets": 6,
        "suspected_hours": 6,
        "suspected_facets": 36,
    }
    with database.reading() as session:
        kinds = sorted(session.scalars(select(ClickRow.click_class)))
    assert kinds == [PERSON, *[SUSPECTED] * 6]
    found = audit(settings, database)
    assert (found.accepted, found.ingested, found.difference) == (7, 7, 0)
    # A suspicion outlasts what the user agent says.
    assert reclassify(settings, database, lambda done, total: None).changed == 0


def test_after_a_restart_the_scanner_is_only_half_known_and_nothing_is_lost(
    settings: Settings, database: Database, spool: Spool, mailing: list[Click]
) -> None:
    for click in mailing[:3]:
        spool.append(encode(click))
    Ingester(settings, database).run_once()
    for click in mailing[3:]:
        spool.append(encode(click))
    Ingester(settings, database).run_once()
    assert sums(database, LinkDay)[0] + sums(database, SuspectedDay)[0] == 6
    assert audit(settings, database).difference == 0


def test_a_report_counts_suspects_as_scanners_or_as_clicks(
    settings: Settings, database: Database, spool: Spool, mailing: list[Click], home: Home
) -> None:
    robot = replace(mailing[0], user_agent="Mimecast", network=bytes((9, 9, 9)))
    person = replace(mailing[1], network=bytes((84, 150, 2)), token=b"p" * 16)
    for click in (robot, person, *mailing):
        spool.append(encode(click))
    Ingester(settings, database).run_once()
    day = NOW.date()
    with database.reading() as session:
        asked = {"first": day, "last": day, "now": NOW}
        apart = touchpoint_report(session, home.actor, **asked)
        counted = touchpoint_report(session, home.actor, suspects=True, **asked)
        of_link = [
            link_report(session, home.actor, str(person.link_id), suspects=each, **asked)
            for each in (False, True)
        ]
        row = apart.touchpoints[0]
        of_touchpoint = [
            touchpoint_detail(session, home.actor, str(row.id), suspects=each, **asked)
            for each in (False, True)
        ]
        days = [
            total(trend_of(session, home.actor, None, apart.period, NOW, suspects=each).days)
            for each in (False, True)
        ]
    assert (apart.totals.clicks, apart.totals.scanners, apart.totals.visitors) == (1, 7, 1)
    assert (counted.totals.clicks, counted.totals.scanners, counted.totals.visitors) == (7, 1, 2)
    assert [each.clicks for each in days] == [1, 7]
    for report, clicks, scanners in ((of_link[0], 1, 1), (of_link[1], 2, 0)):
        assert (report.totals.clicks, report.totals.scanners) == (clicks, scanners)
        parts = (report.days, report.hours, report.countries, report.devices, report.languages)
        assert [sum(each.clicks for each in part) for part in parts] == [clicks] * 5
    for detail, clicks in ((of_touchpoint[0], 1), (of_touchpoint[1], 7)):
        assert (detail.row.clicks, detail.totals.clicks, detail.undivided) == (clicks, clicks, 0)
        assert sum(each.clicks for each in detail.hours) == clicks
        assert sum(each.clicks for each in detail.links) == clicks


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_write_that_fails_while_the_next_batch_is_prepared_costs_and_doubles_nothing(
    settings: Settings,
    database: Database,
    spool: Spool,
    mailing: list[Click],
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
) -> None:
    for name in ("FIRST_BATCH", "SMALLEST_BATCH", "LARGEST_BATCH"):
        monkeypatch.setattr(ingest, name, 3)
    people = [
        replace(mailing[0], network=bytes((84, 151, at)), token=bytes((at,)) * 16)
        for at in range(6)
    ]
    for click in (*people[:2], *mailing, *people[2:]):
        spool.append(encode(click))
    written = 0

    def refuse(*said: Any) -> None:
        nonlocal written
        written += "INSERT INTO accepted_days" in said[2]
        if written == failing:
            written += 1
            raise OperationalError(said[2], None, OSError("the disk is full"))

    ingester = Ingester(settings, database)
    event.listen(database.engine, "before_cursor_execute", refuse)
    with pytest.raises(OperationalError):
        ingester.run_once()
    ingester.run_once()
    event.remove(database.engine, "before_cursor_execute", refuse)
    assert sums(database, LinkDay) == (6, 0, 6, 6, 6, 0)
    assert sums(database, SuspectedDay)[0] == 6
    assert rest(database)["link_hours"] == 6
    assert audit(settings, database).difference == 0
