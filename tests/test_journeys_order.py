"""The order of stages and touchpoints: what moves, what is renumbered, where one step leads."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest
from cast import NOW, Home, make_home, make_touchpoint
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from linkservice.config import Settings
from linkservice.database import Database
from linkservice.errors import Conflict, Forbidden, Invalid, NotFound
from linkservice.journeys.manage import (
    Direction,
    JourneyMap,
    Place,
    create_journey,
    journey_map,
    neighbours,
)
from linkservice.journeys.stages import change_stage, create_stage, delete_stage
from linkservice.journeys.touchpoints import (
    NewTouchpoint,
    change_touchpoint,
    create_touchpoint,
    delete_touchpoint,
    duplicate_touchpoint,
    move_touchpoint,
    one_touchpoint,
)
from linkservice.workspaces.access import Actor


@dataclass(frozen=True)
class Map:
    """A journey whose touchpoints are single letters; ids by letter."""

    home: Home
    journey_id: str
    stages: list[str]
    ids: dict[str, str]

    @property
    def actor(self) -> Actor:
        return self.home.actor

    def found(self, session: Session) -> JourneyMap:
        return journey_map(session, self.actor, self.journey_id)

    def shape(self, session: Session) -> list[str]:
        """The letters of each stage; every position is the place in the order."""
        found = self.found(session)
        assert [stage.position for stage, _ in found.stages] == list(range(len(found.stages)))
        for _, touchpoints in found.stages:
            assert [each.position for each in touchpoints] == list(range(len(touchpoints)))
        return ["".join(each.name for each in touchpoints) for _, touchpoints in found.stages]

    def move(self, session: Session, letter: str, stage: int, position: int) -> list[str]:
        move_touchpoint(session, self.actor, self.ids[letter], self.stages[stage], position, NOW)
        return self.shape(session)


def make_map(session: Session, home: Home, *columns: str) -> Map:
    journey_id = str(create_journey(session, home.actor, "Kauf", NOW).journey.id)
    stages, ids = [], {}
    for column in columns:
        stages.append(str(create_stage(session, home.actor, journey_id, "Phase", NOW).id))
        for letter in column:
            new = NewTouchpoint(stages[-1], letter, "poster", "physical", "paid")
            ids[letter] = str(create_touchpoint(session, home.actor, new, NOW).id)
    return Map(home, journey_id, stages, ids)


@pytest.fixture
def ada(database: Database, settings: Settings) -> Home:
    with database.transaction() as session:
        return make_home(session, settings)


def test_a_touchpoint_moves_within_its_stage(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = make_map(session, ada, "abcd")
        assert made.move(session, "a", 0, 2) == ["bcad"]
        assert made.move(session, "d", 0, 0) == ["dbca"]
        assert made.move(session, "b", 0, 99) == ["dcab"]
        assert made.move(session, "c", 0, 1) == ["dcab"]


def test_a_touchpoint_moves_to_another_stage(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = make_map(session, ada, "abc", "xy", "")
        assert made.move(session, "b", 1, 1) == ["ac", "xby", ""]
        assert made.move(session, "a", 2, 5) == ["c", "xby", "a"]
        assert made.move(session, "c", 1, 0) == ["", "cxby", "a"]


def test_a_change_may_move_it_too(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = make_map(session, ada, "abc", "xy")
        change_touchpoint(session, ada.actor, made.ids["c"], {"position": 0, "name": "C"}, NOW)
        assert made.shape(session) == ["Cab", "xy"]
        change_touchpoint(session, ada.actor, made.ids["a"], {"stage_id": made.stages[1]}, NOW)
        assert made.shape(session) == ["Cb", "xya"]
        change_touchpoint(session, ada.actor, made.ids["x"], {"stage_id": made.stages[1]}, NOW)
        assert made.shape(session) == ["Cb", "xya"]


def test_a_wrong_change_moves_nothing(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = make_map(session, ada, "abc")
        with pytest.raises(Invalid) as error:
            change_touchpoint(
                session, ada.actor, made.ids["c"], {"position": -1, "name": " ", "kind": "x"}, NOW
            )
        assert {problem.field for problem in error.value.problems} == {"position", "name", "kind"}
        assert made.shape(session) == ["abc"]


def test_a_touchpoint_moves_only_within_its_journey(
    database: Database, settings: Settings, ada: Home
) -> None:
    vera = Actor(ada.workspace_id, "vera", frozenset({"journeys:read"}))
    with database.transaction() as session:
        cleo = make_home(session, settings, host="go.cleo.example")
        made, other = make_map(session, ada, "ab"), make_map(session, ada, "x")
        foreign = make_map(session, cleo, "z")
        with pytest.raises(Conflict, match="another journey"):
            move_touchpoint(session, ada.actor, made.ids["a"], other.stages[0], 0, NOW)
        for stage_id in (foreign.stages[0], "", "\ud800"):
            with pytest.raises(NotFound, match="stage_id"):
                move_touchpoint(session, ada.actor, made.ids["a"], stage_id, 0, NOW)
        with pytest.raises(NotFound):
            move_touchpoint(session, cleo.actor, made.ids["a"], made.stages[0], 1, NOW)
        with pytest.raises(Forbidden):
            move_touchpoint(session, vera, made.ids["a"], made.stages[0], 1, NOW)
        assert made.shape(session) == ["ab"]


def test_what_is_deleted_leaves_no_gap(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = make_map(session, ada, "abc", "x", "")
        delete_touchpoint(session, ada.actor, made.ids["a"], NOW)
        delete_stage(session, ada.actor, made.stages[1], NOW)
        assert made.shape(session) == ["bc", ""]
        create_stage(session, ada.actor, made.journey_id, "letzte", NOW)
        new = NewTouchpoint(made.stages[0], "d", "poster", "physical", "paid")
        create_touchpoint(session, ada.actor, new, NOW)
        assert made.shape(session) == ["bcd", "", ""]


def test_a_copy_stands_behind_its_original(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = make_map(session, ada, "abc")
        change_touchpoint(
            session, ada.actor, made.ids["a"], {"moment_of_truth": True, "target_rate": 0.5}, NOW
        )
        copy = duplicate_touchpoint(session, ada.actor, made.ids["a"], "A", NOW)
        assert made.shape(session) == ["aAbc"]
        assert (copy.channel, copy.moment_of_truth, copy.target_rate) == ("poster", True, 0.5)
        with pytest.raises(Invalid, match="name"):
            duplicate_touchpoint(session, ada.actor, made.ids["a"], " ", NOW)
        assert made.shape(session) == ["aAbc"]


def test_one_step_leads_where_there_is_a_place(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = make_map(session, ada, "ab", "", "xyz")
        found, (first, second, third) = made.found(session), made.stages
        assert neighbours(found, made.ids["a"]) == {
            "down": Place(first, 1),
            "right": Place(second, 0),
        }
        assert neighbours(found, made.ids["y"]) == {
            "up": Place(third, 0),
            "down": Place(third, 2),
            "left": Place(second, 0),
        }
        assert neighbours(found, "0") == {}


def test_stages_move_by_their_place(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = make_map(session, ada, "a", "b", "c")
        change_stage(session, ada.actor, made.stages[2], {"position": 1}, NOW)
        assert made.shape(session) == ["a", "c", "b"]
        change_stage(session, ada.actor, made.stages[0], {"position": 100_000}, NOW)
        assert made.shape(session) == ["c", "b", "a"]


STEPS = st.lists(
    st.tuples(st.sampled_from("abcxy"), st.sampled_from(("up", "down", "left", "right"))),
    max_size=12,
)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_step_and_the_step_back_change_nothing(database: Database, ada: Home) -> None:
    back: dict[Direction, Direction] = {"up": "down", "down": "up"}

    @hypothesis_settings(max_examples=20)
    @given(STEPS)
    def walk(steps: list[tuple[str, Direction]]) -> None:
        with database.transaction() as session:
            made = make_map(session, ada, "abc", "xy")
            for letter, direction in steps:
                before = made.shape(session)
                place = neighbours(made.found(session), made.ids[letter]).get(direction)
                if place is None:
                    continue
                move_touchpoint(
                    session, ada.actor, made.ids[letter], place.stage_id, place.position, NOW
                )
                assert sorted("".join(made.shape(session))) == list("abcxy")
                assert made.shape(session) != before
                if direction in back:
                    place = neighbours(made.found(session), made.ids[letter])[back[direction]]
                    undone = made.move(
                        session, letter, made.stages.index(place.stage_id), place.position
                    )
                    assert undone == before
            session.rollback()

    walk()


def test_two_who_move_at_once_leave_one_order(database: Database, ada: Home) -> None:
    with database.transaction() as session:
        made = make_map(session, ada, "abcdef", "uvwxyz")
    start = threading.Barrier(4)

    def shuffle(letters: str) -> None:
        start.wait(timeout=10)
        for number, letter in enumerate(letters):
            with database.transaction() as session:
                stage_id = made.stages[number % 2]
                move_touchpoint(session, ada.actor, made.ids[letter], stage_id, number, NOW)

    threads = [
        threading.Thread(target=shuffle, args=(letters,))
        for letters in ("abcxyz", "zyxcba", "adbecf", "uxvywz")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.transaction() as session:
        assert sorted("".join(made.shape(session))) == list("abcdefuvwxyz")


def test_cleo_finds_no_touchpoint_to_copy(
    database: Database, settings: Settings, ada: Home
) -> None:
    with database.transaction() as session:
        cleo = make_home(session, settings, host="go.cleo.example").actor
        poster = make_touchpoint(session, ada)
        with pytest.raises(NotFound):
            duplicate_touchpoint(session, cleo, poster, "Kopie", NOW)
        assert one_touchpoint(session, ada.actor, poster).position == 0
