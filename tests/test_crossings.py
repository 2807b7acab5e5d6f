"""Who was at which stages on one day: batch by batch as if all clicks were known at once."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
import pytest
from cast import NOW, Home, make_home
from sqlalchemy import select

from linkservice.clicks import crossings
from linkservice.clicks.counted import Counted, seen
from linkservice.clicks.model import CLASSES, StageDay
from linkservice.clicks.placing import CLICK, PERSON, SUSPECTED
from linkservice.clicks.reading import Rows
from linkservice.config import Settings
from linkservice.database import Database
from linkservice.journeys.manage import create_journey
from linkservice.journeys.stages import create_stage
from linkservice.journeys.touchpoints import NewTouchpoint, create_touchpoint

ROBOT = CLASSES.index("robot")
DAY = date(2026, 11, 20)


class Place(NamedTuple):
    """A touchpoint and where it stands."""

    journey_id: int
    stage_id: int
    touchpoint_id: int


class Visit(NamedTuple):
    """A click that led somewhere, as what it was counted."""

    place: Place
    visitor: int
    kind: int
    day: date
    tokenless: bool = False


@pytest.fixture
def home(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


@pytest.fixture
def places(database: Database, home: Home) -> list[Place]:
    """Two journeys of three stages with two touchpoints each."""
    found = []
    with database.transaction() as session:
        for name in ("Switch", "Stay"):
            journey = create_journey(session, home.actor, name, NOW).journey
            for number in range(3):
                stage = create_stage(session, home.actor, str(journey.id), f"Stage {number}", NOW)
                for which in range(2):
                    new = NewTouchpoint(str(stage.id), f"T {which}", "poster", "physical", "paid")
                    made = create_touchpoint(session, home.actor, new, NOW)
                    found.append(Place(journey.id, stage.id, made.id))
    return found


def rows_of(visits: Sequence[Visit], workspace_id: int) -> Rows:
    clicks = np.zeros(len(visits), CLICK)
    clicks["workspace_id"] = workspace_id
    clicks["day"] = [visit.day.toordinal() for visit in visits]
    clicks["kind"] = [visit.kind for visit in visits]
    clicks["tokenless"] = [visit.tokenless for visit in visits]
    clicks["link_id"] = clicks["touchpoint_id"] = [visit.place.touchpoint_id for visit in visits]
    clicks["journey_id"] = [visit.place.journey_id for visit in visits]
    tokens = [(0, 0) if visit.tokenless else (visit.visitor, 7) for visit in visits]
    clicks["token"] = tokens
    return clicks


def ingest(database: Database, home: Home, counted: Counted, visits: Sequence[Visit]) -> None:
    clicks = rows_of(visits, home.workspace_id)
    marks = np.zeros(len(clicks), np.int64)
    with database.writing_connection() as connection:
        counting = counted.within(connection)
        counting.add(seen(clicks), marks)
        crossings.count(connection, clicks, marks, counting)
    counted.remember(counting.added)


def turn(
    database: Database, home: Home, counted: Counted, visits: Sequence[Visit], kind: int
) -> list[Visit]:
    """What these clicks were counted as turns out to be something else."""
    now = [visit._replace(kind=kind) for visit in visits]
    before, after = rows_of(visits, home.workspace_id), rows_of(now, home.workspace_id)
    fresh = np.zeros(len(after), np.int64)
    with database.writing_connection() as connection:
        counting = counted.within(connection)
        counting.add(seen(after), fresh)
        crossings.count_again(connection, before, after, fresh, counting)
    counted.remember(counting.added)
    return now


def stored(database: Database) -> Counter[tuple[date, int, int]]:
    with database.reading() as session:
        rows = session.scalars(select(StageDay)).all()
    assert all(row.visitors >= 0 for row in rows)
    return +Counter({(row.local_date, row.stage_id, row.other_id): row.visitors for row in rows})


def expected(visits: Sequence[Visit]) -> Counter[tuple[date, int, int]]:
    """The same from all clicks at once: whoever is no person somewhere counts nowhere."""
    stages, away = defaultdict(set), set()
    for visit in visits:
        if not visit.tokenless:
            who = visit.day, visit.place.journey_id, visit.visitor
            if visit.kind == PERSON:
                stages[who].add(visit.place.stage_id)
            elif visit.kind == SUSPECTED:
                away.add(who)
    return Counter(
        (who[0], *pair)
        for who, there in stages.items()
        if who not in away
        for pair in combinations_with_replacement(sorted(there), 2)
    )


def crowd(chance: random.Random, places: Sequence[Place], count: int) -> Iterator[Visit]:
    for _ in range(count):
        visitor = chance.randrange(1, 40)
        kind = ROBOT if visitor % 7 == 0 else SUSPECTED if visitor % 11 == 0 else PERSON
        yield Visit(
            chance.choice(places),
            visitor,
            PERSON if kind == SUSPECTED and chance.random() < 0.5 else kind,
            date(2026, 11, chance.randrange(20, 22)),
            chance.random() < 0.1,
        )


def test_batches_of_two_ingesters_count_as_all_clicks_at_once(
    database: Database, home: Home, places: list[Place]
) -> None:
    chance, visits = random.Random(4), list[Visit]()
    ingesters = [Counted(), Counted()]
    for size in (1, 2, 3, 5, 8, 40, 1, 120, 1, 1):
        batch = list(crowd(chance, places, size))
        ingest(database, home, chance.choice(ingesters), batch)
        visits += batch
        assert stored(database) == expected(visits)
    assert len({key for key in stored(database) if key[1] != key[2]}) > 10


def test_who_turns_out_to_be_a_robot_is_taken_away_and_comes_back(
    database: Database, home: Home, places: list[Place]
) -> None:
    chance, counted = random.Random(5), Counted()
    visits = list(crowd(chance, places, 150))
    ingest(database, home, counted, visits)
    right = stored(database)
    people = [each for each in visits if each.kind == PERSON and each.visitor % 3 == 0]
    others = [each for each in visits if each not in people]
    for _ in range(3):
        robots = turn(database, home, Counted(), people, ROBOT)
        assert stored(database) == expected(others) != right
        people = turn(database, home, counted, robots, PERSON)
        assert stored(database) == right
    turn(database, home, counted, people, SUSPECTED)
    assert stored(database) == expected(others)


def test_robots_that_were_people_all_along_are_counted_once(
    database: Database, home: Home, places: list[Place]
) -> None:
    counted = Counted()
    visits = [Visit(place, 3, ROBOT, DAY) for place in places[:4] for _ in range(2)]
    ingest(database, home, counted, visits)
    assert stored(database) == Counter()
    people = turn(database, home, counted, visits[:3], PERSON)
    people += turn(database, home, counted, visits[3:], PERSON)
    assert stored(database) == expected(people)


def test_what_is_rolled_back_was_never_known(
    database: Database, home: Home, places: list[Place]
) -> None:
    counted, visit = Counted(), Visit(places[0], 3, PERSON, DAY)
    clicks, marks = rows_of([visit], home.workspace_id), np.zeros(1, np.int64)
    with database.engine.connect() as connection:
        counting = counted.within(connection)
        counting.add(seen(clicks), marks)
        crossings.count(connection, clicks, marks, counting)
        assert counting.lacks(DAY, seen(clicks)[0].keys).tolist() == [False] * 3
        connection.rollback()
    ingest(database, home, Counted(), [Visit(places[1], 4, PERSON, DAY)])
    ingest(database, home, counted, [visit])
    assert stored(database) == {(DAY, places[0].stage_id, places[0].stage_id): 2}
